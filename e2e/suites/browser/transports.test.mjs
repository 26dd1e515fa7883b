// The official client in a real browser, over every way to reach the server: also where something on the way lets no
// WebSocket through.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createServer, connect as dial } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startBrowser } from '../../lib/chromium.mjs';
import { encrypted } from '../../lib/launch.mjs';
import { shared } from '../../lib/server.mjs';

const bundle = fileURLToPath(new URL('../../node_modules/socket.io-client/dist/socket.io.min.js', import.meta.url));

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

// page opens a page of the server's origin, such as any browser makes of a text, and puts the client into it.
async function page(t, url) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const opened = await context.newPage();
  opened.setDefaultTimeout(20_000);
  opened.sockets = [];
  opened.on('websocket', (ws) => opened.sockets.push(ws.url()));
  await opened.goto(`${url}/socket.io/?EIO=4&transport=polling`);
  await opened.addScriptTag({ path: bundle });
  return opened;
}

// use connects in the page, uses the connection and tells what it has become.
function use(opened, options, { upgraded }) {
  return opened.evaluate(
    async ([options, upgraded]) => {
      const socket = globalThis.io({ reconnection: false, ...options });
      const { engine } = socket.io;
      const began = engine.transport.name;
      const failed = new Promise((resolve) => engine.once('upgradeError', resolve));
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
      if (upgraded && engine.transport.name !== 'websocket') await new Promise((resolve) => engine.once('upgrade', resolve));
      if (!upgraded && !options.transports) await failed;
      const bytes = new Uint8Array([0, 1, 255]);
      const answer = await new Promise((resolve) => socket.emit('echo', 'é€😀', bytes, (...args) => resolve(args)));
      const event = new Promise((resolve) => socket.once('echo', (...args) => resolve(args)));
      socket.emit('echo', { large: 'x'.repeat(200_000) });
      const [{ large }] = await event;
      const now = engine.transport.name;
      socket.disconnect();
      return { began, now, answer: [answer[0], [...new Uint8Array(answer[1])]], large: large.length };
    },
    [options, upgraded],
  );
}

const echoed = { answer: ['é€😀', [0, 1, 255]], large: 200_000 };

for (const [name, options, want, sockets] of [
  ['polling', { transports: ['polling'] }, { began: 'polling', now: 'polling' }, 0],
  ['WebSocket', { transports: ['websocket'] }, { began: 'websocket', now: 'websocket' }, 1],
  ['the upgrade', {}, { began: 'polling', now: 'websocket' }, 1],
]) {
  test(`over ${name}${encrypted ? ', encrypted' : ''}`, async (t) => {
    const server = await shared('parity');
    const opened = await page(t, server.url);
    assert.deepEqual(await use(opened, options, { upgraded: want.now === 'websocket' }), { ...want, ...echoed });
    assert.equal(opened.sockets.length, sockets);
    if (sockets) assert.equal(new URL(opened.sockets[0]).protocol, encrypted ? 'wss:' : 'ws:');
  });
}

// blocker forwards connections until they ask for a WebSocket; then `refuse` has them.
async function blocker(t, server, refuse) {
  const open = new Set();
  const proxy = createServer((client) => {
    const upstream = dial(server.port, server.host);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    upstream.pipe(client);
    client.on('data', (chunk) => {
      if (/\r\nupgrade: websocket/i.test(chunk.toString('latin1'))) refuse(client);
      else upstream.write(chunk);
    });
    client.on('end', () => upstream.end());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    proxy.close();
  });
  return `http://127.0.0.1:${proxy.address().port}`;
}

describe('where WebSocket is blocked', { skip: encrypted && 'nothing on the way can see into TLS' }, () => {
  for (const [how, refuse] of [
    ['refused', (client) => client.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')],
    ['cut off', (client) => client.destroy()],
  ]) {
    test(`an upgrade that is ${how} leaves the session on polling`, async (t) => {
      const opened = await page(t, await blocker(t, await shared('parity'), refuse));
      assert.deepEqual(await use(opened, {}, { upgraded: false }), { began: 'polling', now: 'polling', ...echoed });
      assert.equal(opened.sockets.length, 1);
    });

    test(`a WebSocket that is ${how} makes the client try polling`, async (t) => {
      const opened = await page(t, await blocker(t, await shared('parity'), refuse));
      const options = { transports: ['websocket', 'polling'], tryAllTransports: true };
      const got = await opened.evaluate(async (options) => {
        const socket = globalThis.io({ reconnection: false, upgrade: false, ...options });
        await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
        const answer = await socket.timeout(10_000).emitWithAck('echo', 'there');
        return [socket.io.engine.transport.name, answer];
      }, options);
      assert.deepEqual(got, ['polling', 'there']);
    });
  }
});
