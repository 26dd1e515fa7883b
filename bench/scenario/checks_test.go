package scenario_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/bench/scenario"
	"github.com/gannet-io/gannet/sio"
)

// TestWrongServers runs scenarios against servers that do one thing wrong, and
// wants that very check to fire, with a description, and the run to fail.
func TestWrongServers(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name, preset string
		setup        func(*sio.Namespace)
		change       func(*scenario.Config)
		count        func(*report.Checks) int64
		others       bool // other checks may fire too
		part         string
	}{
		{
			name: "drops an echo", preset: "echo", setup: echo(func(e *sio.Event, n int64) error {
				if n == 20 {
					return nil
				}
				return e.Ack(e.Args()...)
			}),
			count: lost, part: "did not get 1 of its own echoes",
		},
		{
			name: "echoes twice", preset: "echo", change: events, setup: echo(func(e *sio.Event, n int64) error {
				if n == 20 {
					_ = e.Socket().Emit("echo", e.Args()...)
				}
				return e.Socket().Emit("echo", e.Args()...)
			}),
			count: duplicated, part: "twice",
		},
		{
			name: "corrupts an acknowledgement", preset: "echo", setup: echo(func(e *sio.Event, n int64) error {
				if n == 20 {
					return e.Ack(strings.ToLower(payload(e)))
				}
				return e.Ack(e.Args()...)
			}),
			count: corrupted, part: "not as it was sent",
		},
		{
			name: "corrupts an event", preset: "echo", change: events, setup: echo(func(e *sio.Event, n int64) error {
				if n == 20 {
					return e.Socket().Emit("echo", payload(e)[:40])
				}
				return e.Socket().Emit("echo", e.Args()...)
			}),
			count: corrupted, part: "not as it was sent",
		},
		{
			name: "echoes to another", preset: "echo", change: events, setup: misroutedEcho,
			count: misrouted, others: true, part: "which was not for it",
		},
		{
			name: "swaps acknowledgements", preset: "echo", setup: swappedAcks,
			change: func(c *scenario.Config) { c.Depth, c.Connections = 2, 1 },
			count:  misrouted, others: true, part: "as the acknowledgement of",
		},
		{
			name: "swaps events", preset: "echo", setup: swappedEvents,
			change: func(c *scenario.Config) { c.Ack, c.Depth, c.Connections = false, 2, 1 },
			count:  reordered, part: "behind a later one",
		},
		{
			name: "drops a broadcast for one", preset: "broadcast", change: openLoop, setup: func(n *sio.Namespace) {
				var count atomic.Int64
				n.Handle("broadcast", func(e *sio.Event) error {
					if count.Add(1) == 5 {
						return n.Except(e.Socket().ID()).Emit("broadcast", e.Args()...)
					}
					return n.Emit("broadcast", e.Args()...)
				})
			},
			count: lost, part: "messages of sender 0 (broadcast)",
		},
		{
			name: "broadcasts twice", preset: "broadcast", change: openLoop, setup: func(n *sio.Namespace) {
				var count atomic.Int64
				n.Handle("broadcast", func(e *sio.Event) error {
					if count.Add(1) == 5 {
						_ = n.Emit("broadcast", e.Args()...)
					}
					return n.Emit("broadcast", e.Args()...)
				})
			},
			count: duplicated, part: "(broadcast) twice",
		},
		{
			name: "swaps broadcasts", preset: "broadcast", setup: swappedBroadcasts, change: openLoop,
			count: reordered, others: true, part: "(broadcast) behind a later one", // of an odd number the last is held
		},
		{
			name: "sends rooms to all", preset: "rooms", change: openLoop, setup: func(n *sio.Namespace) {
				joins(n)
				n.Handle("room", func(e *sio.Event) error { return n.Emit("room", e.Args()[1:]...) })
			},
			count: misrouted, others: true, part: "in which it is not",
		},
		{
			name: "answers a room as a broadcast", preset: "rooms", change: openLoop, setup: func(n *sio.Namespace) {
				joins(n)
				n.Handle("room", func(e *sio.Event) error { return n.Emit("broadcast", e.Args()[1:]...) })
			},
			count: misrouted, others: true, part: "as a broadcast, and it was sent as a message of a room",
		},
		{
			name: "loses ticks", preset: "ticker", setup: func(n *sio.Namespace) { ticks(n, 1, 2, 4, 5) },
			count: lost, part: "of the server's ticks, message 3 the first",
		},
		{
			name: "repeats ticks", preset: "ticker", setup: func(n *sio.Namespace) { ticks(n, 1, 2, 2, 3) },
			count: duplicated, part: "tick 2 twice",
		},
		{
			name: "swaps ticks", preset: "ticker", setup: func(n *sio.Namespace) { ticks(n, 1, 3, 2, 4) },
			count: reordered, part: "tick 2 behind a later one",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			c := small(t, v.preset, serve(t, func(s *sio.Server) { v.setup(s.Root()) }))
			c.Grace = 300 * time.Millisecond
			if v.preset == "ticker" {
				c.Until(first) // they came with the connection
			}
			if v.change != nil {
				v.change(c)
			}
			res := run(t, c)
			n := v.count(&res.Checks)
			all := res.Checks.Lost + res.Checks.Duplicated + res.Checks.Reordered + res.Checks.Corrupted + res.Checks.Misrouted
			if n == 0 || !v.others && all != n {
				t.Errorf("checks: %+v", res.Checks)
			}
			if len(res.Failures) == 0 {
				t.Error("the run passed")
			}
			if text := strings.Join(res.Checks.First, "\n"); !strings.Contains(text, v.part) {
				t.Errorf("descriptions:\n%s\nwant %q", text, v.part)
			}
		})
	}
}

func lost(c *report.Checks) int64       { return c.Lost }
func duplicated(c *report.Checks) int64 { return c.Duplicated }
func reordered(c *report.Checks) int64  { return c.Reordered }
func corrupted(c *report.Checks) int64  { return c.Corrupted }
func misrouted(c *report.Checks) int64  { return c.Misrouted }

func events(c *scenario.Config) { c.Ack = false }

func openLoop(c *scenario.Config) {
	c.Rate = 200
	if c.Rooms > 0 {
		c.Rooms = 3
	}
}

// echo serves echo by f, which gets the number of the event too.
func echo(f func(*sio.Event, int64) error) func(*sio.Namespace) {
	return func(n *sio.Namespace) {
		var count atomic.Int64
		n.Handle("echo", func(e *sio.Event) error { return f(e, count.Add(1)) })
	}
}

func payload(e *sio.Event) string {
	var s string
	_ = e.Decode(&s)
	return s
}

// misroutedEcho sends the 20th echo to everybody else.
func misroutedEcho(n *sio.Namespace) {
	echo(func(e *sio.Event, i int64) error {
		if i == 20 {
			return n.Except(e.Socket().ID()).Emit("echo", e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})(n)
}

// swappedAcks answers two events with each other's payload.
func swappedAcks(n *sio.Namespace) {
	swapped(n, "echo", func(first, second *held) {
		_ = first.ack(second.payload)
		_ = second.ack(first.payload)
	})
}

// swappedEvents answers two events in the wrong order.
func swappedEvents(n *sio.Namespace) {
	swapped(n, "echo", func(first, second *held) {
		_ = second.socket.Emit("echo", second.payload)
		_ = first.socket.Emit("echo", first.payload)
	})
}

func swappedBroadcasts(n *sio.Namespace) {
	swapped(n, "broadcast", func(first, second *held) {
		_ = n.Emit("broadcast", second.payload)
		_ = n.Emit("broadcast", first.payload)
	})
}

// A held event has not been answered.
type held struct {
	payload string
	socket  *sio.Socket
	ack     func(...any) error
}

// swapped has f answer every two events of a name at once.
func swapped(n *sio.Namespace, name string, f func(first, second *held)) {
	var mu sync.Mutex
	var first *held
	n.Handle(name, func(e *sio.Event) error {
		mu.Lock()
		defer mu.Unlock()
		acker := e.Acker()
		h := &held{payload: payload(e), socket: e.Socket(), ack: acker.Ack}
		if first == nil {
			first = h
			return nil
		}
		f(first, h)
		first = nil
		return nil
	})
}

// ticks emits ticks with the given numbers to everyone who connects.
func ticks(n *sio.Namespace, numbers ...int) {
	n.OnConnection(func(s *sio.Socket) {
		for _, i := range numbers {
			_ = s.Emit("tick", i, time.Now().UnixNano(), "x")
		}
	})
}
