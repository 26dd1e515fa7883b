package sio

import (
	"context"
	"slices"
	"strconv"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
)

// A SlowPolicy says what becomes of an event for a socket whose connection has
// Options.MaxQueue bytes waiting. It concerns the events of its namespace that
// want no acknowledgement. Acknowledgements, events that want one, packets of
// the protocol and heartbeats are never dropped; when they alone, together with
// the events of namespaces that drop nothing, are more than MaxQueue, the
// connection is closed. Whatever is dropped is a whole packet, attachments
// included, of which nothing was written yet.
type SlowPolicy uint8

// The policies.
const (
	// SlowDisconnect closes the connection with ReasonSlowConsumer. It is the
	// default.
	SlowDisconnect SlowPolicy = iota
	// SlowDropNewest drops the event; Emit then returns ErrDropped where it
	// knows.
	SlowDropNewest
	// SlowDropOldest drops the oldest events of the namespaces that have this
	// policy until there is room; without any, it drops the event.
	SlowDropOldest
	// SlowConflate gives every event that has no key its name as the key, as if
	// it were sent with Target.Latest: a socket that is behind waits for the
	// newest of each. If that is more than MaxQueue, the connection is closed.
	SlowConflate
)

// String returns the name of the policy, such as "drop newest".
func (p SlowPolicy) String() string {
	switch p {
	case SlowDisconnect:
		return "disconnect"
	case SlowDropNewest:
		return "drop newest"
	case SlowDropOldest:
		return "drop oldest"
	case SlowConflate:
		return "conflate"
	}
	return "SlowPolicy(" + strconv.Itoa(int(p)) + ")"
}

// dropCauses are the causes of the engine as Trace.Dropped gets them.
var dropCauses = [...]string{
	engine.CauseNewest: "newest", engine.CauseOldest: "oldest", engine.CauseConflated: "conflated",
}

// A drop is what Trace.Dropped is to be told.
type drop struct {
	socket *Socket
	cause  string
}

// SetSlowConsumer says what becomes of the namespace's events for clients that
// do not read. It may be called at any time, and holds for what is sent from
// then on. It panics if there is no such policy.
func (n *Namespace) SetSlowConsumer(p SlowPolicy) {
	policy := engine.PolicyDisconnect
	switch p {
	case SlowDisconnect, SlowConflate:
	case SlowDropNewest:
		policy = engine.PolicyDropNewest
	case SlowDropOldest:
		policy = engine.PolicyDropOldest
	default:
		panic("sio: SetSlowConsumer: no such policy: " + p.String())
	}
	n.slow.Store(uint32(p))
	n.flow.SetPolicy(policy)
}

// SlowConsumer returns what SetSlowConsumer was given.
func (n *Namespace) SlowConsumer() SlowPolicy { return SlowPolicy(n.slow.Load()) }

// OnDrain adds h to what is called when a socket whose Writable was false can be
// sent more: no more than Options.SoftQueue waits for it. It runs on a worker
// and may block; only that socket waits. As with every hook it is the turn of h
// when the socket's handlers before it have returned, so a handler must not wait
// for it: Socket.AwaitWritable is for that.
func (n *Namespace) OnDrain(h func(*Socket)) {
	n.addHook(func(k *hooks) { k.drain = append(k.drain, h) })
}

// key returns the key of an event.
func (n *Namespace) key(key, event string) string {
	if key == "" && SlowPolicy(n.slow.Load()) == SlowConflate {
		return event
	}
	return key
}

// Writable tells whether the client keeps up: it is connected, and no more than
// Options.SoftQueue waits because the client did not take it. What was emitted
// a moment ago on another goroutine than the loop's may not be among it yet.
// Nothing is refused while it is false; a producer that can wait should. When it
// becomes true again, the OnDrain hooks are called.
func (s *Socket) Writable() bool {
	return s.state.Load() != stateClosed && !s.client.Congested()
}

// AwaitWritable waits until the socket is writable and everything that the
// calling goroutine has emitted to it before is taken into account: a producer
// that calls it before each Emit is never ahead of its client by more than
// Options.SoftQueue and one event. The error is ErrSocketClosed, ErrSlowConsumer,
// ErrServerClosed or that of ctx. It must not be called on a loop, where it
// returns ErrOnLoop.
func (s *Socket) AwaitWritable(ctx context.Context) error {
	if s.nsp.srv.onAnyLoop() {
		return ErrOnLoop
	}
	if err := s.usable(); err != nil {
		return err
	}
	l := s.client.shard.loop
	ready := make(chan struct{})
	if l.Post(loop.Message{Kind: msgAwait, Obj: s, Ref: ready}) != nil {
		return ErrServerClosed
	}
	select {
	case <-ready:
		return s.usable()
	case <-ctx.Done():
		_ = l.Post(loop.Message{Kind: msgForget, Obj: s, Ref: ready})
		return ctx.Err()
	}
}

// awaitLocal closes ready when the socket is writable, or is closed.
func (s *Socket) awaitLocal(ready chan struct{}) {
	sh := s.client.shard
	sh.settle()
	if s.state.Load() == stateClosed || !s.client.Measure() {
		close(ready)
		return
	}
	if sh.waiters == nil {
		sh.waiters = map[*Socket][]chan struct{}{}
	}
	sh.waiters[s] = append(sh.waiters[s], ready)
}

// forget takes back what awaitLocal has kept.
func (sh *shard) forget(s *Socket, ready chan struct{}) {
	list := slices.DeleteFunc(sh.waiters[s], func(c chan struct{}) bool { return c == ready })
	if len(list) == 0 {
		delete(sh.waiters, s)
	} else {
		sh.waiters[s] = list
	}
}

// wake ends the waits for a socket.
func (sh *shard) wake(s *Socket) {
	for _, ready := range sh.waiters[s] {
		close(ready)
	}
	delete(sh.waiters, s)
}

// drained is called when the connection of the socket is not congested any
// more.
func (s *Socket) drained() {
	s.client.shard.wake(s)
	if k := s.nsp.hooks.Load(); len(k.drain) > 0 && s.state.Load() == stateConnected {
		s.push(&Event{socket: s, kind: taskDrain, hooks: k})
	}
}

// noteDrop has Trace.Dropped told about a packet, when nothing is under way that
// the hook could disturb.
func (sh *shard) noteDrop(s *Socket, cause string) {
	if sh.srv.opts.Trace.Dropped != nil {
		sh.drops = append(sh.drops, drop{s, cause})
	}
}

// reportDrops tells Trace.Dropped what was dropped. The hook may send, and so
// start another report.
func (sh *shard) reportDrops() {
	for len(sh.drops) > 0 {
		drops := sh.drops
		sh.drops = nil
		for _, d := range drops {
			sh.srv.opts.Trace.Dropped(d.socket, d.cause)
		}
	}
}
