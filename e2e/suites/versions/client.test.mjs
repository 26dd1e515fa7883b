// An older official JavaScript client over each transport: E2E_CLIENT names the package, and its version says how that
// one is spoken to. Version 2 speaks Engine.IO 3 and knows neither auth nor a refusal with an object.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { modes } from '../../lib/client.mjs';
import { needs } from '../../lib/features.mjs';
import { shared } from '../../lib/server.mjs';
import { collect, once, until, within } from '../../lib/wait.mjs';

const require = createRequire(import.meta.url);
const name = process.env.E2E_CLIENT;
const io = require(name);
const { version } = require(`${name}/package.json`);
const old = version.startsWith('2.');

const parity = () => shared('parity', { set: old ? { allowEIO3: true } : {} });
const needed = old ? needs('Engine.IO 3') : {};

// open returns a socket that is connecting; its welcome is the greeting.
function open(t, server, { nsp = '/', mode, ...options }) {
  const socket = io(`${server.url}${nsp}`, { forceNew: true, reconnection: false, ...modes[mode], ...options });
  socket.welcome = new Promise((resolve) => socket.once('welcome', resolve));
  t.after(() => (socket.io._close ?? socket.io.close).call(socket.io));
  return socket;
}

async function connect(t, server, options) {
  const socket = open(t, server, options);
  const refused = ['connect_error', 'error'].map((event) => new Promise((_, reject) => socket.once(event, reject)));
  await Promise.race([once(socket, 'connect'), ...refused]);
  const { engine } = socket.io;
  if (options.mode === 'upgrade' && engine.transport.name !== 'websocket') await once(engine, 'upgrade');
  return socket;
}

// call resolves with the arguments of an ack: none of these clients has emitWithAck.
const call = (socket, ...args) => within(new Promise((resolve) => socket.emit(...args, (...got) => resolve(got))), `ack of ${args[0]}`);
const ctl = async (socket, op, rest = {}) => (await call(socket, 'ctl', { op, ...rest }))[0];
const refusal = (socket) => once(socket, old ? 'error' : 'connect_error').then(([err]) => err);

test('the version that is meant', () => {
  assert.equal(version, process.env.E2E_CLIENT_VERSION);
});

for (const mode of Object.keys(modes)) {
  describe(`${version} over ${mode}`, { concurrency: 4, ...needed }, () => {
    test('connects and is greeted', async (t) => {
      const socket = await connect(t, await parity(), { mode, query: { x: 'y z' }, auth: { user: 'u1' } });
      const welcome = await within(socket.welcome, 'the greeting');
      assert.equal(socket.io.engine.transport.name, mode === 'polling' ? 'polling' : 'websocket');
      assert.equal(welcome.id, socket.id);
      assert.deepEqual(welcome.rooms, [socket.id]);
      assert.equal(welcome.query.x, 'y z');
      assert.equal(welcome.query.EIO, old ? '3' : '4');
      assert.deepEqual(welcome.auth, old ? {} : { user: 'u1' });
      // Where the socket's id is the session's, Engine.IO 3 has said so first.
      assert.equal(socket.id === socket.io.engine.id, old);
    });

    test('values of every kind, as acks and as events', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const values = [0, -1.5, 1e21, '', 'é€😀\u2028\u0000', true, false, null, [], {}, { a: [1, { b: null }] }, [[['x']]]];
      assert.deepEqual(await call(socket, 'echo', ...values), values);
      socket.emit('echo', ...values);
      assert.deepEqual(await once(socket, 'echo'), values);
    });

    test('binary both ways, in events and acks', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const value = { deep: [{ bytes }], empty: Buffer.alloc(0), text: 'é😀' };
      socket.emit('echo', bytes, value);
      assert.deepEqual(await once(socket, 'echo'), [bytes, value]);
      assert.deepEqual(await call(socket, 'echo', bytes, 'between', bytes), [bytes, 'between', bytes]);
    });

    test('a large message each way', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const text = 'gännet😀 '.repeat(60_000);
      assert.deepEqual(await call(socket, 'echo', text), [text]);
      const bytes = Buffer.alloc(700_000, 7);
      assert.deepEqual(await call(socket, 'echo', bytes), [bytes]);
    });

    test('many events stay in order, binary among them', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const echoes = collect(socket, 'echo', 500);
      for (let i = 0; i < 500; i++) socket.emit('echo', i, ...(i % 7 ? [] : [Buffer.of(i % 256)]));
      for (const [i, [n, bytes]] of (await echoes).entries()) assert.deepEqual([n, bytes], [i, i % 7 ? undefined : Buffer.of(i % 256)]);
    });

    test('the server asks, and the client does not answer', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      socket.on('ask', (x, answer) => answer({ got: x, bytes: Buffer.of(1) }));
      assert.deepEqual((await ctl(socket, 'emitWithAck', { event: 'ask', args: ['x'] })).responses, { got: 'x', bytes: Buffer.of(1) });
      const answer = await ctl(socket, 'emitWithAck', { event: 'nobody listens', target: { timeout: 50 } });
      assert.equal(answer.error, 'operation has timed out');
    });

    test('namespaces share one connection', async (t) => {
      const root = await connect(t, await parity(), { mode });
      const custom = root.io.socket('/custom', {});
      await once(custom, 'connect');
      assert.equal(custom.io.engine, root.io.engine);
      assert.notEqual(custom.id, root.id);
      assert.deepEqual(await call(custom, 'echo', 'in custom'), ['in custom']);
      custom.emit('echo', Buffer.of(9));
      assert.deepEqual(await once(custom, 'echo'), [Buffer.of(9)]);
      custom.close();
      assert.deepEqual(await call(root, 'echo', 'still'), ['still']);
    });

    test('a namespace that does not exist', async (t) => {
      const err = await refusal(open(t, await parity(), { mode, nsp: '/nothing' }));
      assert.equal(err.message, 'Invalid namespace');
    });

    test('refused by a middleware, with data', async (t) => {
      const err = await refusal(open(t, await parity(), { mode, nsp: '/guarded' }));
      assert.deepEqual(old ? err : [err.message, err.data], old ? { code: 401 } : ['unauthorized', { code: 401 }]);
    });

    test('rooms and broadcasts', async (t) => {
      const server = await parity();
      const [a, b, c] = await Promise.all([1, 2, 3].map(() => connect(t, server, { mode })));
      const room = `room-${name}-${mode}`;
      assert.deepEqual(await ctl(a, 'join', { rooms: [room] }), [a.id, room].sort());
      await ctl(b, 'join', { rooms: [room] });
      c.on('hello', () => assert.fail('not in the room'));
      const got = [once(a, 'hello'), once(b, 'hello')];
      await ctl(c, 'emit', { target: { from: 'server', to: [room] }, event: 'hello', args: ['é', Buffer.of(1)] });
      assert.deepEqual(await Promise.all(got), [['é', Buffer.of(1)], ['é', Buffer.of(1)]]);
      await call(c, 'echo');
    });

    test('the client disconnects', async (t) => {
      const server = await parity();
      const [watcher, socket] = [await connect(t, server, { mode: 'websocket' }), await connect(t, server, { mode })];
      const { id } = socket;
      socket.disconnect();
      const reason = await until(async () => (await ctl(watcher, 'reasons')).find(([other]) => other === id), 'the reason');
      // Version 2 closes the connection along with its last namespace, without a word about that.
      const right = old ? ['client namespace disconnect', 'transport close'] : ['client namespace disconnect'];
      assert.ok(right.includes(reason[1]), reason[1]);
    });

    test('the server disconnects', async (t) => {
      const socket = await connect(t, await parity(), { mode });
      const gone = once(socket, 'disconnect');
      socket.emit('ctl', { op: 'disconnect', close: true });
      assert.equal((await gone)[0], 'io server disconnect');
    });

    test('a reconnection after the connection broke', async (t) => {
      const socket = await connect(t, await parity(), { mode, reconnection: true, reconnectionDelay: 10 });
      const before = socket.id;
      const back = once(socket, 'connect');
      socket.io.engine.close();
      await back;
      assert.notEqual(socket.id, before);
      assert.deepEqual(await call(socket, 'echo', 'back'), ['back']);
    });

    test('heartbeats keep an idle connection', async (t) => {
      const set = { pingInterval: 300, pingTimeout: 5000, ...(old && { allowEIO3: true }) };
      const socket = await connect(t, await shared('parity', { set }), { mode });
      const { engine } = socket.io;
      await within(
        new Promise((resolve) => {
          let left = 4;
          engine.on('packet', ({ type }) => type === (old ? 'pong' : 'ping') && --left === 0 && resolve());
        }),
        '4 heartbeats',
      );
      assert.deepEqual(await call(socket, 'echo', 'alive'), ['alive']);
    });
  });
}
