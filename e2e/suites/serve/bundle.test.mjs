// What is served beside the sessions: the browser client under the path, and pages on the same connections.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { errors, query } from '../../lib/engine.mjs';
import { launch, reference } from '../../lib/launch.mjs';
import { Conn, exchange, renderRequest } from '../../lib/raw.mjs';

const dist = fileURLToPath(new URL('../../node_modules/socket.io-client/dist/', import.meta.url));
const started = reference
  ? launch('testbed', ['-addr', '127.0.0.1:0', '-profile', 'bench'])
  : launch('gannet', ['serve', '--addr', '127.0.0.1:0', '--client-dir', dist]);
after(async () => (await started).stop());

const get = async (path, request = {}) => exchange(await started, { path, ...request });
const etag = '"4.8.4"';

describe('browser client', () => {
  for (const name of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js']) {
    for (const file of [name, `${name}.map`]) {
      test(file, async () => {
        const response = await get(`/socket.io/${file}`);
        assert.equal(response.status, 200);
        assert.ok(response.bytes.equals(await readFile(dist + file)));
        assert.equal(response.headers['cache-control'], 'public, max-age=0');
        assert.equal(response.headers.etag, etag);
        const type = file.endsWith('.map') ? 'application/json' : 'application/javascript';
        assert.equal(response.headers['content-type'], `${type}; charset=utf-8`);
      });
    }
  }

  test('a query does not matter', async () => {
    assert.equal((await get('/socket.io/socket.io.js?v=1&EIO=4&transport=polling')).headers.etag, etag);
  });

  for (const tag of [etag, `W/${etag}`]) {
    test(`not again for ${tag}`, async () => {
      const response = await get('/socket.io/socket.io.min.js', { headers: { 'If-None-Match': tag } });
      assert.equal(response.status, 304);
      assert.equal(response.bytes.length, 0);
    });
  }

  test('again for another tag', async () => {
    assert.equal((await get('/socket.io/socket.io.min.js', { headers: { 'If-None-Match': '"4.8.3"' } })).status, 200);
  });

  const unpack = { br: brotliDecompressSync, gzip: gunzipSync, deflate: inflateSync, undefined: (bytes) => bytes };
  for (const [accept, coding] of [
    ['gzip, deflate, br', 'gzip'], ['br, gzip', 'br'], ['deflate', 'deflate'], ['gzip;q=0.5, br;q=0.9', 'br'],
    ['*', 'br'], ['*, br;q=0', 'gzip'], ['br;q=0, *;q=0', undefined], ['zstd', undefined], ['', undefined],
  ]) {
    test(`Accept-Encoding: ${accept}`, async () => {
      for (const name of ['socket.io.js', 'socket.io.min.js.map']) {
        const response = await get(`/socket.io/${name}`, { headers: { 'Accept-Encoding': accept } });
        assert.equal(response.status, 200);
        assert.equal(response.headers['content-encoding'], coding);
        assert.equal(response.headers.etag, etag);
        assert.equal(response.headers.vary, undefined);
        assert.ok(unpack[coding](response.bytes).equals(await readFile(dist + name)));
        const head = await get(`/socket.io/${name}`, { method: 'HEAD', headers: { 'Accept-Encoding': accept } });
        assert.equal(head.headers['content-encoding'], coding);
        assert.equal(head.bytes.length, 0);
      }
      const headers = { 'Accept-Encoding': accept, 'If-None-Match': etag };
      const cached = await get('/socket.io/socket.io.js', { headers });
      assert.deepEqual([cached.status, cached.headers['content-encoding'], cached.headers.etag], [304, undefined, undefined]);
    });
  }

  test('HEAD', async () => {
    const response = await get('/socket.io/socket.io.min.js', { method: 'HEAD' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.etag, etag);
  });

  for (const file of ['socket.io.ts', '../package.json', '%2e%2e/package.json', 'socket.io.js.map.map', 'SOCKET.IO.JS', '__proto__']) {
    test(`no such file: ${file}`, async () => {
      const response = await get(`/socket.io/${file}`);
      assert.ok(response.status === 400 ? response.body === errors.transport : response.status === 404, `${response.status} ${response.body}`);
    });
  }
});

describe('pages', () => {
  test('one connection for pages, files and sessions', async () => {
    const server = await started;
    const conn = await Conn.open(server);
    const ask = async (path) => {
      conn.write(renderRequest(server, { path }));
      return (await conn.response()).status;
    };
    const page = reference ? 404 : 200;
    for (let i = 0; i < 5; i++) {
      assert.equal(await ask('/'), page);
      assert.equal(await ask(`/socket.io/?${query()}`), 200);
      assert.equal(await ask('/socket.io/socket.io.min.js'), 200);
      assert.equal(await ask('/no/such/page'), 404);
      assert.equal(await ask(`/socket.io/?${query({ sid: 'x' })}`), 400);
    }
    conn.close();
  });

  test('pipelined across both', async () => {
    const server = await started;
    const conn = await Conn.open(server);
    const paths = ['/no/such/page', `/socket.io/?${query()}`, '/no/such/page', `/socket.io/?${query({ transport: 'x' })}`];
    conn.write(Buffer.concat(paths.map((path) => renderRequest(server, { path }))));
    const statuses = [];
    for (const _ of paths) statuses.push((await conn.response()).status);
    assert.deepEqual(statuses, [404, 200, 404, 400]);
    conn.close();
  });

  for (const [path, text] of [['/healthz', 'ok\n'], ['/readyz', 'ready\n']]) {
    test(path, { skip: reference && 'only gannet serve has it' }, async () => {
      const response = await get(path);
      assert.equal(response.status, 200);
      assert.equal(response.body, text);
    });
  }
});
