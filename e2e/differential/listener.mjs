// Listener collects what a WebSocket says, and answers closes and the pings of Engine.IO.

import { frame } from '../lib/raw.mjs';

const forever = 2 ** 31 - 1;

export class Listener {
  messages = [];
  pongs = [];
  ended = false;
  #form;
  #wake = () => {};

  constructor(conn, form) {
    this.conn = conn;
    this.#form = form;
    this.#read();
  }

  async #read() {
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
        if (payload.toString() === '2') this.conn.write(frame(1, '3'));
        else this.messages.push(payload.toString());
        break;
      case 0x82:
        this.messages.push(this.#form.binary(payload));
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
