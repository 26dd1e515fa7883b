//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import "sync/atomic"

// Counters are totals since Start, over all loops.
type Counters struct {
	Accepted      int64 // connections accepted
	Adopted       int64 // connections taken over from net/http
	Arrived       int64 // connections that came from another loop
	Departed      int64 // connections that moved away or were detached
	Closed        int64 // connections closed
	RefusedCap    int64 // connections refused because of MaxConns
	RefusedEMFILE int64 // accepts that failed for want of descriptors or memory
	AcceptErrors  int64 // other failures of accept
	BytesIn       int64
	BytesOut      int64
	Reads         int64 // reads that returned bytes
	Writes        int64 // writes that the kernel took bytes of
	ShortWrites   int64 // writes that the kernel refused, wholly or in part
	Messages      int64 // messages delivered
	Dropped       int64 // messages dropped because the loop had stopped
	RingFull      int64 // posts that found the ring full
	Panics        int64 // panics recovered
	SlowTurns     int64 // turns longer than WatchdogTurn
	Turns         int64 // ends of turn
}

// each calls f for every pair of fields of c and o.
func (c *Counters) fields() [19]*int64 {
	return [...]*int64{
		&c.Accepted, &c.Adopted, &c.Arrived, &c.Departed, &c.Closed,
		&c.RefusedCap, &c.RefusedEMFILE, &c.AcceptErrors, &c.BytesIn, &c.BytesOut,
		&c.Reads, &c.Writes, &c.ShortWrites, &c.Messages, &c.Dropped,
		&c.RingFull, &c.Panics, &c.SlowTurns, &c.Turns,
	}
}

// published is what other goroutines may read of a loop's Counters.
type published struct {
	// Atomic: written by the owner loop, read by Reactor.Counters.
	v [19]atomic.Int64

	// Owned by the loop goroutine.
	last Counters
}

// publish copies what changed in c.
func (p *published) publish(c *Counters) {
	if *c == p.last {
		return
	}
	now, last := c.fields(), p.last.fields()
	for i := range now {
		if *now[i] != *last[i] {
			p.v[i].Store(*now[i])
		}
	}
	p.last = *c
}

// addTo adds what was published to sum.
func (p *published) addTo(sum *Counters) {
	for i, f := range sum.fields() {
		*f += p.v[i].Load()
	}
}
