// What ends a connection at the level of Socket.IO, and the reasons that the server's handlers see.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWebSocket, separator } from '../../lib/engine.mjs';
import { closePayload, opcode } from '../../lib/raw.mjs';
import { reference, shared } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';
import { until } from '../../lib/wait.mjs';

const parity = () => shared('parity');

async function joined(server) {
  const ws = await sio.ws(server ?? (await parity()));
  assert.match(await ws.next(), /welcome/);
  return ws;
}

// What is sent over a connected WebSocket; a Buffer is a binary message.
const deadly = {
  'an empty message': ['4'],
  'an unknown type': ['48'],
  'a letter as type': ['4abc'],
  'an event that is no array': ['42{}'],
  'an event that is a string': ['42"x"'],
  'an empty array': ['42[]'],
  'null as event name': ['42[null]'],
  'an object as event name': ['42[{}]'],
  'a boolean as event name': ['42[true]'],
  'an array as event name': ['42[["echo"]]'],
  'JSON that is cut off': ['42["a"'],
  'JSON with more behind it': ['42["a"]x'],
  'JSON with a bad escape': ['42["\\x"]'],
  'JSON with a control character': ['42["\n"]'],
  'an ack id that is not one': ['42-1["echo"]'],
  'letters before the payload': ['42abc["echo",1]'],
  'an ack that is no array': ['430{}'],
  'an ack that is a string': ['430"x"'],
  'a disconnect with a payload': ['41{"a":1}'],
  'a connect with an array': ['40/custom,[]'],
  'a connect with a string': ['40/custom,"x"'],
  'a connect with null': ['40/custom,null'],
  'a connect error': ['44{"message":"x"}'],
  'a connect error without a payload': ['44'],
  'a second connect': ['40'],
  'an event in a namespace that was not joined': ['42/custom,["echo"]'],
  'an ack in a namespace that was not joined': ['43/custom,1[]'],
  'a disconnect from a namespace that was not joined': ['41/custom'],
  'binary without a header': [Buffer.of(1, 2, 3)],
  'no number of attachments': ['45-["a"]'],
  'no dash': ['451["a"]'],
  'no attachments': ['450-["a"]'],
  'a fraction of attachments': ['451.5-["a",{"_placeholder":true,"num":0}]'],
  'a negative number of attachments': ['45-1-["a"]'],
  'eleven attachments': ['4511-["a"]'],
  'text instead of an attachment': ['451-["a",{"_placeholder":true,"num":0}]', '42["b"]'],
  'a placeholder beyond the attachments': ['451-["a",{"_placeholder":true,"num":1}]', Buffer.of(1)],
  'a negative placeholder': ['451-["a",{"_placeholder":true,"num":-1}]', Buffer.of(1)],
  'a placeholder by name': ['451-["a",{"_placeholder":true,"num":"length"}]', Buffer.of(1)],
  'one attachment too many': ['451-["a",{"_placeholder":true,"num":0}]', Buffer.of(1), Buffer.of(2)],
  ...Object.fromEntries(
    ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map((name) => [
      `the reserved event ${name}`,
      [`42["${name}"]`],
    ]),
  ),
};
if (!reference) {
  // Node's own limits here are the stack and JavaScript's numbers.
  deadly['attachments in powers of ten'] = ['451e1-["a",{"_placeholder":true,"num":0}]'];
  deadly['deep nesting'] = [`42["a",${'['.repeat(1000)}${']'.repeat(1000)}]`];
  deadly['a fraction as placeholder'] = ['452-["a",{"_placeholder":true,"num":0.5}]', Buffer.of(1), Buffer.of(2)];
}

describe('ends the connection', { concurrency: 4 }, () => {
  for (const [name, messages] of Object.entries(deadly)) {
    test(name, async () => {
      const ws = await joined();
      for (const message of messages) ws.send(message);
      assert.equal(await ws.closed(), 1005);
      assert.equal(ws.waiting, 0);
    });
  }

  for (const packet of ['42["echo"]', '41', '430[]', '451-["echo",{"_placeholder":true,"num":0}]']) {
    test(`${packet} before CONNECT`, async () => {
      const ws = await openWebSocket(await parity(), '/socket.io/');
      ws.send(packet);
      if (packet.startsWith('45')) ws.send(Buffer.of(1));
      assert.equal(await ws.closed(), 1005);
    });
  }

  test('an event after DISCONNECT', async () => {
    const ws = await joined();
    ws.send('42["ctl",{"op":"disconnect"}]');
    assert.equal(await ws.next(), '41');
    ws.send('42["echo"]');
    assert.equal(await ws.closed(), 1005);
  });

  for (const [name, body] of [['an event before CONNECT', '42["x"]'], ['an unknown type', '48']]) {
    test(`${name}, over polling`, async () => {
      const session = await sio.polling(await parity(), { auth: false });
      await session.post(body);
      assert.deepEqual(await session.poll(), ['6', '1']);
      await session.gone();
    });
  }

  test('a reserved event over polling', async () => {
    const session = await sio.polling(await parity());
    if (!session.left.length) await session.next();
    await session.post('42["disconnect"]');
    assert.deepEqual(await session.poll(), ['6', '1']);
    await session.gone();
  });
});

// How a socket is brought to its end, and the reason that a handler on the server gets.
const endings = [
  ['client namespace disconnect', async (ws) => ws.send('41')],
  ['server namespace disconnect', async (ws) => ws.send('42["ctl",{"op":"disconnect"}]')],
  ['server namespace disconnect', async (ws) => ws.send('42["ctl",{"op":"disconnect","close":true}]')],
  ['transport close', async (ws) => ws.frame(opcode.close, closePayload(1000))],
  ['transport close', async (ws) => ws.frame(opcode.close, '')],
  ['transport close', async (ws) => ws.conn.socket.end()],
  ['transport close', async (ws) => ws.conn.reset()],
  ['transport error', async (ws) => ws.send('2')],
  ['transport error', async (ws) => ws.frame(opcode.text, 'x', { mask: false })],
  ['transport error', async (ws) => ws.frame(opcode.text, Buffer.of(0x34, 0xff))],
  ['transport error', async (ws) => ws.frame(opcode.text, `4${'x'.repeat(1_000_000)}`)],
  ['parse error', async (ws) => ws.send('abc')],
  ['forced close', async (ws) => ws.send('48')],
  ['forced close', async (ws) => ws.send('42["disconnect"]')],
  ['forced close', async (ws) => ws.send('40')],
  ['forced close', async (ws) => ws.send('42/custom,["x"]')],
];

const pollingEndings = [
  ['transport close', async (session) => session.post('1')],
  ['transport error', async (session) => session.post('2')],
  ['transport error', async (session) => (await session.behind(`GET ${session.target()} HTTP/1.1\r\nHost: x\r\n\r\n`)).reset()],
  ['transport error', async (session) => session.request({ method: 'POST', body: '3', headers: { 'Content-Type': 'application/octet-stream' } })],
  ['parse error', async (session) => session.post('abc')],
  ['client namespace disconnect', async (session) => session.post('41')],
  ['server namespace disconnect', async (session) => session.post('42["ctl",{"op":"disconnect"}]')],
  ['forced server close', async (session) => session.post('40')],
  ['forced server close', async (session) => session.post('44{"message":"x"}')],
];

describe('disconnect reasons', () => {
  async function reasonOf(watcher, id) {
    const found = await until(async () => {
      const [reasons] = await sio.call(watcher, 'ctl', [{ op: 'reasons' }]);
      return reasons.find(([socket]) => socket === id);
    }, 'the server to report the reason');
    return found[1];
  }

  for (const [i, [want, act]] of endings.entries()) {
    test(`WebSocket ${i + 1}: ${want}`, async () => {
      const watcher = await joined();
      const ws = await joined();
      await act(ws);
      assert.equal(await reasonOf(watcher, ws.id), want);
      ws.close();
      watcher.close();
    });
  }

  for (const [i, [want, act]] of pollingEndings.entries()) {
    test(`polling ${i + 1}: ${want}`, async () => {
      const watcher = await joined();
      const session = await sio.polling(await parity());
      if (!session.left.length) await session.next();
      await act(session);
      assert.equal(await reasonOf(watcher, session.id), want);
      watcher.close();
    });
  }

  test('ping timeout', async () => {
    const server = await shared('parity', { set: { pingInterval: 200, pingTimeout: 200 } });
    const watcher = await joined(server);
    const ws = await sio.ws(server, { pong: false });
    assert.equal(await reasonOf(watcher, ws.id), 'ping timeout');
    watcher.close();
  });

  test('disconnecting sees the rooms, disconnect does not', async () => {
    const server = await shared('parity', { args: ['-node', 'log'] });
    const watcher = await joined(server);
    const ws = await joined(server);
    await sio.call(ws, 'ctl', [{ op: 'join', rooms: ['one', 'two'] }]);
    ws.close();
    await reasonOf(watcher, ws.id);
    const [log] = await sio.call(watcher, 'ctl', [{ op: 'log' }]);
    const ends = log.filter(([kind, id]) => id === ws.id && kind.startsWith('disconnect'));
    assert.deepEqual(ends, [
      ['disconnecting', ws.id, 'transport close', [ws.id, 'one', 'two'].sort()],
      ['disconnect', ws.id, 'transport close', []],
    ]);
    watcher.close();
  });

  test('every namespace of a connection ends with it', async () => {
    const watcher = await joined();
    await sio.connect(watcher, '/custom');
    const ws = await joined();
    const custom = await sio.connect(ws, '/custom');
    ws.close();
    assert.equal(await reasonOf(watcher, ws.id), 'transport close');
    const [reasons] = await sio.call(watcher, 'ctl', [{ op: 'reasons' }], { nsp: '/custom' });
    assert.deepEqual(reasons.find(([id]) => id === custom), [custom, 'transport close']);
    watcher.close();
  });
});

test('two packets in one payload: the second sees what the first did', async () => {
  const session = await sio.polling(await parity());
  if (!session.left.length) await session.next();
  await session.post(['421["ctl",{"op":"join","rooms":["r"]}]', '422["ctl",{"op":"rooms"}]'].join(separator));
  const rooms = JSON.stringify([[session.id, 'r'].sort()]);
  assert.deepEqual(await session.next(2), [`431${rooms}`, `432${rooms}`]);
});
