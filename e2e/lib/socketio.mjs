// Socket.IO v5 spoken by hand, over either transport of Engine.IO.

import assert from 'node:assert/strict';
import { openWebSocket, Polling } from './engine.mjs';

const path = '/socket.io/';

// ws opens a WebSocket session and connects it to the namespace `/` unless `auth` is false.
export async function ws(server, { auth, ...options } = {}) {
  const socket = await openWebSocket(server, path, options);
  if (auth !== false) socket.id = await connect(socket, '/', auth);
  return socket;
}

export const packetOf = (nsp, body) => (nsp === '/' ? body : `${nsp},${body}`);

// connect joins a namespace and returns the id of the new socket. What comes before the reply is left in `before`.
export async function connect(socket, nsp = '/', auth) {
  socket.send(`40${packetOf(nsp, auth ? JSON.stringify(auth) : '')}`);
  socket.before = [];
  for (;;) {
    const reply = await socket.next(`the reply to CONNECT ${nsp}`);
    if (typeof reply === 'string' && reply.startsWith(`40${packetOf(nsp, '{')}`)) {
      const { sid } = JSON.parse(reply.slice(reply.indexOf('{')));
      assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
      return sid;
    }
    assert.ok(!String(reply).startsWith('44'), reply);
    socket.before.push(reply);
  }
}

// polling opens a polling session, connected to `/` unless `auth` is false.
export async function polling(server, { auth, ...options } = {}) {
  const session = await Polling.open(server, path, options);
  if (auth !== false) {
    await session.post(`40${auth ? JSON.stringify(auth) : ''}`);
    const packets = await session.next(1);
    session.id = JSON.parse(packets[0].slice(2)).sid;
    session.left = packets.slice(1);
  }
  return session;
}

// event renders an event packet; `id` asks for an ack.
export function event(name, args = [], { id = '', nsp = '/' } = {}) {
  return `42${packetOf(nsp, '')}${id}${JSON.stringify([name, ...args])}`;
}

// call sends an event to a connected WebSocket and returns the arguments of its ack.
let lastId = 0;
export async function call(socket, name, args = [], { nsp = '/' } = {}) {
  const id = ++lastId;
  socket.send(event(name, args, { id, nsp }));
  const prefix = `43${packetOf(nsp, '')}${id}[`;
  for (;;) {
    const packet = await socket.next(`the ack of ${name}`);
    if (typeof packet === 'string' && packet.startsWith(prefix)) return JSON.parse(packet.slice(prefix.length - 1));
    (socket.skipped ??= []).push(packet);
  }
}
