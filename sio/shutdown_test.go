package sio_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestShutdownOnLoop has an Inline handler stop the server, which would wait
// for the loop that it blocks.
func TestShutdownOnLoop(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Root().Inline().Handle("stop", func(e *sio.Event) error {
			ctx, cancel := context.WithTimeout(context.Background(), patience/4)
			defer cancel()
			got <- e.Socket().Namespace().Server().Shutdown(ctx)
			return nil
		})
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`42["stop"]`)
	if err := recv(t, "Shutdown", got); !errors.Is(err, sio.ErrOnLoop) {
		t.Errorf("Shutdown on a loop: %v, want ErrOnLoop", err)
	}
}

// TestCloseDuringShutdown cuts off a Shutdown that waits for a handler.
func TestCloseDuringShutdown(t *testing.T) {
	t.Parallel()
	hold, working := make(chan struct{}), make(chan struct{})
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Handle("work", func(*sio.Event) error {
			close(working)
			<-hold
			return nil
		})
	})
	defer close(hold)
	c, _ := connectWS(t, addr, "/")
	c.send(`42["work"]`)
	recv(t, "the handler", working)
	graceful, expired := make(chan error, 1), make(chan error, 1)
	go func() { graceful <- srv.Shutdown(context.Background()) }()
	eventually(t, "the server shuts down", func() bool {
		d, err := net.Dial("tcp", addr)
		if err == nil {
			_ = d.Close()
		}
		return err != nil
	})
	go func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		expired <- srv.Shutdown(ctx)
	}()
	if err := recv(t, "the second Shutdown", expired); !errors.Is(err, context.Canceled) {
		t.Errorf("a second Shutdown whose context has ended: %v, want %v", err, context.Canceled)
	}
	if err := srv.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := srv.Wait(); !errors.Is(err, sio.ErrServerClosed) {
		t.Errorf("Wait: %v", err)
	}
	if err := recv(t, "Shutdown", graceful); !errors.Is(err, context.Canceled) {
		t.Errorf("the Shutdown that was cut off: %v, want %v", err, context.Canceled)
	}
}
