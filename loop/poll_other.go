//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package loop

import (
	"errors"
	"time"
)

// readiness is what an event says about a descriptor.
type readiness uint8

const (
	readyRead readiness = 1 << iota
	readyWrite
	readyHup // the peer sent FIN, or the connection is broken
)

// poll is a loop without a kernel's side: it has no descriptors, only a channel
// as doorbell and a runtime timer.
type poll struct {
	// Immutable after init.
	bell chan struct{} // holds one ring
	due  chan struct{} // holds one expiry

	// Owned by the loop goroutine.
	timer *time.Timer
}

func (p *poll) init() {
	p.bell, p.due = make(chan struct{}, 1), make(chan struct{}, 1)
}

func (p *poll) open() error { return nil }

// close may be called more than once.
func (p *poll) close() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *poll) add(int) error { return errors.ErrUnsupported }

func (p *poll) addListener(int) error { return errors.ErrUnsupported }

func (p *poll) leave(int) (int, error) { return -1, errors.ErrUnsupported }

// ring may be called from any goroutine.
func (p *poll) ring() { put(p.bell) }

// put leaves a note in c unless there is one.
func put(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// arm makes the timer expire once after d; a negative d switches it off.
func (p *poll) arm(d time.Duration) {
	if d < 0 {
		p.timer.Stop()
		return
	}
	p.timer.Reset(d)
}

// run waits until the loop has to stop.
func (p *poll) run(l *Loop) error {
	p.timer = time.AfterFunc(time.Hour, func() { put(p.due) }) //nolint:forbidigo // there is no timerfd; stopped by close.
	p.timer.Stop()
	for {
		select {
		case <-p.bell:
			if l.doorbell() {
				return nil
			}
		case <-p.due:
			l.clock()
		}
	}
}
