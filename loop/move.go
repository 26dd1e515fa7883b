package loop

import (
	"fmt"
	"net"
	"syscall"

	"github.com/gannet-io/gannet/internal/bufpool"
)

// arrival is a connection on its way to a loop.
type arrival struct {
	// Immutable after it is posted; owned by the loop that takes it.
	fd      int // -1 for a fake
	unread  []byte
	note    any
	ctx     any
	aux     *connAux       // of a fake, may be nil, or of an encrypted connection
	queue   []*bufpool.Buf // owns a reference of each
	off     uint32
	adopted bool      // comes from net/http, or is a Pipe's
	flags   connFlags // that go along
	blocked bool      // the kernel had refused bytes
	input   bool      // input may wait that no event will announce
	paused  bool
}

// discard releases what an undelivered arrival holds.
func (a *arrival) discard(r *Reactor) {
	for _, b := range a.queue {
		b.Release()
	}
	if a.aux != nil && a.aux.tls != nil {
		a.aux.tls.dropSealed()
		a.aux.tls.dropPart()
	}
	if a.fd >= 0 {
		closeFD(a.fd)
	}
	r.uncount(a.flags, a.aux)
}

// MoveTo gives the connection to a loop of the same reactor: there,
// Handler.Moved is called with a new Conn that has the same Ctx, the bytes still queued, and a copy of
// unread. c itself is finished: Closed is not called, and the deadline is
// gone. If dst has stopped, the connection is closed and Handler.Dropped gets
// the note, before MoveTo returns. MoveTo does nothing when c is closing.
func (c *Conn) MoveTo(dst *Loop, unread []byte, note any) {
	l := c.loop
	l.guard.check()
	if c.flags&(flagClosing|flagGone|flagFinish) != 0 {
		return
	}
	fd := -1
	if c.fd >= 0 {
		var err error
		if fd, err = l.poll.leave(int(c.fd)); err != nil {
			c.Close(err)
			return
		}
	}
	c.clearDeadline()
	c.giveAux()
	a := &arrival{
		fd: fd, unread: append([]byte(nil), unread...), note: note, ctx: c.Ctx, off: c.off,
		blocked: c.flags&flagBlocked != 0,
		input:   c.flags&flagInput != 0,
		paused:  c.flags&flagPaused != 0,
		flags:   c.flags & flagAdopted,
	}
	if c.pipe() != nil {
		a.input = true // what it is told meanwhile goes nowhere
	}
	if c.fd < 0 || c.flags&flagTLS != 0 {
		a.aux, c.aux = c.aux, nil
	}
	c.own()
	a.queue = c.takeQueue()
	l.remove(c)
	c.flags |= flagGone
	l.stats.Departed++
	m := Message{Kind: kindArrive, Obj: a}
	if dst.post(m) != nil {
		l.drop(&m)
	}
}

// takeQueue empties the queue without giving its references up.
func (c *Conn) takeQueue() []*bufpool.Buf {
	var list []*bufpool.Buf
	if c.head != nil {
		list = append(list, c.head)
	}
	if f := c.more; f != nil {
		list = append(list, f.bufs[f.next:]...)
		c.loop.giveFrames(f)
	}
	c.head, c.more, c.off, c.queued = nil, nil, 0, 0
	c.unblock()
	return list
}

// arrive makes a connection of what another loop or goroutine sent.
func (l *Loop) arrive(a *arrival) {
	c := &Conn{loop: l, fd: int32(a.fd), Ctx: a.ctx, aux: a.aux, flags: a.flags}
	if a.fd < 0 {
		l.addFake(c)
	} else {
		if err := l.watch(a.fd); err != nil {
			l.stats.AcceptErrors++
			l.drop(&Message{Kind: kindArrive, Obj: a})
			return
		}
		l.add(c)
	}
	if a.adopted {
		l.stats.Adopted++
	} else {
		l.stats.Arrived++
	}
	if a.paused {
		c.flags |= flagPaused
	}
	if a.aux != nil && a.aux.tls != nil {
		l.ensureTLS()
		c.flags |= flagTLS
		a.aux.tls.scratch = l.tls
	}
	if p := c.pipe(); p != nil {
		p.arrived(c)
	}
	c.takeOver(a)
	waits := c.unsent() > 0
	l.callMoved(c, a.unread, a.note)
	poison(a.unread)
	if c.flags&(flagTLS|flagClosing|flagGone) == flagTLS {
		l.deliverTLS(c, nil) // what crypto/tls has read ahead for net/http, or the end
	}
	if a.input {
		l.readAgain(c)
	}
	if waits && c.flags&(flagClosing|flagGone) == 0 && l.flush(c) && a.blocked {
		l.callDrained(c)
	}
}

// takeOver gives c the queue of a, whose references came along.
func (c *Conn) takeOver(a *arrival) {
	for _, b := range a.queue {
		c.push(b)
	}
	if c.unsent() == 0 {
		if c.aux != nil {
			c.aux.stalled = 0
		}
		return
	}
	c.off = a.off
	c.queued -= a.off
	c.flags |= flagBlocked
	c.ensureAux().stalled = max(c.loop.Now(), 1)
}

// Adopt takes a *net.TCPConn, a *net.UnixConn or a *TLSConn over: nc is
// closed, its descriptor goes to loop number l, whose handler gets Moved with
// unread and note. If it fails nc is untouched, unless the error is ErrClosed.
func (r *Reactor) Adopt(l int, nc net.Conn, unread []byte, note any) error {
	if l < 0 || l >= len(r.loops) {
		return fmt.Errorf("loop: adopt: no loop %d", l)
	}
	a := &arrival{note: note, adopted: true, flags: flagAdopted}
	if tc, ok := nc.(*TLSConn); ok {
		a.aux = &connAux{tls: tc.t}
		nc = tc.t.raw
	}
	var sc syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return fmt.Errorf("loop: adopt: %w: %T", ErrNoDescriptor, nc)
	}
	if !r.reserve() {
		return ErrTooManyConns
	}
	r.adopted.Add(1)
	fd, err := dupConn(sc)
	if err != nil {
		r.uncount(flagAdopted, nil)
		return fmt.Errorf("loop: adopt: %w", err)
	}
	setNonblock(fd) // whatever nc was used for before
	if _, tcp := nc.(*net.TCPConn); tcp {
		tune(fd)
	}
	_ = nc.Close() // the copy keeps the connection
	if a.aux != nil {
		a.aux.tls.raw = nil
	}
	a.fd, a.unread = fd, append([]byte(nil), unread...)
	if err := r.loops[l].post(Message{Kind: kindArrive, Obj: a}); err != nil {
		a.discard(r)
		return err
	}
	return nil
}

// dupConn copies the descriptor of sc.
func dupConn(sc syscall.Conn) (int, error) {
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = dupFD(int(old)) }); err != nil {
		return -1, err
	}
	return fd, dupErr
}

// Detach releases c from the loop without closing it and returns its
// descriptor, which is in non-blocking mode and now the caller's to close.
// Closed is not called. It fails while bytes are queued, and for encrypted
// connections, which DetachConn is for.
func (c *Conn) Detach() (int, error) {
	c.loop.guard.check()
	if c.flags&flagTLS != 0 {
		return -1, ErrEncrypted
	}
	fd, _, err := c.detach()
	return fd, err
}

// detach takes c apart: its descriptor, and its TLS side if it has one.
func (c *Conn) detach() (int, *tlsConn, error) {
	l := c.loop
	l.guard.check()
	switch {
	case c.flags&(flagClosing|flagGone|flagFinish) != 0:
		return -1, nil, ErrClosed
	case c.fd < 0:
		return -1, nil, ErrNoDescriptor
	}
	c.Flush()
	if c.unsent() > 0 {
		return -1, nil, ErrPending
	}
	if c.flags&flagClosing != 0 { // the flush has failed
		return -1, nil, ErrClosed
	}
	fd, err := l.poll.leave(int(c.fd))
	if err != nil {
		return -1, nil, err
	}
	var t *tlsConn
	if c.flags&flagTLS != 0 {
		t, c.aux.tls = c.aux.tls, nil
	}
	c.clearDeadline()
	c.giveAux()
	l.remove(c)
	l.reactor.uncount(c.flags, c.aux)
	c.flags |= flagGone
	l.stats.Departed++
	return fd, t, nil
}
