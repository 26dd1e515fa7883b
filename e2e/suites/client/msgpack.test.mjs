// The official client with socket.io-msgpack-parser, over each transport, against a server with the same parser.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as parser from 'socket.io-msgpack-parser';
import { connect, ctl, modes, open, record, settled } from '../../lib/client.mjs';
import { shared } from '../../lib/server.mjs';
import { collect, once, until } from '../../lib/wait.mjs';

const parity = () => shared('parity', { set: { parser: 'msgpack' } });
const join = async (t, options) => connect(t, await parity(), { parser, ...options });

// echoed returns what the server acknowledges, all of it.
const echoed = (socket, ...args) => new Promise((resolve) => socket.emit('echo', ...args, (...got) => resolve(got)));

for (const mode of Object.keys(modes)) {
  describe(`msgpack over ${mode}`, { concurrency: 4 }, () => {
    test('connects, and the auth payload arrives', async (t) => {
      const socket = await join(t, { mode, auth: { user: 'u1', n: 1.5 } });
      const welcome = await socket.welcome;
      assert.equal(welcome.id, socket.id);
      assert.deepEqual(welcome.auth, { user: 'u1', n: 1.5 });
    });

    test('values of every kind, in acks and events', async (t) => {
      const socket = await join(t, { mode });
      const values = [
        0, 127, 128, -1, -33, 65536, -2147483649, 2 ** 53 - 1, -1.5, 1e-9, '', 'é€😀\u2028', 'x'.repeat(70_000),
        true, false, null, [], {}, { a: [1, { b: null }] }, [[['x']]], new Date(1763755200123), Array(20).fill(7),
      ];
      assert.deepEqual(await echoed(socket, ...values), values);
      socket.emit('echo', ...values);
      assert.deepEqual(await once(socket, 'echo'), values);
    });

    test('undefined', async (t) => {
      const socket = await join(t, { mode });
      const got = await echoed(socket, undefined, { a: undefined, b: 1 }, [undefined]);
      assert.deepEqual(got, [undefined, { a: undefined, b: 1 }, [undefined]]);
    });

    test('binary, nested too, as Buffer, ArrayBuffer and typed array', async (t) => {
      const socket = await join(t, { mode });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const value = { deep: [{ bytes }], empty: Buffer.alloc(0), text: 'x' };
      socket.emit('echo', bytes, value);
      assert.deepEqual(await once(socket, 'echo'), [bytes, value]);
      const [buffer, array] = await echoed(socket, new Uint8Array([1, 2]).buffer, new Uint8Array([3, 4]));
      assert.deepEqual([new Uint8Array(buffer), new Uint8Array(array)], [new Uint8Array([1, 2]), new Uint8Array([3, 4])]);
      assert.deepEqual(await echoed(socket, Buffer.alloc(700_000, 7)), [Buffer.alloc(700_000, 7)]);
    });

    test('acks from the client', async (t) => {
      const socket = await join(t, { mode });
      socket.on('ask', (x, answer) => answer({ got: x, bytes: Buffer.of(1) }));
      const { responses } = await ctl(socket, 'emitWithAck', { event: 'ask', args: ['x'] });
      assert.deepEqual(responses, { got: 'x', bytes: Buffer.of(1) });
    });

    test('many events stay in order', async (t) => {
      const socket = await join(t, { mode });
      const echoes = collect(socket, 'echo', 1000);
      for (let i = 0; i < 1000; i++) socket.emit('echo', i, Buffer.of(i & 255));
      assert.deepEqual((await echoes).map(([i]) => i), Array.from({ length: 1000 }, (_, i) => i));
    });

    test('rooms and broadcasts', async (t) => {
      const [a, b, c] = [await join(t, { mode }), await join(t, { mode }), await join(t, { mode })];
      const logs = [a, b, c].map(record);
      const room = `${mode}-${a.id}`;
      await ctl(a, 'join', { rooms: [room] });
      await ctl(b, 'join', { rooms: [room] });
      await ctl(a, 'emit', { target: { from: 'server', to: [room] }, event: 'all', args: [{ bytes: Buffer.of(2) }, 'x'] });
      await ctl(a, 'emit', { target: { to: [room] }, event: 'others', args: [[1.5]] });
      await settled(a, b, c);
      const all = ['all', { bytes: Buffer.of(2) }, 'x'];
      assert.deepEqual(logs, [[all], [all, ['others', [1.5]]], []]);
    });

    test('broadcast with acks', async (t) => {
      const [a, b] = [await join(t, { mode }), await join(t, { mode })];
      const room = `${mode}-${a.id}-acks`;
      for (const [i, socket] of [a, b].entries()) {
        await ctl(socket, 'join', { rooms: [room] });
        socket.on('who', (answer) => answer({ bytes: Buffer.of(i) }));
      }
      const { responses } = await ctl(a, 'emitWithAck', { target: { from: 'server', to: [room], timeout: 5000 }, event: 'who' });
      const of = (r) => r.bytes[0];
      assert.deepEqual(responses.sort((x, y) => of(x) - of(y)), [{ bytes: Buffer.of(0) }, { bytes: Buffer.of(1) }]);
    });

    test('namespaces on one connection', async (t) => {
      const socket = await join(t, { mode });
      const custom = socket.io.socket('/custom');
      await once(custom, 'connect');
      assert.deepEqual(await echoed(custom, Buffer.of(1)), [Buffer.of(1)]);
      const got = record(custom);
      await ctl(socket, 'emit', { target: { from: 'server', to: [socket.id] }, event: 'elsewhere' });
      await settled(socket, custom);
      assert.deepEqual(got, []);
      custom.disconnect();
      assert.deepEqual(await echoed(socket, 1), [1]);
    });

    test('refused, with data', async (t) => {
      const server = await parity();
      const data = { code: 7, list: [null, 1.5, 'x'] };
      const socket = open(t, server, { parser, mode, auth: { fail: 'no', data } });
      const [err] = await once(socket, 'connect_error');
      assert.deepEqual([err.message, err.data], ['no', data]);
      const [unknown] = await once(open(t, server, { parser, mode, nsp: '/unknown' }), 'connect_error');
      assert.equal(unknown.message, 'Invalid namespace');
    });

    test('disconnected by the server', async (t) => {
      const socket = await join(t, { mode });
      const gone = once(socket, 'disconnect');
      socket.emit('ctl', { op: 'disconnect' });
      assert.equal((await gone)[0], 'io server disconnect');
    });
  });
}

describe('msgpack', () => {
  test('profile sio-protocol-msgpack', async (t) => {
    const socket = open(t, await shared('sio-protocol-msgpack'), { parser, auth: { token: 'abc' } });
    assert.deepEqual(await once(socket, 'auth'), [{ token: 'abc' }]);
    socket.emit('message', 1, Buffer.of(1, 2));
    assert.deepEqual(await once(socket, 'message-back'), [1, Buffer.of(1, 2)]);
    const answer = await new Promise((resolve) => socket.emit('message-with-ack', 'x', { b: Buffer.of(3) }, (...args) => resolve(args)));
    assert.deepEqual(answer, ['x', { b: Buffer.of(3) }]);
  });

  test('a client with the default parser is disconnected', async (t) => {
    const socket = open(t, await parity());
    const reasons = [];
    socket.on('connect', () => assert.fail('connected'));
    socket.io.on('close', (reason) => reasons.push(reason));
    await until(() => reasons.length, 'the close');
    assert.match(reasons[0], /transport close|transport error/);
  });

  test('and so is one with this parser by a server with the default one', async (t) => {
    const socket = open(t, await shared('parity'), { parser });
    const reasons = [];
    socket.on('connect', () => assert.fail('connected'));
    socket.io.on('close', (reason) => reasons.push(reason));
    await until(() => reasons.length, 'the close');
  });
});
