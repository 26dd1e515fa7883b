package sio

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/loop"
)

// workers run handlers: goroutines that are made when all others are busy and
// wait a while for more work before they end.
//
// While work waits, exactly one worker is on its way to it; when it takes some
// and leaves some, it has the next one come. So a burst of short handlers is
// run by one or two workers, without a switch for each, and behind one that
// blocks the next is there already.
type workers struct {
	// Immutable.
	limit int

	// Atomic: tasks that wait or run. Written by loops and workers, read by wait.
	tasks atomic.Int64

	mu      sync.Mutex // guards following
	more    sync.Cond  // on mu: a parked worker is to come
	queue   batchQueue
	running int  // workers, the parked ones included
	parked  int  // workers that wait and that nobody has called
	coming  bool // a worker was called or made and has not looked yet
	stopped bool
}

// idleWorkers is how many workers stay when there is nothing to do.
const idleWorkers = 64

func newWorkers(limit int) *workers {
	w := &workers{limit: limit}
	w.more.L = &w.mu
	return w
}

// submit has a batch of events of one socket handled in order. It never waits
// for a handler.
func (w *workers) submit(batch *Event) {
	w.mu.Lock()
	w.queue.push(batch)
	w.call()
	w.mu.Unlock()
}

// call has a worker come, unless one is on its way. mu is held.
func (w *workers) call() {
	switch {
	case w.coming:
	case w.parked > 0:
		w.coming = true
		w.parked--
		w.more.Signal()
	case w.running < w.limit:
		w.coming = true
		w.running++
		go w.run() // ends in next; joined by wait
	}
}

func (w *workers) run() { w.work(w.next(true)) }

// work handles one batch after the other until the worker is to end.
func (w *workers) work(batch *Event) {
	for ; batch != nil; batch = w.next(false) {
		w.runBatch(batch, loop.Message{Kind: msgDone, Obj: batch.socket})
	}
}

// next waits for the next batch; nil ends the worker. called says that the
// worker was made for it.
func (w *workers) next(called bool) *Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	if called {
		w.coming = false
	}
	for w.queue.empty() {
		if w.stopped || w.running > idleWorkers {
			w.running--
			return nil
		}
		w.parked++
		w.more.Wait()
		w.coming = false
	}
	batch := w.queue.pop()
	if !w.queue.empty() {
		w.call()
	}
	return batch
}

// wait lets the workers finish what there is and ends them. It must be called
// once, when no new work can come but from what runs. If ctx ends first, the
// handlers that still run are left behind.
func (w *workers) wait(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	until := func(cond func() bool) error {
		for !cond() {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
		return nil
	}
	err := until(func() bool { return w.tasks.Load() == 0 })
	w.mu.Lock()
	w.stopped = true
	w.parked = 0
	w.more.Broadcast()
	w.mu.Unlock()
	if err != nil {
		return err
	}
	return until(w.ended) // not a WaitGroup: an emit that came late may still make workers
}

// ended tells whether no worker is left.
func (w *workers) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running == 0
}

// A batchQueue is a FIFO of batches.
type batchQueue struct {
	list []*Event
	next int
}

func (q *batchQueue) empty() bool { return q.next == len(q.list) }

func (q *batchQueue) push(batch *Event) {
	if q.next > 1024 && q.next > len(q.list)/2 { // it may never be empty
		n := copy(q.list, q.list[q.next:])
		clear(q.list[n:])
		q.list, q.next = q.list[:n], 0
	}
	q.list = append(q.list, batch)
}

func (q *batchQueue) pop() *Event {
	batch := q.list[q.next]
	q.list[q.next] = nil
	if q.next++; q.next == len(q.list) {
		q.list, q.next = q.list[:0], 0
		if cap(q.list) > maxBatchRoom {
			q.list = nil
		}
	}
	return batch
}

// maxBatchRoom is how many places the queue keeps when it is empty.
const maxBatchRoom = 1 << 16

// runBatch handles the events of a batch and tells the loop with m. A handler
// that ends its goroutine (runtime.Goexit, which is in testing.T.FailNow) counts
// as one that has panicked; another goroutine becomes the worker.
func (w *workers) runBatch(e *Event, m loop.Message) {
	l := e.socket.client.shard.loop
	var next *Event
	defer func() {
		if e == nil {
			return
		}
		e.failed("the handler has ended its goroutine")
		e.finish()
		go func() { // the worker goes on; ends in next, joined by wait
			if next != nil {
				w.runBatch(next, m)
			} else {
				_ = l.Post(m)
			}
			w.work(w.next(false))
		}()
	}()
	for e != nil {
		next = e.next
		e.next = nil
		if e.kind == taskConnection {
			m.Arg = 1
		}
		e.run()
		e.finish()
		e = next
	}
	_ = l.Post(m)
}

// An inbox holds the events of one socket that wait for a worker, oldest
// first.
type inbox struct {
	// Owned by the loop goroutine.
	head, tail *Event
	length     int
	bytes      int
	running    bool // a worker has a batch
	pumping    bool // pump is on the stack
	paused     bool // reading is paused until half is done
	arrived    bool // listed in shard.arrived
}

func (q *inbox) add(e *Event) {
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
	q.length++
	q.bytes += e.weight()
}

func (q *inbox) pop() *Event {
	e := q.head
	q.head = e.next
	if q.head == nil {
		q.tail = nil
	}
	e.next = nil
	q.length--
	q.bytes -= e.weight()
	return e
}

// drop releases what waits; the loop has stopped.
func (q *inbox) drop() {
	for q.head != nil {
		q.pop().finish()
	}
}

// batch takes what one worker may handle: all up to the next event that is
// for the loop.
func (q *inbox) batch() *Event {
	first := q.pop()
	for last := first; q.head != nil && !q.head.handler.inline && !q.head.unresolved; last = last.next {
		last.next = q.pop()
	}
	return first
}

// idle tells whether nothing of the socket waits or runs. No inbox is idle.
func (q *inbox) idle() bool { return q == nil || q.head == nil && !q.running }

// maxInboxes is how many unused inboxes a shard keeps.
const maxInboxes = 1024

// takeInbox returns the inbox of the socket, which is borrowed from the shard:
// most sockets have nothing in it most of the time.
func (s *Socket) takeInbox() *inbox {
	sh := s.client.shard
	if n := len(sh.inboxes); s.inbox == nil && n > 0 {
		s.inbox = sh.inboxes[n-1]
		sh.inboxes[n-1] = nil
		sh.inboxes = sh.inboxes[:n-1]
	} else if s.inbox == nil {
		s.inbox = new(inbox)
	}
	return s.inbox
}

// giveInbox gives the inbox back if nothing at all is in it.
func (s *Socket) giveInbox() {
	if q, sh := s.inbox, s.client.shard; q != nil && *q == (inbox{}) {
		s.inbox = nil
		if len(sh.inboxes) < maxInboxes {
			sh.inboxes = append(sh.inboxes, q)
		}
	}
}

// push queues a task of the socket and has it run when its turn comes.
func (s *Socket) push(e *Event) {
	s.nsp.srv.work.tasks.Add(1)
	q := s.takeInbox()
	q.add(e)
	if s.client.Receiving() { // more may follow: one worker is to get all of it
		s.client.shard.arrive(s)
	} else {
		s.pump()
	}
	if s.overloaded(1) && !s.inbox.paused {
		s.inbox.paused = true
		s.client.pause()
	}
}

// arrive has the inbox of a socket looked at when its client has received all
// that came together.
func (sh *shard) arrive(s *Socket) {
	if q := s.inbox; !q.arrived {
		q.arrived = true
		sh.arrived = append(sh.arrived, s)
	}
}

// pumpArrived starts what has arrived.
func (sh *shard) pumpArrived() {
	for i := 0; i < len(sh.arrived); i++ { // an inline handler may cause more
		s := sh.arrived[i]
		if s == nil {
			continue // its turn has ended in a panic
		}
		sh.arrived[i] = nil
		s.inbox.arrived = false
		s.pump()
	}
	sh.arrived = sh.arrived[:0]
	sh.makeWay()
}

// makeWay lets workers run that were given something, once in a while: a loop
// that always finds input never waits, and where all processors run loops the
// workers would only come when the scheduler stops one, ten milliseconds later.
func (sh *shard) makeWay() {
	if now := sh.loop.Now(); sh.submitted && now-sh.yielded >= 1 {
		sh.submitted, sh.yielded = false, now
		runtime.Gosched()
	}
}

// overloaded tells whether the share 1/part of what may wait waits. That is less
// for each of many sockets of one client.
func (s *Socket) overloaded(part int) bool {
	q, o := s.inbox, &s.nsp.srv.opts
	return q != nil && (q.length >= max(o.MaxPending/part, 1) || q.bytes >= max(maxPendingBytes(o)/part/s.client.crowd(), 1))
}

// maxPendingBytes is how much the waiting events of a socket may hold: room
// for a few of the largest messages.
func maxPendingBytes(o *Options) int { return max(4*o.MaxHTTPBufferSize, 1<<20) }

// pump starts what can be started: inline tasks here, others on a worker.
func (s *Socket) pump() {
	q, sh := s.inbox, s.client.shard
	if q == nil || q.pumping || (sh.busy && sh.inline.socket == s) {
		return // called by a handler of this socket: it is not its turn yet
	}
	q.pumping = true
	for !q.running && q.head != nil {
		e := q.head
		switch {
		case e.unresolved:
			e.resolve()
		case e.handler.inline:
			q.pop()
			e.run()
			e.finish()
		default:
			s.nsp.srv.work.submit(q.batch())
			sh.submitted = true
			q.running = true
		}
	}
	q.pumping = false
	s.giveInbox()
}

// resolve looks the handler up, now that it is the event's turn. An event
// without one is dropped.
func (e *Event) resolve() {
	s := e.socket
	e.unresolved = false
	name := e.handler.event
	e.handler = s.handlerFor([]byte(name))
	if s.client.shard.received(s, e.handler, e.size()) {
		return
	}
	if s.listens() {
		e.handler.event = name
		return
	}
	s.inbox.pop()
	e.finish()
}

// finish gives up an event that was handled or dropped.
func (e *Event) finish() {
	e.socket.client.shard.srv.work.tasks.Add(-1)
	e.recycle()
}

// workDone is called on the loop when a batch is done. greeted says that the
// OnConnection hooks were in it.
func (s *Socket) workDone(greeted bool) {
	s.inbox.running = false
	if greeted {
		s.greeting = false
	}
	s.pump()
	if q := s.inbox; q != nil && q.paused && !s.overloaded(2) {
		q.paused = false
		s.giveInbox()
		s.client.resume()
	}
	if s.leaving && s.inbox.idle() {
		s.client.left(s)
	}
}

// run does the task of an event. A panic is caught.
func (e *Event) run() {
	defer e.recovered()
	switch e.kind {
	case taskEvent:
		e.handle()
	case taskMiddleware:
		e.runMiddleware()
	case taskConnection:
		for _, h := range e.hooks.connection {
			h(e.socket)
		}
		e.afterConnection()
	case taskDisconnect:
		e.runDisconnect()
	case taskError:
		for _, h := range e.hooks.errors {
			h(e.socket, e.err)
		}
	case taskAck:
		e.callback(e.reply, e.err)
	case taskOutgoing:
		for _, a := range e.socket.listeners().outgoing {
			a.f(e)
		}
	case taskDrain:
		for _, h := range e.hooks.drain {
			h(e.socket)
		}
	}
}

// handle runs the handler of an event that the client sent.
func (e *Event) handle() {
	s := e.socket
	if s.marked(markMute) || !e.screen() || s.marked(markMute) || e.handler.fn == nil {
		return // a middleware may have disconnected it
	}
	if err := e.handler.fn(e); err != nil {
		if f := s.nsp.srv.opts.Trace.HandlerError; f != nil {
			f(s, e.handler.event, err)
		}
	}
}

// runMiddleware asks the middlewares in their order and tells the loop.
func (e *Event) runMiddleware() {
	s := e.socket
	err := error(&Error{Message: "internal error"}) // if one of them panics
	defer func() {
		m := loop.Message{Kind: msgConnected, Obj: s}
		if err != nil {
			m.Ref = err
		}
		_ = s.client.shard.loop.Post(m)
	}()
	for _, m := range s.nsp.hooks.Load().middleware {
		if merr := m(s); merr != nil {
			err = merr
			return
		}
	}
	err = nil
}

func (e *Event) afterConnection() {
	if s := e.socket; s.nsp.srv.opts.DropHandshake {
		s.client.DropHandshake()
	}
}

func (e *Event) runDisconnect() {
	s := e.socket
	defer s.parked()
	for _, h := range e.hooks.disconnecting {
		h(s, e.reason)
	}
	if x := s.extra.Load(); x != nil {
		if f := x.farewell.Load(); f != nil {
			x.farewell.Store(&farewell{[]string{}, f.err})
		}
	}
	for _, h := range e.hooks.disconnect {
		h(s, e.reason)
	}
}

// recovered is deferred around a handler.
func (e *Event) recovered() {
	if v := recover(); v != nil {
		e.failed(v)
	}
}

// failed closes the connection of a handler that panicked, which lets its client
// reconnect; everything else goes on.
func (e *Event) failed(v any) {
	s := e.socket
	s.nsp.srv.opts.Logger.Error("sio: panic in a handler; its connection is closed",
		"sid", s.ID(), "nsp", s.nsp.name, "event", e.handler.event, "panic", v, "stack", string(debug.Stack()))
	if f := s.nsp.srv.opts.Trace.HandlerError; f != nil {
		f(s, e.handler.event, fmt.Errorf("sio: panic: %v", v))
	}
	if e.kind == taskMiddleware {
		return // it was answered with a connect error
	}
	_ = s.client.shard.eng.Call(func() { s.client.shard.drain(); s.client.end(nil) })
}
