package sio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/sio"
)

// TestLatestOrder shows where a newer value of a key goes.
func TestLatestOrder(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			srv, l := drivenServer(t, &sio.Options{})
			c := on.connect(t, srv, l, "/")
			s := srv.LocalSockets()[0]
			c.stall()
			_ = s.Emit("full") // the kernel has it, or the pending GET takes it
			l.Drive()
			n := srv.Root()
			for _, step := range []struct {
				to    sio.Target
				event string
			}{
				{n.Latest("a"), "a1"},
				{n.Latest("b"), "b1"},
				{n.Latest("a"), "a2"}, // in the place of a1: nothing but values is behind it
				{s.Latest("c"), "c1"},
				{n.All(), "news"},
				{n.Latest("b"), "b2"}, // behind the news, which came before it
				{n.Latest("b"), "b3"},
				{s.Latest("d"), "d1"},
				{n.Latest("").Latest("d"), "d2"},
				{n.Latest("d").Latest(""), "e"}, // has no key
				{n.Latest("d").Volatile(), "f"}, // is dropped; the value stays
			} {
				_ = step.to.Emit(step.event)
			}
			l.Drive()
			want := []string{"full", "a2", "c1", "news", "b3", "d2", "e"}
			for i := range want {
				want[i] = `42["` + want[i] + `"]`
			}
			if got := c.read(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if st := srv.Stats(); st.Conflated != 4 || st.VolatileDrops != 1 {
				t.Errorf("%d conflated and %d volatile dropped, want 4 and 1", st.Conflated, st.VolatileDrops)
			}
			for i := range 3 { // whoever takes all at once gets all
				_ = n.Latest("a").Emit("a", i)
			}
			l.Drive()
			if got := numbers(c.read(), "a"); !slices.Equal(got, []int{0, 1, 2}) {
				t.Errorf("a client that reads gets %v", got)
			}
		})
	}
}

// TestLatestKeysOfNamespaces has the same key in two namespaces of a connection.
func TestLatestKeysOfNamespaces(t *testing.T) {
	t.Parallel()
	srv, l := drivenServer(t, &sio.Options{})
	srv.Of("/x")
	c := newTap(t, srv, l, "/", "/x")
	c.stall()
	_ = srv.Emit("full")
	l.Drive()
	for i := range 3 {
		_ = srv.Root().Latest("k").Emit("v", i)
		_ = srv.Of("/x").Latest("k").Emit("v", i)
	}
	l.Drive()
	if got, want := c.read(), []string{`42["full"]`, `42["v",2]`, `42/x,["v",2]`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLatestMessages conflates messages that are encoded once, and events that
// want an acknowledgement not at all.
func TestLatestMessages(t *testing.T) {
	t.Parallel()
	srv, l := drivenServer(t, &sio.Options{})
	srv.Root().SetSlowConsumer(sio.SlowConflate)
	c := newTap(t, srv, l, "/")
	s := srv.LocalSockets()[0]
	c.stall()
	_ = s.Emit("full")
	l.Drive()
	for i := range 3 {
		m, err := sio.Encode("m", i)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Send(m)
		_ = srv.Root().Latest("k").Send(m)
		m.Release()
		_ = s.Latest("k").EmitAck("ask", func(*sio.Reply, error) {}, i)
	}
	l.Drive()
	want := []string{`42["full"]`, `420["ask",0]`, `421["ask",1]`, `42["m",2]`, `42["m",2]`, `422["ask",2]`}
	if got := c.read(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A tickReader reads ticks `["tick",key,value,…]` from a real connection.
type tickReader struct {
	conn   net.Conn
	r      io.Reader
	ticks  int
	newest map[int]int
	err    error
}

func newTickReader(tb testing.TB, addr string, window int) *tickReader {
	tb.Helper()
	c, _ := connectWS(tb, addr, "/")
	if window > 0 {
		if err := c.conn.(*net.TCPConn).SetReadBuffer(window); err != nil {
			tb.Fatal(err)
		}
	}
	return &tickReader{conn: c.conn, r: c.r, newest: map[int]int{}}
}

// next reads one tick. It checks that its value is newer than those before.
func (c *tickReader) next() bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.err = err
		return false
	}
	if bytes.Equal(f.Payload, []byte("2")) {
		return true
	}
	var key, value int
	if _, err := fmt.Sscanf(string(f.Payload), `42["tick",%d,%d,`, &key, &value); err != nil {
		c.err = fmt.Errorf("%.40q: %w", f.Payload, err)
		return false
	}
	if old, ok := c.newest[key]; ok && value <= old {
		c.err = fmt.Errorf("key %d: %d after %d", key, value, old)
		return false
	}
	c.newest[key] = value
	c.ticks++
	return true
}

// TestReadersOfDifferentSpeeds has a ticker with 20 keys and three readers at
// the wire: one that keeps up, one that reads a tick for each 50, and one that
// reads nothing until the end. What the last is behind is what the kernels hold.
func TestReadersOfDifferentSpeeds(t *testing.T) {
	const keys, rounds, size = 20, 100, 4 << 10
	srv, addr := newServer(t, &sio.Options{PingInterval: time.Hour, WriteTimeout: time.Hour}, nil)
	live := srv.Stats().LivePackets
	fast := newTickReader(t, addr, 0)
	slow := newTickReader(t, addr, 8<<10)
	stalled := newTickReader(t, addr, 8<<10)
	n := srv.Root()
	pad := strings.Repeat("x", size)
	names := make([]string, keys)
	for k := range names {
		names[k] = fmt.Sprint("key", k)
	}
	for i := range rounds {
		for k := range keys {
			if err := n.Latest(names[k]).Emit("tick", k, i, pad); err != nil {
				t.Fatal(err)
			}
		}
		for range keys {
			if !fast.next() {
				t.Fatal(fast.err)
			}
		}
		if i%3 == 0 && !slow.next() {
			t.Fatal(slow.err)
		}
		if i%20 == 19 {
			srv.Stats() // behind it, the turn that was under way has ended
			// Two readers that are behind hold one value of each key, 16 KiB that
			// were given to the connection, and no more.
			if held := srv.Stats().LivePackets - live; held > keys+2*(16<<10/size+2) {
				t.Fatalf("%d packets are held for two readers of %d keys", held, keys)
			}
		}
	}
	if fast.ticks != rounds*keys {
		t.Errorf("the fast reader got %d of %d", fast.ticks, rounds*keys)
	}
	for name, c := range map[string]*tickReader{"slow": slow, "stalled": stalled} {
		for !complete(c.newest, keys, rounds-1) {
			if !c.next() {
				t.Fatalf("the %s reader: %v", name, c.err)
			}
		}
		t.Logf("the %s reader got %d of %d", name, c.ticks, rounds*keys)
	}
	if stalled.ticks > rounds*keys/4 {
		t.Errorf("the stalled reader still got %d of %d", stalled.ticks, rounds*keys)
	}
	if st := srv.Stats(); uint64(fast.ticks+slow.ticks+stalled.ticks)+st.Conflated != 3*rounds*keys {
		t.Errorf("%d, %d and %d came and %d were conflated, want %d", fast.ticks, slow.ticks, stalled.ticks, st.Conflated, 3*rounds*keys)
	}
}

// complete tells whether the newest value of every key is there.
func complete(newest map[int]int, keys, value int) bool {
	for k := range keys {
		if v, ok := newest[k]; !ok || v != value {
			return false
		}
	}
	return true
}

// TestTickOneMessagePerLoop emits a tick with a key to 10,000 sockets on two
// loops from a goroutine that is none of theirs.
func TestTickOneMessagePerLoop(t *testing.T) {
	const clients, ticks, loops = 10_000, 20, 2
	o := &sio.Options{Loops: loops, Logger: discard}
	srv, ls, err := sio.NewDriven(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range clients {
		c := srv.OpenFake(i%loops, nil)
		c.Inject([]byte(upgradeRequest))
		c.Inject(masked("40"))
	}
	drive := func() {
		for _, l := range ls {
			l.Drive()
		}
	}
	drive()
	before, counters := srv.Stats(), ls[0].Reactor().Counters()
	done := make(chan error)
	go func() { // stops behind the last tick
		var err error
		for i := range ticks {
			err = errors.Join(err, srv.Root().Latest("tick").Emit("tick", i))
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	drive()
	if got := ls[0].Reactor().Counters().Messages - counters.Messages; got != ticks*loops {
		t.Errorf("%d messages for %d ticks on %d loops", got, ticks, loops)
	}
	if got := srv.Stats().EventsOut - before.EventsOut; got != ticks*clients {
		t.Errorf("%d events went out, want %d", got, ticks*clients)
	}
}

// TestStalledReadersHoldLittle has a tenth of the clients stop reading. What is
// held for them does not grow with what is emitted: one packet for each key,
// shared, and the others get everything.
func TestStalledReadersHoldLittle(t *testing.T) {
	const clients, stalled, keys, rounds = 200, 20, 10, 100
	srv, l := drivenServer(t, &sio.Options{})
	taps := make([]*tap, clients)
	for i := range taps {
		taps[i] = newTap(t, srv, l, "/")
		if i < stalled {
			taps[i].stall()
		}
	}
	live, before := srv.Stats().LivePackets, srv.Stats()
	pad := strings.Repeat("x", 100)
	for i := range rounds {
		for k := range keys {
			if err := srv.Root().Latest(fmt.Sprint(k)).Emit("tick", i*keys+k, pad); err != nil {
				t.Fatal(err)
			}
		}
		l.Drive()
	}
	// The first turn is in the connections, as packets and joined; then one
	// packet for each key.
	if held := srv.Stats().LivePackets - live; held > 2*keys+2 {
		t.Errorf("%d packets are held for %d readers of %d keys", held, stalled, keys)
	}
	st := srv.Stats()
	if got, want := st.Conflated, uint64(stalled*keys*(rounds-2)); got != want {
		t.Errorf("%d conflated, want %d", got, want)
	}
	if got := st.EventsOut - before.EventsOut; got != clients*keys*rounds {
		t.Errorf("%d events were queued, want %d", got, clients*keys*rounds)
	}
	for i, c := range taps {
		want := keys * rounds
		if i < stalled {
			want = 2 * keys
		}
		if got := numbers(c.read(), "tick"); len(got) != want || got[len(got)-1] != keys*rounds-1 {
			t.Fatalf("client %d got %d, want %d", i, len(got), want)
		}
	}
	if n := srv.Stats().LivePackets; n > live {
		t.Errorf("%d packets are left", n-live)
	}
}

// FuzzSlowClient sends at random to a client that reads at random, in two
// namespaces with policies. What it gets is whole, in order for each key and
// among what has none, and with what was dropped is all that was emitted.
func FuzzSlowClient(f *testing.F) {
	f.Add(uint8(0), []byte("abcdefghijklmnopqrstuvwxyz"))
	f.Add(uint8(7), bytes.Repeat([]byte{0x10, 0x81, 0x22, 0xf3, 0x04, 0x95, 0x16}, 60))
	f.Add(uint8(14), bytes.Repeat([]byte{0x31, 0x01, 0x42, 0x53, 0xe4, 0x05, 0xf6, 0x77}, 90))
	f.Fuzz(func(t *testing.T, policies uint8, ops []byte) {
		srv, l := drivenServer(t, &sio.Options{MaxQueue: 8 << 10, SoftQueue: 1 << 10})
		srv.Root().SetSlowConsumer(sio.SlowPolicy(policies & 3))
		srv.Of("/n").SetSlowConsumer(sio.SlowPolicy(policies >> 2 & 3))
		c := newTap(t, srv, l, "/", "/n")
		c.stall()
		var all []string
		sent := uint64(0)
		for i, op := range ops {
			n := srv.Root()
			if op&1 == 1 {
				n = srv.Of("/n")
			}
			pad := strings.Repeat("x", int(op)<<1)
			switch op & 14 {
			case 0, 2:
				_ = n.Emit("plain", i, pad)
			case 4, 6:
				_ = n.Latest(fmt.Sprint(op>>5)).Emit("key"+fmt.Sprint(op>>5), i, pad)
			case 8:
				_ = n.Emit("binary", i, binary.BigEndian.AppendUint32(nil, uint32(i)), []byte(pad))
			case 10:
				c.some(int(op) << 2)
				continue
			default:
				l.Drive()
				continue
			}
			sent++
		}
		l.Drive()
		all = append(all, c.read()...)
		st := srv.Stats()
		if st.SlowConsumers > 0 {
			return // a policy that drops nothing has closed it
		}
		got := checkSlow(t, all)
		if drops := st.NewestDrops + st.OldestDrops + st.Conflated; got+drops != sent || st.ClosedDrops > 0 {
			t.Fatalf("%d came and %d were dropped, of %d; %d lost", got, drops, sent, st.ClosedDrops)
		}
		for _, s := range srv.LocalSockets() {
			if !s.Writable() {
				t.Fatal("not writable although all was taken")
			}
		}
	})
}

// checkSlow checks what a client of FuzzSlowClient got and counts its events.
func checkSlow(t *testing.T, packets []string) (events uint64) {
	t.Helper()
	last := map[string]int{} // by namespace and event; all without a key are one
	for i := 0; i < len(packets); i++ {
		p := packets[i]
		head, args, ok := strings.Cut(p, "[")
		if !ok {
			t.Fatalf("%q is not an event", p)
		}
		event, rest, _ := strings.Cut(strings.TrimPrefix(args, `"`), `",`)
		var n int
		if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
			t.Fatal(err)
		}
		class := strings.TrimPrefix(strings.TrimPrefix(head, "42"), "452-") + event
		if old, ok := last[class]; ok && n <= old {
			t.Fatalf("%s: %d behind %d", class, n, old)
		}
		last[class] = n
		events++
		if event == "binary" {
			if i+2 >= len(packets) || packets[i+1][0] != 'b' || packets[i+2][0] != 'b' {
				t.Fatalf("event %d has lost its attachments", n)
			}
			i += 2
		}
	}
	return events
}
