package loop

import "github.com/gannet-io/gannet/internal/bufpool"

// Tail returns the frame that is queued last, or nil if the queue is empty or
// the kernel has refused bytes. While nobody else has it, it may be made longer
// until the end of the turn, which Lengthened has to be told.
func (c *Conn) Tail() *bufpool.Buf {
	c.loop.guard.check()
	switch {
	case c.flags&(flagBlocked|flagClosing|flagGone|flagFinish) != 0:
		return nil
	case c.more != nil:
		return c.more.bufs[len(c.more.bufs)-1]
	}
	return c.head
}

// Lengthened notes that n bytes were appended to the frame of Tail.
func (c *Conn) Lengthened(n int) {
	c.loop.guard.check()
	if c.queued += uint32(n); c.queued >= earlyFlush {
		c.Flush()
	}
}

// EachQueued calls f with every packet that is queued, oldest first, and before
// them with what is encrypted already. Packets that are shared with other
// connections are among them. f must not call methods of c.
func (c *Conn) EachQueued(f func(*bufpool.Buf)) {
	c.loop.guard.check()
	if c.flags&(flagTLS|flagGone) == flagTLS && c.aux.tls.out != nil {
		f(c.aux.tls.out)
	}
	if c.head == nil {
		return
	}
	f(c.head)
	if c.more != nil {
		for _, b := range c.more.bufs[c.more.next:] {
			f(b)
		}
	}
}
