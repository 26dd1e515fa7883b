package sio_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestShutdownWhileUpgrading stops a server that has a session on polling, one
// that has upgraded and one that is upgrading: all end, and nothing is left of
// them.
func TestShutdownWhileUpgrading(t *testing.T) {
	t.Parallel()
	srv, err := sio.NewServer(&sio.Options{Loops: 2, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(chan sio.DisconnectReason, 3)
	srv.OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { reasons <- r })
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	joined := func() *pollClient {
		p := newPollClient(t, a.String())
		p.post("40")
		p.get()
		return p
	}
	probe := func(p *pollClient) *wsClient {
		w := dialWS(t, a.String(), "&sid="+p.sid, nil)
		w.send("2probe")
		w.want("3probe")
		return w
	}
	joined()
	upgraded, upgrading := probe(joined()), probe(joined())
	upgraded.send("5")
	upgraded.send("40/none,")
	upgraded.want(`44/none,{"message":"Invalid namespace"}`)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(ctx) }()
	upgraded.wantClose(0)
	upgrading.wantClose(0)
	_ = upgraded.conn.Close()
	_ = upgrading.conn.Close()
	if err := recv(t, "Shutdown", stopped); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for range 3 {
		if r := recv(t, "the disconnect", reasons); r != sio.ReasonServerShutdown {
			t.Errorf("reason %q", r)
		}
	}
	if st := srv.Stats(); st.Sessions != 0 || st.Connections != 0 || st.SessionsClosed != 3 || st.SocketsClosed != 3 {
		t.Errorf("final stats: %+v", st)
	}
}

// TestTwoServersOfOnePort mounts two servers beside each other: each takes its
// own requests and upgrades, and leaves those of the other alone.
func TestTwoServersOfOnePort(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	var servers []*sio.Server
	for _, path := range []string{"/socket.io", "/foo"} {
		srv, err := sio.NewServer(&sio.Options{Loops: 1, Path: path, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		srv.Handle("where", func(e *sio.Event) error { return e.Ack(path) })
		mux.Handle(path+"/", srv)
		servers = append(servers, srv)
	}
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		web.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, srv := range servers {
			if err := srv.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		}
	})
	addr := strings.TrimPrefix(web.URL, "http://")
	for i, path := range []string{"/socket.io", "/foo"} {
		polling := path + "/?EIO=4&transport=polling"
		_, body := request(t, "GET", web.URL+polling, "")
		sid, _, _ := strings.Cut(strings.TrimPrefix(body, `0{"sid":"`), `"`)
		if _, body = request(t, "POST", web.URL+polling+"&sid="+sid, "40"); body != "ok" {
			t.Fatalf("%s: POST: %q", path, body)
		}
		if _, body = request(t, "GET", web.URL+polling+"&sid="+sid, ""); !strings.HasPrefix(body, "40{") {
			t.Fatalf("%s: GET: %q", path, body)
		}
		other := map[string]string{"/socket.io": "/foo", "/foo": "/socket.io"}[path]
		if _, body = request(t, "GET", web.URL+other+"/?EIO=4&transport=polling&sid="+sid, ""); body != `{"code":1,"message":"Session ID unknown"}` {
			t.Errorf("%s knows a session of %s: %q", other, path, body)
		}
		w := dialTarget(t, "ws://"+addr+path+"/?EIO=4&transport=websocket&sid="+sid, nil)
		w.send("2probe")
		w.want("3probe")
		w.send("5")
		w.wantSilence(`420["where"]`, `430["`+path+`"]`)
		if n := servers[i].Stats().Upgrades; n != 1 {
			t.Errorf("%s: %d upgrades, want 1", path, n)
		}
	}
}
