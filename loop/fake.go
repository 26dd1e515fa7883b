package loop

import (
	"errors"
	"io"
	"syscall"

	"github.com/gannet-io/gannet/internal/goid"
)

// NewDriven makes a loop without goroutine, poller or descriptors: the caller
// runs its turns with Drive and its clock with SetNow. It is for tests and
// simulations. If o.Loops is more than one, the others are driven too and are
// found through Reactor.Loops.
func NewDriven(o *Options) *Loop {
	var opt Options
	if o != nil {
		opt = *o
	}
	if opt.NewHandler == nil {
		panic("loop: NewDriven: Options.NewHandler is nil")
	}
	opt.Loops = max(opt.Loops, 1)
	opt = opt.withDefaults()
	if opt.MaxConns <= 0 {
		opt.MaxConns = int(^uint(0) >> 1)
	}
	r := newReactor(&opt)
	r.state = stateRunning
	for _, l := range r.loops {
		l.driven = true
		l.injected = true
		l.nowValid = true
		l.owner.Store(goid.ID())
	}
	return r.loops[0]
}

// SetNow sets the clock of a driven loop, in ms.
func (l *Loop) SetNow(ms int64) { l.now = ms }

// Drive runs the timers that are due and one turn of a driven loop on the
// caller's goroutine, which becomes the loop's goroutine.
func (l *Loop) Drive() {
	l.owner.Store(goid.ID())
	l.runTimers()
	l.endTurn()
	l.published.publish(&l.stats)
	if l.stopping.Load() && !l.stopped {
		l.teardown()
	}
}

// Pending reports whether another Drive has something to do now.
func (l *Loop) Pending() bool {
	return l.bell.Load() != 0 || l.timers.due() <= l.now
}

// NewFake makes a connection without descriptor. What is sent goes to sink,
// which may take less than it is given or return EAGAIN; a nil sink takes
// everything. Handler.Open is not called.
func (l *Loop) NewFake(sink func(b []byte) (n int, err error)) *Conn {
	l.guard.check()
	c := &Conn{loop: l}
	if sink != nil {
		c.aux = &connAux{sink: sink}
	}
	l.addFake(c)
	l.reactor.conns.Add(1)
	return c
}

// addFake puts c into the table; its place is kept where others have their
// descriptor.
func (l *Loop) addFake(c *Conn) {
	l.fakes = append(l.fakes, c)
	c.fd = int32(-len(l.fakes))
}

// removeFake takes c out of the table; the last fake gets its place.
func (l *Loop) removeFake(c *Conn) {
	last := len(l.fakes) - 1
	l.fakes[-c.fd-1] = l.fakes[last]
	l.fakes[-c.fd-1].fd = c.fd
	l.fakes[last] = nil
	l.fakes = l.fakes[:last]
}

// Inject does for a fake what arriving bytes do for a socket. b is borrowed
// and may be changed. While c is paused a copy of b waits.
func (c *Conn) Inject(b []byte) {
	l := c.loop
	l.guard.check()
	if c.fd >= 0 || len(b) == 0 || c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	if c.flags&(flagPaused|flagInput) != 0 {
		aux := c.ensureAux()
		aux.input = append(aux.input, b...)
		l.readAgain(c)
		return
	}
	l.stats.Reads++
	l.stats.BytesIn += int64(len(b))
	l.deliver(c, b)
}

// InjectEOF ends the input of a fake: nil and io.EOF as a peer that closes,
// anything else as a failure. Bytes that wait are delivered before.
func (c *Conn) InjectEOF(err error) {
	l := c.loop
	l.guard.check()
	if c.fd >= 0 || c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	if err == nil {
		err = io.EOF
	}
	c.ensureAux().inputErr = err
	c.flags |= flagHup
	if len(c.aux.input) > 0 {
		l.readAgain(c)
		return
	}
	c.flags &^= flagPaused // the end is seen even then
	l.readable(c)
}

// takeInput does for a fake what read does for a socket.
func (a *connAux) takeInput(b []byte) (int, error) {
	if a == nil {
		return 0, syscall.EAGAIN
	}
	n := copy(b, a.input)
	a.input = a.input[n:]
	switch {
	case n > 0:
		return n, nil
	case a.inputErr == nil:
		return 0, syscall.EAGAIN
	case errors.Is(a.inputErr, io.EOF):
		return 0, nil
	}
	return 0, a.inputErr
}

// FakeWritable does for a fake what EPOLLOUT does for a socket.
func (c *Conn) FakeWritable() {
	c.loop.guard.check()
	c.loop.writable(c)
}
