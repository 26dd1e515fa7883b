//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// TestMovePingPong moves a connection to the other loop after every read,
// while the client streams: what is echoed must be the stream.
func TestMovePingPong(t *testing.T) {
	t.Parallel()
	type note struct{ hops int }
	closed := make(chan int, 1)
	serve := func(c *loop.Conn, b []byte) {
		n, _ := c.Ctx.(*note)
		reply(c, b[:len(b)/2])
		n.hops++
		other := c.Loop().Reactor().Loops()[1-c.Loop().ID()]
		c.MoveTo(other, b[len(b)/2:], n)
		reply(c, []byte("goes nowhere"))
		c.Close(nil)
	}
	r := start(t, &loop.Options{Loops: 2, ReadBuffer: 1000}, func(l *loop.Loop) *hooks {
		return &hooks{
			open: func(c *loop.Conn) { c.Ctx = &note{} },
			data: serve,
			moved: func(c *loop.Conn, unread []byte, v any) {
				if c.Loop() != l || c.Ctx != v {
					t.Errorf("moved to loop %d with %v, want %d with %v", c.Loop().ID(), v, l.ID(), c.Ctx)
				}
				reply(c, unread)
			},
			closed: func(c *loop.Conn, err error) {
				n, _ := c.Ctx.(*note)
				if !errors.Is(err, io.EOF) {
					t.Errorf("Closed got %v", err)
				}
				closed <- n.hops
			},
		}
	})
	nc := dial(t, listen(t, r))
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i >> 8 * i)
	}
	go func() { _, _ = nc.Write(want) }()
	if got := mustRead(t, nc, len(want)); !bytes.Equal(got, want) {
		t.Error("the echoed stream differs")
	}
	_ = nc.Close()
	if hops := recv(t, closed); hops < len(want)/1000 {
		t.Errorf("only %d moves", hops)
	}
	until(t, "the counters balance", func() bool {
		c := r.Counters()
		return c.Closed == 1 && c.Arrived == c.Departed && r.Conns() == 0
	})
}

// TestMoveTakesQueueAlong moves a blocked connection.
func TestMoveTakesQueueAlong(t *testing.T) {
	t.Parallel()
	const size = 6 << 20
	r := start(t, &loop.Options{Loops: 2}, func(l *loop.Loop) *hooks {
		return &hooks{
			data: func(c *loop.Conn, _ []byte) {
				for i := range size / (1 << 16) {
					b := frame(1<<16, byte(i))
					c.Send(b)
					l.Defer(b)
				}
				c.Flush()
				if !c.Blocked() {
					t.Error("not blocked")
				}
				c.MoveTo(l.Reactor().Loops()[1-l.ID()], nil, nil)
			},
			moved: func(c *loop.Conn, _ []byte, _ any) {
				if c.Queued() == 0 || !c.Blocked() {
					t.Errorf("arrived with %d queued, blocked %v", c.Queued(), c.Blocked())
				}
				reply(c, []byte("end"))
			},
		}
	})
	nc := dial(t, listen(t, r))
	mustWrite(t, nc, []byte("go"))
	var want []byte
	for i := range size / (1 << 16) {
		b := frame(1<<16, byte(i))
		want = append(want, b.B...)
		b.Release()
	}
	want = append(want, "end"...)
	if got := mustRead(t, nc, len(want)); !bytes.Equal(got, want) {
		t.Error("bytes differ")
	}
}

// TestMoveFakes moves fakes between driven loops.
func TestMoveFakes(t *testing.T) {
	before := bufpool.Live()
	var got []byte
	var arrived *loop.Conn
	var events []string
	l := loop.NewDriven(&loop.Options{Loops: 2, Logger: quiet, NewHandler: func(l *loop.Loop) loop.Handler {
		return &hooks{
			data: func(_ *loop.Conn, b []byte) { events = append(events, fmt.Sprintf("%d:%s", l.ID(), b)) },
			moved: func(c *loop.Conn, unread []byte, v any) {
				arrived = c
				events = append(events, fmt.Sprintf("%d:moved %s %v %v", l.ID(), unread, v, c.Ctx))
			},
			closed: func(*loop.Conn, error) { events = append(events, fmt.Sprintf("%d:closed", l.ID())) },
		}
	}})
	other := l.Reactor().Loops()[1]
	room := 2
	c := l.NewFake(func(b []byte) (int, error) {
		n := min(len(b), room)
		got = append(got, b[:n]...)
		room -= n
		if n == 0 {
			return 0, syscall.EAGAIN
		}
		return n, nil
	})
	c.Ctx = "ctx"
	reply(c, []byte("abcd"))
	l.Drive()
	reply(c, []byte("ef"))
	c.PauseRead()
	c.Inject([]byte("waits"))
	c.MoveTo(other, []byte("rest"), "note")
	if !c.Closing() || c.Queued() != 0 || l.Reactor().Conns() != 1 {
		t.Errorf("after MoveTo: closing %v, queued %d, conns %d", c.Closing(), c.Queued(), l.Reactor().Conns())
	}
	l.Drive()
	other.Drive()
	room = 100
	arrived.FakeWritable()
	arrived.ResumeRead()
	other.Drive()
	arrived.InjectEOF(nil)
	other.Drive()
	if want := []string{"1:moved rest note ctx", "1:waits", "1:closed"}; !equalStrings(events, want) || string(got) != "abcdef" {
		t.Errorf("events %q, want %q; got %q", events, want, got)
	}
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive", n)
	}
}

// TestAdoptFromHTTP takes a connection over from net/http together with the
// bytes that its reader had already taken, and gives it back.
func TestAdoptFromHTTP(t *testing.T) {
	t.Parallel()
	returned := make(chan net.Conn, 1)
	r := start(t, &loop.Options{Loops: 2}, func(l *loop.Loop) *hooks {
		return &hooks{
			moved: func(c *loop.Conn, unread []byte, v any) {
				if v != "note" || l.ID() != 1 || !c.RemoteAddr().IsValid() {
					t.Errorf("moved: note %v, loop %d", v, l.ID())
				}
				reply(c, append([]byte("unread: "), unread...))
			},
			data: func(c *loop.Conn, b []byte) {
				if string(b) != "detach" {
					reply(c, b)
					return
				}
				fd, err := c.Detach()
				if err != nil {
					t.Errorf("Detach: %v", err)
					return
				}
				f := os.NewFile(uintptr(fd), "detached")
				nc, err := net.FileConn(f)
				_ = f.Close()
				if err != nil {
					t.Errorf("FileConn: %v", err)
				}
				returned <- nc
			},
			closed: func(_ *loop.Conn, err error) { t.Errorf("Closed was called: %v", err) },
		}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nc, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("Hijack: %v", err)
			return
		}
		unread, _ := rw.Reader.Peek(rw.Reader.Buffered())
		if err := r.Adopt(1, nc, unread, "note"); err != nil {
			t.Errorf("Adopt: %v", err)
		}
	})}
	go func() { _ = srv.Serve(ln) }() // ends with Close
	defer func() { _ = srv.Close() }()

	nc := dial(t, ln.Addr().String())
	mustWrite(t, nc, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\nearly"))
	if got := mustRead(t, nc, 13); string(got) != "unread: early" {
		t.Fatalf("first answer %q", got)
	}
	mustWrite(t, nc, []byte("echo"))
	if got := mustRead(t, nc, 4); string(got) != "echo" {
		t.Fatalf("echo %q", got)
	}
	mustWrite(t, nc, []byte("detach"))
	back := recv(t, returned)
	defer func() { _ = back.Close() }()
	until(t, "the loop has let go", func() bool { return r.Conns() == 0 })
	mustWrite(t, nc, []byte("line\n"))
	line, err := bufio.NewReader(back).ReadString('\n')
	if line != "line\n" || err != nil {
		t.Errorf("after Detach: %q, %v", line, err)
	}
}

func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	r, err := loop.New(&loop.Options{Loops: 1, MaxConns: 1, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler { return &hooks{data: reply} }})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	if err := r.Adopt(0, a, nil, nil); !errors.Is(err, loop.ErrNoDescriptor) {
		t.Errorf("a pipe: %v", err)
	}
	ours, theirs := tcpPair(t)
	if err := r.Adopt(1, ours, nil, nil); err == nil {
		t.Error("a loop that does not exist took a connection")
	}
	if !r.Hold() {
		t.Fatal("Hold failed")
	}
	if err := r.Adopt(0, ours, nil, nil); !errors.Is(err, loop.ErrTooManyConns) {
		t.Errorf("over the cap: %v", err)
	}
	mustWrite(t, ours, []byte("still mine"))
	mustRead(t, theirs, 10)
	r.Unhold()
	if err := r.Adopt(0, ours, nil, nil); err != nil {
		t.Errorf("Adopt: %v", err)
	}
	mustWrite(t, theirs, []byte("echo"))
	mustRead(t, theirs, 4)
	shutdown(t, r)
	ours, theirs = tcpPair(t)
	if err := r.Adopt(0, ours, nil, nil); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("after Shutdown: %v", err)
	}
	if _, err := theirs.Read(make([]byte, 1)); err == nil {
		t.Error("the connection was not closed")
	}
	if r.Conns() != 0 {
		t.Errorf("Conns = %d", r.Conns())
	}
}

func tcpPair(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	client = dial(t, ln.Addr().String())
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc.(*net.TCPConn), client
}

func TestDetachRefuses(t *testing.T) {
	t.Parallel()
	l := driven(&hooks{})
	c := l.NewFake(nil)
	if _, err := c.Detach(); !errors.Is(err, loop.ErrNoDescriptor) {
		t.Errorf("a fake: %v", err)
	}
	p := connect(t, "tcp")
	on(t, p.l, func() {
		b := frame(8<<20, 1)
		p.c.Send(b)
		p.l.Defer(b)
		if _, err := p.c.Detach(); !errors.Is(err, loop.ErrPending) {
			t.Errorf("with bytes queued: %v", err)
		}
		p.c.CloseAfterFlush(nil)
		if _, err := p.c.Detach(); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("finishing: %v", err)
		}
		p.c.Close(nil)
		if _, err := p.c.Detach(); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("closing: %v", err)
		}
	})
	if err := recv(t, p.s.closed); err != nil {
		t.Errorf("Closed got %v", err)
	}
}
