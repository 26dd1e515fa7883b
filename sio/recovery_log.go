package sio

import (
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
)

// An eventLog numbers the events of a namespace and keeps the latest.
//
// Every event gets its position and its place in the streams of all loops that
// it concerns under mu. So all loops see the events in one order, that of their
// positions, and a client that has received one has received all before it
// that were for it. See the type stream for what else is in that order, and
// enter for how a socket gets its place in it.
type eventLog struct {
	// Immutable after newEventLog.
	nsp      *Namespace
	srv      *Server
	budget   *logBudget // of the namespace, or of all children
	seed     maphash.Seed
	maxBytes int64
	lifetime int64 // of a leftover, in milliseconds
	keep     int64 // of an event

	mu     sync.Mutex // guards following
	head   uint64     // the position of the latest event
	events []keptEvent
	count  int                     // events from head-count+1 to head are kept, each at its position modulo len(events)
	bytes  int                     // of them
	marks  []logMark               // each further than the one before
	owners map[string]*recoverable // by pid: of sockets and of leftovers
	first  *recoverable            // of the leftovers, the oldest
	last   *recoverable
	lefts  int
	room   int // bytes of the leftovers
	unheld int // leftovers that have gone and no longer keep the namespace
	closed bool
	stats  logStats
}

// A logBudget is what MaxBytes bounds. Clients make as many children as they
// like, up to MaxDynamicNamespaces, so all of them have one together.
type logBudget struct {
	// Atomic: written and read under the locks of the logs that share it.
	events atomic.Int64 // bytes of events
	room   atomic.Int64 // bytes of leftovers
}

// logStats are the counters of an eventLog.
type logStats struct {
	kept, recovered, refused, replayed, evicted, evictedSockets uint64
}

// A logMark says where the log was at a time of the loops' clock.
type logMark struct {
	position uint64
	at       int64
}

// A keptEvent is an event and whom it was for.
type keptEvent struct {
	buf  *bufpool.Buf // a reference
	room string       // the one room it was for; "" says that route knows, or that it was for all
	to   *route
	hash uint8 // of room: its bit in a pending's
}

// A route is a target that is not one room.
type route struct{ include, exclude names }

// keptOverhead is what an event costs beside its buffer.
const keptOverhead = 96

// A recoverable is what the sockets of one client have in common that recover
// one another.
type recoverable struct {
	// Immutable after startAnew.
	log     *eventLog
	id, pid [engine.SIDLen]byte

	// Owned by the loop goroutine of the socket that has it; handed over under
	// log.mu.
	since uint64 // where the first socket connected
	sent  uint64 // the last event that was sent to the client

	// Atomic: set under log.mu when nobody can come back.
	gone atomic.Bool

	// Guarded by log.mu.
	socket    *Socket   // the one that has it, until it has closed
	left      *leftover // what that one has left; not yet to be had while socket is set
	successor *Socket   // waits for left
	older     *recoverable
	newer     *recoverable
}

// A leftover is what a socket leaves when it is lost. It is immutable once it
// may be taken.
type leftover struct {
	rooms    []string
	data     *any
	at       int64  // when, by the loops' clock
	position uint64 // all events up to here were seen by its loop
}

func (l *leftover) size() int {
	n := 512
	for _, room := range l.rooms {
		n += len(room) + 16
	}
	return n
}

// A pending is what a socket has taken and not given to its client yet.
type pending struct {
	// Immutable.
	rec  *recoverable
	left *leftover
	from uint64 // events behind this one may be missing
	had  uint64 // the last that the client has

	// Owned by the loop goroutine.
	rooms  map[string]struct{} // those of left that it is in
	bits   uint64              // has the bit of each of them set, so that most events need no more
	missed []*bufpool.Buf      // references, in their order
	bytes  int
	until  uint64 // all events up to here were looked at
	sent   uint64 // the position of the last of missed, or of what the client has
}

func (p *pending) release() {
	for _, b := range p.missed {
		b.Release()
	}
	p.missed = nil
}

func newEventLog(n *Namespace) *eventLog {
	s := n.srv
	o := s.opts.ConnectionStateRecovery
	if o == nil {
		return nil
	}
	away := o.MaxDisconnectionDuration.Milliseconds()
	return &eventLog{
		nsp: n, srv: s, budget: new(logBudget), seed: maphash.MakeSeed(), maxBytes: int64(o.MaxBytes),
		owners:   map[string]*recoverable{},
		lifetime: away, keep: away + s.opts.PingInterval.Milliseconds() + s.opts.PingTimeout.Milliseconds(),
	}
}

// emit sends an event to a target and keeps it. at is where in b its offset
// goes. The reference to b is given up.
func (g *eventLog) emit(t *Target, b *bufpool.Buf, at int) error {
	b.Plain = t.plain()
	op := newCast(castEmit, t)
	op.buf = b
	defer op.release()
	shards := g.srv.running()
	if shards == nil {
		return nil
	}
	self, where := t.self, audienceOf(t, len(shards))
	var calls wakeups
	mine := -1
	for i, sh := range shards {
		if sh.loop.OnLoop() {
			mine = i
		}
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		if g.srv.closing.Load() {
			return ErrServerClosed
		}
		return nil // a child that was removed, and so has no sockets
	}
	if self != nil && self.state.Load() == stateClosed { // there may be a successor
		op.target = t.onlySelf()
		self, where = nil, audienceOf(&op.target, len(shards))
	}
	op.position = g.head + 1
	g.putOffset(b.B[at:at+offsetLen], op.position)
	for i, sh := range shards {
		if self != nil && self.client.shard != sh || self == nil && !where.on(i) {
			continue
		}
		op.refs.Add(1)
		if sh.stream.push(loop.Message{Kind: msgCast, Obj: op}, i == mine) {
			calls.add(i)
		}
	}
	g.append(op)
	g.mu.Unlock()
	calls.post(shards)
	if mine >= 0 {
		shards[mine].drain()
	}
	return nil
}

// append gives an event its place in the log, behind the latest. mu is held.
func (g *eventLog) append(op *cast) {
	if len(g.owners) == 0 { // nobody can miss it
		g.dropEvents(g.count)
		g.events = nil
		g.head++
		return
	}
	if g.count == len(g.events) {
		g.resize(max(minEvents, 2*g.count))
	}
	g.head++
	g.count++
	e := g.at(g.head)
	e.buf = op.buf
	e.buf.Retain()
	e.address(&op.target)
	g.weigh(g.size(e))
	g.stats.kept++
	for g.count > 0 && g.budget.events.Load() > g.maxBytes {
		g.dropEvents(1)
		g.stats.evicted++
	}
}

// size returns the memory of an event, with that of its compressed form.
func (g *eventLog) size(e *keptEvent) int {
	n := cap(e.buf.B)
	if d := g.srv.opts.PerMessageDeflate; d != nil && !e.buf.Plain {
		n *= 2
	}
	return n + keptOverhead
}

// weigh adds to the bytes of events.
func (g *eventLog) weigh(n int) {
	g.bytes += n
	g.budget.events.Add(int64(n))
}

// address notes whom the event is for. The id of a socket is a part of it, and
// would keep all of it in memory.
func (e *keptEvent) address(t *Target) {
	switch {
	case t.self != nil:
		e.room = t.self.extra.Load().rec.room()
	case t.include.n == 1 && t.exclude.empty() && t.include.few[0] != "":
		e.room = kept(t.include.few[0])
	case !t.include.empty() || !t.exclude.empty():
		e.to = &route{t.include.kept(), t.exclude.kept()}
	}
	e.hash = roomBit(e.room)
}

// roomBit returns which of 64 bits is that of a room.
func roomBit(room string) uint8 { return uint8(roomHash(room) & 63) }

// room returns the room of the id. It keeps nothing else in memory.
func (r *recoverable) room() string { return unsafe.String(&r.id[0], len(r.id)) }

func kept(name string) string {
	if len(name) == engine.SIDLen {
		return strings.Clone(name)
	}
	return name
}

func (l names) kept() names {
	list := l.appendTo(nil)
	for i, name := range list {
		list[i] = kept(name)
	}
	return names{}.with(list)
}

// resize moves the events that are kept to other backing, of a power of two.
func (g *eventLog) resize(n int) {
	to := make([]keptEvent, n)
	for position := g.lost() + 1; position <= g.head; position++ {
		to[position&uint64(n-1)] = *g.at(position)
	}
	g.events = to
}

// lost returns the position of the latest event that is not kept any more. mu
// is held.
func (g *eventLog) lost() uint64 { return g.head - uint64(g.count) }

func (g *eventLog) at(position uint64) *keptEvent {
	return &g.events[position&uint64(len(g.events)-1)]
}

// dropEvents drops the n oldest events. mu is held.
func (g *eventLog) dropEvents(n int) {
	for range n {
		e := g.at(g.lost() + 1)
		g.weigh(-g.size(e))
		e.buf.Release()
		*e = keptEvent{}
		g.count--
	}
	if n := len(g.events); n > 8*minEvents && g.count < n/8 {
		g.resize(n / 4)
	}
}

// minEvents is how many events there is room for at first.
const minEvents = 8

// collect adds the events behind p.until that were for the rooms of p: up to
// the end, or as many as may be looked at in one go. ok is false if some of them
// are gone, or if they are more than one connection may be sent. mu is held.
func (g *eventLog) collect(p *pending, most uint64) (ok bool) {
	if p.until < g.lost() {
		return false
	}
	for end := min(p.until+most, g.head); p.until < end; {
		p.until++
		e := g.at(p.until)
		if e.to == nil && e.room != "" && p.bits>>e.hash&1 == 0 || !e.isFor(p.rooms) {
			continue
		}
		if p.bytes += len(e.buf.B); p.bytes > g.srv.opts.MaxQueue {
			return false
		}
		e.buf.Retain()
		p.missed = append(p.missed, e.buf)
		p.sent = p.until
	}
	return true
}

// isFor tells whether an event was for a socket in the given rooms.
func (e *keptEvent) isFor(rooms map[string]struct{}) bool {
	if e.to == nil {
		_, in := rooms[e.room]
		return e.room == "" || in
	}
	return (e.to.include.empty() || meet(&e.to.include, rooms)) && !meet(&e.to.exclude, rooms)
}

// meet tells whether one of the names is among rooms.
func meet(l *names, rooms map[string]struct{}) bool {
	for _, name := range l.few[:min(l.n, len(l.few))] {
		if _, in := rooms[name]; in {
			return true
		}
	}
	for _, name := range l.more {
		if _, in := rooms[name]; in {
			return true
		}
	}
	return false
}

// An offset is 9 bytes in 12 characters of [A-Za-z0-9_-]: a keyed hash of the
// position, and the position masked by a keyed hash of that. So nobody can make
// one that was not received, nor see from it how many events there are.

func (g *eventLog) putOffset(dst []byte, position uint64) {
	var raw [9]byte
	binary.BigEndian.PutUint64(raw[1:], position)
	tag := uint32(maphash.Bytes(g.seed, raw[1:])) & 0xFFFFFF
	binary.BigEndian.PutUint64(raw[1:], position^g.mask(tag))
	raw[0], raw[1], raw[2] = byte(tag>>16), byte(tag>>8), byte(tag)
	base64.RawURLEncoding.Encode(dst, raw[:])
}

func (g *eventLog) parseOffset(text string) (position uint64, ok bool) {
	var raw, again [9]byte
	if len(text) != offsetLen {
		return 0, false
	}
	if n, err := base64.RawURLEncoding.Decode(raw[:], []byte(text)); err != nil || n != len(raw) {
		return 0, false
	}
	tag := uint32(raw[0])<<16 | uint32(raw[1])<<8 | uint32(raw[2])
	copy(again[1:], raw[1:])
	again[1], again[2] = 0, 0
	position = binary.BigEndian.Uint64(again[1:]) ^ g.mask(tag)
	binary.BigEndian.PutUint64(again[1:], position)
	return position, uint32(maphash.Bytes(g.seed, again[1:]))&0xFFFFFF == tag
}

// mask returns 48 bits that depend on the tag.
func (g *eventLog) mask(tag uint32) uint64 {
	raw := [3]byte{byte(tag >> 16), byte(tag >> 8), byte(tag)}
	return maphash.Bytes(g.seed, raw[:]) & (1<<48 - 1)
}
