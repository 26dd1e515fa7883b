#!/usr/bin/env node
// Records what clients say to the official server, through a proxy, in recordings/*.jsonl:
//
//   node differential/record.mjs [NAME…]
//
// Each line is an event: the number of a connection, and what came on it. Ids are replaced by their names, {id0} being
// the first that the server has given out; {host} is the server. Bodies and messages that are no text are in base64.
//
//   [1, "request", "GET /socket.io/?EIO=4&transport=polling&t=x", {"Host": "{host}"}, "body"]
//   [1, "response", 200, ["0{\"sid\":…}"]]       the packets in it, for readers; players count them
//   [2, "send", 1, "2probe"]                      opcode and payload of a message
//   [2, "receive", 1, "3probe"]
//   [2, "closed"]                                 by the client

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as msgpack from 'socket.io-msgpack-parser';
import { launch } from '../lib/launch.mjs';
import { once, within } from '../lib/wait.mjs';
import { Form, plain } from './forms.mjs';
import { Names } from './normal.mjs';
import { startProxy } from './proxy.mjs';
import { servers } from './servers.mjs';

const folder = new URL('recordings/', import.meta.url);

// javascript takes an official client through everything once, one thing after the other.
function javascript(module, options) {
  return async (url) => {
    const { io = (await import(module)).default } = await import(module);
    const socket = io(url, { forceNew: true, reconnection: false, ...options });
    const welcome = once(socket, 'welcome');
    await once(socket, 'connect');
    await welcome;
    const { engine } = socket.io;
    if (options.transports.length > 1 && engine.transport.name !== 'websocket') await once(engine, 'upgrade');
    const ask = (...args) => within(new Promise((resolve) => socket.emit('echo', ...args, resolve)), 'an ack');
    const echo = async (...args) => {
      const back = once(socket, 'echo');
      socket.emit('echo', ...args);
      await back;
    };
    await ask(1, 'é€😀', { a: [true, null, 1.5] });
    await echo('no ack', '\u2028');
    await echo(Buffer.from([0, 1, 254, 255]), { in: Buffer.from('deep') }, 'text');
    await ask(Buffer.alloc(0), 'empty');
    await echo('x'.repeat(3000));
    const custom = socket.io.socket('/custom');
    const greeted = once(custom, 'welcome');
    await greeted;
    await within(new Promise((resolve) => custom.emit('echo', 'there', resolve)), 'an ack');
    const guarded = socket.io.socket('/guarded');
    const refused = Promise.race([once(guarded, 'connect_error'), once(guarded, 'error')]);
    await refused;
    custom.disconnect();
    await ask('still here');
    socket.disconnect();
    socket.io.engine?.close();
  };
}

// python is python-socketio, as far as it can do the same.
const python = (transports) => (url) =>
  new Promise((resolve, reject) => {
    const program = `
import sys, threading, socketio
url, transports = sys.argv[1], sys.argv[2].split(',')
io = socketio.Client(reconnection=False)
got = {name: threading.Event() for name in ('welcome', '/custom', 'echo', 'refused')}
io.on('welcome', lambda *args: got['welcome'].set())
io.on('welcome', lambda *args: got['/custom'].set(), namespace='/custom')
io.on('echo', lambda *args: got['echo'].set())
def echo(*args):
    got['echo'].clear()
    io.emit('echo', args)
    assert got['echo'].wait(10)
io.connect(url, transports=transports, namespaces=['/', '/custom'], auth={'user': 'p'})
assert got['welcome'].wait(10) and got['/custom'].wait(10)
io.call('echo', (1, 'é€😀', {'a': [True, None, 1.5]}))
echo('no ack')
echo(b'\\x00\\x01\\xfe\\xff', {'in': b'deep'}, 'text')
io.call('echo', 'there', namespace='/custom')
io.disconnect()
`;
    const venv = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
    const child = spawn(existsSync(venv) ? venv : 'python3', ['-c', program, url, transports], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => (code ? reject(new Error(`python ended with ${code}`)) : resolve()));
  });

const both = ['polling', 'websocket'];
const clients = {
  'javascript-4.8.4-polling': ['parity', javascript('socket.io-client', { transports: ['polling'] })],
  'javascript-4.8.4-websocket': ['parity', javascript('socket.io-client', { transports: ['websocket'] })],
  'javascript-4.8.4-upgrade': ['parity', javascript('socket.io-client', { transports: both })],
  'javascript-4.8.4-recovery': ['recovery', javascript('socket.io-client', { transports: ['websocket'], auth: { user: 1 } })],
  'javascript-4.8.4-msgpack': ['msgpack', javascript('socket.io-client', { transports: both, parser: msgpack })],
  'javascript-4.0.2-upgrade': ['parity', javascript('socket.io-client-4.0', { transports: both })],
  'javascript-3.1.3-upgrade': ['parity', javascript('socket.io-client-3', { transports: both })],
  'javascript-2.5.0-polling': ['eio3', javascript('socket.io-client-v2', { transports: ['polling'] })],
  'javascript-2.5.0-upgrade': ['eio3', javascript('socket.io-client-v2', { transports: both })],
  'python-socketio-5.18.1-polling': ['parity', python('polling')],
  'python-socketio-5.18.1-upgrade': ['parity', python('polling,websocket')],
};

// write returns bytes as text if that is what they are.
const written = (bytes, names) => {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? names.named(text) : { base64: bytes.toString('base64') };
};

// Recorder turns events of the proxy into lines.
class Recorder {
  lines = [];
  #names = new Names();
  #form;
  #asked = new Map(); // by connection, the request that is being answered
  #server;
  host; // of the proxy

  constructor(server) {
    this.#server = server;
  }

  note(event) {
    const line = this.#line(event);
    if (line) this.lines.push([event.conn, ...line]);
  }

  #line({ conn, from, first, headers, header, body, op, payload, closed }) {
    if (closed) return ['closed'];
    if (first === undefined) return this.#message(from, op, payload);
    if (from === 'server') return ['response', Number(first.split(' ')[1]), this.#packets(this.#asked.get(conn), { header, body })];
    this.#asked.set(conn, first);
    this.#form ??= new Form(first.split(' ')[1], this.#server.about.parser);
    const fields = headers.map(([name, value]) => [name, value.replaceAll(this.host, '{host}')]);
    const line = ['request', this.#names.named(first.replace(/ HTTP\/1.1$/, '')), Object.fromEntries(fields)];
    return body.length ? [...line, written(body, this.#names)] : line;
  }

  #message(from, op, payload) {
    const text = op === 2 ? this.#form.binary(payload) : payload.toString();
    if (from === 'server') this.#names.learn(text, this.#server.about.recovery);
    return [from === 'server' ? 'receive' : 'send', op, written(payload, this.#names)];
  }

  #packets(asked, { header, body }) {
    if (!asked.startsWith('GET') || header('upgrade')) return [];
    const headers = { 'content-type': header('content-type'), 'content-encoding': header('content-encoding') };
    const packets = this.#form.packets(plain({ headers, body: body.toString(), bytes: body }));
    for (const text of packets) this.#names.learn(text, this.#server.about.recovery);
    return packets.map((text) => this.#names.named(text));
  }
}

mkdirSync(folder, { recursive: true });
const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(clients);
for (const name of chosen) {
  const [kind, play] = clients[name];
  const server = await launch('reference', ['-addr', '127.0.0.1:0', ...servers[kind].flags]);
  const recorder = new Recorder(servers[kind]);
  const proxy = await startProxy(server, (event) => recorder.note(event));
  recorder.host = proxy.host;
  await play(proxy.url);
  await new Promise((resolve) => setTimeout(resolve, 200)); // the last words
  proxy.close();
  await server.stop();
  const lines = [[0, 'server', kind], ...recorder.lines];
  writeFileSync(new URL(`${name}.jsonl`, folder), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  process.stdout.write(`${name}: ${lines.length - 1} events\n`);
}
process.exit(0);
