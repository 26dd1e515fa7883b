package bufpool

import (
	"sync"
	"sync/atomic"
)

// classes are the capacities that are pooled; anything larger goes to the
// garbage collector.
var classes = [...]int{128, 512, 2 << 10, 4 << 10, 16 << 10, 64 << 10}

var (
	pools [len(classes)]sync.Pool
	live  atomic.Int64
)

// unpooled marks a Buf whose bytes are too large for any class.
const unpooled = uint8(len(classes))

// A Buf is a reference-counted byte slice. Whoever holds a reference may read
// B; only the holder of the first and only reference may write it. After the
// last Release the bytes belong to the pool and must not be touched.
type Buf struct {
	// Immutable once the Buf is shared.
	B []byte

	// Atomic: written by every holder through Retain and Release.
	refs atomic.Int32

	// Atomic: written once, by Variant.
	variant atomic.Pointer[variant]

	// Immutable after Get.
	class uint8

	// Immutable once the Buf is shared. Plain says that the bytes are not worth
	// being compressed.
	Plain bool
}

// A variant is the same in another form.
type variant struct {
	mu   sync.Mutex // guards the making
	done atomic.Bool
	buf  *Buf // immutable once done is set
}

// Variant returns b in another form: what form makes of it at the first call,
// whoever asks later and on whatever goroutine. nil says that b itself will do.
// It lives as long as b, unless it is retained. There is one form.
func (b *Buf) Variant(form func(*Buf) *Buf) *Buf {
	v := b.variant.Load()
	if v != nil && v.done.Load() {
		return v.buf
	}
	if v == nil {
		v = new(variant)
		if !b.variant.CompareAndSwap(nil, v) {
			v = b.variant.Load()
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.done.Load() {
		v.buf = form(b)
		v.done.Store(true)
	}
	return v.buf
}

// Get returns a Buf with length 0, a capacity of at least n bytes and one
// reference, which the caller owns. It may be called from any goroutine.
func Get(n int) *Buf {
	class := classFor(n)
	var b *Buf
	if class != unpooled {
		b, _ = pools[class].Get().(*Buf)
	}
	if b == nil {
		b = &Buf{class: class}
		if class == unpooled {
			b.B = make([]byte, 0, n)
		} else {
			b.B = make([]byte, 0, classes[class])
		}
	}
	b.refs.Store(1)
	live.Add(1)
	checkGet(b)
	return b
}

// Static returns a Buf around p that is never pooled: its maker keeps the first
// reference for ever. It is for packets that are the same all the time.
func Static(p []byte) *Buf {
	b := &Buf{B: p, class: unpooled}
	b.refs.Store(1)
	return b
}

// Retain takes one more reference. The caller must already hold one.
func (b *Buf) Retain() { b.refs.Add(1) }

// PartsOfByte is the unit of Part.
const PartsOfByte = 1 << 16

// Part returns what one reference has of the memory of b, in 1/PartsOfByte of a
// byte, so that the sum over all references is the memory. It may be called by
// whoever has one, and says how it was a moment ago.
func (b *Buf) Part() int64 {
	return int64(cap(b.B)) * PartsOfByte / int64(max(b.refs.Load(), 1))
}

// Release gives one reference up. It may be called from any goroutine.
func (b *Buf) Release() {
	n := b.refs.Add(-1)
	if n > 0 {
		return
	}
	if n < 0 {
		panic("bufpool: Release without a reference")
	}
	live.Add(-1)
	if v := b.variant.Swap(nil); v != nil && v.buf != nil {
		v.buf.Release()
	}
	b.Plain = false
	poison(b)
	// B may have been replaced by append: only what still has the capacity of
	// its class returns to the pool.
	if b.class == unpooled || cap(b.B) != classes[b.class] {
		return
	}
	b.B = b.B[:0]
	pools[b.class].Put(b)
}

// Live reports how many Bufs have not been released yet. It is for leak tests
// and statistics.
func Live() int64 { return live.Load() }

func classFor(n int) uint8 {
	for i, size := range classes {
		if n <= size {
			return uint8(i)
		}
	}
	return unpooled
}
