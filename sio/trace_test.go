package sio_test

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestEmitInDropped has the Dropped hook emit: the rooms of the packet whose
// drop it is told about are still those that were named.
func TestEmitInDropped(t *testing.T) {
	t.Parallel()
	var drops int
	trace := &sio.Trace{Dropped: func(s *sio.Socket, _ string) {
		drops++
		if err := s.Namespace().To("x", "y").Emit("note"); err != nil {
			t.Error(err)
		}
	}}
	srv, l, _ := driven(t, &sio.Options{Trace: trace}, func(*sio.Server) {})
	var clients []*recorder
	for range 3 {
		c := openRecorder(srv)
		c.Inject([]byte(upgradeRequest))
		c.Inject(masked("40"))
		clients = append(clients, c)
	}
	l.Drive()
	for i, s := range srv.LocalSockets() {
		if err := s.Join([]string{"a", "b", "y"}[i]); err != nil {
			t.Fatal(err)
		}
		clients[i].Reset()
	}
	all := srv.LocalSockets()
	if err := all[0].Emit("fill"); err != nil { // so that a volatile packet is dropped
		t.Fatal(err)
	}
	if err := srv.To("a", "b").Volatile().Emit("tick"); err != nil {
		t.Fatal(err)
	}
	l.Drive()
	if drops != 1 {
		t.Fatalf("%d drops, want 1", drops)
	}
	for i, want := range []string{"fill", "tick", "note"} {
		for _, event := range []string{"fill", "tick", "note"} {
			if got := bytes.Contains(clients[i].Bytes(), []byte(event)); got != (event == want) {
				t.Errorf("client %d got %q: %t", i, event, got)
			}
		}
	}
}

// TestDisconnectInDropped has the Dropped hook disconnect who cannot keep up,
// in the middle of a broadcast.
func TestDisconnectInDropped(t *testing.T) {
	t.Parallel()
	trace := &sio.Trace{Dropped: func(s *sio.Socket, _ string) { s.Disconnect(true) }}
	srv, l, _ := driven(t, &sio.Options{Trace: trace}, func(*sio.Server) {}, []string{"/"}, []string{"/"})
	slow := srv.LocalSockets()[0]
	if err := slow.Emit("fill"); err != nil {
		t.Fatal(err)
	}
	if err := srv.Root().Volatile().Emit("tick"); err != nil {
		t.Fatal(err)
	}
	l.Drive()
	if got := srv.LocalSockets(); len(got) != 1 || slow.Connected() {
		t.Errorf("%d sockets connected, want the one that keeps up", len(got))
	}
	if n := srv.Stats().Sockets; n != 1 {
		t.Errorf("%d sockets counted, want 1", n)
	}
}

// TestPanicInTrace has hooks of the Trace panic: what they were told about
// goes on.
func TestPanicInTrace(t *testing.T) {
	t.Parallel()
	var disconnected atomic.Int64
	trace := &sio.Trace{
		EventReceived: func(*sio.Socket, string, int) { panic("received") },
		HandlerError:  func(*sio.Socket, string, error) { panic("error") },
		Disconnected:  func(*sio.Socket, sio.DisconnectReason) { panic("disconnected") },
	}
	srv, l, conns := driven(t, &sio.Options{Trace: trace}, func(srv *sio.Server) {
		for _, n := range []*sio.Namespace{srv.Root(), srv.Of("/n")} {
			n.OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { disconnected.Add(1) })
		}
		srv.Root().Inline().Handle("fail", func(*sio.Event) error { panic("handler") })
	}, []string{"/", "/n"})
	conns[0].Inject(masked(`42["fail"]`))
	l.Drive()
	if n := srv.Stats().Sockets; n != 0 {
		t.Errorf("%d sockets left", n)
	}
	eventually(t, "the hooks of both sockets run", func() bool {
		l.Drive()
		return disconnected.Load() == 2
	})
	if n := srv.Stats().Panics; n != 0 {
		t.Errorf("%d panics reached the loop", n)
	}
}
