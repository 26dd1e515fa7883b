//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// needLent skips a test where the release of Go is not one that
// loop/tls_buffers.go names: everything works there, with more memory for each
// encrypted connection, until somebody has read what its crypto/tls does.
func needLent(tb testing.TB) {
	tb.Helper()
	if !loop.LendsTLSBuffers() {
		tb.Skipf("loop/tls_buffers.go does not name %s, so encrypted connections keep their buffers", runtime.Version())
	}
}

// TestTLSBuffersAreLent has messages of all sizes come and go: between reads an
// encrypted connection has no buffer for records or handshakes, which crypto/tls
// would keep.
func TestTLSBuffersAreLent(t *testing.T) {
	t.Parallel()
	needLent(t)
	conns := make(chan *loop.Conn, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{open: func(c *loop.Conn) { conns <- c }, data: reply}
	})
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		c := dialTLS(t, addr, with(client, func(cfg *tls.Config) { only(cfg); cfg.DynamicRecordSizingDisabled = true }))
		server := recv(t, conns)
		for _, size := range []int{1, 100, 1000, 5000, 16 << 10, 300_000, 64} {
			want := bytes.Repeat([]byte{byte(size)}, size)
			done := make(chan struct{})
			go func() { defer close(done); _, _ = c.Write(want) }()
			if got := mustRead(t, c, size); !bytes.Equal(got, want) {
				t.Fatalf("%s: %d bytes came back otherwise", name, size)
			}
			recv(t, done)
			on(t, r.Loops()[0], func() {
				if own, part := server.TLSKept(); own != 0 || part != 0 {
					t.Errorf("%s: after %d bytes: %d bytes of buffers (-1: unknown release of Go), %d bytes of a record", name, size, own, part)
				}
			})
		}
	}
}

// A holder keeps what is written while it holds.
type holder struct {
	net.Conn
	holds bool
	held  []byte
}

func (h *holder) Write(p []byte) (int, error) {
	if !h.holds {
		return h.Conn.Write(p)
	}
	h.held = append(h.held, p...)
	return len(p), nil
}

// TestTLSPartOfRecord has the rest of a record come after its connection has
// waited, has moved to another loop, or was given to a goroutine; or never.
func TestTLSPartOfRecord(t *testing.T) {
	needLent(t)
	live := bufpool.Live()
	for name, between := range map[string]func(*loop.Conn, chan<- net.Conn){
		"stays": func(*loop.Conn, chan<- net.Conn) {},
		"moves": func(c *loop.Conn, _ chan<- net.Conn) { c.MoveTo(c.Loop().Reactor().Loops()[1-c.Loop().ID()], nil, nil) },
		"detaches": func(c *loop.Conn, out chan<- net.Conn) {
			nc, err := c.DetachConn()
			if err != nil {
				t.Error(err)
			}
			out <- nc
		},
		"closes": func(c *loop.Conn, _ chan<- net.Conn) { c.Close(io.ErrUnexpectedEOF) },
	} {
		for version, only := range versions {
			for _, part := range []int{3, 5, 700, 1020} {
				conns, detached := make(chan *loop.Conn, 1), make(chan net.Conn, 1)
				r := start(t, &loop.Options{Loops: 2}, func(l *loop.Loop) *hooks {
					return &hooks{open: func(c *loop.Conn) { conns <- c }, data: reply, moved: func(*loop.Conn, []byte, any) {}}
				})
				addr, client := listenTLS(t, r, nil)
				h := &holder{Conn: dial(t, addr)}
				c := shake(t, h, with(client, only))
				server := recv(t, conns)
				mustWrite(t, c, []byte("first"))
				mustRead(t, c, 5)
				h.holds = true
				want := bytes.Repeat([]byte("gannet"), 170)
				mustWrite(t, c, want)
				h.holds = false
				mustWrite(t, h, h.held[:part])
				l := server.Loop()
				until(t, "the part has come", func() (came bool) {
					on(t, l, func() { _, n := server.TLSKept(); came = n == part })
					return came
				})
				on(t, l, func() { between(server, detached) })
				if name == "closes" {
					if _, err := c.Read(make([]byte, 1)); err == nil {
						t.Errorf("%s, %s: it was not closed", name, version)
					}
				} else {
					mustWrite(t, h, h.held[part:])
					var from io.Reader = c
					if name == "detaches" {
						nc := recv(t, detached)
						t.Cleanup(func() { _ = nc.Close() })
						from = nc
					}
					if got := mustRead(t, from, len(want)); !bytes.Equal(got, want) {
						t.Errorf("%s, %s, %d bytes: got %.20q", name, version, part, got)
					}
				}
				shutdown(t, r)
			}
		}
	}
	if n := bufpool.Live(); n != live {
		t.Errorf("%d buffers are live, %d were before", n, live)
	}
}
