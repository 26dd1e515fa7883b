#!/usr/bin/env node
// The messages of the testbed's profile `bench` over bare WebSocket: uWebSockets.js with its publish and subscribe,
// without Socket.IO. A broadcast and an echo send the bytes that came.
//
//   node uws-plain.mjs -addr 127.0.0.1:0

import uWS from '@btc-vision/uwebsockets.js';
import { serve } from './serve.mjs';

const app = uWS.App();

// Behind `42["`: the first letter tells the events apart.
const [ECHO, BROADCAST, VOLATILE, ROOM, JOIN, LEAVE] = [...'ebvrjl'].map((c) => c.charCodeAt(0));

// name returns the string that begins behind `42["EVENT",` and where it ends.
function name(text, event) {
  const begin = event.length + 6;
  const end = text.indexOf('"', begin + 1);
  return { room: text.slice(begin + 1, end), end: end + 1 };
}

app.ws('/*', {
  compression: uWS.DISABLED,
  maxPayloadLength: 1e6,
  maxBackpressure: 16 << 20, // past it publish drops, and the default is 64 KiB
  open: (ws) => ws.subscribe('all'),
  message: (ws, message, isBinary) => {
    const bytes = new Uint8Array(message);
    switch (bytes[4]) {
      case ECHO:
        ws.send(message, isBinary);
        break;
      case BROADCAST:
        app.publish('all', message, isBinary);
        break;
      case VOLATILE:
        app.publish('all', Buffer.from(message).toString().replace('volatile', 'broadcast'), false);
        break;
      case ROOM: {
        const text = Buffer.from(message).toString();
        const { room, end } = name(text, 'room');
        app.publish(`room ${room}`, `42["room"${text.slice(end)}`, false);
        break;
      }
      case JOIN: {
        const { room } = name(Buffer.from(message).toString(), 'join');
        ws.subscribe(`room ${room}`);
        ws.send(`42["joined","${room}"]`, false);
        break;
      }
      case LEAVE: {
        const { room } = name(Buffer.from(message).toString(), 'leave');
        ws.unsubscribe(`room ${room}`);
        ws.send(`42["left","${room}"]`, false);
        break;
      }
      default:
        ws.end(1002, 'unknown event');
    }
  },
});

serve(app);
