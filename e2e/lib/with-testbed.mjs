// Starts a testbed, runs a command with the server's URL as its last argument, and ends the testbed.
//
//   node lib/with-testbed.mjs PROFILE COMMAND ARGS…

import { spawn } from 'node:child_process';
import { launch } from './launch.mjs';

const [profile, file, ...args] = process.argv.slice(2);
const server = await launch('testbed', ['-addr', '127.0.0.1:0', '-profile', profile]);
const child = spawn(file, [...args, server.url], { stdio: ['ignore', 'inherit', 'inherit'] });
const status = await new Promise((resolve) => {
  child.once('error', (err) => {
    process.stdout.write(`not ok start: ${err.message}\n`);
    resolve(127);
  });
  child.once('exit', (code) => resolve(code ?? 1));
});
try {
  await server.stop();
} catch (err) {
  process.stdout.write(`not ok the server's end: ${err.message}\n`);
  process.exitCode = 1;
}
process.exitCode ||= status;
