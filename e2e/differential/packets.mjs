// What clients say to a Socket.IO server, and what they should not: packets of every type, valid and damaged.

const texts = ['', 'a', 'é€😀', '\u2028', 'x'.repeat(200), '\\"', '\u0000', 'connect', '__proto__', '4', '-'];
const names = ['echo', 'echo', 'echo', 'nobody listens', '', 'é', 'error', 'connection', 'message'];
const reserved = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'];
export const namespaces = ['/', '/custom', '/dyn-7', '/guarded', '/nothing', '/fn-x', '/custom?x=1', '/é', '/dyn-', '/sync'];

export function value(r, depth = 0) {
  switch (r.int(depth > 3 ? 6 : 8)) {
    case 0:
      return r.pick(['0', '1', '-1', '1.5', '1e3', '-0', '1E2', '123456789012345678', '1.0']);
    case 1:
      return r.pick(['true', 'false', 'null']);
    case 2:
    case 3:
    case 4:
      return JSON.stringify(r.pick(texts));
    case 5:
      return r.pick(['"\\u0041"', '"\\/"', '"\\ud83d\\ude00"', '"\\ud800"', ' 1 ', '{"_placeholder":true,"num":0}']);
    case 6:
      return `[${list(r, depth)}]`;
    default:
      return `{${Array.from({ length: r.int(3) }, () => `${JSON.stringify(r.pick(['a', 'b', '', 'é', '1', '__proto__']))}:${value(r, depth + 1)}`)}}`;
  }
}

const list = (r, depth) => Array.from({ length: r.int(4) }, () => value(r, depth + 1)).join(',');
const prefix = (nsp) => (nsp === '/' ? '' : `${nsp},`);
const id = (r) => r.pick(['', '', '0', '7', '12', '007', '9007199254740993', '99999999999999999999']);

function args(r) {
  const name = r.chance(0.08) ? JSON.stringify(r.pick(reserved)) : r.chance(0.05) ? value(r) : JSON.stringify(r.pick(names));
  return `[${[name, ...Array.from({ length: r.int(4) }, () => value(r))].join(',')}]`;
}

export function connect(r, nsp = r.chance(0.02) ? '/a\tb' : r.pick(namespaces)) {
  // What a function has allowed once exists, and is open to all: so only with what it allows.
  const auth = nsp === '/fn-x' ? '{"open":true}' : r.pick(['', '', '{}', `{"user":${value(r)}}`, '{"token":"secret"}', '{"open":true}', '{"fail":"no","data":{"a":1}}', '{"hello":"h"}']);
  return `40${auth || r.chance(0.5) ? prefix(nsp) : nsp === '/' ? '' : nsp}${auth}`;
}

// One message of a client, without the Engine.IO type: `{ text }` or, of a packet with attachments, also `binary`.
export function packet(r, nsp = r.pick(['/', '/', '/', '/custom'])) {
  switch (r.int(12)) {
    case 0:
      return { text: connect(r).slice(1) };
    case 1:
      return { text: `1${prefix(nsp)}` };
    case 2:
      return { text: `3${prefix(nsp)}${r.pick(['', '0', '1', '99'])}[${list(r, 1)}]` };
    case 3:
      return { text: r.pick([`4${prefix(nsp)}{"message":"x"}`, '4"x"', '4']) };
    case 4:
    case 5: {
      const n = r.pick([0, 1, 1, 1, 2, 3, 10, 11]);
      const holders = Array.from({ length: n }, (_, i) => `{"_placeholder":true,"num":${r.chance(0.9) ? i : r.pick(['-1', '9', '"0"', '0.5', '0.5', 'null'])}}`);
      const type = r.chance(0.8) ? 5 : 6;
      const shown = r.chance(0.93) ? n : r.pick(['', '1.5', '1e0', '-1', '01', ' 1', 'x']);
      return {
        text: `${type}${shown}-${prefix(nsp)}${type === 5 ? id(r) : r.int(3)}[${['"echo"', ...holders].slice(type - 5).join(',')}]`,
        binary: Array.from({ length: Math.max(0, n - (r.chance(0.1) ? 1 : 0)) }, () => Array.from({ length: r.int(6) }, () => r.int(256))),
      };
    }
    default:
      return { text: `2${prefix(nsp)}${id(r)}${r.chance(0.04) ? '' : args(r)}` };
  }
}

// damage changes a character, drops some, or adds what does not belong there.
export function damage(r, text) {
  const at = r.int(text.length + 1);
  switch (r.int(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + r.pick(['"', '[', ']', '{', '}', ',', '/', '-', '9', ' ', 'é', '\\', '\t']) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1);
    case 3:
      return r.pick(['7', '8', '9', 'a', '-', ' ', '']) + text.slice(1);
    default:
      return text + r.pick([']', 'x', ',1', '{}', ' ', '\u0000']);
  }
}
