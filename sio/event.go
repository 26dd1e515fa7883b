package sio

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/loop"
)

// The kinds of tasks that an Event can be.
const (
	taskEvent uint8 = iota
	taskMiddleware
	taskConnection
	taskDisconnect
	taskError
	taskAck
	taskOutgoing
	taskDrain
)

// An Event is something that a client sent. It is borrowed: it and all bytes
// that it gives out are valid until the handler returns, and must be copied to
// be kept. Acker returns what can answer later. An Event may be used by one
// goroutine at a time.
type Event struct {
	socket  *Socket
	handler handler
	args    [][]byte // raw, in the dialect of the server; the name not included
	atts    [][]byte
	id      uint64
	bigID   string
	hasID   bool
	kind    uint8
	// unresolved says that the handler is looked up when it is the event's turn.
	unresolved bool

	few     [4][]byte // backing of args
	forward []any     // backing of Args
	raws    []packet.RawArg

	// Atomic: set by the first answer.
	answered *atomic.Bool // shared with Ackers; nil until one is made
	replied  bool

	buf  *bufpool.Buf // holds what args view, on a worker
	next *Event       // in an inbox or batch

	hooks    *hooks
	reason   DisconnectReason
	err      error
	reply    *Reply
	callback func(*Reply, error)
}

var events = sync.Pool{New: func() any { return new(Event) }}

// event dispatches an event that the client sent. p and atts are borrowed.
func (s *Socket) event(p *packet.Packet, atts [][]byte) {
	sh := s.client.shard
	name, ok := sh.srv.dialect.eventName(p, sh.name[:0])
	if !ok {
		sh.stats.unhandled++
		return
	}
	if s.greeting { // OnConnection may still register its handler
		e, _ := events.Get().(*Event)
		e.fill(s, handler{event: string(name)}, p, atts)
		e.own(p)
		e.unresolved = true
		s.push(e)
		return
	}
	h := s.handlerFor(name)
	if !sh.received(s, h, len(p.Data)) {
		if !s.listens() {
			return
		}
		h.event = string(name)
	}
	if h.inline && s.inbox.idle() && !sh.busy {
		s.runInline(h, p, atts)
		return
	}
	e, _ := events.Get().(*Event)
	e.fill(s, h, p, atts)
	e.own(p)
	s.push(e)
}

// received counts an event. It reports whether there is a handler for it.
func (sh *shard) received(s *Socket, h handler, bytes int) bool {
	if h.fn == nil {
		sh.stats.unhandled++
		return false
	}
	sh.stats.events++
	if f := sh.srv.opts.Trace.EventReceived; f != nil {
		f(s, h.event, bytes)
	}
	return true
}

// runInline handles an event at once, on views of the connection's input.
func (s *Socket) runInline(h handler, p *packet.Packet, atts [][]byte) {
	sh := s.client.shard
	e := &sh.inline
	sh.busy = true
	e.fill(s, h, p, atts)
	e.run()
	e.clear()
	sh.busy = false
	s.pump() // what the handler has caused
}

// handlerFor returns the handler of an event, the socket's own first.
func (s *Socket) handlerFor(name []byte) handler {
	if x := s.extra.Load(); x != nil {
		if own := x.handlers.Load(); own != nil {
			if h, ok := (*own)[string(name)]; ok {
				return h
			}
		}
	}
	return (*s.nsp.handlers.Load())[string(name)]
}

// Socket returns the socket that the event came from.
func (e *Event) Socket() *Socket { return e.socket }

// Name returns the name of the event.
func (e *Event) Name() string { return e.handler.event }

// offset returns the distance between two views of one array.
func offset(base, p *byte) int {
	return int(uintptr(unsafe.Pointer(p)) - uintptr(unsafe.Pointer(base)))
}

// Len returns the number of arguments.
func (e *Event) Len() int { return len(e.args) }

// Arg returns the JSON of argument i, from 0, or nil if there is none: with
// ParserJSON as it was on the wire. Binary is a placeholder object in it. Borrowed.
func (e *Event) Arg(i int) json.RawMessage { return e.dialect().json(e.args, i) }

// Binary returns argument i if it is binary, else nil. Borrowed.
func (e *Event) Binary(i int) []byte { return e.dialect().binary(e.args, e.atts, i) }

// Decode decodes the arguments into v, one for each, as json.Unmarshal does.
// A nil v skips its argument; arguments beyond len(v) are ignored. Binary goes
// into a []byte, at any depth. What was not sent decodes like null. The error
// is a *DecodeError.
func (e *Event) Decode(v ...any) error {
	for i, dst := range v {
		if dst == nil {
			continue
		}
		if err := e.dialect().decode(e.args, e.atts, i, dst); err != nil {
			return &DecodeError{Event: e.handler.event, Index: i, Err: err}
		}
	}
	return nil
}

// Args returns all arguments for passing on, as in Emit(name, e.Args()...):
// they leave as they came, binary included, nothing is decoded and nothing is
// allocated. The elements are opaque. Borrowed.
func (e *Event) Args() []any {
	if len(e.forward) > 0 {
		return e.forward
	}
	e.raws, e.forward = e.raws[:0], e.forward[:0]
	parser := e.dialect().parser()
	for _, arg := range e.args {
		e.raws = append(e.raws, packet.RawArg{Parser: parser, Raw: arg, Atts: e.atts})
	}
	for i := range e.raws {
		e.forward = append(e.forward, &e.raws[i])
	}
	return e.forward
}

// WantsAck tells whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.hasID }

// Ack answers the event. Only the first answer is sent. The error is ErrNoAck
// if the client asked for none, or about the arguments.
func (e *Event) Ack(args ...any) error {
	if !e.hasID {
		return ErrNoAck
	}
	if e.answered != nil {
		return e.Acker().Ack(args...)
	}
	if e.replied {
		return nil
	}
	e.replied = true
	return e.socket.ack(e.id, e.bigID, args)
}

// Acker returns what can answer the event later, from any goroutine, after the
// handler has returned.
func (e *Event) Acker() Acker {
	if e.answered == nil {
		e.answered = new(atomic.Bool)
		e.answered.Store(e.replied)
	}
	return Acker{socket: e.socket, id: e.id, bigID: e.bigID, valid: e.hasID, answered: e.answered}
}

func (e *Event) fill(s *Socket, h handler, p *packet.Packet, atts [][]byte) {
	e.socket, e.handler, e.atts = s, h, atts
	e.hasID, e.id, e.bigID = p.HasID, p.ID, p.BigID
	e.args = append(e.few[:0], p.Args[1:]...)
}

// own copies the bytes of the packet, so that the event outlives the read.
func (e *Event) own(p *packet.Packet) {
	e.buf = bufpool.Get(len(p.Data))
	e.buf.B = append(e.buf.B, p.Data...)
	base := unsafe.SliceData(p.Data)
	for i, arg := range e.args {
		at := offset(base, unsafe.SliceData(arg))
		e.args[i] = e.buf.B[at : at+len(arg) : at+len(arg)]
	}
}

// maxKeptArgs is how many arguments an event keeps backing for.
const maxKeptArgs = 64

// clear forgets everything but the backing arrays.
func (e *Event) clear() {
	forward, raws := e.forward, e.raws
	if cap(raws) > maxKeptArgs {
		forward, raws = nil, nil
	}
	*e = Event{forward: forward[:0], raws: raws[:0]}
}

// recycle gives an event of the pool back.
func (e *Event) recycle() {
	if e.buf != nil {
		e.buf.Release()
	}
	if e.kind == taskEvent {
		e.clear()
		events.Put(e)
	}
}

func (e *Event) size() int {
	n := 0
	if e.buf != nil {
		n = len(e.buf.B)
	}
	for _, a := range e.atts {
		n += len(a)
	}
	return n
}

// eventOverhead is about what an event takes that waits, beside its bytes.
const eventOverhead = 512

// weight returns about the memory of an event that waits. One with a thousand
// arguments of two bytes is mostly their slices.
func (e *Event) weight() int {
	return eventOverhead + e.size() + max(len(e.args)-len(e.few), 0)*int(unsafe.Sizeof(e.atts))
}

func (e *Event) dialect() *dialect { return &e.socket.nsp.srv.dialect }

// An Acker answers one event. It may be copied and used from any goroutine;
// only the first answer is sent.
type Acker struct {
	socket   *Socket
	id       uint64
	bigID    string
	valid    bool
	answered *atomic.Bool
}

// Ack answers the event; see Event.Ack. It works as long as the connection is
// open, even when the socket has left its namespace.
func (a Acker) Ack(args ...any) error {
	if !a.valid {
		return ErrNoAck
	}
	if a.answered.Swap(true) {
		return nil
	}
	return a.socket.ack(a.id, a.bigID, args)
}

// ack sends the answer to an event.
func (s *Socket) ack(id uint64, bigID string, args []any) error {
	b, err := s.nsp.srv.dialect.encodeAck(s.nsp.name, id, bigID, args)
	if err != nil {
		return err
	}
	l := s.client.shard.loop
	if s.client.shard.direct() {
		s.client.sendAny(b)
		l.Defer(b)
		return nil
	}
	if err := s.client.shard.post(loop.Message{Kind: msgAck, Obj: s, Ref: b}); err != nil {
		b.Release()
		return ErrServerClosed
	}
	return nil
}
