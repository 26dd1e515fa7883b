package sio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestWritable crosses SoftQueue in both directions.
func TestWritable(t *testing.T) {
	for _, on := range transports {
		t.Run(on.name, func(t *testing.T) {
			drained := make(chan *sio.Socket, 10)
			srv, l, _ := driven(t, &sio.Options{SoftQueue: 10_000}, func(srv *sio.Server) {
				srv.Root().OnDrain(func(s *sio.Socket) { drained <- s })
			})
			c := on.connect(t, srv, l, "/")
			s := srv.LocalSockets()[0]
			if _, ok := c.(*pollTap); ok {
				_ = s.Emit("fill") // answers the pending GET
				l.Drive()
			}
			c.stall()
			sent := 0
			for ; s.Writable() && sent < 100; sent++ {
				if err := s.Emit("tick", sent, strings.Repeat("x", 960)); err != nil {
					t.Fatal(err)
				}
				l.Drive()
			}
			if sent < 9 || sent > 12 {
				t.Fatalf("writable until %d bytes, want 10000", 1000*sent)
			}
			if err := s.Emit("tick", sent); err != nil { // nothing is refused
				t.Fatal(err)
			}
			if got := numbers(c.read(), "tick"); len(got) != sent+1 {
				t.Fatalf("%d of %d came", len(got), sent+1)
			}
			if !s.Writable() {
				t.Error("not writable although all was taken")
			}
			if recv(t, "OnDrain", drained) != s {
				t.Error("OnDrain got another socket")
			}
			s.Disconnect(true)
			l.Drive()
			c.read()
			if s.Writable() {
				t.Error("writable although it is closed")
			}
			if len(drained) != 0 {
				t.Error("OnDrain was called again")
			}
		})
	}
}

// TestOneBurst queues far more than SoftQueue in one turn: what a client that
// reads takes at once does not make it slow, and what one that does not read
// leaves does, before anything else is sent.
func TestOneBurst(t *testing.T) {
	t.Parallel()
	srv, l := drivenServer(t, &sio.Options{SoftQueue: 10_000, Trace: &sio.Trace{}})
	fast, slow := newTap(t, srv, l, "/"), newTap(t, srv, l, "/")
	sockets := srv.LocalSockets()
	slow.budget = 15_000
	for i := range 100 {
		if err := srv.Emit("tick", i, strings.Repeat("x", 1000)); err != nil {
			t.Fatal(err)
		}
	}
	l.Drive()
	if !sockets[0].Writable() || sockets[1].Writable() {
		t.Errorf("writable: fast %t, slow %t; want true and false", sockets[0].Writable(), sockets[1].Writable())
	}
	for _, c := range []*tap{fast, slow} {
		if got := numbers(c.read(), "tick"); len(got) != 100 || !rising(got) {
			t.Errorf("%d of 100 came", len(got))
		}
	}
	if !sockets[1].Writable() {
		t.Error("not writable although all was taken")
	}
}

// TestAwaitWritable has a producer that waits: it is never ahead of its client
// by more than SoftQueue and one event, and no event is dropped.
func TestAwaitWritable(t *testing.T) {
	t.Parallel()
	const n, size, soft = 2000, 4 << 10, 32 << 10
	srv, addr := newServer(t, &sio.Options{SoftQueue: soft, MaxQueue: soft + 2*size}, nil)
	sockets := make(chan *sio.Socket, 1)
	srv.OnConnection(func(s *sio.Socket) { sockets <- s })
	c, _ := connectWS(t, addr, "/")
	s := recv(t, "socket", sockets)
	done := make(chan error, 1)
	go func() { // stops behind the last event
		for i := range n {
			if err := s.AwaitWritable(t.Context()); err != nil {
				done <- err
				return
			}
			if err := s.Emit("chunk", i, strings.Repeat("x", size)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range n {
		c.wantPrefix(fmt.Sprintf(`42["chunk",%d,`, i))
	}
	if err := recv(t, "producer", done); err != nil {
		t.Error(err)
	}
	if st := srv.Stats(); st.SlowConsumers != 0 {
		t.Error("the client was taken for slow")
	}
}

// TestAwaitBehindBroadcast waits in the turn of a broadcast that nobody has been
// sent yet.
func TestAwaitBehindBroadcast(t *testing.T) {
	t.Parallel()
	srv, l := drivenServer(t, &sio.Options{SoftQueue: 1000})
	c := newTap(t, srv, l, "/")
	s := srv.LocalSockets()[0]
	c.stall()
	if err := srv.Emit("big", strings.Repeat("x", 2000)); err != nil {
		t.Fatal(err)
	}
	ready := s.Ready()
	select {
	case <-ready:
		t.Error("writable although the client takes nothing")
	default:
	}
	l.Drive()
	c.read()
	recv(t, "end of the wait", ready)
}

// TestAwaitWritableEnds has the waits end that can have no success.
func TestAwaitWritableEnds(t *testing.T) {
	t.Parallel()
	srv, l, _ := driven(t, &sio.Options{SoftQueue: 1000, WriteTimeout: 1000 * 1e6}, func(*sio.Server) {})
	c := newTap(t, srv, l, "/")
	s := srv.LocalSockets()[0]
	if err := s.AwaitWritable(t.Context()); !errors.Is(err, sio.ErrOnLoop) {
		t.Errorf("on a loop: %v", err)
	}
	c.stall()
	for range 3 {
		_ = s.Emit("fill", strings.Repeat("x", 1000))
		l.Drive()
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 2)
	for _, ctx := range []context.Context{ctx, t.Context()} {
		go func() { waits <- s.AwaitWritable(ctx) }() // stops with ctx or the socket
	}
	for srv.Waiters(s) < 2 {
		l.Drive()
	}
	cancel()
	if err := recv(t, "end of the first", waits); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
	for srv.Waiters(s) > 1 {
		l.Drive()
	}
	run(l, 5000) // it is given up
	if err := recv(t, "end of the second", waits); !errors.Is(err, sio.ErrSocketClosed) {
		t.Errorf("got %v, want ErrSocketClosed", err)
	}
	if n := srv.Waiters(s); n != 0 {
		t.Errorf("%d waits are left", n)
	}
}
