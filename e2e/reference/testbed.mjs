#!/usr/bin/env node
// The testbed served by the official Socket.IO server, with the same command line and profiles as cmd/testbed. The
// suites run against it to show that they ask for what the official server does; differential tests and benchmarks
// use it as the other side.
//
//   node reference/testbed.mjs -addr 127.0.0.1:0 -profile parity

import { createServer } from 'node:http';
import { createServer as createTLSServer } from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostPort, parseFlags, UsageError } from './flags.mjs';
import { profiles } from './profiles.mjs';

async function main() {
  const flags = parseFlags(process.argv.slice(2));
  if (flags.list) {
    process.stdout.write(`${Object.keys(profiles).join('\n')}\n`);
    return;
  }
  const profile = profiles[flags.profile];
  if (!profile) {
    throw new UsageError(`unknown profile ${JSON.stringify(flags.profile)}; -list prints them`);
  }
  const { host, port } = hostPort(flags.addr);
  const missing = (req, res) => res.writeHead(404).end();
  const cert = flags['tls-cert'];
  const http = cert
    ? createTLSServer({ cert: readFileSync(cert), key: readFileSync(flags['tls-key']) }, missing)
    : createServer(missing);
  const counters = { socketsOpened: 0, socketsClosed: 0 };
  const close = profile(http, flags, counters);

  http.on('error', (err) => fail(1, `listen ${flags.addr}: ${err.code ?? err.message}`));
  http.listen({ host, port, backlog: 4096 }, () => {
    const at = http.address();
    const shown = at.family === 'IPv6' ? `[${at.address}]` : at.address;
    process.stdout.write(`listening on ${cert ? 'https' : 'http'}://${shown}:${at.port}\n`);
  });

  const stop = async () => {
    process.once('SIGTERM', () => process.exit(1));
    process.once('SIGINT', () => process.exit(1));
    // The ws package waits up to 30 s for a peer that does not answer a close frame.
    await Promise.race([close(), new Promise((resolve) => setTimeout(resolve, 1000))]);
    if (flags['stats-json']) writeFileSync(flags['stats-json'], `${JSON.stringify(counters)}\n`);
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function fail(status, message) {
  process.stderr.write(`testbed: ${message}\n`);
  process.exit(status);
}

main().catch((err) => fail(err instanceof UsageError ? 2 : 1, err.message));
