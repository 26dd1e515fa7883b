// Starts both servers, compares them (main.mjs takes the flags), and ends them.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { launch } from '../lib/launch.mjs';

const profile = ['-addr', '127.0.0.1:0', '-profile', 'parity'];
const servers = await Promise.all([launch('reference', profile), launch('testbed', profile)]);
const main = fileURLToPath(new URL('main.mjs', import.meta.url));
const child = spawn(process.execPath, [main, ...servers.map(({ url }) => url), ...process.argv.slice(2)], { stdio: ['ignore', 'inherit', 'inherit'] });
process.exitCode = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
for (const server of servers) {
  try {
    await server.stop();
  } catch (err) {
    process.stdout.write(`not ok the end of a server: ${err.message}\n`);
    process.exitCode = 1;
  }
}
