package figures_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/gannet/cmd/gannet/internal/figures"
	"github.com/gannet-io/gannet/cmd/gannet/internal/polltest"
	"github.com/gannet-io/gannet/sio"
)

// A counter is a server whose figures grow by fixed steps per call.
type counter struct {
	mu    sync.Mutex // guards following
	stats sio.Stats
	step  func(*sio.Stats)
	slow  time.Duration // of the next call
}

func (c *counter) Stats() sio.Stats {
	c.mu.Lock()
	c.step(&c.stats)
	s, slow := c.stats, c.slow
	c.slow = 0
	c.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
	return s
}

func (c *counter) delay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slow = d
}

func TestSamplesAreRates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Five calls make a second.
		src := &counter{step: func(s *sio.Stats) {
			s.Connections, s.Polling, s.WebSocket, s.Sockets = 9, 2, 6, 8
			s.EventsIn += 2
			s.EventsUnhandled++
			s.EventsOut += 20
			s.BytesIn += 100
			s.BytesOut += 1000
			s.VolatileDrops++
			s.ClosedDrops += 2
			s.SlowConsumers += 3
			s.WriteStalls += 3
			s.ConnectionsRefused += 4
			s.RequestsRefused[3] += 4
		}}
		sampler := figures.New(src)
		sampler.Start()
		defer sampler.Stop()
		<-time.After(3*time.Second + time.Millisecond)
		r := sampler.Since(0)
		if len(r.Samples) != 3 || r.Interval != 1000 {
			t.Fatalf("%d samples of %d ms, want 3 of 1000", len(r.Samples), r.Interval)
		}
		got := r.Samples[2]
		want := figures.Sample{
			At: got.At, Connections: 9, Polling: 2, WebSocket: 6, Sockets: 8,
			EventsIn: 15, EventsOut: 100, BytesIn: 500, BytesOut: 5000,
			DropsVolatile: 5, DropsClosed: 10, DropsSlow: 30, DropsRefused: 40,
		}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if r.Totals.EventsOut != 16*20 || r.Totals.Goroutines == 0 || r.Totals.HeapBytes == 0 {
			t.Errorf("totals %+v", r.Totals)
		}
		if later := sampler.Since(r.Samples[1].At).Samples; len(later) != 1 || later[0] != got {
			t.Errorf("since the second one: %+v", later)
		}
		if none := sampler.Since(got.At).Samples; none == nil || len(none) != 0 {
			t.Errorf("since the last one: %#v, want an empty list", none)
		}
	})
}

func TestLagIsTheWorstOfItsSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &counter{step: func(*sio.Stats) {}}
		sampler := figures.New(src)
		sampler.Start()
		defer sampler.Stop()
		<-time.After(250 * time.Millisecond)
		src.delay(70 * time.Millisecond)
		<-time.After(2 * time.Second)
		samples := sampler.Since(0).Samples
		if len(samples) != 2 || samples[0].Lag != 70 || samples[1].Lag != 0 {
			t.Errorf("got %+v, want lags of 70 and 0 ms", samples)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &counter{step: func(*sio.Stats) {}}
		sampler := figures.New(src)
		sampler.Start()
		defer sampler.Stop()
		<-time.After(650 * time.Second)
		samples := sampler.Since(0).Samples
		if len(samples) != 600 || samples[599].At-samples[0].At != 599_000 {
			t.Errorf("%d samples over %d ms", len(samples), samples[len(samples)-1].At-samples[0].At)
		}
	})
}

func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	figures.New(&counter{step: func(*sio.Stats) {}}).Stop()
}

func TestFeedTellsHistoryThenSamples(t *testing.T) {
	t.Parallel()
	srv, err := sio.NewServer(&sio.Options{Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	sampler := figures.New(srv)
	sampler.Feed(srv.Of("/stats-feed"))
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sampler.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		sampler.Stop()
	})
	c := polltest.Dial(t, "http://"+addr.String(), "/stats-feed")
	var history figures.Report
	c.Next("history", &history)
	if history.Process.PID == 0 || history.Interval != 1000 || history.Samples == nil {
		t.Errorf("history %+v", history)
	}
	var sample figures.Sample
	c.Next("sample", &sample)
	if sample.At == 0 || sample.Polling != 1 || sample.Sockets != 1 || sample.Connections == 0 {
		t.Errorf("sample %+v", sample)
	}
}
