//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// TestChurn connects, talks and disconnects in every way at once, while the
// server closes, moves and answers late. Each client's bytes carry its number:
// nobody may ever see another's, however descriptors are reused.
func TestChurn(t *testing.T) {
	const workers, rounds = 8, 150
	before, fds := bufpool.Live(), descriptors()
	var opened, closed, foreign atomic.Int64
	r, err := loop.New(&loop.Options{Loops: 2, Logger: quiet, NewHandler: func(l *loop.Loop) loop.Handler {
		return newChurn(l, &opened, &closed, &foreign)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, r)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 77))
			for i := range rounds {
				churnOnce(t, addr, uint64(w*rounds+i+1), rnd)
			}
		})
	}
	wg.Wait()
	until(t, "every connection came and went", func() bool { // some are closed before they are accepted
		c := r.Counters() // of finished turns
		return c.Accepted == workers*rounds && c.Closed == c.Accepted && r.Conns() == 0
	})
	if foreign.Load() != 0 {
		t.Errorf("the server saw %d foreign numbers", foreign.Load())
	}
	if c := r.Counters(); c.Arrived != c.Departed || opened.Load() != closed.Load() {
		t.Errorf("opened %d, closed %d, counters %+v", opened.Load(), closed.Load(), c)
	}
	shutdown(t, r)
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive", n)
	}
	until(t, "descriptors are back", func() bool { return descriptors() <= fds })
}

// churnConn is what the server remembers of a connection.
type churnConn struct {
	number uint64
	rest   []byte
}

// newChurn makes a handler that echoes 8-byte numbers, and with some of them
// closes this or another connection, or moves.
func newChurn(l *loop.Loop, opened, closed, foreign *atomic.Int64) *hooks {
	rnd := rand.New(rand.NewPCG(uint64(l.ID()), 99))
	var live []*loop.Conn
	forget := func(c *loop.Conn) {
		for i := range live {
			if live[i] == c {
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
				return
			}
		}
	}
	return &hooks{
		open: func(c *loop.Conn) {
			opened.Add(1)
			c.Ctx = &churnConn{}
			live = append(live, c)
		},
		moved: func(c *loop.Conn, _ []byte, _ any) { live = append(live, c) },
		data: func(c *loop.Conn, b []byte) {
			cc, _ := c.Ctx.(*churnConn)
			cc.rest = append(cc.rest, b...)
			for ; len(cc.rest) >= 8; cc.rest = cc.rest[8:] {
				n := binary.BigEndian.Uint64(cc.rest)
				if cc.number == 0 {
					cc.number = n
				}
				if n != cc.number {
					foreign.Add(1)
				}
				reply(c, cc.rest[:8])
			}
			switch rnd.IntN(12) {
			case 0:
				c.Close(io.EOF)
			case 1: // somebody else, perhaps with an event in this batch
				live[rnd.IntN(len(live))].Close(io.EOF)
			case 2:
				if !c.Closing() {
					forget(c)
					c.MoveTo(l.Reactor().Loops()[1-l.ID()], nil, nil)
				}
			case 3:
				c.CloseAfterFlush(io.EOF)
				c.SetDeadline(l.Now() + 50)
			}
		},
		deadline: func(c *loop.Conn) { c.Close(io.EOF) },
		closed: func(c *loop.Conn, _ error) {
			closed.Add(1)
			forget(c)
		},
	}
}

func churnOnce(t *testing.T, addr string, number uint64, rnd *rand.Rand) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Errorf("dial: %v", err)
		return
	}
	defer func() { _ = nc.Close() }()
	msg := binary.BigEndian.AppendUint64(nil, number)
	for range rnd.IntN(6) {
		if _, err := nc.Write(msg); err != nil {
			return
		}
		got := make([]byte, 8)
		if _, err := io.ReadFull(nc, got); err != nil {
			return
		}
		if binary.BigEndian.Uint64(got) != number {
			t.Errorf("client %d got bytes of %d", number, binary.BigEndian.Uint64(got))
			return
		}
	}
	if rnd.IntN(3) == 0 {
		_ = nc.(*net.TCPConn).SetLinger(0)
	}
}

// TestEventOfReusedDescriptor closes B from A's callback while B's event waits
// in the same batch and a new client stands at the door: the new one must not
// inherit anything.
func TestEventOfReusedDescriptor(t *testing.T) {
	t.Parallel()
	type event struct {
		who  *loop.Conn
		what string
	}
	events := make(chan event, 100)
	conns := make(chan *loop.Conn, 100)
	var victim *loop.Conn
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			open: func(c *loop.Conn) { conns <- c },
			data: func(c *loop.Conn, b []byte) {
				events <- event{c, string(b)}
				if string(b) == "kill" {
					victim.Close(io.EOF)
				}
			},
			closed: func(c *loop.Conn, _ error) { events <- event{c, "closed"} },
		}
	})
	addr := listen(t, r)
	l := r.Loops()[0]
	for range 50 {
		a := dial(t, addr)
		connA := recv(t, conns)
		b := dial(t, addr)
		connB := recv(t, conns)
		busy, release := make(chan struct{}), make(chan struct{})
		if err := l.Post(loop.Message{Kind: kindRun, Obj: func() { victim = connB; close(busy); <-release }}); err != nil {
			t.Fatal(err)
		}
		recv(t, busy)
		// While the loop is away, all of it becomes ready, A first.
		mustWrite(t, a, []byte("kill"))
		mustWrite(t, b, []byte("of the dead"))
		_ = b.SetLinger(0)
		_ = b.Close()
		d := dial(t, addr)
		close(release)
		connD := recv(t, conns)
		mustWrite(t, d, []byte("mine"))
		seen := map[*loop.Conn][]string{}
		for len(seen[connD]) == 0 || len(seen[connB]) == 0 {
			e := recv(t, events)
			seen[e.who] = append(seen[e.who], e.what)
		}
		if !equalStrings(seen[connA], []string{"kill"}) || !equalStrings(seen[connB], []string{"closed"}) ||
			!equalStrings(seen[connD], []string{"mine"}) {
			t.Fatalf("A %q, B %q, D %q", seen[connA], seen[connB], seen[connD])
		}
		_, _ = a.Close(), d.Close()
		recv(t, events)
		recv(t, events)
	}
}
