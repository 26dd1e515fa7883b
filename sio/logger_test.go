package sio_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// A panickyLog is a slog.Handler that counts what it is given and panics.
type panickyLog struct{ calls *atomic.Int64 }

func (panickyLog) Enabled(context.Context, slog.Level) bool { return true }

func (p panickyLog) Handle(context.Context, slog.Record) error {
	p.calls.Add(1)
	panic("the log is broken too")
}

func (panickyLog) WithAttrs([]slog.Attr) slog.Handler { panic("no attributes") }

func (panickyLog) WithGroup(string) slog.Handler { panic("no groups") }

// TestPanicOfTheLogger has the Logger panic when it is told of the panic of a
// handler: on a loop and on a worker, the connection is closed, as always, and
// everything else goes on, up to the Shutdown that ends this test.
func TestPanicOfTheLogger(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	told := make(chan error, 10)
	gone := make(chan string, 10)
	_, addr := newServer(t, &sio.Options{
		Logger: slog.New(panickyLog{&calls}),
		Trace:  &sio.Trace{HandlerError: func(_ *sio.Socket, _ string, err error) { told <- err }},
	}, func(srv *sio.Server) {
		srv.Root().Inline().Handle("inline", func(*sio.Event) error { panic("inline") })
		srv.Handle("worker", func(*sio.Event) error { panic(errors.New("worker")) })
		srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
		srv.OnDisconnect(func(s *sio.Socket, r sio.DisconnectReason) { gone <- s.ID() })
	})
	witness, _ := connectWS(t, addr, "/")
	for _, event := range []string{"inline", "worker"} {
		before := calls.Load()
		c, id := connectWS(t, addr, "/")
		c.send(`42["` + event + `"]`)
		c.wantClose(0)
		if err := recv(t, "Trace.HandlerError", told); err == nil || err.Error() != "sio: panic: "+event {
			t.Errorf("%s: told of %v", event, err)
		}
		if got := recv(t, "OnDisconnect", gone); got != id {
			t.Errorf("%s: %s is gone, want %s", event, got, id)
		}
		if calls.Load() == before {
			t.Errorf("%s: the Logger was not asked", event)
		}
		witness.send(`421["echo",1]`)
		witness.want("431[1]")
	}
}
