package loop

import "io"

// lingerBytes is how much input CloseAfterFlush discards before it gives up.
const lingerBytes = 1 << 20

// Close drops what is queued and closes c at the end of the turn:
// Handler.Closed gets err, then the descriptor is closed. Only the first call
// has an effect.
func (c *Conn) Close(err error) {
	c.loop.guard.check()
	if c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	c.flags |= flagClosing
	if c.flags&flagTLS != 0 {
		c.endTLS(err)
	}
	c.dropQueue()
	c.clearDeadline()
	c.loop.closing = append(c.loop.closing, closing{c, err})
	c.loop.requestTurn()
}

// CloseAfterFlush stops Data, writes what is queued, sends FIN, discards what
// the peer still sends until it closes too, and then closes c with err. The
// caller sets a deadline and calls Close when it passes.
func (c *Conn) CloseAfterFlush(err error) {
	l := c.loop
	l.guard.check()
	if c.flags&(flagClosing|flagGone|flagFinish) != 0 {
		return
	}
	c.flags = c.flags&^flagPaused | flagFinish
	c.ensureAux().finishErr = err
	if c.flags&flagInput != 0 {
		l.readAgain(c)
	}
	if c.flags&flagBlocked == 0 {
		l.markDirty(c)
	}
}

// finish goes on with CloseAfterFlush when the queue is empty.
func (c *Conn) finish() {
	if c.flags&flagLinger != 0 || c.flags&flagTLS != 0 && !c.loop.notifyClose(c) {
		return
	}
	if c.fd < 0 || c.flags&flagEOF != 0 || shutdownWrite(int(c.fd)) != nil {
		c.Close(c.aux.finishErr)
		return
	}
	c.flags |= flagLinger
}

// discard counts input that nobody reads any more.
func (c *Conn) discard(n int) {
	if c.aux.discarded += n; c.aux.discarded > lingerBytes {
		c.Close(ErrLinger)
	}
}

// eof handles the end of input.
func (c *Conn) eof() {
	switch {
	case c.flags&flagFinish == 0:
		c.Close(io.EOF)
	case c.flags&flagLinger != 0 || c.unsent() == 0:
		c.Close(c.aux.finishErr)
	default:
		c.flags |= flagEOF
	}
}

// fail closes c after an error of the socket.
func (c *Conn) fail(err error) {
	if c.flags&flagLinger != 0 {
		err = c.aux.finishErr
	}
	c.Close(err)
}
