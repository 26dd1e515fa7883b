// Opening a session: the open packet, which requests reach the server, and every refusal.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errors, openWebSocket, Polling, query } from '../../lib/engine.mjs';
import { encrypted } from '../../lib/launch.mjs';
import { Conn, exchange, renderRequest, requestHead, upgradeHeaders, Ws } from '../../lib/raw.mjs';
import { reference, shared } from '../../lib/server.mjs';

const path = '/engine.io/';
const server = () => shared('eio-protocol');
const long = 'x'.repeat(7000);

describe('open packet', () => {
  test('over polling', async () => {
    const { opening, response, extra } = await Polling.open(await server(), path);
    assert.deepEqual(Object.keys(opening), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
    assert.match(opening.sid, /^[A-Za-z0-9_-]{20}$/);
    assert.deepEqual({ ...opening, sid: '' }, { sid: '', upgrades: ['websocket'], pingInterval: 300, pingTimeout: 200, maxPayload: 1e6 });
    assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(response.headers['cache-control'], 'no-store');
    assert.equal(Number(response.headers['content-length']), response.bytes.length);
    assert.equal(response.headers['set-cookie'], undefined);
    assert.deepEqual(extra, []);
  });

  test('over WebSocket', async () => {
    const { opening, response, conn } = await openWebSocket(await server(), path);
    assert.deepEqual({ ...opening, sid: '' }, { sid: '', upgrades: [], pingInterval: 300, pingTimeout: 200, maxPayload: 1e6 });
    assert.match(opening.sid, /^[A-Za-z0-9_-]{20}$/);
    assert.equal(response.headers.upgrade.toLowerCase(), 'websocket');
    assert.equal(response.headers.connection.toLowerCase(), 'upgrade');
    assert.equal(response.headers['set-cookie'], undefined);
    assert.equal(response.headers['sec-websocket-extensions'], undefined);
    assert.equal(response.headers['sec-websocket-protocol'], undefined);
    conn.close();
  });

  test('ids are not repeated', async () => {
    const ids = new Set();
    for (let i = 0; i < 50; i++) ids.add((await Polling.open(await server(), path)).sid);
    assert.equal(ids.size, 50);
  });

  test('the first subprotocol that is offered is chosen', async () => {
    const ws = await openWebSocket(await server(), path, { headers: { 'Sec-WebSocket-Protocol': 'one, two' } });
    assert.equal(ws.response.headers['sec-websocket-protocol'], 'one');
    ws.close();
  });

  test('an extension that is offered is declined', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    const ws = await openWebSocket(await server(), path, { headers });
    assert.equal(ws.response.headers['sec-websocket-extensions'], undefined);
    ws.close();
  });
});

describe('path and query', () => {
  const opens = {
    'the path is a prefix': `${path}foo/bar?${query()}`,
    'the last of repeated parameters wins': `${path}?EIO=3&EIO=4&transport=websocket&transport=polling`,
    'percent-encoded names and values': `${path}?%45IO=%34&transport=p%6Flling`,
    'other parameters do not matter': `${path}?${query({ t: 'abc', x: long })}`,
    'an empty sid is no sid': `${path}?${query({ sid: '' })}`,
  };
  for (const [name, target] of Object.entries(opens)) {
    test(name, async () => {
      const response = await exchange(await server(), { path: target });
      assert.equal(response.status, 200, response.body);
      assert.match(response.body, /^0\{"sid":/);
    });
  }

  const elsewhere = ['/engine.io?EIO=4&transport=polling', '/', '/Engine.io/?EIO=4&transport=polling', '/%65ngine.io/?EIO=4&transport=polling'];
  for (const target of elsewhere) {
    test(`not ours: ${target}`, async () => {
      const response = await exchange(await server(), { path: target });
      assert.equal(response.status, 404);
    });
  }
});

// Refusals over HTTP: status 400 and a JSON body, whatever the order of the parameters.
const refusals = [
  ['no transport', { transport: undefined }, errors.transport],
  ['an empty transport', { transport: '' }, errors.transport],
  ['an unknown transport', { transport: 'tobi' }, errors.transport],
  ['a property name as transport', { transport: '__proto__' }, errors.transport],
  ['another property name as transport', { transport: 'constructor' }, errors.transport],
  ['webtransport', { transport: 'webtransport' }, errors.transport],
  ['a long transport', { transport: long }, errors.transport],
  ['no revision', { EIO: undefined }, errors.version],
  ['revision 3', { EIO: '3' }, errors.version],
  ['revision 5', { EIO: '5' }, errors.version],
  ['a revision that begins with 4', { EIO: '4abc' }, errors.version],
  ['an unknown sid', { sid: 'tobi' }, errors.sid],
  ['an unknown sid of the right length', { sid: 'AAAAAAAAAAAAAAAAAAAA' }, errors.sid],
  ['a property name as sid', { sid: '__proto__' }, errors.sid],
  ['a long sid', { sid: long }, errors.sid],
  ['bytes as sid', { sid: '\u00ff\u0000' }, errors.sid],
  ['websocket without an upgrade', { transport: 'websocket' }, errors.request],
  ['an unknown transport and an unknown sid', { transport: 'tobi', sid: 'tobi' }, errors.transport],
  ['an unknown sid and revision 3', { sid: 'tobi', EIO: '3' }, errors.sid],
];

describe('refused over HTTP', () => {
  for (const [name, params, body] of refusals) {
    test(name, async () => {
      const response = await exchange(await server(), { path: `${path}?${query(params)}` });
      assert.equal(response.status, 400);
      assert.equal(response.body, body);
      assert.equal(response.headers['content-type'], 'application/json');
      assert.equal(response.headers['access-control-allow-origin'], '*');
      assert.equal(response.headers['cache-control'], undefined);
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE']) {
    test(`${method} without a sid`, async () => {
      const response = await exchange(await server(), { method, path: `${path}?${query()}`, body: '' });
      // Gannet answers 405 to methods that it never takes.
      assert.ok(response.status === 400 || (!reference && method !== 'POST' && response.status === 405), response.statusLine);
      if (response.status === 400) assert.equal(response.body, errors.method);
    });
  }
});

// Refusals of an upgrade: always 400, a plain text body, and the connection ends.
const upgradeRefusals = [
  ['no transport', { transport: undefined }, 'Transport unknown'],
  ['an unknown transport', { transport: 'tobi' }, 'Transport unknown'],
  ['a property name as transport', { transport: '__proto__' }, 'Transport unknown'],
  ['an unknown sid', { transport: 'websocket', sid: 'tobi' }, 'Session ID unknown'],
  ['a property name as sid', { transport: 'websocket', sid: 'constructor' }, 'Session ID unknown'],
];

describe('refused upgrade', () => {
  for (const [name, params, text] of upgradeRefusals) {
    test(name, async () => {
      const conn = await Conn.open(await server());
      conn.write(requestHead(await server(), { path: `${path}?${query(params)}`, headers: upgradeHeaders() }));
      const bytes = await conn.rest();
      const [head, body] = bytes.toString().split('\r\n\r\n');
      const [status, ...headers] = head.split('\r\n').map((line) => line.toLowerCase());
      assert.equal(status, 'http/1.1 400 bad request');
      assert.deepEqual(headers.sort(), ['connection: close', `content-length: ${text.length}`, 'content-type: text/html']);
      assert.equal(body, text);
    });
  }

  test('bytes after a refused upgrade are not a request', async () => {
    const conn = await Conn.open(await server());
    const refused = requestHead(await server(), { path: `${path}?${query({ transport: 'tobi' })}`, headers: upgradeHeaders() });
    conn.write(refused + requestHead(await server(), { path: `${path}?${query()}` }));
    const bytes = (await conn.rest()).toString();
    assert.equal(bytes.match(/HTTP\/1\.1/g).length, 1, bytes);
  });

  for (const [name, EIO] of [['revision 3', '3'], ['no revision', undefined]]) {
    test(name, async () => {
      const conn = await Conn.open(await server());
      conn.write(requestHead(await server(), { path: `${path}?${query({ transport: 'websocket', EIO })}`, headers: upgradeHeaders() }));
      const text = (await conn.rest()).toString();
      // Node notices this after the 101 and writes the refusal into the upgraded stream; over TLS that gets lost.
      if (!reference) assert.match(text, /^HTTP\/1\.1 400 /);
      if (reference && encrypted) return;
      assert.match(text, /HTTP\/1\.1 400 Bad Request\r\n/);
      assert.match(text, /\r\n\r\nUnsupported protocol version$/);
    });
  }

  const handshakes = {
    'without a key': { 'Sec-WebSocket-Key': undefined },
    'with a short key': { 'Sec-WebSocket-Key': 'abc' },
    'without a version': { 'Sec-WebSocket-Version': undefined },
    'with version 7': { 'Sec-WebSocket-Version': 7 },
  };
  for (const [name, headers] of Object.entries(handshakes)) {
    test(name, async () => {
      const request = { path: `${path}?${query({ transport: 'websocket' })}`, headers: { ...upgradeHeaders(), ...headers } };
      const response = await exchange(await server(), request);
      assert.ok([400, 426].includes(response.status), response.statusLine);
      if (name.includes('version')) assert.match(response.headers['sec-websocket-version'], /\b13\b/);
    });
  }

  test('another protocol than websocket', async () => {
    const headers = { ...upgradeHeaders(), Upgrade: 'h2c' };
    const conn = await Conn.open(await server());
    conn.write(requestHead(await server(), { path: `${path}?${query({ transport: 'websocket' })}`, headers }));
    assert.match((await conn.rest()).toString(), /^HTTP\/1\.1 4\d\d /);
  });

  test('transport polling: 101, then an empty close frame', async () => {
    const ws = await Ws.open(await server(), `${path}?${query()}`);
    assert.equal(await ws.closed(), 1005);
  });
});

describe('CORS', () => {
  const origin = { Origin: 'https://page.example' };

  test('any origin over polling', async () => {
    const { response } = await Polling.open(await server(), path, { headers: origin });
    assert.equal(response.headers['access-control-allow-origin'], '*');
  });

  test('any origin over WebSocket', async () => {
    const ws = await openWebSocket(await server(), path, { headers: origin });
    assert.equal(ws.response.headers['access-control-allow-origin'], '*');
    ws.close();
  });

  test('preflight', async () => {
    const headers = { ...origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-one,x-two' };
    const response = await exchange(await server(), { method: 'OPTIONS', path: `${path}?${query({ sid: 'unknown' })}`, headers });
    assert.equal(response.status, 204);
    assert.equal(response.headers['content-length'], '0');
    assert.equal(response.headers['access-control-allow-origin'], '*');
    assert.equal(response.headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
    assert.equal(response.headers['access-control-allow-headers'], 'x-one,x-two');
    assert.match(response.headers.vary, /Access-Control-Request-Headers/);
  });
});

describe('HTTP', () => {
  test('many sessions on one connection', async () => {
    const conn = await Conn.open(await server());
    const ids = new Set();
    for (let i = 0; i < 10; i++) {
      conn.write(renderRequest(await server(), { path: `${path}?${query()}` }));
      ids.add(JSON.parse((await conn.response()).body.slice(1)).sid);
    }
    assert.equal(ids.size, 10);
    conn.close();
  });

  test('pipelined handshakes are answered in order', async () => {
    const conn = await Conn.open(await server());
    const good = renderRequest(await server(), { path: `${path}?${query()}` });
    const bad = renderRequest(await server(), { path: `${path}?${query({ transport: 'tobi' })}` });
    conn.write(Buffer.concat([good, bad, good]));
    assert.deepEqual([await conn.response(), await conn.response(), await conn.response()].map((r) => r.status), [200, 400, 200]);
    conn.close();
  });

  test('a request that arrives byte by byte', async () => {
    const conn = await Conn.open(await server());
    for (const byte of renderRequest(await server(), { path: `${path}?${query()}` })) {
      conn.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    assert.equal((await conn.response()).status, 200);
    conn.close();
  });

  test('Connection: close is done', async () => {
    const conn = await Conn.open(await server());
    conn.write(renderRequest(await server(), { path: `${path}?${query()}`, headers: { Connection: 'close' } }));
    const response = await conn.response();
    assert.equal(response.status, 200);
    assert.equal(response.headers.connection, 'close');
    assert.equal((await conn.rest()).length, 0);
  });

  test('HTTP/1.0 without keep-alive ends the connection', async () => {
    const conn = await Conn.open(await server());
    conn.write(requestHead(await server(), { path: `${path}?${query()}`, version: '1.0' }));
    assert.match((await conn.rest()).toString(), /^HTTP\/1\.[01] 200 OK\r\n[^]*\r\n\r\n0\{"sid":/);
  });

  test('old browsers are told not to filter', async () => {
    const headers = { 'User-Agent': 'Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko' };
    const { response } = await Polling.open(await server(), path, { headers });
    assert.equal(response.headers['x-xss-protection'], '0');
  });
});
