package sio_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

func echoServer(s *sio.Server) {
	s.Handle("echo", func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})
}

func TestEchoAndAck(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]func(*sio.Server){
		"worker": echoServer,
		"inline": func(s *sio.Server) {
			s.Root().Inline().Handle("echo", func(e *sio.Event) error {
				if e.WantsAck() {
					return e.Ack(e.Args()...)
				}
				return e.Socket().Emit("echo", e.Args()...)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, addr := newServer(t, nil, setup)
			c, _ := connectWS(t, addr, "/")
			c.send(`42["echo",1,"é",{"a":[null]}]`)
			c.want(`42["echo",1,"é",{"a":[null]}]`)
			c.send(`427["echo",1]`)
			c.want(`437[1]`)
			c.send(`4299999999999999999999["echo"]`)
			c.want(`43100000000000000000000[]`)
			c.send(`452-["echo",{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}]`)
			c.sendBinary([]byte{1, 2, 3})
			c.sendBinary([]byte{4})
			c.want(`452-["echo",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]`)
			c.wantBinary([]byte{4})
			c.wantBinary([]byte{1, 2, 3})
		})
	}
}

func TestPollingEcho(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, nil, echoServer)
	c := newPollClient(t, addr)
	c.post("40")
	if got := c.get(); !strings.HasPrefix(got, `40{"sid":"`) {
		t.Fatalf("got %q", got)
	}
	c.post("4212[\"echo\",\"é\",null]\x1e42[\"echo\",2]")
	got := c.get()
	for !strings.Contains(got, `42["echo",2]`) {
		got += "\x1e" + c.get()
	}
	if want := "4312[\"é\",null]\x1e42[\"echo\",2]"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestMiddlewareAndNamespaces(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, nil, func(s *sio.Server) {
		echoServer(s)
		s.Of("guarded").Use(func(s *sio.Socket) error {
			var auth struct{ Token string }
			if err := s.Auth(&auth); err != nil {
				return err
			}
			switch auth.Token {
			case "secret":
				return s.Join("members")
			case "panic":
				panic("in middleware")
			case "plain":
				return errors.New("not for clients")
			}
			return &sio.Error{Message: "bad auth", Data: map[string]any{"code": 7}}
		})
		s.Of("/guarded").Handle("rooms", func(e *sio.Event) error {
			rooms := e.Socket().Rooms()
			slices.Sort(rooms)
			return e.Ack(len(rooms), slices.Contains(rooms, "members"))
		})
	})
	c := dialWS(t, addr, "", nil)
	c.wantPrefix("0")
	c.send("40/nope,")
	c.want(`44/nope,{"message":"Invalid namespace"}`)
	c.send("40/guarded,")
	c.want(`44/guarded,{"message":"bad auth","data":{"code":7}}`)
	c.send(`40/guarded,{"token":"plain"}`)
	c.want(`44/guarded,{"message":"internal error"}`)
	c.send(`40/guarded,{"token":"panic"}`)
	c.want(`44/guarded,{"message":"internal error"}`)
	c.send(`40/guarded,{"token":"secret"}`)
	c.wantPrefix(`40/guarded,{"sid":"`)
	c.send(`42/guarded,5["rooms"]`)
	c.want(`43/guarded,5[2,true]`)
	c.send("40")
	c.wantPrefix(`40{"sid":"`)
	c.send(`420["echo"]`)
	c.want(`430[]`)
}

func TestRoomsAndTargets(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, func(s *sio.Server) {
		s.Handle("join", func(e *sio.Event) error {
			var room string
			if err := e.Decode(&room); err != nil {
				return err
			}
			return errors.Join(e.Socket().Join(room), e.Ack())
		})
		s.Handle("to", func(e *sio.Event) error {
			var room string
			if err := e.Decode(&room); err != nil {
				return err
			}
			return e.Socket().To(room).Emit("said", room)
		})
		echoServer(s)
	})
	const n = 6
	clients := make([]*wsClient, n)
	ids := make([]string, n)
	for i := range clients {
		clients[i], ids[i] = connectWS(t, addr, "/")
		if i%2 == 0 {
			clients[i].send(`420["join","even"]`)
			clients[i].want(`430[]`)
		}
	}
	clients[0].send(`42["to","even"]`)
	for _, i := range []int{2, 4} {
		clients[i].want(`42["said","even"]`)
	}
	if err := srv.To("even", ids[1]).Except(ids[2]).Emit("x", 1); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 4, 1} {
		clients[i].want(`42["x",1]`)
	}
	if err := srv.Root().Except("even").Emit("odd"); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 3, 5} {
		clients[i].want(`42["odd"]`)
	}
	sockets, err := srv.To("even").FetchSockets(context.Background())
	if err != nil || len(sockets) != 3 {
		t.Fatalf("FetchSockets: %d sockets, %v; want 3", len(sockets), err)
	}
	if err := srv.To("even").Leave("even"); err != nil {
		t.Fatal(err)
	}
	if err := srv.To("even").Emit("gone"); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		c.wantSilence(`429["echo"]`, `439[]`)
	}
}

func TestDisconnectReasonsAndOrder(t *testing.T) {
	t.Parallel()
	type end struct {
		id, reason string
		rooms      int
		after      int
	}
	ends := make(chan end, 16)
	_, addr := newServer(t, nil, func(s *sio.Server) {
		rooms := make(map[string]int)
		s.Root().OnDisconnecting(func(s *sio.Socket, _ sio.DisconnectReason) { rooms[s.ID()] = len(s.Rooms()) })
		s.Root().OnDisconnect(func(s *sio.Socket, r sio.DisconnectReason) {
			ends <- end{s.ID(), string(r), rooms[s.ID()], len(s.Rooms())}
		})
		s.OnConnection(func(s *sio.Socket) { _ = s.Join("a", "b"); _ = s.Emit("in") })
		s.Handle("bye", func(e *sio.Event) error { e.Socket().Disconnect(false); return nil })
		s.Handle("close", func(e *sio.Event) error { e.Socket().Disconnect(true); return nil })
		echoServer(s)
	})
	enter := func() (*wsClient, string) {
		t.Helper()
		c, id := connectWS(t, addr, "/")
		c.want(`42["in"]`)
		return c, id
	}
	check := func(id, reason string) {
		t.Helper()
		if got, want := recv(t, "disconnect", ends), (end{id, reason, 3, 0}); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	c, id := enter()
	c.send("41")
	check(id, "client namespace disconnect")
	c.send("40") // the connection is still good
	c.wantPrefix(`40{"sid"`)
	_ = c.conn.Close()
	recv(t, "disconnect", ends)

	c, id = enter()
	c.send(`42["bye"]`)
	c.want("41")
	check(id, "server namespace disconnect")

	c, id = enter()
	c.send(`42["close"]`)
	c.want("41")
	c.wantClose(0)
	check(id, "server namespace disconnect")

	c, id = enter()
	c.send(`41{"a":1}`)
	c.wantClose(0)
	check(id, "forced close")

	c, id = enter()
	c.send("2")
	c.wantClose(0)
	check(id, "transport error")

	c, id = enter()
	_ = c.conn.Close()
	check(id, "transport close")
}

func TestRequestAndGather(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	a, id := connectWS(t, addr, "/")
	b, _ := connectWS(t, addr, "/")
	done := make(chan string, 1)
	go func() {
		sockets, err := srv.To(id).Sockets(context.Background())
		if err != nil || len(sockets) != 1 {
			done <- "no socket"
			return
		}
		sum, err := sio.Request[int](context.Background(), sockets[0], "sum", 1, 2)
		if err != nil || sum != 3 {
			done <- "wrong sum"
			return
		}
		done <- ""
	}()
	a.want(`420["sum",1,2]`)
	a.send(`430[3]`)
	if msg := recv(t, "Request", done); msg != "" {
		t.Fatal(msg)
	}
	all := make(chan int, 1)
	go func() {
		replies, err := srv.Root().All().EmitWithAck(context.Background(), "who")
		if err != nil {
			all <- -1
			return
		}
		all <- len(replies)
	}()
	a.want(`421["who"]`)
	b.want(`421["who"]`)
	a.send(`431["a"]`)
	b.send(`431["b"]`)
	if n := recv(t, "Gather", all); n != 2 {
		t.Fatalf("%d replies, want 2", n)
	}
}
