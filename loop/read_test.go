//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// sink collects what one connection sends.
type sink struct {
	data   chan []byte
	closed chan error
}

func newSink() *sink {
	return &sink{data: make(chan []byte, 10_000), closed: make(chan error, 10)}
}

func (s *sink) hooks(*loop.Loop) *hooks {
	return &hooks{
		data:   func(_ *loop.Conn, b []byte) { s.data <- bytes.Clone(b) },
		closed: func(_ *loop.Conn, err error) { s.closed <- err },
	}
}

// rest waits for Closed and returns everything that was delivered before.
func (s *sink) rest(t *testing.T) ([]byte, error) {
	t.Helper()
	err := recv(t, s.closed)
	close(s.data)
	var all []byte
	for b := range s.data {
		all = append(all, b...)
	}
	return all, err
}

// TestReadStrandsNothing sends bytes in pieces of all sizes to loops with tiny
// and large buffers: edges come once, so a wrong short-read rule hangs here.
func TestReadStrandsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		buffer int
		piece  func(*rand.Rand) int
		total  int
	}{
		{"one byte at a time", 0, func(*rand.Rand) int { return 1 }, 2000},
		{"one byte into one", 1, func(*rand.Rand) int { return 1 }, 500},
		{"buffer of 16", 16, func(r *rand.Rand) int { return 1 + r.IntN(64) }, 20_000},
		{"exactly the buffer", 1024, func(*rand.Rand) int { return 1024 }, 64 << 10},
		{"up to 128 KiB", 0, func(r *rand.Rand) int { return 1 + r.IntN(128<<10) }, 4 << 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSink()
			r := start(t, &loop.Options{Loops: 1, ReadBuffer: tc.buffer}, s.hooks)
			nc := dial(t, listen(t, r))
			rnd := rand.New(rand.NewPCG(7, 7))
			var want []byte
			for len(want) < tc.total {
				p := make([]byte, tc.piece(rnd))
				for i := range p {
					p[i] = byte(rnd.Uint32())
				}
				want = append(want, p...)
				mustWrite(t, nc, p)
			}
			_ = nc.CloseWrite() // FIN right behind the data
			got, err := s.rest(t)
			if !bytes.Equal(got, want) || !errors.Is(err, io.EOF) {
				t.Errorf("%d of %d bytes, equal %v, err %v", len(got), len(want), bytes.Equal(got, want), err)
			}
		})
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	s := newSink()
	r := start(t, &loop.Options{Loops: 1}, s.hooks)
	nc := dial(t, listen(t, r))
	mustWrite(t, nc, []byte("last words"))
	recv(t, s.data)
	_ = nc.SetLinger(0)
	_ = nc.Close()
	if err := recv(t, s.closed); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Closed got %v", err)
	}
}

// pair is a connection in the hands of the test and its other end on a loop.
type pair struct {
	nc net.Conn
	c  *loop.Conn
	l  *loop.Loop
	s  *sink
}

func connect(t *testing.T, network string) *pair {
	t.Helper()
	s := newSink()
	opened := make(chan *loop.Conn, 1)
	r := start(t, &loop.Options{Loops: 1}, func(l *loop.Loop) *hooks {
		h := s.hooks(l)
		h.open = func(c *loop.Conn) { opened <- c }
		return h
	})
	addr := "127.0.0.1:0"
	if network == "unix" {
		addr = filepath.Join(t.TempDir(), "s")
	}
	a, err := r.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial(network, a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &pair{nc: nc, c: recv(t, opened), l: r.Loops()[0], s: s}
}

// pause pauses the connection and waits until bytes wait in the kernel.
func (p *pair) pause(t *testing.T, wait []byte) {
	t.Helper()
	on(t, p.l, p.c.PauseRead)
	if len(wait) > 0 {
		mustWrite(t, p.nc, wait)
	}
}

func TestPauseRead(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network+" resume", func(t *testing.T) {
			t.Parallel()
			p := connect(t, network)
			p.pause(t, []byte("waits"))
			for range 20 {
				on(t, p.l, func() {})
			}
			if len(p.s.data) != 0 {
				t.Fatal("data was delivered while paused")
			}
			on(t, p.l, p.c.ResumeRead)
			if got := recv(t, p.s.data); string(got) != "waits" {
				t.Errorf("after resume: %q", got)
			}
			mustWrite(t, p.nc, []byte("more"))
			if got := recv(t, p.s.data); string(got) != "more" {
				t.Errorf("later: %q", got)
			}
		})
		t.Run(network+" end is seen", func(t *testing.T) {
			t.Parallel()
			p := connect(t, network)
			p.pause(t, nil)
			_ = p.nc.Close()
			if err := recv(t, p.s.closed); !errors.Is(err, io.EOF) {
				t.Errorf("Closed got %v", err)
			}
		})
		t.Run(network+" end waits behind data", func(t *testing.T) {
			t.Parallel()
			p := connect(t, network)
			p.pause(t, []byte("first"))
			_ = p.nc.Close()
			for range 20 {
				on(t, p.l, func() {})
			}
			if len(p.s.closed) != 0 {
				t.Fatal("closed before the data was delivered")
			}
			on(t, p.l, p.c.ResumeRead)
			got, err := p.s.rest(t)
			if string(got) != "first" || !errors.Is(err, io.EOF) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	t.Run("reset is seen in front of data", func(t *testing.T) {
		t.Parallel()
		p := connect(t, "tcp")
		p.pause(t, []byte("lost"))
		_ = p.nc.(*net.TCPConn).SetLinger(0)
		_ = p.nc.Close()
		if err := recv(t, p.s.closed); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Closed got %v", err)
		}
	})
}

// TestPauseInsideData pauses after every delivery, with more waiting than the
// buffer holds.
func TestPauseInsideData(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1000)
	opened := make(chan *loop.Conn, 1)
	r := start(t, &loop.Options{Loops: 1, ReadBuffer: 10}, func(*loop.Loop) *hooks {
		return &hooks{
			open: func(c *loop.Conn) { opened <- c },
			data: func(c *loop.Conn, b []byte) { c.PauseRead(); got <- bytes.Clone(b) },
		}
	})
	nc := dial(t, listen(t, r))
	c := recv(t, opened)
	want := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	mustWrite(t, nc, want)
	var all []byte
	for len(all) < len(want) {
		all = append(all, recv(t, got)...)
		on(t, r.Loops()[0], func() {
			if len(got) > 0 {
				t.Error("data was delivered while paused")
			}
			c.ResumeRead()
		})
	}
	if !bytes.Equal(all, want) {
		t.Errorf("got %q", all)
	}
}

// TestFakeInput shows that fakes pause and end like sockets.
func TestFakeInput(t *testing.T) {
	t.Parallel()
	var events []string
	h := &hooks{
		data:   func(_ *loop.Conn, b []byte) { events = append(events, string(b)) },
		closed: func(_ *loop.Conn, err error) { events = append(events, err.Error()) },
	}
	l := driven(h)
	c := l.NewFake(nil)
	c.Inject([]byte("a"))
	c.PauseRead()
	c.Inject([]byte("b"))
	c.Inject([]byte("c"))
	l.Drive()
	c.InjectEOF(nil)
	l.Drive()
	if want := []string{"a"}; !equalStrings(events, want) {
		t.Fatalf("while paused: %q, want %q", events, want)
	}
	c.ResumeRead()
	for l.Pending() {
		l.Drive()
	}
	if want := []string{"a", "bc", "EOF"}; !equalStrings(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	broken := errors.New("broken")
	events = nil
	c = l.NewFake(nil)
	c.PauseRead()
	c.InjectEOF(broken)
	l.Drive()
	if want := []string{"broken"}; !equalStrings(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
}

func equalStrings(a, b []string) bool {
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
