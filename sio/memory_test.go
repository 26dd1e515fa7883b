//go:build !race && (linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package sio_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// A weight is what idle clients cost, each.
type weight struct {
	bytes, objects float64 // that stay
	garbage        float64 // objects that were made on the way and do not stay
}

// weigh measures what connect leaves behind for each of n clients.
func weigh(tb testing.TB, n int, connect func()) weight {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held is gone with the second
	runtime.ReadMemStats(&before)
	connect()
	runtime.ReadMemStats(&after)
	mallocs := after.Mallocs - before.Mallocs
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := func(a, b uint64) float64 { return float64(int64(a-b)) / float64(n) }
	w := weight{bytes: per(after.HeapAlloc, before.HeapAlloc), objects: per(after.HeapObjects, before.HeapObjects)}
	w.garbage = float64(mallocs)/float64(n) - w.objects
	return w
}

// TestIdleClientsAreSmall weighs clients without descriptors in one namespace,
// tables included: an object for the connection and one for session, client and
// socket together.
func TestIdleClientsAreSmall(t *testing.T) {
	const n = 20_000
	for _, tc := range []struct {
		name    string
		drop    bool
		bytes   float64
		objects float64
	}{
		{"with DropHandshake", true, 360, 2},
		{"with the request head", false, 360 + float64(len(upgradeRequest)) + 31, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, loops, err := sio.NewDriven(&sio.Options{
				Loops: 1, DropHandshake: tc.drop, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			frame, input := masked("40"), make([]byte, len(upgradeRequest))
			open := func() {
				c := srv.OpenFake(0, nil)
				c.Inject(input[:copy(input, upgradeRequest)])
				c.Inject(input[:copy(input, frame)])
			}
			for range 2000 {
				open()
			}
			loops[0].Drive()
			w := weigh(t, n, func() {
				for i := range n {
					if open(); i%50 == 0 {
						loops[0].Drive()
					}
				}
				loops[0].Drive()
			})
			t.Logf("%.1f bytes and %.3f objects each, %.3f objects of garbage", w.bytes, w.objects, w.garbage)
			if st := srv.Stats(); st.Sockets != n+2000 {
				t.Fatalf("%d sockets connected, want %d", st.Sockets, n+2000)
			}
			if w.bytes > tc.bytes*1.05 {
				t.Errorf("%.1f bytes each, want at most %.0f", w.bytes, tc.bytes)
			}
			if w.objects > tc.objects+0.02 {
				t.Errorf("%.3f objects each, want %.0f", w.objects, tc.objects)
			}
			if w.garbage > 0.02 {
				t.Errorf("%.3f objects of garbage for each handshake, want none", w.garbage)
			}
			runtime.KeepAlive(srv)
		})
	}
}

// TestSocketsInRoomsAreSmall weighs sockets with two rooms each: one of all, and
// one of a hundred.
func TestSocketsInRoomsAreSmall(t *testing.T) {
	const n, limit = 50_000, 400
	srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, DropHandshake: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	frame, request := masked("40"), make([]byte, len(upgradeRequest))
	names := make([]string, n/100)
	for i := range names {
		names[i] = fmt.Sprint("room ", i)
	}
	w := weigh(t, n, func() {
		for i := range n {
			c := srv.OpenFake(0, nil)
			c.Inject(request[:copy(request, upgradeRequest)])
			c.Inject(request[:copy(request, frame)])
			if i%50 == 0 {
				loops[0].Drive()
			}
		}
		loops[0].Drive()
		for i, s := range srv.LocalSockets() {
			if err := s.Join("all", names[i/100]); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Logf("%.1f bytes and %.3f objects each", w.bytes, w.objects)
	if w.bytes > limit*1.05 || w.objects > 2.1 {
		t.Errorf("%.1f bytes and %.3f objects each, want at most %d and 2", w.bytes, w.objects, limit)
	}
	runtime.KeepAlive(srv)
}

// TestIdleConnectionsAreSmall is TestIdleClientsAreSmall over real sockets.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const warm, n = 300, 400
	srv, addr := newServer(t, &sio.Options{Loops: 1, DropHandshake: true}, nil)
	clients := newBareClients(t, addr)
	clients.open(warm)
	w := weigh(t, n, func() { clients.open(n) })
	t.Logf("%.1f bytes and %.3f objects each, %.2f objects of garbage", w.bytes, w.objects, w.garbage)
	if st := srv.Stats(); st.Sockets != warm+n {
		t.Fatalf("%d sockets connected, want %d", st.Sockets, warm+n)
	}
	// Among so few, a page of a table here or there is seen.
	if w.bytes > 420 || w.objects > 2.1 || w.garbage > 0.3 {
		t.Errorf("%.1f bytes and %.3f objects each and %.2f of garbage, want 2 objects and none",
			w.bytes, w.objects, w.garbage)
	}
}

// bareClients are descriptors and nothing in the heap.
type bareClients struct {
	t     *testing.T
	to    *syscall.SockaddrInet4
	fds   []int
	steps [2]bareStep
	input []byte
}

// A bareStep is something to send, and what its answer has in it.
type bareStep struct {
	out    []byte
	answer string
}

func newBareClients(t *testing.T, addr string) *bareClients {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "127.0.0.1" {
		t.Fatal(addr, err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c := &bareClients{
		t: t, to: &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}},
		fds: make([]int, 0, 1000), input: make([]byte, 4096),
		steps: [2]bareStep{{[]byte(upgradeRequest), "maxPayload"}, {masked("40"), `40{"sid":`}},
	}
	t.Cleanup(func() {
		for _, fd := range c.fds {
			_ = syscall.Close(fd)
		}
	})
	return c
}

// open connects n more clients, one after the other.
func (c *bareClients) open(n int) {
	for range n {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			c.t.Fatal(err)
		}
		c.fds = append(c.fds, fd)
		if err := syscall.Connect(fd, c.to); err != nil {
			c.t.Fatal(err)
		}
		for _, step := range c.steps {
			if _, err := syscall.Write(fd, step.out); err != nil {
				c.t.Fatal(err)
			}
			c.await(fd, step.answer)
		}
	}
}

func (c *bareClients) await(fd int, answer string) {
	for got := 0; !bytes.Contains(c.input[:got], []byte(answer)); {
		n, err := syscall.Read(fd, c.input[got:])
		if err != nil || n == 0 {
			c.t.Fatalf("%d bytes, %v after %q", n, err, c.input[:got])
		}
		got += n
	}
}
