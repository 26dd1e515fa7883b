// The official client with a parser of one's own, against the example that has its counterpart.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as parser from '../../../examples/parser/client.mjs';
import { connect, modes, open } from '../../lib/client.mjs';
import { launch } from '../../lib/launch.mjs';
import { once } from '../../lib/wait.mjs';

const started = launch('parser', ['-addr', '127.0.0.1:0']);
after(async () => (await started).stop());

for (const mode of Object.keys(modes)) {
  test(`echo and broadcast over ${mode}`, async (t) => {
    const [a, b] = await Promise.all([1, 2].map(async () => connect(t, await started, { mode, parser })));
    const bytes = [Buffer.from([1, 2, 3]), Buffer.alloc(50_000, 7)];
    assert.deepEqual(await a.timeout(10_000).emitWithAck('echo', { bytes, text: 'é😀', none: null }), { bytes, text: 'é😀', none: null });
    const heard = [a, b].map((socket) => once(socket, 'all'));
    a.emit('all', mode, bytes[0]);
    assert.deepEqual(await Promise.all(heard), [[mode, bytes[0]], [mode, bytes[0]]]);
  });
}

test('a namespace that there is not', async (t) => {
  const [err] = await once(open(t, await started, { nsp: '/none', parser }), 'connect_error');
  assert.equal(err.message, 'Invalid namespace');
});

test('a client with another parser', async (t) => {
  const [reason] = await once(open(t, await started).io, 'close');
  assert.equal(reason, 'transport close');
});
