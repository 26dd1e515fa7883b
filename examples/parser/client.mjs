// The parser of main.go for socket.io-client:
//
//     import * as parser from './client.mjs';
//     const socket = io('http://localhost:3000', { parser });

// Encoder turns a packet into the messages that carry it.
export class Encoder {
  encode({ type, nsp, id, data }) {
    const attachments = [];
    const text = JSON.stringify({ type, nsp, id, data: takeBinary(data, attachments), attachments: attachments.length });
    return [text, ...attachments];
  }
}

// Decoder calls its listeners for "decoded" with each packet.
export class Decoder {
  #listeners = [];
  #packet;
  #attachments = [];

  on(event, listener) {
    if (event === 'decoded') this.#listeners.push(listener);
  }
  off() {
    this.#listeners = [];
  }

  add(message) {
    if (typeof message === 'string') {
      this.#packet = JSON.parse(message);
      this.#attachments = [];
    } else {
      this.#attachments.push(message);
    }
    if (this.#attachments.length < (this.#packet.attachments ?? 0)) return;
    const { type, nsp, id, data } = this.#packet;
    for (const listener of this.#listeners) listener({ type, nsp, id, data: putBinary(data, this.#attachments) });
  }

  destroy() {
    this.off();
  }
}

function takeBinary(value, attachments) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { _placeholder: true, num: attachments.push(value) - 1 };
  }
  return map(value, (item) => takeBinary(item, attachments));
}

function putBinary(value, attachments) {
  return value?._placeholder === true ? attachments[value.num] : map(value, (item) => putBinary(item, attachments));
}

function map(value, change) {
  if (Array.isArray(value)) return value.map(change);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)]));
}
