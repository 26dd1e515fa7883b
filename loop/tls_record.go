package loop

import (
	"bytes"
	"errors"
	"io"
	"syscall"

	"github.com/gannet-io/gannet/internal/bufpool"
)

// deliverTLS takes what was read from an encrypted connection. Data gets all
// that can be decrypted now at once, so that nothing is left in here when the
// handler pauses, moves or detaches the connection.
func (l *Loop) deliverTLS(c *Conn, b []byte) {
	switch {
	case c.flags&flagFinish != 0:
		c.discard(len(b))
		return
	case c.flags&flagHandshake != 0:
		l.handshakeData(c, b)
		return
	}
	t := c.aux.tls
	t.in = b
	t.lend(l.tls)
	n, err := t.open(l.tls.plain)
	t.takeBack(l.tls)
	t.in = nil
	if !l.answerRecords(c) {
		return
	}
	if n > 0 {
		l.deliver(c, l.tls.plain[:n])
	}
	if errors.Is(err, errWouldBlock) || c.flags&(flagClosing|flagGone|flagFinish) != 0 {
		return
	}
	if errors.Is(err, io.EOF) { // close_notify
		c.eof()
		return
	}
	l.stats.TLSErrors++
	t.notified = true // crypto/tls has sent an alert, and nothing may follow it
	c.Close(err)
}

// lend gives crypto/tls the loop's buffer to read into, with the part of a
// record in it that has come before.
func (t *tlsConn) lend(s *tlsScratch) {
	raw, _ := buffers(t.conn)
	if raw == nil {
		return
	}
	t.keepPart(raw) // of the handshake, or what net/http has read ahead
	*raw = s.input
	if t.part != nil {
		raw.Write(t.part.B)
		t.dropPart()
	}
}

// takeBack undoes lend, and keeps no more than the part of a record that has
// come. Where Read has failed for good the connection is not read again.
func (t *tlsConn) takeBack(s *tlsScratch) {
	raw, hand := buffers(t.conn)
	if raw == nil {
		return
	}
	t.keepPart(raw)
	raw.Reset()
	poison(raw.AvailableBuffer()[:raw.Cap()])
	s.input, *raw = *raw, bytes.Buffer{}
	if hand.Len() == 0 {
		*hand = bytes.Buffer{}
	}
}

// keepPart takes what is in raw.
func (t *tlsConn) keepPart(raw *bytes.Buffer) {
	if b := raw.Bytes(); len(b) > 0 {
		t.part = bufpool.Get(len(b))
		t.part.B = append(t.part.B, b...)
	}
}

// restorePart gives crypto/tls a buffer of its own, for when no loop reads any
// more.
func (t *tlsConn) restorePart() {
	if t.part == nil {
		return
	}
	raw, _ := buffers(t.conn)
	raw.Write(t.part.B)
	t.dropPart()
}

func (t *tlsConn) dropPart() {
	if t.part != nil {
		t.part.Release()
		t.part = nil
	}
}

// open decrypts records until there is no whole one. The error is never nil:
// p is larger than everything that one read and the rest of the one before
// can hold.
func (t *tlsConn) open(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		var m int
		m, err = t.conn.Read(p[n:])
		n += m
	}
	if err == nil {
		err = io.ErrShortBuffer
	}
	return n, err
}

// answerRecords sends what crypto/tls has written while it read: answers to
// key updates, alerts. It reports whether c goes on.
func (l *Loop) answerRecords(c *Conn) bool {
	if len(l.tls.sealed) == 0 {
		return true
	}
	err := l.transmit(c)
	switch {
	case err == nil:
		return true
	case !errors.Is(err, syscall.EAGAIN):
		err = &WriteError{err}
	case len(c.aux.tls.out.B) > maxSealed:
		err = errRecordFlood
	default:
		l.block(c)
		return true
	}
	c.aux.tls.notified = true
	c.Close(err)
	return false
}

var errRecordFlood = errors.New("loop: peer sends records that need answers and reads none")

// writeSealed encrypts and writes b. It returns how much of b it took, which
// is all unless the kernel refuses records: then the error is EAGAIN, and
// flushSealed goes on with them.
func (c *Conn) writeSealed(b []byte) (n int, err error) {
	l, t := c.loop, c.aux.tls
	if t.out != nil {
		return 0, syscall.EAGAIN
	}
	for n < len(b) && err == nil {
		p := b[n:min(n+sealSize, len(b))]
		if _, err := t.conn.Write(p); err != nil {
			return n, err
		}
		n += len(p)
		l.stats.BytesOut += int64(len(l.tls.sealed) - len(p)) // which the caller counts
		err = l.transmit(c)
	}
	return n, err
}

// transmit sends the records in the scratch behind those that wait. What the
// kernel refuses is kept, and the error EAGAIN.
func (l *Loop) transmit(c *Conn) error {
	t, b := c.aux.tls, l.tls.sealed
	l.tls.sealed = b[:0]
	for t.out == nil && len(b) > 0 {
		n, err := c.writeRaw(b)
		b = b[max(n, 0):]
		switch {
		case err == nil && len(b) == 0:
			return nil
		case err == nil, errors.Is(err, syscall.EAGAIN):
			l.stats.ShortWrites++
			t.out = bufpool.Get(len(b))
		case errors.Is(err, syscall.EINTR):
		default:
			return err
		}
	}
	if t.out == nil {
		return nil
	}
	t.out.B = append(t.out.B, b...)
	return syscall.EAGAIN
}

// flushSealed writes the records that the kernel had refused. It reports
// whether all are gone; if not, c is blocked or closing.
func (l *Loop) flushSealed(c *Conn) bool {
	t := c.aux.tls
	for t.out != nil {
		b := t.out.B[t.off:]
		n, err := c.writeRaw(b)
		if n > 0 {
			l.stats.Writes++
			c.aux.stalled = 0
			t.off += uint32(n)
		}
		switch {
		case n == len(b):
			t.dropSealed()
		case err == nil, errors.Is(err, syscall.EAGAIN):
			l.stats.ShortWrites++
			l.block(c)
			return false
		case errors.Is(err, syscall.EINTR):
		default:
			c.Close(&WriteError{err})
			return false
		}
	}
	return true
}

func (t *tlsConn) dropSealed() {
	if t.out != nil {
		t.out.Release()
	}
	t.out, t.off = nil, 0
}

// notifyClose sends close_notify (RFC 8446, 6.1) before FIN. It reports
// whether the kernel has taken it; if not, c is blocked or closing.
func (l *Loop) notifyClose(c *Conn) bool {
	t := c.aux.tls
	if t.notified || c.flags&flagHandshake != 0 {
		return true
	}
	t.notified = true
	_ = t.conn.CloseWrite() // writes to the scratch, which does not fail
	err := l.transmit(c)
	switch {
	case err == nil:
		return true
	case errors.Is(err, syscall.EAGAIN):
		l.block(c)
	default:
		c.Close(err)
	}
	return false
}

// endTLS is the part of Close that encrypted connections need. The peer is
// told if that is possible at once: not in the middle of a record.
func (c *Conn) endTLS(err error) {
	l, t := c.loop, c.aux.tls
	switch {
	case c.flags&flagHandshake != 0:
		l.endHandshake(t.hs, err)
	case t.notified || t.out != nil || isErrno(err):
	default:
		t.notified = true
		if t.conn.CloseWrite() == nil {
			_, _ = c.writeRaw(l.tls.sealed)
			l.tls.sealed = l.tls.sealed[:0]
		}
	}
	t.dropSealed()
	t.dropPart()
}

// isErrno tells whether err is a failure of the socket.
func isErrno(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}
