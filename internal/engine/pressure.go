package engine

import (
	"cmp"
	"slices"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// pressureTick is how often the memory of all queues is measured while there
// are sessions that do not take what they are sent, in milliseconds.
const pressureTick = 250

// pressure watches what all sessions of a shard together have queued.
type pressure struct {
	// Owned by the loop goroutine.
	timer  loop.Timer
	behind []*Session // those that may have something queued
}

// watchQueue has the queue of a session that is behind measured. The cost is
// that of the sessions that are behind, not of all.
func (s *Session) watchQueue() {
	sh := s.shard
	if sh.cfg.MaxTotalQueue <= 0 {
		return
	}
	if !s.watched {
		s.watched = true
		sh.pressure.behind = append(sh.pressure.behind, s)
	}
	sh.watchQueues()
}

func (sh *Shard) watchQueues() {
	if !sh.pressure.timer.Armed() {
		sh.pressure.timer.Kind = timerPressure
		sh.loop.SetTimer(&sh.pressure.timer, sh.loop.Now()+pressureTick)
	}
}

// relieve measures the queues of the shard. While those of the whole server
// hold more than MaxTotalQueue, the sessions with the longest ones are closed,
// an eighth of them at a time. A packet that many sessions wait for counts
// once, as it is in memory once: for each its part.
func (sh *Shard) relieve() {
	behind, held := sh.measure()
	old := sh.held
	sh.held = held
	total := sh.srv.held.Add(held - old)
	if len(behind) == 0 {
		return
	}
	if total > sh.cfg.MaxTotalQueue {
		slices.SortFunc(behind, func(a, b *Session) int { return cmp.Compare(b.Queued(), a.Queued()) })
		for _, s := range behind[:(len(behind)+7)/8] {
			s.doom()
		}
	}
	sh.watchQueues()
}

// measure returns the sessions that are behind and the bytes of all that they
// wait for. Whoever has caught up, or is over, is not watched any more.
func (sh *Shard) measure() (behind []*Session, held int64) {
	var parts int64
	add := func(b *bufpool.Buf) { parts += b.Part() }
	list := sh.pressure.behind
	behind = list[:0]
	for _, s := range list {
		if s.watched = s.Queued() > 0; s.watched {
			behind = append(behind, s)
			s.eachQueued(add)
			if s.behind() != nil {
				held += int64(cap(s.behind().list)) * waitingSize
			}
		}
	}
	clear(list[len(behind):])
	sh.pressure.behind = behind
	return behind, held + parts/bufpool.PartsOfByte
}

// eachQueued calls f with every packet that waits to be sent.
func (s *Session) eachQueued(f func(*bufpool.Buf)) {
	if s.conn != nil {
		s.conn.EachQueued(f)
	}
	if s.behind() != nil {
		s.behind().each(f)
	}
}
