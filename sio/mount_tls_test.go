package sio_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/sio"
)

// newTLSMount is newMount behind TLS, with the configuration of a client.
func newTLSMount(tb testing.TB, o *sio.Options, setup func(*sio.Server)) (*mounting, *tls.Config) {
	tb.Helper()
	m := newMount(tb, o, setup, nil, (*httptest.Server).StartTLS)
	roots := m.web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return m, &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// TestMountTLS speaks over HTTP/2 and over encrypted WebSockets, and goes from
// one to the other.
func TestMountTLS(t *testing.T) {
	t.Parallel()
	secure := make(chan bool, 16)
	m, cfg := newTLSMount(t, &sio.Options{Loops: 5}, func(srv *sio.Server) {
		echoing(srv)
		srv.OnConnection(func(s *sio.Socket) {
			h := s.Handshake()
			secure <- h.Secure && h.Address.Addr().IsLoopback()
		})
	})
	for range 3 {
		p := newTLSPollClient(t, m.addr, cfg.Clone()) // which it changes
		speak(t, p, func(q string) *wsClient { return dialWSS(t, m.addr, q, cfg) })
		c := dialWSS(t, m.addr, "", cfg)
		c.wantPrefix("0{")
		c.send("40")
		c.wantPrefix("40{")
		c.send(`427["echo",1]`)
		c.want(`437[1]`)
		for range 2 {
			if !recv(t, "a handshake", secure) {
				t.Error("the handshake does not tell the client's address, or that it is encrypted")
			}
		}
	}
	res, err := httpsClient(t, cfg.Clone(), 1).Get("https://" + m.addr + pollPath)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Errorf("polling over %s, want HTTP/2", res.Proto)
	}
	if st := m.srv.Stats(); st.WebSocket != 6 || st.Adopted != 0 || st.Bridged < 6 {
		t.Errorf("%d WebSockets, %d adopted, %d bridged", st.WebSocket, st.Adopted, st.Bridged)
	}
}

// TestMountTLS11 polls over HTTP/1.1: the connection stays with net/http.
func TestMountTLS11(t *testing.T) {
	t.Parallel()
	m, cfg := newTLSMount(t, nil, echoing)
	nc, err := tls.Dial("tcp", m.addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	c := &rawConn{t, nc, bufio.NewReader(nc)}
	_, body := c.ask("GET", pollPath)
	sid := sidOf(t, body)
	for range 3 {
		c.write(postRequest(sid, "40") + "GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, _, body := c.response(); body != "ok" {
			t.Fatalf("POST: %q", body)
		}
		if _, _, body := c.response(); body != "page GET" {
			t.Fatalf("page: %q", body)
		}
		if _, body := c.ask("GET", pollPath+"&sid="+sid); !strings.HasPrefix(body, "40{") {
			t.Fatalf("GET: %q", body)
		}
		_, body := c.ask("GET", pollPath)
		sid = sidOf(t, body)
	}
	c.write("GET " + pollPath + "&sid=" + sid + " HTTP/1.1\r\nHost: x\r\n\r\n")
	eventually(t, "the poll waits", func() bool { return m.srv.Stats().Bridged == 1 })
	_ = nc.Close() // while a poll waits
	eventually(t, "its session ends", func() bool { st := m.srv.Stats(); return st.Sessions == 3 && st.Bridged == 0 })
}

// TestMountBodiesHTTP2 posts bodies without a length, too large ones and one
// that is broken off.
func TestMountBodiesHTTP2(t *testing.T) {
	t.Parallel()
	m, cfg := newTLSMount(t, &sio.Options{MaxHTTPBufferSize: 1000}, echoing)
	p := newTLSPollClient(t, m.addr, cfg)
	p.post("40")
	p.get()
	post := func(ctx context.Context, body io.Reader) (int, error) {
		req, err := http.NewRequestWithContext(ctx, "POST", p.url(), body)
		if err != nil {
			return 0, err
		}
		req.ContentLength = -1
		res, err := p.http.Do(req)
		if err != nil {
			return 0, err
		}
		defer func() { _ = res.Body.Close() }()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode, nil
	}
	if status, err := post(t.Context(), strings.NewReader(`420["echo",1]`)); status != 200 || err != nil {
		t.Errorf("without a length: %d, %v", status, err)
	}
	if got := p.get(); got != `430[1]` {
		t.Errorf("echo: %q", got)
	}
	if status, err := post(t.Context(), strings.NewReader(strings.Repeat("x", 1001))); status != 413 || err != nil {
		t.Errorf("too large: %d, %v", status, err)
	}
	p.post(`421["echo",2]`) // the session lives
	if got := p.get(); got != `431[2]` {
		t.Errorf("echo: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := post(ctx, r)
		done <- err
	}()
	_, _ = io.WriteString(w, "42[") // it is being read
	cancel()
	if err := recv(t, "the end of the POST", done); err == nil {
		t.Error("the POST was answered")
	}
	_ = w.Close()
	eventually(t, "the session ends with its POST", func() bool { return m.srv.Stats().Sessions == 0 })
}

// TestMountBridgeSlow sends to clients that do not read, over an encrypted
// WebSocket and over HTTP/2: what waits for them is bounded as anywhere, and in
// the end they are given up.
func TestMountBridgeSlow(t *testing.T) {
	t.Parallel()
	const limit = 256 << 10
	m, cfg := newTLSMount(t, &sio.Options{MaxQueue: limit, WriteTimeout: patience}, nil)
	c := dialWSS(t, m.addr, "", cfg)
	c.wantPrefix("0{")
	c.send("40")
	c.wantPrefix("40{")
	big := strings.Repeat("x", 16<<10)
	n := 0
	for ; m.srv.Stats().Sessions > 0 && n < 10_000; n++ {
		if err := m.srv.Emit("big", big); err != nil {
			t.Fatal(err)
		}
	}
	st := m.srv.Stats()
	if st.SlowConsumers != 1 {
		t.Errorf("after %d events of 16 KiB: %+v", n, st)
	}
	eventually(t, "its connection is closed", func() bool { return m.srv.Stats().Bridged == 0 })
}

// TestMountBridgeDisconnects breaks connections off at once.
func TestMountBridgeDisconnects(t *testing.T) {
	t.Parallel()
	reasons := make(chan sio.DisconnectReason, 64)
	m, cfg := newTLSMount(t, nil, func(srv *sio.Server) {
		srv.Root().OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { reasons <- r })
	})
	for range cap(reasons) {
		c := dialWSS(t, m.addr, "", cfg)
		c.wantPrefix("0{")
		c.send("40")
		c.wantPrefix("40{")
		tcp := c.conn.(*tls.Conn).NetConn().(*net.TCPConn)
		_ = tcp.SetLinger(0)
		_ = tcp.Close() // a reset, and no close_notify
	}
	for range cap(reasons) {
		if r := recv(t, "a disconnect", reasons); r != sio.ReasonTransportClose {
			t.Errorf("reason %q", r)
		}
	}
	eventually(t, "nothing is left", func() bool { st := m.srv.Stats(); return st.Bridged == 0 && st.Connections == 0 })
}

// TestMountBridgeCloses shows that a close frame is read before the end.
func TestMountBridgeCloses(t *testing.T) {
	t.Parallel()
	m, cfg := newTLSMount(t, nil, nil)
	c := dialWSS(t, m.addr, "", cfg)
	c.wantPrefix("0{")
	c.send("40")
	c.wantPrefix("40{")
	var rest bytes.Buffer
	_ = ws.WriteFrame(&rest, ws.NewTextFrame([]byte("not masked")))
	rest.Write(make([]byte, 512<<10))               // which nobody reads as frames
	if _, err := rest.WriteTo(c.conn); err != nil { // it is taken all the same
		t.Fatal(err)
	}
	c.wantClose(1002)
	c = dialWSS(t, m.addr, "", cfg)
	c.wantPrefix("0{")
	if _, err := c.conn.Write(bytes.Repeat([]byte{0x81, 0x80, 1, 2, 3, 4}, 1)); err != nil { // an empty packet
		t.Fatal(err)
	}
	c.wantClose(0)
}

// TestMountBridgeShutdown leaves no goroutine of a bridge behind, whether its
// clients listen or not. It is not parallel, because it counts goroutines.
func TestMountBridgeShutdown(t *testing.T) {
	for _, patient := range []bool{true, false} {
		t.Run(fmt.Sprintf("patient=%v", patient), func(t *testing.T) {
			m, cfg := newTLSMount(t, &sio.Options{Loops: 1}, nil)
			before := runtime.NumGoroutine()
			for range 20 {
				c := dialWSS(t, m.addr, "", cfg)
				c.wantPrefix("0{")
				if patient {
					go func() { // ends with the connection
						_, _ = io.Copy(io.Discard, c.r)
						_ = c.conn.Close()
					}()
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if !patient {
				cancel()
			}
			if err := m.srv.Shutdown(ctx); (err == nil) != patient {
				t.Errorf("Shutdown: %v", err)
			}
			eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}
