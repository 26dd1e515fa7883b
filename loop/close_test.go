//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

var errDone = errors.New("done")

// TestCloseAfterFlush sends much to a slow reader and closes: everything must
// arrive, and the peer's unread chatter must not turn the end into a reset.
func TestCloseAfterFlush(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	for _, tc := range []struct {
		name  string
		after func(nc *net.TCPConn)
	}{
		{"peer closes", func(nc *net.TCPConn) { _ = nc.Close() }},
		{"peer half-closes first", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan error, 1)
			var late atomic.Int64
			r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
				return &hooks{
					data: func(c *loop.Conn, _ []byte) {
						if c.Closing() {
							late.Add(1)
						}
						for i := range size / 10_000 {
							b := frame(10_000, byte(i))
							c.Send(b)
							c.Loop().Defer(b)
						}
						c.CloseAfterFlush(errDone)
						c.CloseAfterFlush(io.EOF)
						reply(c, []byte("not any more"))
					},
					closed: func(_ *loop.Conn, err error) { closed <- err },
				}
			})
			nc := dial(t, listen(t, r))
			mustWrite(t, nc, []byte("go"))
			mustWrite(t, nc, bytes.Repeat([]byte("chatter"), 1000))
			if tc.after == nil {
				_ = nc.CloseWrite()
			}
			var want []byte
			for i := range size / 10_000 {
				b := frame(10_000, byte(i))
				want = append(want, b.B...)
				b.Release()
			}
			got, err := io.ReadAll(nc)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %d of %d bytes, equal %v, err %v", len(got), len(want), bytes.Equal(got, want), err)
			}
			if tc.after != nil {
				tc.after(nc)
			}
			if err := recv(t, closed); !errors.Is(err, errDone) {
				t.Errorf("Closed got %v", err)
			}
			if late.Load() != 0 {
				t.Error("Data was called after CloseAfterFlush")
			}
		})
	}
}

// TestLingerIsBounded keeps sending after the server said goodbye.
func TestLingerIsBounded(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			data:   func(c *loop.Conn, _ []byte) { c.CloseAfterFlush(errDone) },
			closed: func(_ *loop.Conn, err error) { closed <- err },
		}
	})
	nc := dial(t, listen(t, r))
	sent := 0
	for {
		n, err := nc.Write(make([]byte, 64<<10))
		if sent += n; err != nil {
			break
		}
	}
	if err := recv(t, closed); !errors.Is(err, loop.ErrLinger) {
		t.Errorf("Closed got %v after %d bytes", err, sent)
	}
	if in := r.Counters().BytesIn; in > 2*loop.LingerBytes {
		t.Errorf("read %d bytes", in)
	}
}

// TestLingerDeadline closes a peer that neither sends nor closes.
func TestLingerDeadline(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{
			data: func(c *loop.Conn, _ []byte) {
				c.CloseAfterFlush(errDone)
				c.SetDeadline(c.Loop().Now() + 30)
			},
			deadline: func(c *loop.Conn) { c.Close(io.ErrNoProgress) },
			closed:   func(_ *loop.Conn, err error) { closed <- err },
		}
	})
	nc := dial(t, listen(t, r))
	mustWrite(t, nc, []byte("x"))
	if err := recv(t, closed); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Closed got %v", err)
	}
}

// TestFakeCloseAfterFlush waits for the sink.
func TestFakeCloseAfterFlush(t *testing.T) {
	t.Parallel()
	var closed []error
	h := &hooks{closed: func(_ *loop.Conn, err error) { closed = append(closed, err) }}
	l := driven(h)
	block := true
	c := l.NewFake(func(b []byte) (int, error) {
		if block {
			return 0, unix.EAGAIN
		}
		return len(b), nil
	})
	reply(c, []byte("x"))
	c.CloseAfterFlush(errDone)
	l.Drive()
	l.Drive()
	if len(closed) != 0 {
		t.Fatal("closed with bytes queued")
	}
	block = false
	c.FakeWritable()
	l.Drive()
	if len(closed) != 1 || !errors.Is(closed[0], errDone) {
		t.Errorf("closed = %v", closed)
	}
	idle := l.NewFake(nil)
	idle.CloseAfterFlush(errDone)
	l.Drive()
	l.Drive()
	if len(closed) != 2 {
		t.Errorf("an idle connection was not closed: %v", closed)
	}
}

// TestSlowReaders broadcasts shared frames of random sizes to connections with
// tiny send buffers whose readers stop and go: each client checks every frame.
func TestSlowReaders(t *testing.T) {
	const clients, frames = 20, 300
	before := bufpool.Live()
	var blocked, drained atomic.Int64
	conns := map[*loop.Conn]bool{} // owned by the loop
	r, err := loop.New(&loop.Options{Loops: 1, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler {
		return &hooks{
			open: func(c *loop.Conn) {
				_ = unix.SetsockoptInt(c.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<10)
				conns[c] = true
			},
			closed:  func(c *loop.Conn, _ error) { delete(conns, c) },
			drained: func(*loop.Conn) { drained.Add(1) },
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, r)
	var wg sync.WaitGroup
	for i := range clients {
		nc := dial(t, addr)
		_ = nc.SetReadBuffer(32 << 10)
		wg.Go(func() { checkFrames(t, nc, frames, uint64(i)) })
	}
	l := r.Loops()[0]
	until(t, "all clients", func() bool { return r.Conns() == clients })
	rnd := rand.New(rand.NewPCG(3, 3))
	for i := range frames {
		size := 1 + rnd.IntN(300)
		if i%37 == 0 {
			size = 30_000 + rnd.IntN(100_000)
		}
		b := sealed(uint32(i), size, rnd)
		on(t, l, func() {
			for c := range conns {
				c.Send(b)
				if c.Blocked() {
					blocked.Add(1)
				}
			}
			l.Defer(b)
		})
	}
	wg.Wait()
	if blocked.Load() == 0 || drained.Load() == 0 {
		t.Errorf("blocked %d times, drained %d times: the test tests nothing", blocked.Load(), drained.Load())
	}
	until(t, "the queues are empty", func() bool {
		empty := true
		on(t, l, func() {
			for c := range conns {
				empty = empty && c.Queued() == 0 && !c.Blocked()
			}
		})
		return empty
	})
	shutdown(t, r)
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d frames alive at the end", n)
	}
}

// sealed makes a frame of length, number, payload and checksum.
func sealed(n uint32, size int, rnd *rand.Rand) *bufpool.Buf {
	b := bufpool.Get(size + 16)
	b.B = binary.BigEndian.AppendUint32(b.B, uint32(size))
	b.B = binary.BigEndian.AppendUint32(b.B, n)
	for range size {
		b.B = append(b.B, byte(rnd.Uint32()))
	}
	h := fnv.New64a()
	_, _ = h.Write(b.B)
	b.B = h.Sum(b.B)
	return b
}

// checkFrames reads frames in stops and starts and checks each.
func checkFrames(t *testing.T, nc net.Conn, frames int, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	r := io.Reader(&stutter{nc, rnd})
	for i := range frames {
		head := make([]byte, 8)
		if _, err := io.ReadFull(r, head); err != nil {
			t.Errorf("frame %d: %v", i, err)
			return
		}
		size := int(binary.BigEndian.Uint32(head))
		rest := make([]byte, size+8)
		if _, err := io.ReadFull(r, rest); err != nil {
			t.Errorf("frame %d: %v", i, err)
			return
		}
		h := fnv.New64a()
		_, _ = h.Write(head)
		_, _ = h.Write(rest[:size])
		if n := binary.BigEndian.Uint32(head[4:]); int(n) != i || h.Sum64() != binary.BigEndian.Uint64(rest[size:]) {
			t.Errorf("frame %d: number %d, checksum differs: %v", i, n, h.Sum64() != binary.BigEndian.Uint64(rest[size:]))
			return
		}
	}
}

// stutter reads in small random pieces.
type stutter struct {
	r   io.Reader
	rnd *rand.Rand
}

func (s *stutter) Read(p []byte) (int, error) {
	n := 1 + s.rnd.IntN(3000)
	if s.rnd.IntN(50) == 0 {
		n = 1
	}
	return s.r.Read(p[:min(n, len(p))])
}

// TestQueueSurvivesSilence is the case that loses its wakeup in gnet: one large
// write to a peer that reads later.
func TestQueueSurvivesSilence(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	blocked := make(chan struct{}, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{data: func(c *loop.Conn, _ []byte) {
			b := frame(size, 9)
			c.Send(b)
			c.Loop().Defer(b)
			c.Flush()
			if c.Blocked() && c.Queued() > 0 && c.StalledSince() > 0 {
				blocked <- struct{}{}
			}
		}}
	})
	nc := dial(t, listen(t, r))
	mustWrite(t, nc, []byte("go"))
	recv(t, blocked)
	got := mustRead(t, nc, size)
	want := frame(size, 9)
	if !bytes.Equal(got, want.B) {
		t.Error("bytes differ")
	}
	want.Release()
}
