package sio

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/rooms"
)

// The states of a socket, in their order.
const (
	stateConnecting uint32 = iota // in middleware
	stateConnected
	stateClosed
)

// A Socket is one client in one namespace. All its methods may be called from
// any goroutine, at any time; after the disconnect they do nothing or return
// ErrSocketClosed.
type Socket struct {
	// Immutable after newSocket, but for nsp, which found sets.
	nsp    *Namespace
	client *client
	id     [engine.SIDLen]byte // of a client of Socket.IO 2 it is socketExtra.id

	// Owned by the loop goroutine.
	listed  bool // among the sockets of the client
	ownLeft bool // it has left the room of its own id
	// greeting says that the OnConnection hooks have not returned yet.
	greeting bool
	leaving  bool // counted in clientExtra.leaving

	// Atomic: written by the loop, and markMute by everyone; read by everyone.
	state atomic.Uint32
	marks atomic.Uint32

	// Owned by the loop goroutine.
	inbox *inbox
	entry rooms.Entry[*Socket]

	// Atomic: written once, by whoever needs it first.
	extra atomic.Pointer[socketExtra]
}

// The marks of a socket.
const (
	markSlow      uint32 = 1 << iota // about to be disconnected for not reading
	markFull                         // in as many rooms as it may be
	markMute                         // disconnected by the server: waiting events are not handled
	markRecovered                    // it goes on where an earlier socket was lost
)

// socketExtra is what many sockets never need. Without it a socket is 104
// bytes, and most sockets are the first of their client and in its object.
type socketExtra struct {
	// Immutable after newSocket.
	auth []byte // the payload of the CONNECT, in the dialect of the server
	id   string // of a client of Socket.IO 2

	// Immutable once the socket is known to anybody; nil without recovery.
	rec *recoverable

	// Atomic: written and read by everyone.
	data     atomic.Pointer[any]
	handlers atomic.Pointer[handlerTable] // of this socket alone
	life     atomic.Pointer[socketContext]
	// Catch-all listeners and middlewares of this socket.
	listeners atomic.Pointer[listeners]

	// Atomic: written by the loop and the worker that runs the disconnect
	// hooks; nil before, and where there is nothing to tell.
	farewell atomic.Pointer[farewell]

	// Owned by the loop goroutine.
	acks    map[uint64]*pendingAck // by id
	pending *pending               // what was recovered and not sent yet
}

// newSocket makes a socket of the client. The first one has its place in the
// client. auth is copied.
func newSocket(n *Namespace, c *client, auth []byte) *Socket {
	s := &c.first
	if s.client != nil { // it was used, and somebody may still hold it
		s = new(Socket)
	}
	s.nsp, s.client = n, c
	c.shard.eng.MakeID(n.srv.ids, c.Slot(), &s.id)
	if len(auth) > 0 {
		s.extra.Store(&socketExtra{auth: slices.Clone(auth)})
	}
	s.entry.Value = s
	if c.legacy() {
		s.nameLegacy()
	}
	if n.shards != nil {
		s.enter()
	}
	return s
}

// ID returns the id of the socket: 20 characters of [A-Za-z0-9_-], unguessable,
// and also the name of a room with this socket alone. For a client of Socket.IO
// 2 it is the id of the session, with the namespace and a # in front unless that
// is "/", as such clients expect. The string is a part of the socket and keeps
// it in memory: use strings.Clone where it is kept for longer than the socket.
func (s *Socket) ID() string {
	if s.client.legacy() {
		return s.extra.Load().id
	}
	return unsafe.String(&s.id[0], len(s.id))
}

// Namespace returns the namespace of the socket.
func (s *Socket) Namespace() *Namespace { return s.nsp }

// Connected tells whether the socket is connected. In a middleware it is not
// yet.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

// Data returns what SetData was given last, or nil.
func (s *Socket) Data() any {
	if x := s.extra.Load(); x != nil {
		if p := x.data.Load(); p != nil {
			return *p
		}
	}
	return nil
}

// SetData attaches a value to the socket. FetchSockets returns it too.
func (s *Socket) SetData(v any) { s.ensureExtra().data.Store(&v) }

// Emit sends an event to the client. It does not wait: the error is
// ErrSocketClosed, ErrSlowConsumer, or about the event itself. In a middleware
// the event is sent in front of the answer to the CONNECT; official clients
// keep it until then.
func (s *Socket) Emit(event string, args ...any) error { return s.emit(event, args, 0, "") }

// On registers h for an event of this socket alone, in place of an earlier
// one; it goes before the namespace's handler. It costs memory only on sockets
// where it is used. It panics if the name is reserved.
func (s *Socket) On(event string, h HandlerFunc) { s.handle(event, h, false) }

// Handle is On. It makes Socket a Registrar.
func (s *Socket) Handle(event string, h HandlerFunc) { s.handle(event, h, false) }

// Inline returns a Registrar for handlers of this socket that run on the event
// loop; see Namespace.Inline.
func (s *Socket) Inline() Registrar { return inlineSocket{s} }

// closedOr tells a stopped loop from a full one.
func closedOr(err, full error) error {
	if err == loop.ErrClosed { //nolint:errorlint // a sentinel that is never wrapped
		return ErrServerClosed
	}
	return full
}

// Off removes this socket's own handler of an event.
func (s *Socket) Off(event string) {
	s.changeHandlers(func(t handlerTable) { delete(t, event) })
}

// Disconnect ends the socket with ReasonServerDisconnect. With closeConn the
// connection under it, and with it the client's sockets in other namespaces,
// are closed too; without, it stays open. Events that wait for their handlers are
// not handled any more.
func (s *Socket) Disconnect(closeConn bool) {
	sh := s.client.shard
	if sh.direct() {
		s.disconnectLocal(closeConn)
		return
	}
	var arg uint32
	if closeConn {
		arg = 1
	}
	if s.Connected() {
		s.mark(markMute)
	}
	_ = sh.post(loop.Message{Kind: msgDisconnect, Obj: s, Arg: arg})
}

// Context returns a context that ends when the socket disconnects.
func (s *Socket) Context() context.Context {
	life := &s.ensureExtra().life
	l := life.Load()
	if l == nil {
		ctx, cancel := context.WithCancel(context.Background())
		l = &socketContext{ctx, cancel}
		if !life.CompareAndSwap(nil, l) {
			cancel()
			l = life.Load()
		}
	}
	if s.state.Load() == stateClosed {
		l.cancel()
	}
	return l.ctx
}

func (s *Socket) emit(event string, args []any, flags uint16, key string) error {
	if s.nsp.keeps(flags, key, event) {
		if done, err := s.emitKept(event, args, flags); done {
			return err
		}
	}
	if err := s.usable(); err != nil {
		return err
	}
	key = s.nsp.key(key, event)
	if flags == 0 && key == "" && s.client.shard.direct() && len(s.listeners().outgoing) == 0 {
		return s.emitLocal(event, args)
	}
	b, err := s.nsp.srv.dialect.encodeEvent(s.nsp.name, -1, event, args)
	if err != nil {
		return err
	}
	b.Plain = flags&flagPlain != 0
	return s.sendBuf(b, flags, key)
}

// sendBuf sends an encoded packet and gives up the reference to it.
func (s *Socket) sendBuf(b *bufpool.Buf, flags uint16, key string) error {
	sh := s.client.shard
	l := sh.loop
	if sh.direct() {
		err := s.sendLocal(b, flags, key)
		l.Defer(b)
		if !sh.casting {
			sh.reportDrops()
		}
		return err
	}
	m := loop.Message{Kind: msgSend, Flags: flags, Obj: s, Ref: b, Text: key}
	if flags&flagVolatile != 0 {
		if err := sh.tryPost(m); err != nil {
			b.Release()
			return closedOr(err, ErrDropped)
		}
		return nil
	}
	if err := sh.post(m); err != nil {
		b.Release()
		return ErrServerClosed
	}
	return nil
}

type inlineSocket struct{ s *Socket }

func (i inlineSocket) Handle(event string, h HandlerFunc) { i.s.handle(event, h, true) }

func (s *Socket) usable() error {
	if s.state.Load() == stateClosed {
		return ErrSocketClosed
	}
	if s.marked(markSlow) {
		return ErrSlowConsumer
	}
	return nil
}

// sendLocal queues a packet on the loop, behind the broadcasts that wait. The
// error says why it was not queued.
func (s *Socket) sendLocal(b *bufpool.Buf, flags uint16, key string) error {
	s.client.shard.settle()
	return s.queue(b, flags, key)
}

func (s *Socket) queue(b *bufpool.Buf, flags uint16, key string) error {
	sh := s.client.shard
	if s.state.Load() != stateClosed {
		s.announce(b) // to listeners, which may disconnect the socket
	}
	if s.state.Load() == stateClosed {
		sh.stats.closedDrops++
		return ErrSocketClosed
	}
	if flags&flagVolatile != 0 && !s.client.Session.Writable() {
		sh.stats.volatileDrops++
		sh.noteDrop(s, "volatile")
		return ErrDropped
	}
	flow := &s.nsp.flow
	if flags&flagKeep != 0 {
		flow, key = nil, ""
	}
	switch s.client.SendEvent(b, flow, key) {
	case engine.SentClosed:
		sh.stats.closedDrops++
		return s.closedError()
	case engine.SentDropped:
		return ErrDropped
	case engine.SentQueued:
	}
	if s.client.Overflowed() {
		s.mark(markSlow)
	}
	sh.stats.emitted++
	return nil
}

// closedError says why a packet was refused.
func (s *Socket) closedError() error {
	if err := s.usable(); err != nil {
		return err
	}
	return ErrSocketClosed
}

func (s *Socket) handle(event string, h HandlerFunc, inline bool) {
	checkEvent(event)
	s.changeHandlers(func(t handlerTable) { t[event] = handler{event: event, fn: h, inline: inline} })
}

func (s *Socket) changeHandlers(change func(handlerTable)) {
	handlers := &s.ensureExtra().handlers
	for {
		old := handlers.Load()
		next := handlerTable{}
		if old != nil {
			next = maps.Clone(*old)
		}
		change(next)
		if handlers.CompareAndSwap(old, &next) {
			return
		}
	}
}

// disconnectLocal is Disconnect on the loop.
func (s *Socket) disconnectLocal(closeConn bool) {
	if s.state.Load() != stateConnected {
		return
	}
	c := s.client
	if !closeConn {
		s.serverDisconnect()
		return
	}
	for _, other := range slices.Collect(c.sockets()) {
		other.serverDisconnect()
	}
	c.end(nil)
}

// serverDisconnect sends DISCONNECT and ends the socket.
func (s *Socket) serverDisconnect() {
	if s.state.Load() != stateConnected {
		return
	}
	d := &s.nsp.srv.dialect
	b := d.newFrame(64)
	b.B = d.parser().AppendDisconnect(b.B, s.nsp.name)
	s.client.sendControl(b)
	s.mark(markMute)
	s.client.remove(s)
	s.closed(ReasonServerDisconnect, nil)
}

// admit has the middlewares decide about a socket.
func (s *Socket) admit() {
	if s.nsp.log != nil {
		s.introduce()
		return
	}
	s.screen()
}

// screen asks the middlewares, or goes on without them.
func (s *Socket) screen() {
	skip := s.Recovered() && !s.nsp.srv.opts.ConnectionStateRecovery.RunMiddlewares
	if len(s.nsp.hooks.Load().middleware) > 0 && !skip {
		s.push(&Event{socket: s, kind: taskMiddleware})
		return
	}
	s.admitted(nil)
}

// exit takes a socket that is closed out of its namespace. connected says that
// it has been connected.
func (s *Socket) exit(connected bool) {
	if s.nsp.shards != nil {
		if s.nsp.srv.roomTrace {
			s.traceLeaveAll(connected && !s.Recovered())
		}
		s.shard().index.Remove(&s.entry)
	}
	s.endLife()
	s.nsp.drop()
}

// admitted completes the connection of a socket whose middlewares are done.
func (s *Socket) admitted(err error) {
	c := s.client
	if s.state.Load() != stateConnecting || !c.IsOpen() {
		return // the connection was lost meanwhile, or is waiting for its end
	}
	if err != nil {
		s.state.Store(stateClosed)
		s.disown()
		c.remove(s)
		s.exit(false)
		c.shard.wake(s)
		s.failAcks(ErrSocketClosed) // of events that a middleware has sent
		c.refuse(s.nsp.name, clientError(err))
		return
	}
	sh := c.shard
	if s.nsp.log != nil && !s.takePlace() {
		return
	}
	sh.settle() // those are not for this socket
	s.state.Store(stateConnected)
	sh.stats.connects++
	sh.stats.sockets++
	s.shard().sockets.Add(1)
	c.joined()
	if sh.srv.roomTrace {
		s.traceJoin(s.ID())
	}
	d := &sh.srv.dialect
	b := d.newFrame(64)
	id := s.ID()
	if s.client.legacy() {
		id = ""
	}
	b.B = d.parser().AppendConnect(b.B, s.nsp.name, id, s.pid())
	c.sendControl(b)
	if f := sh.srv.opts.Trace.Connected; f != nil {
		f(s)
	}
	k := s.nsp.hooks.Load()
	if len(k.connection) > 0 {
		s.greeting = true
		s.push(&Event{socket: s, kind: taskConnection, hooks: k})
	} else if sh.srv.opts.DropHandshake {
		c.DropHandshake()
	}
}

// closed ends the socket on the loop. err is what lies behind the reason, if
// there is anything. It is idempotent.
func (s *Socket) closed(reason DisconnectReason, err error) {
	if s.nsp.log != nil {
		s.client.shard.settle() // it has got those, or missed them
	}
	was := s.state.Swap(stateClosed)
	if was == stateClosed {
		return
	}
	sh := s.client.shard
	sh.wake(s)
	k := s.nsp.hooks.Load()
	hooked := was == stateConnected && (len(k.disconnecting) > 0 || len(k.disconnect) > 0)
	if hooked && len(k.disconnecting) > 0 {
		s.ensureExtra().farewell.Store(&farewell{s.appendRooms([]string{}), err})
	} else if hooked && err != nil {
		s.ensureExtra().farewell.Store(&farewell{[]string{}, err})
	}
	s.park(was, reason, hooked)
	s.failAcks(ErrSocketClosed)
	if was == stateConnected {
		s.shard().sockets.Add(-1)
	}
	s.exit(was == stateConnected)
	if was == stateConnecting {
		return // nobody has heard of it yet
	}
	sh.stats.disconnects++
	sh.stats.sockets--
	if f := sh.srv.opts.Trace.Disconnected; f != nil {
		f(s, reason)
	}
	if hooked {
		s.push(&Event{socket: s, kind: taskDisconnect, hooks: k, reason: reason})
	}
	if s.client.IsOpen() && !s.inbox.idle() {
		s.client.leave(s)
	}
}

// failed tells the OnError hooks of a decode error.
func (s *Socket) failed(err error) {
	if k := s.nsp.hooks.Load(); len(k.errors) > 0 && s.state.Load() == stateConnected {
		s.push(&Event{socket: s, kind: taskError, hooks: k, err: err})
	}
}

// socketContext is the lazily made context of a socket.
type socketContext struct {
	ctx    context.Context //nolint:containedctx // this is the socket's life, ended by its disconnect
	cancel context.CancelFunc
}

// shard returns the part of the namespace on the socket's loop.
func (s *Socket) shard() *nspShard { return &s.nsp.shards[s.client.shard.loop.ID()] }

func (s *Socket) endLife() {
	if x := s.extra.Load(); x != nil {
		if l := x.life.Load(); l != nil {
			l.cancel()
		}
	}
}

// ensureExtra returns the extra part of the socket. It may be called from any
// goroutine.
func (s *Socket) ensureExtra() *socketExtra {
	x := s.extra.Load()
	if x == nil {
		x = new(socketExtra)
		if !s.extra.CompareAndSwap(nil, x) {
			x = s.extra.Load()
		}
	}
	return x
}

// mark sets a mark: markMute from anywhere, others on the loop.
func (s *Socket) mark(m uint32) { s.marks.Or(m) }

func (s *Socket) unmark(m uint32) { s.marks.And(^m) }

func (s *Socket) marked(m uint32) bool { return s.marks.Load()&m != 0 }
