// A client that speaks bytes: HTTP/1.1 and WebSocket written by hand over TCP, so that a test decides what exactly is
// sent and sees what exactly comes back.

import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { connect as connectTLS } from 'node:tls';
import { encrypted } from './launch.mjs';
import { patience, Queue, within } from './wait.mjs';

// through finds the bytes up to and with a separator.
const through = (separator) => (buffer) => {
  const at = buffer.indexOf(separator);
  return at < 0 ? 0 : at + separator.length;
};

// Conn is one TCP connection with what has been received and not been read.
export class Conn {
  #buffer = Buffer.alloc(0);
  #wake = () => {};
  #closed = false;

  constructor(socket, tcp = socket) {
    this.socket = socket;
    this.tcp = tcp;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    const end = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
  }

  static open(server) {
    const tcp = connect({ host: server.host, port: server.port, noDelay: true });
    const socket = encrypted ? connectTLS({ socket: tcp, host: server.host }) : tcp;
    const event = encrypted ? 'secureConnect' : 'connect';
    const opened = new Promise((resolve, reject) => socket.once(event, resolve).once('error', reject));
    return within(opened, event).then(() => new Conn(socket, tcp));
  }

  write(data) {
    this.socket.write(data);
  }

  // take waits until `find` returns how many of the buffered bytes make up what is looked for, and takes them. At the
  // end of the stream it returns null. One caller at a time.
  async take(find, what, ms = patience) {
    let late = false;
    const found = (async () => {
      while (!late) {
        const n = find(this.#buffer);
        if (n > 0) {
          const bytes = this.#buffer.subarray(0, n);
          this.#buffer = this.#buffer.subarray(n);
          return bytes;
        }
        if (this.#closed) return null;
        await new Promise((resolve) => (this.#wake = resolve));
      }
      return null;
    })();
    return within(found, what, ms).finally(() => (late = true));
  }

  exactly(n, what, ms) {
    return n === 0 ? Promise.resolve(Buffer.alloc(0)) : this.take((b) => (b.length >= n ? n : 0), what, ms);
  }

  // rest reads until the peer ends the stream.
  async rest(what = 'end of stream', ms = patience) {
    const parts = [];
    for (let part; (part = await this.take((b) => b.length, what, ms)); ) parts.push(part);
    return Buffer.concat(parts);
  }

  get unread() {
    return this.#buffer.length;
  }

  // unreadText shows what is waiting, without taking it.
  get unreadText() {
    return this.#buffer.toString('latin1');
  }

  get closed() {
    return this.#closed;
  }

  // reset ends the connection with an RST, close with a FIN.
  reset() {
    this.tcp.resetAndDestroy();
  }

  close() {
    this.socket.destroy();
  }

  // response reads one HTTP response; `head` says that the request was a HEAD.
  async response({ head = false, ms = patience } = {}) {
    const raw = await this.take(through('\r\n\r\n'), 'HTTP response head', ms);
    if (!raw) throw new Error('connection closed instead of an HTTP response');
    const [statusLine, ...lines] = raw.toString('latin1').slice(0, -4).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
    const headers = {};
    for (const line of lines) {
      const at = line.indexOf(':');
      const name = line.slice(0, at).toLowerCase();
      const value = line.slice(at + 1).trim();
      headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    }
    const res = { status, statusLine, headers, head: raw.toString('latin1') };
    if (status === 101 || status === 204 || status === 304 || head) res.bytes = Buffer.alloc(0);
    else if (headers['transfer-encoding'] === 'chunked') res.bytes = await this.#chunks(ms);
    else if (headers['content-length'] !== undefined) res.bytes = await this.exactly(Number(headers['content-length']), 'HTTP body', ms);
    else res.bytes = await this.rest('HTTP body that ends with the connection', ms);
    if (!res.bytes) throw new Error('connection closed within an HTTP body');
    res.body = res.bytes.toString('utf8');
    return res;
  }

  async #chunks(ms) {
    const parts = [];
    for (;;) {
      const line = await this.take(through('\r\n'), 'chunk size', ms);
      const size = Number.parseInt(line?.toString('latin1'), 16);
      if (Number.isNaN(size)) throw new Error(`bad chunk size ${line}`);
      parts.push(await this.exactly(size, 'chunk', ms));
      await this.exactly(2, 'end of chunk', ms);
      if (size === 0) return Buffer.concat(parts);
    }
  }
}

// requestHead renders a request as bytes. A header given as undefined is left out.
export function requestHead(server, { method = 'GET', path, headers = {}, version = '1.1' }) {
  const all = { Host: `${server.host}:${server.port}`, ...headers };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`;
}

// renderRequest is requestHead with a body and its length.
export function renderRequest(server, { body, ...request }) {
  if (body === undefined) return Buffer.from(requestHead(server, request));
  const bytes = Buffer.from(body);
  const headers = { 'Content-Type': 'text/plain;charset=UTF-8', 'Content-Length': bytes.length, ...request.headers };
  return Buffer.concat([Buffer.from(requestHead(server, { ...request, headers })), bytes]);
}

// exchange sends one request on a connection of its own and reads the answer.
export async function exchange(server, request) {
  const conn = await Conn.open(server);
  try {
    conn.write(renderRequest(server, request));
    return await conn.response({ head: request.method === 'HEAD' });
  } finally {
    conn.close();
  }
}

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

// frame renders a WebSocket frame as a client does: masked, unless told otherwise. `size` and `wide` state another
// length than the payload has, or a longer form of it.
export function frame(op, payload = '', { fin = true, rsv = 0, mask = true, size, wide = 0 } = {}) {
  const data = Buffer.from(payload);
  const n = BigInt(size ?? data.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | op;
  const bit = mask ? 0x80 : 0;
  let head;
  if (wide === 8 || n > 0xffffn) {
    head = Buffer.alloc(10);
    head[1] = bit | 127;
    head.writeBigUInt64BE(n, 2);
  } else if (wide === 2 || n > 125n) {
    head = Buffer.alloc(4);
    head[1] = bit | 126;
    head.writeUInt16BE(Number(n), 2);
  } else {
    head = Buffer.from([0, bit | Number(n)]);
  }
  head[0] = first;
  if (!mask) return Buffer.concat([head, data]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, data.map((b, i) => b ^ key[i & 3])]);
}

export function closePayload(code, reason = '') {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

export const upgradeHeaders = () => ({
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': 13,
  'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
});

// Ws is a WebSocket. Messages are strings or Buffers; Engine.IO pings are answered unless `pong` is false, and then
// show as messages.
export class Ws {
  #messages = new Queue();
  #fragments = [];
  #pong;

  constructor(conn, response, pong) {
    this.conn = conn;
    this.response = response;
    this.#pong = pong;
    this.pongs = new Queue();
    this.pings = 0; // Engine.IO pings
    // closing resolves with the payload of the server's close frame, or with null if it ends without one.
    this.closing = new Promise((resolve) => {
      this.ended = this.#read(resolve);
    });
  }

  // open does the handshake and fails unless the server switches protocols.
  static async open(server, path, { headers = {}, pong = true } = {}) {
    const conn = await Conn.open(server);
    const sent = { ...upgradeHeaders(), ...headers };
    conn.write(requestHead(server, { path, headers: sent }));
    const response = await conn.response();
    if (response.status !== 101) {
      conn.close();
      throw new Error(`no WebSocket: ${response.statusLine} ${response.body}`);
    }
    const accept = createHash('sha1').update(`${sent['Sec-WebSocket-Key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    if (response.headers['sec-websocket-accept'] !== accept) throw new Error('wrong Sec-WebSocket-Accept');
    return new Ws(conn, response, pong);
  }

  async #read(closing) {
    for (;;) {
      const f = await this.#frame();
      if (!f) break;
      if (f.op === opcode.close) this.#answerClose(f.payload, closing);
      else if (f.op === opcode.pong) this.pongs.push(f.payload);
      else if (f.op !== opcode.ping) this.#data(f);
    }
    closing(null);
    this.conn.close();
    this.#messages.end(new Error('WebSocket ended'));
    this.pongs.end(new Error('WebSocket ended'));
  }

  #answerClose(payload, closing) {
    closing(payload);
    if (!this.conn.socket.destroyed) this.frame(opcode.close, payload);
  }

  async #frame() {
    const forever = 2 ** 31 - 1;
    const head = await this.conn.exactly(2, 'frame', forever);
    if (!head) return null;
    let n = head[1] & 0x7f;
    if (head[1] & 0x80) throw new Error('the server masked a frame');
    if (head[0] & 0x70) throw new Error('the server set a reserved bit');
    if (n === 126) n = (await this.conn.exactly(2, 'frame', forever))?.readUInt16BE();
    else if (n === 127) n = Number((await this.conn.exactly(8, 'frame', forever))?.readBigUInt64BE());
    const payload = await this.conn.exactly(n, 'frame', forever);
    return payload && { fin: head[0] >= 0x80, op: head[0] & 0x0f, payload: Buffer.from(payload) };
  }

  #data(f) {
    this.#fragments.push(f);
    if (!f.fin) return;
    const whole = Buffer.concat(this.#fragments.map((part) => part.payload));
    const text = this.#fragments[0].op === opcode.text;
    this.#fragments = [];
    if (text && whole.toString() === '2') {
      this.pings++;
      if (this.#pong) {
        this.send('3');
        return;
      }
    }
    this.#messages.push(text ? whole.toString('utf8') : whole);
  }

  send(data) {
    this.conn.write(frame(typeof data === 'string' ? opcode.text : opcode.binary, data));
  }

  frame(...args) {
    this.conn.write(frame(...args));
  }

  // next returns the next message.
  next(what = 'a WebSocket message', ms = patience) {
    return this.#messages.next(what, ms);
  }

  get waiting() {
    return this.#messages.size;
  }

  // closed waits for the server's close frame and then the end of the connection. It returns the close code: 1005 for an
  // empty close frame, 1006 if there was none.
  async closed(what = 'the server to close the WebSocket', ms = patience) {
    const payload = await within(this.closing, what, ms);
    await within(this.ended, `${what}: end of the connection after the close frame`, ms);
    if (!payload) return 1006;
    return payload.length ? payload.readUInt16BE() : 1005;
  }

  close() {
    this.conn.close();
  }
}
