package sio

import (
	"slices"
	"sync/atomic"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/packet"
)

// An AnyListener is a catch-all listener of a socket; see Socket.OnAny.
type AnyListener struct {
	// Immutable.
	f func(*Event)
}

// listeners are what a socket has beside its handlers. A listeners is
// immutable.
type listeners struct {
	incoming []*AnyListener
	outgoing []*AnyListener
	use      []func(*Event) error
}

// OnAny adds f to what is called for each event of this socket, before the
// middlewares of Use and the handler, and also if there is no handler. It runs
// where the handler does: on a worker, or for an Inline handler on the event
// loop. The *AnyListener is for OffAny.
func (s *Socket) OnAny(f func(*Event)) *AnyListener {
	a := &AnyListener{f}
	s.listen(func(l *listeners) { l.incoming = append(slices.Clip(l.incoming), a) })
	return a
}

// PrependAny is OnAny in front of those that are there.
func (s *Socket) PrependAny(f func(*Event)) *AnyListener {
	a := &AnyListener{f}
	s.listen(func(l *listeners) { l.incoming = append([]*AnyListener{a}, l.incoming...) })
	return a
}

// OffAny removes the given listeners of OnAny and PrependAny, or all if none
// are given.
func (s *Socket) OffAny(which ...*AnyListener) {
	s.listen(func(l *listeners) { l.incoming = without(l.incoming, which) })
}

// ListenersAny returns the listeners of OnAny and PrependAny in the order in
// which they are called.
func (s *Socket) ListenersAny() []*AnyListener { return slices.Clone(s.listeners().incoming) }

// OnAnyOutgoing adds f to what is called for each event that is about to be
// sent to this socket, by Emit or by a broadcast, also if it is volatile and
// then dropped. Acknowledgements are not among them. It runs on the socket's
// event loop, when the event gets there, and must not block. The Event has the
// name and the arguments; it cannot be answered.
func (s *Socket) OnAnyOutgoing(f func(*Event)) *AnyListener {
	a := &AnyListener{f}
	s.listen(func(l *listeners) { l.outgoing = append(slices.Clip(l.outgoing), a) })
	return a
}

// PrependAnyOutgoing is OnAnyOutgoing in front of those that are there.
func (s *Socket) PrependAnyOutgoing(f func(*Event)) *AnyListener {
	a := &AnyListener{f}
	s.listen(func(l *listeners) { l.outgoing = append([]*AnyListener{a}, l.outgoing...) })
	return a
}

// OffAnyOutgoing removes the given listeners of OnAnyOutgoing and
// PrependAnyOutgoing, or all if none are given.
func (s *Socket) OffAnyOutgoing(which ...*AnyListener) {
	s.listen(func(l *listeners) { l.outgoing = without(l.outgoing, which) })
}

// ListenersAnyOutgoing returns the listeners of OnAnyOutgoing and
// PrependAnyOutgoing in the order in which they are called.
func (s *Socket) ListenersAnyOutgoing() []*AnyListener { return slices.Clone(s.listeners().outgoing) }

// Use adds a middleware that each event of this socket passes before its
// handler, behind the listeners of OnAny. An error drops the event: it goes to
// the OnError hooks of the namespace, and the client is not told. It runs where
// the handler does; see OnAny.
func (s *Socket) Use(m func(*Event) error) {
	s.listen(func(l *listeners) { l.use = append(slices.Clip(l.use), m) })
}

// Once is On for the next event alone.
func (s *Socket) Once(event string, h HandlerFunc) {
	var called atomic.Bool
	once := new(struct{ _ byte })
	checkEvent(event)
	s.changeHandlers(func(t handlerTable) {
		t[event] = handler{event: event, once: once, fn: func(e *Event) error {
			if called.Swap(true) {
				return nil // it was waiting when the first one was handled
			}
			s.changeHandlers(func(t handlerTable) {
				if t[event].once == once {
					delete(t, event)
				}
			})
			return h(e)
		}}
	})
}

// without returns list without some of its elements, or nil if none are named.
func without(list, which []*AnyListener) []*AnyListener {
	if len(which) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(list), func(a *AnyListener) bool { return slices.Contains(which, a) })
}

var noListeners listeners

// listeners returns what the socket has; it may be called from any goroutine.
func (s *Socket) listeners() *listeners {
	if x := s.extra.Load(); x != nil {
		if l := x.listeners.Load(); l != nil {
			return l
		}
	}
	return &noListeners
}

func (s *Socket) listen(change func(*listeners)) {
	at := &s.ensureExtra().listeners
	for {
		old, next := at.Load(), listeners{}
		if old != nil {
			next = *old
		}
		change(&next)
		if at.CompareAndSwap(old, &next) {
			return
		}
	}
}

// listens tells whether events without a handler are of interest.
func (s *Socket) listens() bool {
	l := s.listeners()
	return len(l.incoming) > 0 || len(l.use) > 0
}

// screen shows an event to the listeners of its socket and then to the
// middlewares. It reports whether all of them let it through.
func (e *Event) screen() bool {
	s := e.socket
	l := s.listeners()
	for _, a := range l.incoming {
		a.f(e)
	}
	for _, m := range l.use {
		if err := m(e); err != nil {
			for _, h := range s.nsp.hooks.Load().errors {
				h(s, err)
			}
			return false
		}
	}
	return true
}

// outgoing is a packet that a socket's listeners are to be told of.
type outgoing struct {
	socket *Socket
	buf    *bufpool.Buf
}

// announce tells the listeners about a packet that is about to be sent, at
// once or, while rooms are being iterated, afterwards.
func (s *Socket) announce(b *bufpool.Buf) {
	if len(s.listeners().outgoing) == 0 {
		return
	}
	sh := s.client.shard
	b.Retain()
	sh.outgoing = append(sh.outgoing, outgoing{s, b})
	if !sh.casting {
		sh.reportOutgoing()
	}
}

// reportOutgoing tells the listeners what was sent during a broadcast. A
// listener may send more.
func (sh *shard) reportOutgoing() {
	if len(sh.outgoing) == 0 {
		return
	}
	list := sh.outgoing
	sh.outgoing = nil
	for _, o := range list {
		e := &Event{socket: o.socket, kind: taskOutgoing}
		if e.view(o.buf.B) {
			e.run()
		}
		o.buf.Release()
	}
}

// view makes e show the event that the frames of a packet hold.
func (e *Event) view(frames []byte) bool {
	var p packet.Packet
	d := e.dialect()
	atts, err := d.parse(frames, &p)
	if err != nil {
		return false
	}
	var name [64]byte
	n, ok := d.eventName(&p, name[:0])
	if !ok {
		return false
	}
	e.fill(e.socket, handler{event: string(n)}, &p, atts)
	e.hasID = false
	return true
}
