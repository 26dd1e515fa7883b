// Numbers as people read them.

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

// count keeps small rates readable and large numbers short.
export function count(n) {
  if (n > 0 && n < 10 && n !== Math.trunc(n)) return n.toFixed(1);
  if (n < 100_000) return plain.format(n);
  for (const [unit, size] of [['G', 1e9], ['M', 1e6], ['k', 1e3]]) if (n >= size) return `${short.format(n / size)}${unit}`;
  return plain.format(n);
}

export function bytes(n) {
  for (const [unit, size] of [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]]) {
    if (n >= size) return `${short.format(n / size)} ${unit}`;
  }
  return `${plain.format(n)} B`;
}

export function millis(n) {
  if (n >= 1000) return `${short.format(n / 1000)} s`;
  if (n >= 1 || n === 0) return `${short.format(n)} ms`;
  return `${plain.format(n * 1000)} µs`;
}

export function uptime(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const out = [];
  let rest = s;
  for (const [size, unit] of parts) {
    if (rest >= size || (unit === 's' && !out.length)) out.push(`${Math.floor(rest / size)} ${unit}`);
    rest %= size;
    if (out.length === 2) break;
  }
  return out.join(' ');
}
