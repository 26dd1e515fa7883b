// Cases: sequences of steps that a player takes against a server. Each is plain data, so that it can be printed, shrunk
// and played again.

import { connect, damage, packet } from './packets.mjs';
import { Random } from './random.mjs';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key };

const paths = ['/socket.io/', '/socket.io/', '/socket.io/', '/socket.io/', '/socket.io/x', '/socket.io', '/socket.ioo/', '/SOCKET.IO/', '/%73ocket.io/'];
const methods = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'];

// maybe picks a parameter: most often what is right.
function maybe(r, name, right, others) {
  const value = r.chance(0.7) ? right : r.pick(others);
  return value === undefined ? [] : [`${name}=${value}`];
}

function query(r) {
  const params = [
    ...maybe(r, 'EIO', '4', [undefined, '3', '5', '', '04', '4.0', '%34', '4&EIO=3', '3&EIO=4']),
    ...maybe(r, 'transport', r.chance(0.8) ? 'polling' : 'websocket', [undefined, '', 'webtransport', 'constructor', '__proto__', 'POLLING', 'poll%69ng', 'polling,', 'polling&transport=x']),
    ...maybe(r, 'sid', undefined, ['x', '', '__proto__', 'AAAAAAAAAAAAAAAAAAAA', '%00', '%zz']),
    ...maybe(r, 't', undefined, ['abc', '%E4', '+', 'a%20b']),
    ...maybe(r, 'b64', undefined, ['1', '']),
    ...maybe(r, 'x', undefined, ['%C3%A9', '1&x=2', '=']),
  ];
  if (r.chance(0.2)) params.reverse();
  return params.length || r.chance(0.9) ? `?${params.join(r.chance(0.03) ? '&&' : '&')}` : '';
}

function headers(r, method) {
  const chosen = {};
  if (r.chance(0.2)) chosen.Origin = r.pick(['http://a.example', 'null', 'https://b.example:8443', 'x']);
  if (r.chance(0.1)) chosen['User-Agent'] = r.pick(['Mozilla/4.0 (compatible;MSIE 9.0)', 'x Trident/7.0', 'curl']);
  if (r.chance(0.1)) chosen.Connection = r.pick(['close', 'keep-alive', 'Close', 'keep-alive, x']);
  if (r.chance(0.1)) chosen.Cookie = r.pick(['io=x', 'a=b; c=d', '']);
  if (method === 'OPTIONS' && r.chance(0.7)) {
    chosen['Access-Control-Request-Method'] = r.pick(['GET', 'POST']);
    if (r.chance(0.5)) chosen['Access-Control-Request-Headers'] = r.pick(['content-type', 'x-a, x-b']);
  }
  return chosen;
}

function upgradeHeaders(r) {
  const chosen = { ...upgrade };
  if (r.chance(0.25)) delete chosen[r.pick(Object.keys(chosen))];
  if (r.chance(0.15)) chosen['Sec-WebSocket-Version'] = r.pick(['8', '12', '14', 'x', '13, 8']);
  if (r.chance(0.15)) chosen['Sec-WebSocket-Key'] = r.pick(['', 'short', `${key}=`, 'dGhlIHNhbXBsZSBub25jZ!==']);
  if (r.chance(0.15)) chosen.Upgrade = r.pick(['WebSocket', 'h2c', 'websocket, h2c', '']);
  if (r.chance(0.15)) chosen.Connection = r.pick(['upgrade', 'keep-alive, Upgrade', 'keep-alive', 'close']);
  if (r.chance(0.15)) chosen['Sec-WebSocket-Protocol'] = r.pick(['a', 'a, b', 'a,a', 'a b', ',']);
  if (r.chance(0.25)) chosen['Sec-WebSocket-Extensions'] = r.pick(['permessage-deflate', 'permessage-deflate; client_max_window_bits', 'x; y="z"', ';', 'a;;b', 'a;b=']);
  return chosen;
}

// Requests outside any session.
function requests(r) {
  return Array.from({ length: 1 + r.int(2) }, () => {
    const method = r.pick(methods);
    const step = { op: 'http', method, target: r.pick(paths) + query(r), headers: headers(r, method) };
    if (r.chance(0.15)) step.headers = { ...step.headers, ...upgradeHeaders(r) };
    else if (['POST', 'PUT', 'PATCH'].includes(method)) step.body = r.pick(['', '40', 'x'.repeat(100)]);
    return step;
  });
}

function message(r, nsp) {
  const made = packet(r, nsp);
  if (r.chance(0.12)) made.text = damage(r, made.text);
  return made;
}

const base64 = (r, bytes) => {
  const text = Buffer.from(bytes).toString('base64');
  return r.chance(0.9) ? text : r.pick([text.replace(/=+$/, ''), text.replaceAll('+', '-').replaceAll('/', '_'), `${text}!`, `${text.slice(0, 1)} ${text.slice(1)}`]);
};

// Packets whose order matters, so close that they are one read.
function race(r) {
  const ns = r.pick(['', '', '/custom,']);
  const say = () => `42${ns}${r.pick(['', '3'])}["echo",1]`;
  const wrong = r.pick(['42/nothing,["echo"]', '44', '42{}', '4']);
  return r.pick([
    [say(), `41${ns}`],
    [`41${ns}`, say()],
    [`41${ns}`, `40${ns}`],
    [`41${ns}`, `40${ns}`, say()],
    ['40/custom,', '42/custom,["echo",1]'],
    ['40/custom,', '41/custom,'],
    ['40/custom,', '40/custom,'],
    ['40/custom,', wrong],
    ['40/sync,', wrong],
    [say(), wrong],
    [wrong, say(), r.pick(['x', '4{', 'b@'])],
  ]);
}

// What one POST carries: packets, now and then something that is none.
function payload(r) {
  const packets = r.chance(0.05) ? race(r) : [];
  for (let n = r.pick([1, 1, 1, 2, 3]); n > 0; n--) {
    const made = message(r);
    packets.push(`4${made.text}`, ...(made.binary ?? []).map((bytes) => `b${base64(r, bytes)}`));
  }
  if (r.chance(0.1)) packets.splice(r.int(packets.length + 1), 0, r.pick(['', '0', '1', '2', '3', '5', '6', '7', 'x', '3probe', '2probe', '4', 'b', 'bAQ==', 'é']));
  return packets.join(r.chance(0.97) ? '\x1e' : r.pick(['\x1e\x1e', '\n']));
}

function polling(r) {
  const steps = [{ op: 'open', target: `/socket.io/?EIO=4&transport=polling${r.pick(['', '&t=x', '&x=%C3%A9', '&b64=1'])}`, headers: headers(r, 'GET') }];
  if (r.chance(0.9)) steps.push({ op: 'post', body: connect(r, r.chance(0.8) ? '/' : undefined) });
  for (let n = 1 + r.int(4); n > 0; n--) {
    const step = { op: 'post', body: payload(r) };
    if (r.chance(0.07)) step.headers = { 'Content-Type': r.pick(['application/octet-stream', 'application/octet-stream; x=1', 'text/plain', '', 'application/json']) };
    else if (r.chance(0.05)) steps.push({ op: 'other', method: r.pick(['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']) });
    else if (r.chance(0.05)) steps.push({ op: 'mismatch', query: r.pick(['transport=websocket&EIO=4', 'transport=polling&EIO=3', 'transport=x&EIO=4', 'EIO=4', 'transport=polling']) });
    else if (r.chance(0.05)) steps.push({ op: 'chunked', body: payload(r), sizes: r.pick([1, 3, 1000]) });
    steps.push(step);
  }
  return steps;
}

// A frame is [opcode, payload as latin1, what is odd about it].
function frames(r) {
  const text = (made) => [1, Buffer.from(`4${made.text}`).toString('latin1')];
  const bytes = (list) => Buffer.from(list).toString('latin1');
  if (r.chance(0.05)) return race(r).map((text) => [1, text, {}]);
  switch (r.int(14)) {
    case 0:
      return [[9, 'x'.repeat(r.pick([0, 1, 125])), {}], text(message(r))];
    case 1:
      return [[10, 'stray', {}]];
    case 2:
      return [[8, r.pick(['', '\x03\xe8', '\x03\xe9bye', '\x03', '\x03\xed', '\x03\xee', '\x00\x00', '\x0b\xb8ok', '\x03\xe8\xff', '\x13\x88', '\x03\xf0']), {}]];
    case 3: {
      const [op, whole] = text(message(r));
      const at = r.int(whole.length);
      return [[op, whole.slice(0, at), { fin: false }], ...(r.chance(0.5) ? [[9, 'mid', {}]] : []), [0, whole.slice(at), {}]];
    }
    case 4:
      return r.pick([
        [[1, '40', { rsv: 1 + r.int(7) }]],
        [[r.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), 'x', {}]],
        [[1, '40', { mask: false }]],
        [[9, 'x'.repeat(126), {}]],
        [[9, 'x', { fin: false }]],
        [[0, 'x', {}]],
        [[1, '4', { fin: false }], [1, '4', {}]],
        [[2, 'x', { fin: false }], [2, 'y', {}]],
        [[1, '42["echo"]', { wide: 2 }]],
        [[1, '42["echo"]', { wide: 8 }]],
      ]);
    case 5:
      return [[1, r.pick(['42["echo","\xff"]', '42["echo","\xc3', '\xed\xa0\x80', '42["echo","\xc0\xaf"]', '42["echo","\xf4\x90\x80\x80"]', '42["echo","\xf0\x9f\x98"]']), {}]];
    case 6:
      return [[1, r.pick(['', '0', '1', '2', '3', '5', '6', '7', 'x', '3probe', '2probe', '4', 'b', 'bAQ==', '\xc3\xa9']), {}]];
    case 7:
      return [[2, bytes([1, 2, 3]), {}]];
    default: {
      const made = message(r);
      return [text(made), ...(made.binary ?? []).map((list) => [2, bytes(list), {}])];
    }
  }
}

const wsTarget = (r) => `/socket.io/?EIO=4&transport=websocket${r.pick(['', '', '&x=1', '&b64=1'])}`;
const frameStep = (list) => ({ op: 'frames', frames: list });

function websocket(r) {
  const steps = [{ op: 'ws', target: wsTarget(r), headers: headers(r, 'GET') }];
  delete steps[0].headers.Connection;
  if (r.chance(0.9)) steps.push(frameStep([[1, Buffer.from(connect(r, r.chance(0.8) ? '/' : undefined)).toString('latin1'), {}]]));
  for (let n = 1 + r.int(5); n > 0; n--) steps.push(frameStep(frames(r)));
  return steps;
}

function upgrading(r) {
  const steps = [{ op: 'open', target: '/socket.io/?EIO=4&transport=polling', headers: {} }];
  if (r.chance(0.7)) steps.push({ op: 'post', body: '40' });
  steps.push({ op: 'upgrade', query: r.pick(['EIO=4&transport=websocket', 'EIO=4&transport=websocket', 'EIO=4&transport=websocket', 'EIO=3&transport=websocket', 'EIO=4&transport=polling', 'EIO=4&transport=x']) });
  const probe = frameStep([[1, '2probe', {}]]);
  for (let n = r.int(3); n > 0; n--) steps.push(r.chance(0.7) ? probe : { op: 'post', body: payload(r) });
  if (r.chance(0.15)) steps.push(frameStep([[1, r.pick(['2', '3', '40', '6', '1', '', 'x', '2probe2']), {}]]));
  if (r.chance(0.85)) steps.push(frameStep([[1, '5', {}]]));
  for (let n = r.int(4); n > 0; n--) {
    steps.push(r.pick([frameStep(frames(r)), frameStep(frames(r)), { op: 'post', body: payload(r) }, { op: 'upgrade', query: 'EIO=4&transport=websocket' }]));
  }
  return steps;
}

const kinds = { requests, polling, websocket, upgrading };

// generate returns case `n` of a seed.
export function generate(seed, n) {
  const r = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  const kind = r.pick(Object.keys(kinds));
  return { name: `${seed}/${n}`, kind, steps: kinds[kind](r) };
}
