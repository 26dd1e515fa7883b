// A proxy that notes what goes through it: requests and responses, and the messages of WebSockets, in the order in which
// they were complete.

import { connect, createServer } from 'node:net';

// Reader takes HTTP messages, and after an upgrade frames, out of what one side sends. Each is given to `emit`.
class Reader {
  #buffer = Buffer.alloc(0);
  #fragments = [];
  framed = false;

  constructor(emit) {
    this.emit = emit;
  }

  push(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.framed ? this.#frame() : this.#message());
  }

  #message() {
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first, ...lines] = this.#buffer.subarray(0, end).toString('latin1').split('\r\n');
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    const header = (name) => headers.find(([other]) => other.toLowerCase() === name)?.[1];
    const rest = this.#buffer.subarray(end + 4);
    const n = Number(header('content-length') ?? 0);
    const found = header('transfer-encoding') ? unchunked(rest) : rest.length < n ? null : { body: rest.subarray(0, n), size: n };
    if (!found) return false;
    this.#buffer = rest.subarray(found.size);
    this.emit({ first, headers, header, body: Buffer.from(found.body) });
    return true;
  }

  #frame() {
    const b = this.#buffer;
    if (b.length < 2) return false;
    let at = 2;
    let n = b[1] & 0x7f;
    if (n === 126) n = b.length < (at = 4) ? Infinity : b.readUInt16BE(2);
    else if (n === 127) n = b.length < (at = 10) ? Infinity : Number(b.readBigUInt64BE(2));
    const key = b[1] & 0x80 ? b.subarray(at, (at += 4)) : undefined;
    if (b.length < at + n) return false;
    const payload = Buffer.from(b.subarray(at, at + n)).map((byte, i) => (key ? byte ^ key[i & 3] : byte));
    this.#buffer = b.subarray(at + n);
    this.#fragments.push({ op: b[0] & 15, payload });
    if (b[0] & 0x80) {
      const parts = this.#fragments.splice(0);
      this.emit({ op: parts[0].op, payload: Buffer.concat(parts.map((part) => part.payload)) });
    }
    return true;
  }
}

// unchunked takes a body in chunks; it is null until the last has come.
function unchunked(bytes) {
  const parts = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return null;
    const n = Number.parseInt(bytes.subarray(at, end).toString(), 16);
    const next = end + 2 + n + 2;
    if (bytes.length < next) return null;
    if (n === 0) return { body: Buffer.concat(parts), size: next };
    parts.push(bytes.subarray(end + 2, end + 2 + n));
    at = next;
  }
}

// startProxy listens in front of a server. note is called with every event: {conn, from: 'client' or 'server', …}.
export function startProxy(server, note) {
  let count = 0;
  const sockets = new Set();
  const proxy = createServer({ noDelay: true }, (client) => {
    const conn = ++count;
    const upstream = connect({ host: server.host, port: server.port, noDelay: true });
    const readers = {
      client: new Reader((message) => note({ conn, from: 'client', ...message })),
      server: new Reader((message) => {
        if (message.first?.startsWith('HTTP/1.1 101')) readers.client.framed = readers.server.framed = true;
        note({ conn, from: 'server', ...message });
      }),
    };
    client.once('close', () => note({ conn, from: 'client', closed: true }));
    for (const [from, to, name] of [[client, upstream, 'client'], [upstream, client, 'server']]) {
      sockets.add(from);
      from.on('data', (chunk) => {
        readers[name].push(chunk);
        to.write(chunk);
      });
      from.once('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const { port } = proxy.address();
      const close = () => {
        for (const socket of sockets) socket.destroy();
        proxy.close();
      };
      resolve({ url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, close });
    });
  });
}
