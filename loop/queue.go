package loop

import "github.com/gannet-io/gannet/internal/bufpool"

const (
	newFrameRoom = 8

	// maxFrameRoom is the size of the lists worth keeping for reuse, and
	// maxFreeRoom what all of them together may hold: 8 MiB of pointers.
	maxFrameRoom = 4 << 10
	maxFreeRoom  = 1 << 20
)

// frames is the part of a queue behind its first frame. It is borrowed from
// the loop while more than one frame is queued.
type frames struct {
	// Owned by the loop goroutine.
	bufs []*bufpool.Buf
	next int
}

func (l *Loop) takeFrames() *frames {
	if n := len(l.freeFrames); n > 0 {
		f := l.freeFrames[n-1]
		l.freeFrames[n-1] = nil
		l.freeFrames = l.freeFrames[:n-1]
		l.freeRoom -= cap(f.bufs)
		return f
	}
	return &frames{bufs: make([]*bufpool.Buf, 0, newFrameRoom)}
}

func (l *Loop) giveFrames(f *frames) {
	if cap(f.bufs) > maxFrameRoom || l.freeRoom >= maxFreeRoom {
		return
	}
	l.freeRoom += cap(f.bufs)
	clear(f.bufs)
	f.bufs, f.next = f.bufs[:0], 0
	l.freeFrames = append(l.freeFrames, f)
}

// push appends b to the queue.
func (c *Conn) push(b *bufpool.Buf) {
	c.queued += uint32(len(b.B))
	if c.head == nil {
		c.head = b
		return
	}
	if c.more == nil {
		c.more = c.loop.takeFrames()
	}
	f := c.more
	if f.next > newFrameRoom && f.next > len(f.bufs)/2 {
		n := copy(f.bufs, f.bufs[f.next:])
		clear(f.bufs[n:])
		f.bufs, f.next = f.bufs[:n], 0
	}
	f.bufs = append(f.bufs, b)
}

// pop removes the first frame, and its reference if the queue owns one.
func (c *Conn) pop() {
	if c.flags&flagBlocked != 0 {
		c.head.Release()
	}
	c.head, c.off = nil, 0
	f := c.more
	if f == nil {
		return
	}
	c.head = f.bufs[f.next]
	f.bufs[f.next] = nil
	f.next++
	if f.next == len(f.bufs) {
		c.more = nil
		c.loop.giveFrames(f)
	}
}

// advance removes the first n bytes.
func (c *Conn) advance(n int) {
	c.queued -= uint32(n)
	for n > 0 {
		rest := len(c.head.B) - int(c.off)
		if n < rest {
			c.off += uint32(n)
			return
		}
		n -= rest
		c.pop()
	}
}

// dropQueue removes everything.
func (c *Conn) dropQueue() {
	for c.head != nil {
		c.pop()
	}
	c.queued = 0
	c.unblock()
}

// own takes a reference of every queued frame.
func (c *Conn) own() {
	if c.flags&flagBlocked != 0 {
		return
	}
	c.flags |= flagBlocked
	if c.head != nil {
		c.head.Retain()
	}
	if c.more != nil {
		for _, b := range c.more.bufs[c.more.next:] {
			b.Retain()
		}
	}
}
