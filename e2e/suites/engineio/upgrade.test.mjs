// The way from polling to WebSocket, and everything that can go wrong on it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errors, Polling } from '../../lib/engine.mjs';
import { renderRequest } from '../../lib/raw.mjs';
import { landed, reference, shared, testbed } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';

const parity = () => shared('parity');

// connected is a polling session in the default namespace with nothing left to read.
async function connected(server) {
  const session = await sio.polling(server ?? (await parity()));
  if (!session.left.length) await session.next(); // welcome
  return session;
}

async function probe(session, options) {
  const ws = await session.upgrade(options);
  ws.send('2probe');
  assert.equal(await ws.next('the answer to the probe'), '3probe');
  return ws;
}

async function assertRefused(session) {
  for (const request of [{}, { method: 'POST', body: '3' }]) {
    const response = await session.request(request);
    assert.equal(response.status, 400);
    assert.equal(response.body, errors.request);
  }
}

async function assertPollingWorks(session) {
  await session.post('42["echo","polling"]');
  assert.deepEqual(await session.next(), ['42["echo","polling"]']);
}

async function assertWebSocketWorks(ws) {
  ws.send('42["echo","ws"]');
  assert.equal(await ws.next(), '42["echo","ws"]');
}

describe('upgrade', { concurrency: 4 }, () => {
  test('probe, noop, switch', async () => {
    const session = await connected();
    const get = await session.get();
    const ws = await probe(session);
    assert.equal((await get.response()).body, '6');
    get.close();
    ws.send('5');
    await assertWebSocketWorks(ws);
    await assertRefused(session);
    await assertWebSocketWorks(ws);
    ws.close();
  });

  test('while probing, packets still go over polling', async () => {
    const session = await connected();
    const ws = await probe(session);
    await assertPollingWorks(session);
    ws.send('5');
    await assertWebSocketWorks(ws);
    ws.close();
  });

  test('what waits when it switches goes over WebSocket, in order', async () => {
    const session = await connected();
    const ws = await probe(session);
    await session.post('42["echo",1]', '42["echo",2]');
    await session.post('42["echo",3]');
    ws.send('5');
    ws.send('42["echo",4]');
    for (let i = 1; i <= 4; i++) assert.equal(await ws.next(), `42["echo",${i}]`);
    ws.close();
  });

  test('binary that waits when it switches', async () => {
    const session = await connected();
    const ws = await probe(session);
    await session.post('451-["echo",{"_placeholder":true,"num":0}]', 'bAQID');
    ws.send('5');
    assert.equal(await ws.next(), '451-["echo",{"_placeholder":true,"num":0}]');
    assert.deepEqual(await ws.next(), Buffer.of(1, 2, 3));
    ws.close();
  });

  test('a GET that still waits at the switch gets a close, and the session goes on', async () => {
    const session = await connected();
    const get = await session.behind(renderRequest(session.server, { path: session.target() }));
    const ws = await session.upgrade();
    ws.send('2probe');
    ws.send('5');
    assert.equal(await ws.next(), '3probe');
    assert.match((await get.response()).body, /^[16]$/);
    get.close();
    await assertWebSocketWorks(ws);
    ws.close();
  });

  test('without a probe', async () => {
    const session = await connected();
    const ws = await session.upgrade();
    ws.send('5');
    await assertWebSocketWorks(ws);
    await assertRefused(session);
    ws.close();
  });

  test('every further probe is answered', async () => {
    const session = await connected();
    const ws = await probe(session);
    for (let i = 0; i < 50; i++) ws.send('2probe');
    for (let i = 0; i < 50; i++) assert.equal(await ws.next(), '3probe');
    ws.send('5');
    await assertWebSocketWorks(ws);
    ws.close();
  });

  for (const packet of ['2wrong', '42["echo",1]', '3probe', '6', 'abc', '2']) {
    test(`abandoned by ${packet}`, async () => {
      const session = await connected();
      const ws = await session.upgrade({ pong: false });
      ws.send(packet);
      assert.equal(await ws.closed(), 1005);
      await assertPollingWorks(session);
      const again = await probe(session);
      again.send('5');
      await assertWebSocketWorks(again);
      again.close();
    });
  }

  test('abandoned by the end of the WebSocket', async () => {
    const session = await connected();
    const ws = await probe(session);
    ws.conn.reset();
    await assertPollingWorks(session);
    const again = await untilFree(session);
    again.send('5');
    await assertWebSocketWorks(again);
    again.close();
  });

  test('a second WebSocket while one is probing', async () => {
    const session = await connected();
    const ws = await probe(session);
    const second = await session.upgrade();
    assert.equal(await second.closed(), 1005);
    ws.send('5');
    await assertWebSocketWorks(ws);
    ws.close();
  });

  test('a second WebSocket after the switch', async () => {
    const session = await connected();
    const ws = await probe(session);
    ws.send('5');
    await assertWebSocketWorks(ws);
    const second = await session.upgrade();
    assert.equal(await second.closed(), 1005);
    await assertWebSocketWorks(ws);
    ws.close();
  });

  // Node lets the second WebSocket take the session over.
  test('a second WebSocket with the sid of a session born on WebSocket', { skip: reference && 'an accident of Node' }, async () => {
    const server = await parity();
    const ws = await sio.ws(server);
    assert.match(await ws.next(), /welcome/);
    const session = new Polling(server, '/socket.io/', ws.opening);
    const second = await session.upgrade().catch((err) => err);
    if (!(second instanceof Error)) await second.closed();
    await assertWebSocketWorks(ws);
    ws.close();
  });

  test('the session ends while probing', async () => {
    const session = await connected();
    const ws = await probe(session);
    await session.post('1');
    assert.notEqual(await ws.closed(), 1000);
    await session.gone();
  });

  test('too slow: the WebSocket is closed and polling goes on', async (t) => {
    const server = await landed(t, testbed('parity', { set: { upgradeTimeout: 300 } }));
    if (!server) return;
    const session = await connected(server);
    const ws = await probe(session);
    assert.equal(await ws.closed(), 1005);
    await assertPollingWorks(session);
    await server.stop();
  });

  test('an answer of the server that closes is not lost', async () => {
    const session = await connected();
    const ws = await probe(session);
    await session.post('42["ctl",{"op":"disconnect"}]');
    ws.send('5');
    assert.equal(await ws.next(), '41');
    ws.close();
  });
});

// untilFree probes until the server has noticed that the first WebSocket is gone.
async function untilFree(session) {
  for (;;) {
    const ws = await session.upgrade();
    ws.send('2probe');
    const answer = await ws.next().catch(() => null);
    if (answer === '3probe') return ws;
    ws.close();
  }
}
