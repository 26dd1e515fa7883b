// The chat page of `gannet serve` in a real browser: two tabs that talk to each other.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { photograph, startBrowser } from '../../lib/chromium.mjs';
import { launch } from '../../lib/launch.mjs';
import { until } from '../../lib/wait.mjs';

const bundle = fileURLToPath(new URL('../../node_modules/socket.io-client/dist', import.meta.url));
const serve = (...args) => launch('gannet', ['serve', '--addr', '127.0.0.1:0', '--client-dir', bundle, ...args]);

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([startBrowser(), serve()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

// tab opens the chat in a context of its own, as another person would, and collects what goes wrong in the page.
async function tab(t, { transport, at = server, viewport = { width: 1200, height: 800 }, path = '/' } = {}) {
  const context = await browser.newContext({ viewport });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.troubles = [];
  page.sockets = [];
  page.on('pageerror', (err) => page.troubles.push(`error: ${err.message}`));
  page.on('console', (message) => message.type() === 'error' && page.troubles.push(`console: ${message.text()}`));
  page.on('websocket', (ws) => page.sockets.push(ws.url()));
  await page.goto(`${at.url}${path}${transport ? `?transport=${transport}` : ''}`);
  return page;
}

async function join(page, name, room) {
  await page.fill('#name', name);
  await page.fill('#room', room);
  await page.click('#join');
  await page.waitForSelector('#message', { state: 'visible' });
}

async function say(page, text) {
  await page.fill('#message', text);
  await page.click('#send');
}

const shows = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

describe('chat', () => {
  for (const [transport, text] of [['polling', 'polling'], ['websocket', 'websocket'], ['upgrade', 'websocket']]) {
    test(`two tabs over ${transport}`, async (t) => {
      const [ann, bob] = [await tab(t, { transport }), await tab(t, { transport })];
      const room = `room-${transport}`;
      await join(ann, 'Ann', room);
      await join(bob, 'Bob', room);
      for (const page of [ann, bob]) {
        await shows(page, '#transport', text);
        await shows(page, '#presence', 'Ann');
        await shows(page, '#presence', 'Bob');
      }

      await ann.locator('#message').pressSequentially('hel');
      await shows(bob, '#typing', 'Ann');

      await say(ann, 'hello Bob, é€😀 <b>&amp;</b>');
      await shows(bob, '#messages', 'hello Bob, é€😀 <b>&amp;</b>');
      await until(async () => (await bob.textContent('#typing')) === '', 'the typing notice to go');
      await say(bob, 'hello Ann');
      await shows(ann, '#messages', 'hello Ann');
      for (let i = 0; i < 10; i++) await say(i % 2 ? ann : bob, `line ${i}`);
      for (const page of [ann, bob]) await shows(page, '#messages', 'line 9');

      await photograph(ann, `chat-${transport}`);
      assert.equal(ann.sockets.length > 0, transport !== 'polling');
      assert.deepEqual([...ann.troubles, ...bob.troubles], []);
    });
  }

  test('polling first, then WebSocket, without losing a line', async (t) => {
    const [ann, bob] = [await tab(t, { transport: 'polling' }), await tab(t)];
    await join(ann, 'Ann', 'upgrade');
    await join(bob, 'Bob', 'upgrade');
    // The chat takes 40 events at once, and a line is three with its typing notices.
    for (let i = 0; i < 10; i++) await say(ann, `number ${i}.`);
    await shows(bob, '#messages', 'number 9.');
    await shows(bob, '#transport', 'websocket');
    const text = await bob.textContent('#messages');
    for (let i = 0; i < 10; i++) assert.equal(text.split(`number ${i}.`).length, 2, `number ${i}`);
    assert.deepEqual([...ann.troubles, ...bob.troubles], []);
  });

  test('one leaves, and the other sees it', async (t) => {
    const [ann, bob] = [await tab(t), await tab(t, { transport: 'polling' })];
    await join(ann, 'Ann', 'leaving');
    await join(bob, 'Bob', 'leaving');
    await shows(ann, '#presence', 'Bob');
    await bob.close();
    await until(async () => !(await ann.textContent('#presence')).includes('Bob'), 'Bob to be gone', 60_000);
  });

  test('on a narrow screen', async (t) => {
    const page = await tab(t, { viewport: { width: 390, height: 780 } });
    await join(page, 'Ann', 'narrow');
    await say(page, 'a longer line that does not fit into the width of a small screen at once');
    await shows(page, '#messages', 'a longer line');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, 'the page scrolls sideways');
    await photograph(page, 'chat-narrow');
  });

  test('the server goes and comes back', async (t) => {
    const first = await serve();
    const page = await tab(t, { at: first });
    await join(page, 'Ann', 'again');
    await say(page, 'before');
    await shows(page, '#messages', 'before');
    await first.stop();
    const second = await launch('gannet', ['serve', '--addr', `127.0.0.1:${first.port}`, '--client-dir', bundle]);
    t.after(() => second.stop());
    await shows(page, '#transport', 'websocket');
    await shows(page, '#messages', 'Connected again');
    await say(page, 'after');
    await shows(page, '#messages', 'after');
    const other = await tab(t, { at: second });
    await join(other, 'Bob', 'again');
    await shows(other, '#presence', 'Ann');
  });
});

test('the page of figures moves', async (t) => {
  const page = await tab(t, { path: '/stats' });
  const talker = await tab(t, { transport: 'polling' });
  await join(talker, 'Ann', 'figures');
  const figures = () => page.textContent('#tiles');
  await until(async () => /\d/.test(await figures()), 'figures');
  const beginning = await figures();
  await until(
    async () => {
      await say(talker, 'more');
      return (await figures()) !== beginning;
    },
    'the figures to move',
    15_000,
  );
  await photograph(page, 'stats');
  assert.deepEqual(page.troubles, []);
});

test('without the browser client the page says what to run', async (t) => {
  const bare = await launch('gannet', ['serve', '--addr', '127.0.0.1:0']);
  t.after(() => bare.stop());
  const page = await tab(t, { at: bare });
  await shows(page, 'body', 'make run');
  const response = await fetch(`${bare.url}/socket.io/socket.io.js`);
  assert.equal(response.ok, false);
  assert.match(await response.text(), /make (run|client)/);
  await photograph(page, 'chat-without-client');
});
