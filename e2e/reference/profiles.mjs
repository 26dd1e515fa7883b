// What each profile of the testbed serves. A profile attaches itself to the HTTP server and returns what closes it.

import { attach } from 'engine.io';
import { Server } from 'socket.io';
import * as msgpack from 'socket.io-msgpack-parser';
import { serverOptions } from './options.mjs';
import { parity } from './parity.mjs';
import { sioClient } from './sio-client.mjs';

// count keeps the counters of -stats-json for a Socket.IO server.
export function count(io, counters) {
  io.engine.on('connection', (conn) => {
    counters.socketsOpened++;
    conn.once('close', () => counters.socketsClosed++);
  });
}

function serve(http, flags, counters, options, setup) {
  const io = new Server(http, { path: flags.path ?? '/socket.io/', ...options });
  count(io, counters);
  setup(io);
  return () => io.close();
}

function benchEvents(io) {
  io.on('connection', (socket) => {
    socket.on('echo', (payload, ack) => (ack ? ack(payload) : socket.emit('echo', payload)));
    socket.on('broadcast', (payload) => io.emit('broadcast', payload));
    socket.on('volatile', (payload) => io.volatile.emit('broadcast', payload));
    socket.on('room', (room, payload) => io.to(room).emit('room', payload));
    for (const verb of ['join', 'leave']) {
      socket.on(verb, (room, ack) => {
        socket[verb](room);
        ack?.(true);
      });
    }
  });
}

const bench = (http, flags, counters) => serve(http, flags, counters, serverOptions(flags), benchEvents);

function ticker(http, flags, counters) {
  return serve(http, flags, counters, {}, (io) => {
    benchEvents(io);
    const payload = 'x'.repeat(Number(flags.payload));
    let sequence = 0;
    setInterval(() => {
      const to = flags.volatile ? io.volatile : io;
      to.emit('tick', sequence++, Number(process.hrtime.bigint()), payload);
    }, 1000 / Number(flags.hz)).unref();
  });
}

function engine(allowEIO3) {
  return (http, flags, counters) => {
    const server = attach(http, {
      path: flags.path ?? '/engine.io/',
      pingInterval: 300,
      pingTimeout: 200,
      maxHttpBufferSize: 1e6,
      cors: { origin: '*' },
      allowEIO3,
    });
    server.on('connection', (session) => {
      counters.socketsOpened++;
      session.on('message', (data) => session.send(data));
      session.once('close', () => counters.socketsClosed++);
    });
    return async () => server.close();
  };
}

// The server of the tests of the official Engine.IO client.
function engineClient(http, flags, counters) {
  const server = attach(http, {
    path: flags.path ?? '/engine.io/',
    pingInterval: 500,
    maxHttpBufferSize: 100,
    allowRequest: (req, callback) => callback(null, !new URL(req.url, 'http://localhost').searchParams.has('deny')),
  });
  server.on('initial_headers', (headers) => {
    const expired = `4=4; Expires=${new Date().toUTCString()}`;
    headers['set-cookie'] = ['1=1; Max-Age=86400', '2=2; Path=/; HttpOnly; Secure; SameSite=Strict', '3=3; Max-Age=0', expired];
  });
  const answers = {
    'give binary': () => Buffer.from([0, 1, 2, 3, 4]),
    'give utf8': () => 'пойду спать всем спокойной ночи',
    sendHeaders: (session) => JSON.stringify(session.transport?.dataReq?.headers),
  };
  server.on('connection', (session) => {
    counters.socketsOpened++;
    session.send('hi');
    session.on('message', (data) => {
      const answer = typeof data === 'string' && Object.hasOwn(answers, data) && answers[data];
      session.send(answer ? answer(session) : data);
    });
    session.once('close', () => counters.socketsClosed++);
  });
  return async () => server.close();
}

function sioProtocol(http, flags, counters, parser) {
  const options = { parser, pingInterval: 300, pingTimeout: 200, connectTimeout: 1000, cors: { origin: '*' } };
  return serve(http, flags, counters, options, (io) => {
    io.on('connection', (socket) => {
      socket.emit('auth', socket.handshake.auth);
      socket.on('message', (...args) => socket.emit('message-back', ...args));
      socket.on('message-with-ack', (...args) => args.pop()(...args));
    });
    io.of('/custom').on('connection', (socket) => socket.emit('auth', socket.handshake.auth));
  });
}

export const profiles = {
  bench,
  ticker,
  'eio-protocol': engine(false),
  'eio3-protocol': engine(true),
  'sio-protocol': sioProtocol,
  'sio-protocol-msgpack': (http, flags, counters) => sioProtocol(http, flags, counters, msgpack),
  'eio-client': engineClient,
  'sio-client': (http, flags, counters) => sioClient(http, flags, (io) => count(io, counters)),
  parity: (http, flags, counters) => parity(http, flags, (io) => count(io, counters)),
};
