package sio_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/sio"
)

// An ending is one way in which a client ends, or is ended.
type ending struct {
	name   string
	end    func(*wsClient)
	reason sio.DisconnectReason
	err    string // a part of what lies behind it; "" is none
}

var endings = []ending{
	{"by itself", func(c *wsClient) { c.send("41") }, sio.ReasonClientDisconnect, ""},
	{"by the server", func(c *wsClient) { c.send(`42["leave",false]`) }, sio.ReasonServerDisconnect, ""},
	{"by the server, with the connection", func(c *wsClient) { c.send(`42["leave",true]`) }, sio.ReasonServerDisconnect, ""},
	{"the connection is closed", func(c *wsClient) { _ = c.conn.Close() }, sio.ReasonTransportClose, "EOF"},
	{"a close frame", func(c *wsClient) {
		_ = ws.WriteFrame(c.conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "bye"))))
	}, sio.ReasonTransportClose, ""},
	{"an unmasked frame", func(c *wsClient) { _ = ws.WriteFrame(c.conn, ws.NewTextFrame([]byte("x"))) }, sio.ReasonTransportError, "mask"},
	{"too large", func(c *wsClient) { c.send("4" + strings.Repeat("x", 2000)) }, sio.ReasonTransportError, "too big"},
	{"a ping in the wrong direction", func(c *wsClient) { c.send("2") }, sio.ReasonTransportError, "invalid heartbeat direction"},
	{"no packet of Engine.IO", func(c *wsClient) { c.send("x") }, sio.ReasonParseError, ""},
	{"no packet of Socket.IO", func(c *wsClient) { c.send("4x") }, sio.ReasonForcedClose, "packet"},
	{"no pong", func(*wsClient) {}, sio.ReasonPingTimeout, ""},
}

// TestEveryDisconnectReason: whatever ends a socket, the hooks are told why, the
// first of them while its rooms are still known, and each of them once.
func TestEveryDisconnectReason(t *testing.T) {
	t.Parallel()
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			var d diary
			told := make(chan error, 1)
			o := &sio.Options{MaxHTTPBufferSize: 1000}
			if e.reason == sio.ReasonPingTimeout {
				o.PingInterval, o.PingTimeout = 50*time.Millisecond, 50*time.Millisecond
			}
			_, addr := newServer(t, o, func(srv *sio.Server) {
				n := srv.Root()
				n.OnDisconnecting(func(s *sio.Socket, r sio.DisconnectReason) {
					d.add("disconnecting %s, %d rooms, connected %v", r, len(s.Rooms()), s.Connected())
					_ = s.To("watchers").Emit("leaves")
				})
				n.OnDisconnecting(func(s *sio.Socket, _ sio.DisconnectReason) { d.add("again, %d rooms", len(s.Rooms())) })
				n.OnDisconnect(func(s *sio.Socket, r sio.DisconnectReason) {
					d.add("disconnect %s, %d rooms", r, len(s.Rooms()))
					told <- s.Err()
				})
				srv.OnConnection(func(s *sio.Socket) {
					if s.Err() != nil {
						t.Errorf("an error while it is connected: %v", s.Err())
					}
				})
				srv.Handle("leave", func(e *sio.Event) error {
					var closeConn bool
					err := e.Decode(&closeConn)
					e.Socket().Disconnect(closeConn)
					e.Socket().Disconnect(closeConn) // the second time it does nothing
					return err
				})
				srv.Handle("join", func(e *sio.Event) error { _ = e.Socket().Join("a", "b"); return e.Ack() })
			})
			c, _ := connectWS(t, addr, "/")
			c.send(`420["join"]`)
			c.want(`430[]`)
			e.end(c)
			if err := recv(t, "the hooks", told); err == nil && e.err != "" || err != nil && (e.err == "" || !strings.Contains(err.Error(), e.err)) {
				t.Errorf("behind it is %v, want %q", err, e.err)
			}
			want := []string{
				fmt.Sprintf("disconnecting %s, 3 rooms, connected false", e.reason), "again, 3 rooms",
				fmt.Sprintf("disconnect %s, 0 rooms", e.reason),
			}
			if got := d.take(); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// TestErrWithoutDisconnecting: what lies behind a disconnect is there for
// OnDisconnect alone, too, and also for polling clients.
func TestErrWithoutDisconnecting(t *testing.T) {
	t.Parallel()
	type end struct {
		reason sio.DisconnectReason
		err    error
		rooms  int
	}
	ends := make(chan end, 1)
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OnDisconnect(func(s *sio.Socket, r sio.DisconnectReason) { ends <- end{r, s.Err(), len(s.Rooms())} })
	})
	for _, tc := range []struct {
		post   string
		header string
		want   string
	}{
		{"1", "", "transport close: <nil>"},
		{"abc", "", "parse error: "},
		{"4abc", "", "forced close: "},
		{`42/nowhere,["x"]`, "", "forced server close: sio: packet for a namespace that is not joined"},
		{"x", "Content-Type: application/octet-stream\r\n", "transport error: invalid content"},
	} {
		c := newPollClient(t, addr)
		c.post("40")
		c.get()
		rawHTTP(t, addr, fmt.Sprintf("POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s",
			c.sid, tc.header, len(tc.post), tc.post))
		if strings.HasPrefix(tc.want, "forced close") {
			c.get() // the session waits for it
		}
		got := recv(t, "the end of "+tc.post, ends)
		if text := fmt.Sprintf("%s: %v", got.reason, got.err); !strings.HasPrefix(text, tc.want) || got.rooms != 0 {
			t.Errorf("%s: got %q with %d rooms, want %q", tc.post, text, got.rooms, tc.want)
		}
	}
	c := newPollClient(t, addr)
	c.post("40")
	c.get()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4", c.sid); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if got := recv(t, "the end of a cut POST", ends); got.err == nil || got.err.Error() != "data request connection closed prematurely" {
		t.Errorf("a cut POST: %v", got.err)
	}
}

// TestNamespacesEndInTheOrderOfTheirConnects, and every one of them ends.
func TestNamespacesEndInTheOrderOfTheirConnects(t *testing.T) {
	t.Parallel()
	names := []string{"/b", "/", "/c", "/a"}
	for what, end := range map[string]func(*wsClient){
		"lost":         func(c *wsClient) { _ = c.conn.Close() },
		"disconnected": func(c *wsClient) { c.send(`42/c,["all"]`) },
		"violation":    func(c *wsClient) { c.send("4x") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var d diary
			srv, addr := newServer(t, &sio.Options{Trace: &sio.Trace{
				Disconnected: func(s *sio.Socket, _ sio.DisconnectReason) { d.add("%s", s.Namespace().Name()) },
			}}, func(srv *sio.Server) {
				for _, name := range names {
					srv.Of(name)
				}
				srv.Of("/c").Handle("all", func(e *sio.Event) error { e.Socket().Disconnect(true); return nil })
			})
			c := openWS(t, addr)
			for _, name := range names {
				c.send("40" + name + ",")
				c.wantPrefix("40")
			}
			end(c)
			eventually(t, "the end", func() bool { return srv.Stats().Sockets == 0 })
			if what == "disconnected" {
				for _, name := range names {
					c.want("41" + strings.TrimSuffix(name+",", "/,"))
				}
				c.wantClose(0)
			}
			if got := d.take(); !slices.Equal(got, names) {
				t.Errorf("ended %q, want %q", got, names)
			}
		})
	}
}
