package scenario_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/sio"
)

// stalling serves echo and stops to at the first event until release is
// called.
func stalling(t *testing.T, o sio.Options) (target string, release func()) {
	t.Helper()
	gate := make(chan struct{})
	release = sync.OnceFunc(func() { close(gate) })
	o.Loops, o.Logger = 1, slog.New(slog.DiscardHandler)
	srv, err := sio.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("echo", func(e *sio.Event) error {
		<-gate
		return e.Ack(e.Args()...)
	})
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		release()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	return "http://" + addr.String(), release
}

// TestOpenLoopSeesStall stalls the server until 100 messages of an open loop
// were sent in the measured time. At 200 a second the first of them is then half
// a second late, and each must count with the time since it was due, not only
// the one that was being handled: with a closed loop one message would show the
// stall, and all others none of it.
func TestOpenLoopSeesStall(t *testing.T) {
	t.Parallel()
	target, release := stalling(t, sio.Options{})
	c := small(t, "echo", target)
	c.Connections, c.Rate, c.Warmup = 1, 200, 0
	var sent int64
	done := false
	c.Until(func(p report.Phase, s report.Sample) bool {
		if p != report.Measuring {
			return false
		}
		if sent += s.Sent; !done && sent >= 100 {
			done = true
			release()
			return false
		}
		return done && s.Received > 0
	})
	res := run(t, c)
	wantPassed(t, res)
	h, err := hdrhistogram.Decode([]byte(res.Latencies["ack"].Histogram))
	if err != nil {
		t.Fatal(err)
	}
	if h.Max() < 250_000 {
		t.Errorf("the longest latency is %d µs, and the server stalled for half a second", h.Max())
	}
	var late int64
	for _, bar := range h.Distribution() {
		if bar.From >= 150_000 {
			late += bar.Count
		}
	}
	if late < 20 {
		t.Errorf("%d messages are at least 150 ms late, of 70 that were due so long before the end of the stall", late)
	}
}

// TestClosedLoopWaits is the other side: with one message in flight a stall is
// one latency, and nothing is sent meanwhile.
func TestClosedLoopWaits(t *testing.T) {
	t.Parallel()
	target, release := stalling(t, sio.Options{})
	c := small(t, "echo", target)
	c.Connections, c.Warmup = 1, 0
	samples := 0
	c.Until(func(p report.Phase, s report.Sample) bool {
		if s.InFlight > 1 {
			t.Errorf("%d messages in flight", s.InFlight)
		}
		if p == report.Measuring {
			samples++
		}
		if samples == 5 {
			release()
		}
		return samples > 5 && s.Received > 10
	})
	wantPassed(t, run(t, c))
}

// TestUnsent has a server that reads no more: what was due and could not be
// sent is counted, and what was sent still comes back.
func TestUnsent(t *testing.T) {
	t.Parallel()
	target, release := stalling(t, sio.Options{MaxPending: 4})
	c := small(t, "echo", target)
	c.Connections, c.Rate, c.Warmup, c.Payload = 1, 1000, 0, 256<<10
	still := 0
	c.Until(func(p report.Phase, s report.Sample) bool {
		if s.Sent > 0 {
			still = 0
		} else if p == report.Measuring && s.InFlight > 0 {
			still++
		}
		if still == 3 {
			release()
			return true
		}
		return false
	})
	res := run(t, c)
	if res.Messages.Unsent == 0 {
		t.Errorf("messages: %+v, want some that could not be sent", res.Messages)
	}
	if c := res.Checks; c.Lost+c.Duplicated+c.Reordered+c.Corrupted+c.Misrouted > 0 {
		t.Errorf("checks: %+v", c)
	}
}
