//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// TestAcceptErrors makes accept fail in every way it can: the loop must go on
// and the connection get in later.
func TestAcceptErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		errno syscall.Errno
		count func(c loop.Counters) int64
	}{
		{syscall.EMFILE, func(c loop.Counters) int64 { return c.RefusedEMFILE }},
		{syscall.ENFILE, func(c loop.Counters) int64 { return c.RefusedEMFILE }},
		{syscall.ENOBUFS, func(c loop.Counters) int64 { return c.RefusedEMFILE }},
		{syscall.ENOMEM, func(c loop.Counters) int64 { return c.RefusedEMFILE }},
		{syscall.EPERM, func(c loop.Counters) int64 { return c.RefusedEMFILE }},
		{syscall.EINVAL, func(c loop.Counters) int64 { return c.AcceptErrors }},
		{syscall.ECONNABORTED, func(c loop.Counters) int64 { return c.AcceptErrors }},
		{syscall.EPROTO, func(c loop.Counters) int64 { return c.AcceptErrors }},
		{syscall.EINTR, nil},
	} {
		t.Run(tc.errno.Error(), func(t *testing.T) {
			t.Parallel()
			r := start(t, &loop.Options{Loops: 1}, echo)
			addr := listen(t, r)
			existing := dial(t, addr)
			mustWrite(t, existing, []byte("a"))
			mustRead(t, existing, 1)
			l := r.Loops()[0]
			on(t, l, func() {
				left := 2
				l.SetFaults(&loop.Faults{OnAccept: func() error {
					if left--; left >= 0 {
						return tc.errno
					}
					return nil
				}})
			})
			nc := dial(t, addr)
			mustWrite(t, existing, []byte("b"))
			mustRead(t, existing, 1)
			mustWrite(t, nc, []byte("c"))
			mustRead(t, nc, 1)
			if tc.count != nil {
				if n := tc.count(r.Counters()); n != 2 {
					t.Errorf("counted %d failures, want 2: %+v", n, r.Counters())
				}
			}
		})
	}
}

// TestWatchError fails to register a descriptor with the poller.
func TestWatchError(t *testing.T) {
	t.Parallel()
	dropped := make(chan any, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{data: reply, dropped: func(m *loop.Message) { dropped <- m.Obj }}
	})
	addr := listen(t, r)
	l := r.Loops()[0]
	on(t, l, func() {
		l.SetFaults(&loop.Faults{OnWatch: func(int) error { return syscall.ENOSPC }})
	})
	nc := dial(t, addr)
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives")
	}
	ours, theirs := tcpPair(t)
	if err := r.Adopt(0, ours, nil, "note"); err != nil {
		t.Fatal(err)
	}
	if got := recv(t, dropped); got != "note" {
		t.Errorf("Dropped got %v", got)
	}
	if _, err := theirs.Read(make([]byte, 1)); err == nil {
		t.Error("the adopted connection lives")
	}
	on(t, l, func() { l.SetFaults(nil) })
	echoOnce(t, "tcp", addr)
	until(t, "no connection is left", func() bool { return r.Conns() == 0 })
}

// TestRandomFaults injects errors and interruptions into reads and writes of a
// busy echo server: every connection either echoes exactly or closes, and
// everything balances at the end.
func TestRandomFaults(t *testing.T) {
	before, fds := bufpool.Live(), descriptors()
	var opened, closed atomic.Int64
	r, err := loop.New(&loop.Options{Loops: 2, ReadBuffer: 512, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler {
		return &hooks{
			open:   func(*loop.Conn) { opened.Add(1) },
			data:   reply,
			closed: func(*loop.Conn, error) { closed.Add(1) },
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Loops() {
		on(t, l, func() { l.SetFaults(randomFaults(uint64(l.ID()))) })
	}
	addr := listen(t, r)
	var wg sync.WaitGroup
	var cut atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			for range 40 {
				if !echoUntilCut(t, addr, uint64(i)) {
					cut.Add(1)
				}
			}
		})
	}
	wg.Wait()
	until(t, "every connection is closed", func() bool { return r.Conns() == 0 && opened.Load() == closed.Load() })
	shutdown(t, r)
	if cut.Load() == 0 {
		t.Error("nothing failed: the test tests nothing")
	}
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive", n)
	}
	until(t, "descriptors are back", func() bool { return descriptors() <= fds })
}

func randomFaults(seed uint64) *loop.Faults {
	rnd := rand.New(rand.NewPCG(seed, 5))
	broken := []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.EIO, syscall.ENOBUFS}
	fail := func(int) error {
		switch n := rnd.IntN(100); {
		case n < 20:
			return syscall.EINTR
		case n < 21:
			return broken[rnd.IntN(len(broken))]
		}
		return nil
	}
	return &loop.Faults{
		OnRead: fail, OnWrite: fail,
		OnAccept: func() error {
			switch rnd.IntN(20) {
			case 0:
				return syscall.EINTR
			case 1:
				return syscall.ECONNABORTED
			}
			return nil
		},
		OnWatch: func(int) error {
			if rnd.IntN(50) == 0 {
				return syscall.ENOMEM
			}
			return nil
		},
	}
}

// echoUntilCut exchanges messages and reports whether all came back.
func echoUntilCut(t *testing.T, addr string, seed uint64) bool {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Errorf("dial: %v", err)
		return false
	}
	defer func() { _ = nc.Close() }()
	rnd := rand.New(rand.NewPCG(seed, 9))
	for range 10 {
		p := make([]byte, 1+rnd.IntN(3000))
		for i := range p {
			p[i] = byte(rnd.Uint32())
		}
		if _, err := nc.Write(p); err != nil {
			return false
		}
		got := make([]byte, len(p))
		if n, err := io.ReadFull(nc, got); err != nil {
			if !bytes.Equal(got[:n], p[:n]) {
				t.Error("the beginning of the echo differs")
			}
			return false
		}
		if !bytes.Equal(got, p) {
			t.Error("the echo differs")
		}
	}
	return true
}

// TestResetDuringBroadcast resets half of the members while the loop iterates
// over them: failed writes only mark, so the iteration stays whole.
func TestResetDuringBroadcast(t *testing.T) {
	const members = 60
	before := bufpool.Live()
	var conns []*loop.Conn // owned by the loop
	iterating := false
	r, err := loop.New(&loop.Options{Loops: 1, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler {
		return &hooks{
			open: func(c *loop.Conn) { conns = append(conns, c) },
			closed: func(c *loop.Conn, _ error) {
				if iterating {
					t.Error("Closed was called inside Send or Flush")
				}
				for i := range conns {
					if conns[i] == c {
						conns[i] = conns[len(conns)-1]
						conns = conns[:len(conns)-1]
						return
					}
				}
				t.Error("Closed twice")
			},
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, r)
	var clients []*net.TCPConn
	for range members {
		clients = append(clients, dial(t, addr))
	}
	until(t, "all members", func() bool { return r.Conns() == members })
	l := r.Loops()[0]
	broadcast := func(s string) {
		b := bufpool.Get(len(s))
		b.B = append(b.B, s...)
		iterating = true
		for _, c := range conns {
			c.Send(b)
			c.Flush()
		}
		iterating = false
		l.Defer(b)
	}
	for i, nc := range clients {
		if i%2 == 0 {
			_ = nc.SetLinger(0)
			_ = nc.Close()
		}
		on(t, l, func() { broadcast("x") })
	}
	until(t, "half of the members", func() bool {
		var n int
		on(t, l, func() { n = len(conns); broadcast("y") })
		return n == members/2 && r.Conns() == n
	})
	for i, nc := range clients {
		if i%2 == 1 {
			got := mustRead(t, nc, members+1)
			if !bytes.Equal(got[:members], bytesOf('x', members)) || got[members] != 'y' {
				t.Errorf("member %d got %q", i, got)
			}
		}
	}
	shutdown(t, r)
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive", n)
	}
}

func bytesOf(b byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = b
	}
	return p
}

// TestWatchdog counts a turn that takes too long.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1, WatchdogTurn: 1}, echo)
	echoOnce(t, "tcp", listen(t, r))
	until(t, "slow turns are counted", func() bool { return r.Counters().SlowTurns > 0 })
	off := start(t, &loop.Options{Loops: 1, WatchdogTurn: -1}, echo)
	echoOnce(t, "tcp", listen(t, off))
	if n := off.Counters().SlowTurns; n != 0 {
		t.Errorf("%d slow turns with the watchdog off", n)
	}
}
