package sio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// TestHandshakeOfEachTransport has the application read what the first request
// of a session said: headers of the client's own, cookies, query and address,
// which stay what they were when the session upgrades.
func TestHandshakeOfEachTransport(t *testing.T) {
	t.Parallel()
	shakes := make(chan sio.Handshake, 2)
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OnConnection(func(s *sio.Socket) { shakes <- s.Handshake() })
		srv.Handle("again", func(e *sio.Event) error { shakes <- e.Socket().Handshake(); return nil })
	})
	headers := map[string]string{"X-Custom-Header-For-My-Project": "my-secret", "Cookie": "user=NI2J; path=/; expires=Tue, 07-Apr-2015 18:18:08 GMT"}
	check := func(from string, h sio.Handshake) {
		t.Helper()
		for name, want := range headers {
			if got := h.Headers.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", from, name, got, want)
			}
		}
		if h.Query.Get("transport") != from || h.Query.Get("a") != "b" || h.Query.Get("c") != "d e" || !strings.Contains(h.URL, "&a=b&c=d%20e") {
			t.Errorf("%s: query %v, URL %q", from, h.Query, h.URL)
		}
		if !h.Address.Addr().IsLoopback() || h.Address.Port() == 0 || h.Secure || h.XDomain {
			t.Errorf("%s: got %+v", from, h)
		}
	}
	header := http.Header{}
	lines := ""
	for name, value := range headers {
		header.Set(name, value)
		lines += name + ": " + value + "\r\n"
	}
	w := dialWS(t, addr, "&a=b&c=d%20e", header)
	w.wantPrefix("0")
	w.send("40")
	w.wantPrefix("40")
	check("websocket", recv(t, "the handshake", shakes))

	open := rawHTTP(t, addr, "GET "+pollURL+"&a=b&c=d%20e HTTP/1.1\r\nHost: x\r\n"+lines+"\r\n")
	_, rest, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	if _, body := request(t, "POST", "http://"+addr+pollURL+"&sid="+sid, "40"); body != "ok" {
		t.Fatalf("POST: %q", body)
	}
	check("polling", recv(t, "the handshake", shakes))
	u := dialWS(t, addr, "&sid="+sid, nil)
	u.send("2probe")
	u.want("3probe")
	u.send("5")
	u.send(`42["again"]`)
	check("polling", recv(t, "the handshake", shakes))
}

// TestHeartbeatAmongMessages sends so much that pings wait behind it; a client
// that answers them when it sees them stays.
func TestHeartbeatAmongMessages(t *testing.T) {
	t.Parallel()
	const n = 100
	text := strings.Repeat("a", 64<<10)
	_, addr := newServer(t, &sio.Options{PingInterval: 50 * time.Millisecond, PingTimeout: 5 * time.Second, MaxQueue: 16 << 20}, func(srv *sio.Server) {
		echoServer(srv)
		srv.Handle("flood", func(e *sio.Event) error {
			for i := range n {
				if err := e.Socket().Emit("message", text, i); err != nil {
					return err
				}
			}
			return nil
		})
	})
	c, _ := connectWS(t, addr, "/")
	pings := 0
	texts := func() string { // like next, and counts the pings
		for {
			got := string(c.frame().Payload)
			if got != "2" {
				return got
			}
			pings++
			c.send("3")
		}
	}
	for pings == 0 {
		c.send(`42["flood"]`)
		for i := range n {
			if got, want := texts(), fmt.Sprintf(`42["message",%q,%d]`, text, i); got != want {
				t.Fatalf("message %d: got %.60q", i, got)
			}
		}
	}
	c.send(`420["echo"]`)
	if got := texts(); got != "430[]" {
		t.Errorf("got %.60q", got)
	}
}
