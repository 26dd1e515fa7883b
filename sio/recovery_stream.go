package sio

import (
	"sync"

	"github.com/gannet-io/gannet/loop"
)

// A stream is what a loop is to do for sockets, in an order that all loops agree
// about as far as the events of an eventLog are concerned. There is one for each
// loop where connection state recovery is on; without, the ring of the loop does
// the same with less.
//
// A ring is not enough because two goroutines that emit may reach two loops in
// different orders, and because what a loop emits itself never goes through one.
// Here every event is put into the streams of all loops that it concerns under
// one lock, that of the log, and a loop that emits handles what is in its stream
// first. That everything else which goroutines ask for goes through the stream
// too keeps the order in which each of them asked.
type stream struct {
	mu     sync.Mutex // guards following
	queue  []loop.Message
	called bool // a msgDrain is on its way to the loop
	closed bool

	// Owned by the loop goroutine.
	batch    []loop.Message // what was taken from queue
	next     int            // of batch
	draining bool           // what the loop asks for itself is put into the stream too
	timer    loop.Timer     // of the sweeps
}

const (
	// crowdedStream is how many messages may wait before every one that is
	// added waits for room in the ring of the loop.
	crowdedStream = 512
	// keptStream is how many places an empty stream keeps.
	keptStream = 4096
)

// push adds a message. It reports whether the loop is to be called, which it
// need not be by itself.
func (st *stream) push(m loop.Message, mine bool) (call bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.pushLocked(m, mine)
}

func (st *stream) pushLocked(m loop.Message, mine bool) (call bool) {
	st.queue = append(st.queue, m)
	if mine || st.called && len(st.queue) < crowdedStream {
		return false
	}
	st.called = true
	return true
}

// takeAll moves everything that waits to the batch.
func (st *stream) takeAll() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.called = false
	if st.next == len(st.batch) {
		st.batch, st.queue, st.next = st.queue, st.batch[:0], 0
		if cap(st.queue) > keptStream {
			st.queue = nil
		}
		return
	}
	st.batch = append(st.batch, st.queue...)
	clear(st.queue)
	st.queue = st.queue[:0]
}

// handled returns a position up to which the loop has handled all events of a
// namespace, given the latest. The lock of the log is held.
func (st *stream) handled(n *Namespace, head uint64) uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, list := range [2][]loop.Message{st.batch[st.next:], st.queue} {
		for i := range list {
			if op, ok := list[i].Obj.(*cast); ok && op.position > 0 && op.target.nsp == n {
				return op.position - 1
			}
		}
	}
	return head
}

// direct tells whether the caller is the loop and may act at once.
func (sh *shard) direct() bool {
	return sh.loop.OnLoop() && (sh.stream == nil || !sh.stream.draining)
}

// post has the loop do something, in the order of its stream if there is one.
func (sh *shard) post(m loop.Message) error {
	if sh.stream == nil {
		return sh.loop.Post(m)
	}
	return sh.enqueue(m, false)
}

// tryPost is post without waiting, for what is volatile. What finds no room is
// counted.
func (sh *shard) tryPost(m loop.Message) error {
	var err error
	if sh.stream == nil {
		err = sh.loop.TryPost(m)
	} else {
		err = sh.enqueue(m, true)
	}
	if err == loop.ErrFull { //nolint:errorlint // a sentinel that is never wrapped
		sh.crowdedOut.Add(1)
	}
	return err
}

func (sh *shard) enqueue(m loop.Message, try bool) error {
	st := sh.stream
	mine := sh.loop.OnLoop()
	st.mu.Lock()
	switch {
	case st.closed:
		st.mu.Unlock()
		return loop.ErrClosed
	case try && len(st.queue) >= crowdedStream:
		st.mu.Unlock()
		return loop.ErrFull
	}
	call := st.pushLocked(m, mine)
	st.mu.Unlock()
	switch {
	case mine:
		sh.drain()
	case call && try:
		if err := sh.loop.TryPost(loop.Message{Kind: msgDrain, Obj: sh}); err == loop.ErrClosed { //nolint:errorlint // a sentinel that is never wrapped
			sh.closeStream()
		} // else a full ring has the loop come to the end of a turn
	case call:
		sh.call()
	}
	return nil
}

// call has the loop handle its stream.
func (sh *shard) call() {
	if sh.loop.Post(loop.Message{Kind: msgDrain, Obj: sh}) != nil {
		sh.closeStream()
	}
}

// closeStream disposes of what is in the stream of a loop that has stopped.
func (sh *shard) closeStream() {
	st := sh.stream
	st.mu.Lock()
	st.closed = true
	queue := st.queue
	st.queue = nil
	st.mu.Unlock()
	for i := range queue {
		sh.Dropped(&queue[i])
	}
}

// drain does what is in the stream. What is added meanwhile by other goroutines
// has its own turn; what the loop adds itself has not.
func (sh *shard) drain() {
	st := sh.stream
	if st == nil || st.draining {
		return
	}
	for more := true; more; {
		st.takeAll()
		sh.runBatch()
		st.mu.Lock()
		more = len(st.queue) > 0 && !st.called
		st.mu.Unlock()
	}
}

// runBatch does what is in the batch. It may be left by a panic, and goes on
// where that was the next time.
func (sh *shard) runBatch() {
	st := sh.stream
	was := st.draining
	st.draining = true
	defer func() { st.draining = was }()
	for st.next < len(st.batch) {
		m := st.batch[st.next]
		st.batch[st.next] = loop.Message{}
		st.next++
		sh.Message(&m)
	}
}

// A wakeups is a set of loops.
type wakeups [4]uint64

func (w *wakeups) add(i int) { w[i>>6] |= 1 << (i & 63) }

// post has the loops handle their streams.
func (w *wakeups) post(shards []*shard) {
	if *w == (wakeups{}) {
		return
	}
	for i, sh := range shards {
		if w[i>>6]&(1<<(i&63)) != 0 {
			sh.call()
		}
	}
}

// castKept sends an event of the log to the sockets of this loop.
func (sh *shard) castKept(op *cast) {
	s := op.target.self
	if s == nil {
		sh.fanOut(&op.target, op.buf, op.position)
		return
	}
	if s.state.Load() != stateConnected {
		return // it is in the log
	}
	sh.settle()
	s.noteSent(op.position)
	_ = s.queue(op.buf, op.target.flags, "")
	op.buf.Retain()
	sh.loop.Defer(op.buf)
}

// The messages of recovery.

func evictMessage(s *Socket) loop.Message  { return loop.Message{Kind: msgEvict, Obj: s} }
func resumeMessage(s *Socket) loop.Message { return loop.Message{Kind: msgResume, Obj: s} }

// sweepLater has the logs of the server swept now and then, on the first loop
// that has had a socket.
func (sh *shard) sweepLater() {
	if sh.srv.sweeping.Swap(true) {
		return
	}
	sh.stream.timer.Kind = timerSweep
	sh.loop.SetTimer(&sh.stream.timer, sh.loop.Now()+sh.srv.sweepInterval())
}

// sweep has the logs swept, on a goroutine: clients can make so many namespaces
// that it takes a while.
func (sh *shard) sweep() {
	srv, now := sh.srv, sh.loop.Now()
	sh.loop.SetTimer(&sh.stream.timer, now+srv.sweepInterval())
	if srv.closing.Load() || srv.swept.Swap(true) {
		return // the last one is not done yet
	}
	srv.background(func() { // ends when it has been at every log
		defer srv.swept.Store(false)
		srv.nsps.each(func(n *Namespace) { n.log.sweep(now) })
	})
}

// sweepInterval returns the time between sweeps, in milliseconds.
func (s *Server) sweepInterval() int64 {
	return min(max(s.opts.ConnectionStateRecovery.MaxDisconnectionDuration.Milliseconds()/8, 50), 10_000)
}
