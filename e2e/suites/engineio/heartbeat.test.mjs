// Ping and pong. Here time is the subject: each test lets the stated intervals pass, and allows a busy machine half a
// second or more beyond them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWebSocket, Polling } from '../../lib/engine.mjs';
import { opcode } from '../../lib/raw.mjs';
import { shared } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';
import { pause } from '../../lib/wait.mjs';

// Ping interval 300 ms, ping timeout 200 ms.
const quick = () => shared('eio-protocol');
const patient = () => shared('parity', { set: { pingInterval: 300, pingTimeout: 1000 } });
const spaced = () => shared('parity', { set: { pingInterval: 1000, pingTimeout: 1000 } });
const slack = 700;

// lifetime measures how long it takes until the server closes, in ms.
async function lifetime(ws, began) {
  assert.equal(await ws.closed(), 1005);
  return performance.now() - began;
}

function assertAbout(ms, want) {
  assert.ok(ms > want - 50 && ms < want + slack, `after ${Math.round(ms)} ms, want about ${want}`);
}

describe('heartbeat', { concurrency: true }, () => {
  test('pings come and pongs keep the session', async () => {
    const server = await quick();
    let began = performance.now();
    const ws = await openWebSocket(server, '/engine.io/', { pong: false });
    for (let i = 0; i < 4; i++) {
      assert.equal(await ws.next('a ping'), '2');
      assertAbout(performance.now() - began, 300);
      began = performance.now();
      ws.send('3');
    }
    ws.send('4alive');
    assert.equal(await ws.next(), '4alive');
    ws.close();
  });

  test('no pong over WebSocket', async () => {
    const server = await quick();
    const began = performance.now();
    const ws = await openWebSocket(server, '/engine.io/', { pong: false });
    assertAbout(await lifetime(ws, began), 500);
    assert.equal(await ws.next(), '2');
  });

  test('frames of the WebSocket layer are no pong', async () => {
    const server = await quick();
    const began = performance.now();
    const ws = await openWebSocket(server, '/engine.io/', { pong: false });
    assert.equal(await ws.next(), '2');
    ws.frame(opcode.pong, '');
    ws.frame(opcode.ping, '');
    assertAbout(await lifetime(ws, began), 500);
  });

  test('no pong over polling', async () => {
    const server = await quick();
    const began = performance.now();
    const session = await Polling.open(server, '/engine.io/');
    assert.deepEqual(await session.poll(), ['2']);
    assertAbout(performance.now() - began, 300);
    await session.request({}); // waits until the session ends
    assertAbout(performance.now() - began, 500);
    await session.gone();
  });

  test('no GET over polling', async () => {
    const session = await Polling.open(await quick(), '/engine.io/');
    await pause(500 + slack);
    assert.equal((await session.request({})).status, 400);
  });

  test('pongs keep a polling session', async () => {
    const session = await Polling.open(await quick(), '/engine.io/');
    for (let i = 0; i < 4; i++) {
      assert.deepEqual(await session.poll(), ['2']);
      await session.post('3');
    }
    await session.post('4alive');
    assert.deepEqual(await session.next(), ['4alive']);
  });

  test('while a pong is awaited, the first other packet starts the timeout anew, and only the first', async () => {
    const ws = await sio.ws(await patient(), { pong: false });
    while ((await ws.next()) !== '2');
    const began = performance.now();
    await pause(600);
    ws.send('42["other"]');
    await pause(500);
    ws.send('42["other"]');
    assertAbout(await lifetime(ws, began), 1600);
  });

  test('a stray pong puts off the next ping', async () => {
    const ws = await sio.ws(await spaced(), { pong: false });
    assert.match(await ws.next(), /welcome/);
    for (let i = 0; i < 8; i++) {
      await pause(200);
      ws.send('3');
    }
    assert.equal(ws.pings, 0);
    assert.equal(await ws.next('a ping'), '2');
    ws.close();
  });
});
