//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

func newPipe(t *testing.T, r *loop.Reactor, o *loop.PipeOptions, unread string, note any) *loop.Pipe {
	t.Helper()
	p, err := r.Pipe(0, o, []byte(unread), note)
	if err != nil {
		t.Fatalf("Pipe: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestPipeEchoes sends a stream through a pipe whose handler moves it to the
// other loop after every read: what is echoed must be the stream.
func TestPipeEchoes(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 2, ReadBuffer: 1000}, func(*loop.Loop) *hooks {
		return &hooks{
			moved: func(c *loop.Conn, unread []byte, _ any) { reply(c, unread) },
			data: func(c *loop.Conn, b []byte) {
				reply(c, b[:len(b)/2])
				c.MoveTo(c.Loop().Reactor().Loops()[1-c.Loop().ID()], b[len(b)/2:], nil)
			},
			closed: func(_ *loop.Conn, err error) { closed <- err },
		}
	})
	p := newPipe(t, r, nil, "", nil)
	if r.Pipes() != 1 || r.Conns() != 1 || r.Adopted() != 0 {
		t.Errorf("%d pipes, %d adopted of %d connections, want 1, 0, 1", r.Pipes(), r.Adopted(), r.Conns())
	}
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i >> 8 * i)
	}
	go func() { _, _ = p.ReadFrom(bytes.NewReader(want)) }()
	var got bytes.Buffer
	if _, err := p.WriteTo(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the echoed stream differs: %d bytes of %d", got.Len(), len(want))
	}
	if err := recv(t, closed); !errors.Is(err, io.EOF) {
		t.Errorf("Closed got %v, want EOF", err)
	}
	recv(t, p.Done())
	until(t, "the counters balance", func() bool {
		c := r.Counters()
		return c.Closed == 1 && c.Arrived == c.Departed && r.Conns() == 0 && r.Pipes() == 0
	})
}

// TestPipeTellsWhatItIsFor shows what a handler sees of the options.
func TestPipeTellsWhatItIsFor(t *testing.T) {
	t.Parallel()
	type seen struct {
		unread string
		note   any
		remote netip.AddrPort
		secure bool
		alpn   string
		fd     int
	}
	got := make(chan seen, 1)
	r := start(t, nil, func(*loop.Loop) *hooks {
		return &hooks{moved: func(c *loop.Conn, unread []byte, note any) {
			s := seen{unread: string(unread), note: note, remote: c.RemoteAddr(), secure: c.Secure(), fd: c.FD()}
			if state := c.TLS(); state != nil {
				s.alpn = state.NegotiatedProtocol
			}
			got <- s
		}}
	})
	addr := netip.MustParseAddrPort("192.0.2.1:7")
	newPipe(t, r, &loop.PipeOptions{Remote: addr, TLS: &tls.ConnectionState{NegotiatedProtocol: "h2"}}, "hello", 7)
	if got, want := recv(t, got), (seen{"hello", 7, addr, true, "h2", -1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	newPipe(t, r, nil, "", nil)
	if got, want := recv(t, got), (seen{fd: -1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestPipeIsBounded sends more than anybody reads: what does not fit blocks the
// connection, and comes when there is room.
func TestPipeIsBounded(t *testing.T) {
	t.Parallel()
	const size, many = 10_000, 50
	queued, drained := make(chan int, 1), make(chan struct{}, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			moved: func(c *loop.Conn, _ []byte, _ any) {
				for i := range many {
					reply(c, bytes.Repeat([]byte{byte(i)}, size))
				}
				c.Flush()
				if !c.Blocked() || c.StalledSince() == 0 {
					t.Error("the connection is not blocked")
				}
				queued <- c.Queued()
			},
			drained: func(c *loop.Conn) {
				if c.Blocked() || c.Queued() != 0 {
					t.Error("drained, but still blocked")
				}
				drained <- struct{}{}
			},
		}
	})
	p := newPipe(t, r, nil, "", nil)
	if got := size*many - recv(t, queued); got != 64<<10 {
		t.Errorf("the pipe took %d bytes, want 64 KiB", got)
	}
	for i := range many {
		if got := mustRead(t, p, size); !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, size)) {
			t.Fatalf("frame %d differs", i)
		}
	}
	recv(t, drained)
}

// TestPipePauses writes to a connection that is not read.
func TestPipePauses(t *testing.T) {
	t.Parallel()
	conns, got := make(chan *loop.Conn, 1), make(chan string, 8)
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			moved:  func(c *loop.Conn, _ []byte, _ any) { c.PauseRead(); conns <- c },
			data:   func(_ *loop.Conn, b []byte) { got <- string(b) },
			closed: func(_ *loop.Conn, err error) { closed <- err },
		}
	})
	p := newPipe(t, r, nil, "", nil)
	c, written := recv(t, conns), make(chan error, 1)
	go func() {
		_, err := p.Write([]byte("late"))
		written <- err
	}()
	on(t, r.Loops()[0], func() {}) // the news has come before, or will find it paused
	select {
	case err := <-written:
		t.Fatalf("Write returned %v, but nothing was read", err)
	case s := <-got:
		t.Fatalf("got %q while paused", s)
	default:
	}
	on(t, r.Loops()[0], c.ResumeRead)
	if s := recv(t, got); s != "late" {
		t.Errorf("got %q", s)
	}
	if err := recv(t, written); err != nil {
		t.Error(err)
	}
	on(t, r.Loops()[0], c.PauseRead)
	p.CloseWrite() // which is noticed all the same
	if err := recv(t, closed); !errors.Is(err, io.EOF) {
		t.Errorf("Closed got %v, want EOF", err)
	}
}

// TestPipeEnds shows what either side sees of the other's end.
func TestPipeEnds(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			data: func(c *loop.Conn, b []byte) {
				reply(c, b)
				if string(b) == "close" {
					c.CloseAfterFlush(nil)
				}
			},
			closed: func(_ *loop.Conn, err error) { closed <- err },
		}
	})

	p := newPipe(t, r, nil, "", nil)
	mustWrite(t, p, []byte("close"))
	if err := recv(t, closed); err != nil {
		t.Errorf("Closed got %v", err)
	}
	recv(t, p.Done())
	if b, err := io.ReadAll(p); err != nil || string(b) != "close" {
		t.Errorf("behind the end: %q, %v", b, err)
	}
	if _, err := p.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write to a closed connection: %v", err)
	}

	p = newPipe(t, r, nil, "", nil)
	mustWrite(t, p, []byte("nobody reads the echo"))
	waiting := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(p)
		waiting <- err
	}()
	_ = p.Close()
	if err := recv(t, closed); !errors.Is(err, io.EOF) {
		t.Errorf("Closed got %v, want EOF", err)
	}
	if err := recv(t, waiting); err != nil {
		t.Errorf("Read: %v", err)
	}
	if _, err := p.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write to a closed pipe: %v", err)
	}

	p = newPipe(t, r, nil, "", nil)
	mustWrite(t, p, []byte("there")) // else it might never arrive, and then nobody is told of its end
	shutdown(t, r)
	if err := recv(t, closed); !errors.Is(err, loop.ErrShutdown) {
		t.Errorf("Closed got %v, want ErrShutdown", err)
	}
	recv(t, p.Done())
	if _, err := p.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write after Shutdown: %v", err)
	}
	if _, err := r.Pipe(0, nil, nil, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Pipe after Shutdown: %v", err)
	}
}

// TestPipeCounts makes more pipes than there may be connections.
func TestPipeCounts(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1, MaxConns: 2}, echo)
	p := newPipe(t, r, nil, "", nil)
	newPipe(t, r, nil, "", nil)
	if _, err := r.Pipe(0, nil, nil, nil); !errors.Is(err, loop.ErrTooManyConns) {
		t.Errorf("a third pipe: %v", err)
	}
	if _, err := r.Pipe(7, nil, nil, nil); err == nil {
		t.Error("a pipe on a loop that does not exist")
	}
	_ = p.Close()
	until(t, "there is room", func() bool { return r.Conns() == 1 && r.Pipes() == 1 })
	newPipe(t, r, nil, "", nil)
}

// TestPipeManyWriters lets many pipes talk to two loops at once, each of which
// ends in one of the ways there are.
func TestPipeManyWriters(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2, RingSize: 64}, echo)
	done := make(chan error, 64)
	for i := range cap(done) {
		p, err := r.Pipe(i%2, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			b, msg := make([]byte, 64), bytes.Repeat([]byte{byte(i)}, 64)
			for range 200 {
				if _, err := p.Write(msg); err != nil {
					done <- err
					return
				}
				if _, err := io.ReadFull(p, b); err != nil {
					done <- err
					return
				}
				runtime.Gosched()
			}
			if i%3 == 0 {
				p.CloseWrite()
				<-p.Done()
			}
			done <- p.Close()
		}()
	}
	for range cap(done) {
		if err := recv(t, done); err != nil {
			t.Error(err)
		}
	}
	until(t, "all are closed", func() bool { return r.Conns() == 0 && r.Pipes() == 0 })
}

// TestPipeWriteSeesTheEnd ends the connection while a Write is about to wait for
// the loop, which has not taken anything.
func TestPipeWriteSeesTheEnd(t *testing.T) {
	t.Parallel()
	for range 200 {
		var conn *loop.Conn
		l := loop.NewDriven(&loop.Options{RingSize: 2, NewHandler: func(*loop.Loop) loop.Handler {
			return &hooks{moved: func(c *loop.Conn, _ []byte, _ any) {
				conn = c
				c.PauseRead()
			}}
		}})
		p, err := l.Reactor().Pipe(0, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Drive()
		for l.TryPost(loop.Message{}) == nil { // so that Write has to wait before it can
		}
		full := l.Reactor().Counters().RingFull
		wrote := make(chan error, 1)
		go func() {
			_, err := p.Write([]byte("nobody reads this"))
			wrote <- err
		}()
		until(t, "the write finds the ring full", func() bool { return l.Reactor().Counters().RingFull > full })
		conn.Close(nil)
		l.Drive()
		if err := recv(t, wrote); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("Write: %v, want ErrClosedPipe", err)
		}
		l.Drive()
	}
}
