package scenario_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/bench/scenario"
	"github.com/gannet-io/gannet/sio"
)

// patience bounds every wait; it is never the measure of anything.
const patience = 20 * time.Second

// serve starts a Socket.IO server and returns its URL.
func serve(tb testing.TB, setup func(*sio.Server)) string {
	tb.Helper()
	return serveWith(tb, &sio.Options{}, setup)
}

// serveWith is serve with options.
func serveWith(tb testing.TB, o *sio.Options, setup func(*sio.Server)) string {
	tb.Helper()
	o.Loops, o.Logger = 1, slog.New(slog.DiscardHandler)
	srv, err := sio.NewServer(o)
	if err != nil {
		tb.Fatal(err)
	}
	setup(srv)
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	return "http://" + addr.String()
}

// bench serves what scenarios need, as the testbed's profile does.
func bench(n *sio.Namespace) {
	n.Handle("echo", func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})
	n.Handle("broadcast", func(e *sio.Event) error { return n.Emit("broadcast", e.Args()...) })
	rooms(n)
}

// joins serves join.
func joins(n *sio.Namespace) {
	n.Handle("join", func(e *sio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err
		}
		if err := e.Socket().Join(room); err != nil {
			return err
		}
		return e.Ack(true)
	})
}

// rooms serves join and room.
func rooms(n *sio.Namespace) {
	joins(n)
	n.Handle("room", func(e *sio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err
		}
		return n.To(room).Emit("room", e.Args()[1:]...)
	})
}

// small is a preset that is over soon.
func small(tb testing.TB, name, target string) *scenario.Config {
	tb.Helper()
	c, err := scenario.Preset(name)
	if err != nil {
		tb.Fatal(err)
	}
	c.Target = target
	c.Connections = 12
	c.Warmup, c.Duration = 20*time.Millisecond, patience
	c.SetTick(20 * time.Millisecond)
	c.Until(received(100))
	c.Timeout, c.Grace = patience, patience
	return c
}

// received is for Config.Until: the measuring ends when so many messages have
// come in it, or the first check has failed.
func received(n int64) func(report.Phase, report.Sample) bool {
	return func(p report.Phase, s report.Sample) bool {
		if p == report.Measuring {
			n -= s.Received
		}
		return p == report.Measuring && (n <= 0 || s.Errors > 0)
	}
}

// timed is for Config.Until: the measuring ends with the first sample that has
// a latency.
func timed(p report.Phase, s report.Sample) bool { return p == report.Measuring && s.Max > 0 }

// first is for Config.Until: the measuring ends with the first sample.
func first(p report.Phase, _ report.Sample) bool { return p == report.Measuring }

// run runs c and fails the test if it cannot.
func run(tb testing.TB, c *scenario.Config) *report.Result {
	tb.Helper()
	res, err := scenario.Run(tb.Context(), c, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// wantPassed fails unless nothing was wrong.
func wantPassed(tb testing.TB, res *report.Result) {
	tb.Helper()
	if len(res.Failures) > 0 || res.Checks.Lost+res.Checks.Duplicated+res.Checks.Reordered+res.Checks.Corrupted+res.Checks.Misrouted > 0 {
		tb.Errorf("the run failed: %q\nchecks: %+v\nconnections: %+v", res.Failures, res.Checks, res.Connections)
	}
}
