//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/loop"
)

// strangers fails the test when the handler sees a connection.
func strangers(t *testing.T) func(*loop.Loop) *hooks {
	t.Helper()
	return func(*loop.Loop) *hooks {
		return &hooks{
			open:   func(*loop.Conn) { t.Error("Open was called") },
			data:   func(_ *loop.Conn, b []byte) { t.Errorf("Data got %q", b) },
			closed: func(_ *loop.Conn, err error) { t.Errorf("Closed got %v", err) },
		}
	}
}

func TestTLSPlainHTTP(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1}, strangers(t))
	addr, _ := listenTLS(t, r, nil)
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /socket.io/ HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n"} {
		nc := dial(t, addr)
		for i := range len(request) { // also in pieces
			if _, err := nc.Write([]byte(request[i : i+1])); err != nil {
				break // answered already
			}
		}
		got, err := io.ReadAll(nc)
		if want := "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"; string(got) != want || err != nil {
			t.Errorf("%q: got %q, %v", request, got, err)
		}
		_ = nc.Close()
	}
	until(t, "all are closed", func() bool { return r.Conns() == 0 && r.Counters().TLSFailures == 3 })
}

// TestTLSGarbage sends what is no client hello, whole and in two pieces.
func TestTLSGarbage(t *testing.T) {
	t.Parallel()
	hello := clientHello(t)
	cases := map[string][]byte{
		"letters":            []byte("SSH-2.0-OpenSSH\r\n"),
		"SSLv2":              {0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10},
		"alert":              {21, 3, 1, 0, 2, 2, 40},
		"application data":   {23, 3, 3, 0, 1, 0},
		"server hello first": {22, 3, 3, 0, 4, 2, 0, 0, 0},
		"empty record":       {22, 3, 3, 0, 0},
		"oversized record":   {22, 3, 3, 255, 255, 1, 0, 0, 0},
		"oversized hello":    {22, 3, 3, 0, 4, 1, 255, 255, 255},
		"hello of nothing":   {22, 3, 3, 0, 4, 1, 0, 0, 0},
		"other version":      append([]byte{22, 16, 0}, hello[3:]...),
		"broken session id":  append(append(append([]byte{}, hello[:43]...), 255), hello[44:]...),
		"alert in between":   append(append([]byte{22, 3, 1, 0, 4}, hello[5:9]...), 21, 3, 1, 0, 2, 2, 40),
		"zeroes":             make([]byte, 1<<17),
	}
	r := start(t, &loop.Options{Loops: 1, HandshakeTimeout: time.Minute}, strangers(t))
	addr, _ := listenTLS(t, r, nil)
	for name, garbage := range cases {
		for _, cut := range []int{0, len(garbage) / 2} {
			nc := dial(t, addr)
			_, _ = nc.Write(garbage[:cut])
			_, _ = nc.Write(garbage[cut:])
			got, err := io.ReadAll(nc)
			if len(got) > 7 || errors.Is(err, net.ErrClosed) || errorIsTimeout(err) {
				t.Errorf("%s: got %d bytes, %v; want an alert or nothing, and the end", name, len(got), err)
			}
			_ = nc.Close()
		}
	}
	until(t, "all are closed and counted", func() bool {
		return r.Conns() == 0 && r.Counters().TLSFailures == int64(2*len(cases))
	})
}

func errorIsTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

// clientHello returns the first record of a client.
func clientHello(tb testing.TB) []byte {
	tb.Helper()
	a, b := net.Pipe()
	defer func() { _ = a.Close() }()
	go func() { _ = tls.Client(b, &tls.Config{ServerName: "x", InsecureSkipVerify: true}).Handshake() }()
	p := make([]byte, 1<<16)
	n, err := a.Read(p)
	if err != nil {
		tb.Fatal(err)
	}
	return p[:n]
}

// TestTLSTinyRecords sends a client hello in records of one byte each: that is
// allowed, and answered.
func TestTLSTinyRecords(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1}, strangers(t))
	addr, _ := listenTLS(t, r, nil)
	nc := dial(t, addr)
	var records []byte
	for _, b := range clientHello(t)[5:] {
		records = append(records, 22, 3, 1, 0, 1, b)
	}
	mustWrite(t, nc, records)
	if got := mustRead(t, nc, 6); got[0] != 22 || got[5] != 2 {
		t.Errorf("got %x, want a server hello", got)
	}
}

// FuzzTLSHello feeds anything as the first bytes of a client: nothing of it
// may reach the handler, and the connection must end.
func FuzzTLSHello(f *testing.F) {
	f.Add(clientHello(f), 7)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 3)
	f.Add([]byte{22, 3, 3, 0, 4, 1, 255, 255, 255}, 1)
	f.Add([]byte{22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 1, 0}, 6)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		r := start(t, &loop.Options{Loops: 1, HandshakeTimeout: time.Minute}, strangers(t))
		addr, _ := listenTLS(t, r, nil)
		nc := dial(t, addr)
		cut = min(max(cut, 0), len(b))
		_, _ = nc.Write(b[:cut])
		_, _ = nc.Write(b[cut:])
		_ = nc.CloseWrite()
		_, _ = io.Copy(io.Discard, nc)
		_ = nc.Close()
		until(t, "it is closed", func() bool { return r.Conns() == 0 })
	})
}

func TestTLSProtocols(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1}, echo)
	for _, server := range [][]string{nil, {"http/1.1"}, {"h2", "http/1.1"}, {"h2"}} {
		addr, client := listenTLS(t, r, func(c *tls.Config) { c.NextProtos = server })
		for _, tt := range []struct {
			offers []string
			want   string
			fails  bool
		}{
			{offers: nil, want: ""},
			{offers: []string{"http/1.1"}, want: "http/1.1"},
			{offers: []string{"h2", "http/1.1"}, want: "http/1.1"},
			{offers: []string{"h2"}, fails: true},
		} {
			c := tls.Client(dial(t, addr), with(client, func(c *tls.Config) { c.NextProtos = tt.offers }))
			err := c.Handshake()
			switch {
			case tt.fails && (err == nil || !strings.Contains(err.Error(), "no application protocol")):
				t.Errorf("server %q, client %q: %v, want an alert that there is no application protocol", server, tt.offers, err)
			case !tt.fails && (err != nil || c.ConnectionState().NegotiatedProtocol != tt.want):
				t.Errorf("server %q, client %q: got %q, %v", server, tt.offers, c.ConnectionState().NegotiatedProtocol, err)
			}
			_ = c.Close()
		}
	}
}

// TestTLSConfigPerClient has GetConfigForClient answer with a configuration
// that offers HTTP/2.
func TestTLSConfigPerClient(t *testing.T) {
	t.Parallel()
	other := testcert.New(t, "other.example")
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, _ := listenTLS(t, r, func(c *tls.Config) {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if hello.Conn.RemoteAddr().(*net.TCPAddr).Port == 0 || hello.Conn.LocalAddr().(*net.TCPAddr).Port == 0 {
				t.Error("no addresses")
			}
			return &tls.Config{Certificates: []tls.Certificate{other.TLS()}, NextProtos: []string{"h2", "http/1.1"}}, nil
		}
	})
	c := dialTLS(t, addr, with(other.Client(), func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }))
	if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q", got)
	}
}

func TestTLSNeedsCertificate(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1}, echo)
	for _, cfg := range []*tls.Config{nil, {}} {
		if _, err := r.ListenTLS("tcp", "127.0.0.1:0", cfg); err == nil {
			t.Errorf("ListenTLS(%v) succeeded", cfg)
		} else if _, ok := errors.AsType[*loop.OptionError](err); !ok {
			t.Errorf("ListenTLS(%v): %v", cfg, err)
		}
	}
}

// TestTLSPanickingCallback has GetCertificate panic: the connection ends and
// nothing else.
func TestTLSPanickingCallback(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	cert := testcert.New(t, "x.example").TLS()
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, func(c *tls.Config) {
		c.Certificates = nil
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if calls.Add(1) == 1 {
				panic("no certificate today")
			}
			return &cert, nil
		}
	})
	client.InsecureSkipVerify = true
	if err := tls.Client(dial(t, addr), client).Handshake(); err == nil {
		t.Error("the handshake succeeded")
	}
	c := dialTLS(t, addr, client)
	mustWrite(t, c, []byte("x"))
	mustRead(t, c, 1)
}

// TestTLSTimeout stalls handshakes at every stage.
func TestTLSTimeout(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1, HandshakeTimeout: 50 * time.Millisecond}, strangers(t))
	addr, _ := listenTLS(t, r, nil)
	hello := clientHello(t)
	stages := map[string][]byte{"nothing": nil, "one byte": hello[:1], "half a hello": hello[:len(hello)/2], "a hello": hello}
	for name, b := range stages {
		nc := dial(t, addr)
		mustWrite(t, nc, b)
		_, err := io.Copy(io.Discard, nc)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", name, err)
		}
	}
	until(t, "all are counted", func() bool {
		c := r.Counters()
		return r.Conns() == 0 && c.TLSTimeouts == int64(len(stages)) && c.TLSFailures == 0
	})
}

// TestTLSFlood keeps every goroutine busy with clients that send a hello and
// nothing more, and many more in the queue. An honest client gets through in
// spite of a timeout that is far away, because whoever keeps others waiting is
// given up early.
func TestTLSFlood(t *testing.T) {
	t.Parallel()
	const limit = 20
	r := start(t, &loop.Options{Loops: 2, HandshakeTimeout: time.Hour, MaxHandshakes: limit}, echo)
	addr, client := listenTLS(t, r, nil)
	hello := clientHello(t)
	for range 4 * limit {
		mustWrite(t, dial(t, addr), hello)
		if n := r.HandshakesActive(); n > limit {
			t.Fatalf("%d goroutines for %d handshakes", n, limit)
		}
	}
	until(t, "every goroutine has one", func() bool { return r.HandshakesActive() == limit })
	c := dialTLS(t, addr, client)
	mustWrite(t, c, []byte("through"))
	if got := mustRead(t, c, 7); string(got) != "through" {
		t.Errorf("got %q", got)
	}
	if n := r.Counters().TLSTimeouts; n < limit {
		t.Errorf("%d were given up, want %d", n, limit)
	}
}

// TestTLSQueueIsBounded disconnects those for whom there is no place.
func TestTLSQueueIsBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	cert := testcert.New(t, "x.example").TLS()
	r := start(t, &loop.Options{Loops: 1, MaxHandshakes: 1}, echo)
	addr, client := listenTLS(t, r, func(c *tls.Config) {
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			<-release
			return &cert, nil
		}
		c.Certificates = nil
	})
	client.InsecureSkipVerify = true
	const clients = 10 // one under way, four in the queue
	results := make(chan error, clients)
	var wg sync.WaitGroup
	for range clients {
		nc := dial(t, addr)
		wg.Go(func() { results <- tls.Client(nc, client).Handshake() })
	}
	for range clients - 5 {
		if err := recv(t, results); err == nil {
			t.Error("a handshake succeeded before any could")
		}
	}
	close(release)
	for range 5 {
		if err := recv(t, results); err != nil {
			t.Errorf("one that was queued: %v", err)
		}
	}
	wg.Wait()
}

// TestTLSResumption resumes sessions with tickets.
func TestTLSResumption(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2}, echo)
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := with(client, only)
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := range 3 {
				c := dialTLS(t, addr, cfg)
				mustWrite(t, c, []byte("x"))
				mustRead(t, c, 1) // TLS 1.3: the ticket came before
				if got, want := c.ConnectionState().DidResume, i > 0; got != want {
					t.Errorf("connection %d: resumed %v, want %v", i, got, want)
				}
				_ = c.Close()
			}
		})
	}
}

// TestTLSReload changes the certificate while a connection is open.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	first, second := testcert.New(t, "first.example"), testcert.New(t, "second.example")
	var now atomic.Pointer[testcert.Cert]
	now.Store(first)
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, _ := listenTLS(t, r, func(c *tls.Config) {
		c.Certificates = nil
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert := now.Load().TLS()
			return &cert, nil
		}
	})
	old := dialTLS(t, addr, first.Client())
	now.Store(second)
	fresh := dialTLS(t, addr, second.Client())
	for _, c := range []*tls.Conn{old, fresh} {
		mustWrite(t, c, []byte("x"))
		mustRead(t, c, 1)
	}
}

// TestTLSShutdown stops a reactor with handshakes at every stage and
// connections behind theirs.
func TestTLSShutdown(t *testing.T) {
	t.Parallel()
	var closed atomic.Int32
	r := start(t, &loop.Options{Loops: 2, HandshakeTimeout: time.Hour, MaxHandshakes: 3}, func(*loop.Loop) *hooks {
		return &hooks{closed: func(_ *loop.Conn, err error) {
			closed.Add(1)
			if !errors.Is(err, loop.ErrShutdown) {
				t.Errorf("closed with %v", err)
			}
		}}
	})
	addr, client := listenTLS(t, r, nil)
	open := dialTLS(t, addr, client)
	hello := clientHello(t)
	for i := range 12 {
		mustWrite(t, dial(t, addr), hello[:len(hello)*(i%3)/2])
	}
	until(t, "all are accepted", func() bool { return r.Conns() == 13 })
	r.StopAccepting()
	until(t, "handshakes are given up", func() bool { return r.Conns() == 1 })
	shutdown(t, r)
	if _, err := io.ReadAll(open); err != nil {
		t.Errorf("the end of the connection: %v, want a close_notify", err)
	}
	if n := closed.Load(); n != 1 {
		t.Errorf("Closed was called %d times", n)
	}
}

// TestTLSCrowd has many clients at once come, speak and go.
func TestTLSCrowd(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2}, echo)
	addr, client := listenTLS(t, r, nil)
	const clients, rounds = 120, 3
	var wg sync.WaitGroup
	gate := make(chan struct{}, 30)
	for range clients {
		wg.Go(func() {
			for range rounds {
				gate <- struct{}{}
				c, err := tls.Dial("tcp", addr, client)
				<-gate
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				if _, err := c.Write([]byte("hello")); err != nil {
					t.Error(err)
				}
				if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
					t.Error(err)
				}
				_ = c.Close()
			}
		})
	}
	wg.Wait()
	until(t, "all are gone", func() bool { return r.Conns() == 0 })
	if c := r.Counters(); c.TLSHandshakes != clients*rounds || c.TLSFailures+c.TLSTimeouts+c.TLSErrors != 0 {
		t.Errorf("counters: %+v", c)
	}
}
