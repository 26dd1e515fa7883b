package scenario

import (
	"fmt"
	"math"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/bench/report"
)

// Latencies, by index.
const (
	timeConnect = iota
	timeUpgrade
	timeAck
	timeEcho
	timeBroadcast
	times
)

// timeNames are what a Result calls them.
var timeNames = [times]string{"connect", "upgrade", "ack", "echo", "broadcast"}

// newHistogram returns an empty histogram of microseconds, up to ten minutes.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, 600_000_000, 3)
}

// counts are totals since the start.
type counts struct {
	sent, received, unsent int64
	opened, failed, lost   int64
	slowClosed             int64
	checks                 int64
}

// A worker is what one loop has to do for a run.
type worker struct {
	// Immutable after newRun.
	run *run
	id  int

	// Owned by the loop goroutine.
	clients  []*client
	senders  []*sender
	planned  bool // clients and senders are known
	sending  bool
	counts   counts
	checks   report.Checks
	errors   map[string]int64
	times    [times]*hdrhistogram.Histogram // made when they are needed
	second   *hdrhistogram.Histogram        // of this second's main latency
	spare    *hdrhistogram.Histogram        // the second before, read by the sampler
	lag      *hdrhistogram.Histogram        // of the beat
	beat     *load.Timer
	beatAt   int64
	clock    *load.Timer // of the open loop
	began    int64       // when the open loop began
	schedule []*schedule
	scratch  []byte
	seen     seen
}

// A schedule is the part of an open-loop flow that one worker sends.
type schedule struct {
	// Owned by the loop goroutine.
	senders []*sender
	rate    float64 // per second
	done    int64   // messages that were due already
}

func newWorker(r *run, id int) *worker {
	return &worker{
		run: r, id: id, errors: map[string]int64{}, second: newHistogram(), spare: newHistogram(), lag: newHistogram(),
	}
}

// record takes a latency in nanoseconds of something that began at the given
// time.
func (w *worker) record(kind int, ns, began int64) {
	us := max((ns+500)/1000, 1)
	if kind == w.run.main {
		_ = w.second.RecordValue(us)
	}
	if began < w.run.from.Load() || began >= w.run.to.Load() {
		return
	}
	h := w.times[kind]
	if h == nil {
		h = newHistogram()
		w.times[kind] = h
	}
	if h.RecordValue(us) != nil {
		_ = h.RecordValue(h.HighestTrackableValue())
	}
}

// opened is load.Options.OnOpen.
func (w *worker) opened(c *load.Conn) {
	cl := c.Owner.(*client)
	cl.conn, cl.leaving, cl.away, cl.gone = c, false, false, false
	w.counts.opened++
	w.recordOpen(timeConnect, c.Took())
	if took := c.UpgradeTook(); took > 0 {
		w.recordOpen(timeUpgrade, took)
	}
	if w.sending && cl.echo != nil && cl.echo.flow.once {
		w.send(cl.echo, w.run.pool.Now())
	}
}

// recordOpen takes the latency of a handshake. Those of the ramp-up count too,
// unless the scenario is about handshakes.
func (w *worker) recordOpen(kind int, ns int64) {
	now := w.run.pool.Now()
	if w.run.cfg.repeats() {
		w.record(kind, ns, now)
		return
	}
	us := max((ns+500)/1000, 1)
	if kind == w.run.main {
		_ = w.second.RecordValue(us)
	}
	if w.times[kind] == nil {
		w.times[kind] = newHistogram()
	}
	_ = w.times[kind].RecordValue(us)
}

// closed is load.Options.OnClose.
func (w *worker) closed(c *load.Conn, err error) {
	cl := c.Owner.(*client)
	cl.conn = nil
	switch {
	case cl.leaving || w.run.ending.Load():
	case cl.slow:
		w.counts.slowClosed++
	default:
		cl.gone = true
		w.counts.lost++
		w.problem(err.Error())
	}
}

// maxErrors bounds the different errors that are kept.
const maxErrors = 20

// problem counts an error by its text.
func (w *worker) problem(text string) {
	if _, known := w.errors[text]; known || len(w.errors) < maxErrors {
		w.errors[text]++
	}
}

// maxFirst bounds the failed checks that are described.
const maxFirst = 5

// wrong counts a failed check and describes it if it is one of the first.
func (w *worker) wrong(n *int64, by uint64, format string, args ...any) {
	*n += int64(by)
	w.counts.checks += int64(by)
	if len(w.checks.First) < maxFirst {
		w.checks.First = append(w.checks.First, fmt.Sprintf(format, args...))
	}
}

// maxQueued is how much may wait for a connection before a sender counts as
// not able to send.
const maxQueued = 1 << 20

// send sends the next message of s, stamped with the given time, and reports
// whether it could.
func (w *worker) send(s *sender, at int64) bool {
	cl := s.client
	if !cl.opened() || cl.conn.Queued() > maxQueued {
		return false
	}
	r := w.run
	st := stamp{kind: s.flow.kind, run: r.tag, sender: uint64(s.number), seq: s.seq, time: at, room: uint64(s.room)}
	b := w.scratch[:0]
	if r.cfg.Binary {
		b = append(b, "451-"...)
	} else {
		b = append(b, "42"...)
	}
	b = append(b, r.pool.Prefix()...)
	if s.flow.ack {
		b = strconv.AppendUint(b, s.seq, 10)
	}
	b = append(b, s.head...)
	if r.cfg.Binary {
		b = append(b, `{"_placeholder":true,"num":0}]`...)
		cl.conn.Send(b)
		b = append(b[:0], r.pad...)
		st.seal(b)
		cl.conn.SendBinary(b)
	} else {
		from := len(b) + 1
		b = append(append(append(b, '"'), r.pad...), `"]`...)
		st.seal(b[from : from+len(r.pad)])
		cl.conn.Send(b)
	}
	w.scratch = b
	s.seq++
	w.counts.sent++
	return true
}

// start begins to send: in a closed loop all that may be in flight, in an open
// one by the clock.
func (w *worker) start() {
	w.sending = true
	for _, s := range w.senders {
		if s.flow.rate > 0 {
			continue
		}
		for range s.flow.depth {
			w.send(s, w.run.pool.Now())
		}
	}
	if len(w.schedule) > 0 {
		w.clock = w.run.pool.NewTimer(w.id, w.tick)
		w.clock.After(1)
	}
}

// stop ends the sending; what was due and has not been sent counts as unsent.
func (w *worker) stop() {
	if w.clock != nil && w.sending {
		w.tick()
		w.clock.Stop()
	}
	w.sending = false
	for _, s := range w.senders {
		s.final.Store(s.seq)
	}
}

// early is how much before its time a message may be sent, so that a timer that
// fires a little early does not wait for the next one.
const early = 200_000

// tick sends what is due in the open loop. Messages are due at whole
// milliseconds since the loop began, and stamped with that time, however late
// they are sent.
func (w *worker) tick() {
	if !w.sending {
		return
	}
	now := w.run.pool.Now()
	if w.began == 0 {
		w.began = now
	}
	ms := (now - w.began + early) / 1_000_000
	for _, sc := range w.schedule {
		w.due(sc, ms, now)
	}
	w.clock.After(1)
}

// next takes the message that is due by the given millisecond, and returns who
// sends it and the millisecond in which it is due.
func (sc *schedule) next(ms int64) (s *sender, at int64, ok bool) {
	at = int64(math.Ceil(float64(sc.done+1)/sc.rate*1000 - 1e-6))
	if at > ms {
		return nil, 0, false
	}
	s = sc.senders[sc.done%int64(len(sc.senders))]
	sc.done++
	return s, at, true
}

func (w *worker) due(sc *schedule, ms, now int64) {
	for {
		s, at, ok := sc.next(ms)
		if !ok {
			return
		}
		if scheduled := w.began + at*1_000_000; !w.send(s, min(scheduled, now)) &&
			scheduled >= w.run.from.Load() && scheduled < w.run.to.Load() {
			w.counts.unsent++
		}
	}
}

// startBeat begins to measure how late the loop is.
func (w *worker) startBeat() {
	w.beat = w.run.pool.NewTimer(w.id, w.onBeat)
	w.beatAt = w.run.pool.Now()
	w.beat.After(beatEvery)
}

// beatEvery is the time between two beats in milliseconds.
const beatEvery = 10

func (w *worker) onBeat() {
	now := w.run.pool.Now()
	// A timer of whole milliseconds may be one early or late by itself.
	_ = w.lag.RecordValue(max((now-w.beatAt)/1000-beatEvery*1000, 0))
	w.beatAt = now
	w.beat.After(beatEvery)
}

// patience is how many nanoseconds a closed loop waits for what does not come
// before it goes on without it.
const patience = 5_000_000_000

// nudge has closed loops that are stuck go on: what they wait for is lost.
func (w *worker) nudge() {
	if !w.sending {
		return
	}
	now := w.run.pool.Now()
	for _, s := range w.senders {
		if s.flow.rate > 0 || s.flow.once {
			continue
		}
		if p := s.progress(); p != s.seen || s.pending() < int64(s.flow.depth) {
			s.seen, s.since = p, now
			continue
		}
		if now-s.since > patience {
			s.since = now
			w.send(s, now)
		}
	}
}

// pending returns how many messages of this worker's senders are under way.
func (w *worker) pending() (n int64) {
	for _, s := range w.senders {
		if !s.client.gone {
			n += max(s.pending(), 0)
		}
	}
	return n
}
