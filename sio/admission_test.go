package sio_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestInputBeforeAdmission sends more than is kept in memory before the
// handshake was admitted: the WebSocket is read on afterwards.
func TestInputBeforeAdmission(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	o := &sio.Options{AllowRequest: func(*http.Request) error {
		<-hold
		return nil
	}}
	srv, l, _ := driven(t, o, func(*sio.Server) {})
	c := openRecorder(srv)
	c.Inject([]byte(upgradeRequest))
	for range 20_000 {
		c.Inject(masked("6"))
	}
	close(hold)
	eventually(t, "the session opens", func() bool {
		l.Drive()
		return srv.Stats().Sessions == 1
	})
	c.Inject(masked("40"))
	second(l)
	if n := srv.Stats().Sockets; n != 1 {
		t.Errorf("%d sockets connected: the WebSocket is not read", n)
	}
}

// TestAdmissionDuringShutdown admits a handshake when the server is already
// waiting for its last handlers: it comes too late.
func TestAdmissionDuringShutdown(t *testing.T) {
	t.Parallel()
	admit, work := make(chan struct{}), make(chan struct{})
	asked, working := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	srv, err := sio.NewServer(&sio.Options{
		Loops: 1, Logger: slog.New(slog.DiscardHandler),
		AllowRequest: func(*http.Request) error {
			if first.Swap(true) {
				close(asked)
				<-admit
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("work", func(*sio.Event) error {
		close(working)
		<-work
		return nil
	})
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	busy, _ := connectWS(t, a.String(), "/")
	busy.send(`42["work"]`)
	recv(t, "the handler", working)
	response := make(chan string, 1)
	go func() {
		response <- rawHTTP(t, a.String(), "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
	}()
	recv(t, "AllowRequest", asked)
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(context.Background()) }()
	eventually(t, "the listener is closed", func() bool {
		c, err := net.Dial("tcp", a.String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(admit)
	if got := recv(t, "the response", response); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("a handshake during Shutdown was answered %q, want 503", got)
	}
	close(work)
	if err := recv(t, "Shutdown", stopped); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
