//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import "github.com/gannet-io/gannet/internal/bufpool"

// EachQueued calls f with every packet that is queued, oldest first. Packets
// that are shared with other connections are among them. f must not call
// methods of c.
func (c *Conn) EachQueued(f func(*bufpool.Buf)) {
	c.loop.guard.check()
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
