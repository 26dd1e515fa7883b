#!/usr/bin/env node
// The testbed's profile `bench`, served by the official Socket.IO server with uWebSockets.js as its engine.
//
//   node node-uws.mjs -addr 127.0.0.1:0

import uWS from '@btc-vision/uwebsockets.js';
import { Server } from 'socket.io';
import { serve } from './serve.mjs';

const app = uWS.App();
const io = new Server({ maxBackpressure: 16 << 20 }); // past it publish drops, and the default is 64 KiB
io.attachApp(app);

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

serve(app);
