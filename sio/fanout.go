package sio

import (
	"slices"

	"github.com/gannet-io/gannet/internal/bufpool"
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
}

// fanOut adds a packet for the sockets of a target and takes a reference.
func (sh *shard) fanOut(t *Target, b *bufpool.Buf) {
	f := &sh.fan
	if len(f.parts) > 0 && (f.bytes+len(b.B) > maxFanout || !sameSockets(&f.target, t)) {
		sh.settle()
	}
	if len(f.parts) == 0 {
		f.target = *t
		sh.loop.RequestFlush()
	}
	b.Retain()
	f.parts = append(f.parts, part{b, t.key})
	f.bytes += len(b.B)
}

// settle queues the broadcasts that wait. Whatever else is about to be sent to
// a socket of the loop, or to change which sockets a target has, calls it
// first, so that all happens in the order in which it was asked for.
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
	n.shards[sh.loop.ID()].index.Each(include, exclude, func(s *Socket) {
		s.sendJoined(joined, parts, now)
	})
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
	sh.reportOutgoing()
	sh.reportDrops()
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

// sendJoined sends packets to one receiver of a broadcast: joined where its
// connection is up to date, else each on its own.
func (s *Socket) sendJoined(joined *bufpool.Buf, parts []part, now bool) {
	if s.state.Load() != stateConnected {
		return
	}
	c := s.client
	if s.extra.Load() != nil && len(s.listeners().outgoing) > 0 || !c.SendJoined(joined, len(parts), now) {
		for _, p := range parts {
			_ = s.queue(p.buf, 0, p.key)
		}
		return
	}
	if c.Overflowed() {
		s.mark(markSlow)
	}
	c.shard.stats.emitted += uint64(len(parts))
}

// sameSockets tells whether two targets have the same sockets.
func sameSockets(t, u *Target) bool {
	return t.nsp == u.nsp && sameNames(&t.include, &u.include) && sameNames(&t.exclude, &u.exclude)
}

func sameNames(l, m *names) bool {
	return l.n == m.n && l.few == m.few && slices.Equal(l.more, m.more)
}
