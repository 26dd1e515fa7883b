package sio

import (
	"slices"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// maxFanout bounds what is joined, in bytes: what one write can take.
const maxFanout = 64 << 10

// A fanout holds broadcasts that were made in this turn and that nobody was
// sent yet. As long as they are for the same target, and nothing else happens to
// a socket of the loop, they are joined, and every receiver is visited once for
// all of them: at the end of the turn, or when settle is called.
type fanout struct {
	// Owned by the loop goroutine.
	target Target
	parts  []part
	bytes  int
	spare  []part // backing of the next parts
}

// A part is one broadcast of a fanout.
type part struct {
	buf *bufpool.Buf // with a reference
	key string       // of Target.Latest
	at  uint64       // its position in the log of the namespace, or 0
}

// fanOut adds a packet for the sockets of a target and takes a reference.
func (sh *shard) fanOut(t *Target, b *bufpool.Buf, at uint64) {
	f := &sh.fan
	if len(f.parts) > 0 && (f.bytes+len(b.B) > maxFanout || !sameSockets(&f.target, t)) {
		sh.settle()
	}
	if len(f.parts) == 0 {
		f.target = *t
		sh.loop.RequestFlush()
	}
	b.Retain()
	f.parts = append(f.parts, part{b, t.key, at})
	f.bytes += len(b.B)
}

// settle queues the broadcasts that wait. Whatever else is about to be sent to
// a socket of the loop, or to change which sockets a target has, calls it
// first, so that all happens in the order in which it was asked for. It runs no
// code of the user's: whoever calls it is in the middle of something. Listeners
// and Trace.Dropped are told at the end of the turn, which fanOut has asked for.
func (sh *shard) settle() {
	if len(sh.fan.parts) > 0 {
		sh.deliver(false)
	}
}

// deliver sends the broadcasts that wait, and with now writes them.
func (sh *shard) deliver(now bool) {
	f := &sh.fan
	n, parts := f.target.nsp, f.parts
	f.parts = f.spare[:0]
	joined := join(parts, f.bytes)
	include, exclude := sh.names(&f.target)
	f.target, f.bytes = Target{}, 0
	sh.casting = true
	r := &sh.receivers
	r.deflates = slices.ContainsFunc(parts, func(p part) bool { return sh.eng.Deflates(p.buf) })
	n.shards[sh.loop.ID()].index.Each(include, exclude, func(s *Socket) {
		r.sockets[r.n] = s
		if r.n++; r.n == len(r.sockets) {
			r.send(joined, parts, now)
		}
	})
	r.send(joined, parts, now)
	sh.casting = false
	sh.forgetNames()
	for i := range parts {
		sh.loop.Defer(parts[i].buf)
		parts[i] = part{}
	}
	if len(parts) > 1 {
		sh.loop.Defer(joined)
	}
	f.spare = parts[:0]
}

// join returns the packets as one.
func join(parts []part, bytes int) *bufpool.Buf {
	if len(parts) == 1 {
		return parts[0].buf
	}
	b := bufpool.Get(bytes)
	for _, p := range parts {
		b.B = append(b.B, p.buf.B...)
	}
	return b
}

// receivers are a few of those that a broadcast is for. They are gone through
// three times, each time a step further from socket to session to connection:
// with many receivers each of these is in memory that no cache has, and so the
// processor fetches several at a time while it would otherwise wait for one
// after the other.
type receivers struct {
	// Owned by the loop goroutine; scratch of deliver.
	sockets [16]*Socket
	conns   [16]*loop.Conn
	n       int

	deflates bool // one of the packets does
}

// send sends packets to the receivers: joined to those whose connections are
// up to date, else each on its own.
func (r *receivers) send(joined *bufpool.Buf, parts []part, now bool) {
	n := r.n
	r.n = 0
	for i, s := range r.sockets[:n] {
		r.conns[i] = nil
		switch {
		case s.state.Load() != stateConnected:
			r.sockets[i] = nil
		case s.extra.Load() == nil || len(s.listeners().outgoing) == 0:
			r.conns[i] = s.client.Direct(r.deflates)
		}
	}
	for i, c := range r.conns[:n] {
		if c != nil && c.Blocked() {
			r.conns[i] = nil
		}
	}
	for i, s := range r.sockets[:n] {
		if s == nil {
			continue
		}
		if at := parts[len(parts)-1].at; at != 0 {
			s.noteSent(at)
		}
		s.sendJoined(r.conns[i], joined, parts, now)
	}
	clear(r.sockets[:n])
	clear(r.conns[:n])
}

// sendJoined sends packets to one receiver of a broadcast; c is nil if it is to
// get them one by one.
func (s *Socket) sendJoined(c *loop.Conn, joined *bufpool.Buf, parts []part, now bool) {
	if c == nil {
		for _, p := range parts {
			_ = s.queue(p.buf, 0, p.key)
		}
		return
	}
	s.client.SendJoined(c, joined, len(parts), now)
	if s.client.Overflowed() {
		s.mark(markSlow)
	}
	s.client.shard.stats.emitted += uint64(len(parts))
}

// sameSockets tells whether two targets have the same sockets.
func sameSockets(t, u *Target) bool {
	return t.nsp == u.nsp && sameNames(&t.include, &u.include) && sameNames(&t.exclude, &u.exclude)
}

func sameNames(l, m *names) bool {
	return l.n == m.n && l.few == m.few && slices.Equal(l.more, m.more)
}
