package chat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/cmd/gannet/internal/chat"
	"github.com/gannet-io/gannet/cmd/gannet/internal/polltest"
	"github.com/gannet-io/gannet/sio"
)

// serve starts a server with a chat and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	srv, err := sio.NewServer(&sio.Options{Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := chat.New(srv.Of("/chat"))
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		c.Close()
	})
	return "http://" + addr.String()
}

type joined struct {
	chat.JoinReply
	Error string
}

type receipt struct {
	chat.Receipt
	Error string
}

func enter(t *testing.T, server, name, room string) (*polltest.Client, joined) {
	t.Helper()
	c := polltest.Dial(t, server, "/chat")
	var reply joined
	c.Call(&reply, "join", chat.JoinRequest{Name: name, Room: room})
	if reply.Error != "" {
		t.Fatalf("join as %q: %s", name, reply.Error)
	}
	return c, reply
}

func TestMessageReachesTheRoomAndIsConfirmed(t *testing.T) {
	t.Parallel()
	server := serve(t)
	ada, _ := enter(t, server, "Ada", "harbour")
	bob, reply := enter(t, server, "Bob", "harbour")
	eve, _ := enter(t, server, "Eve", "elsewhere")
	if reply.Count != 2 || len(reply.Members) != 2 || reply.Members[0].Name != "Ada" || reply.You.ID != bob.ID {
		t.Errorf("Bob was told %+v", reply)
	}

	var got receipt
	ada.Call(&got, "message", " hello\nthere\u0000 ")
	if got.Error != "" || got.Seq == 0 || got.Peers != 1 || got.ID == "" || got.At == 0 {
		t.Errorf("receipt %+v", got)
	}
	var msg chat.Message
	bob.Next("message", &msg)
	if msg.Text != "hello\nthere" || msg.From.Name != "Ada" || msg.From.ID != ada.ID || msg.ID != got.ID || msg.Seq != got.Seq {
		t.Errorf("Bob got %+v", msg)
	}
	var d chat.Delivered
	ada.Next("delivered", &d)
	if d.ID != got.ID || d.Count != 1 || d.Peers != 1 {
		t.Errorf("delivered %+v", d)
	}

	// A message of Eve's own room is behind whatever would have reached her wrongly.
	eve.Call(&got, "message", "anybody?")
	if got.Peers != 0 || eve.Waiting("message") != 0 {
		t.Errorf("Eve: %d peers, %d messages; want none", got.Peers, eve.Waiting("message"))
	}
}

func TestUnconfirmedMessageIsNotDelivered(t *testing.T) {
	t.Parallel()
	server := serve(t)
	ada, _ := enter(t, server, "Ada", "r")
	bob, _ := enter(t, server, "Bob", "r")
	cid, _ := enter(t, server, "Cid", "r")
	bob.Mute()
	var got receipt
	ada.Call(&got, "message", "hello")
	bob.Next("message", nil)
	cid.Next("message", nil)
	var d chat.Delivered
	ada.Next("delivered", &d)
	if d.Count != 1 || d.Peers != 2 {
		t.Errorf("delivered %+v, want 1 of 2", d)
	}
}

func TestHistoryIsToldToWhoComesLater(t *testing.T) {
	t.Parallel()
	server := serve(t)
	ada, first := enter(t, server, "Ada", "r")
	if first.History == nil || len(first.History) != 0 {
		t.Errorf("history of a new room is %v, want an empty list", first.History)
	}
	for i := range 3 {
		ada.Call(nil, "message", fmt.Sprintf("line %d", i))
	}
	_, reply := enter(t, server, "Bob", "r")
	if len(reply.History) != 3 || reply.History[2].Text != "line 2" || reply.History[2].Seq != reply.History[0].Seq+2 {
		t.Errorf("history %+v", reply.History)
	}
}

func TestPresenceFollowsComingAndGoing(t *testing.T) {
	t.Parallel()
	server := serve(t)
	ada, _ := enter(t, server, "Ada", "r")
	bob, _ := enter(t, server, "Bob", "r")
	presence := func(count int) {
		t.Helper()
		var p chat.Presence
		for p.Count != count {
			ada.Next("presence", &p)
		}
		if p.Room != "r" || len(p.Members) != count {
			t.Errorf("presence %+v", p)
		}
	}
	presence(2)
	bob.Call(nil, "join", chat.JoinRequest{Name: "Bob", Room: "other"})
	presence(1)
	bob.Call(nil, "join", chat.JoinRequest{Name: "Bob", Room: "r"})
	presence(2)
	bob.Emit("leave")
	presence(1)
	bob.Call(nil, "join", chat.JoinRequest{Name: "Bob", Room: "r"})
	presence(2)
	bob.Leave()
	presence(1)
	var rooms []chat.RoomInfo
	for len(rooms) != 1 || rooms[0].Members != 1 {
		ada.Next("rooms", &rooms)
	}
}

func TestTypingReachesTheOthers(t *testing.T) {
	t.Parallel()
	server := serve(t)
	ada, _ := enter(t, server, "Ada", "r")
	bob, _ := enter(t, server, "Bob", "r")
	// The notice is volatile: it is dropped while no poll of Bob's waits.
	var n chat.Typing
	for n.Name == "" {
		ada.Emit("typing", true)
		ada.Call(nil, "message", "so that Bob's poll is answered")
		bob.Next("message", nil)
		if bob.Waiting("typing") > 0 {
			bob.Next("typing", &n)
		}
	}
	if n.Name != "Ada" || n.ID != ada.ID || !n.On {
		t.Errorf("typing %+v", n)
	}
}

func TestNamesInARoomDiffer(t *testing.T) {
	t.Parallel()
	server := serve(t)
	_, a := enter(t, server, "Ada", "r")
	_, b := enter(t, server, " Ada\u0007 ", " r ")
	_, c := enter(t, server, "Ada", "other")
	if a.You.Name != "Ada" || b.You.Name != "Ada 2" || c.You.Name != "Ada" || b.Room != "r" {
		t.Errorf("names %q, %q, %q, room %q", a.You.Name, b.You.Name, c.You.Name, b.Room)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	server := serve(t)
	in, _ := enter(t, server, "Ada", "r")
	out := polltest.Dial(t, server, "/chat")
	for _, tt := range []struct {
		name   string
		client *polltest.Client
		event  string
		arg    any
		want   string
	}{
		{"message before join", out, "message", "hello", "Join a room first."},
		{"no name", out, "join", chat.JoinRequest{Name: " \u200d", Room: "r"}, "A name is needed."},
		{"no room", out, "join", chat.JoinRequest{Name: "Bob"}, "A room is needed."},
		{"long name", out, "join", chat.JoinRequest{Name: strings.Repeat("ä", 33), Room: "r"}, "This name is too long."},
		{"long room", out, "join", chat.JoinRequest{Name: "Bob", Room: strings.Repeat("r", 49)}, "This room is too long."},
		{"empty message", in, "message", " \n ", "The message is empty."},
		{"long message", in, "message", strings.Repeat("m", 4001), "The message is too long."},
		{"wrong type", in, "message", []int{1}, "invalid arguments"},
	} {
		var got receipt
		tt.client.Call(&got, tt.event, tt.arg)
		if got.Error != tt.want {
			t.Errorf("%s: error %q, want %q", tt.name, got.Error, tt.want)
		}
	}
}

// A room named like somebody's socket must not be that socket's own room.
func TestRoomNameOfASocketIsHarmless(t *testing.T) {
	t.Parallel()
	server := serve(t)
	ada, _ := enter(t, server, "Ada", "r")
	spy, _ := enter(t, server, "Spy", ada.ID)
	ada.Call(nil, "message", "one")
	var got receipt
	spy.Call(&got, "message", "two")
	if got.Peers != 0 || ada.Waiting("message") != 0 {
		t.Errorf("the spy's message had %d peers and reached Ada %d times", got.Peers, ada.Waiting("message"))
	}
}
