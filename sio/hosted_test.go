package sio_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/sio"
)

// newThroughHTTP starts a server as on systems whose loops cannot watch sockets.
func newThroughHTTP(t *testing.T, listen func(*sio.Server) (net.Addr, error)) (srv *sio.Server, addr string) {
	t.Helper()
	srv, err := sio.NewThroughHTTP(&sio.Options{Loops: 2, Logger: discard})
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
	srv, addr := newThroughHTTP(t, func(s *sio.Server) (net.Addr, error) { return s.Listen("tcp", "127.0.0.1:0") })
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
	srv, addr := newThroughHTTP(t, func(s *sio.Server) (net.Addr, error) {
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
