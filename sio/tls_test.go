package sio_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/sio"
)

// newTLSServer is newServer behind a certificate in files, which are in dir.
func newTLSServer(tb testing.TB, o *sio.Options, setup func(*sio.Server)) (srv *sio.Server, addr, dir string, cert *testcert.Cert) {
	tb.Helper()
	cert = testcert.New(tb, "first.example")
	dir = tb.TempDir()
	certFile, keyFile := cert.Write(tb, dir)
	srv, _ = newServer(tb, o, setup)
	a, err := srv.ListenTLS("tcp", "127.0.0.1:0", certFile, keyFile)
	if err != nil {
		tb.Fatal(err)
	}
	return srv, a.String(), dir, cert
}

// dialWSS is dialWS for an encrypted connection.
func dialWSS(tb testing.TB, addr, query string, cfg *tls.Config) *wsClient {
	tb.Helper()
	d := ws.Dialer{Timeout: patience, TLSConfig: cfg}
	c, br, _, err := d.Dial(context.Background(), "wss://"+addr+"/socket.io/?EIO=4&transport=websocket"+query)
	if err != nil {
		tb.Fatalf("dial: %v", err)
	}
	if br == nil {
		br = bufio.NewReader(c)
	}
	w := &wsClient{t: tb, conn: c, r: br}
	tb.Cleanup(func() { _ = c.Close() })
	return w
}

// httpsClient returns a client with keep-alive connections.
func httpsClient(tb testing.TB, cfg *tls.Config, conns int) *http.Client {
	tb.Helper()
	tr := &http.Transport{TLSClientConfig: cfg, MaxConnsPerHost: conns, ForceAttemptHTTP2: true}
	tb.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func newTLSPollClient(tb testing.TB, addr string, cfg *tls.Config) *pollClient {
	tb.Helper()
	c := &pollClient{t: tb, base: "https://" + addr + "/socket.io/?EIO=4&transport=polling", http: httpsClient(tb, cfg, 0)}
	_, body := c.do("GET", "")
	c.sid, _, _ = strings.Cut(strings.TrimPrefix(body, `0{"sid":"`), `"`)
	return c
}

func echoing(srv *sio.Server) {
	srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
}

// TestTLSTransports speaks over both transports and goes from one to the other.
// There are more loops than connections, so that requests move.
func TestTLSTransports(t *testing.T) {
	t.Parallel()
	secure := make(chan bool, 100)
	_, addr, _, cert := newTLSServer(t, &sio.Options{Loops: 4}, func(srv *sio.Server) {
		echoing(srv)
		srv.OnConnection(func(s *sio.Socket) { secure <- s.Handshake().Secure })
	})
	for range 8 {
		c := dialWSS(t, addr, "", cert.Client())
		c.wantPrefix(`0{"sid":"`)
		c.send("40")
		c.wantPrefix(`40{"sid":"`)
		c.send(`420["echo","websocket"]`)
		c.want(`430["websocket"]`)

		p := newTLSPollClient(t, addr, cert.Client())
		p.post("40")
		if got := p.get(); !strings.HasPrefix(got, `40{"sid":"`) {
			t.Fatalf("got %q", got)
		}
		p.post(`421["echo","polling"]`)
		if got := p.get(); got != `431["polling"]` {
			t.Fatalf("got %q", got)
		}

		u := dialWSS(t, addr, "&sid="+p.sid, cert.Client())
		u.send("2probe")
		u.want("3probe")
		u.send("5")
		u.send(`422["echo","upgraded"]`)
		u.want(`432["upgraded"]`)
		for range 2 {
			if !recv(t, "whether it is encrypted", secure) {
				t.Error("Handshake().Secure is false")
			}
		}
	}
}

// TestTLSPages has one connection carry pages, which net/http serves, and
// polling, on a loop, in turn.
func TestTLSPages(t *testing.T) {
	t.Parallel()
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := "no TLS"
		if r.TLS != nil {
			state = r.TLS.ServerName + " " + tls.VersionName(r.TLS.Version)
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s %d", r.RemoteAddr, r.URL.Path, state, len(body))
	})
	_, addr, _, cert := newTLSServer(t, &sio.Options{Loops: 2, Fallback: pages}, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := cert.Client()
		cfg.MaxVersion, cfg.ServerName = version, "first.example"
		client := httpsClient(t, cfg, 1)
		peer := ""
		for i := range 6 {
			body := strings.Repeat("x", i*10_000)
			res, err := client.Post("https://"+addr+"/page", "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			from, rest, _ := strings.Cut(string(got), " ")
			if want := fmt.Sprintf("/page first.example %s %d", tls.VersionName(version), len(body)); rest != want {
				t.Errorf("page: got %q, want %q", rest, want)
			}
			if peer != "" && from != peer {
				t.Errorf("another connection: %s and %s", peer, from)
			}
			peer = from
			res, err = client.Get("https://" + addr + "/socket.io/?EIO=4&transport=polling")
			if err != nil {
				t.Fatal(err)
			}
			got, _ = io.ReadAll(res.Body)
			_ = res.Body.Close()
			if !bytes.HasPrefix(got, []byte(`0{"sid":"`)) {
				t.Errorf("polling: got %q", got)
			}
		}
	}
}

// TestTLSPipelined sends requests for both sides in one record.
func TestTLSPipelined(t *testing.T) {
	t.Parallel()
	_, addr, _, cert := newTLSServer(t, &sio.Options{Fallback: http.NotFoundHandler()}, nil)
	c, err := tls.Dial("tcp", addr, cert.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	const page, poll = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"
	if _, err := io.WriteString(c, page+poll+page+page+poll+poll); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for i, want := range []int{404, 200, 404, 404, 200, 200} {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("response %d: %d, want %d", i, res.StatusCode, want)
		}
	}
}

// TestTLSLargeMessages echoes 1 MiB of binary between clients that read slowly.
func TestTLSLargeMessages(t *testing.T) {
	t.Parallel()
	_, addr, _, cert := newTLSServer(t, &sio.Options{MaxHTTPBufferSize: 2 << 20}, func(srv *sio.Server) {
		srv.Handle("blob", func(e *sio.Event) error {
			for range 3 {
				if err := e.Socket().Emit("blob", e.Binary(0)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	blob := make([]byte, 1<<20)
	for i := range blob {
		blob[i] = byte(i>>8 ^ i)
	}
	var wg sync.WaitGroup
	for range 4 {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.(*net.TCPConn).SetReadBuffer(32 << 10)
		d := ws.Dialer{TLSConfig: cert.Client(), NetDial: func(context.Context, string, string) (net.Conn, error) { return nc, nil }}
		tc, br, _, err := d.Dial(t.Context(), "wss://"+addr+"/socket.io/?EIO=4&transport=websocket")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tc.Close() })
		if br == nil {
			br = bufio.NewReader(tc)
		}
		c := &wsClient{t: t, conn: tc, r: br}
		c.wantPrefix("0{")
		c.send("40")
		c.wantPrefix("40{")
		c.send(`451-["blob",{"_placeholder":true,"num":0}]`)
		c.sendBinary(blob)
		wg.Go(func() {
			for range 3 {
				_ = tc.SetReadDeadline(time.Now().Add(patience))
				f, err := ws.ReadFrame(c.r)
				if err == nil && f.Header.OpCode == ws.OpText {
					f, err = ws.ReadFrame(c.r)
				}
				if err != nil || !bytes.Equal(f.Payload, blob) {
					t.Errorf("the blob differs: %d bytes, %v", len(f.Payload), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestTLSBroadcast sends every client of a crowd the same, which each gets
// encrypted for itself and in order.
func TestTLSBroadcast(t *testing.T) {
	t.Parallel()
	const clients, packets = 100, 50
	srv, addr, _, cert := newTLSServer(t, nil, nil)
	cfg := cert.Client()
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	crowd := make([]*wsClient, clients)
	for i := range crowd {
		crowd[i] = dialWSS(t, addr, "", cfg)
		crowd[i].wantPrefix("0{")
		crowd[i].send("40")
		crowd[i].wantPrefix("40{")
	}
	for i := range packets {
		if err := srv.Emit("tick", i); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, c := range crowd {
		wg.Go(func() {
			_ = c.conn.SetReadDeadline(time.Now().Add(patience))
			for i := range packets {
				f, err := ws.ReadFrame(c.r)
				if want := fmt.Sprintf(`42["tick",%d]`, i); err != nil || string(f.Payload) != want {
					t.Errorf("got %q, %v, want %q", f.Payload, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if st := srv.Stats(); st.TLSHandshakes != clients || st.TLSFailures+st.TLSTimeouts+st.TLSErrors != 0 || st.WebSocket != clients {
		t.Errorf("stats: %+v", st)
	}
}

// TestTLSReloadCertificates changes the files while a session is open, and
// breaks them afterwards.
func TestTLSReloadCertificates(t *testing.T) {
	t.Parallel()
	srv, addr, dir, first := newTLSServer(t, nil, echoing)
	old := dialWSS(t, addr, "", first.Client())
	old.wantPrefix("0{")
	old.send("40")
	old.wantPrefix("40{")

	second := testcert.New(t, "second.example")
	second.Write(t, dir)
	dialWSS(t, addr, "", first.Client()).wantPrefix("0{") // nothing is read unasked
	if err := srv.ReloadCertificates(); err != nil {
		t.Fatal(err)
	}
	dialWSS(t, addr, "", second.Client()).wantPrefix("0{")

	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := srv.ReloadCertificates(); err == nil || !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("a broken key: %v", err)
	}
	dialWSS(t, addr, "", second.Client()).wantPrefix("0{")
	old.send(`421["echo","still here"]`)
	old.want(`431["still here"]`)
}

// TestTLSConfigBesideFiles asks GetCertificate before the files.
func TestTLSConfigBesideFiles(t *testing.T) {
	t.Parallel()
	named := testcert.New(t, "named.example")
	_, addr, _, first := newTLSServer(t, &sio.Options{TLSConfig: &tls.Config{
		NextProtos: []string{"h2"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName != "named.example" {
				return nil, nil //nolint:nilnil // crypto/tls allows it: somebody else has the certificate
			}
			pair := named.TLS()
			return &pair, nil
		},
	}}, nil)
	cfg := named.Client()
	cfg.ServerName = "named.example"
	dialWSS(t, addr, "", cfg).wantPrefix("0{")
	dialWSS(t, addr, "", first.Client()).wantPrefix("0{")
}

func TestTLSMistakes(t *testing.T) {
	t.Parallel()
	srv, err := sio.NewServer(&sio.Options{Logger: slog.New(slog.DiscardHandler), Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	if _, err := srv.ListenTLS("tcp", "127.0.0.1:0", "no.pem", "no.pem"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no files: %v", err)
	}
	oe, ok := errors.AsType[*sio.OptionError](srv.ListenAndServeTLS("127.0.0.1:0", "", ""))
	if !ok || oe.Field != "TLSConfig" {
		t.Errorf("no certificate: %v", oe)
	}
	if _, err := sio.NewServer(&sio.Options{TLSHandshakeTimeout: -1}); err == nil {
		t.Error("a negative TLSHandshakeTimeout is accepted")
	}
}

// TestTLSOrigin compares the scheme of the Origin too, because here it is
// known.
func TestTLSOrigin(t *testing.T) {
	t.Parallel()
	_, addr, _, cert := newTLSServer(t, nil, nil)
	client := httpsClient(t, cert.Client(), 0)
	for origin, want := range map[string]int{"https://" + addr: 200, "http://" + addr: 403, "https://other.example": 403} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/socket.io/?EIO=4&transport=polling", http.NoBody)
		req.Header.Set("Origin", origin)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("Origin %s: %d, want %d", origin, res.StatusCode, want)
		}
	}
}

// TestTLSAllowRequest lets a handshake be judged by its client certificate.
func TestTLSAllowRequest(t *testing.T) {
	t.Parallel()
	own := testcert.New(t, "client.example")
	_, addr, _, cert := newTLSServer(t, &sio.Options{
		TLSConfig: &tls.Config{ClientAuth: tls.RequestClientCert},
		AllowRequest: func(r *http.Request) error {
			if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != "client.example" {
				return &sio.Error{Message: "certificate needed"}
			}
			return nil
		},
	}, nil)
	cfg := cert.Client()
	c := &pollClient{t: t, base: "https://" + addr + "/socket.io/?EIO=4&transport=polling", http: httpsClient(t, cfg, 0)}
	if status, body := c.do("GET", ""); status != 403 || !strings.Contains(body, "certificate needed") {
		t.Errorf("without a certificate: %d %q", status, body)
	}
	cfg = cert.Client()
	cfg.Certificates = []tls.Certificate{own.TLS()}
	dialWSS(t, addr, "", cfg).wantPrefix("0{")
}

// TestServeListeners takes listeners over that are open already.
func TestServeListeners(t *testing.T) {
	t.Parallel()
	cert := testcert.New(t, "x.example")
	certFile, keyFile := cert.Write(t, t.TempDir())
	socket := filepath.Join(t.TempDir(), "s")
	for name, serve := range map[string]func(*sio.Server, net.Listener) error{
		"clear text": (*sio.Server).Serve,
		"encrypted":  func(s *sio.Server, l net.Listener) error { return s.ServeTLS(l, certFile, keyFile) },
	} {
		for network, at := range map[string]string{"tcp": "127.0.0.1:0", "unix": socket} {
			srv, err := sio.NewServer(&sio.Options{Logger: slog.New(slog.DiscardHandler), Loops: 3})
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen(network, at)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- serve(srv, l) }()
			for range 5 {
				d := ws.Dialer{TLSConfig: cert.Client(), NetDial: func(context.Context, string, string) (net.Conn, error) {
					return net.Dial(network, l.Addr().String())
				}}
				scheme := "ws"
				if name == "encrypted" {
					scheme = "wss"
				}
				c, _, _, err := d.Dial(t.Context(), scheme+"://127.0.0.1/socket.io/?EIO=4&transport=websocket")
				if err != nil {
					t.Fatalf("%s, %s: %v", name, network, err)
				}
				_ = c.Close()
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			if err := srv.Shutdown(ctx); err != nil {
				t.Errorf("%s, %s: %v", name, network, err)
			}
			cancel()
			if err := recv(t, "the end of Serve", ended); !errors.Is(err, sio.ErrServerClosed) {
				t.Errorf("%s, %s: Serve returned %v", name, network, err)
			}
			if _, err := os.Stat(socket); network == "unix" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file of the socket is still there: %v", err)
			}
		}
	}
}
