package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/internal/goid"
)

// reserveFiles is how many descriptors MaxConns leaves for everything else.
const reserveFiles = 64

var errExited = errors.New("loop: goroutine ended")

// A Reactor is a set of loops that share listeners. All methods may be called
// from any goroutine.
type Reactor struct {
	// Immutable after New.
	loops      []*Loop
	maxConns   int64
	base       time.Time
	handshakes *handshakePool
	done       chan struct{} // closed through once

	// Atomic: written by loops, read by everybody.
	conns   atomic.Int64
	adopted atomic.Int64 // of these, taken over from net/http
	pipes   atomic.Int64 // of these, made by Pipe

	// Atomic: written by whoever deals descriptors out.
	deal atomic.Uint32

	mu    sync.Mutex // guards following
	state state
	err   error

	listenMu sync.Mutex // guards following; taken before mu
	paths    []string   // Unix sockets to unlink

	wg   sync.WaitGroup // counts the goroutines of loops and handshakes
	once sync.Once      // closes done
}

type state uint8

const (
	stateNew state = iota
	stateRunning
	stateStopping
)

// New makes a reactor. It starts nothing and opens nothing, but calls
// o.NewHandler once for every loop.
func New(o *Options) (*Reactor, error) {
	opt := o.withDefaults()
	if opt.NewHandler == nil {
		return nil, &OptionError{Field: "NewHandler", Reason: "is nil"}
	}
	limit := max(fileLimit()-reserveFiles, 1)
	if opt.MaxConns <= 0 || opt.MaxConns > limit {
		opt.MaxConns = limit
	}
	return newReactor(&opt), nil
}

func newReactor(o *Options) *Reactor {
	r := &Reactor{
		maxConns: int64(o.MaxConns),
		base:     time.Now().Add(-time.Millisecond), //nolint:forbidigo // the one clock; Now is never 0.
		done:     make(chan struct{}),
	}
	r.handshakes = newHandshakePool(r, o)
	for id := range o.Loops {
		r.loops = append(r.loops, newLoop(r, id, o))
	}
	for _, l := range r.loops {
		l.handler = o.NewHandler(l)
	}
	return r
}

// Start opens pollers, doorbells and timers and starts one goroutine per
// loop. Calling it again does nothing; after Shutdown it returns ErrClosed.
func (r *Reactor) Start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.state {
	case stateRunning:
		return nil
	case stateStopping:
		return ErrClosed
	case stateNew:
	}
	for i, l := range r.loops {
		if err := l.poll.open(); err != nil {
			for _, opened := range r.loops[:i] {
				opened.poll.close()
			}
			return fmt.Errorf("loop: start: %w", err)
		}
	}
	r.state = stateRunning
	r.wg.Add(len(r.loops))
	for _, l := range r.loops {
		go l.run() // ends when Shutdown rings; joined through wg
		l.openBell()
	}
	return nil
}

// Loops returns the loops; index and Loop.ID agree. The caller must not
// change the slice.
func (r *Reactor) Loops() []*Loop { return r.loops }

// Conns returns the number of connections, descriptors counted by Hold
// included.
func (r *Reactor) Conns() int { return int(r.conns.Load()) }

// Adopted returns the number of connections that Adopt has taken over and that
// are not closed or detached.
func (r *Reactor) Adopted() int { return int(r.adopted.Load()) }

// MaxConns returns the cap on connections that is in force.
func (r *Reactor) MaxConns() int { return int(r.maxConns) }

// Hold counts a descriptor that somebody else owns, such as a detached
// connection, towards MaxConns. It reports false, and counts nothing, when
// the cap is reached. Every true needs one Unhold.
func (r *Reactor) Hold() bool { return r.reserve() }

// Unhold undoes one Hold.
func (r *Reactor) Unhold() { r.conns.Add(-1) }

// Counters returns the totals of all loops.
func (r *Reactor) Counters() Counters {
	var sum Counters
	for _, l := range r.loops {
		l.published.addTo(&sum)
		sum.RingFull += l.ringFull.Load()
	}
	return sum
}

// Done is closed when Shutdown has finished or a loop ended unexpectedly; Err
// tells which.
func (r *Reactor) Done() <-chan struct{} { return r.done }

// Err returns why a loop ended unexpectedly, or nil.
func (r *Reactor) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// request is a function that a loop is asked to run.
type request struct {
	// Immutable.
	f    func()
	done chan struct{} // closed by the loop

	// Owned by the loop goroutine until done is closed.
	err error
}

func (q *request) run() {
	q.f()
	q.err = nil
	close(q.done)
}

// Shutdown closes the listeners and every connection, whose Handler.Closed
// gets ErrShutdown, drops the messages that cannot be delivered any more, and
// waits for the loops to end. If ctx ends first it returns its error and the
// loops go on stopping. It may be called more than once, but not from a loop.
func (r *Reactor) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	started := r.state == stateRunning
	r.state = stateStopping
	r.mu.Unlock()
	for _, l := range r.loops {
		l.stop(started)
	}
	return r.join(ctx)
}

// elapsed is the clock of all loops.
func (r *Reactor) elapsed() time.Duration { return time.Since(r.base) }

// reserve counts one connection, unless the cap is reached.
func (r *Reactor) reserve() bool {
	if r.conns.Add(1) > r.maxConns {
		r.conns.Add(-1)
		return false
	}
	return true
}

// uncount undoes reserve for a connection with the given flags.
func (r *Reactor) uncount(flags connFlags, aux *connAux) {
	switch {
	case flags&flagAdopted != 0:
		r.adopted.Add(-1)
	case aux != nil && aux.pipe != nil:
		r.pipes.Add(-1)
		aux.pipe.end()
	}
	r.conns.Add(-1)
}

// fail notes that l ended without being asked to.
func (r *Reactor) fail(l *Loop, err error) {
	if err == nil {
		err = errExited
	}
	r.mu.Lock()
	if r.err == nil {
		r.err = fmt.Errorf("loop %d: %w", l.id, err)
	}
	r.mu.Unlock()
	l.log.Error("loop: ended unexpectedly", slog.Int("loop", l.id), slog.Any("err", err))
	r.once.Do(func() { close(r.done) })
}

// caller returns the loop whose goroutine is running, preferring l, or nil.
func (r *Reactor) caller(l *Loop) *Loop {
	id := goid.ID()
	if l.owner.Load() == id {
		return l
	}
	for _, other := range r.loops {
		if other.owner.Load() == id {
			return other
		}
	}
	return nil
}

// ringOthers tells every loop that the ring of l has room.
func (r *Reactor) ringOthers(l *Loop) {
	for _, other := range r.loops {
		if other == l {
			l.requestTurn()
		} else {
			other.ring()
		}
	}
}

// call runs f on l and waits for it. On a loop's own goroutine it runs f at
// once if that is l; it must not be used from one loop to another.
func (r *Reactor) call(l *Loop, f func()) error {
	if l.OnLoop() {
		f()
		return nil
	}
	req := &request{f: f, done: make(chan struct{}), err: ErrClosed}
	if err := l.post(Message{Kind: kindCall, Obj: req}); err != nil {
		return err
	}
	<-req.done
	return req.err
}

func (r *Reactor) join(ctx context.Context) error {
	finished := make(chan struct{})
	go func() { // ends with the last loop goroutine
		r.wg.Wait()
		r.unlink()
		r.once.Do(func() { close(r.done) })
		close(finished)
	}()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
