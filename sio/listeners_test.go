package sio_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// A diary is a list that any goroutine may write.
type diary struct {
	mu   sync.Mutex
	list []string
}

func (d *diary) add(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list
	d.list = nil
	return list
}

func TestListenersSeeEveryEventInOrder(t *testing.T) {
	t.Parallel()
	var d diary
	var removed *sio.AnyListener
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Root().Handle("known", func(e *sio.Event) error {
			d.add("handler %s", e.Name())
			return nil
		})
		srv.Root().OnError(func(_ *sio.Socket, err error) { d.add("error %v", err) })
		srv.Root().OnConnection(func(s *sio.Socket) {
			s.OnAny(func(e *sio.Event) { d.add("any %s %s", e.Name(), e.Arg(0)) })
			removed = s.OnAny(func(*sio.Event) { d.add("removed") })
			s.PrependAny(func(e *sio.Event) { d.add("first %s %d", e.Name(), e.Len()) })
			if n := len(s.ListenersAny()); n != 3 {
				t.Errorf("%d listeners, want 3", n)
			}
			s.OffAny(removed)
			s.Use(func(e *sio.Event) error {
				if e.Name() == "bad" {
					return errors.New("refused")
				}
				return nil
			})
			s.Use(func(e *sio.Event) error { d.add("use %s", e.Name()); return nil })
			s.Once("one", func(e *sio.Event) error { d.add("once"); return nil })
			s.Once("two", func(e *sio.Event) error { d.add("not this"); return nil })
			s.On("two", func(e *sio.Event) error { d.add("two"); return nil })
			s.Handle("done", func(e *sio.Event) error { return e.Ack() })
		})
	})
	c, _ := connectWS(t, addr, "/")
	for _, p := range []string{
		`42["known",1]`, `42["unknown",{"a":2}]`, `42["bad"]`, `42["one"]`, `42["one"]`, `42["two"]`, `42["two"]`, `420["done"]`,
	} {
		c.send(p)
	}
	c.want(`430[]`)
	want := []string{
		"first known 1", "any known 1", "use known", "handler known",
		"first unknown 1", `any unknown {"a":2}`, "use unknown",
		"first bad 0", "any bad ", "error refused",
		"first one 0", "any one ", "use one", "once",
		"first one 0", "any one ", "use one",
		"first two 0", "any two ", "use two", "two",
		"first two 0", "any two ", "use two", "two",
		"first done 0", "any done ", "use done",
	}
	if got := d.take(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestOutgoingListeners(t *testing.T) {
	t.Parallel()
	var d diary
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Root().OnConnection(func(s *sio.Socket) {
			s.OnAnyOutgoing(func(e *sio.Event) { d.add("%s %s %v", e.Name(), e.Arg(0), e.Binary(1)) })
			s.PrependAnyOutgoing(func(e *sio.Event) { d.add("first, wants an ack: %v", e.WantsAck()) })
		})
		srv.Root().Inline().Handle("go", func(e *sio.Event) error {
			s := e.Socket()
			_ = s.Emit("a", 1)
			_ = srv.Emit("b", "x", []byte{1, 2})
			_ = s.EmitAck("c", func(*sio.Reply, error) {}, 3)
			_ = s.Volatile().Emit("d", 4)
			s.OffAnyOutgoing()
			_ = s.Emit("silent")
			return e.Ack("done")
		})
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`420["go"]`)
	c.want(`42["a",1]`)
	c.want(`451-["b","x",{"_placeholder":true,"num":0}]`)
	c.wantBinary([]byte{1, 2})
	c.wantPrefix(`420["c",3]`)
	for c.next() != `430["done"]` {
		continue // d may have been dropped, silent not
	}
	got := d.take()
	if len(got) < 6 || len(got)%2 != 0 {
		t.Fatalf("got %q", got)
	}
	for i, want := range []string{"a 1 []", `b "x" [1 2]`, "c 3 []"} {
		if got[2*i] != "first, wants an ack: false" || got[2*i+1] != want {
			t.Errorf("entry %d: %q, %q, want %q", i, got[2*i], got[2*i+1], want)
		}
	}
}

// TestOutgoingListenersHearOfDroppedPackets: the official server tells them
// before it looks whether a volatile packet can be sent.
func TestOutgoingListenersHearOfDroppedPackets(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 2)
	var d diary
	clients[0].socket.OnAnyOutgoing(func(e *sio.Event) { d.add("%s", e.Name()) })
	_ = clients[0].socket.Emit("a")
	_ = clients[0].socket.Volatile().Emit("b")
	_ = srv.Root().Volatile().Emit("c")
	_ = srv.Emit("d")
	l.Drive()
	if got, want := d.take(), []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("listeners heard of %q, want %q", got, want)
	}
	if got, want := clients[0].take(t), []string{`42["a"]`, `42["d"]`}; !slices.Equal(got, want) {
		t.Errorf("the client got %q, want %q", got, want)
	}
}

func TestOutgoingListenersMayChangeRooms(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 3)
	for _, r := range clients {
		r.socket.OnAnyOutgoing(func(*sio.Event) { _ = r.socket.Join("seen") })
	}
	_ = srv.Emit("a")
	l.Drive()
	_ = srv.To("seen").Emit("b")
	l.Drive()
	for i, r := range clients {
		if got, want := r.take(t), []string{`42["a"]`, `42["b"]`}; !slices.Equal(got, want) {
			t.Errorf("client %d got %q, want %q", i, got, want)
		}
	}
}
