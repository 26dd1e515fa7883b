package loop

import (
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/goid"
	"github.com/gannet-io/gannet/internal/mpsc"
)

// A Loop owns connections, timers and slots, and runs one Handler. ID,
// Reactor, OnLoop, Post and TryPost may be called from any goroutine, every
// other method from the loop's goroutine only, which is the one that runs the
// Handler.
type Loop struct {
	// Immutable after newLoop.
	id       int
	reactor  *Reactor
	handler  Handler
	log      *slog.Logger
	watchdog time.Duration
	driven   bool
	messages *mpsc.Ring[Message]

	// Atomic: written by Post and the loop, read by both.
	bell       atomic.Uint32 // 1 while an end of turn is on its way
	bellUsers  atomic.Int32  // goroutines between the check of bellShut and the write
	bellShut   atomic.Bool   // the doorbell's descriptor may be closed
	overflowed atomic.Int32  // loops that hold overflow for this one
	waiting    atomic.Int32  // goroutines that wait for room in the ring
	ringFull   atomic.Int64

	// Atomic: written by the loop when it starts and ends, read by OnLoop.
	owner atomic.Uintptr

	// Atomic: written by Shutdown, read by the loop.
	stopping atomic.Bool

	waitMu sync.Mutex // guards following
	room   chan struct{}

	_ [64]byte

	// Owned by the loop goroutine.
	guard     guard
	poll      poll
	conns     []*Conn // by descriptor
	fakes     []*Conn
	listeners []*listener

	input   []byte      // what is read
	scratch []byte      // what is joined before it is written
	tls     *tlsScratch // nil until there is an encrypted connection

	phase      phase
	wanted     bool // an end of turn was requested
	sharing    bool // flushDirty is running
	stopped    bool
	reading    *Conn // its queue is written when Data returns
	dirty      []*Conn
	dirtySpare []*Conn
	again      []*Conn
	againSpare []*Conn
	closing    []closing
	dead       []int32
	deferred   []*bufpool.Buf
	joined     []*bufpool.Buf // whose bytes are in scratch
	joinedLen  int
	freeFrames []*frames
	freeRoom   int // capacity of freeFrames together
	freeAux    []*connAux

	overflow []backlog // by destination loop
	current  Message   // being delivered

	timers timers

	now      int64 // ms, valid while nowValid
	nowValid bool
	injected bool // SetNow decides

	rest         Timer  // accepting pauses while it is armed
	faults       faults // nil but in tests
	slowLogged   int64  // ms of the last report of a slow turn
	acceptLogged int64  // ms of the last report of a failed accept
	stats        Counters
	published    published
}

func newLoop(r *Reactor, id int, o *Options) *Loop {
	l := &Loop{
		id:       id,
		reactor:  r,
		log:      o.Logger,
		watchdog: o.WatchdogTurn,
		messages: mpsc.NewRing[Message](o.RingSize),
		room:     make(chan struct{}),
		input:    make([]byte, o.ReadBuffer),
		scratch:  make([]byte, maxWrite),
		overflow: make([]backlog, o.Loops),
	}
	l.poll.init()
	l.bellShut.Store(true) // until Start
	l.timers.init()
	return l
}

// ID returns the index of l in Reactor.Loops.
func (l *Loop) ID() int { return l.id }

// Reactor returns the reactor that l belongs to.
func (l *Loop) Reactor() *Reactor { return l.reactor }

// OnLoop reports whether the caller is the goroutine of l.
func (l *Loop) OnLoop() bool { return l.owner.Load() == goid.ID() }

// Now returns the monotonic time in milliseconds since the reactor was made.
// It is read at most once per event.
func (l *Loop) Now() int64 {
	l.guard.check()
	if !l.nowValid {
		l.now = int64(l.reactor.elapsed() / time.Millisecond)
		l.nowValid = true
	}
	return l.now
}

// run is the loop's goroutine. It ends when Shutdown stops the loop, or when
// the poller fails.
func (l *Loop) run() {
	defer l.reactor.wg.Done()
	l.owner.Store(goid.ID())
	l.guard.own()
	err := errExited
	defer func() {
		if v := recover(); v != nil {
			panic(v) // not a handler's: nothing here can be trusted any more
		}
		if !l.stopping.Load() {
			l.reactor.fail(l, err)
		}
		l.teardown()
		l.guard.disable()
		l.owner.Store(0)
	}()
	err = l.poll.run(l)
}

// faults lets tests make system calls fail. A nil error lets the call through.
type faults interface {
	Read(fd int) error
	Write(fd int) error
	Accept() error
	Watch(fd int) error
}

// begin opens the accounting of one event.
func (l *Loop) begin() time.Duration {
	if l.watchdog <= 0 || l.injected {
		l.nowValid = l.injected
		return 0
	}
	start := l.reactor.elapsed()
	l.now, l.nowValid = int64(start/time.Millisecond), true
	return start
}

// end closes the accounting of one event.
func (l *Loop) end(start time.Duration, what string) {
	if l.watchdog > 0 && !l.injected {
		if took := l.reactor.elapsed() - start; took > l.watchdog {
			l.slowTurn(took, what)
		}
	}
	l.published.publishHot(&l.stats)
}

// slowTurn counts an event that took too long, and logs one per second.
func (l *Loop) slowTurn(took time.Duration, what string) {
	l.stats.SlowTurns++
	if l.now-l.slowLogged < 1000 && l.slowLogged != 0 {
		return
	}
	l.slowLogged = l.now
	l.log.Warn("loop: slow turn", slog.Int("loop", l.id), slog.String("what", what), slog.Duration("took", took),
		slog.Int64("total", l.stats.SlowTurns))
}

// event dispatches what happened to a descriptor.
func (l *Loop) event(fd int, ready readiness) {
	start := l.begin()
	l.dispatch(fd, ready)
	l.end(start, "event")
}

func (l *Loop) dispatch(fd int, ready readiness) {
	if fd < len(l.conns) {
		if c := l.conns[fd]; c != nil {
			l.connReady(c, ready)
			return
		}
	}
	for _, ln := range l.listeners {
		if ln.fd == fd {
			ln.ready = true
			l.requestTurn()
			return
		}
	}
}

func (l *Loop) connReady(c *Conn, ready readiness) {
	if ready&readyHup != 0 {
		c.flags |= flagHup
	}
	if ready&readyWrite != 0 {
		l.writable(c)
	}
	if ready&(readyRead|readyHup) != 0 {
		l.readable(c)
	}
}

// clock runs the timers.
func (l *Loop) clock() {
	start := l.begin()
	l.timers.armed = 0 // what callbacks arm is seen to below
	l.runTimers()
	l.armTimer()
	l.end(start, "timers")
}

// until returns how long to wait for the time at, or a negative value for
// never.
func (l *Loop) until(at int64) time.Duration {
	if at == never {
		return -1
	}
	return max(time.Duration(at)*time.Millisecond-l.reactor.elapsed(), 0)
}

// doorbell runs the end of a turn. It reports whether the loop has to stop.
func (l *Loop) doorbell() bool {
	start := l.begin()
	l.endTurn()
	l.end(start, "turn")
	return l.stopping.Load()
}

// ring writes the doorbell unless an end of turn is already on its way.
func (l *Loop) ring() {
	if l.bell.Load() != 0 || !l.bell.CompareAndSwap(0, 1) {
		return
	}
	l.bellUsers.Add(1)
	if !l.bellShut.Load() {
		l.poll.ring()
	}
	l.bellUsers.Add(-1)
}

// openBell lets ring write, and rings for what was posted before.
func (l *Loop) openBell() {
	l.bellShut.Store(false)
	l.bell.Store(0)
	l.ring()
}

// shutBell waits until nobody can write the doorbell any more.
func (l *Loop) shutBell() {
	l.bellShut.Store(true)
	for l.bellUsers.Load() != 0 {
		runtime.Gosched()
	}
}

// add puts c into the table.
func (l *Loop) add(c *Conn) {
	fd := int(c.fd)
	if fd >= len(l.conns) {
		grown := make([]*Conn, max(fd+1, 2*len(l.conns), 64))
		copy(grown, l.conns)
		l.conns = grown
	}
	l.conns[fd] = c
}

// remove takes c out of the tables. It still counts towards MaxConns.
func (l *Loop) remove(c *Conn) {
	if c.fd >= 0 {
		l.conns[c.fd] = nil
		return
	}
	l.removeFake(c)
}
