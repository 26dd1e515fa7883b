// Plays a case against a server and says what came back, step by step.
//
// A step ends when the server has said all that it has to say to it. Of Node that is known by a mark behind the step: a
// CONNECT to a namespace that no server has, which is answered whatever else is going on. Handlers of Gannet run on
// workers, and their answers may come behind the mark: there the step also waits for as many messages as Node sent.
// What comes beyond those is found with the next step or, by the closing echo, at the end.

import { Conn, frame, renderRequest, requestHead } from '../lib/raw.mjs';
import { Answers } from './normal.mjs';

const separator = '\x1e';
const late = 3000; // until a missing message counts as missing
const patience = 15_000;

export class Player {
  #server;
  #wanted;
  #marks = 0;
  #sid;
  #session = 'none'; // or polling, websocket
  #ws = [];
  #conns = [];
  #answers = new Answers();
  #quiet = false;

  // wanted are the answers of the server to compare with, if there are any.
  constructor(server, wanted) {
    this.#server = server;
    this.#wanted = wanted;
  }

  async play(steps) {
    const got = [];
    try {
      for (const [i, step] of steps.entries()) {
        const answer = await this.#step(step, this.#wanted?.[i]);
        got.push(this.#answers.normal(answer));
        if (this.#wanted && JSON.stringify(got[i]) !== JSON.stringify(this.#wanted[i])) break;
      }
      if (got.length === steps.length) got.push(this.#answers.normal(await this.#end(this.#wanted?.at(-1))));
    } finally {
      for (const conn of this.#conns) conn.close();
    }
    return got;
  }

  async #step(step, wanted) {
    switch (step.op) {
      case 'http':
        return this.#lone(step, wanted);
      case 'open':
        return this.#open(step);
      case 'post':
        return this.#post(step, wanted);
      case 'chunked':
        return this.#chunked(step, wanted);
      case 'other':
        return { response: await this.#request({ method: step.method, path: this.#path() }) };
      case 'mismatch':
        return { response: await this.#request({ path: `/socket.io/?${step.query}&sid=${this.#sid}` }) };
      case 'ws':
        return this.#open101({ path: step.target, headers: step.headers }, true, wanted);
      case 'upgrade':
        return this.#open101({ path: `/socket.io/?${step.query}&sid=${this.#sid}`, headers: {} }, false, wanted);
      default:
        return this.#frames(step, wanted);
    }
  }

  async #connection() {
    const conn = await Conn.open(this.#server);
    this.#conns.push(conn);
    return conn;
  }

  #path = () => `/socket.io/?EIO=4&transport=polling&sid=${this.#sid}`;

  // lone sends a request and then, on the same connection, one that any server refuses: is the connection still there?
  async #lone({ method, target, headers, body }, wanted) {
    const conn = await this.#connection();
    conn.write(renderRequest(this.#server, { method, path: target, headers, body }));
    const response = await answered(conn, { head: method === 'HEAD' });
    if (response.status === 101) return { response, ...(await this.#first(conn, wanted)) };
    conn.write(requestHead(this.#server, { path: '/socket.io/?EIO=4&transport=none' }));
    const next = await answered(conn);
    return { response, connection: next.status === 400 ? 'kept' : 'closed' };
  }

  async #request(request) {
    const conn = await this.#connection();
    conn.write(renderRequest(this.#server, request));
    try {
      return await answered(conn, { head: request.method === 'HEAD' });
    } finally {
      conn.close();
    }
  }

  async #open({ target, headers }) {
    const response = await this.#request({ path: target, headers });
    this.#sid = /"sid":"([^"]+)"/.exec(response.body)?.[1];
    if (this.#sid) this.#session = 'polling';
    return { response };
  }

  async #post({ body, headers = {} }, wanted) {
    const response = await this.#request({ method: 'POST', path: this.#path(), body, headers });
    return { response, ...(await this.#settle(body, wanted)) };
  }

  async #chunked({ body, sizes }, wanted) {
    const bytes = Buffer.from(body);
    const parts = [requestHead(this.#server, { method: 'POST', path: this.#path(), headers: { 'Transfer-Encoding': 'chunked' } })];
    for (let at = 0; at < bytes.length; at += sizes) {
      const part = bytes.subarray(at, at + sizes);
      parts.push(`${part.length.toString(16)}\r\n`, part, '\r\n');
    }
    const conn = await this.#connection();
    conn.write(Buffer.concat([...parts, '0\r\n\r\n'].map((part) => Buffer.from(part))));
    const response = await answered(conn);
    return { response, ...(await this.#settle(body, wanted)) };
  }

  // settle polls until the mark has been answered, or the session is gone.
  async #settle(body, wanted) {
    if (this.#session !== 'polling') return {};
    this.#quiet = waiting(body.split(separator).filter((text) => text[0] === '4').map((text) => text.slice(1)), body.split(separator).filter((text) => text[0] === 'b').length);
    if (this.#quiet) {
      // Is the session still there? A wrong revision tells, and does no harm.
      const { body: error } = await this.#request({ path: `/socket.io/?EIO=3&transport=polling&sid=${this.#sid}` });
      return { alive: !error.includes('Session ID') };
    }
    const mark = `44/mark-${++this.#marks},{"message":"Invalid namespace"}`;
    await this.#request({ method: 'POST', path: this.#path(), body: `40/mark-${this.#marks}` });
    const messages = [];
    const missing = () => (wanted?.messages?.length ?? 0) > messages.length;
    for (let marked = false; !marked || missing(); ) {
      const conn = await this.#connection();
      conn.write(renderRequest(this.#server, { path: this.#path() }));
      const response = await answered(conn, { ms: marked ? late : patience });
      conn.close();
      if (response.status !== 200) {
        messages.push(`[poll: ${response.status ?? response.failed} ${response.body ?? ''}]`);
        if (!response.failed) this.#session = 'gone';
        break;
      }
      for (const packet of response.body.split(separator)) {
        if (packet === mark) marked = true;
        else messages.push(packet);
      }
    }
    return { messages };
  }

  // first hears what a WebSocket begins with.
  async #first(conn, wanted) {
    const ws = new Listener(conn);
    return ws.until(() => ws.messages.length >= (wanted?.messages?.length ?? 1), patience);
  }

  async #open101({ path, headers }, first, wanted) {
    const conn = await this.#connection();
    const handshake = {
      Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    conn.write(requestHead(this.#server, { path, headers: { ...handshake, ...headers } }));
    const response = await answered(conn);
    if (response.status !== 101) return { response };
    const listener = new Listener(conn);
    if (!first) {
      this.#ws.push(listener);
      return { response, ...(await this.#ping(listener, wanted)) };
    }
    this.#ws = [listener];
    this.#session = 'websocket';
    const heard = await listener.until(() => listener.messages.length > 0, patience);
    return { response, ...heard };
  }

  async #ping(ws, wanted) {
    const mark = `mark ${++this.#marks}`;
    ws.conn.write(frame(9, mark));
    return ws.until(() => ws.takePong(mark) && ws.messages.length >= (wanted?.messages?.length ?? 0), patience);
  }

  // frames go to the newest WebSocket, in one write.
  async #frames({ frames }, wanted) {
    const ws = this.#ws.at(-1);
    if (!ws) return {};
    if (ws.ended) return ws.until(() => true, patience);
    ws.conn.write(Buffer.concat(frames.map(([op, payload, odd = {}]) => frame(op, Buffer.from(payload, 'latin1'), odd))));
    const texts = frames.filter(([op]) => op === 1).map(([, payload]) => payload);
    if (texts.includes('5') && this.#session === 'polling') this.#session = 'upgraded';
    const read = `mark ${++this.#marks}`;
    ws.conn.write(frame(9, read));
    await ws.passed(() => ws.takePong(read), patience);
    const open = frames.some(([op, , odd]) => op < 8 && odd?.fin === false) && !frames.some(([op]) => op === 0);
    const pending = waiting(texts.filter((text) => text[0] === '4').map((text) => text.slice(1)), frames.filter(([op]) => op === 2).length);
    if (this.#session !== 'polling' && !open && !pending) {
      const mark = `44/mark-${++this.#marks},{"message":"Invalid namespace"}`;
      ws.conn.write(frame(1, `40/mark-${this.#marks}`));
      await ws.passed(() => ws.takeMessage(mark), patience);
    }
    return ws.until(() => ws.messages.length >= (wanted?.messages?.length ?? 0), late);
  }

  // end makes sure that nothing more has been said: the last word of an orderly session.
  async #end(wanted) {
    if (this.#quiet || this.#session === 'none') return {};
    const ws = this.#ws.at(-1);
    if (this.#session === 'polling') return this.#settle('40', wanted);
    if (!ws || ws.ended) return {};
    return this.#ping(ws, wanted);
  }
}

// answered reads a response, or says what came instead.
async function answered(conn, { head = false, ms = patience } = {}) {
  try {
    const { status, headers, body } = await conn.response({ head, ms });
    return { status, headers, body };
  } catch (err) {
    return { failed: err.message.replace(/ after \d+ ms/, '') };
  }
}

// waiting reports whether the last packet of these messages still waits for attachments.
function waiting(messages, attachments) {
  let wanted = 0;
  for (const text of messages) wanted += Number(/^[56](\d+)-/.exec(text)?.[1] ?? 0);
  return wanted > attachments;
}

// Listener collects what a WebSocket says.
class Listener {
  messages = [];
  pongs = [];
  ended = false;
  #wake = () => {};

  constructor(conn) {
    this.conn = conn;
    this.#read();
  }

  async #read() {
    const forever = 2 ** 31 - 1;
    for (;;) {
      const head = await this.conn.exactly(2, 'frame', forever);
      if (!head) break;
      let n = head[1] & 0x7f;
      if (n === 126) n = (await this.conn.exactly(2, 'frame', forever))?.readUInt16BE();
      else if (n === 127) n = Number((await this.conn.exactly(8, 'frame', forever))?.readBigUInt64BE());
      const payload = await this.conn.exactly(n, 'frame', forever);
      if (!payload) break;
      this.#frame(head[0], payload);
      this.#wake();
    }
    this.messages.push('[end]');
    this.ended = true;
    this.#wake();
  }

  #frame(first, payload) {
    switch (first) {
      case 0x81:
        this.messages.push(payload.toString());
        break;
      case 0x82:
        this.messages.push(`[binary ${payload.toString('hex')}]`);
        break;
      case 0x88:
        this.messages.push(`[close ${payload.length ? payload.readUInt16BE() : 'empty'}]`);
        this.conn.write(frame(8, payload));
        break;
      case 0x8a:
        this.pongs.push(payload.toString());
        break;
      default:
        this.messages.push(`[frame ${first.toString(16)} ${payload.toString('hex')}]`);
    }
  }

  #take(list, item) {
    const at = list.indexOf(item);
    if (at >= 0) list.splice(at, 1);
    return at >= 0;
  }

  takePong = (mark) => this.#take(this.pongs, mark);
  takeMessage = (mark) => this.#take(this.messages, mark);

  async passed(there, ms) {
    const deadline = Date.now() + ms;
    let seen = false;
    for (;;) {
      seen ||= there();
      if (seen || this.ended || Date.now() > deadline) return;
      const timer = setTimeout(() => this.#wake(), Math.max(1, deadline - Date.now()));
      await new Promise((resolve) => (this.#wake = resolve));
      clearTimeout(timer);
    }
  }

  // until waits, and hands over what there is.
  async until(there, ms) {
    await this.passed(there, ms);
    return { messages: this.messages.splice(0), pongs: this.pongs.splice(0) };
  }
}
