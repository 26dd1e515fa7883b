// The official client of Socket.IO 2, whose Engine.IO protocol is of revision 3, over each of its transports.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import io from 'socket.io-client-v2';
import { shared } from '../../lib/server.mjs';
import { collect, once } from '../../lib/wait.mjs';

const parity = (set) => shared('parity', { set: { allowEIO3: true, ...set } });

const modes = {
  polling: { transports: ['polling'] },
  'polling with base64': { transports: ['polling'], forceBase64: true },
  websocket: { transports: ['websocket'] },
  'websocket with base64': { transports: ['websocket'], forceBase64: true },
  upgrade: { transports: ['polling', 'websocket'] },
};

function open(t, server, { nsp = '/', ...options } = {}) {
  const socket = io(`${server.url}${nsp}`, { forceNew: true, reconnection: false, ...options });
  t.after(() => socket.io.close());
  return socket;
}

async function connect(t, server, options) {
  const socket = open(t, server, options);
  const welcome = once(socket, 'welcome');
  await once(socket, 'connect');
  [socket.welcome] = await welcome;
  return socket;
}

const ask = (socket, ...args) => new Promise((resolve) => socket.emit(...args, resolve));
const ctl = (socket, op, rest = {}) => ask(socket, 'ctl', { op, ...rest });

for (const [name, mode] of Object.entries(modes)) {
  describe(`version 2 over ${name}`, { concurrency: 4 }, () => {
    test('connects and is greeted', async (t) => {
      const socket = await connect(t, await parity(), { ...mode, query: { x: 'y z' } });
      assert.equal(socket.welcome.id, socket.id);
      assert.equal(socket.id, socket.io.engine.id);
      assert.deepEqual(socket.welcome.rooms, [socket.id]);
      assert.equal(socket.welcome.query.x, 'y z');
      assert.equal(socket.welcome.query.EIO, '3');
    });

    test('events and acks with text of every kind', async (t) => {
      const socket = await connect(t, await parity(), mode);
      const values = [0, -1.5, '', 'é€😀\u2028', true, null, [], { a: [1, { b: null }] }];
      const got = await new Promise((resolve) => socket.emit('echo', ...values, (...args) => resolve(args)));
      assert.deepEqual(got, values);
      socket.emit('echo', '😀'.repeat(1000));
      assert.deepEqual(await once(socket, 'echo'), ['😀'.repeat(1000)]);
    });

    test('binary both ways', async (t) => {
      const socket = await connect(t, await parity(), mode);
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const value = { deep: [{ bytes }], text: 'é' };
      socket.emit('echo', bytes, value);
      const [first, second] = await once(socket, 'echo');
      assert.deepEqual(Buffer.from(first), bytes);
      assert.deepEqual(Buffer.from(second.deep[0].bytes), bytes);
      assert.equal(second.text, 'é');
      assert.deepEqual(Buffer.from(await ask(socket, 'echo', Buffer.of(1, 2))), Buffer.of(1, 2));
    });

    test('many events stay in order', async (t) => {
      const socket = await connect(t, await parity(), mode);
      const echoes = collect(socket, 'echo', 300);
      for (let i = 0; i < 300; i++) socket.emit('echo', i, i % 3 ? 'é' : Buffer.of(i % 256));
      assert.deepEqual((await echoes).map(([i]) => i), Array.from({ length: 300 }, (_, i) => i));
    });

    test('rooms, by name and by id', async (t) => {
      const server = await parity();
      const [a, b] = [await connect(t, server, mode), await connect(t, server, mode)];
      const room = `v2-${name}`;
      assert.deepEqual(await ctl(a, 'join', { rooms: [room] }), [a.id, room].sort());
      const heard = [once(a, 'hello'), once(a, 'you')];
      await ctl(b, 'emit', { target: { from: 'server', to: [room] }, event: 'hello', args: [1] });
      await ctl(b, 'emit', { target: { from: 'server', to: [a.id] }, event: 'you', args: [2] });
      assert.deepEqual(await Promise.all(heard), [[1], [2]]);
    });

    test('namespaces with a query', async (t) => {
      const socket = await connect(t, await parity(), { nsp: '/custom', ...mode, query: { token: 'a b' } });
      assert.equal(socket.id, `/custom#${socket.io.engine.id}`);
      assert.equal(socket.welcome.auth.token, 'a b');
      assert.equal(await ask(socket, 'echo', 'in custom'), 'in custom');
    });

    test('a namespace that does not exist, and one that refuses', async (t) => {
      const none = open(t, await parity(), { nsp: '/nothing', ...mode });
      assert.deepEqual(await once(none, 'error'), [{ message: 'Invalid namespace' }]);
      const guarded = open(t, await parity(), { nsp: '/guarded', ...mode });
      assert.deepEqual(await once(guarded, 'error'), [{ code: 401 }]);
    });

    test('acks from the client', async (t) => {
      const socket = await connect(t, await parity(), mode);
      socket.on('ask', (x, answer) => answer({ got: x }));
      assert.deepEqual((await ctl(socket, 'emitWithAck', { event: 'ask', args: ['x'] })).responses, { got: 'x' });
    });

    test('the client keeps an idle connection by its pings', async (t) => {
      const socket = await connect(t, await parity({ pingInterval: 200, pingTimeout: 5000 }), mode);
      await collect(socket, 'pong', 3);
      assert.equal(await ask(socket, 'echo', 'alive'), 'alive');
    });

    test('the server disconnects', async (t) => {
      const socket = await connect(t, await parity(), mode);
      const gone = once(socket, 'disconnect');
      socket.emit('ctl', { op: 'disconnect', close: true });
      assert.equal((await gone)[0], 'io server disconnect');
    });

    if (name === 'upgrade') {
      test('the upgrade', async (t) => {
        const socket = await connect(t, await parity(), mode);
        if (socket.io.engine.transport.name !== 'websocket') await once(socket.io.engine, 'upgrade');
        assert.equal(socket.io.engine.transport.name, 'websocket');
        assert.equal(await ask(socket, 'echo', 'upgraded'), 'upgraded');
      });
    }
  });
}

test('clients of versions 2 and 4 share rooms', async (t) => {
  const { connect: connect4, ctl: ctl4 } = await import('../../lib/client.mjs');
  const server = await parity();
  const [old, young] = [await connect(t, server, { transports: ['polling'] }), await connect4(t, server)];
  await ctl(old, 'join', { rooms: ['shared'] });
  await ctl4(young, 'join', { rooms: ['shared'] });
  const heard = [once(old, 'news'), once(young, 'news')];
  await ctl4(young, 'emit', { target: { from: 'server', to: ['shared'] }, event: 'news', args: ['é', Buffer.of(7)] });
  const [[a, b], [c, d]] = await Promise.all(heard);
  assert.deepEqual([a, Buffer.from(b), c, d], ['é', Buffer.of(7), 'é', Buffer.of(7)]);
});

test('a server without allowEIO3 refuses', async (t) => {
  const socket = open(t, await shared('parity'), { transports: ['websocket'] });
  await once(socket, 'connect_error');
});
