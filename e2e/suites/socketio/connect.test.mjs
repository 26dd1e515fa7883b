// CONNECT: namespaces, auth, middleware, refusals, and the time a client has for it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWebSocket, Polling } from '../../lib/engine.mjs';
import { needs } from '../../lib/features.mjs';
import { shared } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';

const path = '/socket.io/';
// Connect timeout 1 s, ping interval 300 ms.
const protocol = () => shared('sio-protocol');
const parity = () => shared('parity');
const bare = async (server) => openWebSocket(server, path);
const reply = /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/;

describe('CONNECT', { concurrency: 4 }, () => {
  test('to the default namespace', async () => {
    const ws = await bare(await protocol());
    ws.send('40');
    const packet = await ws.next();
    assert.match(packet, reply);
    assert.notEqual(JSON.parse(packet.slice(2)).sid, ws.opening.sid);
    assert.equal(await ws.next(), '42["auth",{}]');
    ws.close();
  });

  test('with auth', async () => {
    const ws = await bare(await protocol());
    ws.send('40{"token":"123","nested":{"list":[1,null,"é"]}}');
    assert.match(await ws.next(), reply);
    assert.equal(await ws.next(), '42["auth",{"token":"123","nested":{"list":[1,null,"é"]}}]');
    ws.close();
  });

  test('over polling', async () => {
    const session = await Polling.open(await protocol(), path);
    await session.post('40{"token":"123"}');
    const [packet, auth] = await session.next(2);
    assert.match(packet, reply);
    assert.equal(auth, '42["auth",{"token":"123"}]');
  });

  for (const packet of ['40/custom,', '40/custom', '40/,', '40{}', '40/custom,{"token":"abc"}', '40/custom,1', '40/custom,12{"token":"abc"}']) {
    test(`the packet ${packet}`, async () => {
      const ws = await bare(await protocol());
      ws.send(packet);
      const nsp = packet.includes('custom') ? '/custom,' : '';
      const auth = packet.includes('token') ? '{"token":"abc"}' : '{}';
      assert.match((await ws.next()).replace(nsp, ''), reply);
      assert.equal(await ws.next(), `42${nsp}["auth",${auth}]`);
      ws.close();
    });
  }

  for (const [packet, answer] of [
    ['40/random', '44/random,{"message":"Invalid namespace"}'],
    ['40/random,', '44/random,{"message":"Invalid namespace"}'],
    ['40/random,{"token":"123"}', '44/random,{"message":"Invalid namespace"}'],
    ['40/custom?x=1,', '44/custom?x=1,{"message":"Invalid namespace"}'],
    ['40/__proto__', '44/__proto__,{"message":"Invalid namespace"}'],
    ['40/Custom,', '44/Custom,{"message":"Invalid namespace"}'],
  ]) {
    test(`the unknown namespace of ${packet}`, async () => {
      const ws = await bare(await protocol());
      ws.send(packet);
      assert.equal(await ws.next(), answer);
      ws.send('40');
      assert.match(await ws.next(), reply);
      ws.close();
    });
  }

  test('several namespaces on one connection, each with an id of its own', async () => {
    const ws = await bare(await protocol());
    const root = await sio.connect(ws);
    assert.equal(await ws.next(), '42["auth",{}]');
    const custom = await sio.connect(ws, '/custom', { a: 1 });
    assert.equal(await ws.next(), '42/custom,["auth",{"a":1}]');
    assert.equal(new Set([root, custom, ws.opening.sid]).size, 3);
    ws.close();
  });

  test('again after DISCONNECT gives another id', async () => {
    const ws = await sio.ws(await parity(), { auth: false });
    await sio.connect(ws, '/custom');
    const first = await sio.connect(ws);
    ws.send('41');
    // Node looks at a CONNECT in the same read before it has done the DISCONNECT.
    await sio.call(ws, 'echo', [], { nsp: '/custom' });
    assert.notEqual(await sio.connect(ws), first);
    ws.close();
  });

  test('after DISCONNECT the other namespaces go on', async () => {
    const ws = await bare(await protocol());
    await sio.connect(ws);
    await sio.connect(ws, '/custom');
    ws.send('41/custom');
    ws.send('42["message","still"]');
    for (let packet; packet !== '42["message-back","still"]'; ) packet = await ws.next('the answer in the other namespace');
    ws.close();
  });

  test('nobody connects in time over WebSocket', async () => {
    const began = performance.now();
    const ws = await bare(await protocol());
    assert.equal(await ws.closed(), 1005);
    assert.ok(performance.now() - began > 900);
  });

  test('a refused namespace does not stop the clock', async () => {
    const ws = await bare(await protocol());
    ws.send('40/random');
    assert.match(await ws.next(), /^44/);
    assert.equal(await ws.closed(), 1005);
  });
});

describe('middleware', () => {
  for (const [name, auth, answer] of [
    ['a message and data', { fail: 'bad auth', data: { code: 7 } }, '44{"message":"bad auth","data":{"code":7}}'],
    ['a message', { fail: 'bad2' }, '44{"message":"bad2"}'],
    ['data that is no object', { fail: 'x', data: [1, 'two', null] }, '44{"message":"x","data":[1,"two",null]}'],
    ['data that is null', { fail: 'x', data: null }, '44{"message":"x","data":null}'],
    ['an empty message', { fail: '' }, '44{"message":""}'],
    ['characters of HTML', { fail: '<b>&</b>' }, '44{"message":"<b>&</b>"}'],
  ]) {
    test(`refuses with ${name}`, async () => {
      const ws = await bare(await parity());
      ws.send(`40${JSON.stringify(auth)}`);
      assert.equal(await ws.next(), answer);
      ws.send('40');
      assert.match(await ws.next(), reply);
      ws.close();
    });
  }

  test('refuses in a namespace, and then lets in', async () => {
    const ws = await bare(await parity());
    ws.send('40/guarded,');
    assert.equal(await ws.next(), '44/guarded,{"message":"unauthorized","data":{"code":401}}');
    await sio.connect(ws, '/guarded', { token: 'secret' });
    assert.match(await ws.next(), /^42\/guarded,\["welcome",/);
    ws.close();
  });

  test('what a middleware emits comes before the reply', async () => {
    const ws = await bare(await parity());
    await sio.connect(ws, '/', { hello: { x: 1 } });
    assert.deepEqual(ws.before, ['42["from-middleware",{"x":1}]']);
    ws.close();
  });

  test('rooms joined in a middleware are there at the connection, and gone after a refusal', async () => {
    const ws = await bare(await parity());
    await sio.connect(ws, '/', { join: ['early'] });
    const welcome = JSON.parse((await ws.next()).slice(2))[1];
    assert.ok(welcome.rooms.includes('early'));
    const refused = await bare(await parity());
    refused.send('40/guarded,{"join":["early"]}');
    assert.match(await refused.next(), /^44/);
    const watcher = await sio.ws(await parity(), { auth: false });
    await sio.connect(watcher, '/guarded', { token: 'secret' });
    const [found] = await sio.call(watcher, 'ctl', [{ op: 'fetchSockets', target: { from: 'server', to: ['early'] } }], { nsp: '/guarded' });
    assert.deepEqual(found, []);
    for (const socket of [ws, refused, watcher]) socket.close();
  });
});

describe('welcome', () => {
  test('shows the handshake', async () => {
    const ws = await openWebSocket(await parity(), path, { params: { x: 'a b', list: '1' } });
    const id = await sio.connect(ws, '/', { user: 'u' });
    const [, welcome] = JSON.parse((await ws.next()).slice(2));
    assert.deepEqual(Object.keys(welcome), ['id', 'recovered', 'rooms', 'auth', 'query', 'headersCount']);
    assert.equal(welcome.id, id);
    assert.equal(welcome.recovered, false);
    assert.deepEqual(welcome.rooms, [id]);
    assert.deepEqual(welcome.auth, { user: 'u' });
    assert.deepEqual(welcome.query, { EIO: '4', transport: 'websocket', x: 'a b', list: '1' });
    assert.equal(welcome.headersCount, 5);
    ws.close();
  });

  test('handshake keys', async () => {
    const ws = await sio.ws(await parity());
    const [[found]] = await sio.call(ws, 'ctl', [{ op: 'fetchSockets', target: { from: 'server', to: [ws.id] } }]);
    assert.deepEqual(found, {
      id: ws.id,
      rooms: [ws.id],
      data: {},
      handshakeKeys: ['address', 'auth', 'headers', 'issued', 'query', 'secure', 'time', 'url', 'xdomain'],
    });
    ws.close();
  });
});

describe('dynamic namespaces', needs('dynamic namespaces'), () => {
  test('by a pattern', async () => {
    const ws = await bare(await parity());
    await sio.connect(ws, '/dyn-101');
    assert.match(await ws.next(), /^42\/dyn-101,\["welcome",/);
    ws.send('40/dyn-x,');
    assert.equal(await ws.next(), '44/dyn-x,{"message":"Invalid namespace"}');
    ws.close();
  });

  test('by a function', async () => {
    const ws = await bare(await parity());
    ws.send('40/fn-one,');
    assert.equal(await ws.next(), '44/fn-one,{"message":"Invalid namespace"}');
    await sio.connect(ws, '/fn-one', { open: true });
    ws.close();
  });
});
