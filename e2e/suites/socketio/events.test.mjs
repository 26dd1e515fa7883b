// Events and acks in both directions, text and binary, as they look on the wire.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderRequest } from '../../lib/raw.mjs';
import { reference, shared } from '../../lib/server.mjs';
import * as sio from '../../lib/socketio.mjs';

const protocol = () => shared('sio-protocol');
const parity = () => shared('parity');

// joined is a WebSocket in the default namespace with nothing left to read.
async function joined(server) {
  const ws = await sio.ws(server);
  assert.match(await ws.next(), /^42\["(auth|welcome)",/);
  return ws;
}

describe('events', () => {
  test('come back with their arguments', async () => {
    const ws = await joined(await protocol());
    ws.send('42["message",1,"2",{"3":[true]}]');
    assert.equal(await ws.next(), '42["message-back",1,"2",{"3":[true]}]');
    ws.send('42["message"]');
    assert.equal(await ws.next(), '42["message-back"]');
    ws.close();
  });

  test('with an ack', async () => {
    const ws = await joined(await protocol());
    ws.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await ws.next(), '43456[1,"2",{"3":[false]}]');
    ws.send('420["message-with-ack"]');
    assert.equal(await ws.next(), '430[]');
    ws.close();
  });

  test('in a namespace', async () => {
    const ws = await sio.ws(await parity(), { auth: false });
    await sio.connect(ws, '/custom');
    await ws.next();
    ws.send('42/custom,["echo","a,b"]');
    assert.equal(await ws.next(), '42/custom,["echo","a,b"]');
    ws.send('42/custom,7["echo",1]');
    assert.equal(await ws.next(), '43/custom,7[1]');
    ws.close();
  });

  // Arguments as JSON.stringify writes them, which must come back the same.
  for (const json of [
    '"<script>&amp;"',
    '"\u2028\u2029"',
    '"é€😀"',
    '"\\ud800"',
    '"\\u0000\\u001f\\b\\f\\n\\r\\t\\"\\\\/"',
    '1e+21',
    '123456789012345680000',
    '-1.5',
    '0.000001',
    '1e-7',
    '{"":0,"a":{"__proto__":1,"constructor":2}}',
    '[]',
    '{}',
    '[[[[]]]]',
    'null',
    'true',
    '{"_placeholder":true,"num":0}',
    '{"_placeholder":false,"num":"x"}',
  ]) {
    test(`the argument ${json}`, async () => {
      const ws = await joined(await parity());
      ws.send(`42["echo",${json}]`);
      assert.equal(await ws.next(), `42["echo",${json}]`);
      ws.send(`421["echo",${json}]`);
      assert.equal(await ws.next(), `431[${json}]`);
      ws.close();
    });
  }

  test('with spaces, escapes and duplicate keys, which mean the same', async () => {
    const ws = await joined(await parity());
    ws.send('42[ "ech\\u006f" , {"a" : 1, "\\u0061": 2} , 1.0, 1E2 ]');
    const packet = await ws.next();
    assert.deepEqual(JSON.parse(packet.slice(2)), ['echo', { a: 2 }, 1, 100]);
    ws.close();
  });

  for (const id of ['0', '1', '007', '9007199254740991', '9007199254740993', '18446744073709551616', '99999999999999999999']) {
    test(`the ack id ${id}`, async () => {
      const ws = await joined(await parity());
      ws.send(`42${id}["echo"]`);
      const packet = await ws.next();
      assert.match(packet, /^43\d+\[\]$/);
      assert.equal(Number(packet.slice(2, -2)), Number(id));
      ws.close();
    });
  }

  test('many in one go stay in order', async () => {
    const ws = await joined(await parity());
    for (let i = 0; i < 2000; i++) ws.send(`42["echo",${i}]`);
    for (let i = 0; i < 2000; i++) assert.equal(await ws.next(), `42["echo",${i}]`);
    ws.close();
  });

  test('packets without a payload are accepted', async () => {
    const ws = await joined(await parity());
    for (const packet of ['42', '43', '42[1]', '430[]', '43999["late"]', '42["nobody listens"]', '4299["nobody listens"]', '42["error"]', '42["connection"]']) ws.send(packet);
    ws.send('42["echo","after"]');
    assert.equal(await ws.next(), '42["echo","after"]');
    ws.close();
  });
});

describe('binary', () => {
  test('comes back as it went', async () => {
    const ws = await joined(await protocol());
    ws.send('452-["message",{"_placeholder":true,"num":0},{"x":[{"_placeholder":true,"num":1}]}]');
    ws.send(Buffer.of(1, 2, 3));
    ws.send(Buffer.of(4));
    assert.equal(await ws.next(), '452-["message-back",{"_placeholder":true,"num":0},{"x":[{"_placeholder":true,"num":1}]}]');
    assert.deepEqual(await ws.next(), Buffer.of(1, 2, 3));
    assert.deepEqual(await ws.next(), Buffer.of(4));
    ws.close();
  });

  test('in an ack', async () => {
    const ws = await joined(await protocol());
    ws.send('451-789["message-with-ack",{"_placeholder":true,"num":0},"x"]');
    ws.send(Buffer.of(1, 2, 3));
    assert.equal(await ws.next(), '461-789[{"_placeholder":true,"num":0},"x"]');
    assert.deepEqual(await ws.next(), Buffer.of(1, 2, 3));
    ws.close();
  });

  test('over polling', async () => {
    const session = await sio.polling(await protocol());
    if (!session.left.length) await session.next();
    await session.post('452-["message",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]', 'bAQID', 'bBA==');
    assert.deepEqual(await session.next(3), ['452-["message-back",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]', 'bAQID', 'bBA==']);
  });

  test('in a namespace', async () => {
    const ws = await sio.ws(await parity(), { auth: false });
    await sio.connect(ws, '/custom');
    await ws.next();
    ws.send('451-/custom,5["echo",{"_placeholder":true,"num":0}]');
    ws.send(Buffer.of(9));
    assert.equal(await ws.next(), '461-/custom,5[{"_placeholder":true,"num":0}]');
    assert.deepEqual(await ws.next(), Buffer.of(9));
    ws.close();
  });

  test('attachments in another order, twice, and empty', async () => {
    const ws = await joined(await parity());
    ws.send('452-["echo",{"num":1,"_placeholder":true},{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    ws.send(Buffer.of(1));
    ws.send(Buffer.alloc(0));
    const packet = await ws.next();
    assert.match(packet, /^45[23]-\["echo",/);
    const attachments = [];
    for (let n = Number(packet[2]); n > 0; n--) attachments.push(await ws.next());
    const values = JSON.parse(packet.slice(4)).slice(1).map((p) => attachments[p.num].toString('hex'));
    assert.deepEqual(values, ['', '01', '']);
    ws.close();
  });

  test('ten attachments, the most there may be', async () => {
    const ws = await joined(await parity());
    const placeholders = Array.from({ length: 10 }, (_, num) => ({ _placeholder: true, num }));
    ws.send(`4510-${JSON.stringify(['echo', ...placeholders])}`);
    for (let i = 0; i < 10; i++) ws.send(Buffer.of(i));
    assert.equal(await ws.next(), `4510-${JSON.stringify(['echo', ...placeholders])}`);
    for (let i = 0; i < 10; i++) assert.deepEqual(await ws.next(), Buffer.of(i));
    ws.close();
  });

  test('Engine.IO packets may come between the attachments', async () => {
    const ws = await joined(await parity());
    ws.send('452-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    ws.send('3');
    ws.send(Buffer.of(1));
    ws.send('6');
    ws.send(Buffer.of(2));
    assert.match(await ws.next(), /^452-\["echo",/);
    ws.close();
  });

  test('a megabyte', async () => {
    const ws = await joined(await parity());
    const bytes = Buffer.alloc(999_000, 'gannet');
    ws.send('451-["echo",{"_placeholder":true,"num":0}]');
    ws.send(bytes);
    await ws.next();
    assert.deepEqual(await ws.next(), bytes);
    ws.close();
  });
});

describe('from the server', () => {
  test('an event with an ack, whose ids count up', async () => {
    const ws = await joined(await shared('parity', { args: ['-node', 'acks'] }));
    for (let i = 0; i < 3; i++) {
      ws.send(`42${100 + i}["ctl",{"op":"emitWithAck","event":"q","args":[${i}]}]`);
      assert.equal(await ws.next(), `42${i}["q",${i}]`);
      ws.send(`43${i}["a${i}","more"]`);
      assert.equal(await ws.next(), `43${100 + i}[{"responses":"a${i}"}]`);
    }
    ws.close();
  });

  test('an ack with binary', async () => {
    const ws = await joined(await parity());
    ws.send('421["ctl",{"op":"emitWithAck","event":"q"}]');
    const asked = await ws.next();
    const id = /^42(\d+)\["q"\]$/.exec(asked)[1];
    ws.send(`461-${id}[{"_placeholder":true,"num":0}]`);
    ws.send(Buffer.of(5, 6));
    assert.equal(await ws.next(), '461-1[{"responses":{"_placeholder":true,"num":0}}]');
    assert.deepEqual(await ws.next(), Buffer.of(5, 6));
    ws.close();
  });

  test('an ack that does not come in time, and one that is late', async () => {
    const ws = await joined(await parity());
    ws.send('421["ctl",{"op":"emitWithAck","event":"q","target":{"timeout":100}}]');
    const id = /^42(\d+)\["q"\]$/.exec(await ws.next())[1];
    assert.equal(await ws.next(), '431[{"error":"operation has timed out","responses":[]}]');
    ws.send(`43${id}["late"]`);
    assert.deepEqual(await sio.call(ws, 'echo', ['alive']), ['alive']);
    ws.close();
  });

  for (const name of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']) {
    test(`the reserved name ${name} is not emitted`, async () => {
      const ws = await joined(await parity());
      for (const target of [{}, { from: 'server' }, { from: 'broadcast' }]) {
        const [answer] = await sio.call(ws, 'ctl', [{ op: 'emit', event: name, target }]);
        assert.match(answer.error, /reserved event name/);
      }
      ws.close();
    });
  }

  test('volatile is dropped while no GET waits, and the rest is not', async () => {
    const session = await sio.polling(await parity());
    if (!session.left.length) await session.next();
    await session.post('42["ctl",{"op":"emit","event":"drop","target":{"volatile":true}}]', '42["ctl",{"op":"emit","event":"keep"}]');
    assert.deepEqual(await session.next(), ['42["keep"]']);
  });

  test('volatile is delivered over an idle WebSocket', async () => {
    const ws = await joined(await parity());
    ws.send('42["ctl",{"op":"emit","event":"now","args":[1],"target":{"volatile":true}}]');
    assert.equal(await ws.next(), '42["now",1]');
    ws.close();
  });

  test('DISCONNECT leaves the connection open', async () => {
    const ws = await joined(await parity());
    ws.send('42["ctl",{"op":"disconnect"}]');
    assert.equal(await ws.next(), '41');
    await sio.connect(ws);
    ws.close();
  });

  test('DISCONNECT of a namespace', async () => {
    const ws = await joined(await parity());
    await sio.connect(ws, '/custom');
    assert.match(await ws.next(), /welcome/);
    ws.send('42/custom,["ctl",{"op":"disconnect"}]');
    assert.equal(await ws.next(), '41/custom,');
    assert.deepEqual(await sio.call(ws, 'echo', [1]), [1]);
    ws.close();
  });

  test('DISCONNECT with close ends the connection', async () => {
    const ws = await joined(await parity());
    ws.send('42["ctl",{"op":"disconnect","close":true}]');
    assert.equal(await ws.next(), '41');
    assert.equal(await ws.closed(), 1005);
  });

  test('a clean shutdown closes the connection without DISCONNECT', async () => {
    const server = await shared('parity', { args: ['-node', 'shutdown'] });
    const ws = await joined(server);
    const polling = await sio.polling(server);
    if (!polling.left.length) await polling.next();
    const get = await polling.behind(renderRequest(server, { path: polling.target() }));
    const [, code, last] = await Promise.all([server.stop(), ws.closed(), get.response()]);
    assert.equal(code, 1005);
    assert.equal(last.body, '1');
    assert.equal(ws.waiting, 0);
  });
});

// A panic in a handler ends that socket, by a DISCONNECT or with its connection, and no other. The reference cannot show
// one and closes the connection.
test('a handler that panics', async () => {
  const server = await parity();
  const bystander = await joined(server);
  const ws = await joined(server);
  ws.send('42["ctl",{"op":"panic"}]');
  const end = await ws.next().catch(() => 'closed');
  assert.ok(end === '41' || (end === 'closed' && (await ws.closed()) >= 1000), end);
  assert.deepEqual(await sio.call(bystander, 'echo', ['fine']), ['fine']);
  ws.close();
  bystander.close();
});
