// The official client against the examples that mount the server under a router: over each transport, beside pages.

import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { after, describe, test } from 'node:test';
import { connect, modes } from '../../lib/client.mjs';
import { launch } from '../../lib/launch.mjs';

const page = (server, agent) =>
  new Promise((resolve, reject) => {
    get(`${server.url}/`, { agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    }).on('error', reject);
  });

for (const router of ['nethttp', 'chi', 'gin', 'echo']) {
  describe(router, () => {
    const started = launch(router, ['-addr', '127.0.0.1:0']);
    after(async () => (await started).stop());

    for (const mode of Object.keys(modes)) {
      test(`over ${mode}`, async (t) => {
        const socket = await connect(t, await started, { mode });
        assert.equal(socket.io.engine.transport.name, mode === 'polling' ? 'polling' : 'websocket');
        const bytes = Buffer.alloc(100_000, 7);
        assert.deepEqual(await socket.timeout(10_000).emitWithAck('echo', { bytes, text: 'é😀' }), { bytes, text: 'é😀' });
        const answers = Array.from({ length: 100 }, (_, i) => socket.timeout(10_000).emitWithAck('echo', i));
        assert.deepEqual(await Promise.all(answers), Array.from({ length: 100 }, (_, i) => i));
      });
    }

    test('polling and pages on one connection', async (t) => {
      const server = await started;
      const agent = new Agent({ keepAlive: true, maxSockets: 2 });
      t.after(() => agent.destroy());
      const socket = await connect(t, server, { mode: 'polling', agent });
      for (let i = 0; i < 5; i++) {
        const [shown, answer] = await Promise.all([page(server, agent), socket.timeout(10_000).emitWithAck('echo', i)]);
        assert.deepEqual(shown, { status: 200, body: 'a page of the application\n' });
        assert.equal(answer, i);
      }
    });

    test('a socket that is open when the program ends is told', async (t) => {
      const other = await launch(router, ['-addr', '127.0.0.1:0']);
      const socket = await connect(t, other, { mode: 'websocket' });
      const reason = new Promise((resolve) => socket.once('disconnect', resolve));
      await other.stop();
      assert.equal(await reason, 'transport close');
    });
  });
}
