package load

import "github.com/gannet-io/gannet/loop"

// A Timer calls a function on a loop of a Pool. It is for the few timers that
// drive a run, not for one of each connection.
type Timer struct {
	// Owned by the loop goroutine.
	timer loop.Timer
	h     *handler
}

// NewTimer returns a stopped timer of the loop with the given number. It must
// be called on that loop.
func (p *Pool) NewTimer(on int, f func()) *Timer {
	t := &Timer{h: p.handlers[on]}
	t.h.timers[&t.timer] = f
	return t
}

// After makes the timer fire in ms milliseconds from now, once. It must be
// called on the timer's loop.
func (t *Timer) After(ms int64) { t.h.loop.SetTimer(&t.timer, t.h.loop.Now()+ms) }

// Stop stops the timer. It must be called on the timer's loop.
func (t *Timer) Stop() { t.h.loop.SetTimer(&t.timer, 0) }
