// The suites: what each of them is, how it is run, and how its result is read.

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const indent = (text, n = 60) => text.trim().split('\n').slice(-n);

// node runs folders of node:test files.
function node(folders, { limit, set = {} } = {}) {
  return async ({ run, env, here }) => {
    const files = [];
    for (const folder of [folders].flat()) {
      const dir = join(here, 'suites', folder);
      files.push(...(await readdir(dir)).filter((name) => name.endsWith('.test.mjs')).sort().map((name) => join(dir, name)));
    }
    const command = [process.execPath, '--test', '--test-reporter=tap', ...files];
    const { status, output } = await run(command, { env: { ...env, ...set }, limit });
    return readTap(status, output);
  };
}

// readTap counts what node:test closes with, and keeps the text of each test that failed.
export function readTap(status, output) {
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const result = { passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') };
  if (status !== 0 && !result.failed) result.failed = 1;
  if (result.failed) result.details = failures(output);
  if (result.failed && !result.details.length) result.details = indent(output);
  return result;
}

function failures(output) {
  const lines = output.split('\n');
  const found = [];
  lines.forEach((line, i) => {
    const match = /^(\s*)not ok \d+ - (.*)$/.exec(line);
    if (!match) return;
    const end = lines.indexOf(`${match[1]}  ...`, i);
    const body = lines.slice(i + 1, end);
    if (body.some((l) => /failureType: 'subtestsFailed'/.test(l))) return;
    const drop = /^\s*(---|duration_ms|failureType|code|name|operator):?|node:internal|stack: \|-/;
    found.push(`not ok: ${match[2]}`, ...body.filter((l) => !drop.test(l)).map((l) => l.slice(match[1].length)).slice(0, 25));
  });
  return found.slice(0, 400);
}

// tally counts lines "ok NAME" and "not ok NAME: WHY", as the Python and Java mains print them.
export function tally(status, output) {
  const lines = output.split('\n');
  const passed = lines.filter((line) => line.startsWith('ok ')).length;
  const bad = lines.filter((line) => line.startsWith('not ok '));
  const failed = bad.length || (status === 0 && passed ? 0 : 1);
  return { passed, failed, details: failed ? (bad.length ? bad : indent(output)) : undefined };
}

// testbed starts the server for a suite in another language, and ends it after `body`.
async function withTestbed({ run, env, here }, profile, command, options) {
  return run([process.execPath, join(here, 'lib', 'with-testbed.mjs'), profile, ...command], { env, ...options });
}

async function python(context) {
  const { run, here } = context;
  const found = await run([join(here, 'python', 'setup.sh')], { limit: 240_000 });
  const [interpreter, version] = found.output.trim().split('\n').pop().split(' ');
  if (found.status !== 0) return { absent: 'python-socketio could not be installed', details: indent(found.output, 10) };
  const { status, output } = await withTestbed(context, 'parity', [interpreter, join(here, 'python', 'suite.py')], { limit: 120_000 });
  return { ...tally(status, output), what: `python-socketio ${version} (${interpreter.includes('.venv') ? 'PyPI' : 'Debian'}), sync and asyncio` };
}

async function java(context) {
  const { run, here } = context;
  const dir = join(here, 'java');
  const pom = await readFile(join(dir, 'pom.xml'), 'utf8');
  const version = /<socketio\.version>(.*?)</.exec(pom)[1];
  const lib = join(dir, 'target', 'lib');
  if (!existsSync(join(lib, `socket.io-client-${version}.jar`))) {
    const fetched = await run(['mvn', '-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`], { cwd: dir, limit: 240_000 });
    if (fetched.status !== 0) return { absent: 'Maven or Maven Central is not here', details: indent(fetched.output, 5) };
  }
  const classes = join(dir, 'target', 'classes');
  const compiled = await run(['javac', '-d', classes, '-cp', join(lib, '*'), join(dir, 'src/main/java/Main.java')]);
  if (compiled.status !== 0) return { failed: 1, details: indent(compiled.output, 20) };
  const classpath = [classes, join(lib, '*')].join(':');
  const { status, output } = await withTestbed(context, 'parity', ['java', '-cp', classpath, 'Main'], { limit: 120_000 });
  return { ...tally(status, output), what: `official Java client ${version}` };
}

async function rust(context) {
  const { run, here } = context;
  const dir = join(here, 'rust');
  const lock = await readFile(join(dir, 'Cargo.lock'), 'utf8');
  const version = /name = "rust_socketio"\nversion = "(.*?)"/.exec(lock)[1];
  const fetched = await run(['cargo', 'fetch', '--locked'], { cwd: dir, limit: 240_000 });
  if (fetched.status !== 0) return { absent: 'cargo or crates.io is not here', details: indent(fetched.output, 5) };
  const built = await run(['cargo', 'build', '--quiet', '--release', '--locked'], { cwd: dir, limit: 600_000 });
  // What it builds on looks for OpenSSL's headers, which not every machine has.
  if (built.status !== 0 && /openssl-sys|pkg-config/.test(built.output)) return { absent: 'the headers of OpenSSL are not installed', details: indent(built.output, 5) };
  if (/ended after \d+ s$/.test(built.output)) return { absent: 'it could not be built in ten minutes' };
  if (built.status !== 0) return { failed: 1, details: indent(built.output, 20) };
  const { status, output } = await withTestbed(context, 'parity', [join(dir, 'target', 'release', 'gannet-e2e-rust')], { limit: 240_000 });
  return { ...tally(status, output), what: `rust_socketio ${version}, a client of others` };
}

// differential compares the server with the official one over generated byte streams.
async function differential({ run, env, here, differential: flags = [] }) {
  const command = [process.execPath, join(here, 'differential', 'suite.mjs'), ...flags];
  const { status, output } = await run(command, { env, limit: 3_600_000 });
  const result = tally(status, output);
  const recordings = output.match(/^ok recording /gm)?.length ?? 0;
  const alike = /^ok (\d+ of \d+ cases answered alike)/m.exec(output)?.[1];
  const details = result.failed ? output.trim().split('\n').slice(0, 200) : undefined;
  return { ...result, details, what: `byte streams, beside the official server: ${recordings} recorded ones, and ${alike ?? 'none compared'}` };
}

// versioned runs an older official JavaScript client.
function versioned(name, version) {
  const set = { E2E_CLIENT: name, E2E_CLIENT_VERSION: version };
  return { what: `official JavaScript client ${version}`, run: node('versions', { set }), required: true };
}

async function browser(context) {
  if (!['/usr/bin/chromium', '/usr/bin/chromium-browser'].some(existsSync)) return { absent: 'chromium is not installed' };
  const result = await node('browser', { limit: 180_000 })(context);
  return { ...result, what: "Debian's chromium, two tabs of the chat page, and every way to connect; photographs in e2e/artifacts" };
}

async function browserTLS(context) {
  const result = await browser(context);
  return { ...result, what: result.absent ? undefined : "Debian's chromium over https and wss: the chat, and every way to connect" };
}

// mount builds the programs of examples/mount, each in its own module, and runs the official client against them.
async function mount(context) {
  const { run, env, here, dir } = context;
  const built = {};
  for (const name of ['nethttp', 'chi', 'gin', 'echo']) {
    const file = join(dir, `mount-${name}`);
    const { status, output } = await run(['go', 'build', '-o', file, '.'], { cwd: join(here, '..', 'examples', 'mount', name) });
    if (status !== 0) return { failed: 1, details: indent(output, 20) };
    built[`E2E_${name.toUpperCase()}`] = JSON.stringify([file]);
  }
  return node('mount')({ ...context, env: { ...env, ...built } });
}

// parser builds examples/parser and runs the official client with the parser that belongs to it.
async function parser(context) {
  const { run, env, here, dir } = context;
  const file = join(dir, 'parser');
  const { status, output } = await run(['go', 'build', '-o', file, './examples/parser'], { cwd: join(here, '..') });
  if (status !== 0) return { failed: 1, details: indent(output, 20) };
  return node('parser')({ ...context, env: { ...env, E2E_PARSER: JSON.stringify([file]) } });
}

export const suites = [
  { name: 'engineio', what: 'Engine.IO v4 at the wire', run: node('engineio'), required: true },
  { name: 'socketio', what: 'Socket.IO v5 at the wire', run: node('socketio'), required: true },
  { name: 'javascript', what: 'official JavaScript client 4.8.4: polling, WebSocket, upgrade', run: node('client'), required: true },
  { name: 'javascript-4.0', ...versioned('socket.io-client-4.0', '4.0.2') },
  { name: 'javascript-3.1', ...versioned('socket.io-client-3', '3.1.3') },
  { name: 'javascript-2.5', ...versioned('socket.io-client-v2', '2.5.0') },
  { name: 'python', what: 'python-socketio', run: python, required: true },
  { name: 'java', what: 'official Java client', run: java, clear: true }, // it has a store of certificates of its own
  { name: 'rust', what: 'rust_socketio', run: rust, clear: true }, // it takes a certificate by an option of its own
  { name: 'tls', what: 'the wire and the JavaScript client over TLS', run: node(['engineio', 'socketio', 'client']), required: true, tls: true },
  { name: 'differential', what: 'beside the official server', run: differential, required: true, clear: true, gannetOnly: true },
  { name: 'serve', what: 'the browser client, and pages beside sessions', run: node('serve'), required: true },
  { name: 'mount', what: 'the official client under net/http, chi, gin and echo', run: mount, required: true, clear: true, gannetOnly: true },
  { name: 'parser', what: 'the official client with a parser of its own', run: parser, required: true, clear: true, gannetOnly: true },
  { name: 'browser-tls', what: 'chromium over https and wss', run: browserTLS, required: true, tls: true, gannetOnly: true },
  { name: 'browser', what: 'chromium', run: browser, required: true, gannetOnly: true },
];
