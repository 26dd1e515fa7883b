// Profile sio-client: what the official JavaScript client's own tests expect of a server.

import assert from 'node:assert/strict';
import { Server } from 'socket.io';

const bytes = () => Buffer.from('asdfasdf');

function checkBinaryObject(object) {
  assert.equal(object.hello, 'lol');
  assert.ok(Buffer.isBuffer(object.message));
  assert.equal(object.goodbye, 'gotcha');
}

function answers(socket) {
  const sender = (event, ...args) => () => socket.emit(event, ...args);
  return {
    hi: sender('hi'),
    echo: (arg, ack) => ack(arg),
    ack: () => socket.emit('ack', (a, b) => a === 5 && b?.test && socket.emit('got it')),
    getAckDate: (_, ack) => ack(new Date()),
    getDate: () => socket.emit('takeDate', new Date()),
    getDateObj: () => socket.emit('takeDateObj', { date: new Date() }),
    getUtf8: () => {
      for (const text of ['てすと', 'Я Б Г Д Ж Й', 'Ä ä Ü ü ß', 'utf8 — string', 'utf8 — string']) socket.emit('takeUtf8', text);
    },
    false: sender('false', false),
    doge: () => socket.emit('doge', bytes()),
    getbin: () => socket.emit('takebin', bytes()),
    getHandshake: (ack) => ack(socket.handshake),
    getId: (ack) => ack(socket.id),
  };
}

function binaryAnswers(socket) {
  let first = false;
  let blobs = 0;
  return {
    buffa: (a) => Buffer.isBuffer(a) && socket.emit('buffack'),
    blob: (a) => Buffer.isBuffer(a) && socket.emit('back'),
    jsonbuff: (object) => {
      checkBinaryObject(object);
      socket.emit('jsonbuff-ack');
    },
    jsonblob: (object) => {
      checkBinaryObject(object);
      socket.emit('jsonblob-ack');
    },
    abuff1: (a) => (first = Buffer.isBuffer(a)),
    abuff2: () => first && socket.emit('abuff2-ack'),
    blob1: (a) => (blobs = Buffer.isBuffer(a) ? 1 : 0),
    blob2: (text) => (blobs = blobs === 1 && text === 'second' ? 2 : 0),
    blob3: (a) => blobs === 2 && Buffer.isBuffer(a) && socket.emit('blob3-ack'),
  };
}

export function sioClient(http, flags, started) {
  const io = new Server(http, {
    path: flags.path ?? '/socket.io/',
    pingInterval: 2000,
    connectionStateRecovery: {},
    allowRequest: (_req, allow) => setTimeout(() => allow(null, true), 10),
  });
  started(io);

  io.use((socket, next) => next(socket.handshake.query.fail ? new Error('Auth failed (main namespace)') : undefined));
  io.of('/no').use((_socket, next) => next(new Error('Auth failed (custom namespace)')));
  io.of('/foo').on('connection', (socket) => socket.on('getId', (ack) => ack(socket.id)));
  for (const name of ['/timeout_socket', '/valid', '/asd']) io.of(name);
  io.of('/abc').on('connection', (socket) => socket.emit('handshake', socket.handshake));

  io.on('connection', (socket) => {
    for (const [event, answer] of Object.entries({ ...answers(socket), ...binaryAnswers(socket) })) socket.on(event, answer);
  });
  return () => io.close();
}
