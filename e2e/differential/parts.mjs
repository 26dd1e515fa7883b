// What cases are made of: headers, payloads and frames, right and wrong.

import { connect, damage, packet } from './packets.mjs';

export function headers(r, method) {
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

export function message(r, nsp) {
  const made = packet(r, nsp);
  if (r.chance(0.12)) made.text = damage(r, made.text);
  return made;
}

export const base64 = (r, bytes) => {
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
export function payload(r) {
  const packets = r.chance(0.05) ? race(r) : [];
  for (let n = r.pick([1, 1, 1, 2, 3]); n > 0; n--) {
    const made = message(r);
    packets.push(`4${made.text}`, ...(made.binary ?? []).map((bytes) => `b${base64(r, bytes)}`));
  }
  if (r.chance(0.1)) packets.splice(r.int(packets.length + 1), 0, r.pick(['', '0', '1', '2', '3', '5', '6', '7', 'x', '3probe', '2probe', '4', 'b', 'bAQ==', 'é']));
  return packets.join(r.chance(0.97) ? '\x1e' : r.pick(['\x1e\x1e', '\n']));
}

// A frame is [opcode, payload as latin1, what is odd about it].
export function frames(r) {
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

export const frameStep = (list) => ({ op: 'frames', frames: list });
