//go:build (linux || darwin || dragonfly || freebsd || netbsd || openbsd) && !race

package loop_test

import (
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// The budgets of the hot paths are zero allocations.

func TestEchoDoesNotAllocate(t *testing.T) {
	l := driven(&hooks{data: reply})
	c := l.NewFake(nil)
	msg := []byte("forty-two")
	if n := testing.AllocsPerRun(2000, func() { c.Inject(msg) }); n != 0 {
		t.Errorf("allocs per echo = %v, want 0", n)
	}
	if l.Deferred() != 0 || l.Pending() {
		t.Errorf("deferred %d, pending %v: a plain echo needs no end of turn", l.Deferred(), l.Pending())
	}
}

func TestBroadcastDoesNotAllocate(t *testing.T) {
	const members = 1000
	l := driven(&hooks{})
	conns := make([]*loop.Conn, members)
	for i := range conns {
		conns[i] = l.NewFake(nil)
	}
	run := func() {
		for range 20 {
			b := bufpool.Get(66)
			b.B = b.B[:66]
			for _, c := range conns {
				c.Send(b)
			}
			l.Defer(b)
		}
		l.Drive()
	}
	if n := testing.AllocsPerRun(50, run); n != 0 {
		t.Errorf("allocs per broadcast of 20 frames to %d = %v, want 0", members, n)
	}
}

func TestSlowPathDoesNotAllocate(t *testing.T) {
	l := driven(&hooks{})
	room := 0
	c := l.NewFake(func(b []byte) (int, error) {
		n := min(room, len(b))
		if room -= n; n == 0 {
			return 0, syscall.EAGAIN
		}
		return n, nil
	})
	run := func() {
		room = 5
		for range 5 {
			b := bufpool.Get(10)
			b.B = b.B[:10]
			c.Send(b)
			l.Defer(b)
		}
		l.Drive()
		room = 100
		c.FakeWritable()
	}
	if n := testing.AllocsPerRun(500, run); n != 0 {
		t.Errorf("allocs per blocked queue = %v, want 0", n)
	}
}

func TestTimersDoNotAllocate(t *testing.T) {
	l := driven(&hooks{})
	timers := make([]loop.Timer, 100)
	now := int64(0)
	run := func() {
		now += 10
		l.SetNow(now)
		for i := range timers {
			l.SetTimer(&timers[i], now+25_000+int64(i))
		}
		l.SetTimer(&timers[0], now+5)
		l.SetTimer(&timers[1], 0)
		l.Drive()
	}
	for range 1000 {
		run() // past the first expiries
	}
	if n := testing.AllocsPerRun(500, run); n != 0 {
		t.Errorf("allocs = %v, want 0", n)
	}
}

func TestPostDoesNotAllocate(t *testing.T) {
	l := driven(&hooks{})
	obj := new(int)
	run := func() {
		for range 10 {
			if err := l.Post(loop.Message{Kind: 1, Obj: obj}); err != nil {
				t.Fatal(err)
			}
		}
		l.Drive()
	}
	if n := testing.AllocsPerRun(500, run); n != 0 {
		t.Errorf("allocs = %v, want 0", n)
	}
}

func TestDeadlinesOfConnsDoNotAllocate(t *testing.T) {
	l := driven(&hooks{})
	conns := make([]*loop.Conn, 100)
	for i := range conns {
		conns[i] = l.NewFake(nil)
	}
	run := func() {
		for _, c := range conns {
			c.SetDeadline(l.Now() + 10_000)
		}
		for _, c := range conns {
			c.SetDeadline(0)
		}
	}
	if n := testing.AllocsPerRun(500, run); n != 0 {
		t.Errorf("allocs = %v, want 0: what carries a deadline is used again", n)
	}
}

// TestSocketEchoDoesNotAllocate counts over a real socket, client included.
func TestSocketEchoDoesNotAllocate(t *testing.T) {
	r := start(t, &loop.Options{Loops: 1}, echo)
	nc := dial(t, listen(t, r))
	msg := make([]byte, 64)
	exchange(t, nc, msg, 100)
	const rounds = 5000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	exchange(t, nc, msg, rounds)
	runtime.ReadMemStats(&after)
	if n := float64(after.Mallocs-before.Mallocs) / rounds; n > 0.02 {
		t.Errorf("%.3f allocations per message", n)
	} else {
		t.Logf("%.4f allocations per message", n)
	}
}

func exchange(t *testing.T, nc net.Conn, msg []byte, rounds int) {
	t.Helper()
	for range rounds {
		if _, err := nc.Write(msg); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, msg); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIdleConnIsSmall weighs fakes that have done some work.
func TestIdleConnIsSmall(t *testing.T) {
	const n = 50_000
	l := driven(&hooks{data: reply})
	conns := make([]*loop.Conn, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range conns {
		conns[i] = l.NewFake(nil)
		conns[i].Inject([]byte("x"))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes := float64(after.HeapAlloc-before.HeapAlloc) / n
	objects := float64(after.HeapObjects-before.HeapObjects) / n
	t.Logf("%.1f bytes and %.3f objects per idle connection", bytes, objects)
	if bytes > 128 || objects > 1.01 {
		t.Errorf("%.1f bytes and %.3f objects per idle connection, want at most 128 and 1", bytes, objects)
	}
	runtime.KeepAlive(conns)
}
