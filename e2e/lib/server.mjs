// Starting and ending the server under test. The runner says by environment which command that is; each test starts
// its own, on a port that the kernel chooses, and ends it by its process id.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { within } from './wait.mjs';

// kind is "gannet" or "reference" (the official server).
export const kind = process.env.E2E_KIND ?? 'reference';
export const reference = kind === 'reference';

const startup = 20_000;
const shutdown = 20_000;

function command(name) {
  const text = process.env[`E2E_${name.toUpperCase()}`];
  if (text) return JSON.parse(text);
  if (name !== 'testbed') throw new Error(`E2E_${name.toUpperCase()} is not set; run the suites with run.mjs`);
  return [process.execPath, new URL('../reference/testbed.mjs', import.meta.url).pathname];
}

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// NotLanded says that the server has no such profile or setting yet (exit status 2 and one line that says so).
export class NotLanded extends Error {}

// launch starts a command of the suite (testbed, gannet) and waits until it says where it listens.
export async function launch(name, args) {
  const [file, ...first] = command(name);
  const child = spawn(file, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr = (stderr + chunk).slice(-20_000)));
  const exited = new Promise((resolve) =>
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    }),
  );
  child.once('error', (err) => (stderr += err.message));

  const listening = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /listening on (https?:\/\/\S+)/.exec(line);
      if (match) resolve(match[1]);
    });
    exited.then(({ code, signal }) => {
      const text = `${name} ${args.join(' ')} ended with ${signal ?? code}: ${stderr.trim()}`;
      reject(code === 2 ? new NotLanded(stderr.trim()) : new Error(text));
    });
  });
  let url;
  try {
    url = new URL(await within(listening, `${name} ${args.join(' ')} to say "listening on"`, startup));
  } catch (err) {
    child.kill('SIGKILL');
    throw err;
  }

  let ending = false;
  return {
    url: url.origin,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    pid: child.pid,
    stderr: () => stderr,
    exited,
    signal(sig) {
      ending = true;
      child.kill(sig);
    },
    // stop asks it to shut down and expects a clean end; kill does not ask.
    async stop() {
      if (!running.has(child) && !ending) {
        throw new Error(`${name} ${args.join(' ')} ended by itself: ${stderr.trim()}`);
      }
      if (ending) return exited;
      ending = true;
      child.kill('SIGTERM');
      let end;
      try {
        end = await within(exited, `${name} to shut down after SIGTERM`, shutdown);
      } catch (err) {
        child.kill('SIGKILL');
        throw err;
      }
      if (end.code !== 0) throw new Error(`${name} ended with ${end.signal ?? end.code} after SIGTERM: ${stderr.trim()}`);
      return end;
    },
    kill() {
      ending = true;
      child.kill('SIGKILL');
      return exited;
    },
  };
}

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
