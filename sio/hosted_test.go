package sio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/sio"
)

// newThroughHTTP starts a server as on systems whose loops cannot watch sockets.
func newThroughHTTP(t *testing.T, fallback http.Handler, listen func(*sio.Server) (net.Addr, error)) (srv *sio.Server, addr string) {
	t.Helper()
	srv, err := sio.NewThroughHTTP(&sio.Options{Loops: 2, Logger: discard, Fallback: fallback})
	if err != nil {
		t.Fatal(err)
	}
	echoing(srv)
	a, err := listen(srv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if c, err := net.Dial("tcp", a.String()); err == nil {
			_ = c.Close()
			t.Error("the port is still open after Shutdown")
		}
	})
	return srv, a.String()
}

// wantBridged checks that net/http carries n WebSockets and nothing else is left.
func wantBridged(t *testing.T, srv *sio.Server, n int) {
	t.Helper()
	var st sio.Stats
	defer func() {
		if t.Failed() {
			t.Logf("%d connections, %d adopted, %d bridged, %d WebSockets, want %d through net/http", st.Connections, st.Adopted, st.Bridged, st.WebSocket, n)
		}
	}()
	eventually(t, "all connections but the WebSockets are gone", func() bool {
		st = srv.Stats() // which asks for one figure after the other
		return st.Connections == n && st.Adopted == 0 && st.Bridged == n && st.WebSocket == n
	})
}

// TestThroughHTTP speaks over both transports, and is broadcast to, where
// net/http has all connections.
func TestThroughHTTP(t *testing.T) {
	t.Parallel()
	srv, addr := newThroughHTTP(t, nil, func(s *sio.Server) (net.Addr, error) { return s.Listen("tcp", "127.0.0.1:0") })
	speak(t, newPollClient(t, addr), func(q string) *wsClient { return dialWS(t, addr, q, nil) })
	a, _ := connectWS(t, addr, "/")
	b, _ := connectWS(t, addr, "/")
	wantBridged(t, srv, 3)
	if err := srv.Emit("all", 1); err != nil {
		t.Fatal(err)
	}
	a.want(`42["all",1]`)
	b.want(`42["all",1]`)
}

// TestThroughHTTPTLS does the same over TLS, on a listener that was open.
func TestThroughHTTPTLS(t *testing.T) {
	t.Parallel()
	cert := testcert.New(t, "first.example")
	certFile, keyFile := cert.Write(t, t.TempDir())
	served := make(chan error, 1)
	t.Cleanup(func() { // after Shutdown
		if err := recv(t, "the end of ServeTLS", served); !errors.Is(err, sio.ErrServerClosed) {
			t.Errorf("ServeTLS: %v", err)
		}
	})
	srv, addr := newThroughHTTP(t, nil, func(s *sio.Server) (net.Addr, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go func() { served <- s.ServeTLS(ln, certFile, keyFile) }() // ends with Shutdown
		return ln.Addr(), nil
	})
	speak(t, newTLSPollClient(t, addr, cert.Client()), func(q string) *wsClient { return dialWSS(t, addr, q, cert.Client()) })
	wantBridged(t, srv, 1)
}

// TestThroughHTTPShutdown stops a server while a page is being written, which is
// waited for, and while clients have connected and said nothing, or not all of
// a request, which are not.
func TestThroughHTTPShutdown(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}), make(chan struct{})
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the beginning")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-end
		_, _ = io.WriteString(w, " and the end")
	})
	srv, addr := newThroughHTTP(t, page, func(s *sio.Server) (net.Addr, error) { return s.Listen("tcp", "127.0.0.1:0") })
	var quiet []net.Conn
	for _, said := range []string{"", "GET / HT"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, said); err != nil {
			t.Fatal(err)
		}
		quiet = append(quiet, c)
	}
	res, err := http.Get("http://" + addr + "/page")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	recv(t, "the request", begun)
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(context.Background()) }() // waits for the page
	for _, c := range quiet {
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("a quiet client: %d bytes, %v", n, err)
		}
	}
	select {
	case err := <-stopped:
		t.Errorf("Shutdown did not wait for the page: %v", err)
	default:
	}
	close(end)
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "the beginning and the end" {
		t.Errorf("the page: %q, %v", body, err)
	}
	if err := recv(t, "the end of Shutdown", stopped); err != nil {
		t.Error(err)
	}
}
