package sio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestConn upgrades a connection with sockets in two namespaces, and closes it.
func TestConn(t *testing.T) {
	t.Parallel()
	upgraded := make(chan string, 3)
	joined := make(chan *sio.Socket, 3)
	ended := make(chan sio.DisconnectReason, 3)
	_, addr := newServer(t, &sio.Options{AllowEIO3: true, Trace: &sio.Trace{Upgraded: func(s *sio.Socket) {
		upgraded <- s.Namespace().Name() + " " + s.Conn().Transport()
	}}}, func(srv *sio.Server) {
		for _, n := range []*sio.Namespace{srv.Root(), srv.Of("/n")} {
			n.OnConnection(func(s *sio.Socket) { joined <- s })
			n.OnDisconnect(func(_ *sio.Socket, reason sio.DisconnectReason) { ended <- reason })
		}
	})
	p := newPollClient(t, addr)
	p.post("40\x1e40/n,")
	s := recv(t, "the first socket", joined)
	recv(t, "the second socket", joined)
	for n := 0; n < 2; n += strings.Count(p.get(), `{"sid":"`) {
	}
	if c := s.Conn(); c.ID() != p.sid || c.Protocol() != 4 || c.Transport() != "polling" {
		t.Errorf("connection %q over %q, revision %d; want %q over polling, 4", c.ID(), c.Transport(), c.Protocol(), p.sid)
	}
	w := dialWS(t, addr, "&sid="+p.sid, nil)
	w.send("2probe")
	w.want("3probe")
	w.send("5")
	got := []string{recv(t, "the upgrade", upgraded), recv(t, "the upgrade of the second socket", upgraded)}
	if got[0] != "/ websocket" || got[1] != "/n websocket" {
		t.Errorf("upgraded: %q", got)
	}
	if name := s.Conn().Transport(); name != "websocket" {
		t.Errorf("the transport is %q", name)
	}
	s.Conn().Close()
	w.wantClose(0)
	for range 2 {
		if reason := recv(t, "the end", ended); reason != sio.ReasonForcedClose {
			t.Errorf("reason %q", reason)
		}
	}
	if name := s.Conn().Transport(); name != "" {
		t.Errorf("the transport of a closed connection is %q", name)
	}
	s.Conn().Close() // once more does nothing

	old, err := http.Get("http://" + addr + "/socket.io/?EIO=3&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	_ = old.Body.Close()
	if n := recv(t, "a client of Socket.IO 2", joined).Conn().Protocol(); n != 3 {
		t.Errorf("revision %d, want 3", n)
	}
}
