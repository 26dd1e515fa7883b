// The command line of cmd/testbed, in the manner of Go's flag package: -name value, -name=value, --name value.

const bools = new Set(['list', 'inline', 'drop-handshake', 'volatile', 'conflate']);
const strings = new Set([
  'addr', 'profile', 'loops', 'path', 'client-dir', 'hz', 'payload', 'stats-json', 'node', 'set', 'pprof', 'tls-cert', 'tls-key', 'redis', 'nats',
]);
// What exists in cmd/testbed and means nothing here, or not yet.
const refused = { conflate: 'conflation', redis: 'adapters', nats: 'adapters', pprof: 'pprof' };

// UsageError is a mistake on the command line: one line on standard error, exit status 2.
export class UsageError extends Error {}

// parseFlags returns the flags as an object; `set` is a list, since it may be repeated.
export function parseFlags(argv) {
  const flags = { addr: '127.0.0.1:3000', profile: '', set: [], node: 'reference', hz: '20', payload: '100' };
  for (let i = 0; i < argv.length; i++) {
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(argv[i]);
    if (!match) throw new UsageError(`unexpected argument ${JSON.stringify(argv[i])}`);
    const [, name, inline] = match;
    if (refused[name]) throw new UsageError(`-${name}: the reference server has no ${refused[name]}`);
    if (bools.has(name)) {
      flags[name] = inline === undefined || inline === 'true';
    } else if (strings.has(name)) {
      const value = inline ?? argv[++i];
      if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
      if (name === 'set') flags.set.push(value);
      else flags[name] = value;
    } else {
      throw new UsageError(`flag provided but not defined: -${name}`);
    }
  }
  return flags;
}

// settings turns repeated NAME=VALUE into options: a value is JSON, and what is not JSON is a string.
export function settings(list) {
  const options = {};
  for (const item of list) {
    const at = item.indexOf('=');
    if (at < 1) throw new UsageError(`-set ${item}: want NAME=VALUE`);
    const text = item.slice(at + 1);
    try {
      options[item.slice(0, at)] = JSON.parse(text);
    } catch {
      options[item.slice(0, at)] = text;
    }
  }
  return options;
}

// hostPort splits HOST:PORT, [V6]:PORT and :PORT.
export function hostPort(addr) {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(addr);
  if (!match) throw new UsageError(`-addr ${addr}: want HOST:PORT`);
  return { host: (match[1] ?? match[2]) || undefined, port: Number(match[3]) };
}
