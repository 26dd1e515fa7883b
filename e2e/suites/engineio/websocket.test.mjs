// Engine.IO over WebSocket: frames, limits, and every violation with its close code.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWebSocket, query } from '../../lib/engine.mjs';
import { closePayload, Conn, frame, opcode, requestHead, upgradeHeaders, Ws } from '../../lib/raw.mjs';
import { reference, shared } from '../../lib/server.mjs';

const echoes = () => shared('eio-protocol');
const open = async (options) => openWebSocket(await echoes(), '/engine.io/', options);
// Sessions of profile parity that have not connected to a namespace: 25 s until the first ping.
const quiet = async () => openWebSocket(await shared('parity'), '/socket.io/');

describe('messages', () => {
  test('text, binary and empty come back as they went', async () => {
    const ws = await open();
    ws.send('4hello');
    ws.send(Buffer.of(0, 1, 255));
    ws.send('4');
    ws.send(Buffer.alloc(0));
    ws.send('4€ é 😀');
    assert.equal(await ws.next(), '4hello');
    assert.deepEqual(await ws.next(), Buffer.of(0, 1, 255));
    assert.equal(await ws.next(), '4');
    assert.deepEqual(await ws.next(), Buffer.alloc(0));
    assert.equal(await ws.next(), '4€ é 😀');
    ws.close();
  });

  for (const size of [124, 125, 126, 127, 65_534, 65_535, 65_536, 70_000, 999_999]) {
    test(`of ${size} bytes`, async () => {
      const ws = await open();
      const text = `4${'x'.repeat(size - 1)}`;
      ws.send(text);
      assert.equal(await ws.next(), text);
      const bytes = Buffer.alloc(size, 7);
      ws.send(bytes);
      assert.deepEqual(await ws.next(), bytes);
      ws.close();
    });
  }

  test('of exactly the limit', async () => {
    const ws = await open();
    const text = `4${'x'.repeat(999_999)}`;
    ws.send(text);
    assert.equal(await ws.next(), text);
    ws.close();
  });

  test('in fragments, with a ping between them', async () => {
    const ws = await open();
    ws.frame(opcode.text, '4a', { fin: false });
    ws.frame(opcode.ping, 'between');
    ws.frame(opcode.continuation, 'é'.slice(0, 1), { fin: false });
    ws.frame(opcode.continuation, '', { fin: false });
    ws.frame(opcode.continuation, 'c');
    assert.deepEqual(await ws.pongs.next('pong'), Buffer.from('between'));
    assert.equal(await ws.next(), '4aéc');
    ws.close();
  });

  test('a character cut in two by fragments', async () => {
    const ws = await open();
    const [one, two, three, four] = Buffer.from('😀');
    ws.frame(opcode.text, Buffer.of(0x34, one, two), { fin: false });
    ws.frame(opcode.continuation, Buffer.of(three), { fin: false });
    ws.frame(opcode.continuation, Buffer.of(four));
    assert.equal(await ws.next(), '4😀');
    ws.close();
  });

  test('byte by byte', async () => {
    const ws = await open();
    for (const byte of frame(opcode.text, '4slow')) {
      ws.conn.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    assert.equal(await ws.next(), '4slow');
    ws.close();
  });

  test('many in one segment stay in order', async () => {
    const ws = await open();
    ws.conn.write(Buffer.concat(Array.from({ length: 2000 }, (_, i) => frame(opcode.text, `4${i}`))));
    for (let i = 0; i < 2000; i++) assert.equal(await ws.next(), `4${i}`);
    ws.close();
  });

  test('frames right behind the handshake', async () => {
    const server = await echoes();
    const conn = await Conn.open(server);
    const head = requestHead(server, { path: `/engine.io/?${query({ transport: 'websocket' })}`, headers: upgradeHeaders() });
    conn.write(Buffer.concat([Buffer.from(head), frame(opcode.text, '4early')]));
    const ws = new Ws(conn, await conn.response(), true);
    assert.equal((await ws.next())[0], '0');
    assert.equal(await ws.next(), '4early');
    ws.close();
  });

  test('with b64 binary goes out as text and comes in either way', async () => {
    const ws = await open({ params: { b64: '1' } });
    ws.send(Buffer.of(1, 2, 3));
    assert.equal(await ws.next(), 'bAQID');
    ws.send('bAQID');
    assert.equal(await ws.next(), 'bAQID');
    ws.close();
  });
});

describe('control frames', () => {
  test('pings are answered in order with their payloads, pongs ignored', async () => {
    const ws = await quiet();
    ws.frame(opcode.pong, 'unasked');
    for (let i = 0; i < 20; i++) ws.frame(opcode.ping, `p${i}`);
    ws.frame(opcode.ping, '');
    ws.frame(opcode.ping, 'x'.repeat(125));
    for (let i = 0; i < 20; i++) assert.equal((await ws.pongs.next('pong')).toString(), `p${i}`);
    assert.equal((await ws.pongs.next('pong')).length, 0);
    assert.equal((await ws.pongs.next('pong')).length, 125);
    ws.close();
  });

  for (const [name, payload, code] of [
    ['normal', closePayload(1000, 'bye'), 1000],
    ['without a code', '', 1005],
    ['an application code', closePayload(4000), 4000],
  ]) {
    test(`close by the client, ${name}`, async () => {
      const ws = await quiet();
      ws.frame(opcode.close, payload);
      assert.equal(await ws.closed(), code);
    });
  }
});

describe('Engine.IO packets that end the session', () => {
  for (const packet of ['2', '2probe', '2x', '7', 'abc', '', '-']) {
    test(`the packet ${JSON.stringify(packet)}`, async () => {
      const ws = await quiet();
      ws.send(packet);
      assert.equal(await ws.closed(), 1005);
    });
  }
});

describe('Engine.IO packets that are ignored', () => {
  for (const packet of ['0', '5', '6', '3', '3probe', '0{"sid":"x"}']) {
    test(`the packet ${packet}`, async () => {
      const ws = await open();
      ws.send(packet);
      ws.send('4still');
      assert.equal(await ws.next(), '4still');
      ws.close();
    });
  }
});

// Each line: what is sent, and the close codes that are right. Where two are, the second is Gannet's choice.
const violations = [
  ['an unmasked frame', [frame(opcode.text, '4x', { mask: false })], [1002]],
  ['RSV1 without an extension', [frame(opcode.text, '4x', { rsv: 4 })], [1002]],
  ['RSV2', [frame(opcode.text, '4x', { rsv: 2 })], [1002]],
  ['RSV3', [frame(opcode.text, '4x', { rsv: 1 })], [1002]],
  ['a reserved data opcode', [frame(3, 'x')], [1002]],
  ['a reserved control opcode', [frame(11, 'x')], [1002]],
  ['a continuation of nothing', [frame(opcode.continuation, 'x')], [1002]],
  ['a new message within one', [frame(opcode.text, '4a', { fin: false }), frame(opcode.text, 'b')], [1002]],
  ['a fragmented ping', [frame(opcode.ping, 'x', { fin: false })], [1002]],
  ['a long ping', [frame(opcode.ping, 'x'.repeat(126))], [1002]],
  ['invalid UTF-8', [frame(opcode.text, Buffer.of(0x34, 0xff))], [1007]],
  ['an overlong encoding', [frame(opcode.text, Buffer.of(0x34, 0xc0, 0x80))], [1007]],
  ['an encoded surrogate', [frame(opcode.text, Buffer.of(0x34, 0xed, 0xa0, 0x80))], [1007]],
  ['beyond the last character', [frame(opcode.text, Buffer.of(0x34, 0xf4, 0x90, 0x80, 0x80))], [1007]],
  ['a truncated character', [frame(opcode.text, Buffer.of(0x34, 0xe2, 0x82))], [1007]],
  ['a message over the limit', [frame(opcode.text, `4${'x'.repeat(1_000_000)}`)], [1009]],
  ['a declared length over the limit', [frame(opcode.text, '4', { size: 2 ** 34 })], [1009]],
  ['a declared length with its top bit set', [frame(opcode.text, '4', { size: 2n ** 63n })], [1009, 1002]],
  ['fragments over the limit', [frame(opcode.binary, Buffer.alloc(600_000), { fin: false }), frame(0, Buffer.alloc(600_000))], [1009]],
  ['a close payload of one byte', [frame(opcode.close, 'x')], [1002]],
  ['close code 1005', [frame(opcode.close, closePayload(1005))], [1002]],
  ['close code 1006', [frame(opcode.close, closePayload(1006))], [1002]],
  ['close code 999', [frame(opcode.close, closePayload(999))], [1002]],
  ['close code 5000', [frame(opcode.close, closePayload(5000))], [1002]],
  ['invalid UTF-8 in a close reason', [frame(opcode.close, Buffer.concat([closePayload(1000), Buffer.of(0xff)]))], [1007, 1002]],
];
if (!reference) {
  violations.push(
    ['a short length in two bytes', [frame(opcode.text, '4x', { wide: 2 })], [1002]],
    ['a middle length in eight bytes', [frame(opcode.text, `4${'x'.repeat(300)}`, { wide: 8 })], [1002]],
    ['invalid UTF-8 in a first fragment', [frame(opcode.text, Buffer.of(0x34, 0xff), { fin: false })], [1007]],
  );
}

describe('violations', () => {
  for (const [name, frames, codes] of violations) {
    test(name, async () => {
      const ws = await quiet();
      ws.conn.write(Buffer.concat(frames));
      const code = await ws.closed();
      assert.ok(codes.includes(code), `closed with ${code}, want ${codes}`);
    });
  }

  test('the first frame after the handshake, in the same segment', async () => {
    const server = await shared('parity');
    const conn = await Conn.open(server);
    const head = requestHead(server, { path: `/socket.io/?${query({ transport: 'websocket' })}`, headers: upgradeHeaders() });
    conn.write(Buffer.concat([Buffer.from(head), frame(opcode.text, '4x', { rsv: 3 })]));
    const ws = new Ws(conn, await conn.response(), true);
    assert.equal(await ws.closed(), 1002);
  });

  test('others are not disturbed', async () => {
    const bystander = await open();
    for (const [, frames] of violations.slice(0, 8)) {
      const ws = await quiet();
      ws.conn.write(Buffer.concat(frames));
      await ws.closed();
    }
    bystander.send('4here');
    assert.equal(await bystander.next(), '4here');
    bystander.close();
  });
});
