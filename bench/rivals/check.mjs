#!/usr/bin/env node
// Checks that a server serves the testbed's profile `bench`, by the official client, or its messages over bare
// WebSocket. Ends with 1 when anything failed.
//
//   node check.mjs http://127.0.0.1:3000 socketio
//   node check.mjs http://127.0.0.1:3000 socketio --no-binary --burst 40
//   node check.mjs http://127.0.0.1:3000 plain

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';

// The clients are those of the suites beside this folder.
const require = createRequire(new URL('../../e2e/package.json', import.meta.url));
const DEADLINE = 5000;

const { url, kind, binary, burst } = commandLine(process.argv.slice(2));

function commandLine(args) {
  const usage = new Error('want URL socketio|plain [--no-binary] [--burst N]');
  const [url, kind, ...flags] = args;
  const parsed = { url, kind, binary: true, burst: 100 };
  try {
    if (!['socketio', 'plain'].includes(kind)) throw usage;
    while (flags.length) {
      const flag = flags.shift();
      if (flag === '--no-binary') parsed.binary = false;
      else if (flag === '--burst') parsed.burst = Number(flags.shift());
      else throw usage;
    }
    if (!(parsed.burst > 0)) throw usage;
    return parsed;
  } catch (err) {
    process.stderr.write(`${err.message}\n`);
    process.exit(2);
  }
}

// An Inbox keeps what has come until somebody asks for it.
class Inbox {
  #items = [];
  #waiting = [];

  put(item) {
    const taker = this.#waiting.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  next(what) {
    if (this.#items.length) return this.#items.shift();
    return within(new Promise((resolve) => this.#waiting.push(resolve)), what);
  }
}

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${DEADLINE} ms`)), DEADLINE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Both kinds of client: send(event, ...args), ask(...) for an answer, next() for [event, ...args] in order.
async function dialSocketIO(transports) {
  const { io } = require('socket.io-client');
  const socket = io(url, { transports, forceNew: true, reconnection: false });
  const inbox = new Inbox();
  socket.onAny((...packet) => inbox.put(packet));
  await within(
    new Promise((resolve, reject) => {
      socket.on('connect', resolve);
      socket.on('connect_error', reject);
    }),
    'connect',
  );
  const client = {
    socket,
    send: (...packet) => socket.emit(...packet),
    ask: (...packet) => socket.timeout(DEADLINE).emitWithAck(...packet),
    next: (what) => inbox.next(what),
    join: async (room) => assert.equal(await client.ask('join', room), true),
    leave: async (room) => assert.equal(await client.ask('leave', room), true),
    close: () => socket.close(),
  };
  return client;
}

async function dialPlain() {
  const { WebSocket } = require('ws');
  const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: true });
  const inbox = new Inbox();
  ws.on('message', (data, isBinary) => {
    assert.equal(isBinary, false);
    assert.equal(data.toString().slice(0, 2), '42');
    inbox.put(JSON.parse(data.toString().slice(2)));
  });
  await within(once(ws, 'open'), 'connect');
  assert.equal(ws.extensions, '', 'compression is on');
  const client = {
    send: (...packet) => ws.send(`42${JSON.stringify(packet)}`),
    next: (what) => inbox.next(what),
    join: (room) => client.answered('join', 'joined', room),
    leave: (room) => client.answered('leave', 'left', room),
    answered: async (verb, answer, room) => {
      client.send(verb, room);
      assert.deepEqual(await client.next(verb), [answer, room]);
    },
    close: () => ws.close(),
  };
  return client;
}

async function check(name, run) {
  try {
    await run();
    process.stdout.write(`ok    ${name}\n`);
  } catch (err) {
    process.exitCode = 1;
    process.stdout.write(`FAIL  ${name}: ${err.message}\n`);
  }
}

// messages are the checks that both kinds share; they need three clients.
async function messages(label, clients) {
  const [a, b, c] = clients;
  const all = async (what, packet) => {
    for (const client of clients) assert.deepEqual(await client.next(what), packet);
  };

  await check(`${label}: echo`, async () => {
    for (const payload of ['x'.repeat(32), 'x'.repeat(1024), 'grüße, 世界 🚀', 'x'.repeat(100_000)]) {
      a.send('echo', payload);
      assert.deepEqual(await a.next('echo'), ['echo', payload]);
    }
  });
  await check(`${label}: ${burst} echoes under way, in order`, async () => {
    for (let i = 0; i < burst; i++) a.send('echo', `n${i}`);
    for (let i = 0; i < burst; i++) assert.deepEqual(await a.next('echo'), ['echo', `n${i}`]);
  });
  await check(`${label}: broadcast to three, the sender too`, async () => {
    a.send('broadcast', 'hello');
    await all('broadcast', ['broadcast', 'hello']);
  });
  await check(`${label}: 20 broadcasts under way, in order`, async () => {
    for (let i = 0; i < 20; i++) b.send('broadcast', `b${i}`);
    for (let i = 0; i < 20; i++) await all('broadcast', ['broadcast', `b${i}`]);
  });
  await check(`${label}: volatile`, async () => {
    a.send('volatile', 'now');
    await all('volatile', ['broadcast', 'now']);
  });
  // What nobody shall get is followed by a broadcast, which comes next for those.
  await check(`${label}: join, room, leave`, async () => {
    await a.join('red');
    await b.join('red');
    await b.join('blue');
    c.send('room', 'red', 'to red');
    assert.deepEqual(await a.next('room'), ['room', 'to red']);
    assert.deepEqual(await b.next('room'), ['room', 'to red']);
    b.send('room', 'blue', 'to blue');
    assert.deepEqual(await b.next('room'), ['room', 'to blue']);
    await b.leave('red');
    a.send('room', 'red', 'again');
    assert.deepEqual(await a.next('room'), ['room', 'again']);
    a.send('room', 'nobody', 'lost');
    a.send('broadcast', 'end');
    await all('broadcast behind rooms', ['broadcast', 'end']);
  });
}

async function acknowledged(label, [a]) {
  await check(`${label}: echo with an acknowledgement, and no event`, async () => {
    assert.equal(await a.ask('echo', 'payload'), 'payload');
    a.send('echo', 'behind');
    assert.deepEqual(await a.next('echo'), ['echo', 'behind']);
  });
  if (!binary) {
    process.stdout.write(`-     ${label}: binary payloads are not kept\n`);
    return;
  }
  await check(`${label}: binary`, async () => {
    const sent = Buffer.from([0, 1, 2, 254, 255]);
    assert.deepEqual(Buffer.from(await a.ask('echo', sent)), sent);
    a.send('broadcast', sent);
    const [event, got] = await a.next('broadcast');
    assert.equal(event, 'broadcast');
    assert.deepEqual(Buffer.from(got), sent);
  });
}

async function disconnect(label, dial, clients) {
  await check(`${label}: who has gone gets nothing, who comes gets all`, async () => {
    clients[2].close();
    const late = await dial();
    late.send('broadcast', 'after');
    assert.deepEqual(await late.next('broadcast'), ['broadcast', 'after']);
    late.close();
  });
}

async function suite(label, dial) {
  let clients;
  await check(`${label}: connect`, async () => {
    clients = await Promise.all([dial(), dial(), dial()]);
  });
  if (!clients) return;
  await messages(label, clients);
  if (kind === 'socketio') await acknowledged(label, clients);
  await disconnect(label, dial, clients);
  for (const client of clients) client.close();
}

if (kind === 'plain') {
  await suite('plain', dialPlain);
} else {
  await suite('websocket', () => dialSocketIO(['websocket']));
  await suite('polling', () => dialSocketIO(['polling']));
  await suite('upgrade', async () => {
    const client = await dialSocketIO(['polling', 'websocket']);
    const { engine } = client.socket.io;
    if (engine.transport.name !== 'websocket') await within(new Promise((resolve) => engine.once('upgrade', resolve)), 'upgrade');
    return client;
  });
}
process.exit();
