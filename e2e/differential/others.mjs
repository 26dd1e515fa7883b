// Cases for what is not the usual: revision 3 with JSONP, MessagePack, recovery, short heartbeats, requests that overlap,
// compressed responses.

import notepack from 'notepack.io';
import { formBody } from './forms.mjs';
import { connect, namespaces } from './packets.mjs';
import { frames, frameStep, headers, message } from './parts.mjs';

const latin1 = (bytes) => Buffer.from(bytes).toString('latin1');

// Revision 3.

// payload3 renders packets in one of the framings. A packet is text, or a list of bytes.
function payload3(r, packets) {
  if (packets.some(Array.isArray) && r.chance(0.5)) {
    const parts = packets.map((packet) => {
      const data = Array.isArray(packet) ? Buffer.from([4, ...packet]) : Buffer.from(r.chance(0.5) ? packet : latin1(Buffer.from(packet)), r.chance(0.9) ? 'latin1' : 'utf8');
      const digits = [...String(r.chance(0.97) ? data.length : data.length + 1)].map(Number);
      return Buffer.concat([Buffer.from([Array.isArray(packet) ? 1 : 0, ...digits, 255]), data]);
    });
    const body = Buffer.concat(parts);
    return { body: latin1(r.chance(0.95) ? body : body.subarray(0, r.int(body.length))), latin1: true, headers: { 'Content-Type': 'application/octet-stream' } };
  }
  const texts = packets.map((packet) => (Array.isArray(packet) ? `b4${Buffer.from(packet).toString('base64')}` : packet));
  const body = texts.map((text) => `${r.chance(0.98) ? text.length : r.pick([text.length + 1, text.length - 1, '', '01', '1e0', '-1'])}:${text}`).join('');
  return { body: r.chance(0.98) ? body : `${body}${r.pick(['1', 'x', ':', '0:', '1:'])}`, headers: {} };
}

const odd3 = ['0', '1', '2', '2probe', '3', '5', '6', '7', 'x', '', 'b4AQ==', 'b2', 'b', '4', '4é😀'];

function packets3(r) {
  const packets = [];
  for (let n = r.pick([1, 1, 2, 3]); n > 0; n--) {
    const made = message(r);
    packets.push(`4${made.text}`, ...(made.binary ?? []));
  }
  if (r.chance(0.12)) packets.splice(r.int(packets.length + 1), 0, r.pick(odd3));
  return packets;
}

const said = (packets) => packets.map((packet) => (Array.isArray(packet) ? `b${Buffer.from(packet).toString('base64')}` : packet));

function post3(r, jsonp) {
  const packets = packets3(r);
  const step = { op: 'post', ...payload3(r, packets), said: said(packets) };
  if (!jsonp || step.latin1) return step;
  const body = r.chance(0.9) ? formBody(step.body) : r.pick([`d=${step.body}`, `e=1&${formBody(step.body)}`, 'e=1', 'd=', `${formBody(step.body)}&d=2:40`, formBody(step.body).replaceAll('%20', '+'), 'd=%zz']);
  return { ...step, body, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
}

function open3(r) {
  const jsonp = r.chance(0.3);
  const target = `/socket.io/?EIO=3&transport=polling${r.pick(['', '&b64=1', '&t=x'])}${jsonp ? `&j=${r.pick(['0', '12', '%225a', ''])}` : ''}`;
  return { jsonp, step: { op: 'open', target, headers: headers(r, 'GET') } };
}

function polling3(r) {
  const { jsonp, step } = open3(r);
  const steps = [step];
  if (r.chance(0.3)) {
    const text = connect(r, r.pick([...namespaces, '/custom?a=1&b=%20']));
    steps.push({ op: 'post', ...payload3(r, [text]), ...(jsonp && { body: formBody(`${text.length}:${text}`), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }), said: [text] });
  }
  for (let n = 1 + r.int(4); n > 0; n--) steps.push(post3(r, jsonp));
  return steps;
}

// Binary messages of revision 3 begin with their type.
const frames3 = (r) => frames(r).map(([op, text, odd = {}]) => [op, op === 2 ? `${r.chance(0.95) ? '\x04' : r.pick(['', '\x02', '4', '\x09'])}${text}` : text, odd]);

function websocket3(r) {
  const steps = [{ op: 'ws', target: `/socket.io/?EIO=3&transport=websocket${r.pick(['', '', '&b64=1'])}`, headers: {} }];
  if (r.chance(0.3)) steps.push(frameStep([[1, Buffer.from(connect(r)).toString('latin1'), {}]]));
  for (let n = 1 + r.int(5); n > 0; n--) steps.push(frameStep(r.chance(0.1) ? [[1, Buffer.from(r.pick(odd3)).toString('latin1'), {}]] : frames3(r)));
  return steps;
}

function upgrading3(r) {
  const { jsonp, step } = open3(r);
  const steps = [step, { op: 'upgrade', query: `EIO=3&transport=websocket${r.pick(['', '&b64=1'])}` }];
  for (let n = r.int(3); n > 0; n--) steps.push(r.chance(0.7) ? frameStep([[1, '2probe', {}]]) : post3(r, jsonp));
  if (r.chance(0.9)) steps.push(frameStep([[1, '5', {}]]));
  for (let n = 1 + r.int(3); n > 0; n--) steps.push(frameStep(frames3(r)));
  return steps;
}

// MessagePack.

// Not in the auth payload: what handlers get of binary there depends on the language.
const values = [null, true, 0, -1, 1.5, 2 ** 40, 'a', 'é€😀', 'x'.repeat(200), [], [1, ['x']], {}, { a: { b: 1 } }, Buffer.from([0, 255]), undefined];

function packed(r) {
  const type = r.pick([0, 1, 2, 2, 2, 2, 2, 3, 4, 5, -1, '2']);
  const nsp = r.pick(['/', '/', '/', '/', '/custom', '/nothing', '/é', undefined, 1, '']);
  const args = [r.pick(['echo', 'echo', 'echo', 'nobody listens', 'connect', 7, null]), ...Array.from({ length: r.int(4) }, () => r.pick(values))];
  const data = {
    0: () => r.pick([undefined, {}, { user: r.pick(values.filter((value) => !Buffer.isBuffer(value))) }, { token: 'secret' }, null, [], 'x']),
    1: () => r.pick([undefined, undefined, null, 'x']),
    2: () => (r.chance(0.95) ? args : r.pick([undefined, {}, 'x', []])),
    3: () => args.slice(1),
    4: () => r.pick(['x', { message: 'x' }, undefined]),
  };
  const made = { type, ...(r.chance(0.97) && { nsp }), ...(data[type] && { data: data[type]() }) };
  if (r.chance(0.3)) made.id = r.pick([0, 7, 2 ** 33, -1, 1.5, '1', null]);
  return r.chance(0.97) ? made : r.pick([null, [], 'x', 1, { ...made, more: true }]);
}

function bytesOf(r) {
  const bytes = notepack.encode(packed(r));
  if (r.chance(0.94)) return bytes;
  const at = r.int(bytes.length);
  return r.pick([bytes.subarray(0, at), Buffer.concat([bytes, Buffer.from([0xc1])]), Buffer.concat([bytes.subarray(0, at), Buffer.from([r.int(256)]), bytes.subarray(at + 1)])]);
}

const join = notepack.encode({ type: 0, nsp: '/' });

function packedWebSocket(r) {
  const steps = [{ op: 'ws', target: '/socket.io/?EIO=4&transport=websocket', headers: {} }];
  if (r.chance(0.9)) steps.push(frameStep([[2, latin1(join), {}]]));
  for (let n = 1 + r.int(5); n > 0; n--) steps.push(frameStep([r.chance(0.97) ? [2, latin1(bytesOf(r)), {}] : [1, '42["echo"]', {}]]));
  return steps;
}

function packedPolling(r) {
  const post = (list) => ({ op: 'post', body: list.map((bytes) => `b${bytes.toString('base64')}`).join('\x1e'), said: [] });
  const steps = [{ op: 'open', target: '/socket.io/?EIO=4&transport=polling', headers: {} }];
  if (r.chance(0.9)) steps.push(post([join]));
  for (let n = 1 + r.int(4); n > 0; n--) steps.push(post(Array.from({ length: r.pick([1, 1, 2]) }, () => bytesOf(r))));
  return steps;
}

// Recovery.

function recovering(r) {
  const ws = { op: 'ws', target: '/socket.io/?EIO=4&transport=websocket', headers: {} };
  const say = (...texts) => frameStep(texts.map((text) => [1, text, {}]));
  const steps = [ws, say(`40${r.pick(['', '{}', '{"user":1}'])}`)];
  const enter = '4290["ctl",{"op":"join","rooms":["{room}"]}]';
  if (r.chance(0.9)) steps.push(say(enter));
  let n = 0;
  for (let i = r.int(3); i > 0; i--) steps.push({ op: 'news', n: n++ }, say('421["echo"]'));
  if (r.chance(0.1)) steps.push(say('41'), say('40'));
  for (let lives = r.pick([1, 1, 1, 2]); lives > 0; lives--) {
    if (r.chance(0.95)) steps.push({ op: 'hangup' });
    for (let i = r.int(4); i > 0; i--) steps.push({ op: 'news', n: n++ });
    const offset = r.pick(['{offset0}', '{offset0}', '{offset0}', '{offset1}', '{offset2}', 'nonsense1', '', undefined, 7, null]);
    const pid = r.chance(0.85) ? '{pid0}' : r.pick(['nonsense', '', '{id0}', undefined, 1, '{pid1}']);
    steps.push(ws, say(`40${JSON.stringify({ pid, offset })}`), { op: 'news', n: n++ }, say('421["echo"]'), say('422["ctl",{"op":"rooms"}]'));
  }
  return steps;
}

// Short heartbeats, and other handlers.

function protocol(r) {
  const events = () => r.pick([`42["message"${r.pick(['', ',1', ',"a",{"b":[true]}', ',null'])}]`, `425["message-with-ack",${r.int(9)}]`, '42/custom,["message"]', '41', '41/custom,', '40/custom,', '40/x,', '421["message-with-ack"]', '42["message']);
  if (r.chance(0.5)) {
    const steps = [{ op: 'ws', target: '/socket.io/?EIO=4&transport=websocket', headers: {} }, frameStep([[1, `40${r.pick(['', '{"a":1}', '{"a":1}'])}`, {}]])];
    for (let n = r.int(4); n > 0; n--) steps.push(frameStep([[1, events(), {}]]));
    return steps;
  }
  const steps = [{ op: 'open', target: '/socket.io/?EIO=4&transport=polling', headers: {} }, { op: 'post', body: '40{"a":1}' }];
  for (let n = r.int(4); n > 0; n--) steps.push({ op: 'post', body: events() });
  return steps;
}

// Requests that wait, and requests at once.

const held = ['420["echo",1]', '42["echo","a"]', '42["echo"', '44', '42/nothing,["x"]', '1', '40/nothing,', 'x', '2', '4'];

function overlapping(r) {
  const steps = [{ op: 'open', target: '/socket.io/?EIO=4&transport=polling', headers: {} }, { op: 'post', body: '40' }];
  for (let n = r.int(3); n > 0; n--) steps.push({ op: 'hold', body: r.pick(held.slice(0, 2)) });
  switch (r.int(6)) {
    case 0:
      return [...steps, { op: 'overlap', method: 'GET' }];
    case 1:
      return [...steps, { op: 'overlap', method: 'POST' }];
    case 2:
      return [...steps, { op: 'park' }, { op: 'hangup' }];
    case 3: {
      const up = { op: 'upgrade', query: 'EIO=4&transport=websocket' };
      const probe = frameStep([[1, '2probe', {}]]);
      return [...steps, { op: 'park' }, up, probe, { op: 'parked' }, frameStep([[1, '5', {}]]), frameStep([[1, '420["echo"]', {}]])];
    }
    default:
      return [...steps, { op: 'hold', body: r.pick(held) }, { op: 'post', body: '420["echo",2]' }];
  }
}

const codings = ['gzip', 'deflate', 'gzip, deflate', 'deflate, gzip', 'br', '*', 'gzip;q=0', 'identity', 'deflate;q=0.5, gzip;q=0.4', 'gzip;q=0, *', '', 'GZIP', 'x-gzip', 'identity;q=0', 'gzip;q=0.5;x, deflate'];

function encoded(r) {
  const steps = [{ op: 'open', target: '/socket.io/?EIO=4&transport=polling', headers: { 'Accept-Encoding': r.pick(codings) } }, { op: 'post', body: '40' }];
  for (let n = 1 + r.int(3); n > 0; n--) {
    const size = r.pick([1, 900, 1001, 1010, 1011, 1012, 1013, 1020, 1024, 3000, 50_000]);
    steps.push({ op: 'hold', body: `42["echo",${JSON.stringify(r.pick(['x', 'é', 'ab']).repeat(size)).slice(0, size)}"]`, headers: { 'Accept-Encoding': r.pick(codings) } });
  }
  return steps;
}

export const others = {
  polling3: { server: 'eio3', weight: 4, steps: polling3 },
  websocket3: { server: 'eio3', weight: 2, steps: websocket3 },
  upgrading3: { server: 'eio3', weight: 2, steps: upgrading3 },
  packedWebSocket: { server: 'msgpack', weight: 2, steps: packedWebSocket },
  packedPolling: { server: 'msgpack', weight: 1, steps: packedPolling },
  recovering: { server: 'recovery', weight: 1, steps: recovering },
  protocol: { server: 'sio', weight: 1, steps: protocol },
  overlapping: { server: 'parity', weight: 2, steps: overlapping },
  encoded: { server: 'parity', weight: 1, steps: encoded },
};
