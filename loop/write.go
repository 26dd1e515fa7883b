package loop

import (
	"errors"
	"syscall"

	"github.com/gannet-io/gannet/internal/bufpool"
)

const (
	// maxWrite is the most one system call is given, so that a call that
	// cannot be preempted stays short.
	maxWrite = 64 << 10

	// joinBelow is the size from which a frame is not worth copying.
	joinBelow = 16 << 10

	// earlyFlush is the queue length that is not kept for the end of the turn.
	earlyFlush = 256 << 10
)

// Send queues the bytes of b, which must not change any more. No reference is
// taken unless the kernel refuses bytes: the caller keeps b alive until the
// end of the turn, usually by giving its reference to Loop.Defer. Send does
// nothing once c is closing.
func (c *Conn) Send(b *bufpool.Buf) {
	l := c.loop
	l.guard.check()
	if len(b.B) == 0 || c.flags&(flagClosing|flagGone|flagFinish) != 0 {
		return
	}
	if len(b.B) > maxQueued-int(c.queued) {
		c.Close(ErrQueueFull)
		return
	}
	c.push(b)
	if c.flags&flagBlocked != 0 {
		b.Retain()
		return
	}
	if c.queued >= earlyFlush {
		c.Flush()
		return
	}
	if c != l.reading {
		l.markDirty(c)
	}
}

// SendNow is Send, and writes b at once where nothing is queued in front of it:
// the end of the turn has one connection less to look at again. It is for
// Handler.BeforeFlush, where nothing that could leave in the same write
// follows.
func (c *Conn) SendNow(b *bufpool.Buf) {
	l := c.loop
	l.guard.check()
	if c.queued > 0 || len(b.B) > maxWrite || len(b.B) == 0 || c.flags&(flagClosing|flagGone|flagFinish|flagTLS) != 0 {
		c.Send(b) // also where it is encrypted: what else is queued joins its record
		return
	}
	n, err := c.write(b.B)
	if n == len(b.B) {
		l.stats.Writes++
		l.stats.BytesOut += int64(n)
		return
	}
	c.push(b)
	l.wrote(c, n, len(b.B), err)
	if c.flags&(flagBlocked|flagClosing) == 0 { // interrupted
		l.markDirty(c)
	}
}

// Queued returns the number of bytes that the kernel has not taken yet, those
// of this turn included.
func (c *Conn) Queued() int {
	c.loop.guard.check()
	return c.unsent()
}

// Blocked reports whether the kernel refused bytes. Handler.Drained follows.
func (c *Conn) Blocked() bool {
	c.loop.guard.check()
	return c.flags&flagBlocked != 0
}

// StalledSince returns the time of Loop.Now at which the kernel last took a
// byte of a blocked connection, or 0 if it is not blocked.
func (c *Conn) StalledSince() int64 {
	c.loop.guard.check()
	if c.aux == nil {
		return 0
	}
	return c.aux.stalled
}

// Flush writes what is queued now. The loop does so by itself after Data and
// at the end of the turn.
func (c *Conn) Flush() {
	c.loop.guard.check()
	if c.flags&(flagBlocked|flagClosing|flagGone) == 0 {
		c.loop.flush(c)
	}
}

// writable continues a blocked queue.
func (l *Loop) writable(c *Conn) {
	if c.flags&flagBlocked == 0 || c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	if l.flush(c) && c.flags&(flagClosing|flagFinish|flagHandshake) == 0 {
		l.callDrained(c)
	}
}

// flush writes the queue of c until it is empty, which it reports, or until
// the kernel refuses.
func (l *Loop) flush(c *Conn) bool {
	if c.flags&flagTLS != 0 && !l.flushSealed(c) {
		return false
	}
	for c.queued > 0 {
		b := l.chunk(c)
		n, err := c.write(b)
		if !l.wrote(c, n, len(b), err) {
			return false
		}
	}
	c.unblock()
	if c.flags&flagFinish != 0 {
		c.finish()
	}
	return true
}

// wrote accounts for a write that took n of the want bytes at the head of the
// queue. It reports whether to go on writing.
func (l *Loop) wrote(c *Conn, n, want int, err error) bool {
	if n > 0 {
		l.stats.Writes++
		l.stats.BytesOut += int64(n)
		c.advance(n)
		if c.aux != nil {
			c.aux.stalled = 0
		}
	}
	switch {
	case err == nil && n == want, errors.Is(err, syscall.EINTR):
		return true
	case err == nil, errors.Is(err, syscall.EAGAIN):
		l.stats.ShortWrites++
		l.block(c)
	default:
		c.Close(&WriteError{err})
	}
	return false
}

// block notes that the kernel took no more.
func (l *Loop) block(c *Conn) {
	c.own()
	if a := c.ensureAux(); a.stalled == 0 {
		a.stalled = max(l.Now(), 1)
	}
}

// unblock notes that the kernel has taken everything.
func (c *Conn) unblock() {
	if c.flags&flagBlocked != 0 {
		c.flags &^= flagBlocked
		if c.aux != nil {
			c.aux.stalled = 0
			c.giveAux()
		}
	}
}

// write takes bytes that the handler has sent.
func (c *Conn) write(b []byte) (int, error) {
	if c.flags&flagTLS != 0 {
		return c.writeSealed(b)
	}
	return c.writeRaw(b)
}

// writeRaw gives the kernel bytes as they are.
func (c *Conn) writeRaw(b []byte) (int, error) {
	if c.fd >= 0 {
		if f := c.loop.faults; f != nil {
			if err := f.Write(int(c.fd)); err != nil {
				return 0, err
			}
		}
		return sysSend(int(c.fd), b)
	}
	if p := c.pipe(); p != nil {
		return p.put(b)
	}
	if c.aux == nil || c.aux.sink == nil {
		return len(b), nil
	}
	n, err := c.aux.sink(b)
	return min(max(n, 0), len(b)), err
}

// chunk returns the bytes of the next write: the first frame itself if it is
// large or alone, else as many frames as fit, copied into the scratch.
func (l *Loop) chunk(c *Conn) []byte {
	first := c.head.B[c.off:]
	if c.more == nil || len(first) >= joinBelow {
		return first[:min(len(first), maxWrite)]
	}
	if l.joinedIs(c) {
		return l.scratch[:l.joinedLen]
	}
	n := copy(l.scratch, first)
	rest := c.more.bufs[c.more.next:]
	for _, b := range rest {
		if n == len(l.scratch) {
			break
		}
		n += copy(l.scratch[n:], b.B)
	}
	l.joined = l.joined[:0]
	if n == int(c.queued) && c.off == 0 && l.sharing && c.flags&flagBlocked == 0 {
		l.joined = append(append(l.joined, c.head), rest...)
		l.joinedLen = n
	}
	return l.scratch[:n]
}

// joinedIs reports whether the scratch holds exactly the queue of c: in a
// broadcast, neighbours in the dirty list have the same frames pending.
func (l *Loop) joinedIs(c *Conn) bool {
	if len(l.joined) == 0 || c.off != 0 || int(c.queued) != l.joinedLen || c.head != l.joined[0] ||
		c.flags&flagBlocked != 0 {
		return false
	}
	rest := c.more.bufs[c.more.next:]
	if len(rest) != len(l.joined)-1 {
		return false
	}
	for i, b := range rest {
		if b != l.joined[i+1] {
			return false
		}
	}
	return true
}
