package main

import (
	"context"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// startTicker is profile ticker: bench, and the server emits by itself.
func startTicker(ctx context.Context, c *config) (service, error) {
	return newSIO(c, &sio.Options{}, func(srv *sio.Server) {
		benchEvents(c, srv.Root())
		c.background.Go(func() { c.tick(ctx, srv.Root().All()) }) // stops when ctx ends
	})
}

// tick emits the sequence number, the time and the payload to all, -hz times
// a second.
func (c *config) tick(ctx context.Context, to sio.Target) {
	if c.volatile {
		to = to.Volatile()
	}
	if c.conflate {
		to = to.Latest("tick")
	}
	payload := strings.Repeat("x", c.payload)
	t := time.NewTicker(time.Duration(float64(time.Second) / c.hz))
	defer t.Stop()
	for sequence := 0; ; sequence++ {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		// The only error is that of a server that has shut down, which ctx tells.
		_ = to.Emit("tick", sequence, time.Now().UnixNano(), payload)
	}
}
