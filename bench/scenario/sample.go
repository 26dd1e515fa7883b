package scenario

import (
	"maps"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gannet-io/gannet/bench/report"
)

// A usage is what a process has used at one time.
type usage struct {
	cpu time.Duration
	rss int64
}

func usageOf(pid int) usage { return usage{processCPU(pid), processRSS(pid)} }

// A mark is all counts at one time.
type mark struct {
	at            time.Time
	counts        counts
	bytesIn       int64
	bytesOut      int64
	client        time.Duration
	server        usage
	serverPresent bool
}

// A sampler makes a Sample each second, and marks where phases begin.
type sampler struct {
	// Immutable after start.
	run    *run
	done   chan struct{}
	enough chan struct{} // closed when Config.enough says so
	wg     sync.WaitGroup

	mu         sync.Mutex // guards following
	now        report.Phase
	series     []report.Sample
	last       mark
	from, to   mark
	ready      usage // of the server, when all connections were open
	peakServer int64
	peakClient int64
	ownBefore  int64
	merged     *hdrhistogram.Histogram
	over       bool // enough is closed
}

func (s *sampler) start(r *run) {
	s.run, s.done, s.merged = r, make(chan struct{}), newHistogram()
	s.enough = make(chan struct{})
	s.ownBefore = ownRSS()
	s.last = s.mark(r.total())
	s.wg.Go(func() { // stops with stop
		t := time.NewTicker(r.cfg.tick)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				s.take()
			case <-s.done:
				return
			}
		}
	})
}

// stop takes a last sample, of what remains.
func (s *sampler) stop() {
	close(s.done)
	s.wg.Wait()
	s.take()
}

// phase begins a phase. A sample ends there, so that none belongs to two.
func (s *sampler) phase(p report.Phase) {
	if p != report.RampUp {
		s.take()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = p
	switch p {
	case report.Measuring:
		s.from = s.last
	case report.Stopping:
		s.to = s.last
	case report.RampUp, report.WarmUp:
	}
}

// connected notes the server's memory with all connections.
func (s *sampler) connected(int) {
	if pid := s.run.cfg.PID; pid != 0 {
		s.mu.Lock()
		s.ready = usageOf(pid)
		s.mu.Unlock()
	}
}

// mark puts the totals of the loops beside those of the processes.
func (s *sampler) mark(c counts) mark {
	m := mark{at: time.Now(), counts: c, client: ownCPU()}
	n := s.run.pool.Counters()
	m.bytesIn, m.bytesOut = n.BytesIn, n.BytesOut
	if pid := s.run.cfg.PID; pid != 0 {
		m.server = usageOf(pid)
		m.serverPresent = m.server.rss > 0
	}
	return m
}

// take makes a sample of what happened since the last one.
func (s *sampler) take() {
	r := s.run
	s.mu.Lock()
	defer s.mu.Unlock()
	var total counts
	var inFlight int64
	var mu sync.Mutex
	s.merged.Reset()
	r.each(func(w *worker) {
		w.nudge()
		w.second, w.spare = w.spare, w.second
		mu.Lock()
		defer mu.Unlock()
		total.add(&w.counts)
		inFlight += w.pending()
	})
	for _, w := range r.workers { // theirs until the next turn over
		s.merged.Merge(w.spare)
		w.spare.Reset()
	}
	m := s.mark(total)
	seconds := m.at.Sub(s.last.at).Seconds()
	x := report.Sample{
		At: m.at.Sub(r.started).Seconds(), Open: r.pool.Connected(), InFlight: inFlight,
		Sent: m.counts.sent - s.last.counts.sent, Received: m.counts.received - s.last.counts.received,
		Errors:    m.counts.errors() - s.last.counts.errors(),
		Measuring: s.now == report.Measuring,
	}
	if s.merged.TotalCount() > 0 {
		x.P50 = float64(s.merged.ValueAtQuantile(50))
		x.P99 = float64(s.merged.ValueAtQuantile(99))
		x.Max = float64(s.merged.Max())
	}
	if m.serverPresent && seconds > 0 {
		x.ServerCPU = max((m.server.cpu-s.last.server.cpu).Seconds()/seconds, 0)
		x.ServerRSS = m.server.rss
	}
	s.peakServer = max(s.peakServer, m.server.rss)
	s.peakClient = max(s.peakClient, ownRSS())
	s.last = m
	s.series = append(s.series, x)
	if r.notify != nil {
		r.notify(s.now, x)
	}
	if f := r.cfg.enough; f != nil && !s.over && f(s.now, x) {
		s.over = true
		close(s.enough)
	}
}

func (c *counts) add(o *counts) {
	c.sent += o.sent
	c.received += o.received
	c.unsent += o.unsent
	c.opened += o.opened
	c.failed += o.failed
	c.lost += o.lost
	c.slowClosed += o.slowClosed
	c.checks += o.checks
}

// errors is what Sample.Errors counts.
func (c *counts) errors() int64 { return c.failed + c.lost + c.checks }

// total returns the counts of all workers.
func (r *run) total() (c counts) {
	for _, g := range r.gather() {
		c.add(&g.counts)
	}
	return c
}

// A gathering is what a worker has at one time.
type gathering struct {
	counts counts
	errors map[string]int64
}

// gather asks every worker.
func (r *run) gather() []gathering {
	list := make([]gathering, len(r.workers))
	r.each(func(w *worker) {
		list[w.id] = gathering{counts: w.counts, errors: maps.Clone(w.errors)}
	})
	return list
}

// machine says where this runs.
func machine() report.Machine {
	return report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version()}
}
