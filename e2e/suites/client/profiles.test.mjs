// The profiles that other people's tests and load generators rely on: bench, sio-protocol, sio-client.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, modes, open } from '../../lib/client.mjs';
import { needs } from '../../lib/features.mjs';
import { encrypted } from '../../lib/launch.mjs';
import { shared } from '../../lib/server.mjs';
import { collect, once } from '../../lib/wait.mjs';

const bytes = Buffer.of(1, 2, 3);

for (const mode of Object.keys(modes)) {
  describe(`bench over ${mode}`, { concurrency: 4 }, () => {
    const server = () => shared('bench');

    test('echo, as event and as ack', async (t) => {
      const socket = await connect(t, await server(), { mode });
      socket.emit('echo', { a: bytes });
      assert.deepEqual(await once(socket, 'echo'), [{ a: bytes }]);
      assert.deepEqual(await socket.emitWithAck('echo', [1, bytes]), [1, bytes]);
    });

    test('join, room and leave', async (t) => {
      const [a, b] = [await connect(t, await server(), { mode }), await connect(t, await server(), { mode })];
      const room = `r-${mode}`;
      await Promise.all([a.emitWithAck('join', room), b.emitWithAck('join', room)]);
      const got = [once(a, 'room'), once(b, 'room')];
      a.emit('room', room, bytes);
      assert.deepEqual(await Promise.all(got), [[bytes], [bytes]]);
      await b.emitWithAck('leave', room);
      b.once('room', () => assert.fail('left the room'));
      const again = once(a, 'room');
      a.emit('room', room, 'two');
      assert.deepEqual(await again, ['two']);
      await b.emitWithAck('echo', 0);
    });

    test('broadcast to all, the sender too', async (t) => {
      const [a, b] = [await connect(t, await server(), { mode }), await connect(t, await server(), { mode })];
      const key = `${mode}-${a.id}`;
      const mine = (socket) =>
        new Promise((resolve) => socket.on('broadcast', (value) => value.key === key && resolve(value)));
      const got = [mine(a), mine(b)];
      a.emit('broadcast', { key, bytes });
      assert.deepEqual(await Promise.all(got), [{ key, bytes }, { key, bytes }]);
    });
  });
}

describe('sio-protocol', () => {
  test('auth, message and ack', async (t) => {
    const socket = open(t, await shared('sio-protocol'), { auth: { token: 'abc' } });
    assert.deepEqual(await once(socket, 'auth'), [{ token: 'abc' }]);
    socket.emit('message', 1, bytes);
    assert.deepEqual(await once(socket, 'message-back'), [1, bytes]);
    const answer = await new Promise((resolve) => socket.emit('message-with-ack', 'x', bytes, (...args) => resolve(args)));
    assert.deepEqual(answer, ['x', bytes]);
  });
});

describe('sio-client', { concurrency: 4 }, () => {
  const server = () => shared('sio-client');
  const joined = async (t, options) => connect(t, await server(), { mode: 'upgrade', upgraded: false, ...options });

  test('texts', async (t) => {
    const socket = await joined(t);
    const texts = collect(socket, 'takeUtf8', 5);
    socket.emit('getUtf8');
    assert.deepEqual((await texts).map(([text]) => text), ['てすと', 'Я Б Г Д Ж Й', 'Ä ä Ü ü ß', 'utf8 — string', 'utf8 — string']);
  });

  test('dates are ISO strings', async (t) => {
    const socket = await joined(t);
    const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    socket.emit('getDate');
    assert.match((await once(socket, 'takeDate'))[0], iso);
    socket.emit('getDateObj');
    assert.match((await once(socket, 'takeDateObj'))[0].date, iso);
    assert.match(await socket.emitWithAck('getAckDate', { test: true }), iso);
  });

  test('hi, false, doge, getbin', async (t) => {
    const socket = await joined(t);
    for (const [ask, event, args] of [
      ['hi', 'hi', []],
      ['false', 'false', [false]],
      ['doge', 'doge', [Buffer.from('asdfasdf')]],
      ['getbin', 'takebin', [Buffer.from('asdfasdf')]],
    ]) {
      const got = once(socket, event);
      socket.emit(ask);
      const answer = await got;
      assert.deepEqual(answer.slice(0, args.length), args); // with recovery there is an offset behind
    }
  });

  test('binary in several shapes', async (t) => {
    const socket = await joined(t);
    const object = { hello: 'lol', message: bytes, goodbye: 'gotcha' };
    for (const [events, answer] of [
      [[['buffa', bytes]], 'buffack'],
      [[['jsonbuff', object]], 'jsonbuff-ack'],
      [[['abuff1', bytes], ['abuff2', 'please']], 'abuff2-ack'],
      [[['blob', bytes]], 'back'],
      [[['jsonblob', object]], 'jsonblob-ack'],
      [[['blob1', bytes], ['blob2', 'second'], ['blob3', bytes]], 'blob3-ack'],
    ]) {
      const got = once(socket, answer);
      for (const args of events) socket.emit(...args);
      await got;
    }
  });

  test('acks asked by the server', async (t) => {
    const socket = await joined(t);
    socket.on('ack', (answer) => answer(5, { test: true }));
    const got = once(socket, 'got it');
    socket.emit('ack');
    await got;
  });

  test('handshake and ids', async (t) => {
    const socket = await joined(t, { query: { a: 'b' }, auth: { c: 'd' } });
    const handshake = await socket.emitWithAck('getHandshake');
    assert.deepEqual(Object.keys(handshake).sort(), ['address', 'auth', 'headers', 'issued', 'query', 'secure', 'time', 'url', 'xdomain']);
    assert.equal(handshake.query.a, 'b');
    assert.deepEqual(handshake.auth, { c: 'd' });
    assert.match(handshake.url, /^\/socket\.io\/\?.*\ba=b\b/);
    assert.equal(handshake.secure, Boolean(encrypted));
    assert.equal(handshake.xdomain, false);
    assert.match(handshake.address, /127\.0\.0\.1$/);
    assert.equal(typeof handshake.headers.host, 'string');
    assert.ok(Math.abs(handshake.issued - Date.now()) < 60_000);
    assert.ok(Math.abs(Date.parse(handshake.time) - handshake.issued) < 2000, handshake.time);
    assert.match(handshake.time, /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4} \(.+\)$/);
    assert.equal(await socket.emitWithAck('getId'), socket.id);
    const foo = await joined(t, { nsp: '/foo' });
    assert.equal(await foo.emitWithAck('getId'), foo.id);
  });

  test('a namespace that emits the handshake', async (t) => {
    const socket = open(t, await server(), { nsp: '/abc', query: { x: '1' } });
    const [handshake] = await once(socket, 'handshake');
    assert.equal(handshake.query.x, '1');
  });

  for (const [nsp, query, message] of [
    ['/', { fail: 'true' }, 'Auth failed (main namespace)'],
    ['/no', {}, 'Auth failed (custom namespace)'],
    ['/invalid', {}, 'Invalid namespace'],
    ['/room1', {}, 'Invalid namespace'],
  ]) {
    test(`refused: ${nsp} ${JSON.stringify(query)}`, async (t) => {
      const socket = open(t, await server(), { nsp, query });
      assert.equal((await once(socket, 'connect_error'))[0].message, message);
    });
  }

  for (const nsp of ['/timeout_socket', '/valid', '/asd']) {
    test(`exists: ${nsp}`, async (t) => {
      await joined(t, { nsp });
    });
  }

  test('admission takes its time', async (t) => {
    const socket = open(t, await server(), { timeout: 0, mode: 'polling' });
    socket.io.once('error', () => {});
    const [err] = await once(socket, 'connect_error');
    assert.match(err.message, /timeout/);
  });

  test('recovery', needs('connection state recovery'), async (t) => {
    const socket = await joined(t, { reconnection: true, reconnectionDelay: 10 });
    const { id } = socket;
    const hi = once(socket, 'hi');
    socket.emit('hi');
    await hi;
    const back = once(socket, 'connect');
    socket.io.engine.close();
    await back;
    assert.equal(socket.id, id);
    assert.equal(socket.recovered, true);
  });
});
