package figures

import (
	"context"
	"sync"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// Interval is the time between two samples.
const Interval = time.Second

const (
	probes  = 5   // measurements of the lag per sample
	history = 600 // samples that are kept
)

// A Source is what a Sampler samples: a *sio.Server.
type Source interface {
	Stats() sio.Stats
}

// A Sampler keeps the figures of a server.
type Sampler struct {
	// Immutable after New.
	source  Source
	process Process

	mu      sync.Mutex // guards following
	samples []Sample
	totals  Totals
	tell    func(Sample, Totals)

	cancel context.CancelFunc // set by Start
	done   chan struct{}
}

// A Report is what Since returns and "history" carries.
type Report struct {
	Interval int64    `json:"interval"` // milliseconds
	Process  Process  `json:"process"`
	Totals   Totals   `json:"totals"`
	Samples  []Sample `json:"samples"`
}

// New returns a Sampler, which does nothing before Start.
func New(source Source) *Sampler {
	return &Sampler{source: source, process: thisProcess(time.Now()), done: make(chan struct{})}
}

// Feed sends the samples to the sockets of a namespace. It is called before
// Start.
func (s *Sampler) Feed(nsp *sio.Namespace) {
	s.tell = func(sample Sample, totals Totals) {
		_ = nsp.Volatile().Emit("sample", sample, totals)
	}
	nsp.OnConnection(func(sock *sio.Socket) {
		_ = sock.Emit("history", s.Since(0))
	})
}

// Start begins to sample.
func (s *Sampler) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go s.run(ctx) // stops at cancel; joined by Stop
}

// Stop ends the sampling. It waits for a measurement that is under way, which
// ends at the latest when the server has shut down. Without Start it does
// nothing.
func (s *Sampler) Stop() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	<-s.done
}

// Since returns the samples that are later than a Unix time in milliseconds.
func (s *Sampler) Since(at int64) Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{Interval: Interval.Milliseconds(), Process: s.process, Totals: s.totals, Samples: []Sample{}}
	for i, sample := range s.samples {
		if sample.At > at {
			r.Samples = append(r.Samples, s.samples[i:]...)
			break
		}
	}
	return r
}

func (s *Sampler) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(Interval / probes)
	defer tick.Stop()
	before, last := s.source.Stats(), time.Now()
	var worst time.Duration
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		now := s.source.Stats()
		ended := time.Now()
		worst = max(worst, ended.Sub(began))
		if n%probes != 0 {
			continue
		}
		s.add(sampleOf(ended, &now, &before, ended.Sub(last).Seconds(), worst), totalsOf(now))
		before, last, worst = now, ended, 0
	}
}

func (s *Sampler) add(sample Sample, totals Totals) {
	s.mu.Lock()
	if len(s.samples) == history {
		s.samples = s.samples[:copy(s.samples, s.samples[1:])]
	}
	s.samples = append(s.samples, sample)
	s.totals = totals
	s.mu.Unlock()
	if s.tell != nil {
		s.tell(sample, totals)
	}
}
