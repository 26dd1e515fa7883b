// Starting and ending a server. The runner says by environment which commands to use; a server listens on a port that the
// kernel chooses and is ended by its process id.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { within } from './wait.mjs';

// kind is "gannet" or "reference" (the official server).
export const kind = process.env.E2E_KIND ?? 'reference';
export const reference = kind === 'reference';

const startup = 20_000;
const shutdown = 20_000;

const official = [process.execPath, new URL('../reference/testbed.mjs', import.meta.url).pathname];

function command(name) {
  if (name === 'reference') return official;
  const text = process.env[`E2E_${name.toUpperCase()}`];
  if (text) return JSON.parse(text);
  if (name !== 'testbed') throw new Error(`E2E_${name.toUpperCase()} is not set; run the suites with run.mjs`);
  return official;
}

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// NotLanded says that the server has no such profile or setting yet (exit status 2 and one line that says so).
export class NotLanded extends Error {}

// encrypted is the certificate that servers present, with the files of it and of its key; undefined in clear text.
export const encrypted = process.env.E2E_TLS && JSON.parse(process.env.E2E_TLS);
const tlsFlags = encrypted ? ['--tls-cert', encrypted.cert, '--tls-key', encrypted.key] : [];

// launch starts a command of the suite (testbed, gannet, reference) and waits until it says where it listens.
export async function launch(name, args) {
  const [file, ...first] = command(name);
  const child = spawn(file, [...first, ...args, ...tlsFlags], { stdio: ['ignore', 'pipe', 'pipe'] });
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
