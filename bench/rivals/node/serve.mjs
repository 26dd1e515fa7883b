// The part of a server that has nothing to do with messages: its command line, its address and its end.

import uWS from '@btc-vision/uwebsockets.js';

// serve has a uWebSockets.js app listen where -addr says, and print one line when it does.
export function serve(app) {
  const [flag, addr, more] = process.argv.slice(2);
  const match = /^([^:]+):(\d+)$/.exec(addr ?? '');
  if (flag !== '-addr' || !match || more !== undefined) {
    process.stderr.write('want -addr HOST:PORT\n');
    process.exit(2);
  }
  const [, host, port] = match;
  app.listen(host, Number(port), (listening) => {
    if (!listening) {
      process.stderr.write(`cannot listen on ${addr}\n`);
      process.exit(1);
    }
    process.stdout.write(`listening on http://${host}:${uWS.us_socket_local_port(listening)}\n`);
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
}
