package sio

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/gannet-io/gannet/rooms"
)

// A presence tells every goroutine which rooms may have members on one loop,
// so that a broadcast to a small room does not wake loops that have none of
// them. It may say yes where there is nobody, never the opposite: a Join that
// has returned is seen by every Emit that follows it.
type presence struct {
	// Atomic: Joins that are on their way to the loop; written by everyone.
	joining atomic.Int32

	// Atomic: written by the loop, read by everyone.
	bits atomic.Pointer[roomBits]

	// Owned by the loop goroutine.
	created int // rooms that were noted since bits was made
}

// roomBits has the bit of a room's hash set if the room may exist. Its length
// is a power of two.
type roomBits []atomic.Uint64

const (
	minRoomBits = 16 // words
	// bitsPerRoom keeps wrong answers to one in eight.
	bitsPerRoom = 8
)

var roomSeed = maphash.MakeSeed()

func roomHash(room string) uint64 { return maphash.String(roomSeed, room) }

func (b roomBits) set(h uint64) { b[h>>6&uint64(len(b)-1)].Or(1 << (h & 63)) }

func (b roomBits) has(h uint64) bool {
	return b[h>>6&uint64(len(b)-1)].Load()&(1<<(h&63)) != 0
}

// note is called on the loop when a room has got its first member. The bits of
// rooms that end stay: when too many are set, all are made anew, with room for
// as many rooms again as there are.
func (p *presence) note(ix *rooms.Index[*Socket], room string) {
	p.created++
	b := p.bits.Load()
	if b != nil && p.created*bitsPerRoom <= len(*b)*64 {
		b.set(roomHash(room))
		return
	}
	words := minRoomBits
	for words*64 < 2*bitsPerRoom*ix.Rooms() {
		words *= 2
	}
	fresh := make(roomBits, words)
	for _, name := range ix.AppendNames(nil) {
		fresh.set(roomHash(name))
	}
	p.created = ix.Rooms()
	p.bits.Store(&fresh)
}

// has tells whether a room may have members on the loop. It may be called from
// any goroutine.
func (p *presence) has(h uint64) bool {
	if p.joining.Load() > 0 {
		return true // asked first: what has arrived since is in bits
	}
	b := p.bits.Load()
	return b != nil && b.has(h)
}

// An audience tells on which loops a target may have sockets. A target with
// more rooms than fit is taken to have some on all loops.
type audience struct {
	nsp    *Namespace
	hashes [2]uint64
	loops  [2]int // of the socket that a room denotes, or -1
	n      int    // 0 means all loops
}

// audienceOf returns where the sockets of a target may be.
func audienceOf(t *Target, loops int) (a audience) {
	a.nsp = t.nsp
	if loops < 2 || len(t.include.more) > 0 {
		return a
	}
	for _, room := range t.include.few[:t.include.n] {
		a.hashes[a.n], a.loops[a.n] = roomHash(room), -1
		if id, _, ok := t.nsp.srv.ids.Place(room); ok {
			a.loops[a.n] = int(id)
		}
		a.n++
	}
	return a
}

// on tells whether the loop may have a socket of the target.
func (a *audience) on(loop int) bool {
	p := &a.nsp.shards[loop].presence
	for i := range a.n {
		if a.loops[i] == loop || p.has(a.hashes[i]) {
			return true
		}
	}
	return a.n == 0
}
