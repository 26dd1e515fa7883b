// Numbered events in both directions while the connection moves from polling to WebSocket: every one exactly once, in
// order.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, ctl } from '../../lib/client.mjs';
import { shared } from '../../lib/server.mjs';
import { until } from '../../lib/wait.mjs';

const total = 5000;

// fresh returns a socket that is connected over polling and does not move to WebSocket before it is told to.
function fresh(t, server) {
  return connect(t, server, { mode: 'upgrade', upgrade: false, upgraded: false });
}

// move starts the upgrade, which the client otherwise does as soon as it is open; `done` turns true with its end.
function move(socket) {
  const { engine } = socket.io;
  const state = { done: false };
  engine.once('upgrade', () => (state.done = true));
  engine._probe('websocket');
  return state;
}

function assertInOrder(seen, n) {
  assert.equal(seen.length, n);
  const wrong = seen.findIndex((value, i) => value !== i);
  assert.equal(wrong, -1, `event ${wrong} is number ${seen[wrong]}`);
}

describe('across the upgrade', () => {
  test(`${total} events to the server and back`, async (t) => {
    const socket = await fresh(t, await shared('parity'));
    const seen = [];
    socket.on('echo', (i) => seen.push(i));
    let moving = null;
    let sent = 0;
    // For as long as the upgrade takes, then a thousand more.
    for (let rest = Infinity; sent < total || rest > 0; rest--) {
      socket.emit('echo', sent++);
      if (sent === 1000) moving = move(socket);
      if (moving?.done && rest === Infinity) rest = 1000;
      if (sent % 20 === 0) await new Promise(setImmediate);
      if (sent - seen.length > 2000) await until(() => sent - seen.length < 1000, 'the echoes to keep up');
    }
    await until(() => seen.length >= sent, `${sent} echoes`, 60_000);
    await ctl(socket, 'rooms');
    assertInOrder(seen, sent);
    assert.equal(socket.io.engine.transport.name, 'websocket');
  });

  test(`bursts of ${total} binary events from the server`, async (t) => {
    const socket = await fresh(t, await shared('parity'));
    const seen = [];
    socket.on('flood', (i, bytes) => seen.push(bytes.length === 16 ? i : -1));
    const moving = move(socket);
    let bursts = 0;
    // Bursts until one has met the upgrade.
    do {
      bursts++;
      await ctl(socket, 'flood', { n: total, size: 16 });
    } while (!moving.done);
    await until(() => seen.length >= bursts * total, `${bursts * total} events`, 60_000);
    await ctl(socket, 'rooms');
    assert.equal(seen.length, bursts * total);
    for (let i = 0; i < bursts; i++) assertInOrder(seen.slice(i * total, (i + 1) * total), total);
  });

  test(`${total} events to a client that is just upgrading`, async (t) => {
    const socket = await fresh(t, await shared('parity'));
    const seen = [];
    socket.on('flood', (i) => seen.push(i));
    socket.io.engine.once('upgrading', () => socket.emit('ctl', { op: 'flood', n: total, size: 8 }));
    const moving = move(socket);
    await until(() => moving.done && seen.length >= total, `${total} events and the upgrade`, 60_000);
    await ctl(socket, 'rooms');
    assertInOrder(seen, total);
  });

  for (const mode of ['polling', 'websocket']) {
    test(`${total} events over ${mode} alone`, async (t) => {
      const socket = await connect(t, await shared('parity'), { mode });
      const seen = [];
      socket.on('echo', (i) => seen.push(i));
      for (let i = 0; i < total; i++) socket.emit('echo', i);
      await until(() => seen.length >= total, `${total} echoes`, 60_000);
      await ctl(socket, 'rooms');
      assertInOrder(seen, total);
    });
  }
});
