package scenario_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/bench/scenario"
	"github.com/gannet-io/gannet/sio"
)

// TestPresets runs every preset against a server that does everything right.
func TestPresets(t *testing.T) {
	t.Parallel()
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := serve(t, func(s *sio.Server) {
				bench(s.Root())
				if name == "ticker" {
					tick(t, s.Root())
				}
			})
			c := small(t, name, target)
			change(c)
			res := run(t, c)
			wantPassed(t, res)
			if res.Connections.Opened < 12 || res.Seconds <= 0 {
				t.Errorf("%d connections opened, %.3f s measured", res.Connections.Opened, res.Seconds)
			}
			for _, latency := range expected[name] {
				l := res.Latencies[latency]
				if l.Count == 0 || l.Min <= 0 || l.P50 < l.Min || l.P99 < l.P50 || l.Max < l.P99 || l.Histogram == "" {
					t.Errorf("latency %q is %+v", latency, l)
				}
			}
			if len(expected[name]) > 1 && res.Messages.Received == 0 && name != "reconnect" {
				t.Error("no message was received")
			}
			if len(res.Series) < 3 {
				t.Errorf("%d samples", len(res.Series))
			}
		})
	}
}

// expected are the latencies that a preset must have measured.
var expected = map[string][]string{
	"idle": {"connect"}, "echo": {"connect", "ack"}, "broadcast": {"connect", "broadcast"}, "rooms": {"connect", "broadcast"},
	"ticker": {"connect", "broadcast"}, "churn": {"connect", "ack"}, "reconnect": {"connect"}, "polling": {"connect", "ack"},
	"slow": {"connect", "broadcast"}, "mixed": {"connect", "upgrade", "ack", "broadcast"},
}

// change makes a preset do something within the time of a test.
func change(c *scenario.Config) {
	c.Interval = min(c.Interval, 20*time.Millisecond)
	switch c.Scenario {
	case "idle":
		c.Until(first)
	case "reconnect":
		c.Until(timed)
	case "churn":
		c.Churn = 200
		c.Until(received(10))
	case "rooms":
		c.Rooms, c.Members, c.Senders = 5, 4, 2
	case "mixed":
		c.Rate, c.Rooms = 400, 3
		c.Until(received(600))
	case "slow":
		c.Rate = 400
		c.Until(received(600))
	}
}

// tick has the server emit by itself until the test ends.
func tick(t *testing.T, n *sio.Namespace) {
	t.Helper()
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() {
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for seq := 0; ; seq++ {
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
			_ = n.Emit("tick", seq, time.Now().UnixNano(), "xxxx")
		}
	})
}

// TestVariants runs what flags change: transports, binary, events instead of
// acknowledgements, several loops, several senders, other names.
func TestVariants(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		preset string
		change func(*scenario.Config)
	}{
		"events":          {"echo", func(c *scenario.Config) { c.Ack = false; c.Depth = 8 }},
		"binary":          {"echo", func(c *scenario.Config) { c.Binary = true; c.Depth = 3 }},
		"binary events":   {"echo", func(c *scenario.Config) { c.Binary = true; c.Ack = false; c.Payload = 300 }},
		"binary polling":  {"polling", func(c *scenario.Config) { c.Binary = true }},
		"binary room":     {"rooms", func(c *scenario.Config) { c.Binary = true; c.Rooms = 3 }},
		"upgrade":         {"echo", func(c *scenario.Config) { c.Transport = "upgrade" }},
		"loops":           {"broadcast", func(c *scenario.Config) { c.Loops, c.Senders, c.Depth = 3, 5, 2 }},
		"loops and rooms": {"rooms", func(c *scenario.Config) { c.Loops, c.Rooms, c.Members = 2, 3, 12 }},
		"open loop":       {"echo", func(c *scenario.Config) { c.Rate = 500 }},
		"open broadcast":  {"broadcast", func(c *scenario.Config) { c.Rate, c.Loops, c.Senders = 100, 2, 3 }},
		"ramp":            {"echo", func(c *scenario.Config) { c.Ramp = 200 }},
		"large":           {"echo", func(c *scenario.Config) { c.Payload = 100_000; c.Depth = 2; c.Until(received(20)) }},
		"namespace":       {"rooms", func(c *scenario.Config) { c.Namespace = "/game"; c.Rooms = 2 }},
		"transports": {"echo", func(c *scenario.Config) {
			c.Mixture = map[string]float64{"websocket": 1, "polling": 1, "upgrade": 1}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := small(t, v.preset, serve(t, func(s *sio.Server) {
				bench(s.Root())
				bench(s.Of("/game"))
			}))
			v.change(c)
			res := run(t, c)
			wantPassed(t, res)
			if res.Messages.Received == 0 || res.Messages.BytesReceived == 0 {
				t.Errorf("messages: %+v", res.Messages)
			}
		})
	}
}

// TestDialects runs scenarios with a server that compresses, or that has the
// msgpack parser, over the transports that there are.
func TestDialects(t *testing.T) {
	t.Parallel()
	compressed := serveWith(t, &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{Threshold: -1}}, func(s *sio.Server) { bench(s.Root()) })
	packed := serveWith(t, &sio.Options{Parser: sio.ParserMsgpack}, func(s *sio.Server) { bench(s.Root()) })
	for name, v := range map[string]struct {
		preset, target string
		change         func(*scenario.Config)
	}{
		"deflate":          {"broadcast", compressed, func(c *scenario.Config) { c.Deflate, c.Payload = true, 3000 }},
		"deflate, upgrade": {"rooms", compressed, func(c *scenario.Config) { c.Deflate, c.Transport, c.Payload = true, "upgrade", 3000 }},
		"msgpack":          {"mixed", packed, func(c *scenario.Config) { c.Msgpack = true }},
		"msgpack, binary":  {"mixed", packed, func(c *scenario.Config) { c.Msgpack, c.Binary = true, true }},
		"msgpack, churn":   {"churn", packed, func(c *scenario.Config) { c.Msgpack = true }},
		"msgpack, no acks": {"echo", packed, func(c *scenario.Config) { c.Msgpack, c.Ack, c.Depth = true, false, 4 }},
		"msgpack, polling": {"polling", packed, func(c *scenario.Config) { c.Msgpack, c.Binary = true, true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := small(t, v.preset, v.target)
			change(c)
			v.change(c)
			res := run(t, c)
			wantPassed(t, res)
			if res.Messages.Received == 0 {
				t.Errorf("messages: %+v", res.Messages)
			}
			if c.Deflate && res.Messages.BytesReceived > res.Messages.Received*int64(c.Payload)/2 {
				t.Errorf("%d bytes came for %d messages of %d: they were not compressed", res.Messages.BytesReceived, res.Messages.Received, c.Payload)
			}
		})
	}
}

// TestEventNames uses a server whose events are called otherwise.
func TestEventNames(t *testing.T) {
	t.Parallel()
	c := small(t, "rooms", serve(t, func(s *sio.Server) {
		s.Handle("enter", func(e *sio.Event) error {
			var room string
			if err := e.Decode(&room); err != nil {
				return err
			}
			_ = e.Socket().Join(room)
			return e.Ack()
		})
		s.Handle("post", func(e *sio.Event) error {
			var room string
			if err := e.Decode(&room); err != nil {
				return err
			}
			return s.To(room).Emit("post", e.Args()[1:]...)
		})
	}))
	c.Events["join"], c.Events["room"] = "enter", "post"
	wantPassed(t, run(t, c))
}

// TestServerProcess samples a process: that of the test.
func TestServerProcess(t *testing.T) {
	t.Parallel()
	c := small(t, "echo", serve(t, func(s *sio.Server) { bench(s.Root()) }))
	c.PID = os.Getpid()
	res := run(t, c)
	if s := res.Server; s == nil || s.CPUSeconds <= 0 || s.CPUPerMessage <= 0 || s.RSSPeak == 0 {
		t.Errorf("server: %+v", s)
	}
	if res.Client.CPUSeconds <= 0 || res.Client.CPUPerMessage <= 0 {
		t.Errorf("client: %+v", res.Client)
	}
}

// TestCannotRun checks what Run says when there is nothing to measure.
func TestCannotRun(t *testing.T) {
	t.Parallel()
	target := serve(t, func(s *sio.Server) { s.Handle("join", func(*sio.Event) error { return nil }) })
	for name, v := range map[string]struct {
		change func(*scenario.Config)
		part   string
	}{
		"nobody listens": {func(c *scenario.Config) { c.Target = "http://127.0.0.1:1" }, "connection refused"},
		"namespace":      {func(c *scenario.Config) { c.Namespace = "/nope" }, "Invalid namespace"},
		"path":           {func(c *scenario.Config) { c.Path = "/other/" }, "path"},
		"no process":     {func(c *scenario.Config) { c.PID = 1 << 30 }, "there is no process"},
		"no join": {func(c *scenario.Config) {
			c.Timeout = 300 * time.Millisecond
		}, `did not acknowledge 12 of 12 events "join"`},
		"descriptors": {func(c *scenario.Config) { c.Connections = load.DescriptorLimit() + 1 }, "raise the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := small(t, "rooms", target)
			v.change(c)
			_, err := scenario.Run(t.Context(), c, nil)
			if err == nil || !strings.Contains(err.Error(), v.part) || strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("got %v, want one line with %q", err, v.part)
			}
		})
	}
}

// TestInterrupted ends a run early: what was measured until then is a result.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	c := small(t, "echo", serve(t, func(s *sio.Server) { bench(s.Root()) }))
	c.Duration = time.Hour
	c.Until(nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	res, err := scenario.Run(ctx, c, func(p report.Phase, s report.Sample) {
		if p == report.Measuring && s.Received > 0 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantPassed(t, res)
	if !res.Interrupted() || res.Messages.Received == 0 || res.Seconds <= 0 || res.Seconds > 60 {
		t.Errorf("seconds %.3f, settings %v, messages %+v", res.Seconds, res.Settings, res.Messages)
	}
}

// TestInterruptedRampUp ends a run before there is anything to measure.
func TestInterruptedRampUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := small(t, "echo", serve(t, func(s *sio.Server) {
		s.Use(func(s *sio.Socket) error {
			cancel()
			<-s.Context().Done()
			return nil
		})
	}))
	if _, err := scenario.Run(ctx, c, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestInterruptedWarmUp ends a run in the warm-up: whatever was sent until then
// is no result.
func TestInterruptedWarmUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := small(t, "churn", serve(t, func(s *sio.Server) { bench(s.Root()) }))
	c.Warmup = time.Hour
	_, err := scenario.Run(ctx, c, func(p report.Phase, s report.Sample) {
		if p == report.WarmUp && s.Received > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestLostConnections has the server end some connections in the middle.
func TestLostConnections(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	c := small(t, "echo", serve(t, func(s *sio.Server) {
		s.Handle("echo", func(e *sio.Event) error {
			if n := count.Add(1); n >= 50 && n < 53 {
				e.Socket().Disconnect(true)
				return nil
			}
			return e.Ack(e.Args()...)
		})
	}))
	c.Grace = time.Second
	c.Until(func(p report.Phase, s report.Sample) bool { return p == report.Measuring && s.Open <= 9 })
	res := run(t, c)
	if res.Connections.Lost == 0 || len(res.Connections.Errors) == 0 || len(res.Failures) == 0 {
		t.Errorf("connections %+v, failures %q", res.Connections, res.Failures)
	}
	if res.Checks.Lost != 0 {
		t.Errorf("messages of lost connections count as lost: %+v", res.Checks)
	}
}
