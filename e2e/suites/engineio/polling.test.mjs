// Engine.IO over long-polling: payloads, headers, and what ends a session. Most tests use profile parity, whose long
// ping interval leaves them all the time they need.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errors, Polling, separator } from '../../lib/engine.mjs';
import { Conn, exchange, renderRequest, requestHead } from '../../lib/raw.mjs';
import { reference, shared } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';
import { within } from '../../lib/wait.mjs';

const echoes = () => shared('eio-protocol');
const parity = () => shared('parity');
const small = () => shared('parity', { set: { maxHttpBufferSize: 1000 } });
const path = '/socket.io/';
const open = async () => Polling.open(await parity(), path);
const openEcho = async () => Polling.open(await echoes(), '/engine.io/');

// echo sends one argument through the server and back over a connected polling session.
async function echo(session, json) {
  await session.post(`42["echo",${json}]`);
  const [packet] = await session.next();
  return packet;
}

// unfinished is a POST that lacks most of its body.
function unfinished(session) {
  const headers = { 'Content-Type': 'text/plain', 'Content-Length': 10 };
  return `${requestHead(session.server, { method: 'POST', path: session.target(), headers })}4`;
}

// connected is a session in the default namespace with nothing left to read.
async function connected(server) {
  const session = await sio.polling(server);
  if (!session.left.length) await session.next(); // welcome
  return session;
}

describe('packets', () => {
  test('text and binary come back as they went', async () => {
    const session = await openEcho();
    await session.post('4hello', '4', '4€ é 😀', 'bAQIDBA==', 'b');
    assert.deepEqual(await session.next(5), ['4hello', '4', '4€ é 😀', 'bAQIDBA==', 'b']);
  });

  test('what waits between polls comes in one response', async () => {
    const session = await openEcho();
    await session.post('4a', '4b', 'bAQ==');
    const response = await session.request({});
    assert.equal(response.body, ['4a', '4b', 'bAQ=='].join(separator));
    assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(response.headers['cache-control'], 'no-store');
    assert.equal(Number(response.headers['content-length']), response.bytes.length);
  });

  test('base64 without padding and of the URL alphabet', async () => {
    const session = await openEcho();
    await session.post('bAQIDBA', 'b-_8=');
    assert.deepEqual(await session.next(2), ['bAQIDBA==', 'b+/8=']);
  });

  test('base64 with line breaks, as the official Java client writes it', async () => {
    const session = await openEcho();
    const bytes = Buffer.alloc(100, 'gannet');
    const lines = bytes.toString('base64').replace(/.{76}/g, '$&\n');
    await session.post(`b${lines}\n`, 'bAQID\r\n');
    assert.deepEqual(await session.next(2), [`b${bytes.toString('base64')}`, 'bAQID']);
  });

  test('a thousand packets in one request stay in order', async () => {
    const session = await openEcho();
    const packets = Array.from({ length: 1000 }, (_, i) => `4${i}`);
    await session.post(...packets);
    assert.deepEqual(await session.next(1000), packets);
  });

  test('invalid UTF-8 is replaced', async () => {
    const session = await connected(await parity());
    const body = Buffer.concat([Buffer.from('42["echo","a'), Buffer.of(0xff, 0xc3), Buffer.from('b"]')]);
    const response = await session.request({ method: 'POST', body });
    assert.equal(response.body, 'ok');
    assert.deepEqual(await session.next(), ['42["echo","a\ufffd\ufffdb"]']);
  });

  for (const type of ['0', '5', '6', '3', '3probe']) {
    test(`a stray ${type} is ignored`, async () => {
      const session = await connected(await parity());
      await session.post(type);
      assert.equal(await echo(session, '1'), '42["echo",1]');
    });
  }
});

describe('responses', () => {
  test('POST', async () => {
    const session = await open();
    const response = await session.request({ method: 'POST', body: '3' });
    assert.equal(response.status, 200);
    assert.equal(response.body, 'ok');
    assert.equal(response.headers['content-type'], 'text/html');
    assert.equal(response.headers['content-length'], '2');
    assert.equal(response.headers['cache-control'], 'no-store');
  });

  test('POST with a chunked body', async () => {
    const session = await connected(await parity());
    const conn = await Conn.open(session.server);
    const headers = { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' };
    conn.write(requestHead(session.server, { method: 'POST', path: session.target(), headers }));
    conn.write('8\r\n42["echo\r\n4;ext=1\r\n",1]\r\n0\r\n\r\n');
    assert.equal((await conn.response()).body, 'ok');
    conn.close();
    assert.deepEqual(await session.next(), ['42["echo",1]']);
  });

  test('POST that arrives byte by byte', async () => {
    const session = await connected(await parity());
    const conn = await Conn.open(session.server);
    for (const byte of renderRequest(session.server, { method: 'POST', path: session.target(), body: '42["echo","é"]' })) {
      conn.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    assert.equal((await conn.response()).body, 'ok');
    conn.close();
    assert.deepEqual(await session.next(), ['42["echo","é"]']);
  });

  test('POST with Expect: 100-continue', async () => {
    const session = await connected(await parity());
    const conn = await Conn.open(session.server);
    const body = '42["echo",2]';
    const headers = { 'Content-Type': 'text/plain', 'Content-Length': body.length, Expect: '100-continue' };
    conn.write(requestHead(session.server, { method: 'POST', path: session.target(), headers }));
    const interim = await conn.take((b) => b.indexOf('\r\n\r\n') + 1 && b.indexOf('\r\n\r\n') + 4, 'interim response');
    assert.match(interim.toString(), /^HTTP\/1\.1 100 /);
    conn.write(body);
    assert.equal((await conn.response()).body, 'ok');
    conn.close();
    assert.deepEqual(await session.next(), ['42["echo",2]']);
  });

  test('GET and POST pipelined on one connection: the POST is done while the GET waits', async () => {
    const session = await connected(await parity());
    const conn = await Conn.open(session.server);
    const get = renderRequest(session.server, { path: session.target() });
    const post = renderRequest(session.server, { method: 'POST', path: session.target(), body: '42["echo",3]' });
    conn.write(Buffer.concat([get, post]));
    assert.equal((await conn.response()).body, '42["echo",3]');
    assert.equal((await conn.response()).body, 'ok');
    conn.close();
  });

  for (const method of ['PUT', 'DELETE', 'HEAD', 'PATCH']) {
    test(`${method} is refused and the session lives`, async () => {
      const session = await connected(await parity());
      const response = await session.request({ method });
      assert.equal(response.status, reference ? 500 : 405);
      assert.equal(response.body, '');
      assert.equal(await echo(session, '4'), '42["echo",4]');
    });
  }

  test('of another transport than the session', async () => {
    const session = await open();
    const response = await exchange(session.server, { path: session.target({ transport: 'websocket' }) });
    assert.equal(response.status, 400);
    assert.equal(response.body, errors.request);
  });

  test('of another revision than the session', async () => {
    const session = await open();
    const response = await exchange(session.server, { path: session.target({ EIO: '3' }) });
    assert.equal(response.status, 400);
    assert.equal(response.body, errors.request);
  });
});

describe('limits', () => {
  const overhead = '42["echo",""]'.length;

  test('a body of exactly the limit is taken', async () => {
    const session = await connected(await small());
    const text = 'x'.repeat(1000 - overhead);
    assert.equal(await echo(session, `"${text}"`), `42["echo","${text}"]`);
  });

  test('the limit counts bytes', async () => {
    const session = await connected(await small());
    const response = await session.request({ method: 'POST', body: `42["echo","${'é'.repeat(500)}"]` });
    assert.equal(response.status, 413);
  });

  test('a longer body is refused and the session lives', async () => {
    const session = await connected(await small());
    const response = await session.request({ method: 'POST', body: `42["echo","${'x'.repeat(1001 - overhead)}"]` });
    assert.equal(response.status, 413);
    assert.equal(response.body, '');
    assert.equal(await echo(session, '5'), '42["echo",5]');
  });

  test('a longer chunked body is refused and the session lives', async () => {
    const session = await connected(await small());
    const conn = await Conn.open(session.server);
    const headers = { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' };
    conn.write(requestHead(session.server, { method: 'POST', path: session.target(), headers }));
    for (let i = 0; i < 11; i++) conn.write(`64\r\n${'x'.repeat(100)}\r\n`);
    conn.write('0\r\n\r\n');
    assert.equal((await conn.response()).status, 413);
    conn.close();
    assert.equal(await echo(session, '6'), '42["echo",6]');
  });
});

describe('heartbeat and close by the client', () => {
  test('a ping from the client ends the session', async () => {
    const session = await open();
    await session.post('2');
    await session.gone();
  });

  test('close without a GET', async () => {
    const session = await open();
    await session.post('1');
    await session.gone();
  });

  test('close while a GET waits, which is answered by a noop', async () => {
    const session = await open();
    const get = await session.get();
    await session.post('1');
    assert.equal((await get.response()).body, '6');
    get.close();
    await session.gone();
  });
});

describe('ends the session', () => {
  for (const [name, body] of [['an unknown packet type', 'abc'], ['an empty body', ''], ['an unknown type after a good packet', `3${separator}x`]]) {
    test(name, async () => {
      const session = await open();
      const response = await session.request({ method: 'POST', body });
      assert.equal(response.status, 200);
      assert.equal(response.body, 'ok');
      await session.gone();
    });
  }

  test('an event in front of a malformed packet is not handled', async () => {
    const server = await parity();
    const watcher = await sio.ws(server);
    const session = await connected(server);
    await session.request({ method: 'POST', body: ['42["ctl",{"op":"emit","target":{"from":"server"},"event":"late"}]', 'x'].join(separator) });
    await session.gone();
    await sio.call(watcher, 'echo', []);
    assert.ok(!watcher.skipped.some((packet) => packet.includes('late')), String(watcher.skipped));
    watcher.close();
  });

  test('a second GET: one is answered by a close, the other refused', async () => {
    const session = await open();
    const conns = [await session.get(), await session.get()];
    const [answered, refused] = (await Promise.all(conns.map((conn) => conn.response()))).sort((a, b) => a.status - b.status);
    assert.deepEqual([answered.status, answered.body], [200, '1']);
    assert.deepEqual([refused.status, refused.body], [400, '']);
    await session.gone();
  });

  test('a second POST while the first is unfinished', async () => {
    const session = await open();
    const first = await session.behind(unfinished(session));
    const second = await session.request({ method: 'POST', body: '3' });
    assert.equal(second.status, 400);
    assert.equal(second.body, '');
    await session.gone();
    first.close();
  });

  const drops = { 'with an RST': (conn) => conn.reset(), 'with a FIN': (conn) => conn.socket.end() };
  for (const [how, drop] of Object.entries(drops)) {
    test(`a GET that the client drops ${how}`, async () => {
      const session = await open();
      const conn = await session.behind(renderRequest(session.server, { path: session.target() }));
      drop(conn);
      await session.gone();
      conn.close();
    });

    test(`a POST that the client drops ${how}`, async () => {
      const session = await open();
      const conn = await session.behind(unfinished(session));
      drop(conn);
      await session.gone();
      conn.close();
    });
  }

  test('a binary POST', async () => {
    const session = await open();
    const response = await session.request({ method: 'POST', body: '3', headers: { 'Content-Type': 'application/octet-stream' } });
    assert.equal(response.status, 400);
    assert.equal(response.body, '');
    await session.gone();
  });

  test('a content type that only begins like the binary one does not', async () => {
    const session = await connected(await parity());
    const headers = { 'Content-Type': 'application/octet-stream; x=1' };
    const response = await session.request({ method: 'POST', body: '42["echo",7]', headers });
    assert.equal(response.body, 'ok');
    assert.deepEqual(await session.next(), ['42["echo",7]']);
  });
});

describe('close by the server', () => {
  test('with a GET waiting', async () => {
    const session = await connected(await parity());
    const get = await session.get();
    await session.post('42["ctl",{"op":"disconnect","close":true}]');
    const body = (await get.response()).body;
    get.close();
    assert.equal(body, '41');
    assert.deepEqual(await session.poll(), ['6', '1']);
    await session.gone();
  });

  test('without one: what waits goes first, then a noop and the close', async () => {
    const session = await connected(await parity());
    await session.post('42["ctl",{"op":"disconnect","close":true}]');
    assert.deepEqual(await session.poll(), ['41']);
    assert.deepEqual(await session.poll(), ['6', '1']);
    await session.gone();
  });

  test('nothing is left of a session that is gone', async () => {
    const session = await open();
    await session.post('1');
    await session.gone();
    const response = await within(session.request({}), 'an answer to a late GET');
    assert.equal(response.status, 400);
    assert.equal(response.body, errors.sid);
  });
});
