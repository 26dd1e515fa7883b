package sio

import (
	"errors"
	"math"
)

var (
	errReplaced   = errors.New("sio: the client has another connection")
	errLogOverrun = errors.New("sio: what a client has missed was dropped meanwhile")
)

// A verdict is what becomes of a claim: what was claimed, the socket that has it
// still, or the news that there is nothing to wait for.
type verdict struct {
	pending *pending
	holder  *Socket
	wait    bool // for the hooks of the socket that had it
}

// take hands what a client claims over to s, if it is there and the events that
// the client has missed are. What was taken is nobody else's.
func (g *eventLog) take(s *Socket, c *claim) (v verdict) {
	now := s.client.shard.loop.Now()
	g.mu.Lock()
	rec := g.owners[c.pid]
	if rec == nil || rec.left != nil && rec.left.at+g.lifetime < now {
		g.mu.Unlock()
		return v
	}
	if rec.socket != nil {
		rival := rec.successor
		rec.successor = s
		if rec.left == nil {
			v.holder = rec.socket
		}
		v.wait = true
		g.mu.Unlock()
		if rival != nil && rival != s {
			rival.notify(true)
		}
		return v
	}
	p := &pending{rec: rec, left: rec.left, rooms: make(map[string]struct{}, len(rec.left.rooms))}
	for _, room := range p.left.rooms {
		p.rooms[room] = struct{}{}
		p.bits |= 1 << roomBit(room)
	}
	from, ok := rec.start(c, p)
	g.unlink(rec)
	rec.left, rec.socket = nil, s
	g.unheld++ // s does
	g.unlock()

	p.from, p.until, p.had = from, from, p.sent
	if ok && g.collectAll(p) {
		v.pending = p
		return v
	}
	p.release()
	g.forget(rec)
	return v
}

// start returns the position behind which the client may have missed events, or
// false if it was never sent what it claims to have. mu is held.
func (r *recoverable) start(c *claim, p *pending) (from uint64, ok bool) {
	p.sent = c.position
	if c.fresh {
		p.sent = r.since
	}
	if p.sent == r.sent { // it has all that it was sent
		return max(p.left.position, p.sent), true
	}
	return p.sent, r.since <= p.sent && p.sent < r.sent
}

// inOneGo is how many events are looked at while all emitters wait.
const inOneGo = 512

// collectAll collects what the client has missed until now.
func (g *eventLog) collectAll(p *pending) bool {
	for {
		g.mu.Lock()
		ok := g.collect(p, inOneGo)
		done := p.until >= g.head
		g.mu.Unlock()
		if !ok || done {
			return ok
		}
	}
}

// enter notes a socket that is about to connect. What its loop has yet to handle
// of what is in the log is put into the batch of its stream, and what comes
// later will get into the stream behind that. For a recovered socket the rest of
// what its client has missed is collected; ok is false if that is gone.
func (g *eventLog) enter(s *Socket, p *pending) (position uint64, ok bool) {
	ok = true
	if p != nil {
		p.review(s)
		ok = g.collectAll(p)
	}
	rec := s.extra.Load().rec
	g.mu.Lock()
	defer g.mu.Unlock()
	s.client.shard.stream.takeAll()
	if p == nil {
		rec.socket = s
		g.owners[string(rec.pid[:])] = rec
	} else {
		ok = ok && g.collect(p, math.MaxUint64/2)
	}
	return g.head, ok
}

// review takes back what was collected for rooms that a middleware has had the
// socket leave.
func (p *pending) review(s *Socket) {
	before := len(p.rooms)
	for room := range p.rooms {
		if !s.shard().index.In(&s.entry, room) {
			delete(p.rooms, room)
		}
	}
	if len(p.rooms) < before {
		p.release()
		p.until, p.sent, p.bytes = p.from, p.had, 0
	}
}

// park puts away what a socket has left. It can be had when the hooks of the
// socket have returned.
func (g *eventLog) park(s *Socket, left *leftover, ready bool) {
	rec := s.extra.Load().rec
	g.mu.Lock()
	if rec.socket != s || g.closed {
		g.mu.Unlock()
		return
	}
	left.position = s.client.shard.stream.handled(s.nsp, g.head)
	rec.left = left
	g.nsp.hold() // which the socket has done, too
	g.mu.Unlock()
	if ready {
		g.ready(s)
	}
}

// ready says that the hooks of a socket that has closed have returned.
func (g *eventLog) ready(s *Socket) {
	x := s.extra.Load()
	rec := x.rec
	g.mu.Lock()
	if rec.socket != s || rec.left == nil || g.closed {
		g.mu.Unlock()
		return
	}
	rec.left.data = x.data.Load()
	g.offer(rec)
	successor := rec.successor
	rec.successor = nil
	g.unlock()
	if successor != nil {
		successor.notify(false)
	}
}

// offer makes a leftover one that can be taken, within the limit. mu is held.
func (g *eventLog) offer(rec *recoverable) {
	rec.socket = nil
	g.link(rec)
	for g.first != nil && g.budget.room.Load() > g.maxBytes {
		g.stats.evictedSockets++
		g.drop(g.first)
	}
}

// giveBack puts back what s has taken and its client never got.
func (g *eventLog) giveBack(s *Socket, p *pending) {
	p.release()
	g.mu.Lock()
	if p.rec.socket != s || g.closed {
		g.mu.Unlock()
		return
	}
	p.rec.left = p.left
	g.nsp.hold() // as s does
	g.offer(p.rec)
	successor := p.rec.successor
	p.rec.successor = nil
	g.unlock()
	if successor != nil {
		successor.notify(false)
	}
}

// forget ends what could be recovered.
func (g *eventLog) forget(rec *recoverable) {
	g.mu.Lock()
	successor := rec.successor
	rec.successor = nil
	g.drop(rec)
	g.unlock()
	if successor != nil {
		successor.notify(true)
	}
}

// drop takes a recoverable off all lists. mu is held.
func (g *eventLog) drop(rec *recoverable) {
	if g.owners[string(rec.pid[:])] == rec {
		delete(g.owners, string(rec.pid[:]))
	}
	if rec.left != nil {
		g.unheld++
		if rec.socket == nil {
			g.unlink(rec)
		}
	}
	rec.socket, rec.left = nil, nil
	rec.gone.Store(true)
}

// unlock is mu.Unlock, and lets go of the namespace for what has gone.
func (g *eventLog) unlock() {
	n := g.unheld
	g.unheld = 0
	g.mu.Unlock()
	for range n {
		g.nsp.drop()
	}
}

// link adds a leftover to the list, the newest. mu is held.
func (g *eventLog) link(rec *recoverable) {
	rec.older, rec.newer = g.last, nil
	if g.last != nil {
		g.last.newer = rec
	} else {
		g.first = rec
	}
	g.last = rec
	g.lefts++
	g.weighRoom(rec.left.size())
}

// unlink undoes link. mu is held.
func (g *eventLog) unlink(rec *recoverable) {
	if rec.older != nil {
		rec.older.newer = rec.newer
	} else {
		g.first = rec.newer
	}
	if rec.newer != nil {
		rec.newer.older = rec.older
	} else {
		g.last = rec.older
	}
	rec.older, rec.newer = nil, nil
	g.lefts--
	g.weighRoom(-rec.left.size())
}

// weighRoom adds to the bytes of leftovers.
func (g *eventLog) weighRoom(n int) {
	g.room += n
	g.budget.room.Add(int64(n))
}

// notify has resume called on the loop of s.
func (s *Socket) notify(denied bool) {
	m := resumeMessage(s)
	if denied {
		m.Arg = 1
	}
	_ = s.client.shard.loop.Post(m) // or the server stops
}

func (g *eventLog) recovered(missed int) {
	g.mu.Lock()
	g.stats.recovered++
	g.stats.replayed += uint64(missed)
	g.mu.Unlock()
}

func (g *eventLog) refused() {
	g.mu.Lock()
	g.stats.refused++
	g.mu.Unlock()
}

// sweep drops what is too old, a little at a time: loops that emit wait for mu.
func (g *eventLog) sweep(now int64) {
	for more := true; more; {
		more = g.sweepSome(now)
	}
}

// sweepSome is sweep for as much as may be done in one go. It reports whether
// there is more.
func (g *eventLog) sweepSome(now int64) (more bool) {
	g.mu.Lock()
	defer g.unlock()
	for n := 0; g.first != nil && g.first.left.at+g.lifetime < now; n++ {
		if n == inOneGo {
			return true
		}
		g.drop(g.first)
	}
	old := 0
	for old < len(g.marks) && g.marks[old].at+g.keep < now {
		old++
	}
	if old > 0 {
		if until := g.marks[old-1].position; until > g.lost() {
			n := min(until-g.lost(), inOneGo)
			g.dropEvents(int(n))
			if n == inOneGo {
				return true
			}
		}
		g.marks = append(g.marks[:0], g.marks[old:]...)
	}
	if g.count == 0 {
		g.events, g.marks = nil, nil
	} else if n := len(g.marks); n == 0 || g.marks[n-1].position < g.head {
		g.marks = append(g.marks, logMark{g.head, now})
	}
	return false
}

// close drops everything. No event is kept any more.
func (g *eventLog) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, rec := range g.owners {
		rec.gone.Store(true)
	}
	clear(g.owners)
	g.first, g.last, g.lefts = nil, nil, 0
	g.weighRoom(-g.room)
	g.dropEvents(g.count)
	g.events, g.marks = nil, nil
}

// addTo adds the figures of the log.
func (g *eventLog) addTo(st *Stats) {
	g.mu.Lock()
	defer g.mu.Unlock()
	st.Recoveries += g.stats.recovered
	st.RecoveriesRefused += g.stats.refused
	st.RecoveryReplays += g.stats.replayed
	st.RecoveryEvictions += g.stats.evicted + g.stats.evictedSockets
	st.RecoveryEvents += g.count
	st.RecoverySockets += g.lefts
	st.RecoveryBytes += int64(g.bytes + g.room)
}
