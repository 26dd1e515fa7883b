package sio_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// numbers returns the i of every `42["event",i,…]`, in their order.
func numbers(packets []string, event string) []int {
	var list []int
	for _, p := range packets {
		var i int
		if rest, ok := strings.CutPrefix(p, `42["`+event+`",`); ok {
			if _, err := fmt.Sscanf(rest, "%d", &i); err == nil {
				list = append(list, i)
			}
		}
	}
	return list
}

// rising tells whether each number is larger than the one before.
func rising(list []int) bool {
	for i := 1; i < len(list); i++ {
		if list[i] <= list[i-1] {
			return false
		}
	}
	return true
}

// TestSlowPolicies has a client stop reading, and all policies say what becomes
// of its events. Whatever it gets and what was counted as dropped is what was
// emitted.
func TestSlowPolicies(t *testing.T) {
	for _, policy := range []sio.SlowPolicy{sio.SlowDropNewest, sio.SlowDropOldest, sio.SlowConflate} {
		for _, on := range transports {
			t.Run(on.name, func(t *testing.T) {
				causes := map[string]uint64{}
				trace := &sio.Trace{Dropped: func(_ *sio.Socket, cause string) { causes[cause]++ }}
				srv, l := drivenServer(t, &sio.Options{MaxQueue: 64 << 10, SoftQueue: 16 << 10, Trace: trace})
				srv.Root().SetSlowConsumer(policy)
				srv.Root().Inline().Handle("ask", func(e *sio.Event) error { return e.Ack("answer") })
				c := on.connect(t, srv, l, "/")
				s := srv.LocalSockets()[0]
				pad := strings.Repeat("x", 1000)
				const n = 1000
				c.stall()
				refused := 0
				for i := range n {
					switch err := s.Emit("tick", i, pad); {
					case errors.Is(err, sio.ErrDropped):
						refused++
					case err != nil:
						t.Fatal(err)
					}
					if i%10 == 0 {
						l.Drive()
					}
					if i == n/2 { // an event that wants an answer, though the queue is full
						if err := s.EmitAck("confirm", func(*sio.Reply, error) {}); err != nil {
							t.Fatal(err)
						}
					}
				}
				c.say(`27["ask"]`) // an acknowledgement, though the queue is full
				got := c.read()
				st := srv.Stats()
				ticks := numbers(got, "tick")
				if !rising(ticks) {
					t.Errorf("%v: out of order: %v", policy, ticks)
				}
				if sum := uint64(len(ticks)) + st.NewestDrops + st.OldestDrops + st.Conflated; sum != n {
					t.Errorf("%v: %d arrived and %d in all were accounted for, want %d", policy, len(ticks), sum, n)
				}
				if len(ticks)*1000 > 80<<10 {
					t.Errorf("%v: %d ticks were queued", policy, len(ticks))
				}
				if st.VolatileDrops != 0 || st.ClosedDrops != 0 || st.SlowConsumers != 0 {
					t.Errorf("%v: %+v", policy, st)
				}
				if causes["newest"] != st.NewestDrops || causes["oldest"] != st.OldestDrops || causes["conflated"] != st.Conflated {
					t.Errorf("%v: Dropped was told %v", policy, causes)
				}
				for _, want := range []string{`437["answer"]`, `420["confirm"]`} {
					if !slices.Contains(got, want) {
						t.Errorf("%v: %s was dropped", policy, want)
					}
				}
				checkPolicy(t, policy, &st, ticks, refused)
				if err := s.Emit("tick", n); err != nil {
					t.Error(err)
				}
				if got := numbers(c.read(), "tick"); !slices.Equal(got, []int{n}) {
					t.Errorf("%v: after it has caught up it gets %v", policy, got)
				}
			})
		}
	}
}

// TestSlowPoliciesOfSmallEvents has a client stop reading events of a few bytes,
// which take much more: their number is limited too.
func TestSlowPoliciesOfSmallEvents(t *testing.T) {
	const limit, n = 2000, 5000 // at 128 bytes each
	for _, policy := range []sio.SlowPolicy{sio.SlowDisconnect, sio.SlowDropNewest, sio.SlowDropOldest} {
		for _, on := range transports {
			t.Run(policy.String()+" on "+on.name, func(t *testing.T) {
				srv, l := drivenServer(t, &sio.Options{MaxQueue: 128 * limit})
				srv.Root().SetSlowConsumer(policy)
				c := on.connect(t, srv, l, "/")
				s := srv.LocalSockets()[0]
				c.stall()
				sent := 0
				for i := range n {
					if s.Emit("e", i) == nil {
						sent++
					}
					if i%100 == 0 {
						l.Drive()
					}
				}
				l.Drive()
				st := srv.Stats()
				if policy == sio.SlowDisconnect {
					if st.SlowConsumers != 1 || sent > limit+200 {
						t.Errorf("%d slow consumers after %d events", st.SlowConsumers, sent)
					}
					return
				}
				if dropped := st.NewestDrops + st.OldestDrops; st.SlowConsumers != 0 || dropped < n-limit-200 {
					t.Errorf("%d slow consumers, %d of %d events were dropped", st.SlowConsumers, dropped, n)
				}
				got := numbers(c.read(), "e")
				if !rising(got) || len(got)+int(st.NewestDrops+st.OldestDrops) != n {
					t.Errorf("%d events came, with the dropped ones %d of %d", len(got), len(got)+int(st.NewestDrops+st.OldestDrops), n)
				}
			})
		}
	}
}

// checkPolicy checks what is different from policy to policy.
func checkPolicy(t *testing.T, policy sio.SlowPolicy, st *sio.Stats, ticks []int, refused int) {
	t.Helper()
	last := ticks[len(ticks)-1]
	if policy == sio.SlowDropNewest {
		if st.NewestDrops != uint64(refused) || st.OldestDrops+st.Conflated != 0 || refused == 0 {
			t.Errorf("%d newest dropped, and %d times ErrDropped", st.NewestDrops, refused)
		}
		if last != len(ticks)-1 {
			t.Errorf("not the first %d: %v", len(ticks), ticks)
		}
		return
	}
	if last != 999 || refused != 0 {
		t.Errorf("the last tick is %d, and %d were refused", last, refused)
	}
	if policy == sio.SlowDropOldest {
		if st.OldestDrops == 0 || st.NewestDrops+st.Conflated != 0 {
			t.Errorf("%d oldest dropped, %d newest, %d conflated", st.OldestDrops, st.NewestDrops, st.Conflated)
		}
		if len(ticks) < 60 {
			t.Errorf("only %d ticks were kept", len(ticks))
		}
		return
	}
	if st.Conflated == 0 || st.NewestDrops+st.OldestDrops != 0 {
		t.Errorf("%d conflated, %d oldest dropped, %d newest", st.Conflated, st.OldestDrops, st.NewestDrops)
	}
	if len(ticks) > 12 { // the turn in which the kernel refused, and one
		t.Errorf("%d ticks of one event were kept", len(ticks))
	}
}

// TestSlowDisconnect is the default policy.
func TestSlowDisconnect(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			var reason sio.DisconnectReason
			trace := &sio.Trace{Disconnected: func(_ *sio.Socket, r sio.DisconnectReason) { reason = r }}
			srv, l := drivenServer(t, &sio.Options{MaxQueue: 64 << 10, Trace: trace})
			c := on.connect(t, srv, l, "/")
			s := srv.LocalSockets()[0]
			c.stall()
			var err error
			sent := 0
			for ; err == nil && sent < 1000; sent++ {
				err = s.Emit("tick", sent, strings.Repeat("x", 1000))
				if sent%5 == 0 {
					l.Drive()
				}
			}
			l.Drive()
			if !errors.Is(err, sio.ErrSlowConsumer) && !errors.Is(err, sio.ErrSocketClosed) {
				t.Errorf("Emit: %v after %d", err, sent)
			}
			if st := srv.Stats(); reason != sio.ReasonSlowConsumer || st.SlowConsumers != 1 || st.Sockets != 0 || st.ClosedDrops == 0 {
				t.Errorf("reason %q, %+v", reason, st)
			}
		})
	}
}

// TestSlowPolicyOfEach has one connection with three namespaces: the policy of
// each concerns its own events, and what drops nothing drops nothing.
func TestSlowPolicyOfEach(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			srv, l := drivenServer(t, &sio.Options{MaxQueue: 64 << 10})
			srv.Of("/old").SetSlowConsumer(sio.SlowDropOldest)
			srv.Of("/new").SetSlowConsumer(sio.SlowDropNewest)
			c := on.connect(t, srv, l, "/", "/old", "/new")
			c.stall()
			pad := strings.Repeat("x", 1000)
			const n = 300
			for i := range n {
				for _, name := range []string{"/old", "/new"} {
					if err := srv.Of(name).Emit("tick", i, pad); err != nil {
						t.Fatal(err)
					}
				}
				if i%10 == 0 {
					if err := srv.Emit("tick", i, pad); err != nil {
						t.Fatal(err)
					}
				}
				l.Drive()
			}
			got := c.read()
			st := srv.Stats()
			if solid := numbers(got, "tick"); len(solid) != n/10 || !rising(solid) {
				t.Errorf("of %d events that are not to be dropped %d came", n/10, len(solid))
			}
			count := func(prefix string) (k int) {
				for _, p := range got {
					if strings.HasPrefix(p, prefix) {
						k++
					}
				}
				return k
			}
			old, fresh := count("42/old,"), count("42/new,")
			if uint64(old)+st.OldestDrops != n || uint64(fresh)+st.NewestDrops != n || st.Sockets != 3 {
				t.Errorf("%d and %d came, %d and %d were dropped, of %d each", old, fresh, st.OldestDrops, st.NewestDrops, n)
			}
		})
	}
}

// TestNothingOldToDrop fills the queue with what must not be dropped: there is
// no room for what may.
func TestNothingOldToDrop(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			srv, l := drivenServer(t, &sio.Options{MaxQueue: 64 << 10})
			srv.Of("/old").SetSlowConsumer(sio.SlowDropOldest)
			c := on.connect(t, srv, l, "/", "/old")
			c.stall()
			_ = srv.Emit("full") // the pending GET takes it
			l.Drive()
			for _, n := range []*sio.Namespace{srv.Root(), srv.Of("/old"), srv.Root(), srv.Of("/old")} {
				if err := n.Emit("tick", 0, strings.Repeat("x", 24<<10)); err != nil {
					t.Fatal(err)
				}
				l.Drive()
			}
			st := srv.Stats()
			got := numbers(c.read(), "tick")
			// The second of "/" drives the first of "/old" out, and leaves no room for
			// the next.
			if len(got) != 2 || st.OldestDrops != 1 || st.NewestDrops != 1 || st.Sockets != 2 {
				t.Errorf("%d came, %d oldest and %d newest dropped", len(got), st.OldestDrops, st.NewestDrops)
			}
		})
	}
}

// TestSlowBinary drops events with attachments: what comes is whole.
func TestSlowBinary(t *testing.T) {
	for _, policy := range []sio.SlowPolicy{sio.SlowDropNewest, sio.SlowDropOldest, sio.SlowConflate} {
		for _, on := range transports {
			t.Run(on.name, func(t *testing.T) {
				srv, l := drivenServer(t, &sio.Options{MaxQueue: 32 << 10})
				srv.Root().SetSlowConsumer(policy)
				c := on.connect(t, srv, l, "/")
				s := srv.LocalSockets()[0]
				if ws, ok := c.(*tap); ok {
					ws.budget = 1500 // so that it is torn in the middle of an attachment
				}
				const n = 300
				for i := range n {
					a, b := fmt.Appendf(nil, "%0500d", i), fmt.Appendf(nil, "%0600d", -i)
					if err := s.Emit("pair", i, a, b); err != nil && !errors.Is(err, sio.ErrDropped) {
						t.Fatal(err)
					}
					l.Drive()
				}
				got := c.read()
				whole := 0
				for ; len(got) > 0; got = got[3:] {
					var i int
					if _, err := fmt.Sscanf(got[0], `452-["pair",%d,`, &i); err != nil || len(got) < 3 {
						t.Fatalf("%v: %q is not the head of a whole event", policy, got[0])
					}
					for j, want := range []string{fmt.Sprintf("%0500d", i), fmt.Sprintf("%0600d", -i)} {
						if a, err := base64.StdEncoding.DecodeString(got[1+j][1:]); err != nil || string(a) != want {
							t.Fatalf("%v: attachment %d of event %d is of another", policy, j, i)
						}
					}
					whole++
				}
				st := srv.Stats()
				if drops := st.NewestDrops + st.OldestDrops + st.Conflated; drops == 0 || uint64(whole)+drops != n {
					t.Errorf("%v: %d came and %d were dropped, of %d", policy, whole, drops, n)
				}
			})
		}
	}
}

// TestAcksAloneCloseIt has a client that asks for answers and does not read
// them: no policy keeps them for ever.
func TestAcksAloneCloseIt(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			srv, l := drivenServer(t, &sio.Options{MaxQueue: 64 << 10})
			srv.Root().SetSlowConsumer(sio.SlowDropOldest)
			answer := strings.Repeat("x", 8000)
			srv.Root().Inline().Handle("ask", func(e *sio.Event) error { return e.Ack(answer) })
			c := on.connect(t, srv, l, "/")
			c.stall()
			for i := 0; i < 12 && srv.Stats().Sockets == 1; i++ {
				if err := srv.Emit("tick", strings.Repeat("y", 8000)); err != nil {
					t.Fatal(err)
				}
				c.say(`21["ask"]`)
				l.Drive()
			}
			if st := srv.Stats(); st.Sockets != 0 || st.SlowConsumers != 1 || st.OldestDrops == 0 {
				t.Errorf("%d sockets, %d slow consumers, %d oldest dropped", st.Sockets, st.SlowConsumers, st.OldestDrops)
			}
		})
	}
}

// TestCloseBehindBacklog closes a connection that is behind: all that was sent
// before is delivered first.
func TestCloseBehindBacklog(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			srv, l := drivenServer(t, &sio.Options{})
			srv.Root().SetSlowConsumer(sio.SlowDropNewest)
			c := on.connect(t, srv, l, "/")
			s := srv.LocalSockets()[0]
			c.stall()
			for i := range 100 {
				if err := s.Latest(fmt.Sprint(i%50)).Emit("tick", i); err != nil {
					t.Fatal(err)
				}
				l.Drive()
			}
			s.Disconnect(true)
			l.Drive()
			got := c.read()
			ticks := numbers(got, "tick")
			if st := srv.Stats(); uint64(len(ticks))+st.Conflated != 100 || st.Conflated < 49 || st.ClosedDrops != 0 || slices.Max(ticks) != 99 {
				t.Errorf("%d came, %d conflated, %d lost, of 100: %v", len(ticks), st.Conflated, st.ClosedDrops, ticks)
			}
			i := slices.Index(got, "41")
			if i < len(ticks) {
				t.Errorf("DISCONNECT is at %d of %d", i, len(got))
			}
			if ws, ok := c.(*tap); ok && !ws.closed {
				t.Error("no close frame")
			}
		})
	}
}

// TestUpgradeWithBacklog upgrades a client that has not polled for long.
func TestUpgradeWithBacklog(t *testing.T) {
	t.Parallel()
	srv, l := drivenServer(t, &sio.Options{MaxQueue: 64 << 10, SoftQueue: 4 << 10})
	srv.Root().SetSlowConsumer(sio.SlowDropOldest)
	c := newPollTap(t, srv, l, "/")
	s := srv.LocalSockets()[0]
	c.read()
	emit := func(from, to int) {
		for i := from; i < to; i++ {
			if err := s.Emit("tick", i, strings.Repeat("x", 1000)); err != nil {
				t.Fatal(err)
			}
			l.Drive()
		}
	}
	emit(0, 1) // answers the pending GET
	emit(1, 200)
	if s.Writable() {
		t.Error("writable with a full queue")
	}
	w := &tap{tb: t, l: l, budget: -1}
	w.conn = srv.OpenFake(0, w.write)
	w.conn.Inject([]byte(strings.Replace(upgradeRequest, "transport=websocket", "transport=websocket"+c.sid, 1)))
	w.conn.Inject(masked("2probe"))
	l.Drive()
	_, w.in, _ = bytes.Cut(w.in, []byte("\r\n\r\n"))
	w.budget = 3000 // which the answer to the probe is part of
	w.conn.Inject(masked("5"))
	l.Drive()
	emit(200, 300)
	ticks := numbers(w.read(), "tick")
	st := srv.Stats()
	if !rising(ticks) || ticks[len(ticks)-1] != 299 || uint64(1+len(ticks))+st.OldestDrops != 300 {
		t.Errorf("%d ticks came and %d were dropped, of 300: %v", len(ticks), st.OldestDrops, ticks)
	}
	if !s.Writable() {
		t.Error("not writable although all was taken")
	}
}
