package sio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestConnectionHooksInOrder: all of them, in the order of their registration,
// behind the middlewares, and the namespace has the socket by then.
func TestConnectionHooksInOrder(t *testing.T) {
	t.Parallel()
	var d diary
	done := make(chan struct{})
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		hook := func(name string) func(*sio.Socket) {
			return func(s *sio.Socket) {
				d.add("%s: connected %v, %d in the namespace, in its own room %v",
					name, s.Connected(), srv.Root().Len(), slices.Contains(s.Rooms(), s.ID()))
			}
		}
		srv.OnConnection(hook("first"))
		srv.Use(func(s *sio.Socket) error {
			hook("middleware")(s)
			s.Disconnect(true) // not connected yet: this does nothing
			return nil
		})
		srv.OnConnection(hook("second"))
		srv.OnConnection(func(*sio.Socket) { close(done) })
	})
	connectWS(t, addr, "/")
	recv(t, "the hooks", done)
	want := []string{
		"middleware: connected false, 0 in the namespace, in its own room true",
		"first: connected true, 1 in the namespace, in its own room true",
		"second: connected true, 1 in the namespace, in its own room true",
	}
	if got := d.take(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestMiddlewaresAddedMeanwhile are for the sockets that come later, and those
// of other namespaces are not asked.
func TestMiddlewaresAddedMeanwhile(t *testing.T) {
	t.Parallel()
	var d diary
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Use(func(*sio.Socket) error { d.add("root"); return nil })
		n := srv.Of("/chat")
		n.Use(func(*sio.Socket) error {
			d.add("one")
			n.Use(func(*sio.Socket) error { d.add("added"); return errors.New("no") })
			return nil
		})
		n.Use(func(*sio.Socket) error { d.add("two"); return nil })
	})
	c := openWS(t, addr)
	c.enter("/chat", "")
	if got := fmt.Sprint(d.take()); got != "[one two]" {
		t.Errorf("the first: %s", got)
	}
	c = openWS(t, addr)
	c.send("40/chat,")
	c.want(`44/chat,{"message":"internal error"}`)
	if got := fmt.Sprint(d.take()); got != "[one two added]" {
		t.Errorf("the second: %s", got)
	}
}

// TestRefusals: the message is there even if it is empty, data only if there is
// some, and bytes in it are no attachments.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var calls diary
	refusals := map[string]error{
		"empty":   &sio.Error{},
		"null":    &sio.Error{Message: "m", Data: json.RawMessage("null")},
		"bytes":   &sio.Error{Message: "m", Data: []byte{1, 2}},
		"wrapped": fmt.Errorf("not for the client: %w", &sio.Error{Message: "m", Data: 1}),
		"bad":     &sio.Error{Message: "m", Data: make(chan int)},
	}
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Use(func(s *sio.Socket) error {
			var auth struct{ Say string }
			_ = errors.Join(s.Auth(&auth), s.Join("early"))
			return refusals[auth.Say]
		})
		srv.Use(func(*sio.Socket) error { calls.add("behind the refusal"); return nil })
		srv.OnConnection(func(*sio.Socket) { calls.add("connection") })
		srv.Handle("echo", func(e *sio.Event) error { return e.Ack() })
	})
	c := openWS(t, addr)
	for say, want := range map[string]string{
		"empty": `44{"message":""}`, "null": `44{"message":"m","data":null}`, "bytes": `44{"message":"m","data":"AQI="}`,
		"wrapped": `44{"message":"m","data":1}`, "bad": `44{"message":"m"}`,
	} {
		c.send(`40{"say":"` + say + `"}`)
		c.want(want)
	}
	if got := calls.take(); got != nil {
		t.Errorf("called: %q", got)
	}
	if err := srv.To("early").Emit("lost"); err != nil {
		t.Error(err)
	}
	c.send("40")
	c.wantPrefix(`40{"sid":"`)
	c.wantSilence(`420["echo"]`, `430[]`)
	if found, err := srv.To("early").FetchSockets(t.Context()); len(found) != 1 || err != nil {
		t.Errorf("%d sockets in the room, %v; want the one that was let in", len(found), err)
	}
}

// TestGoneDuringTheMiddleware: a connection that ends while a middleware decides
// leaves nothing, whatever it decides.
func TestGoneDuringTheMiddleware(t *testing.T) {
	t.Parallel()
	var d diary
	inside, decide := make(chan *sio.Socket), make(chan error)
	srv, addr := newServer(t, &sio.Options{Trace: &sio.Trace{
		RoomDeleted: func(_ *sio.Namespace, room string) { d.add("deleted %s", room) },
	}}, func(srv *sio.Server) {
		srv.Use(func(s *sio.Socket) error {
			_ = s.Join("early")
			inside <- s
			return <-decide
		})
		srv.OnConnection(func(*sio.Socket) { d.add("connection") })
		srv.Root().OnDisconnecting(func(*sio.Socket, sio.DisconnectReason) { d.add("disconnecting") })
		srv.OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { d.add("disconnect") })
	})
	for _, verdict := range []error{nil, errors.New("no")} {
		c := openWS(t, addr)
		c.send("40")
		s := recv(t, "the middleware", inside)
		_ = c.conn.Close()
		eventually(t, "the session ends", func() bool { return srv.Stats().Sessions == 0 })
		decide <- verdict
		eventually(t, "the room ends", func() bool {
			found, err := srv.To("early").FetchSockets(t.Context())
			return err == nil && len(found) == 0 && len(s.Rooms()) == 0
		})
		if err := s.Join("late"); !errors.Is(err, sio.ErrSocketClosed) {
			t.Errorf("Join: %v", err)
		}
		if got := fmt.Sprint(d.take()); got != "[deleted early]" {
			t.Errorf("got %s", got)
		}
	}
	if st := srv.Stats(); st.Sockets != 0 || st.SocketsOpened != 0 {
		t.Errorf("%d sockets of %d", st.Sockets, st.SocketsOpened)
	}
}

// TestNoRoomsAfterTheDisconnect: what is asked of a socket that has gone does
// nothing, and makes no rooms.
func TestNoRoomsAfterTheDisconnect(t *testing.T) {
	t.Parallel()
	var d diary
	after := make(chan error, 2)
	srv, addr := newServer(t, &sio.Options{Trace: &sio.Trace{
		RoomCreated: func(_ *sio.Namespace, room string) { d.add("%s", room) },
	}}, func(srv *sio.Server) {
		srv.OnConnection(func(s *sio.Socket) {
			s.Disconnect(false)
			_ = s.Join("asked for behind the disconnect")
		})
		srv.OnDisconnect(func(s *sio.Socket, _ sio.DisconnectReason) {
			after <- s.Join("late")
			after <- s.Emit("late")
		})
	})
	c, id := connectWS(t, addr, "/")
	c.want("41")
	for range 2 {
		if err := recv(t, "the hook", after); !errors.Is(err, sio.ErrSocketClosed) {
			t.Errorf("got %v, want ErrSocketClosed", err)
		}
	}
	if err := srv.To(id).Join("outside"); err != nil {
		t.Error(err)
	}
	for _, room := range []string{"asked for behind the disconnect", "late", "outside", id} {
		if found, err := srv.To(room).FetchSockets(t.Context()); len(found) != 0 || err != nil {
			t.Errorf("%d sockets in %q, %v", len(found), room, err)
		}
	}
	if got := fmt.Sprint(d.take()); got != "["+id+"]" {
		t.Errorf("rooms %s, want that of the id alone", got)
	}
}

// TestRoomsOfASocket: several at once, again, unknown ones.
func TestRoomsOfASocket(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	_, id := connectWS(t, addr, "/")
	s := socketOf(t, srv, id)
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return s.Join("a") }, "a"},
		{func() error { return s.Join("b", "a", "c") }, "a b c"},
		{func() error { return s.Leave("b", "unknown") }, "a c"},
		{func() error { return s.Leave("a", "c") }, ""},
		{func() error { return srv.Root().All().Join("d", "e") }, "d e"},
		{func() error { return srv.To("d").Leave("e", "unknown") }, "d"},
		{func() error { return s.Leave(append(s.Rooms(), "x")...) }, ""},
	} {
		if err := step.do(); err != nil {
			t.Error(err)
		}
		got := slices.DeleteFunc(s.Rooms(), func(room string) bool { return room == id })
		slices.Sort(got)
		if strings.Join(got, " ") != step.want {
			t.Errorf("in %q, want %q", got, step.want)
		}
	}
	if got := s.Rooms(); len(got) != 0 {
		t.Errorf("it has left the room of its id and is in %q", got)
	}
}

// TestManyAttachments: the server may send more than it would take.
func TestManyAttachments(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	c, _ := connectWS(t, addr, "/")
	var args []any
	for i := range 11 {
		args = append(args, []byte{byte(i)})
	}
	if err := srv.Emit("e", args...); err != nil {
		t.Fatal(err)
	}
	c.wantPrefix(`4511-["e",{"_placeholder":true,"num":0},`)
	for i := range 11 {
		c.wantBinary([]byte{byte(i)})
	}
}

// TestAttachmentsInOrderOfTraversal, depth first, in arrays and maps.
func TestAttachmentsInOrderOfTraversal(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	c, _ := connectWS(t, addr, "/")
	nested := []any{[]byte("0"), map[string]any{"a": []any{[]byte("1")}, "b": []byte("2")}, "x"}
	if err := srv.Emit("e", nested, []byte("3")); err != nil {
		t.Fatal(err)
	}
	hole := func(i int) string { return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i) }
	c.want(`454-["e",[` + hole(0) + `,{"a":[` + hole(1) + `],"b":` + hole(2) + `},"x"],` + hole(3) + `]`)
	for i := range 4 {
		c.wantBinary(fmt.Append(nil, i))
	}
}
