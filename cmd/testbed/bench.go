package main

import (
	"context"

	"github.com/gannet-io/gannet/sio"
)

// startBench is profile bench.
func startBench(_ context.Context, c *config) (service, error) {
	o := &sio.Options{}
	if err := c.set.apply(o); err != nil {
		return nil, err
	}
	return newSIO(c, o, func(srv *sio.Server) { benchEvents(c, srv.Root()) })
}

// benchEvents are the events that load generators use.
func benchEvents(c *config, n *sio.Namespace) {
	on := c.handlers(n)
	on.Handle("echo", func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})
	on.Handle("broadcast", func(e *sio.Event) error { return n.Emit("broadcast", e.Args()...) })
	on.Handle("volatile", func(e *sio.Event) error { return n.Volatile().Emit("broadcast", e.Args()...) })
	on.Handle("join", roomEvent((*sio.Socket).Join))
	on.Handle("leave", roomEvent((*sio.Socket).Leave))
	on.Handle("room", func(e *sio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err
		}
		return n.To(room).Emit("room", e.Args()[min(1, e.Len()):]...)
	})
}

// roomEvent handles join and leave.
func roomEvent(do func(*sio.Socket, ...string) error) sio.HandlerFunc {
	return func(e *sio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err
		}
		if err := do(e.Socket(), room); err != nil {
			return err
		}
		return acknowledge(e, true)
	}
}
