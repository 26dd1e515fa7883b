// Plays a case against a server and says what came back, step by step.
//
// A step ends when the server has said all that it has to say to it. Of Node that is known by a mark behind the step: a
// CONNECT to a namespace that no server has, which is answered whatever else is going on. Handlers of Gannet run on
// workers, and their answers may come behind the mark: there the step also waits for as many messages as Node sent.
// What comes beyond those is found with the next step or, by the closing echo, at the end.

import { Conn, frame, renderRequest, requestHead } from '../lib/raw.mjs';
import { Form, ofBytes, plain } from './forms.mjs';
import { Listener } from './listener.mjs';
import { Answers, Names } from './normal.mjs';

const late = 3000; // until a missing message counts as missing
const patience = 15_000;
const handshake = {
  Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

export class Player {
  #server;
  #wanted;
  #marks = 0;
  #sid;
  #session = 'none'; // or polling, websocket, upgraded, gone
  #form;
  #ws = [];
  #parked; // the connection of a GET that waits
  #friend; // the WebSocket of somebody else
  #conns = [];
  #names = new Names();
  #answers;
  #quiet = false;

  // wanted are the answers of the server to compare with, if there are any.
  constructor(server, wanted) {
    this.#server = server;
    this.#wanted = wanted;
    this.#form = new Form('', server.parser);
    this.#answers = new Answers(this.#names, server);
  }

  async play(steps) {
    const got = [];
    try {
      for (const [i, step] of steps.entries()) {
        const answer = await this.#step(this.#names.filled(step), this.#wanted?.[i]);
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
        return this.#open(step, wanted);
      case 'post':
        return this.#post(step, wanted);
      case 'chunked':
        return this.#chunked(step, wanted);
      case 'other':
        return { response: await this.#request({ method: step.method, path: this.#path() }) };
      case 'mismatch':
        return { response: await this.#request({ path: `/socket.io/?${step.query}&sid=${this.#sid}` }) };
      case 'ws':
        this.#form = new Form(step.target, this.#server.parser);
        return this.#open101({ path: step.target, headers: step.headers }, true, wanted);
      case 'upgrade':
        return this.#open101({ path: `/socket.io/?${step.query}&sid=${this.#sid}`, headers: {} }, false, wanted);
      case 'park':
        return this.#park(step);
      case 'parked':
        return this.#unpark();
      case 'hold':
        return this.#hold(step);
      case 'overlap':
        return this.#overlap(step);
      case 'hangup':
        return this.#hangUp();
      case 'news':
        return this.#news(step);
      default:
        return this.#frames(step, wanted);
    }
  }

  async #connection() {
    const conn = await Conn.open(this.#server);
    this.#conns.push(conn);
    return conn;
  }

  #path = () => `/socket.io/?${this.#form.query}&sid=${this.#sid}`;

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

  async #request(request, ms) {
    const conn = await this.#connection();
    conn.write(renderRequest(this.#server, request));
    try {
      return await answered(conn, { head: request.method === 'HEAD', ms });
    } finally {
      conn.close();
    }
  }

  // send posts packets in the form of the session.
  #send(...packets) {
    const { body, headers } = this.#form.post(packets);
    return this.#request({ method: 'POST', path: this.#path(), body, headers });
  }

  async #open({ target, headers }, wanted) {
    this.#form = new Form(target, this.#server.parser);
    const response = await this.#request({ path: target, headers });
    this.#sid = /"sid\\?":\\?"([\w-]{20})\\?"/.exec(response.body)?.[1];
    if (this.#sid) this.#session = 'polling';
    // There the client has joined "/", and is greeted.
    return { response, ...(this.#sid && this.#form.rev3 && (await this.#settle([], wanted))) };
  }

  async #post({ body, latin1, headers = {}, said }, wanted) {
    const bytes = Buffer.from(body, latin1 ? 'latin1' : 'utf8');
    const response = await this.#request({ method: 'POST', path: this.#path(), body: bytes, headers });
    return { response, ...(await this.#settle(said ?? body.split('\x1e'), wanted)) };
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
    return { response, ...(await this.#settle(body.split('\x1e'), wanted)) };
  }

  // alive asks whether the session is there. Another revision is refused, and does no harm.
  async #alive() {
    const { body } = await this.#request({ path: `/socket.io/?EIO=${this.#form.rev3 ? 4 : 3}&transport=polling&sid=${this.#sid}` });
    return !body?.includes('Session ID');
  }

  // settle polls until the mark has been answered, or the session is gone.
  async #settle(said, wanted) {
    if (this.#session !== 'polling') return {};
    this.#quiet = waiting(said.filter((text) => text[0] === '4').map((text) => text.slice(1)), said.filter((text) => text[0] === 'b').length);
    if (this.#quiet) return { alive: await this.#alive() };
    const mark = `44/mark-${++this.#marks},{"message":"Invalid namespace"}`;
    await this.#send(this.#form.connectPacket(`/mark-${this.#marks}`));
    const messages = [];
    const count = (list = []) => list.filter((text) => text !== ofBytes).length;
    const missing = () => count(wanted?.messages) > count(messages);
    for (let marked = false; !marked || missing(); ) {
      const response = await this.#request({ path: this.#path() }, marked ? late : patience);
      if (response.status !== 200) {
        messages.push(`[poll: ${response.status ?? response.failed} ${response.body ?? ''}]`);
        if (!response.failed) this.#session = 'gone';
        break;
      }
      for (const packet of this.#form.packets(response)) {
        if (packet === mark) marked = true;
        else if (packet === '2') await this.#send('3');
        else if (packet !== ofBytes || !messages.includes(ofBytes)) messages.push(packet);
        if (packet.startsWith('[malformed')) marked = true;
      }
    }
    return { messages };
  }

  // park leaves a GET waiting. That it waits is known when a POST behind it is answered, whichever loop has got the two.
  async #park({ headers = {} }) {
    this.#parked = await this.#connection();
    this.#parked.write(requestHead(this.#server, { path: this.#path(), headers }));
    return { response: await this.#send(this.#form.rev3 ? '6' : '3') };
  }

  async #unpark() {
    const conn = this.#parked;
    this.#parked = undefined;
    const polled = await answered(conn, { ms: late });
    conn.close();
    return polled.failed ? { polled } : { polled: { ...polled, packets: polled.status === 200 ? this.#form.packets(plain(polled)) : undefined } };
  }

  // hold posts while a GET waits, and reads what that GET is answered.
  async #hold({ body, headers }) {
    await this.#park({ headers });
    const response = await this.#request({ method: 'POST', path: this.#path(), body });
    return { response, ...(await this.#unpark()) };
  }

  // overlap has two requests of the same method at once. The body of a first POST has not come when the second does.
  async #overlap({ method }) {
    let first;
    if (method === 'GET') {
      await this.#park({});
      first = this.#parked;
    } else {
      first = await this.#connection();
      first.write(requestHead(this.#server, { method, path: this.#path(), headers: { 'Content-Length': 2 } }));
      first.write('4');
      await this.#alive();
    }
    const response = await this.#request({ method, path: this.#path(), ...(method === 'POST' && { body: '40' }) });
    const alive = await this.#alive();
    const polled = method === 'GET' ? await this.#unpark() : {};
    if (!alive) this.#session = 'gone';
    return { response, ...polled, alive };
  }

  // hangUp ends the session as a network does, and waits until the server knows.
  async #hangUp() {
    const conn = this.#parked ?? this.#ws.at(-1)?.conn;
    conn?.close();
    this.#parked = undefined;
    const deadline = Date.now() + late;
    let alive = true;
    while (alive && Date.now() < deadline) alive = await this.#alive();
    this.#session = 'gone';
    return { alive };
  }

  // news has somebody else send an event to the room of this player.
  async #news({ n }) {
    if (!this.#friend) {
      const conn = await this.#connection();
      conn.write(requestHead(this.#server, { path: '/socket.io/?EIO=4&transport=websocket', headers: handshake }));
      await answered(conn);
      this.#friend = new Listener(conn, this.#form);
      conn.write(frame(1, '40'));
      await this.#friend.passed(() => this.#friend.messages.some((text) => text.startsWith('40')), patience);
    }
    const target = { from: 'server', to: [this.#names.room] };
    this.#friend.conn.write(frame(1, `42${n}${JSON.stringify(['ctl', { op: 'emit', event: 'news', args: [n], target }])}`));
    await this.#friend.passed(() => this.#friend.messages.some((text) => text.startsWith(`43${n}[`)), patience);
    return {};
  }

  // first hears what a WebSocket begins with.
  async #first(conn, wanted) {
    const ws = new Listener(conn, this.#form);
    return this.#opening(ws, wanted);
  }

  async #opening(ws, wanted) {
    await ws.passed(() => ws.messages.length > 0, patience);
    return ws.ended ? ws.until(() => true) : this.#ping(ws, wanted);
  }

  async #open101({ path, headers }, first, wanted) {
    const conn = await this.#connection();
    conn.write(requestHead(this.#server, { path, headers: { ...handshake, ...headers } }));
    const response = await answered(conn);
    if (response.status !== 101) return { response };
    const listener = new Listener(conn, this.#form);
    if (!first) {
      this.#ws.push(listener);
      return { response, ...(await this.#ping(listener, wanted)) };
    }
    this.#ws = [listener];
    this.#session = 'websocket';
    const heard = await this.#opening(listener, wanted);
    this.#sid = /"sid":"([\w-]{20})"/.exec(heard.messages[0])?.[1];
    return { response, ...heard };
  }

  async #ping(ws, wanted) {
    const mark = `mark ${++this.#marks}`;
    ws.conn.write(frame(9, mark));
    await ws.passed(() => ws.takePong(mark), patience);
    return ws.until(() => ws.messages.length >= (wanted?.messages?.length ?? 0), late);
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
      ws.conn.write(frame(...this.#form.connect(`/mark-${this.#marks}`)));
      await ws.passed(() => ws.takeMessage(mark), patience);
    }
    return ws.until(() => ws.messages.length >= (wanted?.messages?.length ?? 0), late);
  }

  // end makes sure that nothing more has been said: the last word of an orderly session.
  async #end(wanted) {
    if (this.#quiet || this.#session === 'none') return {};
    const ws = this.#ws.at(-1);
    if (this.#session === 'polling') return this.#settle([], wanted);
    if (!ws) return {};
    return ws.ended ? ws.until(() => true) : this.#ping(ws, wanted);
  }
}

// answered reads a response, or says what came instead.
async function answered(conn, { head = false, ms = patience } = {}) {
  try {
    const { status, headers, body, bytes } = await conn.response({ head, ms });
    return { status, headers, body, bytes };
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
