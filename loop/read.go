package loop

import (
	"errors"
	"io"
	"syscall"
)

// readable reads once. Edges are not repeated, so whatever may still wait
// afterwards is remembered: a full buffer, or the end that was announced.
func (l *Loop) readable(c *Conn) {
	if c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	if c.flags&flagPaused != 0 {
		c.flags |= flagInput
		if c.flags&flagHup != 0 {
			l.probe(c)
		}
		return
	}
	c.flags &^= flagInput
	n, err := l.read(c)
	switch {
	case n > 0:
		l.stats.Reads++
		l.stats.BytesIn += int64(n)
		if c.flags&flagTLS != 0 {
			l.deliverTLS(c, l.input[:n])
		} else {
			l.deliver(c, l.input[:n])
		}
		if n == len(l.input) || c.flags&flagHup != 0 {
			l.readAgain(c)
		}
	case err == nil:
		c.eof()
	case errors.Is(err, syscall.EAGAIN):
		c.flags &^= flagHup // a real end would have been read
	case errors.Is(err, syscall.EINTR):
		l.readAgain(c)
	default:
		c.fail(err)
	}
}

// read fills the loop's input buffer.
func (l *Loop) read(c *Conn) (int, error) {
	if p := c.pipe(); p != nil {
		return p.take(l.input)
	}
	if c.fd < 0 {
		return c.aux.takeInput(l.input)
	}
	if l.faults != nil {
		if err := l.faults.Read(int(c.fd)); err != nil {
			return 0, err
		}
	}
	return sysRead(int(c.fd), l.input)
}

// deliver hands b to the handler and writes what it queued for c. If nothing
// else is waiting for the end of the turn, what was deferred meanwhile is
// released at once.
func (l *Loop) deliver(c *Conn, b []byte) {
	if c.flags&flagFinish != 0 {
		c.discard(len(b))
		return
	}
	outer, mark := l.reading, len(l.deferred)
	l.reading = c
	l.callData(c, b)
	l.reading = outer
	poison(b)
	if c.flags&(flagDirty|flagBlocked|flagClosing|flagGone) == 0 && c.queued > 0 {
		l.flush(c)
	}
	switch {
	case outer != nil: // bytes of the outer connection are not written yet
	case len(l.dirty) == 0:
		l.release(mark)
	default:
		l.requestTurn()
	}
}

// readAgain makes the loop read c in the next turn, or as soon as c resumes.
func (l *Loop) readAgain(c *Conn) {
	if c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	c.flags |= flagInput
	if c.flags&(flagAgain|flagPaused) != 0 {
		return
	}
	c.flags |= flagAgain
	l.again = append(l.again, c)
	l.requestTurn()
}

// repeatReads reads once from every connection that asked for it.
func (l *Loop) repeatReads() {
	if len(l.again) == 0 {
		return
	}
	list := l.again
	l.again = l.againSpare[:0]
	for i, c := range list {
		list[i] = nil
		c.flags &^= flagAgain
		l.readable(c)
	}
	l.againSpare = list[:0]
}

// probe finds out whether the peer of a paused connection is gone: at the end
// of input right now, or reset. Bytes that wait before the end stay.
func (l *Loop) probe(c *Conn) {
	if p := c.pipe(); p != nil && p.drained() {
		c.Close(io.EOF)
	}
	if c.fd < 0 {
		return
	}
	if err := socketError(int(c.fd)); err != nil {
		c.Close(err)
		return
	}
	n, err := sysPeek(int(c.fd))
	switch {
	case n > 0, errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
	case err == nil:
		c.Close(io.EOF)
	default:
		c.Close(err)
	}
}
