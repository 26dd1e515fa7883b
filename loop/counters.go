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
	TLSHandshakes int64 // TLS handshakes that succeeded
	TLSFailures   int64 // TLS handshakes that failed, were refused or broken off
	TLSTimeouts   int64 // TLS handshakes that took too long
	TLSErrors     int64 // connections closed for records that cannot be decrypted
}

const (
	indexReads = iota
	indexBytesIn
	indexWrites
	indexBytesOut
	counterCount = 23
)

// fields lists every field, the four that change with every event first.
func (c *Counters) fields() [counterCount]*int64 {
	return [...]*int64{
		indexReads: &c.Reads, indexBytesIn: &c.BytesIn, indexWrites: &c.Writes, indexBytesOut: &c.BytesOut,
		4: &c.Accepted, &c.Adopted, &c.Arrived, &c.Departed, &c.Closed,
		&c.RefusedCap, &c.RefusedEMFILE, &c.AcceptErrors,
		&c.ShortWrites, &c.Messages, &c.Dropped,
		&c.RingFull, &c.Panics, &c.SlowTurns, &c.Turns,
		&c.TLSHandshakes, &c.TLSFailures, &c.TLSTimeouts, &c.TLSErrors,
	}
}

// published is what other goroutines may read of a loop's Counters.
type published struct {
	// Atomic: written by the owner loop, read by Reactor.Counters.
	v [counterCount]atomic.Int64

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

// publishHot is publish for the case that only bytes came and went.
func (p *published) publishHot(c *Counters) {
	if c.Reads != p.last.Reads {
		p.last.Reads, p.last.BytesIn = c.Reads, c.BytesIn
		p.v[indexReads].Store(c.Reads)
		p.v[indexBytesIn].Store(c.BytesIn)
	}
	if c.Writes != p.last.Writes {
		p.last.Writes, p.last.BytesOut = c.Writes, c.BytesOut
		p.v[indexWrites].Store(c.Writes)
		p.v[indexBytesOut].Store(c.BytesOut)
	}
	p.publish(c)
}

// addTo adds what was published to sum.
func (p *published) addTo(sum *Counters) {
	for i, f := range sum.fields() {
		*f += p.v[i].Load()
	}
}
