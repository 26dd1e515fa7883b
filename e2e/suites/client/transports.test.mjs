// The official client over each transport: everything that an application does with one connection.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, ctl, modes, open, record, settled } from '../../lib/client.mjs';
import { reference, shared } from '../../lib/server.mjs';
import { collect, once, until } from '../../lib/wait.mjs';

const parity = () => shared('parity');

for (const mode of Object.keys(modes)) {
  describe(`over ${mode}`, { concurrency: 4 }, () => {
    const name = mode === 'polling' ? 'polling' : 'websocket';

    test('connects and is greeted', async (t) => {
      const socket = await connect(t, await parity(), { mode, auth: { user: 'u1' }, query: { x: 'y z' } });
      const welcome = await socket.welcome;
      assert.equal(socket.io.engine.transport.name, name);
      assert.equal(welcome.id, socket.id);
      assert.deepEqual(welcome.rooms, [socket.id]);
      assert.deepEqual(welcome.auth, { user: 'u1' });
      assert.equal(welcome.query.x, 'y z');
      assert.ok(!socket.recovered);
    });

    test('acks from the server, of every kind of value', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const values = [0, -1.5, 1e21, '', 'é€😀\u2028', true, false, null, [], {}, { a: [1, { b: null }] }, [[['x']]]];
      const got = await new Promise((resolve) => socket.emit('echo', ...values, (...args) => resolve(args)));
      assert.deepEqual(got, values);
    });

    test('events back from the server', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      socket.emit('echo', 1, 'two', { three: [4] });
      assert.deepEqual(await once(socket, 'echo'), [1, 'two', { three: [4] }]);
    });

    test('binary both ways, in events and acks', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const value = { deep: [{ bytes }], empty: Buffer.alloc(0), text: 'x' };
      socket.emit('echo', bytes, value);
      assert.deepEqual(await once(socket, 'echo'), [bytes, value]);
      assert.deepEqual(await socket.emitWithAck('echo', new Uint8Array([1, 2])), Buffer.of(1, 2));
    });

    test('a large message each way', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const text = 'gannet '.repeat(100_000);
      assert.equal(await socket.emitWithAck('echo', text), text);
      const bytes = Buffer.alloc(700_000, 7);
      assert.deepEqual(await socket.emitWithAck('echo', bytes), bytes);
    });

    test('many events stay in order', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const echoes = collect(socket, 'echo', 1000);
      for (let i = 0; i < 1000; i++) socket.emit('echo', i);
      assert.deepEqual((await echoes).map(([i]) => i), Array.from({ length: 1000 }, (_, i) => i));
    });

    test('many acks at once', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => socket.emitWithAck('echo', i)));
      assert.deepEqual(answers, Array.from({ length: 500 }, (_, i) => i));
    });

    test('acks from the client', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      socket.on('ask', (x, answer) => answer({ got: x, bytes: Buffer.of(1) }));
      const { responses } = await ctl(socket, 'emitWithAck', { event: 'ask', args: ['x'] });
      assert.deepEqual(responses, { got: 'x', bytes: Buffer.of(1) });
    });

    test('the client does not answer', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const answer = await ctl(socket, 'emitWithAck', { event: 'ask', target: { timeout: 50 } });
      assert.equal(answer.error, 'operation has timed out');
    });

    test('the server does not answer', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      await assert.rejects(socket.timeout(100).emitWithAck('nobody listens'), /timed out/);
    });

    test('namespaces share one connection', async (t) => {
      const root = await connect(t, await parity(), { mode });
      const custom = root.io.socket('/custom', {});
        await once(custom, 'connect');
      assert.equal(custom.io.engine, root.io.engine);
      assert.notEqual(custom.id, root.id);
      const got = record(root);
      assert.equal(await custom.emitWithAck('echo', 'in custom'), 'in custom');
      custom.emit('echo', 1);
      assert.deepEqual(await once(custom, 'echo'), [1]);
      await settled(root);
      assert.deepEqual(got, []);
      custom.disconnect();
      await settled(root);
    });

    test('a namespace that does not exist', async (t) => {
      const socket = open(t, await parity(), { mode, nsp: '/nothing' });
      const [err] = await once(socket, 'connect_error');
      assert.equal(err.message, 'Invalid namespace');
      assert.equal(err.data, undefined);
    });

    test('middleware refuses with data', async (t) => {
      const socket = open(t, await parity(), { mode, auth: { fail: 'not you', data: { code: 7, list: [1] } } });
      const [err] = await once(socket, 'connect_error');
      assert.equal(err.message, 'not you');
      assert.deepEqual(err.data, { code: 7, list: [1] });
      assert.equal(socket.connected, false);
      assert.equal(socket.active, false);
    });

    test('after a refusal the client tries again with other credentials', async (t) => {
      const socket = open(t, await parity(), { mode, nsp: '/guarded' });
      const [err] = await once(socket, 'connect_error');
      assert.deepEqual([err.message, err.data], ['unauthorized', { code: 401 }]);
      socket.auth = { token: 'secret' };
      socket.connect();
      await once(socket, 'connect');
    });

    test('auth as a function, and an event from a middleware', async (t) => {
      const socket = open(t, await parity(), { mode, auth: (give) => give({ hello: 'there', join: ['r'] }) });
      const hello = once(socket, 'from-middleware');
      const welcome = once(socket, 'welcome');
      await once(socket, 'connect');
      assert.deepEqual(await hello, ['there']);
      assert.deepEqual((await welcome)[0].rooms, ['r', socket.id].sort());
    });

    test('rooms', async (t) => {
      const server = await parity();
      const [a, b, c] = await Promise.all([1, 2, 3].map(() => connect(t, server, { mode })));
      const room = `room-${mode}`;
      assert.deepEqual(await ctl(a, 'join', { rooms: [room] }), [a.id, room].sort());
      await ctl(b, 'join', { rooms: [room, 'other'] });
      const logs = [a, b, c].map(record);
      await ctl(c, 'emit', { target: { from: 'server', to: [room] }, event: 'hello', args: [Buffer.of(1)] });
      await settled(a, b, c);
      assert.deepEqual(logs, [[['hello', Buffer.of(1)]], [['hello', Buffer.of(1)]], []]);
      assert.deepEqual(await ctl(a, 'leave', { rooms: [room] }), [a.id]);
      await ctl(c, 'emit', { target: { from: 'server', to: [room] }, event: 'again' });
      await settled(a, b, c);
      assert.deepEqual([logs[0].length, logs[1].at(-1)], [1, ['again']]);
    });

    test('what is emitted before the connection is sent after it', async (t) => {
      const socket = open(t, await parity(), { mode });
      const echoes = collect(socket, 'echo', 3);
      for (let i = 0; i < 3; i++) socket.emit('echo', i);
      assert.deepEqual(await echoes, [[0], [1], [2]]);
    });

    test('the client disconnects', async (t) => {
      const server = await parity();
      const watcher = await connect(t, server);
      const socket = await connect(t, server, { mode });
      const { id } = socket;
      socket.disconnect();
      const reason = await until(async () => (await ctl(watcher, 'reasons')).find(([other]) => other === id), 'the reason');
      assert.equal(reason[1], 'client namespace disconnect');
    });

    test('the server disconnects one namespace', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const custom = socket.io.socket('/custom', {});
      await once(custom, 'connect');
      const gone = once(socket, 'disconnect');
      socket.emit('ctl', { op: 'disconnect' });
      assert.equal((await gone)[0], 'io server disconnect');
      assert.equal(await custom.emitWithAck('echo', 'still'), 'still');
    });

    test('the server closes the connection', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const gone = once(socket, 'disconnect');
      const closed = once(socket.io.engine, 'close');
      socket.emit('ctl', { op: 'disconnect', close: true });
      assert.equal((await gone)[0], 'io server disconnect');
      await closed;
    });

    test('heartbeats keep an idle connection', async (t) => {
      const server = await shared('parity', { set: { pingInterval: 300, pingTimeout: 5000 } });
      const socket = await connect(t, server, { mode });
      await collect(socket.io.engine, 'ping', 4);
      assert.equal(await socket.emitWithAck('echo', 'alive'), 'alive');
    });

    test('a server that has gone silent is left', { skip: mode === 'upgrade' && 'as over websocket' }, async (t) => {
      const server = await shared('parity', { set: { pingInterval: 300, pingTimeout: 200 }, args: ['-node', `silent-${mode}`] });
      const socket = await connect(t, server, { mode });
      await once(socket.io.engine, 'ping');
      const gone = once(socket, 'disconnect');
      process.kill(server.pid, 'SIGSTOP');
      try {
        assert.equal((await gone)[0], 'ping timeout');
      } finally {
        process.kill(server.pid, 'SIGCONT');
      }
    });

    test('a handler that blocks holds up its socket and nobody else', async (t) => {
      const server = await parity();
      const [slow, other] = [await connect(t, server, { mode }), await connect(t, server, { mode })];
      const order = [];
      const hang = ctl(slow, 'hang', { ms: 400 }).then(() => order.push('hang'));
      const behind = slow.emitWithAck('echo').then(() => order.push('behind'));
      const beside = other.emitWithAck('echo').then(() => order.push('beside'));
      await Promise.all([hang, behind, beside]);
      assert.deepEqual(order, ['beside', 'hang', 'behind']);
    });

    test('a flood of binary to one client', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const all = collect(socket, 'flood', 500);
      await ctl(socket, 'flood', { n: 500, size: 1000 });
      for (const [i, [n, bytes]] of (await all).entries()) {
        assert.equal(n, i);
        assert.equal(bytes.length, 1000);
      }
    });

    test('a panic in a handler ends that socket only', async (t) => {
      const server = await parity();
      const [victim, other] = [await connect(t, server, { mode }), await connect(t, server, { mode })];
      const gone = once(victim, 'disconnect');
      victim.emit('ctl', { op: 'panic' });
      const [reason] = await gone;
      assert.ok(['transport close', 'transport error', 'io server disconnect'].includes(reason), reason);
      assert.equal(await other.emitWithAck('echo', 1), 1);
    });

    if (!reference) {
      test('the shutdown reaches the client as the end of the transport', async (t) => {
        const server = await shared('parity', { args: ['-node', `stops-${mode}`] });
        const socket = await connect(t, server, { mode });
        const gone = once(socket, 'disconnect');
        await server.stop();
        // A client between two polls finds nobody to connect to.
        const right = mode === 'polling' ? ['transport close', 'transport error'] : ['transport close'];
        assert.ok(right.includes((await gone)[0]), (await gone)[0]);
      });
    }
  });
}
