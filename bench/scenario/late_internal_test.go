package scenario

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/sio"
)

// TestClientIsLate keeps the client's own event loop busy for 400 ms of an open
// loop while the server is well. What was due meanwhile leaves late, all at
// once, and each message must count from the time at which it was due: counted
// from when they left, none of them would look slow.
func TestClientIsLate(t *testing.T) {
	t.Parallel()
	const (
		patience = 20 * time.Second
		busy     = 400 * time.Millisecond
		rate     = 200
	)
	srv, err := sio.NewServer(&sio.Options{Loops: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	c, err := Preset("echo")
	if err != nil {
		t.Fatal(err)
	}
	c.Target, c.Connections, c.Rate, c.Warmup, c.Duration, c.Grace = "http://"+addr.String(), 1, rate, 0, patience, patience
	c.tick = 20 * time.Millisecond
	measuring, over := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(measuring) })
	c.enough = func(p report.Phase, s report.Sample) bool {
		if p != report.Measuring {
			return false
		}
		begin()
		select {
		case <-over:
			return s.Received > 0
		default:
			return false
		}
	}
	r, err := newRun(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := r.first(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.sampler.start(r)
	var late sync.WaitGroup
	late.Go(func() { // stops when the run has measured anything
		<-measuring
		_ = r.pool.DoOn(0, func() {
			<-time.After(busy)
			close(over)
		})
	})
	if err := r.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	late.Wait()
	r.sampler.stop()
	res := r.result()
	if res.Messages.Unsent != 0 || res.Checks.Lost != 0 || len(res.Failures) > 0 {
		t.Errorf("messages %+v, checks %+v, failures %q", res.Messages, res.Checks, res.Failures)
	}
	h, err := hdrhistogram.Decode([]byte(res.Latencies["ack"].Histogram))
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, bar := range h.Distribution() {
		if bar.From >= int64(busy/2/time.Microsecond) {
			n += bar.Count
		}
	}
	// Of those that were due in the first half, some may have left before.
	if want := int64(busy/2/time.Millisecond*rate/1000) - 5; n < want {
		t.Errorf("%d messages are at least %v late, want %d or more; the longest latency is %d µs", n, busy/2, want, h.Max())
	}
}
