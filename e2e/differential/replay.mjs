// Plays a recording (record.mjs says what is in it) to a server and returns what it answers: the packets of the session
// in their order, and the responses that are not answers to polls.
//
// What a client has sent because of an answer is sent when as many packets have come as had come then: that they come in
// as many responses is not asked for. So a poll is left out while another waits, and one is added where none does.

import { Conn, frame, requestHead } from '../lib/raw.mjs';
import { Form, plain } from './forms.mjs';
import { Listener } from './listener.mjs';
import { Answers, Names } from './normal.mjs';

const patience = 10_000;

const bytesOf = (value) => (value?.base64 === undefined ? Buffer.from(value ?? '') : Buffer.from(value.base64, 'base64'));

class Replay {
  #server;
  #names = new Names();
  #form;
  #conns = new Map(); // by number
  #sockets = new Map(); // by number, those that are WebSockets
  #polling; // the request of the poll that waits
  #lastPoll;
  #upgraded = false;
  #asked = new Map(); // by number, the request that is being answered
  #due = { polled: 0, heard: 0 }; // how many packets had come, over polling and over WebSocket
  #come = { polled: 0, heard: 0 };
  #packets = [];
  #responses = [];
  #wake = () => {};

  constructor(server) {
    this.#server = server;
  }

  async play(lines) {
    try {
      for (const [conn, what, ...rest] of lines) await this.#do(conn, what, rest);
    } catch (err) {
      this.#packets.push(`[${err.message}]`);
    } finally {
      for (const conn of this.#conns.values()) conn.close();
    }
    // Named anew, namespace by namespace: two of them may have answered in another order.
    const answers = new Answers(new Names(), this.#server);
    const responses = this.#responses.map((response) => answers.normal({ response }).response);
    return { responses, packets: answers.normal({ messages: this.#packets }).messages };
  }

  #do(conn, what, rest) {
    switch (what) {
      case 'request':
        return this.#request(conn, ...rest);
      case 'response':
        return this.#response(conn, ...rest);
      case 'send':
        return this.#send(conn, ...rest);
      case 'receive':
        return this.#wait('heard', 1);
      case 'closed':
        return this.#close(conn);
      default:
        return undefined; // the server that it is for
    }
  }

  async #request(number, line, headers, body) {
    const [method, path] = this.#names.filled(line).split(' ');
    this.#form ??= new Form(path, this.#server.parser);
    const host = `${this.#server.host}:${this.#server.port}`;
    const fields = Object.entries(headers).map(([name, value]) => [name, value.replaceAll('{host}', host)]);
    const request = { method, path, headers: Object.fromEntries(fields), body: undefined };
    const upgrade = fields.some(([name]) => name.toLowerCase() === 'upgrade');
    const poll = method === 'GET' && path.includes('sid=') && !upgrade;
    this.#asked.set(number, poll ? 'poll' : upgrade ? 'upgrade' : 'other');
    if (poll) {
      this.#lastPoll = request;
      if (!this.#polling) this.#poll(request);
      return;
    }
    if (body !== undefined) {
      request.body = bytesOf(this.#names.filled(body));
      request.headers = withLength(request.headers, request.body.length);
    }
    const conn = this.#conns.get(number) ?? (await Conn.open(this.#server));
    this.#conns.set(number, conn);
    conn.write(Buffer.concat([Buffer.from(requestHead(this.#server, request)), request.body ?? Buffer.alloc(0)]));
  }

  // poll has a connection of its own, whatever it was in the recording.
  async #poll(request) {
    this.#polling = request;
    const conn = await Conn.open(this.#server);
    this.#conns.set(request, conn);
    conn.write(requestHead(this.#server, request));
    try {
      const response = await conn.response({ ms: patience });
      this.#polling = undefined;
      this.#take(response.status === 200 ? this.#form.packets(plain(response)) : [`[poll: ${response.status} ${response.body}]`], 'polled');
    } catch (err) {
      this.#take([`[poll: ${err.message}]`], 'polled');
    }
  }

  #take(packets, way) {
    for (const text of packets) this.#names.learn(text, this.#server.recovery);
    this.#packets.push(...packets);
    this.#come[way] += packets.length;
    this.#wake();
  }

  // wait waits until n packets more have come that way.
  async #wait(way, n) {
    this.#due[way] += n;
    const deadline = Date.now() + patience;
    while (this.#come[way] < this.#due[way]) {
      if (Date.now() > deadline) throw new Error(`${this.#due[way] - this.#come[way]} packets are missing`);
      if (way === 'polled' && !this.#upgraded && !this.#polling) this.#poll(this.#lastPoll);
      const timer = setTimeout(() => this.#wake(), 1000);
      await new Promise((resolve) => (this.#wake = resolve));
      clearTimeout(timer);
    }
  }

  async #response(number, _, packets) {
    const asked = this.#asked.get(number);
    if (asked === 'poll') return this.#wait('polled', packets.length);
    const conn = this.#conns.get(number);
    const response = await conn.response({ ms: patience });
    this.#responses.push(response);
    if (packets.length) {
      this.#due.polled += packets.length;
      this.#take(this.#form.packets(plain(response)), 'polled');
    }
    if (response.status === 101) this.#listen(number, conn);
    return undefined;
  }

  async #listen(number, conn) {
    const listener = new Listener(conn, this.#form);
    this.#sockets.set(number, listener);
    while (!listener.ended) {
      const { messages } = await listener.until(() => listener.messages.length > 0, 2 ** 31 - 1);
      this.#take(messages.filter((text) => text !== '[end]'), 'heard');
    }
  }

  #send(number, op, payload) {
    if (payload === '5') this.#upgraded = true;
    this.#conns.get(number)?.write(frame(op, bytesOf(this.#names.filled(payload))));
  }

  #close(number) {
    if (this.#asked.get(number) !== 'poll') this.#conns.get(number)?.close();
  }
}

// withLength states the length that the body has with the ids of this server.
const withLength = (headers, n) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, name.toLowerCase() === 'content-length' ? n : value]));

// replay plays the lines of a recording.
export const replay = (server, lines) => new Replay(server).play(lines);
