//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// hasIPv6 reports whether the loopback address of IPv6 can be used.
func hasIPv6(t *testing.T) bool {
	t.Helper()
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	_ = ln.Close()
	return true
}

func echoOnce(t *testing.T, network, addr string) {
	t.Helper()
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Errorf("dial %s %s: %v", network, addr, err)
		return
	}
	defer func() { _ = nc.Close() }()
	mustWrite(t, nc, []byte("hello"))
	if got := mustRead(t, nc, 5); string(got) != "hello" {
		t.Errorf("%s %s: echo = %q", network, addr, got)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	v6 := hasIPv6(t)
	for _, tc := range []struct {
		network, addr string
		reach         []string // addresses that must answer, %d is the port
		refuse        []string
		needs6        bool
	}{
		{"tcp", "127.0.0.1:0", []string{"127.0.0.1:%d"}, nil, false},
		{"tcp", "localhost:0", []string{"localhost:%d"}, nil, false},
		{"tcp", "0.0.0.0:0", []string{"127.0.0.1:%d"}, []string{"[::1]:%d"}, false},
		{"tcp4", ":0", []string{"127.0.0.1:%d"}, []string{"[::1]:%d"}, false},
		{"tcp", ":0", []string{"127.0.0.1:%d"}, nil, false},
		{"tcp", ":0", []string{"127.0.0.1:%d", "[::1]:%d"}, nil, true},
		{"tcp", "[::]:0", []string{"127.0.0.1:%d", "[::1]:%d"}, nil, true},
		{"tcp6", ":0", []string{"[::1]:%d"}, []string{"127.0.0.1:%d"}, true},
		{"tcp", "[::1]:0", []string{"[::1]:%d"}, []string{"127.0.0.1:%d"}, true},
	} {
		t.Run(tc.network+" "+tc.addr, func(t *testing.T) {
			t.Parallel()
			if tc.needs6 && !v6 {
				t.Skip("no IPv6 here")
			}
			for _, loops := range []int{1, 3} {
				r := start(t, &loop.Options{Loops: loops}, echo)
				addr, err := r.Listen(tc.network, tc.addr)
				if err != nil {
					t.Fatalf("Listen: %v", err)
				}
				port := addr.(*net.TCPAddr).Port
				if port == 0 {
					t.Fatalf("address %v is not the real one", addr)
				}
				for _, a := range tc.reach {
					for range 4 {
						echoOnce(t, "tcp", fmt.Sprintf(a, port))
					}
				}
				for _, a := range tc.refuse {
					if nc, err := net.Dial("tcp", fmt.Sprintf(a, port)); err == nil {
						t.Errorf("%s answers", nc.RemoteAddr())
						_ = nc.Close()
					}
				}
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	r, err := loop.New(&loop.Options{Loops: 2, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler { return &hooks{} }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, loop.ErrNotStarted) {
		t.Errorf("before Start: %v", err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		network, addr string
		want          error
	}{
		{"tcp", addr.String(), syscall.EADDRINUSE},
		{"tcp", "127.0.0.1", nil},
		{"tcp", "127.0.0.1:99999", nil},
		{"udp", "127.0.0.1:0", net.UnknownNetworkError("udp")},
		{"tcp4", "[::1]:0", nil},
		{"unix", filepath.Join(t.TempDir(), "no", "such", "dir"), syscall.ENOENT},
	} {
		a, err := r.Listen(tc.network, tc.addr)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("Listen(%q, %q) = %v, %v, want error %v", tc.network, tc.addr, a, err, tc.want)
		}
	}
	shutdown(t, r)
	if _, err := r.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, loop.ErrClosed) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Shutdown: %v", err)
	}
	if err := r.Start(); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Start after Shutdown: %v", err)
	}
}

func TestListenUnix(t *testing.T) {
	t.Parallel()
	var hits [3]atomic.Int64
	r := start(t, &loop.Options{Loops: len(hits)}, func(l *loop.Loop) *hooks {
		return &hooks{data: reply, open: func(c *loop.Conn) {
			hits[l.ID()].Add(1)
			if a := c.RemoteAddr(); a != (netip.AddrPort{}) {
				t.Errorf("RemoteAddr of a Unix socket = %v", a)
			}
		}}
	})
	path := filepath.Join(t.TempDir(), "s")
	addr, err := r.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if addr.String() != path {
		t.Errorf("address = %v", addr)
	}
	if _, err := r.Listen("unix", path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen: %v", err)
	}
	for range 9 {
		echoOnce(t, "unix", path)
	}
	for i := range hits {
		if n := hits[i].Load(); n != 3 {
			t.Errorf("loop %d got %d of 9 connections", i, n)
		}
	}
	r.StopAccepting()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket's file is still there: %v", err)
	}
}

// TestLoopsShareAccepts shows that every loop accepts.
func TestLoopsShareAccepts(t *testing.T) {
	t.Parallel()
	var hits [2]atomic.Int64
	r := start(t, &loop.Options{Loops: len(hits)}, func(l *loop.Loop) *hooks {
		return &hooks{open: func(*loop.Conn) { hits[l.ID()].Add(1) }}
	})
	addr := listen(t, r)
	for range 100 {
		dial(t, addr)
	}
	until(t, "100 connections", func() bool { return hits[0].Load()+hits[1].Load() == 100 })
	if hits[0].Load() < 10 || hits[1].Load() < 10 {
		t.Errorf("connections per loop: %d and %d", hits[0].Load(), hits[1].Load())
	}
}

func TestStopAccepting(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2}, echo)
	addr := listen(t, r)
	nc := dial(t, addr)
	mustWrite(t, nc, []byte("a"))
	mustRead(t, nc, 1)
	r.StopAccepting()
	r.StopAccepting()
	if nc, err := net.Dial("tcp", addr); err == nil {
		_ = nc.Close()
		t.Error("still accepting")
	}
	mustWrite(t, nc, []byte("b"))
	if got := mustRead(t, nc, 1); string(got) != "b" {
		t.Errorf("an existing connection echoes %q", got)
	}
	// The address is free again.
	if _, err := r.Listen("tcp", addr); err != nil {
		t.Errorf("Listen on the same address: %v", err)
	}
	echoOnce(t, "tcp", addr)
}

func TestRemoteAddr(t *testing.T) {
	t.Parallel()
	got := make(chan netip.AddrPort, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{open: func(c *loop.Conn) { got <- c.RemoteAddr() }}
	})
	addr, err := r.Listen("tcp", ":0") // IPv4 peers must not look like IPv6
	if err != nil {
		t.Fatal(err)
	}
	nc := dial(t, fmt.Sprintf("127.0.0.1:%d", addr.(*net.TCPAddr).Port))
	if a := recv(t, got); a.String() != nc.LocalAddr().String() {
		t.Errorf("RemoteAddr = %v, want %v", a, nc.LocalAddr())
	}
	l := driven(&hooks{})
	c := l.NewFake(nil)
	if a := c.RemoteAddr(); a.IsValid() || c.FD() != -1 {
		t.Errorf("fake: RemoteAddr %v, FD %d", a, c.FD())
	}
}

// TestMaxConns fills the cap, sees the refusal, and gets in again when
// somebody leaves.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2, MaxConns: 3}, echo)
	addr := listen(t, r)
	var in []*net.TCPConn
	for range 2 {
		nc := dial(t, addr)
		mustWrite(t, nc, []byte("x"))
		mustRead(t, nc, 1)
		in = append(in, nc)
	}
	if !r.Hold() || r.Hold() {
		t.Fatal("Hold must succeed once")
	}
	nc := dial(t, addr)
	got, err := io.ReadAll(nc)
	want := "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	if string(got) != want || err != nil {
		t.Errorf("over the cap: %q, %v", got, err)
	}
	until(t, "the refusal is counted", func() bool { return r.Counters().RefusedCap == 1 })
	r.Unhold()
	nc = dial(t, addr)
	mustWrite(t, nc, []byte("x"))
	mustRead(t, nc, 1)
	_ = in[0].Close()
	until(t, "room for one", func() bool { return r.Conns() == 2 })
	echoOnce(t, "tcp", addr)
}
