// The official JavaScript client, set up for tests: one connection each, no reconnection unless asked for, and closed
// when its test ends.

import { io } from 'socket.io-client';
import { once } from './wait.mjs';

// modes are the ways to reach the server; `upgrade` is the client's default.
export const modes = {
  polling: { transports: ['polling'] },
  websocket: { transports: ['websocket'] },
  upgrade: { transports: ['polling', 'websocket'] },
};

// open returns a socket that is connecting. t is the test that it belongs to.
export function open(t, server, { nsp = '/', mode = 'websocket', ...options } = {}) {
  const socket = io(`${server.url}${nsp}`, { forceNew: true, reconnection: false, ...modes[mode], ...options });
  // The whole connection, whatever other namespaces are on it: else it would go on reconnecting.
  t.after(() => socket.io._close());
  return socket;
}

// connect returns a socket that is connected. In profile parity its `welcome` is the greeting it got.
export async function connect(t, server, options) {
  const socket = open(t, server, options);
  const welcome = new Promise((resolve) => socket.once('welcome', resolve));
  const refused = new Promise((_, reject) => socket.once('connect_error', reject));
  await Promise.race([once(socket, 'connect'), refused]);
  socket.welcome = welcome;
  if (options?.mode === 'upgrade' && options.upgraded !== false) await upgraded(socket);
  return socket;
}

// upgraded waits until the connection of a socket is on WebSocket.
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== 'websocket') await once(engine, 'upgrade');
}

// ctl sends a command of profile parity and returns what it acknowledges.
export function ctl(socket, op, rest = {}) {
  return socket.timeout(10_000).emitWithAck('ctl', { op, ...rest });
}

// settled makes sure that whatever was emitted to these sockets before has arrived: each makes a round trip.
export function settled(...sockets) {
  return Promise.all(sockets.map((socket) => socket.timeout(10_000).emitWithAck('echo')));
}

// record notes every event that arrives, without the greeting.
export function record(socket) {
  const got = [];
  socket.onAny((event, ...args) => event !== 'welcome' && got.push([event, ...args]));
  return got;
}
