// The broadcast operators and the administration of sockets, by remote control of profile parity.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, ctl, record, settled } from '../../lib/client.mjs';
import { needs } from '../../lib/features.mjs';
import { shared } from '../../lib/server.mjs';
import { once } from '../../lib/wait.mjs';

// Every test has a namespace of the server for itself only by its rooms, so each names them after itself.
let unique = 0;

// party connects n sockets, half of them over polling, and records what they get.
async function party(t, n, server) {
  server ??= await shared('parity', { args: ['-node', 'broadcast'] });
  const sockets = await Promise.all(Array.from({ length: n }, (_, i) => connect(t, server, { mode: i % 2 ? 'polling' : 'websocket' })));
  const own = unique++;
  const room = (name) => `${name}-${own}`;
  return { server, sockets, logs: sockets.map(record), room, count: (logs) => logs.map((log) => log.length) };
}

describe('broadcast', () => {
  // Everybody in the namespace: these tests must not run side by side.
  test('to everybody', async (t) => {
    const { sockets, logs } = await party(t, 3);
    await ctl(sockets[0], 'emit', { target: { from: 'server' }, event: 'all', args: [1, Buffer.of(2)] });
    await settled(...sockets);
    assert.deepEqual(logs, Array(3).fill([['all', 1, Buffer.of(2)]]));
  });

  test('to all but the sender', async (t) => {
    const { sockets, logs, count } = await party(t, 3);
    await ctl(sockets[0], 'emit', { target: { from: 'broadcast' }, event: 'others' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [0, 1, 1]);
  });

  test('to all but a room', async (t) => {
    const { sockets, logs, count, room } = await party(t, 4);
    await ctl(sockets[1], 'join', { rooms: [room('x')] });
    await ctl(sockets[0], 'emit', { target: { from: 'server', except: [room('x')] }, event: 'e' });
    await ctl(sockets[0], 'emit', { target: { except: [room('x')] }, event: 'f' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [1, 0, 2, 2]);
  });

  test('local', async (t) => {
    const { sockets, logs, count } = await party(t, 2);
    await ctl(sockets[0], 'emit', { target: { from: 'server', local: true }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [1, 1]);
  });

  test('nobody in another namespace gets it', async (t) => {
    const { server, sockets, logs, count } = await party(t, 1);
    const custom = await connect(t, server, { nsp: '/custom' });
    const got = record(custom);
    await ctl(sockets[0], 'emit', { target: { from: 'server' }, event: 'e' });
    await settled(sockets[0], custom);
    assert.deepEqual([count(logs), got], [[1], []]);
  });

  test('with compress, either way', async (t) => {
    const { sockets, logs, count } = await party(t, 2);
    for (const compress of [true, false]) await ctl(sockets[0], 'emit', { target: { from: 'server', compress }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [2, 2]);
  });

  test('volatile, to sockets that are idle', async (t) => {
    const server = await shared('parity', { args: ['-node', 'broadcast'] });
    const sockets = [await connect(t, server), await connect(t, server)];
    const got = sockets.map((socket) => once(socket, 'now'));
    await settled(...sockets);
    await ctl(sockets[0], 'emit', { target: { from: 'server', volatile: true }, event: 'now', args: [7] });
    assert.deepEqual(await Promise.all(got), [[7], [7]]);
  });

  test('acks of everybody', async (t) => {
    const { sockets } = await party(t, 3);
    sockets.forEach((socket, i) => socket.on('ask', (x, answer) => answer(x + i)));
    const { responses } = await ctl(sockets[0], 'emitWithAck', { target: { from: 'server', timeout: 5000 }, event: 'ask', args: [10] });
    assert.deepEqual(responses.sort(), [10, 11, 12]);
  });

  test('acks of some, when one is silent', async (t) => {
    const { sockets } = await party(t, 3);
    sockets.slice(1).forEach((socket) => socket.on('ask', (answer) => answer('here')));
    const answer = await ctl(sockets[0], 'emitWithAck', { target: { from: 'server', timeout: 300 }, event: 'ask' });
    assert.deepEqual(answer, { error: 'operation has timed out', responses: ['here', 'here'] });
  });

  test('disconnect everybody in the namespace', async (t) => {
    const server = await shared('parity', { args: ['-node', 'broadcast'] });
    const sockets = await Promise.all([1, 2].map(() => connect(t, server, { nsp: '/custom' })));
    const gone = sockets.map((socket) => once(socket, 'disconnect'));
    sockets[0].emit('ctl', { op: 'disconnectSockets', target: { from: 'server' } });
    for (const [reason] of await Promise.all(gone)) assert.equal(reason, 'io server disconnect');
  });
});

describe('rooms', { concurrency: 4 }, () => {
  test('one room, its sender too', async (t) => {
    const { sockets, logs, count, room } = await party(t, 3);
    await Promise.all(sockets.slice(0, 2).map((socket) => ctl(socket, 'join', { rooms: [room('a')] })));
    await ctl(sockets[0], 'emit', { target: { from: 'server', to: [room('a')] }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [1, 1, 0]);
  });

  test('from a socket, without the sender', async (t) => {
    const { sockets, logs, count, room } = await party(t, 3);
    await Promise.all(sockets.map((socket) => ctl(socket, 'join', { rooms: [room('a')] })));
    await ctl(sockets[0], 'emit', { target: { to: [room('a')] }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [0, 1, 1]);
  });

  test('several rooms: each socket once', async (t) => {
    const { sockets, logs, count, room } = await party(t, 4);
    await ctl(sockets[0], 'join', { rooms: [room('a'), room('b')] });
    await ctl(sockets[1], 'join', { rooms: [room('b')] });
    await ctl(sockets[2], 'join', { rooms: [room('c')] });
    await ctl(sockets[3], 'emit', { target: { from: 'server', to: [room('a'), room('b'), room('unknown')] }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [1, 1, 0, 0]);
  });

  test('a room but not those who are also in another', async (t) => {
    const { sockets, logs, count, room } = await party(t, 3);
    await Promise.all(sockets.map((socket) => ctl(socket, 'join', { rooms: [room('a')] })));
    await ctl(sockets[1], 'join', { rooms: [room('b')] });
    await ctl(sockets[0], 'emit', { target: { from: 'server', to: [room('a')], except: [room('b'), room('unknown')] }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [1, 0, 1]);
  });

  test('one socket by its id', async (t) => {
    const { sockets, logs, count } = await party(t, 3);
    await ctl(sockets[0], 'emit', { target: { to: [sockets[2].id] }, event: 'e' });
    await ctl(sockets[0], 'emit', { event: 'self' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [1, 0, 1]);
  });

  test('acks of a room', async (t) => {
    const { sockets, room } = await party(t, 3);
    sockets.forEach((socket, i) => socket.on('ask', (answer) => answer(i, 'ignored')));
    await Promise.all(sockets.slice(1).map((socket) => ctl(socket, 'join', { rooms: [room('a')] })));
    const { responses } = await ctl(sockets[0], 'emitWithAck', { target: { from: 'server', to: [room('a')], timeout: 5000 }, event: 'ask' });
    assert.deepEqual(responses.sort(), [1, 2]);
  });

  test('acks of an empty room', async (t) => {
    const { sockets, room } = await party(t, 1);
    const answer = await ctl(sockets[0], 'emitWithAck', { target: { from: 'server', to: [room('empty')], timeout: 5000 }, event: 'ask' });
    assert.deepEqual(answer, { responses: [] });
  });

  test('join and leave from outside', async (t) => {
    const { sockets, room } = await party(t, 3);
    await Promise.all(sockets.slice(0, 2).map((socket) => ctl(socket, 'join', { rooms: [room('a')] })));
    await ctl(sockets[2], 'socketsJoin', { target: { from: 'server', to: [room('a')] }, rooms: [room('b'), room('c')] });
    assert.deepEqual(await ctl(sockets[0], 'rooms'), [sockets[0].id, room('a'), room('b'), room('c')].sort());
    assert.deepEqual(await ctl(sockets[2], 'rooms'), [sockets[2].id]);
    await ctl(sockets[2], 'socketsLeave', { target: { from: 'server', to: [room('a')] }, rooms: [room('b')] });
    assert.deepEqual(await ctl(sockets[1], 'rooms'), [sockets[1].id, room('a'), room('c')].sort());
  });

  test('disconnect a room', async (t) => {
    const { sockets, room } = await party(t, 3);
    await Promise.all(sockets.slice(1).map((socket) => ctl(socket, 'join', { rooms: [room('a')] })));
    const gone = sockets.slice(1).map((socket) => once(socket, 'disconnect'));
    await ctl(sockets[0], 'disconnectSockets', { target: { from: 'server', to: [room('a')] }, close: true });
    for (const [reason] of await Promise.all(gone)) assert.equal(reason, 'io server disconnect');
    await settled(sockets[0]);
  });

  test('fetchSockets, with rooms and data', async (t) => {
    const { sockets, room } = await party(t, 3);
    await ctl(sockets[0], 'join', { rooms: [room('a'), room('b')] });
    await ctl(sockets[1], 'join', { rooms: [room('a')] });
    await ctl(sockets[1], 'setData', { data: { name: 'one', n: 1 } });
    const found = await ctl(sockets[2], 'fetchSockets', { target: { from: 'server', to: [room('a')] } });
    const want = [
      { id: sockets[0].id, rooms: [sockets[0].id, room('a'), room('b')].sort(), data: {} },
      { id: sockets[1].id, rooms: [sockets[1].id, room('a')].sort(), data: { name: 'one', n: 1 } },
    ].sort((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(found.map(({ id, rooms, data }) => ({ id, rooms, data })), want);
  });

  test('leaving the room of the own id', async (t) => {
    const { sockets, logs, count } = await party(t, 2);
    assert.deepEqual(await ctl(sockets[0], 'leave', { rooms: [sockets[0].id] }), []);
    await ctl(sockets[1], 'emit', { target: { to: [sockets[0].id] }, event: 'e' });
    await settled(...sockets);
    assert.deepEqual(count(logs), [0, 0]);
  });
});

describe('one socket', { concurrency: 4 }, () => {
  test('data given at the connection', async (t) => {
    const server = await shared('parity');
    const socket = await connect(t, server, { auth: { user: 'ann' } });
    const [found] = await ctl(socket, 'fetchSockets', { target: { from: 'server', to: [socket.id] } });
    assert.deepEqual(found.data, { user: 'ann' });
  });

  test('a per-socket middleware refuses events', needs('per-socket middlewares'), async (t) => {
    const server = await shared('parity', { args: ['-node', 'guard'] });
    const socket = await connect(t, server);
    await ctl(socket, 'log');
    await ctl(socket, 'guard');
    await assert.rejects(socket.timeout(200).emitWithAck('bad-thing', 1), /timed out/);
    assert.equal(await socket.emitWithAck('echo', 1), 1);
    await ctl(socket, 'unguard');
    const log = (await ctl(socket, 'log')).filter(([, id]) => id === socket.id);
    assert.ok(log.some(([kind, , message]) => kind === 'error' && message === 'refused'), JSON.stringify(log));
    // onAny sees events before they are refused.
    assert.ok(log.some(([kind, , event]) => kind === 'in' && event === 'bad-thing'), JSON.stringify(log));
  });

  test('onAny and onAnyOutgoing see events, not acks', needs('catch-all listeners'), async (t) => {
    const server = await shared('parity', { args: ['-node', 'any'] });
    const socket = await connect(t, server);
    await socket.welcome;
    await ctl(socket, 'log');
    await socket.emitWithAck('echo', 1);
    await ctl(socket, 'emit', { event: 'hello', args: [2] });
    await ctl(socket, 'emit', { target: { from: 'server' }, event: 'all', args: [3] });
    const log = (await ctl(socket, 'log')).filter(([, , event]) => event !== 'ctl');
    assert.deepEqual(log, [
      ['in', socket.id, 'echo', [1]],
      ['out', socket.id, 'hello', [2]],
      ['out', socket.id, 'all', [3]],
    ]);
  });

  test('counts', async (t) => {
    const server = await shared('parity', { args: ['-node', 'counts'] });
    const first = await connect(t, server);
    assert.deepEqual(await ctl(first, 'count'), { sockets: 1, clients: 1 });
    const custom = first.io.socket('/custom', {});
    await once(custom, 'connect');
    await connect(t, server, { mode: 'polling' });
    assert.deepEqual(await ctl(first, 'count'), { sockets: 2, clients: 2 });
    assert.deepEqual(await ctl(custom, 'count'), { sockets: 1, clients: 2 });
  });

  test('an unknown command', async (t) => {
    const socket = await connect(t, await shared('parity'));
    assert.ok((await ctl(socket, 'no such thing')).error);
  });
});
