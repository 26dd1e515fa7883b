package mpsc

import (
	"runtime"
	"sync/atomic"
)

// closedBit is set in tail by Close; positions use the bits below it.
const closedBit = uint64(1) << 63

// A Ring is a bounded queue with many producers and one consumer. It must be
// made by NewRing.
type Ring[T any] struct {
	// Immutable after NewRing.
	cells []cell[T]
	mask  uint64

	_ [64]byte

	// Atomic: written by producers and Close, read by everybody.
	tail atomic.Uint64

	_ [56]byte

	// Atomic: written by the consumer, read by Len.
	head atomic.Uint64

	_ [56]byte
}

// cell holds one value. Its sequence is pos when it is free for position pos,
// pos+1 when the value of position pos can be popped.
type cell[T any] struct {
	// Atomic: written by the producer that claimed the cell and by the
	// consumer; orders the accesses to v.
	seq atomic.Uint64
	v   T
}

// NewRing returns a ring with room for size values; size is rounded up to a
// power of two, at least 2.
func NewRing[T any](size int) *Ring[T] {
	n := 2
	for n < size {
		n <<= 1
	}
	r := &Ring[T]{cells: make([]cell[T], n), mask: uint64(n - 1)}
	for i := range r.cells {
		r.cells[i].seq.Store(uint64(i))
	}
	return r
}

// TryPush appends v. It reports false when the ring is full or closed.
func (r *Ring[T]) TryPush(v T) bool {
	pos := r.tail.Load()
	for {
		if pos&closedBit != 0 {
			return false
		}
		c := &r.cells[pos&r.mask]
		switch diff := int64(c.seq.Load() - pos); {
		case diff == 0:
			if r.tail.CompareAndSwap(pos, pos+1) {
				c.v = v
				c.seq.Store(pos + 1)
				return true
			}
			pos = r.tail.Load()
		case diff < 0:
			return false
		default:
			pos = r.tail.Load()
		}
	}
}

// Pop removes the oldest value. It reports false when there is none, or when
// its producer has not finished writing it.
func (r *Ring[T]) Pop() (v T, ok bool) {
	pos := r.head.Load()
	c := &r.cells[pos&r.mask]
	if c.seq.Load() != pos+1 {
		return v, false
	}
	v = c.v
	var zero T
	c.v = zero
	c.seq.Store(pos + r.mask + 1)
	r.head.Store(pos + 1)
	return v, true
}

// Len reports how many values are in the ring, those being written included.
func (r *Ring[T]) Len() int {
	head := r.head.Load()
	return max(int(r.tail.Load()&^closedBit)-int(head), 0)
}

// Cap reports for how many values the ring has room.
func (r *Ring[T]) Cap() int { return len(r.cells) }

// Close makes every later TryPush fail. Values pushed before stay.
func (r *Ring[T]) Close() { r.tail.Or(closedBit) }

// Closed reports whether Close was called.
func (r *Ring[T]) Closed() bool { return r.tail.Load()&closedBit != 0 }

// Drain pops everything that was pushed before Close and waits for producers
// that are still writing their cell. The ring must be closed.
func (r *Ring[T]) Drain(f func(T)) {
	for r.head.Load() != r.tail.Load()&^closedBit {
		v, ok := r.Pop()
		if !ok {
			runtime.Gosched()
			continue
		}
		f(v)
	}
}
