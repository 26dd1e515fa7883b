package sio_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// TestListenersMayBroadcast: what a listener broadcasts while the server goes
// from one target to the next must not change where that one's packet goes.
func TestListenersMayBroadcast(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 3)
	for i, room := range []string{"a", "b", "audit"} {
		_ = clients[i].socket.Join(room)
	}
	clients[0].socket.OnAnyOutgoing(func(*sio.Event) { _ = srv.To("audit").Emit("sent") })
	_ = srv.To("a").Emit("x")
	_ = srv.To("b").Emit("y")
	l.Drive()
	l.Drive() // what the listener broadcasts may go out a turn later
	for i, want := range []string{`42["x"]`, `42["y"]`, `42["sent"]`} {
		if got := clients[i].take(t); !slices.Equal(got, []string{want}) {
			t.Errorf("client %d got %q, want %q", i, got, want)
		}
	}
}

// TestConnectIsSentFirst: a listener that broadcasts while another client
// connects must not get in front of the answer to its CONNECT.
func TestConnectIsSentFirst(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 1)
	clients[0].socket.OnAnyOutgoing(func(e *sio.Event) {
		if e.Name() == "x" {
			_ = srv.Emit("sent")
		}
	})
	r := &receiver{}
	r.conn = srv.OpenFake(0, r.write)
	r.conn.Inject([]byte(upgradeRequest))
	l.Drive()
	r.input = r.input[:0]
	_ = srv.Emit("x")
	r.conn.Inject(masked("40"))
	l.Drive()
	if got := r.take(t); len(got) == 0 || !strings.HasPrefix(got[0], `40{"sid":`) {
		t.Errorf("the client got %q", got)
	}
}

// TestAcksOfSocketsThatEndMeanwhile: an acknowledgement is resolved once, also
// if its socket never connects, or is disconnected while the event is sent.
func TestAcksOfSocketsThatEndMeanwhile(t *testing.T) {
	t.Parallel()
	called := make(chan error, 1)
	ask := func(s *sio.Socket) {
		if err := s.EmitAck("q", func(_ *sio.Reply, err error) { called <- err }); err != nil {
			called <- err
		}
	}
	for name, setup := range map[string]func(*sio.Server){
		"refused": func(srv *sio.Server) {
			srv.Use(func(s *sio.Socket) error {
				ask(s)
				return errors.New("no")
			})
		},
		"disconnected": func(srv *sio.Server) {
			srv.OnConnection(func(s *sio.Socket) {
				s.OnAnyOutgoing(func(*sio.Event) { s.Disconnect(false) })
				ask(s)
			})
		},
	} {
		_, addr := newServer(t, nil, setup)
		c := dialWS(t, addr, "", nil)
		c.send("40")
		select {
		case err := <-called:
			if !errors.Is(err, sio.ErrSocketClosed) {
				t.Errorf("%s: %v, want ErrSocketClosed", name, err)
			}
		case <-time.After(patience):
			t.Errorf("%s: the acknowledgement was never resolved", name)
		}
	}
}
