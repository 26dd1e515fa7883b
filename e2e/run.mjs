#!/usr/bin/env node
// Runs the e2e suites against Gannet, or against the official server, and says in one line per suite what ran.
//
// Option --help says how.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { suites } from './lib/suites.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const module = dirname(here);

const usage = `usage: node e2e/run.mjs [--server gannet|reference] [--only SUITE[,SUITE...]] [--race] [--tags TAGS] [--tls] [--list]
       suite differential: [--seed N] [--cases N] [--seconds N]`;

const flags = {
  server: { type: 'string', default: 'gannet' },
  only: { type: 'string' },
  race: { type: 'boolean', default: false },
  tags: { type: 'string' },
  tls: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  seed: { type: 'string' },
  cases: { type: 'string' },
  seconds: { type: 'string' },
  help: { type: 'boolean', default: false },
};

function parse() {
  try {
    return parseArgs({ options: flags }).values;
  } catch (err) {
    console.error(`${err.message}\n${usage}`);
    process.exit(2);
  }
}

const options = parse();
if (options.help) {
  console.log(usage);
  process.exit(0);
}

// Every suite is a process group of its own: what is left of one when it ends, ends with it.
const groups = new Set();
function endGroup(pid) {
  if (!groups.has(pid)) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (err) {
    if (err.code !== 'ESRCH') throw err;
  }
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const pid of groups) endGroup(pid);
    process.exit(1);
  });
}

// run starts a command and resolves with its status and output; it is ended, with all its children, after `limit` ms.
export function run(command, { env = {}, cwd = here, limit = 300_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      cwd,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      endGroup(child.pid);
    }, limit);
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    if (child.pid) groups.add(child.pid);
    let status = 127;
    child.once('error', (err) => (output += err.message));
    // The end of the suite's own process counts; what it may have left behind would hold the pipes.
    child.once('exit', (code, signal) => {
      status = code ?? signal;
      endGroup(child.pid);
      groups.delete(child.pid);
    });
    child.once('close', () => {
      clearTimeout(timer);
      resolve({ status, output: late ? `${output}\nended after ${limit / 1000} s` : output });
    });
  });
}

// build returns the environment that tells the suites which commands to start.
async function build(dir) {
  if (options.server === 'reference') {
    return { E2E_KIND: 'reference', E2E_TESTBED: JSON.stringify([process.execPath, join(here, 'reference', 'testbed.mjs')]) };
  }
  const flags = ['build', '-o', `${dir}/`];
  if (options.race) flags.push('-race');
  if (options.tags) flags.push('-tags', options.tags);
  const { status, output } = await run(['go', ...flags, './cmd/gannet', './cmd/testbed'], { cwd: module });
  if (status !== 0) throw new Error(`go build failed:\n${output}`);
  return {
    E2E_KIND: 'gannet',
    E2E_TESTBED: JSON.stringify([join(dir, 'testbed')]),
    E2E_GANNET: JSON.stringify([join(dir, 'gannet')]),
  };
}

// certify makes a certificate for 127.0.0.1 with the program that comes with Go, and returns the environment that has
// servers present it and clients in every language trust it.
async function certify(dir) {
  const { output: goroot } = await run(['go', 'env', 'GOROOT'], { cwd: module });
  const generate = join(goroot.trim(), 'src', 'crypto', 'tls', 'generate_cert.go');
  const flags = ['-ca', '-ecdsa-curve', 'P256', '-host', '127.0.0.1,localhost'];
  const { status, output } = await run(['go', 'run', generate, ...flags], { cwd: dir, env: { GO111MODULE: 'off' } });
  if (status !== 0) throw new Error(`no certificate:\n${output}`);
  const cert = join(dir, 'cert.pem');
  const trust = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'WEBSOCKET_CLIENT_CA_BUNDLE'];
  return { E2E_TLS: JSON.stringify({ cert, key: join(dir, 'key.pem') }), ...Object.fromEntries(trust.map((name) => [name, cert])) };
}

function report(name, result, seconds) {
  const { passed = 0, failed = 0, skipped = 0, what, absent } = result;
  const mark = absent ? 'absent' : failed ? 'FAIL  ' : 'ok    ';
  const counts = absent ?? `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
  process.stdout.write(`${mark}  ${name.padEnd(14)} ${counts.padEnd(36)} ${seconds.toFixed(1).padStart(6)} s  ${what}\n`);
  for (const line of result.details ?? []) process.stdout.write(`        ${line}\n`);
}

async function main() {
  const only = options.only?.split(',');
  const unknown = only?.filter((name) => !suites.some((suite) => suite.name === name)) ?? [];
  if (unknown.length || !['gannet', 'reference'].includes(options.server)) {
    process.stderr.write(`run.mjs: no such suite or server: ${[...unknown, options.server].join(', ')}\n`);
    return 2;
  }
  if (options.list) {
    for (const suite of suites) process.stdout.write(`${suite.name.padEnd(14)} ${suite.what}\n`);
    return 0;
  }

  const dir = await mkdtemp(join(tmpdir(), 'gannet-e2e-'));
  const total = { passed: 0, failed: 0, skipped: 0 };
  try {
    const tls = await certify(dir);
    const env = { ...(await build(dir)), ...(options.tls && tls) };
    const what = options.server === 'reference' ? 'the official server' : 'Gannet';
    const differential = ['seed', 'cases', 'seconds'].flatMap((name) => (options[name] ? [`--${name}`, options[name]] : []));
    process.stdout.write(`e2e against ${what}${options.tls ? ' over TLS' : ''}\n`);
    for (const suite of suites) {
      if (only && !only.includes(suite.name)) continue;
      if (suite.gannetOnly && options.server !== 'gannet') continue;
      if (options.tls && (suite.tls || suite.clear)) continue;
      const began = performance.now();
      const result = await suite.run({ run, env: suite.tls ? { ...env, ...tls } : env, dir, here, differential });
      report(suite.name, { what: suite.what, ...result }, (performance.now() - began) / 1000);
      for (const key of Object.keys(total)) total[key] += result[key] ?? 0;
      if (result.absent && suite.required) total.failed++;
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  const skipped = total.skipped ? `, ${total.skipped} skipped` : '';
  process.stdout.write(`\ne2e: ${total.passed} passed, ${total.failed} failed${skipped}\n`);
  return total.failed || !total.passed ? 1 : 0;
}

main().then(
  (status) => process.exit(status),
  (err) => {
    process.stderr.write(`run.mjs: ${err.message}\n`);
    process.exit(1);
  },
);
