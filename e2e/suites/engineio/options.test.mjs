// What the server's options change on the wire.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errors, openWebSocket, Polling, query } from '../../lib/engine.mjs';
import { Conn, exchange, frame, opcode, requestHead, upgradeHeaders } from '../../lib/raw.mjs';
import { landed, reference, testbed } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';

const path = '/socket.io/';
const handshake = (params) => `${path}?${query(params)}`;

// option runs a test against a server with these settings, or skips it if the server does not know one of them yet.
function option(name, set, body) {
  test(name, async (t) => {
    const server = await landed(t, testbed('parity', { set }));
    if (!server) return;
    try {
      await body(server);
    } finally {
      await server.stop();
    }
  });
}

async function refusedUpgrade(server, target, headers = {}) {
  const conn = await Conn.open(server);
  conn.write(requestHead(server, { path: target, headers: { ...upgradeHeaders(), ...headers } }));
  return (await conn.rest()).toString();
}

describe('options', { concurrency: 2 }, () => {
  option('intervals and limits are announced', { pingInterval: 5000, pingTimeout: 4000, maxHttpBufferSize: 2000 }, async (server) => {
    const { opening } = await Polling.open(server, path);
    assert.deepEqual({ ...opening, sid: '' }, { sid: '', upgrades: ['websocket'], pingInterval: 5000, pingTimeout: 4000, maxPayload: 2000 });
    const ws = await openWebSocket(server, path);
    assert.deepEqual({ ...ws.opening, sid: '' }, { sid: '', upgrades: [], pingInterval: 5000, pingTimeout: 4000, maxPayload: 2000 });
    ws.close();
  });

  option('maxHttpBufferSize over WebSocket', { maxHttpBufferSize: 1000 }, async (server) => {
    const ws = await sio.ws(server);
    assert.match(await ws.next(), /welcome/);
    const fits = `42["echo","${'x'.repeat(1000 - '42["echo",""]'.length)}"]`;
    ws.send(fits);
    assert.equal(await ws.next(), fits);
    ws.frame(opcode.text, fits.replace('x', 'xx'));
    assert.equal(await ws.closed(), 1009);
    const other = await sio.ws(server);
    other.conn.write(frame(opcode.text, '4', { size: 1001 }));
    assert.equal(await other.closed(), 1009);
  });

  option('cookie', { cookie: true }, async (server) => {
    const session = await Polling.open(server, path);
    assert.equal(session.response.headers['set-cookie'], `io=${session.sid}; Path=/; HttpOnly; SameSite=Lax`);
    const later = await session.request({ method: 'POST', body: '3' });
    assert.equal(later.headers['set-cookie'], undefined);
    const ws = await openWebSocket(server, path);
    assert.equal(ws.response.headers['set-cookie'], undefined);
    ws.close();
  });

  option('initialPacket', { initialPacket: 'hello' }, async (server) => {
    const session = await Polling.open(server, path);
    assert.deepEqual(session.extra, ['4hello']);
    const ws = await openWebSocket(server, path);
    assert.equal(await ws.next(), '4hello');
    ws.close();
  });

  option('allowUpgrades', { allowUpgrades: false }, async (server) => {
    const { opening } = await Polling.open(server, path);
    assert.deepEqual(opening.upgrades, []);
  });

  option('transports: only WebSocket', { transports: ['websocket'] }, async (server) => {
    const response = await exchange(server, { path: handshake() });
    assert.equal(response.status, 400);
    assert.equal(response.body, errors.transport);
    (await openWebSocket(server, path)).close();
  });

  option('transports: only polling', { transports: ['polling'] }, async (server) => {
    const { opening } = await Polling.open(server, path);
    assert.deepEqual(opening.upgrades, []);
    const conn = await Conn.open(server);
    conn.write(requestHead(server, { path: handshake({ transport: 'websocket' }), headers: upgradeHeaders() }));
    const response = await conn.response();
    assert.equal(response.status, 400);
    assert.match(response.body, /Transport unknown/);
    conn.close();
  });

  option('allowRequest', { allowRequest: true }, async (server) => {
    const denied = await exchange(server, { path: handshake({ deny: 'not today' }) });
    assert.equal(denied.status, 403);
    assert.equal(denied.body, '{"code":4,"message":"not today"}');
    assert.equal(denied.headers['access-control-allow-origin'], '*');
    assert.match(
      await refusedUpgrade(server, handshake({ transport: 'websocket', deny: 'not today' })),
      /^HTTP\/1\.1 400 Bad Request\r\n[^]*\r\n\r\nnot today$/,
    );
    const session = await Polling.open(server, path);
    const later = await session.request({ method: 'POST', path: `${session.target()}&deny=x`, body: '3' });
    assert.equal(later.body, 'ok');
  });

  option('connectTimeout', { connectTimeout: 300 }, async (server) => {
    const ws = await openWebSocket(server, path);
    assert.equal(await ws.closed(), 1005);
    const session = await Polling.open(server, path);
    assert.deepEqual(await session.poll(), ['1']);
    await session.gone();
    const joined = await sio.ws(server);
    await new Promise((resolve) => setTimeout(resolve, 600)); // twice the timeout
    assert.deepEqual(await sio.call(joined, 'echo', [1]), [1]);
    joined.close();
  });

  option('cors with one origin and credentials', { cors: { origin: 'https://good.example', credentials: true } }, async (server) => {
    for (const origin of ['https://good.example', 'https://other.example']) {
      const response = await exchange(server, { path: handshake(), headers: { Origin: origin } });
      assert.equal(response.headers['access-control-allow-origin'], 'https://good.example');
      assert.equal(response.headers['access-control-allow-credentials'], 'true');
      assert.match(response.headers.vary, /\bOrigin\b/);
    }
    const ws = await openWebSocket(server, path, { headers: { Origin: 'https://good.example' } });
    assert.equal(ws.response.headers['access-control-allow-origin'], 'https://good.example');
    ws.close();
  });

  option('cors with a list of origins', { cors: { origin: ['https://one.example', 'https://two.example'] } }, async (server) => {
    for (const origin of ['https://one.example', 'https://two.example']) {
      const response = await exchange(server, { path: handshake(), headers: { Origin: origin } });
      assert.equal(response.headers['access-control-allow-origin'], origin);
      assert.match(response.headers.vary, /\bOrigin\b/);
    }
    const response = await exchange(server, { path: handshake(), headers: { Origin: 'https://one.example.evil.example' } });
    assert.equal(response.headers['access-control-allow-origin'], undefined);
  });

  option('cors on refusals and preflights', { cors: { origin: 'https://good.example', maxAge: 600, methods: ['GET', 'POST'] } }, async (server) => {
    const origin = { Origin: 'https://good.example' };
    const refused = await exchange(server, { path: handshake({ transport: 'tobi' }), headers: origin });
    assert.equal(refused.status, 400);
    assert.equal(refused.headers['access-control-allow-origin'], 'https://good.example');
    const preflight = await exchange(server, { method: 'OPTIONS', path: handshake(), headers: { ...origin, 'Access-Control-Request-Method': 'POST' } });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-methods'], 'GET,POST');
    assert.equal(preflight.headers['access-control-max-age'], '600');
  });
});

// Without the option Node sends no CORS headers and takes every origin; Gannet takes only its own.
describe('without cors', () => {
  async function withBench(body) {
    const server = await testbed('bench');
    try {
      await body(server);
    } finally {
      await server.stop();
    }
  }

  test('no CORS headers, and a client without an Origin is served', () =>
    withBench(async (server) => {
      const { response } = await Polling.open(server, path);
      const names = Object.keys(response.headers).filter((name) => name.startsWith('access-control-'));
      assert.deepEqual(names, []);
      (await openWebSocket(server, path)).close();
    }));

  test('the own origin is served', () =>
    withBench(async (server) => {
      const headers = { Origin: server.url };
      await Polling.open(server, path, { headers });
      (await openWebSocket(server, path, { headers })).close();
    }));

  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1', 'http://127.0.0.1.evil.example:80']) {
    test(`the origin ${origin} is refused`, { skip: reference && 'Node takes every origin' }, () =>
      withBench(async (server) => {
        const headers = { Origin: origin };
        const response = await exchange(server, { path: handshake(), headers });
        assert.equal(response.status, 403);
        assert.equal(response.body, errors.forbidden);
        assert.equal(response.headers['access-control-allow-origin'], undefined);
        assert.match(await refusedUpgrade(server, handshake({ transport: 'websocket' }), headers), /^HTTP\/1\.1 40[03] /);
      }));
  }
});
