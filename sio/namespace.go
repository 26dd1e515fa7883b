package sio

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/rooms"
)

// A HandlerFunc handles one event. On a worker, the default, it may block:
// only later events of the same socket wait. An error that it returns is
// reported to Trace.HandlerError; it does not reach the client.
type HandlerFunc func(*Event) error

// A Registrar takes event handlers: a *Namespace, a *Socket, or what their
// Inline methods return.
type Registrar interface {
	// Handle registers h for event, in place of an earlier handler. It panics
	// if the name is reserved.
	Handle(event string, h HandlerFunc)
}

// A Namespace is a set of sockets with handlers and rooms of their own. All
// its methods may be called from any goroutine.
type Namespace struct {
	// Immutable after newNamespace.
	srv    *Server
	name   string
	shards []nspShard       // one for each loop; nil if it cannot have sockets
	family *ParentNamespace // that it is the base of
	parent *ParentNamespace // that it is a child of
	log    *eventLog        // nil without recovery
	ready  chan struct{}    // closed when clients may connect; nil if always

	// Atomic: what needs a child, sockets and CONNECTs that found it; abandoned
	// when it was removed. Written by everyone.
	users atomic.Int32

	// Atomic: replaced under mu, read by the loops.
	handlers atomic.Pointer[handlerTable]
	hooks    atomic.Pointer[hooks]

	// Atomic: set before clients may connect, taken away at the end.
	adapter atomic.Pointer[Adapter]

	// Atomic: replaced under mu, read by everyone.
	serverSide atomic.Pointer[serverHandlers]

	// Atomic: what SetSlowConsumer was given.
	slow atomic.Uint32

	// Immutable after newNamespace, with a policy that is atomic. The events of
	// the namespace, as its queues see them.
	flow engine.Flow

	// Atomic: the next ack id; shared by all sockets and broadcasts, as in Node.
	ackID atomic.Uint64

	census census // used if Trace has hooks for rooms

	mu sync.Mutex // guards writing of handlers and hooks
}

// nspShard is the part of a namespace that belongs to one loop.
type nspShard struct {
	// Owned by the loop goroutine.
	index rooms.Index[*Socket]

	presence presence

	// Atomic: written by the loop, read by everyone.
	sockets atomic.Int64 // that are connected
}

type handlerTable map[string]handler

type handler struct {
	event  string
	fn     HandlerFunc
	inline bool
	once   *struct{ _ byte } // identity of a handler of Once
}

// hooks are the callbacks of a namespace. A hooks is immutable.
type hooks struct {
	connection    []func(*Socket)
	disconnecting []func(*Socket, DisconnectReason)
	disconnect    []func(*Socket, DisconnectReason)
	errors        []func(*Socket, error)
	drain         []func(*Socket)
	middleware    []func(*Socket) error
}

func newNamespace(s *Server, name string) *Namespace {
	n := bareNamespace(s, name)
	n.shards = make([]nspShard, s.opts.Loops)
	n.log = newEventLog(n)
	for i, sh := range s.shards {
		n.shards[i].index.Lookup = func(room string) *rooms.Entry[*Socket] { return sh.lookup(n, room) }
	}
	return n
}

// bareNamespace returns a namespace that cannot have sockets.
func bareNamespace(s *Server, name string) *Namespace {
	n := &Namespace{srv: s, name: name}
	n.handlers.Store(&noHandlers)
	n.hooks.Store(&noHooks)
	return n
}

// What a namespace begins with. They are never changed, but replaced.
var (
	noHandlers handlerTable
	noHooks    hooks
)

// Name returns the name of the namespace, such as "/" or "/chat".
func (n *Namespace) Name() string { return n.name }

// Server returns the server of the namespace.
func (n *Namespace) Server() *Server { return n.srv }

// Len returns the number of sockets that are connected to the namespace on this
// node.
func (n *Namespace) Len() int {
	total := 0
	for i := range n.shards {
		total += int(n.shards[i].sockets.Load())
	}
	return total
}

// OnConnection adds h to what is called when a socket has connected, before
// any of its events is handled. It runs on a worker and may block; only that
// socket waits.
func (n *Namespace) OnConnection(h func(*Socket)) {
	n.srv.greets.Store(true)
	n.addHook(func(k *hooks) { k.connection = append(k.connection, h) })
}

// OnDisconnecting adds h to what is called when a socket is about to leave
// the namespace: Socket.Rooms still tells its rooms.
func (n *Namespace) OnDisconnecting(h func(*Socket, DisconnectReason)) {
	n.addHook(func(k *hooks) { k.disconnecting = append(k.disconnecting, h) })
}

// OnDisconnect adds h to what is called when a socket has left the namespace,
// after its last event was handled.
func (n *Namespace) OnDisconnect(h func(*Socket, DisconnectReason)) {
	n.addHook(func(k *hooks) { k.disconnect = append(k.disconnect, h) })
}

// OnError adds h to what is called when a client sent something that cannot
// be decoded. Its connection is closed.
func (n *Namespace) OnError(h func(*Socket, error)) {
	n.addHook(func(k *hooks) { k.errors = append(k.errors, h) })
}

// Use adds a middleware that every socket passes before it is connected, in
// the order of their registration. It may block. An error refuses the socket:
// the client gets a connect_error with the message and data of an *Error, or
// "internal error" for an error of another type.
func (n *Namespace) Use(m func(*Socket) error) {
	n.srv.greets.Store(true)
	n.addHook(func(k *hooks) { k.middleware = append(k.middleware, m) })
}

// Handle registers h for an event of every socket of the namespace, in place
// of an earlier handler. Handlers run on workers, in order for each socket. A
// handler that a socket has of its own goes first. It panics if the name is
// reserved.
func (n *Namespace) Handle(event string, h HandlerFunc) { n.handle(event, h, false) }

// Off removes the handler of an event.
func (n *Namespace) Off(event string) { n.changeHandlers(func(t handlerTable) { delete(t, event) }) }

// Inline returns a Registrar for handlers that run on the event loop itself:
// the fastest way, without a goroutine switch or a copy. They must not block,
// not even for a lock that is held for long; everything else on the loop
// waits meanwhile. The order of a socket's events is kept whether their
// handlers are inline or not.
func (n *Namespace) Inline() Registrar { return inlineNamespace{n} }

// Emit sends an event to every socket of the namespace. The error is about
// the event: a reserved name, or an argument that cannot be encoded.
func (n *Namespace) Emit(event string, args ...any) error { return n.target().Emit(event, args...) }

type inlineNamespace struct{ n *Namespace }

func (i inlineNamespace) Handle(event string, h HandlerFunc) { i.n.handle(event, h, true) }

// Send sends a message that was encoded before to every socket.
func (n *Namespace) Send(m *Message) error { return n.target().Send(m) }

// checkEvent panics if event cannot have a handler.
func checkEvent(event string) {
	if packet.ReservedEvent(event) {
		panic("sio: " + event + ": reserved event name")
	}
}

// To returns a Target with the sockets in any of the rooms. The id of a
// socket is a room with that socket.
func (n *Namespace) To(rooms ...string) Target { return n.target().To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Target { return n.target().To(rooms...) }

// Except returns a Target without the sockets in any of the rooms.
func (n *Namespace) Except(rooms ...string) Target { return n.target().Except(rooms...) }

// Local returns a Target on this node alone.
func (n *Namespace) Local() Target { return n.target().Local() }

// Volatile returns a Target whose packets are dropped for sockets that cannot
// take them at once.
func (n *Namespace) Volatile() Target { return n.target().Volatile() }

// Latest returns a Target with every socket and a key; see Target.Latest.
func (n *Namespace) Latest(key string) Target { return n.target().Latest(key) }

// Compress returns a Target whose packets may or may not be compressed; see
// Target.Compress.
func (n *Namespace) Compress(on bool) Target { return n.target().Compress(on) }

// Timeout returns a Target with every socket; see Target.Timeout.
func (n *Namespace) Timeout(d time.Duration) Target { return n.target().Timeout(d) }

// All returns a Target with every socket of the namespace.
func (n *Namespace) All() Target { return n.target() }

func (n *Namespace) addHook(add func(*hooks)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.hooks.Load()
	k := &hooks{
		connection:    slices.Clone(old.connection),
		disconnecting: slices.Clone(old.disconnecting),
		disconnect:    slices.Clone(old.disconnect),
		errors:        slices.Clone(old.errors),
		drain:         slices.Clone(old.drain),
		middleware:    slices.Clone(old.middleware),
	}
	add(k)
	n.hooks.Store(k)
}

func (n *Namespace) handle(event string, h HandlerFunc, inline bool) {
	checkEvent(event)
	n.changeHandlers(func(t handlerTable) { t[event] = handler{event: event, fn: h, inline: inline} })
}

func (n *Namespace) changeHandlers(change func(handlerTable)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := handlerTable{}
	maps.Copy(next, *n.handlers.Load())
	change(next)
	n.handlers.Store(&next)
}

func (n *Namespace) target() Target { return Target{nsp: n} }
