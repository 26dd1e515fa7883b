//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"errors"
	"io"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// TestPanics makes every callback panic once: only the connection concerned
// closes, and an innocent one goes on.
func TestPanics(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		arm   func(h *hooks)
		run   func(l *loop.Loop, victim *loop.Conn)
		where bool // the victim is named and closed
	}{
		{"Data", func(h *hooks) { h.data = func(*loop.Conn, []byte) { panic("x") } }, func(_ *loop.Loop, c *loop.Conn) { c.Inject([]byte("x")) }, true},
		{"Deadline", func(h *hooks) { h.deadline = func(*loop.Conn) { panic("x") } }, func(_ *loop.Loop, c *loop.Conn) { c.SetDeadline(5) }, true},
		{"Drained", func(h *hooks) { h.drained = func(*loop.Conn) { panic("x") } }, func(l *loop.Loop, c *loop.Conn) {
			reply(c, []byte("blocks"))
			l.Drive()
			c.FakeWritable()
		}, true},
		{"Closed", func(h *hooks) { h.closed = func(*loop.Conn, error) { panic("x") } }, func(_ *loop.Loop, c *loop.Conn) { c.Close(io.EOF) }, true},
		{"Moved", func(h *hooks) { h.moved = func(*loop.Conn, []byte, any) { panic("x") } }, func(l *loop.Loop, c *loop.Conn) { c.MoveTo(l, nil, nil) }, true},
		{"Message", func(h *hooks) { h.message = func(*loop.Message) { panic("x") } }, func(l *loop.Loop, _ *loop.Conn) { _ = l.Post(loop.Message{Kind: 1}) }, false},
		{"Timer", func(h *hooks) { h.timer = func(*loop.Timer) { panic("x") } }, func(l *loop.Loop, _ *loop.Conn) { l.SetTimer(new(loop.Timer), 5) }, false},
		{"BeforeFlush", func(h *hooks) { h.before = func() { h.before = nil; panic("x") } }, func(l *loop.Loop, _ *loop.Conn) { l.RequestFlush() }, false},
		{"Panicked too", func(h *hooks) { h.data = func(*loop.Conn, []byte) { panic("twice") } }, func(_ *loop.Loop, c *loop.Conn) { c.Inject([]byte("x")) }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var seen []any
			var named *loop.Conn
			closed := 0
			h := &hooks{data: reply, closed: func(*loop.Conn, error) { closed++ }}
			h.panicked = func(where *loop.Conn, v any) {
				seen = append(seen, v)
				named = where
				if where != nil && !where.Closing() {
					t.Error("the connection is not closing yet")
				}
				if v == "twice" {
					panic("in Panicked")
				}
			}
			l := driven(h)
			block := true
			victim := l.NewFake(func(b []byte) (int, error) {
				if block {
					block = false
					return 1, nil
				}
				return len(b), nil
			})
			var echoed []byte
			other := l.NewFake(func(b []byte) (int, error) { echoed = append(echoed, b...); return len(b), nil })
			tc.arm(h)
			tc.run(l, victim)
			l.SetNow(10)
			for l.Pending() {
				l.Drive()
			}
			if len(seen) != 1 || (named != nil) != tc.where {
				t.Errorf("Panicked was told %v about %p", seen, named)
			}
			wantConns := 2
			if tc.where {
				wantConns = 1
			}
			if n := l.Reactor().Conns(); n != wantConns {
				t.Errorf("%d connections are left, want %d", n, wantConns)
			}
			h.data = reply
			other.Inject([]byte("fine"))
			if string(echoed) != "fine" || l.Reactor().Counters().Panics == 0 {
				t.Errorf("echoed %q, panics %d", echoed, l.Reactor().Counters().Panics)
			}
		})
	}
}

// TestPanicOnSocket panics in Open and Data of real connections.
func TestPanicOnSocket(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 10)
	first := true
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			open: func(*loop.Conn) {
				if first {
					first = false
					panic("open")
				}
			},
			data: func(c *loop.Conn, b []byte) {
				if string(b) == "panic" {
					panic("data")
				}
				reply(c, b)
			},
			closed: func(_ *loop.Conn, err error) { closed <- err },
		}
	})
	addr := listen(t, r)
	for i := range 2 {
		nc := dial(t, addr)
		_, _ = nc.Write([]byte("panic"))
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Errorf("connection %d lives", i)
		}
		if err := recv(t, closed); !errors.Is(err, loop.ErrPanicked) {
			t.Errorf("Closed got %v", err)
		}
	}
	echoOnce(t, "tcp", addr)
	if n := r.Counters().Panics; n != 2 {
		t.Errorf("%d panics counted", n)
	}
}
