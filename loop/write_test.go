//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// frame makes a Buf with n bytes that depend on seed.
func frame(n int, seed byte) *bufpool.Buf {
	b := bufpool.Get(n)
	for i := range n {
		b.B = append(b.B, seed+byte(i*7))
	}
	return b
}

func TestOneWritePerTurn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		sizes []int
		want  []int // lengths of the writes
	}{
		{"one", []int{10}, []int{10}},
		{"joined", []int{10, 20, 30}, []int{60}},
		{"nothing", nil, nil},
		{"empty frames", []int{0, 5, 0}, []int{5}},
		{"large alone", []int{100_000}, []int{65536, 34464}},
		{"large first", []int{20_000, 10}, []int{20_000, 10}},
		{"large behind small", []int{10, 100_000}, []int{65536, 34474}},
		{"exactly full", []int{10_000, 55_536}, []int{65536}},
		{"many", slicesRepeat(1000, 100), []int{65536, 34464}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var lens []int
			var got, want []byte
			l := driven(&hooks{})
			c := l.NewFake(func(b []byte) (int, error) {
				lens = append(lens, len(b))
				got = append(got, b...)
				return len(b), nil
			})
			for i, n := range tc.sizes {
				b := frame(n, byte(i))
				want = append(want, b.B...)
				c.Send(b)
				l.Defer(b)
			}
			if len(lens) != 0 || c.Queued() != len(want) {
				t.Fatalf("before the end of the turn: writes %v, queued %d", lens, c.Queued())
			}
			l.Drive()
			if !equalInts(lens, tc.want) || !bytes.Equal(got, want) {
				t.Errorf("writes %v, want %v; bytes equal: %v", lens, tc.want, bytes.Equal(got, want))
			}
			if c.Queued() != 0 || l.Deferred() != 0 || l.Pending() {
				t.Errorf("left: queued %d, deferred %d, pending %v", c.Queued(), l.Deferred(), l.Pending())
			}
		})
	}
}

func slicesRepeat(n, v int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestEarlyFlush(t *testing.T) {
	t.Parallel()
	l := driven(&hooks{})
	c := l.NewFake(nil)
	for range 100 {
		b := frame(10_000, 1)
		c.Send(b)
		l.Defer(b)
		if c.Queued() >= loop.EarlyFlush {
			t.Fatalf("%d bytes queued in the turn", c.Queued())
		}
	}
	l.Drive()
}

// TestBlockedKeepsFrames shows that a frame outlives its turn exactly while
// somebody still has to send it.
func TestBlockedKeepsFrames(t *testing.T) {
	before := bufpool.Live()
	var got []byte
	room := 3
	drained := 0
	h := &hooks{drained: func(*loop.Conn) { drained++ }}
	l := driven(h)
	l.SetNow(100)
	c := l.NewFake(func(b []byte) (int, error) {
		n := min(room, len(b))
		room -= n
		got = append(got, b[:n]...)
		if n == 0 {
			return 0, syscall.EAGAIN
		}
		return n, nil
	})
	var want []byte
	send := func(n int, seed byte) {
		b := frame(n, seed)
		want = append(want, b.B...)
		c.Send(b)
		l.Defer(b)
	}
	send(2, 1)
	send(2, 50)
	send(2, 100)
	l.Drive()
	if !c.Blocked() || c.Queued() != 3 || c.StalledSince() != 100 {
		t.Fatalf("blocked %v, queued %d, stalled since %d", c.Blocked(), c.Queued(), c.StalledSince())
	}
	if n := bufpool.Live() - before; n != 2 {
		t.Errorf("%d frames alive, want the 2 that are not written", n)
	}
	send(1, 200)
	l.Drive()
	if n := bufpool.Live() - before; n != 3 {
		t.Errorf("%d frames alive, want 3", n)
	}
	l.SetNow(200)
	c.FakeWritable() // no room yet: no progress
	if c.StalledSince() != 100 || drained != 0 {
		t.Errorf("stalled since %d, drained %d", c.StalledSince(), drained)
	}
	room = 2
	c.FakeWritable()
	if c.StalledSince() != 200 || drained != 0 || c.Queued() != 2 {
		t.Errorf("after progress: stalled since %d, drained %d, queued %d", c.StalledSince(), drained, c.Queued())
	}
	room = 100
	c.FakeWritable()
	c.FakeWritable()
	if c.Blocked() || c.StalledSince() != 0 || drained != 1 || !bytes.Equal(got, want) {
		t.Errorf("at the end: blocked %v, stalled %d, drained %d, got %x want %x", c.Blocked(), c.StalledSince(), drained, got, want)
	}
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive at the end", n)
	}
}

func TestCloseDropsQueue(t *testing.T) {
	before := bufpool.Live()
	var closed []error
	h := &hooks{closed: func(_ *loop.Conn, err error) { closed = append(closed, err) }}
	l := driven(h)
	c := l.NewFake(func([]byte) (int, error) { return 0, syscall.EAGAIN })
	for i := range 20 {
		b := frame(10, byte(i))
		c.Send(b)
		l.Defer(b)
	}
	l.Drive()
	if n := bufpool.Live() - before; n != 20 {
		t.Fatalf("%d frames alive, want 20", n)
	}
	cause := errors.New("enough")
	c.Close(cause)
	c.Close(io.EOF)
	b := frame(10, 1)
	c.Send(b)
	b.Release()
	if len(closed) != 0 || !c.Closing() {
		t.Errorf("Closed was called inside Close, or Closing is false")
	}
	l.Drive()
	if len(closed) != 1 || !errors.Is(closed[0], cause) {
		t.Errorf("Closed got %v, want once %v", closed, cause)
	}
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive at the end", n)
	}
	if l.Reactor().Conns() != 0 {
		t.Errorf("Conns = %d", l.Reactor().Conns())
	}
}

func TestWriteErrorCloses(t *testing.T) {
	t.Parallel()
	var closed []error
	h := &hooks{closed: func(_ *loop.Conn, err error) { closed = append(closed, err) }}
	l := driven(h)
	fail := errors.New("broken")
	bad := l.NewFake(func([]byte) (int, error) { return 0, fail })
	good := l.NewFake(nil)
	b := frame(10, 1)
	bad.Send(b)
	good.Send(b)
	l.Defer(b)
	l.Drive()
	if len(closed) != 0 || !l.Pending() {
		t.Errorf("closed %v within the flush, pending %v", closed, l.Pending())
	}
	l.Drive()
	if len(closed) != 1 || !errors.Is(closed[0], fail) || good.Closing() {
		t.Errorf("closed %v; the other one is closing: %v", closed, good.Closing())
	}
}

// TestClosedMaySend shows that what Closed sends to others leaves in the same
// turn.
func TestClosedMaySend(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	var got []byte
	other := l.NewFake(func(b []byte) (int, error) { got = append(got, b...); return len(b), nil })
	h.closed = func(*loop.Conn, error) { reply(other, []byte("bye")) }
	l.NewFake(nil).Close(nil)
	l.NewFake(nil).Close(nil)
	l.Drive()
	if string(got) != "byebye" || l.Pending() {
		t.Errorf("got %q, pending %v", got, l.Pending())
	}
}

func TestBeforeFlush(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	var got []byte
	calls := 0
	c := l.NewFake(func(b []byte) (int, error) { got = append(got, b...); return len(b), nil })
	h.before = func() {
		calls++
		if calls < 3 {
			reply(c, []byte{'0' + byte(calls)})
			l.RequestFlush()
		}
	}
	l.RequestFlush()
	for l.Pending() {
		l.Drive()
	}
	if calls != 3 || string(got) != "12" {
		t.Errorf("%d calls, got %q", calls, got)
	}
}

// TestEmptyTurnsAreNotRun counts the turns that a burst of messages needs.
func TestEmptyTurnsAreNotRun(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	c := l.NewFake(nil)
	h.message = func(*loop.Message) { reply(c, []byte("x")) }
	h.before = func() { reply(c, []byte("y")) }
	for range 10 {
		if err := l.Post(loop.Message{Kind: 1}); err != nil {
			t.Fatal(err)
		}
	}
	turns := 0
	for l.Pending() {
		l.Drive()
		turns++
	}
	if turns != 1 {
		t.Errorf("%d turns, want 1", turns)
	}
}

// FuzzWriteQueue lets three connections share frames over sinks that take what
// they like, and compares with plain byte slices.
func FuzzWriteQueue(f *testing.F) {
	f.Add([]byte{0, 7, 10, 5, 0, 0, 0, 7, 200, 5, 0, 0})
	f.Add([]byte{1, 0, 3, 0, 1, 50, 0, 7, 50, 5, 0, 0, 1, 0, 255, 2, 0, 0, 6, 0, 0, 5, 0, 0})
	f.Add([]byte{1, 1, 0, 0, 3, 90, 4, 1, 0, 5, 0, 0, 1, 1, 9, 2, 1, 0, 3, 2, 0, 5, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 3*500 {
			t.Skip("longer adds nothing")
		}
		before := bufpool.Live()
		m := newQueueModel(t)
		for ; len(ops) >= 3; ops = ops[3:] {
			m.step(ops[0], ops[1], ops[2])
		}
		m.finish()
		if n := bufpool.Live() - before; n != 0 {
			t.Fatalf("%d frames alive at the end", n)
		}
	})
}

type queueModel struct {
	t     *testing.T
	l     *loop.Loop
	conns [3]*modelConn
	seed  byte
}

type modelConn struct {
	c       *loop.Conn
	want    []byte // everything sent
	got     []byte // everything the sink took
	room    int    // what the sink takes before EAGAIN; negative: everything
	fail    bool
	closed  int
	drained int
}

func newQueueModel(t *testing.T) *queueModel {
	t.Helper()
	m := &queueModel{t: t}
	find := func(c *loop.Conn) *modelConn {
		mc, _ := c.Ctx.(*modelConn)
		return mc
	}
	m.l = driven(&hooks{
		closed: func(c *loop.Conn, _ error) { find(c).closed++ },
		drained: func(c *loop.Conn) {
			mc := find(c)
			mc.drained++
			if c.Queued() != 0 || c.Blocked() || !bytes.Equal(mc.got, mc.want) {
				t.Fatalf("drained with %d queued, blocked %v", c.Queued(), c.Blocked())
			}
		},
	})
	for i := range m.conns {
		mc := &modelConn{room: -1}
		mc.c = m.l.NewFake(mc.sink)
		mc.c.Ctx = mc
		m.conns[i] = mc
	}
	return m
}

var errSink = errors.New("sink is broken")

func (mc *modelConn) sink(b []byte) (int, error) {
	if mc.fail {
		return 0, errSink
	}
	n := len(b)
	if mc.room >= 0 {
		n = min(n, mc.room)
		mc.room -= n
	}
	mc.got = append(mc.got, b[:n]...)
	if n == 0 && len(b) > 0 {
		return 0, syscall.EAGAIN
	}
	return n, nil
}

func (m *queueModel) step(op, who, arg byte) {
	mc := m.conns[who%3]
	switch op % 8 {
	case 0: // send one frame to a set of connections
		m.seed++
		n := int(arg)
		if arg > 250 {
			n = int(arg) * 300
		}
		b := frame(n, m.seed)
		for i, mc := range m.conns {
			if who&(1<<i) != 0 && !mc.c.Closing() {
				mc.want = append(mc.want, b.B...)
				mc.c.Send(b)
			}
		}
		m.l.Defer(b)
	case 1: // limit the sink
		mc.room = int(arg)
	case 2:
		if mc.room = int(arg) * 64; arg == 255 {
			mc.room = -1
		}
		mc.c.FakeWritable()
	case 3:
		mc.c.Flush()
	case 4:
		mc.c.FakeWritable()
	case 5:
		m.l.Drive()
	case 6:
		if arg > 200 {
			mc.c.Close(nil)
		}
	case 7:
		mc.fail = arg > 230
	}
	m.check()
}

func (m *queueModel) check() {
	for i, mc := range m.conns {
		if !bytes.HasPrefix(mc.want, mc.got) {
			m.t.Fatalf("connection %d: what was written is not what was sent", i)
		}
		if !mc.c.Closing() && mc.c.Queued() != len(mc.want)-len(mc.got) {
			m.t.Fatalf("connection %d: Queued = %d, want %d", i, mc.c.Queued(), len(mc.want)-len(mc.got))
		}
		if mc.c.Blocked() != (mc.c.StalledSince() != 0) {
			m.t.Fatalf("connection %d: blocked %v, stalled since %d", i, mc.c.Blocked(), mc.c.StalledSince())
		}
	}
}

func (m *queueModel) finish() {
	for _, mc := range m.conns {
		mc.room = -1
	}
	m.l.Drive()
	for _, mc := range m.conns {
		mc.c.FakeWritable()
	}
	for m.l.Pending() {
		m.l.Drive()
	}
	m.check()
	for i, mc := range m.conns {
		if mc.c.Closing() {
			if mc.closed != 1 {
				m.t.Fatalf("connection %d: Closed was called %d times", i, mc.closed)
			}
			continue
		}
		if !bytes.Equal(mc.want, mc.got) || mc.c.Blocked() {
			m.t.Fatalf("connection %d: %d of %d bytes at the end", i, len(mc.got), len(mc.want))
		}
		mc.c.Close(nil)
	}
	m.l.Drive()
	if n := m.l.Reactor().Conns(); n != 0 {
		m.t.Fatalf("%d connections at the end", n)
	}
}

// TestWriteQueueAtRandom runs the model for longer than the fuzzer's seeds.
func TestWriteQueueAtRandom(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		m := newQueueModel(t)
		for range 400 {
			op, who, arg := byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32())
			if op%8 >= 6 && rnd.IntN(20) != 0 {
				op = 5
			}
			m.step(op, who, arg)
		}
		m.finish()
	}
}

// TestQueueLimit shows that the length of a queue, which has 32 bits, cannot
// overflow.
func TestQueueLimit(t *testing.T) {
	var closed error
	l := driven(&hooks{closed: func(_ *loop.Conn, err error) { closed = err }})
	c := l.NewFake(func([]byte) (int, error) { return 0, syscall.EAGAIN })
	b := bufpool.Static(make([]byte, 1<<20))
	for range 2047 {
		c.Send(b)
	}
	c.Flush()
	if c.Closing() || c.Queued() != 2047<<20 {
		t.Fatalf("closing %v with %d bytes", c.Closing(), c.Queued())
	}
	c.Send(b)
	if !c.Closing() {
		t.Error("2 GiB were queued")
	}
	l.Drive()
	if !errors.Is(closed, loop.ErrQueueFull) {
		t.Errorf("closed with %v", closed)
	}
}
