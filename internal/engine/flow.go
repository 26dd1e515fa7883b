package engine

import (
	"sync/atomic"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/loop"
)

// A Policy says what becomes of a packet for a client that has MaxQueue waiting.
type Policy uint32

// The policies.
const (
	PolicyDisconnect Policy = iota // the session is closed with ReasonSlowConsumer
	PolicyDropNewest               // the packet is dropped
	PolicyDropOldest               // the oldest of those with this policy are dropped
)

// A Flow is a kind of packets that have a policy and keys in common. It belongs
// to the layer above, and its address is what tells it from others.
type Flow struct {
	// Atomic: written by everyone, read by the loops.
	policy atomic.Uint32
}

// Policy returns the policy of the flow.
func (f *Flow) Policy() Policy { return Policy(f.policy.Load()) }

// SetPolicy sets the policy of the flow. It may be called from any goroutine, at
// any time.
func (f *Flow) SetPolicy(p Policy) { f.policy.Store(uint32(p)) }

// droppable returns the flow if its packets may be dropped.
func (f *Flow) droppable() *Flow {
	if f == nil || f.Policy() == PolicyDisconnect {
		return nil
	}
	return f
}

// A Cause says why a packet was dropped.
type Cause uint8

// The causes.
const (
	CauseNewest Cause = iota
	CauseOldest
	CauseConflated
)

// A Sent says what became of a packet.
type Sent uint8

// What can become of a packet.
const (
	SentQueued  Sent = iota
	SentClosed       // the session is not open, or about to be closed
	SentDropped      // because of the policy of its flow
)

// feedBytes is how much of a backlog is given to the connection at a time. What
// the kernel refuses of it can no longer be dropped.
const feedBytes = 16 << 10

// SendEvent is Send for a packet of a flow. While the session is behind, an
// older packet of the flow with the same key makes way for it, unless key is
// empty, and at MaxQueue the flow's policy says what happens. A nil flow is
// that of packets which are never dropped.
//
// SessionHandler.Dropped is told about each packet that was dropped; it may be
// called before SendEvent returns.
func (s *Session) SendEvent(b *bufpool.Buf, f *Flow, key string) Sent {
	if s.eio.State() != eio.StateOpen || s.doomed {
		return SentClosed
	}
	if s.conn != nil && !s.conn.Blocked() {
		s.shard.stats.PacketsOut++
		s.sendFrames(b)
		return SentQueued
	}
	return s.hold(b, f, key)
}

// Congested tells whether more than SoftQueue waits for a client that is
// behind. It may be called from any goroutine.
func (s *Session) Congested() bool { return s.congested.Load() }

// Measure writes what is queued if it is more than SoftQueue, and tells whether
// the session is congested then.
func (s *Session) Measure() bool {
	if s.conn != nil && s.conn.Queued() > s.shard.cfg.SoftQueue {
		s.flushHeavy()
	}
	return s.congested.Load()
}

// hold puts a packet into the backlog. Its bytes are counted by what waits
// together with them, its policy by itself: packets that may not be dropped
// close the session when they alone are more than MaxQueue.
func (s *Session) hold(b *bufpool.Buf, f *Flow, key string) Sent {
	q := s.behind()
	if q == nil {
		q = s.shard.takeBacklog(s.poll != nil)
		s.ensureRare().late = q
	}
	name := keyName{f, key}
	replace := key != "" && (s.conn != nil || !s.poll.ex.Parked())
	if !s.makeRoom(b, name, replace) {
		s.settleBacklog()
		s.shard.stats.NewestDrops++
		s.handler().Dropped(f, CauseNewest)
		return SentDropped
	}
	s.shard.stats.PacketsOut++
	if key == "" {
		q.put(b, f.droppable())
	} else if q.putKeyed(b, f.droppable(), name, replace) {
		s.shard.stats.Conflated++
		s.handler().Dropped(f, CauseConflated)
	}
	s.held(q, len(b.B))
	return SentQueued
}

// isFull tells whether there is no room for b, which may take the place of an
// older packet.
func (s *Session) isFull(q *backlog, b *bufpool.Buf, name keyName, replace bool) bool {
	if s.Queued()+q.growth(b, name, replace) > s.shard.cfg.MaxQueue {
		return true
	}
	return q.count >= s.shard.maxWaiting() && (!replace || q.keys[name] == nil)
}

// maxWaiting is how many packets may wait for one session: a small one takes
// about 250 bytes, whatever its length.
func (sh *Shard) maxWaiting() int { return max(sh.cfg.MaxQueue/128, 1024) }

// makeRoom drops what may be dropped if there is no room for b. It reports
// whether b is to be queued.
func (s *Session) makeRoom(b *bufpool.Buf, name keyName, replace bool) bool {
	q, loose := s.behind(), name.flow.droppable()
	for s.isFull(q, b, name, replace) {
		if loose != nil && loose.Policy() == PolicyDropNewest {
			return false
		}
		dropped := q.dropOldest()
		if dropped == nil {
			return loose == nil
		}
		s.shard.stats.OldestDrops++
		s.handler().Dropped(dropped, CauseOldest)
	}
	return true
}

// held does what a packet of the given size in the backlog makes necessary.
func (s *Session) held(q *backlog, size int) {
	s.checkQueue(s.Queued() - q.loose)
	if q.count-q.looseCount > s.shard.maxWaiting() {
		s.doom()
	}
	if s.conn != nil {
		s.watchStall()
		s.weigh()
		return
	}
	if q.count > 1 || size > largePacket {
		s.watchQueue()
	}
	if !s.poll.ex.Parked() {
		s.weigh()
	}
	s.poll.markDirty(s)
}

// weigh notes that a session which is behind has more than SoftQueue waiting.
func (s *Session) weigh() {
	if s.Queued() > s.shard.cfg.SoftQueue && !s.congested.Load() {
		s.congested.Store(true)
	}
}

// lighten notes that it has no more than that, and tells the layer above.
func (s *Session) lighten() {
	if s.congested.Load() && s.Queued() <= s.shard.cfg.SoftQueue {
		s.congested.Store(false)
		s.handler().Drained()
	}
}

// flushHeavy writes what sessions have queued in this turn beyond SoftQueue:
// what of it is refused makes them congested.
func (sh *Shard) flushHeavy() {
	for i, s := range sh.heavy {
		sh.heavy[i] = nil
		if s.conn != nil {
			s.flushHeavy()
		}
	}
	sh.heavy = sh.heavy[:0]
}

func (s *Session) flushHeavy() {
	if s.conn.Flush(); s.conn.Blocked() {
		s.watchStall()
		s.weigh()
	}
}

// feed gives the backlog to the connection until that refuses bytes.
func (s *Session) feed() {
	c, q := s.conn, s.behind()
	for q != nil && q.count > 0 && !c.Blocked() && !c.Closing() {
		for n := 0; n < feedBytes && q.count > 0 && !c.Blocked(); {
			n += s.give(c, q)
		}
		if q.count > 0 || c.Queued() > s.shard.cfg.SoftQueue {
			c.Flush()
		}
	}
	if c.Blocked() {
		s.watchStall()
	}
	s.settleBacklog()
	s.lighten()
}

// settleBacklog gives an empty backlog back.
func (s *Session) settleBacklog() {
	if q := s.behind(); q != nil && q.count == 0 {
		s.rare.late = nil
		s.shard.giveBacklog(q)
	}
}

// surrender gives the whole backlog to a connection that is about to be closed
// behind it.
func (s *Session) surrender(c *loop.Conn) {
	for q := s.behind(); q != nil && q.count > 0 && !c.Closing(); {
		s.give(c, q)
	}
	s.settleBacklog()
}

// give passes the next packet of a backlog on and returns its length.
func (s *Session) give(c *loop.Conn, q *backlog) int {
	b := q.pop()
	s.shard.loop.Defer(b)
	b = s.onWebSocket(b)
	c.Send(b)
	return len(b.B)
}

// dropBacklog releases what waits for a session that is over.
func (s *Session) dropBacklog() {
	if q := s.behind(); q != nil {
		s.rare.late = nil
		s.shard.stats.LostPackets += uint64(q.count)
		s.shard.giveBacklog(q)
	}
}

// waiting returns the number of packets in the backlog.
func (s *Session) waiting() int {
	if s.behind() == nil {
		return 0
	}
	return s.behind().count
}
