// The forms in which packets travel: revision 4 and 3 of Engine.IO, base64, JSONP, and the two parsers of Socket.IO.
// Players and rules know packets only as revision 4 spells them with the JSON parser; here they are put into the form of
// a session, and read from it.

import { gunzipSync, inflateSync } from 'node:zlib';
import notepack from 'notepack.io';

// ofBytes stands for the form of a response, of which there may be several in one step.
export const ofBytes = '[object of bytes]';

const separator = '\x1e';

export class Form {
  // target is that of the session's handshake; parser is that of the server.
  constructor(target = '', parser = 'json') {
    const query = new URLSearchParams(target.slice(target.indexOf('?') + 1));
    this.rev3 = query.get('EIO') === '3';
    this.jsonp = query.has('j') && this.rev3;
    this.msgpack = parser === 'msgpack';
    this.query = `EIO=${this.rev3 ? 3 : 4}&transport=polling${this.jsonp ? `&j=${encodeURIComponent(query.get('j'))}` : ''}`;
  }

  // post renders a payload of Engine.IO packets that are text as the body of a POST, with the headers that go with it.
  post(packets) {
    if (!this.rev3) return { body: packets.join(separator), headers: {} };
    const payload = packets.map((packet) => `${packet.length}:${packet}`).join('');
    if (!this.jsonp) return { body: payload, headers: {} };
    return { body: formBody(payload), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
  }

  // connect is the CONNECT of a namespace, as a message of a WebSocket: [opcode, payload].
  connect(nsp) {
    return this.msgpack ? [2, notepack.encode({ type: 0, nsp })] : [1, `40${nsp}`];
  }

  // connectPacket is the same as a packet of a POST.
  connectPacket(nsp) {
    return this.msgpack ? `b${notepack.encode({ type: 0, nsp }).toString('base64')}` : `40${nsp}`;
  }

  // packets reads the response to a GET.
  packets({ headers, body, bytes }) {
    if (!this.rev3) return body.split(separator).map((text) => this.#unpacked(text));
    if (headers['content-type'] === 'application/octet-stream') return binaryFraming(bytes);
    return this.jsonp ? script(body) : textFraming(body);
  }

  // binary reads a binary message of a WebSocket.
  binary(bytes) {
    return this.msgpack ? spelled(bytes) : `[binary ${bytes.toString('hex')}]`;
  }

  #unpacked(text) {
    return this.msgpack && text[0] === 'b' ? spelled(Buffer.from(text.slice(1), 'base64')) : text;
  }
}

// formBody renders a payload as the client of JSONP does: a form, with line breaks escaped.
export const formBody = (payload) => `d=${encodeURIComponent(payload.toWellFormed().replace(/\\n/g, '\\\\n').replace(/\n/g, '\\n'))}`;

// script reads the argument of a call: a string, or of Node, where there is binary, what JSON makes of a Buffer.
function script(body) {
  const [, argument = 'null'] = /^___eio\[\d*\]\((.*)\);$/s.exec(body) ?? [];
  const value = JSON.parse(argument);
  if (typeof value === 'string') return textFraming(value);
  return value?.type === 'Buffer' ? [ofBytes, ...binaryFraming(Buffer.from(value.data))] : [`[malformed ${body}]`];
}

function textFraming(payload) {
  const packets = [];
  while (payload) {
    const [, n] = /^(\d+):/.exec(payload) ?? [];
    if (n === undefined) return [...packets, `[malformed ${payload}]`];
    const at = n.length + 1;
    packets.push(payload.slice(at, at + Number(n)));
    payload = payload.slice(at + Number(n));
  }
  return packets;
}

function binaryFraming(bytes) {
  const packets = [];
  while (bytes.length) {
    const end = bytes.indexOf(255);
    const n = Number(bytes.subarray(1, end).join(''));
    const data = bytes.subarray(end + 1, end + 1 + n);
    packets.push(bytes[0] === 0 ? data.toString() : `b4${data.subarray(1).toString('base64')}`);
    bytes = bytes.subarray(end + 1 + n);
  }
  return packets;
}

// spelled is a packet of MessagePack as the JSON parser would spell it, with binary as what JSON makes of it.
function spelled(bytes) {
  try {
    const { type, nsp, data, id } = notepack.decode(bytes);
    return `4${type}${nsp === '/' ? '' : `${nsp},`}${id ?? ''}${data === undefined ? '' : JSON.stringify(data)}`;
  } catch {
    return `[binary ${bytes.toString('hex')}]`;
  }
}

// strict3 tells whether a payload of revision 3 in text framing is as it should be; that of JSONP is in a form.
export function strict3(body) {
  let payload = body.startsWith('d=') ? decoded(body.slice(2)) : body;
  while (payload) {
    const [head, n] = /^([1-9]\d*):/.exec(payload) ?? [];
    const packet = n && payload.slice(head.length, head.length + Number(n));
    if (!packet || packet.length < Number(n) || !/^[0-6]|^b[0-6]/.test(packet)) return false;
    payload = payload.slice(head.length + Number(n));
  }
  return body !== '';
}

function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')).replace(/(\\)?\\n/g, (match, slash) => (slash ? '\\n' : '\n'));
  } catch {
    return 'x';
  }
}

// unpacked are the packets of MessagePack in a step.
export function unpacked({ body = '', frames = [] }) {
  const posted = body.split(separator).filter((text) => text[0] === 'b').map((text) => Buffer.from(text.slice(1), 'base64'));
  const sent = frames.filter(([op]) => op === 2).map(([, text]) => Buffer.from(text, 'latin1'));
  return [...posted, ...sent].flatMap((bytes) => {
    try {
      const packet = notepack.decode(bytes);
      return packet && typeof packet === 'object' ? [packet] : [];
    } catch {
      return [];
    }
  });
}

// plain is a response with its body decompressed.
export function plain(response) {
  const unpack = { gzip: gunzipSync, deflate: inflateSync }[response.headers?.['content-encoding']];
  if (!unpack) return response;
  const bytes = unpack(response.bytes);
  return { ...response, bytes, body: bytes.toString() };
}
