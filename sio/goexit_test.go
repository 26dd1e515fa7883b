package sio_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// TestHandlerEndsItsGoroutine has handlers call runtime.Goexit, as t.FailNow
// does: it counts as a panic, the events behind are handled, and no worker is
// lost, for which Shutdown would wait.
func TestHandlerEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	told := make(chan error, 10)
	gone := make(chan string, 10)
	after := make(chan string, 10)
	srv, err := sio.NewServer(&sio.Options{
		Loops: 1, Logger: discard, MaxWorkers: 1,
		Trace: &sio.Trace{HandlerError: func(_ *sio.Socket, _ string, err error) { told <- err }},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Of("/refuses").Use(func(*sio.Socket) error { runtime.Goexit(); return nil })
	srv.Of("/greets").OnConnection(func(*sio.Socket) { runtime.Goexit() })
	srv.Handle("exit", func(*sio.Event) error { runtime.Goexit(); return nil })
	srv.Handle("after", func(e *sio.Event) error { after <- e.Socket().ID(); return nil })
	srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
	srv.OnDisconnect(func(s *sio.Socket, _ sio.DisconnectReason) { gone <- s.ID() })
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := a.String()
	witness, _ := connectWS(t, addr, "/")
	for range 3 {
		c, id := connectWS(t, addr, "/")
		if _, err := c.conn.Write(append(masked(`42["exit"]`), masked(`42["after"]`)...)); err != nil {
			t.Fatal(err)
		}
		c.wantClose(0)
		if err := recv(t, "Trace.HandlerError", told); err.Error() != "sio: panic: the handler has ended its goroutine" {
			t.Errorf("told of %v", err)
		}
		if got := recv(t, "the event behind", after); got != id {
			t.Errorf("handled for %s, want %s", got, id)
		}
		if got := recv(t, "OnDisconnect", gone); got != id {
			t.Errorf("%s is gone, want %s", got, id)
		}
		witness.send(`421["echo",1]`)
		witness.want("431[1]")
	}
	c := dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40/refuses,")
	c.want(`44/refuses,{"message":"internal error"}`)
	c.send("40/greets,")
	c.wantPrefix(`40/greets,{"sid":"`)
	c.wantClose(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
