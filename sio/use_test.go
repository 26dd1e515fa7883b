package sio_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestListsOfListeners: prepended ones first, the last prepended before all;
// some, or all, can be taken off, in both directions.
func TestListsOfListeners(t *testing.T) {
	t.Parallel()
	type list struct {
		on, prepend func(func(*sio.Event)) *sio.AnyListener
		off         func(...*sio.AnyListener)
		all         func() []*sio.AnyListener
	}
	for direction, of := range map[string]func(*sio.Socket) list{
		"incoming": func(s *sio.Socket) list { return list{s.OnAny, s.PrependAny, s.OffAny, s.ListenersAny} },
		"outgoing": func(s *sio.Socket) list {
			return list{s.OnAnyOutgoing, s.PrependAnyOutgoing, s.OffAnyOutgoing, s.ListenersAnyOutgoing}
		},
	} {
		t.Run(direction, func(t *testing.T) {
			t.Parallel()
			var d diary
			srv, addr := newServer(t, nil, func(srv *sio.Server) {
				srv.Root().Inline().Handle("ev", func(e *sio.Event) error { return e.Socket().Emit("ev", e.Args()...) })
			})
			c, id := connectWS(t, addr, "/")
			l := of(socketOf(t, srv, id))
			note := func(name string) func(*sio.Event) {
				return func(e *sio.Event) { d.add("%s %s %s", name, e.Name(), e.Arg(0)) }
			}
			a := l.on(note("a"))
			b := l.on(note("b"))
			p := l.prepend(note("p"))
			q := l.prepend(note("q"))
			expect := func(heard []string, listed ...*sio.AnyListener) {
				t.Helper()
				c.send(`42["ev",1]`)
				c.want(`42["ev",1]`)
				for i, name := range heard {
					heard[i] = name + " ev 1"
				}
				if got := d.take(); !slices.Equal(got, heard) {
					t.Errorf("heard %q, want %q", got, heard)
				}
				if got := l.all(); !slices.Equal(got, listed) {
					t.Errorf("%d are listed, want %d, or in another order", len(got), len(listed))
				}
			}
			expect([]string{"q", "p", "a", "b"}, q, p, a, b)
			l.off(p, b)
			expect([]string{"q", "a"}, q, a)
			l.off(p) // which is off
			got := l.all()
			got[0] = nil // a copy
			expect([]string{"q", "a"}, q, a)
			l.off()
			expect(nil)
		})
	}
}

// TestOutgoingListenersOfEachSocket hear what is sent to their own socket: by
// itself, by a broadcast, to a room, with attachments; no acknowledgements, and
// nothing that is for others.
func TestOutgoingListenersOfEachSocket(t *testing.T) {
	t.Parallel()
	var d diary
	srv, addr := newServer(t, nil, echoServer)
	one, id := connectWS(t, addr, "/")
	two, other := connectWS(t, addr, "/")
	socketOf(t, srv, id).OnAnyOutgoing(func(e *sio.Event) {
		d.add("%s %d %s %v ack %v", e.Name(), e.Len(), e.Arg(0), e.Binary(0), e.WantsAck())
	})
	for _, err := range []error{
		srv.To(id).Emit("room", "x", 2),
		srv.To(other).Emit("other"),
		socketOf(t, srv, other).Broadcast().Emit("broadcast", []byte{1}),
		srv.Root().Except(id).Emit("except"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	one.want(`42["room","x",2]`)
	one.want(`451-["broadcast",{"_placeholder":true,"num":0}]`)
	one.wantBinary([]byte{1})
	two.want(`42["other"]`)
	two.want(`42["except"]`)
	one.wantSilence(`420["echo",1]`, `430[1]`)
	want := []string{`room 2 "x" [] ack false`, `broadcast 1 {"_placeholder":true,"num":0} [1] ack false`}
	if got := d.take(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestUse: the middlewares of a socket run in their order; an error stops there,
// goes to the application and not to the client; and a socket that one of them
// disconnects does not get to its handler.
func TestUse(t *testing.T) {
	t.Parallel()
	for name, register := range map[string]func(*sio.Namespace) sio.Registrar{
		"worker": func(n *sio.Namespace) sio.Registrar { return n },
		"inline": func(n *sio.Namespace) sio.Registrar { return n.Inline() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d diary
			gone := make(chan struct{})
			_, addr := newServer(t, nil, func(srv *sio.Server) {
				srv.OnConnection(func(s *sio.Socket) {
					s.Use(func(e *sio.Event) error {
						switch e.Name() {
						case "refused":
							return errors.New("no")
						case "ended":
							e.Socket().Disconnect(false)
						}
						return nil
					})
					s.Use(func(e *sio.Event) error { d.add("second %s %s", e.Name(), e.Arg(0)); return nil })
				})
				n := srv.Root()
				n.OnError(func(_ *sio.Socket, err error) { d.add("error %v", err) })
				n.OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { close(gone) })
				for _, event := range []string{"passed", "refused", "ended"} {
					register(n).Handle(event, func(e *sio.Event) error { d.add("handled %s", e.Name()); return e.Ack(e.Name()) })
				}
			})
			c, _ := connectWS(t, addr, "/")
			c.send(`420["refused",1]`)
			c.send(`421["passed",2]`)
			c.want(`431["passed"]`)
			c.send(`42["unknown",3]`)
			c.send(`422["ended",4]`)
			c.want("41")
			recv(t, "the disconnect", gone)
			want := []string{"error no", "second passed 2", "handled passed", "second unknown 3", "second ended 4"}
			if got := d.take(); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// TestEventsOfADisconnectedSocket: what has come and waits when the server
// disconnects its socket is not handled.
func TestEventsOfADisconnectedSocket(t *testing.T) {
	t.Parallel()
	var d diary
	release, gone := make(chan struct{}), make(chan struct{})
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Handle("first", func(e *sio.Event) error {
			<-release
			e.Socket().Disconnect(false)
			d.add("first")
			return nil
		})
		srv.Handle("second", func(*sio.Event) error { d.add("second"); return nil })
		srv.OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { d.add("disconnect"); close(gone) })
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`42["first"]`)
	c.send(`42["second"]`)
	eventually(t, "both have come", func() bool { return srv.Stats().PacketsIn == 3 })
	close(release)
	c.want("41")
	recv(t, "the hook", gone)
	if got := fmt.Sprint(d.take()); got != "[first disconnect]" {
		t.Errorf("got %s", got)
	}
}

// TestErrorsOfNobody: an error that no hook asks for ends nothing but what
// caused it.
func TestErrorsOfNobody(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OnConnection(func(s *sio.Socket) {
			s.Use(func(e *sio.Event) error {
				if e.Name() == "bad" {
					return errors.New("no")
				}
				return nil
			})
		})
		echoServer(srv)
	})
	c, _ := connectWS(t, addr, "/")
	other, _ := connectWS(t, addr, "/")
	c.send(`420["bad"]`)
	c.wantSilence(`421["echo"]`, `431[]`)
	c.send(`4nonsense`)
	c.wantClose(0)
	other.wantSilence(`421["echo"]`, `431[]`)
}

// TestEmitReservedNames: neither to a socket nor to others, encoded or not.
func TestEmitReservedNames(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, echoServer)
	c, id := connectWS(t, addr, "/")
	s := socketOf(t, srv, id)
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		_, encodeErr := sio.Encode(name)
		_, ackErr := s.EmitWithAck(t.Context(), name)
		_, allErr := srv.Root().All().EmitWithAck(t.Context(), name)
		for i, err := range []error{
			s.Emit(name), srv.Emit(name), srv.To(id).Emit(name), s.Broadcast().Emit(name), s.Volatile().Emit(name),
			s.EmitAck(name, func(*sio.Reply, error) { t.Error("called") }), encodeErr, ackErr, allErr,
		} {
			if err == nil {
				t.Errorf("%s: way %d has taken it", name, i)
			}
		}
		for i, register := range []func(string, sio.HandlerFunc){srv.Handle, s.On, s.Once, s.Inline().Handle, srv.Root().Inline().Handle} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: way %d has registered a handler", name, i)
					}
				}()
				register(name, nil)
			}()
		}
	}
	for _, name := range []string{"error", "connection", "message"} {
		if err := s.Emit(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.want(`42["` + name + `"]`)
	}
	c.wantSilence(`420["echo"]`, `430[]`)
}
