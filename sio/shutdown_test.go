package sio_test

import (
	"context"
	"errors"
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
