//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// descriptors counts the open ones, or returns 0 where that cannot be seen.
func descriptors() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// TestStartStop runs reactors with everything in flight and stops them: what
// they took must all be given back.
func TestStartStop(t *testing.T) {
	echoOnceWarm(t)
	goroutines, fds, bufs := runtime.NumGoroutine(), descriptors(), bufpool.Live()
	for i := range 50 {
		busyReactor(t, i)
	}
	until(t, "goroutines, descriptors and buffers are back", func() bool {
		return runtime.NumGoroutine() <= goroutines && descriptors() <= fds && bufpool.Live() == bufs
	})
}

// echoOnceWarm makes the runtime open its own poller first.
func echoOnceWarm(t *testing.T) {
	t.Helper()
	r := start(t, &loop.Options{Loops: 1}, echo)
	echoOnce(t, "tcp", listen(t, r))
	shutdown(t, r)
}

func busyReactor(t *testing.T, i int) {
	t.Helper()
	var opened, closed, dropped, posted atomic.Int64
	var clients []net.Conn
	r, err := loop.New(&loop.Options{Loops: 1 + i%3, RingSize: 4, Logger: quiet, NewHandler: func(l *loop.Loop) loop.Handler {
		return &hooks{
			open: func(c *loop.Conn) {
				opened.Add(1)
				_ = unix.SetsockoptInt(c.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<10)
				b := bufpool.Get(1 << 20)
				b.B = b.B[:1<<20]
				c.Send(b) // nobody reads it
				l.Defer(b)
				c.SetDeadline(l.Now() + 60_000)
			},
			closed: func(_ *loop.Conn, err error) {
				closed.Add(1)
				if !errors.Is(err, loop.ErrShutdown) {
					t.Errorf("Closed got %v", err)
				}
			},
			message: func(m *loop.Message) { release(m) },
			dropped: func(m *loop.Message) { dropped.Add(1); release(m) },
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, r)
	if _, err := r.Listen("unix", filepath.Join(t.TempDir(), "s")); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		clients = append(clients, dial(t, addr))
	}
	defer func() {
		for _, nc := range clients {
			_ = nc.Close()
		}
	}()
	until(t, "connections", func() bool { return opened.Load() == 4 })
	stopped := make(chan struct{})
	go func() { // ends when the reactor refuses
		defer close(stopped)
		for n := 0; ; n++ {
			b := frame(10, 1)
			if r.Loops()[n%len(r.Loops())].Post(loop.Message{Kind: 1, Obj: b}) != nil {
				b.Release()
				return
			}
			posted.Add(1)
		}
	}()
	until(t, "messages flow", func() bool { return posted.Load() > 100 })
	shutdown(t, r)
	shutdown(t, r)
	recv(t, stopped)
	recv(t, r.Done())
	if closed.Load() != 4 || r.Conns() != 0 || r.Err() != nil {
		t.Errorf("closed %d of 4, Conns %d, Err %v", closed.Load(), r.Conns(), r.Err())
	}
	if c := r.Counters(); c.Dropped != dropped.Load() || c.Dropped+c.Messages < posted.Load() {
		t.Errorf("posted %d, counters %+v", posted.Load(), c)
	}
}

func release(m *loop.Message) {
	if b, ok := m.Obj.(*bufpool.Buf); ok {
		b.Release()
	}
}

// TestShutdownBeforeStart gives messages back too.
func TestShutdownBeforeStart(t *testing.T) {
	t.Parallel()
	dropped := 0
	r, err := loop.New(&loop.Options{Loops: 1, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler {
		return &hooks{dropped: func(*loop.Message) { dropped++ }}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Loops()[0].Post(loop.Message{Kind: 1}); err != nil {
		t.Fatal(err)
	}
	shutdown(t, r)
	if dropped != 1 {
		t.Errorf("dropped %d messages, want 1", dropped)
	}
}

// TestShutdownTimeout shows that a handler that hangs delays only the end.
func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2}, func(*loop.Loop) *hooks { return &hooks{} })
	if _, err := r.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	busy, hang := make(chan struct{}), make(chan struct{})
	if err := r.Loops()[1].Post(loop.Message{Kind: kindRun, Obj: func() { close(busy); <-hang }}); err != nil {
		t.Fatal(err)
	}
	recv(t, busy)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v", err)
	}
	close(hang)
	shutdown(t, r)
}

// TestShutdownOfDriven closes fakes on the caller's goroutine.
func TestShutdownOfDriven(t *testing.T) {
	before := bufpool.Live()
	var closed []error
	h := &hooks{closed: func(_ *loop.Conn, err error) { closed = append(closed, err) }}
	l := driven(h)
	for range 3 {
		reply(l.NewFake(func([]byte) (int, error) { return 0, syscall.EAGAIN }), []byte("stuck"))
	}
	l.Drive()
	l.NewFake(nil)
	shutdown(t, l.Reactor())
	if len(closed) != 4 || !errors.Is(closed[0], loop.ErrShutdown) || bufpool.Live() != before {
		t.Errorf("closed %v, %d frames alive", closed, bufpool.Live()-before)
	}
	if err := l.Post(loop.Message{Kind: 1}); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Post = %v", err)
	}
}

// TestMoveToStoppedLoop drops the connection but not the note.
func TestMoveToStoppedLoop(t *testing.T) {
	t.Parallel()
	dropped := make(chan loop.Message, 1)
	r := start(t, &loop.Options{Loops: 2}, func(*loop.Loop) *hooks {
		return &hooks{
			message: func(*loop.Message) { runtime.Goexit() },
			dropped: func(m *loop.Message) {
				if m.Kind != kindRun { // until below posts these
					dropped <- *m
				}
			},
		}
	})
	here, gone := r.Loops()[0], r.Loops()[1]
	if err := gone.Post(loop.Message{Kind: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, "the other loop has ended", func() bool {
		return errors.Is(gone.TryPost(loop.Message{Kind: kindRun}), loop.ErrClosed)
	})
	on(t, here, func() {
		c := here.NewFake(nil)
		reply(c, []byte("queued"))
		c.MoveTo(gone, nil, "note")
	})
	if m := recv(t, dropped); m.Kind != loop.KindMoved || m.Obj != "note" || r.Conns() != 0 {
		t.Errorf("dropped %+v, %d connections", m, r.Conns())
	}
}

// TestLoopEndsUnexpectedly ends the goroutine of one loop.
func TestLoopEndsUnexpectedly(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	opened := make(chan struct{}, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			open:    func(*loop.Conn) { opened <- struct{}{} },
			closed:  func(_ *loop.Conn, err error) { closed <- err },
			message: func(*loop.Message) { runtime.Goexit() },
		}
	})
	dial(t, listen(t, r))
	recv(t, opened)
	if r.Err() != nil {
		t.Errorf("Err = %v", r.Err())
	}
	if err := r.Loops()[0].Post(loop.Message{Kind: 1}); err != nil {
		t.Fatal(err)
	}
	recv(t, r.Done())
	if r.Err() == nil {
		t.Error("Err is nil")
	}
	if err := recv(t, closed); !errors.Is(err, loop.ErrFailed) {
		t.Errorf("Closed got %v", err)
	}
	if _, err := r.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Listen = %v", err)
	}
}

// TestDropsOfEveryKind sends a loop that is ending everything it can be sent:
// nothing may be lost silently, and nobody may wait for ever. With the small
// ring some of it waits outside.
func TestDropsOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2, 64} {
		t.Run(fmt.Sprintf("ring of %d", size), func(t *testing.T) {
			t.Parallel()
			dropEveryKind(t, size)
		})
	}
}

func dropEveryKind(t *testing.T, size int) {
	t.Helper()
	closing, hang := make(chan struct{}), make(chan struct{})
	dropped := make(chan loop.Message, 10)
	opened := make(chan *loop.Conn, 10)
	r := start(t, &loop.Options{Loops: 2, RingSize: size}, func(l *loop.Loop) *hooks {
		return &hooks{
			moved:   func(c *loop.Conn, _ []byte, _ any) { opened <- c },
			message: func(*loop.Message) { runtime.Goexit() },
			dropped: func(m *loop.Message) { dropped <- *m },
			closed: func(*loop.Conn, error) {
				if l.ID() == 1 {
					close(closing)
					<-hang
				}
			},
		}
	})
	path := filepath.Join(t.TempDir(), "s")
	if _, err := r.Listen("unix", path); err != nil {
		t.Fatal(err)
	}
	one, _ := tcpPair(t)
	if err := r.Adopt(1, one, nil, nil); err != nil {
		t.Fatal(err)
	}
	recv(t, opened)
	two, peer := tcpPair(t)
	if err := r.Adopt(0, two, nil, nil); err != nil {
		t.Fatal(err)
	}
	mover := recv(t, opened)
	if err := r.Loops()[1].Post(loop.Message{Kind: 1}); err != nil { // the end of loop 1
		t.Fatal(err)
	}
	recv(t, closing)

	if err := r.Loops()[1].Post(loop.Message{Kind: 7}); err != nil {
		t.Fatal(err)
	}
	on(t, r.Loops()[0], func() { mover.MoveTo(r.Loops()[1], nil, "note") })
	listened := make(chan error, 1)
	go func() { // ends when loop 1 has dropped the request
		_, err := r.Listen("tcp", "127.0.0.1:0")
		listened <- err
	}()
	var dealt []net.Conn
	for range 2 { // one of them is dealt to loop 1
		nc, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = nc.Close() }() //nolint:gocritic // two of them.
		_ = nc.SetDeadline(time.Now().Add(patience))
		dealt = append(dealt, nc)
	}
	until(t, "both are accepted", func() bool { return r.Counters().Accepted == 2 })
	until(t, "the request to listen is posted", func() bool { return r.Loops()[1].Posted()+int(r.Counters().RingFull) >= 4 })
	close(hang)

	if err := recv(t, listened); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Listen = %v", err)
	}
	kinds := map[uint16]any{}
	for range 2 {
		m := recv(t, dropped)
		kinds[m.Kind] = m.Obj
	}
	if _, ok := kinds[7]; !ok || kinds[loop.KindMoved] != "note" {
		t.Errorf("dropped %v", kinds)
	}
	if _, err := peer.Read(make([]byte, 1)); err == nil {
		t.Error("the moved connection lives")
	}
	for nc := range slices.Values(dealt) {
		go func() { _, _ = nc.Read(make([]byte, 1)); opened <- nil }() // ends when its loop does
	}
	recv(t, opened) // the one of loop 1
	shutdown(t, r)
	recv(t, opened)
	if r.Conns() != 0 {
		t.Errorf("Conns = %d", r.Conns())
	}
}

// TestOverflowTowardsTheDead leaves a message with a loop that then sleeps,
// because the ring of its destination is full; the destination ends.
func TestOverflowTowardsTheDead(t *testing.T) {
	t.Parallel()
	busy, hang := make(chan struct{}), make(chan struct{})
	dropped := make(chan loop.Message, 10)
	var flushed atomic.Int64
	r := start(t, &loop.Options{Loops: 2, RingSize: 2}, func(l *loop.Loop) *hooks {
		return &hooks{
			before: func() {
				if l.ID() == 0 {
					flushed.Add(1)
				}
			},
			message: func(m *loop.Message) {
				if m.Kind == 1 {
					close(busy)
					<-hang
					runtime.Goexit()
				}
			},
			dropped: func(m *loop.Message) { dropped <- *m },
		}
	})
	here, dying := r.Loops()[0], r.Loops()[1]
	if err := dying.Post(loop.Message{Kind: 1}); err != nil {
		t.Fatal(err)
	}
	recv(t, busy)
	on(t, here, func() {
		for arg := range uint32(5) {
			if err := dying.Post(loop.Message{Kind: 2, Arg: arg}); err != nil {
				t.Errorf("Post: %v", err)
			}
		}
	})
	var seen int64
	for range 2 {
		on(t, here, func() { seen = flushed.Load() })
	}
	until(t, "the sender has tried again and sleeps", func() bool { return flushed.Load() > seen })
	close(hang)
	for range 5 {
		if m := recv(t, dropped); m.Kind != 2 {
			t.Errorf("dropped %+v", m)
		}
	}
}

// TestListenRollsBack fails to install the second loop's listener.
func TestListenRollsBack(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("one listener, and no 127.0.0.2")
	}
	r := start(t, &loop.Options{Loops: 2}, echo)
	second := r.Loops()[1]
	_, port, err := net.SplitHostPort(listen(t, r))
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.2", port)
	on(t, second, func() {
		second.SetFaults(&loop.Faults{OnWatch: func(int) error { return syscall.ENOSPC }})
	})
	if _, err := r.Listen("tcp", addr); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Listen = %v", err)
	}
	on(t, second, func() { second.SetFaults(nil) })
	if _, err := r.Listen("tcp", addr); err != nil {
		t.Fatalf("the address is not free: %v", err)
	}
	echoOnce(t, "tcp", addr)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if _, err := loop.New(nil); err == nil {
		t.Error("a nil NewHandler was taken")
	}
	var oe *loop.OptionError
	if _, err := loop.New(&loop.Options{}); !errors.As(err, &oe) || oe.Field != "NewHandler" {
		t.Errorf("err = %v", err)
	}
	h := func(*loop.Loop) loop.Handler { return &hooks{} }
	r, err := loop.New(&loop.Options{NewHandler: h})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Loops()) != runtime.GOMAXPROCS(0) || r.MaxConns() <= 0 {
		t.Errorf("%d loops, MaxConns %d", len(r.Loops()), r.MaxConns())
	}
	if limited, err := loop.New(&loop.Options{NewHandler: h, MaxConns: 1 << 40}); err != nil || limited.MaxConns() != r.MaxConns() {
		t.Errorf("MaxConns is not clamped: %v, %v", limited.MaxConns(), err)
	}
	if loop.ConnSize > 64 || loop.TimerSize > 8 || loop.MessageSize > 56 {
		t.Errorf("a Conn takes %d bytes, a Timer %d, a Message %d", loop.ConnSize, loop.TimerSize, loop.MessageSize)
	}
	shutdown(t, r)
}
