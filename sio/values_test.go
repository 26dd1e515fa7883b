package sio_test

import (
	"errors"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestTargetsAreValues: what is made of a Target leaves it as it is, with many
// rooms too.
func TestTargetsAreValues(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, echoServer)
	c, id := connectWS(t, addr, "/")
	other, otherID := connectWS(t, addr, "/")
	s, far := socketOf(t, srv, id), socketOf(t, srv, otherID)
	if err := errors.Join(s.Join("r"), far.Join("d")); err != nil {
		t.Fatal(err)
	}
	base := srv.Root().To("a", "b", "c", "e", "r").Except("v", "w", "x", "y", "z")
	fromSocket := s.To("a", "b", "c", "e", "d").Except("v", "w", "x", "y", "z")
	made := []sio.Target{
		base.To("d"), base.To("e"), base.Except("r"), base.Except("q"), base.Volatile(), base.Compress(false), base.Timeout(0), base.Local(),
		fromSocket.To("r"), fromSocket.To("f"), fromSocket.Except("d"), fromSocket.Except("q"), fromSocket.Volatile(), fromSocket.Timeout(0),
	}
	want := []struct{ one, other bool }{
		{true, true},
		{true, false},
		{false, false},
		{true, false},
		{true, false},
		{true, false},
		{true, false},
		{true, false},
		{false, true},
		{false, true},
		{false, false},
		{false, true},
		{false, true},
		{false, true},
	}
	for i, target := range made {
		for _, d := range []struct {
			target     sio.Target
			name       string
			one, other bool
		}{
			{target, "made", want[i].one, want[i].other},
			{base, "base", true, false},
			{fromSocket, "socket", false, true},
		} {
			if err := d.target.Emit(d.name, i); err != nil {
				t.Error(err)
			}
			for _, end := range []struct {
				c   *wsClient
				has bool
			}{{c, d.one}, {other, d.other}} {
				end.c.send(`420["echo"]`)
				got := end.c.next()
				if end.has {
					if got == `430[]` {
						t.Fatalf("target %d, %s: not received", i, d.name)
					}
					got = end.c.next()
				}
				if got != `430[]` {
					t.Fatalf("target %d, %s: got %q", i, d.name, got)
				}
			}
		}
	}
}

// TestLegacyRefusals: a client of Socket.IO 2 that "/" refuses is told so without
// having asked, and may join other namespaces.
func TestLegacyRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&sio.Error{Message: "no"}, `44"no"`},
		{&sio.Error{Message: "no", Data: map[string]any{"code": 1}}, `44{"code":1}`},
		{&sio.Error{Message: "no", Data: "why"}, `44"why"`},
		{errors.New("secret"), `44"internal error"`},
	} {
		_, addr := newServer(t, &sio.Options{AllowEIO3: true}, func(srv *sio.Server) {
			srv.Use(func(*sio.Socket) error { return tc.err })
			srv.Of("/chat")
		})
		c := dialWS(t, addr, "&EIO=3", nil)
		c.wantPrefix(`0{"sid":"`)
		c.want(tc.want)
		c.send("40/chat")
		c.want("40/chat,")
	}
}
