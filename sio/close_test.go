package sio_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestCloseWithoutListening: a server that was never started can be closed, in
// either way and twice, and closes the adapters that it has.
func TestCloseWithoutListening(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*sio.Server) error{
		"Close":    (*sio.Server).Close,
		"Shutdown": func(s *sio.Server) error { return s.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &hub{}
			srv, err := sio.NewServer(&sio.Options{Adapter: h.adapter, Logger: discard})
			if err != nil {
				t.Fatal(err)
			}
			srv.Of("/other")
			for range 2 {
				if err := end(srv); err != nil {
					t.Errorf("%v", err)
				}
			}
			if len(h.closed) != 2 {
				t.Errorf("closed %q, want / and /other", h.closed)
			}
			if err := srv.Emit("nobody hears"); err != nil && !errors.Is(err, sio.ErrServerClosed) {
				t.Errorf("Emit: %v", err)
			}
			if _, err := srv.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, sio.ErrServerClosed) {
				t.Errorf("Listen: %v, want ErrServerClosed", err)
			}
		})
	}
}

// TestShutdownFreesThePort while clients are there, and leaves no socket.
func TestShutdownFreesThePort(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	c, _ := connectWS(t, addr, "/")
	if n := srv.Root().Len(); n != 1 {
		t.Errorf("%d sockets, want 1", n)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(context.Background()) }()
	c.wantClose(0)
	if err := recv(t, "Shutdown", stopped); err != nil {
		t.Error(err)
	}
	if n := srv.Root().Len(); n != 0 {
		t.Errorf("%d sockets afterwards", n)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	_ = l.Close()
}
