// What -set NAME=VALUE means to the official server.

import * as msgpack from 'socket.io-msgpack-parser';
import { settings, UsageError } from './flags.mjs';

const parsers = { json: undefined, msgpack };

// serverOptions returns the options of -set, with the parser that is named there.
export function serverOptions(flags) {
  const { parser = 'json', ...set } = settings(flags.set);
  if (!Object.hasOwn(parsers, parser)) throw new UsageError(`-set parser=${parser}: there is no such parser`);
  return { ...set, parser: parsers[parser] };
}
