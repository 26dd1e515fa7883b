// Profile parity: the whole server API by remote control.

import { Server } from 'socket.io';
import { serverOptions } from './options.mjs';

const maxLog = 10_000;
const maxReasons = 100;
const maxArgument = 1024;

export function parity(http, flags, started) {
  const { allowRequest, ...set } = serverOptions(flags);
  const io = new Server(http, {
    path: flags.path ?? '/socket.io/',
    pingInterval: 25_000,
    pingTimeout: 20_000,
    connectTimeout: 45_000,
    cors: { origin: '*' },
    ...(allowRequest ? { allowRequest: denies } : {}),
    ...set,
  });
  started(io);

  for (const name of ['/', '/guarded']) middleware(io.of(name));
  io.of('/guarded').use((socket, next) => {
    next(socket.handshake.auth.token === 'secret' ? undefined : refusal('unauthorized', { code: 401 }));
  });
  const books = new Map(); // by namespace: what `log` and `reasons` acknowledge
  const served = [
    io.of('/'),
    io.of('/custom'),
    io.of('/guarded'),
    io.of(/^\/dyn-\d+$/),
    io.of((name, auth, next) => next(null, /^\/fn-.+$/.test(name) && auth.open === true)),
  ];
  for (const nsp of served) {
    nsp.on('connection', (socket) => {
      const { name } = socket.nsp;
      if (!books.has(name)) books.set(name, { log: [], reasons: [] });
      connected(io, socket, books.get(name));
    });
  }
  return () => io.close();
}

function denies(req, allow) {
  const deny = new URL(req.url, 'http://localhost').searchParams.get('deny');
  allow(deny, deny === null);
}

function refusal(message, data) {
  const err = new Error(message);
  if (data !== undefined) err.data = data;
  return err;
}

function middleware(nsp) {
  nsp.use((socket, next) => {
    const { fail, data } = socket.handshake.auth;
    next(fail === undefined ? undefined : refusal(fail, data));
  });
  nsp.use((socket, next) => {
    if (socket.handshake.auth.join) socket.join(socket.handshake.auth.join);
    next();
  });
  nsp.use((socket, next) => {
    if (socket.handshake.auth.hello !== undefined) socket.emit('from-middleware', socket.handshake.auth.hello);
    next();
  });
}

const sorted = (rooms) => [...rooms].sort();

function record(book, entry) {
  book.push(entry);
  if (book.length > maxLog) book.shift();
}

// cut bounds what one argument takes in the log, and leaves plain JSON of it: no attachments.
function cut(args) {
  return args
    .filter((arg) => typeof arg !== 'function')
    .map((arg) => {
      const text = JSON.stringify(arg) ?? 'null';
      return text.length <= maxArgument ? JSON.parse(text) : text.slice(0, maxArgument);
    });
}

function connected(io, socket, book) {
  const { auth } = socket.handshake;
  if (auth.user !== undefined && !socket.recovered) socket.data = { user: auth.user };

  socket.onAny((event, ...args) => record(book.log, ['in', socket.id, event, cut(args)]));
  socket.onAnyOutgoing((event, ...args) => record(book.log, ['out', socket.id, event, cut(args)]));
  socket.on('disconnecting', (reason) => record(book.log, ['disconnecting', socket.id, reason, sorted(socket.rooms)]));
  socket.on('disconnect', (reason) => {
    record(book.log, ['disconnect', socket.id, reason, sorted(socket.rooms)]);
    book.reasons.push([socket.id, reason]);
    if (book.reasons.length > maxReasons) book.reasons.shift();
  });
  socket.on('error', (err) => record(book.log, ['error', socket.id, err?.message ?? null, null]));

  // Node runs handlers side by side; `hang` holds back the later events of its socket as a blocked handler would.
  const state = { guarded: false, hanging: null };
  socket.use(([event, c], next) => {
    const before = state.hanging;
    if (event === 'ctl' && c?.op === 'hang') state.hanging = new Promise((resolve) => (c.release = resolve));
    if (before) before.then(() => next());
    else next();
  });
  socket.use(([event], next) => next(state.guarded && String(event).startsWith('bad') ? new Error('refused') : undefined));

  socket.on('echo', (...args) => {
    if (typeof args.at(-1) === 'function') args.pop()(...args);
    else socket.emit('echo', ...args);
  });
  const ops = operations(io, socket, book, state);
  socket.on('ctl', async (c, ack = () => {}) => {
    try {
      if (!Object.hasOwn(ops, c.op)) throw new Error(`unknown op ${c.op}`);
      ack((await ops[c.op](c)) ?? true);
    } catch (err) {
      ack({ error: err.message });
    }
  });

  socket.emit('welcome', {
    id: socket.id,
    recovered: socket.recovered,
    rooms: sorted(socket.rooms),
    auth,
    query: socket.handshake.query,
    headersCount: Object.keys(socket.handshake.headers).length,
  });
}

// target builds what `emit` and its siblings act on; `self` stands for "only this socket".
function target(socket, self, spec = {}) {
  const { from = 'socket', to = [], except = [] } = spec;
  let t = from === 'server' ? socket.nsp : from === 'broadcast' ? socket.broadcast : self;
  if (to.length || except.length) {
    if (t === self) t = socket;
    if (to.length) t = t.to(to);
    if (except.length) t = t.except(except);
  }
  if (spec.volatile) t = t.volatile;
  if (spec.compress !== undefined) t = t.compress(spec.compress);
  if (spec.local) t = t.local;
  if (spec.timeout !== undefined) t = t.timeout(spec.timeout);
  return t;
}

function operations(io, socket, book, state) {
  const { nsp } = socket;
  const one = (spec) => target(socket, socket, spec);
  const many = (spec) => target(socket, nsp.in(socket.id), spec);
  const call = (f) => (c) => {
    f(c);
    return true;
  };

  return {
    emit: call((c) => one(c.target).emit(c.event, ...(c.args ?? []))),
    async emitWithAck(c) {
      try {
        return { responses: await one(c.target).emitWithAck(c.event, ...(c.args ?? [])) };
      } catch (err) {
        return { error: err.message, responses: err.responses ?? [] };
      }
    },
    join(c) {
      socket.join(c.rooms);
      return sorted(socket.rooms);
    },
    leave(c) {
      for (const room of c.rooms) socket.leave(room);
      return sorted(socket.rooms);
    },
    rooms: () => sorted(socket.rooms),
    async fetchSockets(c) {
      const found = await many(c.target).fetchSockets();
      return found
        .map((s) => ({ id: s.id, rooms: sorted(s.rooms), data: s.data ?? {}, handshakeKeys: Object.keys(s.handshake).sort() }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    socketsJoin: call((c) => many(c.target).socketsJoin(c.rooms)),
    socketsLeave: call((c) => many(c.target).socketsLeave(c.rooms)),
    disconnectSockets: call((c) => many(c.target).disconnectSockets(c.close)),
    disconnect: call((c) => socket.disconnect(c.close)),
    serverSideEmit: call((c) => nsp.serverSideEmit(c.event, ...(c.args ?? []))),
    serverSideEmitWithAck: async (c) => ({ responses: await nsp.serverSideEmitWithAck(c.event, ...(c.args ?? [])) }),
    setData: call((c) => {
      socket.data = c.data;
    }),
    count: () => ({ sockets: nsp.sockets.size, clients: io.engine.clientsCount }),
    reasons: () => book.reasons.slice(),
    log: () => book.log.splice(0),
    guard: call(() => {
      state.guarded = true;
    }),
    unguard: call(() => {
      state.guarded = false;
    }),
    async hang(c) {
      await new Promise((resolve) => setTimeout(resolve, c.ms));
      setImmediate(c.release);
      return true;
    },
    // A throw would end Node; closing the connection is what a client of Gannet sees.
    panic: call(() => socket.conn.close()),
    flood: call((c) => {
      for (let i = 0; i < c.n; i++) socket.emit('flood', i, Buffer.alloc(c.size));
    }),
  };
}
