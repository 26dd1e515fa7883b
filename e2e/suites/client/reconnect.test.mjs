// Losing the server and finding it again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, ctl, modes } from '../../lib/client.mjs';
import { landed, testbed } from '../../lib/server.mjs';
import { collect, once } from '../../lib/wait.mjs';

const again = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100, randomizationFactor: 0 };

describe('reconnection', { concurrency: 3 }, () => {
  for (const mode of Object.keys(modes)) {
    for (const [how, end] of [
      ['shuts down', (server) => server.stop()],
      ['is killed', (server) => server.kill()],
    ]) {
      test(`over ${mode}, when the server ${how} and comes back`, async (t) => {
        const first = await testbed('parity');
        const socket = await connect(t, first, { mode, ...again });
        const { id } = socket;
        const gone = once(socket, 'disconnect');
        const back = once(socket, 'connect', 30_000);
        await end(first);
        const [reason] = await gone;
        assert.ok(['transport close', 'transport error'].includes(reason), reason);
        socket.emit('echo', 'while away');
        const echoed = once(socket, 'echo', 30_000);
        const second = await testbed('parity', { addr: `127.0.0.1:${first.port}` });
        t.after(() => second.stop());
        await back;
        assert.notEqual(socket.id, id);
        assert.ok(!socket.recovered);
        assert.deepEqual(await echoed, ['while away']);
        assert.equal(await socket.emitWithAck('echo', 'back'), 'back');
      });
    }

    test(`over ${mode}, when the connection breaks`, async (t) => {
      const server = await testbed('parity');
      t.after(() => server.stop());
      const socket = await connect(t, server, { mode, ...again });
      const back = once(socket, 'connect');
      const gone = once(socket, 'disconnect');
      socket.io.engine.close();
      assert.equal((await gone)[0], 'forced close');
      await back;
      assert.equal(await socket.emitWithAck('echo', 1), 1);
    });
  }

  test('every namespace comes back', async (t) => {
    const server = await testbed('parity');
    t.after(() => server.stop());
    const socket = await connect(t, server, again);
    const custom = socket.io.socket('/custom', {});
    await once(custom, 'connect');
    const back = [once(socket, 'connect'), once(custom, 'connect')];
    socket.io.engine.transport.ws.terminate();
    await Promise.all(back);
    assert.equal(await custom.emitWithAck('echo', 1), 1);
  });

  test('a disconnect by the server is final until the client connects', async (t) => {
    const server = await testbed('parity');
    t.after(() => server.stop());
    const socket = await connect(t, server, again);
    const gone = once(socket, 'disconnect');
    socket.emit('ctl', { op: 'disconnect', close: true });
    assert.equal((await gone)[0], 'io server disconnect');
    assert.equal(socket.active, false);
    socket.connect();
    await once(socket, 'connect');
  });

  test('a refused admission is tried again', async (t) => {
    const server = await landed(t, testbed('parity', { set: { allowRequest: true } }));
    if (!server) return;
    t.after(() => server.stop());
    const { io } = await import('socket.io-client');
    const socket = io(server.url, { forceNew: true, query: { deny: 'no' }, ...again });
    t.after(() => socket.io._close());
    const errors = await collect(socket, 'connect_error', 3);
    assert.equal(errors.length, 3);
    assert.equal(socket.active, true);
    socket.io.opts.query = {};
    await once(socket, 'connect');
  });

  test('a socket whose namespace is left keeps the connection for the others', async (t) => {
    const server = await testbed('parity');
    t.after(() => server.stop());
    const socket = await connect(t, server, again);
    const custom = socket.io.socket('/custom', {});
    await once(custom, 'connect');
    custom.disconnect();
    assert.deepEqual(await ctl(socket, 'count'), { sockets: 1, clients: 1 });
  });
});
