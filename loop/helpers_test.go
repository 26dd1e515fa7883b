//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// hooks is a Handler made of optional functions.
type hooks struct {
	open     func(c *loop.Conn)
	moved    func(c *loop.Conn, unread []byte, note any)
	data     func(c *loop.Conn, b []byte)
	closed   func(c *loop.Conn, err error)
	drained  func(c *loop.Conn)
	deadline func(c *loop.Conn)
	timer    func(t *loop.Timer)
	message  func(m *loop.Message)
	dropped  func(m *loop.Message)
	before   func()
	panicked func(where *loop.Conn, v any)
}

func (h *hooks) Open(c *loop.Conn) {
	if h.open != nil {
		h.open(c)
	}
}

func (h *hooks) Moved(c *loop.Conn, unread []byte, note any) {
	if h.moved != nil {
		h.moved(c, unread, note)
	}
}

func (h *hooks) Data(c *loop.Conn, b []byte) {
	if h.data != nil {
		h.data(c, b)
	}
}

func (h *hooks) Closed(c *loop.Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

func (h *hooks) Drained(c *loop.Conn) {
	if h.drained != nil {
		h.drained(c)
	}
}

func (h *hooks) Deadline(c *loop.Conn) {
	if h.deadline != nil {
		h.deadline(c)
	}
}

func (h *hooks) Timer(t *loop.Timer) {
	if h.timer != nil {
		h.timer(t)
	}
}

func (h *hooks) Message(m *loop.Message) {
	switch {
	case m.Kind == kindRun:
		if f, ok := m.Obj.(func()); ok {
			f()
		}
	case h.message != nil:
		h.message(m)
	}
}

func (h *hooks) Dropped(m *loop.Message) {
	if h.dropped != nil {
		h.dropped(m)
	}
}

func (h *hooks) BeforeFlush() {
	if h.before != nil {
		h.before()
	}
}

func (h *hooks) Panicked(where *loop.Conn, v any, _ []byte) {
	if h.panicked != nil {
		h.panicked(where, v)
	}
}

// kindRun makes hooks run the function in Obj.
const kindRun = 0xFF

// quiet drops the log.
var quiet = slog.New(slog.DiscardHandler)

// start runs a reactor with one *hooks per loop, made by f, until the test
// ends.
func start(t *testing.T, o *loop.Options, f func(l *loop.Loop) *hooks) *loop.Reactor {
	t.Helper()
	if o == nil {
		o = &loop.Options{}
	}
	o.Logger = quiet
	o.NewHandler = func(l *loop.Loop) loop.Handler { return f(l) }
	r, err := loop.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if err := r.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { shutdown(t, r) })
	return r
}

// driven makes a driven loop with h as handler.
func driven(h *hooks) *loop.Loop {
	return loop.NewDriven(&loop.Options{
		RingSize: 64, ReadBuffer: 4096, Logger: quiet,
		NewHandler: func(*loop.Loop) loop.Handler { return h },
	})
}

func shutdown(t *testing.T, r *loop.Reactor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func listen(t *testing.T, r *loop.Reactor) string {
	t.Helper()
	addr, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	return addr.String()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return nc.(*net.TCPConn)
}

// on runs f on l and waits for it.
func on(t *testing.T, l *loop.Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Post(loop.Message{Kind: kindRun, Obj: func() { defer close(done); f() }}); err != nil {
		t.Fatalf("Post: %v", err)
	}
	recv(t, done)
}

// recv waits for a value or the end of ch.
func recv[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Fatalf("nothing happened for %v\n%s", patience, buf[:runtime.Stack(buf, true)])
	}
	panic("unreachable")
}

// until polls cond.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting: %s", what)
		}
		runtime.Gosched()
	}
}

// reply sends a copy of p on c.
func reply(c *loop.Conn, p []byte) {
	b := bufpool.Get(len(p))
	b.B = append(b.B, p...)
	c.Send(b)
	c.Loop().Defer(b)
}

// echo answers every byte with itself.
func echo(*loop.Loop) *hooks { return &hooks{data: reply} }

func mustRead(t *testing.T, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatalf("read %d bytes: %v", n, err)
	}
	return b
}

func mustWrite(t *testing.T, w io.Writer, p []byte) {
	t.Helper()
	if _, err := w.Write(p); err != nil {
		t.Fatalf("write: %v", err)
	}
}
