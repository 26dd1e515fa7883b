// The servers that tests run against: each test has its own, or shares one with the tests of its file.

import { after } from 'node:test';
import { kind, launch, NotLanded, reference } from './launch.mjs';

export { kind, launch, reference };

// testbed starts cmd/testbed (or the reference) with a profile; `set` are options of profile parity.
export function testbed(profile, { set = {}, args = [], addr = '127.0.0.1:0' } = {}) {
  const sets = Object.entries(set).flatMap(([name, value]) => ['-set', `${name}=${JSON.stringify(value)}`]);
  return launch('testbed', ['-addr', addr, '-profile', profile, ...sets, ...args]);
}

// shared starts one testbed per set of arguments and file, and ends them after the file's tests.
const started = new Map();
export function shared(profile, options = {}) {
  const key = JSON.stringify([profile, options]);
  if (!started.has(key)) {
    const server = testbed(profile, options);
    started.set(key, server);
    server.catch(() => {});
  }
  return started.get(key);
}

after(async () => {
  const failures = [];
  for (const server of started.values()) {
    const s = await server.catch(() => null);
    await s?.stop().catch((err) => failures.push(err));
  }
  if (failures.length) throw failures[0];
});

// landed skips the test if the server under test says that it does not have what was asked for yet.
export async function landed(t, promise) {
  try {
    return await promise;
  } catch (err) {
    if (!(err instanceof NotLanded)) throw err;
    t.skip(`not in this server yet: ${err.message}`);
    return null;
  }
}
