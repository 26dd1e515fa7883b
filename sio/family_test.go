package sio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestLateRegistrations: what a parent is given later, of whatever kind, is for
// the children that come later.
func TestLateRegistrations(t *testing.T) {
	t.Parallel()
	var d diary
	gone := make(chan struct{}, 2)
	var parent *sio.ParentNamespace
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		parent = srv.OfRegexp(rooms)
		parent.OnConnection(func(s *sio.Socket) { d.add("early connection %s", s.Namespace().Name()) })
		parent.OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { gone <- struct{}{} })
	})
	first, second := openWS(t, addr), openWS(t, addr)
	first.enter("/room-1", "")
	parent.Use(func(s *sio.Socket) error { d.add("late use %s", s.Namespace().Name()); return nil })
	parent.OnConnection(func(s *sio.Socket) { d.add("late connection %s", s.Namespace().Name()) })
	parent.OnDisconnecting(func(s *sio.Socket, _ sio.DisconnectReason) { d.add("late disconnecting %s", s.Namespace().Name()) })
	parent.OnError(func(s *sio.Socket, _ error) { d.add("late error %s", s.Namespace().Name()) })
	second.enter("/room-2", "")
	first.send("4x")
	first.wantClose(0)
	recv(t, "the end of the first", gone)
	second.send("4x")
	second.wantClose(0)
	recv(t, "the end of the second", gone)
	third := openWS(t, addr)
	third.enter("/room-1", "") // the child is there still, without what is late
	want := []string{
		"early connection /room-1", "late use /room-2", "early connection /room-2", "late connection /room-2",
		"late error /room-2", "late disconnecting /room-2", "early connection /room-1",
	}
	var got []string
	eventually(t, "the hooks", func() bool { got = append(got, d.take()...); return len(got) >= len(want) })
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestTwoClientsMakeOneNamespace: both are allowed by a function before either
// has made the namespace.
func TestTwoClientsMakeOneNamespace(t *testing.T) {
	t.Parallel()
	var made, asked atomic.Int64
	both := make(chan struct{})
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OfFunc(func(string, json.RawMessage) (bool, error) {
			if asked.Add(1) == 2 {
				close(both)
			}
			<-both
			return true, nil
		})
		srv.OnNewNamespace(func(*sio.Namespace) { made.Add(1) })
	})
	a, b := openWS(t, addr), openWS(t, addr)
	a.send("40/one,")
	b.send("40/one,")
	a.entered("/one")
	b.entered("/one")
	if n := srv.Of("/one"); n.Len() != 2 || made.Load() != 1 {
		t.Errorf("%d sockets, %d namespaces", n.Len(), made.Load())
	}
	if err := srv.Of("/one").Emit("message"); err != nil {
		t.Error(err)
	}
	a.want(`42/one,["message"]`)
	b.want(`42/one,["message"]`)
}

// TestWhichNamespacesAreRemoved: an empty child where the option says so, also
// when its only client was refused; not one with others in it, none without the
// option, and none that was not made by a client's wish.
func TestWhichNamespacesAreRemoved(t *testing.T) {
	t.Parallel()
	for _, cleanup := range []bool{true, false} {
		t.Run(fmt.Sprint("cleanup ", cleanup), func(t *testing.T) {
			t.Parallel()
			srv, addr := newServer(t, &sio.Options{CleanupEmptyChildNamespaces: cleanup}, func(srv *sio.Server) {
				srv.OfRegexp(rooms).Use(func(s *sio.Socket) error {
					if auth := struct{ Bad bool }{}; s.Auth(&auth) == nil && auth.Bad {
						return &sio.Error{Message: "bad"}
					}
					return nil
				})
			})
			children := func(n int) {
				t.Helper()
				eventually(t, fmt.Sprintf("%d children", n), func() bool { return srv.Stats().DynamicNamespaces == n })
			}
			stay := 0
			if !cleanup {
				stay = 1
			}
			a, b := openWS(t, addr), openWS(t, addr)
			refused := func() {
				t.Helper()
				b.send(`40/room-1,{"bad":true}`)
				b.want(`44/room-1,{"message":"bad"}`)
			}
			refused()
			children(stay)
			a.enter("/room-1", "")
			refused()
			children(1)
			if n := srv.Of("/room-1").Len(); n != 1 {
				t.Errorf("%d sockets, want 1", n)
			}
			a.send("41/room-1,")
			eventually(t, "it is empty", func() bool { return srv.Stats().Sockets == 0 })
			children(stay)
			a.enter("/room-1", "") // again
			children(1)
		})
	}
}

// TestParentsHearOfNobody: clients cannot be in a parent, and its broadcasts
// reach the children that the application has made, too.
func TestParentsHearOfNobody(t *testing.T) {
	t.Parallel()
	var parent *sio.ParentNamespace
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		parent = srv.OfRegexp(rooms)
		srv.OfFunc(func(string, json.RawMessage) (bool, error) { return false, nil })
	})
	child := srv.Of("room-5")
	if got := parent.Children(); len(got) != 1 || got[0] != child {
		t.Errorf("children %v", got)
	}
	if a, b := parent.Name(), srv.OfRegexp(rooms).Name(); a == b || a[:2] != "/_" {
		t.Errorf("parents %q and %q", a, b)
	}
	c := openWS(t, addr)
	c.send("40" + parent.Name() + ",")
	c.want(invalid(parent.Name()))
	c.enter("/room-5", "")
	if err := parent.Emit("x"); err != nil {
		t.Error(err)
	}
	c.want(`42/room-5,["x"]`)
}
