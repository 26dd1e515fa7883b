//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/loop"
)

// fragments is the client's side of a connection whose Read has nothing most
// of the time, as the loop's.
type fragments struct {
	net.Conn
	records bytes.Buffer // what has arrived
	blocked int
}

type emptyError struct{}

func (emptyError) Error() string   { return "nothing yet" }
func (emptyError) Timeout() bool   { return true }
func (emptyError) Temporary() bool { return true }

func (f *fragments) Read(p []byte) (int, error) {
	if f.records.Len() == 0 {
		f.blocked++
		return 0, emptyError{}
	}
	return f.records.Read(p)
}

// TestTemporaryErrorsAreNotSticky pins what the loops rely on: after a
// temporary error in the middle of a record, crypto/tls goes on with the bytes
// that it had.
func TestTemporaryErrorsAreNotSticky(t *testing.T) {
	t.Parallel()
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := net.Pipe()
			cert := testcert.New(t, "pin.example")
			server := tls.Server(a, with(&tls.Config{Certificates: []tls.Certificate{cert.TLS()}}, only))
			f := &fragments{Conn: b}
			done := make(chan error, 1)
			go func() {
				err := server.Handshake()
				if err == nil {
					_, err = server.Write([]byte("hello"))
				}
				done <- err
			}()
			// The handshake reads the pipe itself; afterwards bytes are fed by hand.
			gate := &gated{Conn: b, fragments: f}
			client := tls.Client(gate, with(cert.Client(), only))
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			gate.open = true
			var got []byte
			p := make([]byte, 64)
			one := make([]byte, 1)
			for len(got) < len("hello") {
				n, err := client.Read(p)
				got = append(got, p[:n]...)
				if err == nil {
					continue
				}
				if !errors.Is(err, emptyError{}) {
					t.Fatalf("Read: %v", err)
				}
				if _, err := io.ReadFull(b, one); err != nil {
					t.Fatal(err)
				}
				f.records.Write(one)
			}
			if string(got) != "hello" || f.blocked < 20 {
				t.Errorf("got %q after %d temporary errors", got, f.blocked)
			}
			if err := recv(t, done); err != nil {
				t.Error(err)
			}
		})
	}
}

// gated reads its connection until it is open, then the fragments.
type gated struct {
	net.Conn
	fragments *fragments
	open      bool
}

func (g *gated) Read(p []byte) (int, error) {
	if g.open {
		return g.fragments.Read(p)
	}
	return g.Conn.Read(p)
}

func TestTLSEcho(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2}, echo)
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialTLS(t, addr, with(client, only))
			for _, n := range []int{1, 100, 1 << 14, 1<<14 + 1, 1 << 18} {
				want := make([]byte, n)
				for i := range want {
					want[i] = byte(rand.Uint32())
				}
				go func() { _, _ = c.Write(want) }()
				if got := mustRead(t, c, n); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes differ", n)
				}
			}
		})
	}
}

// TestTLSOneByteAtATime feeds the handshake and everything behind it in single
// bytes, each in a segment of its own.
func TestTLSOneByteAtATime(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := shake(t, slowWriter{dial(t, addr)}, with(client, only))
			for range 3 {
				mustWrite(t, c, []byte("drop by drop"))
				if got := mustRead(t, c, 12); string(got) != "drop by drop" {
					t.Fatalf("got %q", got)
				}
			}
		})
	}
}

// TestTLSJoinsFrames sends many frames in one turn: they leave in one record.
func TestTLSJoinsFrames(t *testing.T) {
	t.Parallel()
	const frames = 100
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{data: func(c *loop.Conn, b []byte) {
			for range frames {
				reply(c, b)
			}
		}}
	})
	addr, client := listenTLS(t, r, func(c *tls.Config) { c.DynamicRecordSizingDisabled = true })
	c := dialTLS(t, addr, client)
	mustWrite(t, c, []byte("0123456789"))
	p := make([]byte, 1<<14)
	if n, err := c.Read(p); n != frames*10 || err != nil {
		t.Errorf("the first record has %d bytes (%v), want %d", n, err, frames*10)
	}
}

// TestTLSManySmallWrites sends 10,000 messages, most of them in turns of their
// own.
func TestTLSManySmallWrites(t *testing.T) {
	t.Parallel()
	const messages = 10_000
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialTLS(t, addr, with(client, only))
			var want bytes.Buffer
			sent := make(chan struct{})
			for i := range messages {
				want.WriteString(string(rune('a'+i%26)) + "-message;")
			}
			go func() {
				defer close(sent)
				for b := range bytes.SplitAfterSeq(want.Bytes(), []byte(";")) {
					if _, err := c.Write(b); err != nil {
						return
					}
				}
			}()
			if got := mustRead(t, c, want.Len()); !bytes.Equal(got, want.Bytes()) {
				t.Error("bytes differ")
			}
			<-sent
		})
	}
}

// TestTLSSlowReaders sends 8 MiB to clients that read in small pieces through
// a small window, so that most writes are short.
func TestTLSSlowReaders(t *testing.T) {
	t.Parallel()
	const (
		message  = 1 << 20
		messages = 8
	)
	drained := make(chan struct{}, 100)
	payload := make([]byte, message)
	for i := range payload {
		payload[i] = byte(i>>8 ^ i)
	}
	r := start(t, &loop.Options{Loops: 2}, func(l *loop.Loop) *hooks {
		return &hooks{
			data: func(c *loop.Conn, _ []byte) {
				for range messages {
					b := bufpool.Get(message)
					b.B = append(b.B, payload...)
					c.Send(b)
					l.Defer(b)
				}
				if c.Queued() == 0 {
					t.Error("nothing is queued")
				}
			},
			drained: func(c *loop.Conn) {
				if c.Queued() != 0 || c.Blocked() {
					t.Errorf("drained with %d bytes queued", c.Queued())
				}
				drained <- struct{}{}
			},
		}
	})
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				nc := dial(t, addr)
				if err := nc.SetReadBuffer(64 << 10); err != nil {
					t.Fatal(err)
				}
				c := shake(t, nc, with(client, only))
				mustWrite(t, c, []byte("go"))
				p := make([]byte, 5000)
				for at := 0; at < message*messages; {
					n, err := c.Read(p)
					if err != nil {
						t.Fatal(err)
					}
					for i, b := range p[:n] {
						if b != payload[(at+i)%message] {
							t.Fatalf("byte %d differs", at+i)
						}
					}
					at += n
				}
				recv(t, drained)
			}
		})
	}
	t.Cleanup(func() {
		if c := r.Counters(); c.ShortWrites == 0 {
			t.Error("no write was short")
		}
	})
}

const maxRecord = 16 << 10

// TestTLSMovePingPong moves an encrypted connection to the other loop after
// every read, while the client streams.
func TestTLSMovePingPong(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2, ReadBuffer: 1000}, func(l *loop.Loop) *hooks {
		return &hooks{
			data: func(c *loop.Conn, b []byte) {
				reply(c, b[:len(b)/2])
				c.MoveTo(l.Reactor().Loops()[1-l.ID()], b[len(b)/2:], nil)
			},
			moved: func(c *loop.Conn, unread []byte, _ any) {
				if !c.Secure() || c.TLS() == nil {
					t.Error("arrived without TLS")
				}
				reply(c, unread)
			},
		}
	})
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialTLS(t, addr, with(client, only))
			want := make([]byte, 1<<20)
			for i := range want {
				want[i] = byte(i >> 8 * i)
			}
			go func() { _, _ = c.Write(want) }()
			if got := mustRead(t, c, len(want)); !bytes.Equal(got, want) {
				t.Error("the echoed stream differs")
			}
		})
	}
	t.Cleanup(func() {
		if n := r.Counters().Departed; n < 2<<20/maxRecord {
			t.Errorf("only %d moves", n)
		}
	})
}

// TestTLSMoveTakesQueueAlong moves a blocked connection, with records that the
// kernel has refused.
func TestTLSMoveTakesQueueAlong(t *testing.T) {
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
	addr, client := listenTLS(t, r, nil)
	c := dialTLS(t, addr, client)
	mustWrite(t, c, []byte("go"))
	var want []byte
	for i := range size / (1 << 16) {
		b := frame(1<<16, byte(i))
		want = append(want, b.B...)
		b.Release()
	}
	want = append(want, "end"...)
	if got := mustRead(t, c, len(want)); !bytes.Equal(got, want) {
		t.Error("bytes differ")
	}
}

// TestTLSCloseNotify has both sides say goodbye, in either order. That the
// client reads the end proves nothing, because crypto/tls takes a FIN for one:
// the last record is looked at.
func TestTLSCloseNotify(t *testing.T) {
	t.Parallel()
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan error, 1)
			addr, client := closer(t, closed)
			client = with(client, only)
			for _, tt := range []struct {
				say    string // nothing: the client begins
				length int
				want   error
			}{{"finish", 1 << 20, errDone}, {"close", 0, errDone}, {"", 0, io.EOF}} {
				rec := &recorder{Conn: dial(t, addr)}
				c := shake(t, rec, client)
				if tt.say != "" {
					mustWrite(t, c, []byte(tt.say))
				} else if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(c); len(got) != tt.length || err != nil {
					t.Errorf("%q: %d bytes and %v, want %d", tt.say, len(got), err, tt.length)
				}
				if !rec.notified(c.ConnectionState().Version) {
					t.Errorf("%q: no close_notify at the end", tt.say)
				}
				_ = c.Close()
				if err := recv(t, closed); !errors.Is(err, tt.want) {
					t.Errorf("%q: closed with %v, want %v", tt.say, err, tt.want)
				}
			}

			nc := dial(t, addr) // vanishes without close_notify
			c := shake(t, nc, client)
			mustWrite(t, c, []byte("echo"))
			mustRead(t, c, 4)
			_ = nc.Close()
			if err := recv(t, closed); !errors.Is(err, io.EOF) {
				t.Errorf("FIN: closed with %v, want io.EOF", err)
			}
		})
	}
}

// closer starts a server whose clients say how they want to be closed.
func closer(t *testing.T, closed chan<- error) (addr string, client *tls.Config) {
	t.Helper()
	r := start(t, &loop.Options{Loops: 1}, func(l *loop.Loop) *hooks {
		return &hooks{
			data: func(c *loop.Conn, b []byte) {
				switch string(b) {
				case "finish":
					reply(c, bytes.Repeat([]byte("x"), 1<<20))
					c.CloseAfterFlush(errDone)
					c.SetDeadline(l.Now() + patience.Milliseconds())
				case "close":
					c.Close(errDone)
				default:
					reply(c, b)
				}
			},
			closed: func(_ *loop.Conn, err error) { closed <- err },
		}
	})
	return listenTLS(t, r, nil)
}

// TestTLSReadsNotTooFarAhead has a client send much before the server has got
// to its Finished: what is kept of it is bounded, and nothing is lost.
func TestTLSReadsNotTooFarAhead(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	release := make(chan struct{})
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, func(c *tls.Config) {
		c.VerifyConnection = func(tls.ConnectionState) error {
			<-release
			return nil
		}
	})
	c := dialTLS(t, addr, with(client, versions["TLS 1.3"]))
	want := make([]byte, size)
	for i := range want {
		want[i] = byte(i >> 8 * i)
	}
	go func() { _, _ = c.Write(want) }()
	until(t, "the server has read as much as it wants", func() bool { return r.Counters().BytesIn > loop.MaxAhead })
	if n := r.Counters().BytesIn; n > loop.MaxAhead+2*64<<10 {
		t.Errorf("the server has read %d bytes", n)
	}
	close(release)
	if got := mustRead(t, c, size); !bytes.Equal(got, want) {
		t.Error("bytes differ")
	}
}

// TestTLSDetach gives an encrypted connection to a goroutine, which reads and
// writes it, and back.
func TestTLSDetach(t *testing.T) {
	t.Parallel()
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			detached := make(chan net.Conn, 1)
			r := start(t, &loop.Options{Loops: 2}, func(l *loop.Loop) *hooks {
				return &hooks{
					data: func(c *loop.Conn, b []byte) {
						if string(b) != "detach" {
							reply(c, b)
							return
						}
						if _, err := c.Detach(); !errors.Is(err, loop.ErrEncrypted) {
							t.Errorf("Detach: %v", err)
						}
						nc, err := c.DetachConn()
						if err != nil {
							t.Errorf("DetachConn: %v", err)
						}
						detached <- nc
					},
					moved: func(c *loop.Conn, unread []byte, _ any) { reply(c, unread) },
				}
			})
			addr, client := listenTLS(t, r, nil)
			c := dialTLS(t, addr, with(client, only))
			for range 3 {
				mustWrite(t, c, []byte("detach"))
				nc := recv(t, detached)
				if got, want := nc.(*loop.TLSConn).ConnectionState().Version, c.ConnectionState().Version; got != want {
					t.Errorf("version %x, want %x", got, want)
				}
				// Of these two records the goroutine reads the half of one.
				mustWrite(t, c, []byte("0123456789"))
				mustWrite(t, c, []byte("abcdefghij"))
				if got := mustRead(t, nc, 5); string(got) != "01234" {
					t.Errorf("read %q", got)
				}
				mustWrite(t, nc, []byte("from the goroutine"))
				if got := mustRead(t, c, 18); string(got) != "from the goroutine" {
					t.Errorf("got %q", got)
				}
				if err := r.Adopt(1, nc, []byte("unread-"), nil); err != nil {
					t.Fatalf("Adopt: %v", err)
				}
				if got := mustRead(t, c, 22); string(got) != "unread-56789abcdefghij" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
}

// TestTLSRecordErrors sends a broken record after the handshake.
func TestTLSRecordErrors(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{closed: func(_ *loop.Conn, err error) { closed <- err }}
	})
	addr, client := listenTLS(t, r, nil)
	nc := dial(t, addr)
	c := shake(t, nc, client)
	mustWrite(t, nc, append([]byte{23, 3, 3, 0, 32}, make([]byte, 32)...))
	var alert tls.AlertError
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("read succeeded")
	} else if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "remote error" {
		t.Errorf("got %v (%v), want an alert", err, alert)
	}
	if err := recv(t, closed); err == nil || errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) {
		t.Errorf("closed with %v", err)
	}
	until(t, "the error is counted", func() bool { return r.Counters().TLSErrors == 1 })
}

// TestTLSWriteError has writes fail behind records that the kernel had refused,
// and at once.
func TestTLSWriteError(t *testing.T) {
	t.Parallel()
	for _, refusals := range []int{0, 1} {
		closed := make(chan error, 1)
		conns := make(chan *loop.Conn, 1)
		r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
			return &hooks{
				open:   func(c *loop.Conn) { conns <- c },
				data:   func(*loop.Conn, []byte) {},
				closed: func(_ *loop.Conn, err error) { closed <- err },
			}
		})
		addr, client := listenTLS(t, r, nil)
		dialTLS(t, addr, client)
		c := recv(t, conns)
		on(t, r.Loops()[0], func() {
			left := refusals
			r.Loops()[0].SetFaults(&loop.Faults{OnWrite: func(int) error {
				if left--; left >= 0 {
					return syscall.EAGAIN
				}
				return syscall.EPIPE
			}})
			reply(c, []byte("never read"))
		})
		if refusals > 0 {
			on(t, r.Loops()[0], c.Writable)
		}
		var failed *loop.WriteError
		if err := recv(t, closed); !errors.As(err, &failed) || !errors.Is(err, syscall.EPIPE) {
			t.Errorf("behind %d refusals: closed with %v, want a *WriteError of EPIPE", refusals, err)
		}
		on(t, r.Loops()[0], func() { r.Loops()[0].SetFaults(nil) })
	}
}
