package scenario

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/bench/report"
)

// A run is one load test.
type run struct {
	// Immutable after newRun.
	cfg     *Config
	pool    *load.Pool
	clients []*client
	workers []*worker
	events  struct{ echo, broadcast, join, room, tick []byte }
	tag     uint64 // of this run, in stamps
	pad     []byte // payload template
	main    int    // latency that samples show
	notify  func(report.Phase, report.Sample)
	started time.Time
	// What the clocks of servers show at time 0 of the Pool.
	unixBase, monotonicBase int64
	serverBefore            usage

	// Immutable after plan.
	senders []*sender

	// Atomic: written by the goroutine of Run, read by the loops.
	from, to atomic.Int64 // the measured time, in that of the Pool
	ending   atomic.Bool  // connections that end now are not lost

	joins     atomic.Int64  // Atomic: acknowledgements of joins that are awaited, written by the loops.
	allJoined chan struct{} // closed by the loop that has the last of them

	tickMu sync.Mutex // guards following
	tick   []byte     // what follows the numbers of a tick

	// Owned by the goroutine of Run.
	sampler     sampler
	interrupted bool
	storms      int
}

// Run runs a scenario and returns what it has measured. Every second it calls
// progress, which may be nil, from another goroutine. When ctx ends, so does the
// run, and the result is that of what was measured until then. An error means
// that there was nothing to measure.
func Run(ctx context.Context, c *Config, progress func(report.Phase, report.Sample)) (*report.Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r, err := newRun(c, progress)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.first(ctx); err != nil {
		return nil, err
	}
	r.sampler.start(r)
	err = r.measure(ctx)
	r.sampler.stop()
	if err != nil {
		return nil, err
	}
	if err := r.pool.Err(); err != nil {
		return nil, err
	}
	return r.result(), nil
}

func newRun(c *Config, progress func(report.Phase, report.Sample)) (*run, error) {
	r := &run{
		cfg: c, tag: rand.Uint64N(1 << 12), pad: pad(c.Payload, c.Binary), notify: progress,
		started: time.Now(), allJoined: make(chan struct{}), main: c.mainTime(),
	}
	r.from.Store(math.MaxInt64)
	r.to.Store(math.MaxInt64)
	for key, at := range map[string]*[]byte{
		"echo": &r.events.echo, "broadcast": &r.events.broadcast, "join": &r.events.join, "room": &r.events.room, "tick": &r.events.tick,
	} {
		*at = []byte(c.Events[key])
	}
	if c.PID != 0 {
		r.serverBefore = usageOf(c.PID)
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	for i := range c.Loops {
		r.workers = append(r.workers, newWorker(r, i))
	}
	o.OnOpen = func(lc *load.Conn) { r.workers[lc.LoopID()].opened(lc) }
	o.OnPacket = func(lc *load.Conn, p *load.Packet) { r.workers[lc.LoopID()].packet(lc, p) }
	o.OnClose = func(lc *load.Conn, err error) { r.workers[lc.LoopID()].closed(lc, err) }
	if r.pool, err = load.NewPool(o); err != nil {
		return nil, err
	}
	now := r.pool.Now()
	r.unixBase, r.monotonicBase = time.Now().UnixNano()-now, monotonic()-now
	if monotonic() == 0 {
		r.monotonicBase = 0
	}
	for i, t := range c.transports(c.Connections) {
		r.clients = append(r.clients, &client{id: i, on: i % c.Loops, transport: t})
	}
	return r, nil
}

// mainTime returns the latency that tells most about the scenario.
func (c *Config) mainTime() int {
	switch {
	case c.repeats() || len(c.traffic) == 0 && c.Scenario != "ticker":
		return timeConnect
	case !c.flows("echo"):
		return timeBroadcast
	case c.Ack:
		return timeAck
	}
	return timeEcho
}

// repeats reports whether the scenario is about handshakes.
func (c *Config) repeats() bool { return c.Churn > 0 || c.storm }

// measure goes through the phases of a run. An error means that none of them
// measured anything.
func (r *run) measure(ctx context.Context) error {
	r.sampler.phase(report.RampUp)
	r.ramp(ctx)
	open := r.open()
	if len(open) == 0 {
		return r.nothingOpen(ctx)
	}
	r.sampler.connected(len(open))
	r.plan(open)
	if err := r.join(ctx, open); err != nil {
		return err
	}
	r.sampler.phase(report.WarmUp)
	r.each(func(w *worker) {
		w.startBeat()
		w.start()
		w.stopReading()
	})
	stopOthers := r.others(ctx)
	if !r.wait(ctx, r.cfg.Warmup) {
		stopOthers()
		return ctx.Err() // a verdict on nothing would be one
	}
	r.from.Store(r.pool.Now())
	r.sampler.phase(report.Measuring)
	r.waitOr(ctx, r.cfg.Duration, r.sampler.enough)
	r.to.Store(r.pool.Now())
	r.sampler.phase(report.Stopping)
	stopOthers()
	r.each((*worker).stop)
	r.drain(ctx)
	r.ending.Store(true)
	return nil
}

// each runs f for every worker on its loop, and waits.
func (r *run) each(f func(*worker)) {
	var wg sync.WaitGroup
	for i, w := range r.workers {
		wg.Add(1)
		if err := r.pool.DoOn(i, func() { defer wg.Done(); f(w) }); err != nil {
			wg.Done()
		}
	}
	wg.Wait()
}

// first opens one connection, so that what is wrong with all of them is said at
// once.
func (r *run) first(ctx context.Context) error {
	cl := r.clients[0]
	_, err := r.pool.Open(ctx, cl.transport, cl.on, cl)
	return err
}

// ramp opens all other connections, at the pace that was asked for.
func (r *run) ramp(ctx context.Context) {
	began := time.Now()
	slots := make(chan struct{}, r.cfg.Parallel)
	var wg sync.WaitGroup
	for i, cl := range r.clients[1:] {
		if r.cfg.Ramp > 0 {
			due := time.Duration(float64(i+1) / r.cfg.Ramp * float64(time.Second))
			if wait := due - time.Since(began); wait > time.Millisecond && !r.wait(ctx, wait) {
				break
			}
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			r.interrupted = true
		}
		if r.interrupted {
			break
		}
		wg.Go(func() { // stops when the handshake is over or has timed out
			r.openOne(ctx, cl)
			<-slots
		})
	}
	wg.Wait()
}

// openOne opens the connection of cl and counts a failure.
func (r *run) openOne(ctx context.Context, cl *client) {
	_, err := r.pool.Open(ctx, cl.transport, cl.on, cl)
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, load.ErrPoolClosed) {
		return
	}
	_ = r.pool.DoOn(cl.on, func() {
		w := r.workers[cl.on]
		cl.away = false
		w.counts.failed++
		w.problem(err.Error())
	})
}

// open returns the clients that are connected, in their order.
func (r *run) open() []*client {
	is := make([]bool, len(r.clients))
	r.each(func(w *worker) {
		for _, cl := range r.clients {
			if cl.on == w.id {
				is[cl.id] = cl.opened()
			}
		}
	})
	var list []*client
	for _, cl := range r.clients {
		if is[cl.id] {
			list = append(list, cl)
		}
	}
	return list
}

// nothingOpen says why there is nothing to measure.
func (r *run) nothingOpen(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, w := range r.gather() {
		for text := range w.errors {
			return errors.New(text)
		}
	}
	return errors.New("every connection was closed before anything could be measured")
}

// join has all clients join their rooms and waits for the answers.
func (r *run) join(ctx context.Context, open []*client) error {
	n := 0
	for _, m := range r.members(open) {
		n += len(m)
	}
	if n == 0 {
		return nil
	}
	r.joins.Store(int64(n))
	r.each((*worker).sendJoins)
	deadline := time.NewTimer(r.cfg.Timeout)
	defer deadline.Stop()
	select {
	case <-r.allJoined:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-deadline.C:
		return fmt.Errorf("the server did not acknowledge %d of %d events %q within %v: does it know that event?",
			r.joins.Load(), n, r.cfg.Events["join"], r.cfg.Timeout)
	}
}

// wait waits, and reports whether nobody interrupted it.
func (r *run) wait(ctx context.Context, d time.Duration) bool { return r.waitOr(ctx, d, nil) }

// waitOr is wait that ends early when enough is closed.
func (r *run) waitOr(ctx context.Context, d time.Duration, enough <-chan struct{}) bool {
	if r.interrupted {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-enough:
		return true
	case <-ctx.Done():
		r.interrupted = true
		return false
	}
}

// drain waits until nothing is in flight, at most for the grace. The run may
// have been interrupted: then what is in flight still has a second.
func (r *run) drain(ctx context.Context) {
	grace := r.cfg.Grace
	if r.interrupted {
		grace = min(grace, time.Second)
	}
	deadline := time.Now().Add(grace)
	interrupt := ctx.Done()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var n atomic.Int64
		r.each(func(w *worker) { n.Add(w.pending()) })
		if n.Load() == 0 || time.Now().After(deadline) {
			return
		}
		select {
		case <-tick.C:
		case <-interrupt:
			deadline = time.Now().Add(min(time.Second, time.Until(deadline)))
			interrupt = nil
		}
	}
}

// close ends the client.
func (r *run) close() {
	r.ending.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = r.pool.Close(ctx)
}

// firstTick returns how the first tick of the run ended, which may be b.
func (r *run) firstTick(b []byte) []byte {
	r.tickMu.Lock()
	defer r.tickMu.Unlock()
	if r.tick == nil {
		r.tick = append([]byte{}, b...)
	}
	return r.tick
}
