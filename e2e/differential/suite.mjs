// Starts both servers in each of their settings, compares them (main.mjs takes the flags), and ends them.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { launch } from '../lib/launch.mjs';
import { servers } from './servers.mjs';

const started = [];
for (const [name, { flags }] of Object.entries(servers)) {
  const pair = await Promise.all(['reference', 'testbed'].map((command) => launch(command, ['-addr', '127.0.0.1:0', ...flags])));
  started.push({ pair, argument: `${name}=${pair.map(({ url }) => url).join()}` });
}
const main = fileURLToPath(new URL('main.mjs', import.meta.url));
const child = spawn(process.execPath, [main, ...started.map(({ argument }) => argument), ...process.argv.slice(2)], { stdio: ['ignore', 'inherit', 'inherit'] });
process.exitCode = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
for (const server of started.flatMap(({ pair }) => pair)) {
  try {
    await server.stop();
  } catch (err) {
    process.stdout.write(`not ok the end of a server: ${err.message}\n`);
    process.exitCode = 1;
  }
}
