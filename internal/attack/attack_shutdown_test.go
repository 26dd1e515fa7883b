//go:build unix

package attack_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestA117ShutdownUnderLoad stops a server while clients flood it, and while
// others ignore that they are asked to go.
func TestA117ShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	var clients sync.WaitGroup
	for range 8 { // flood until they are cut off, and never answer the close
		w := s.connect()
		clients.Go(func() { _, _ = io.Copy(io.Discard, w.r) })
		clients.Go(func() {
			for w.try(frames(fin|opText, `42["echo",1]`, `42["inline",2]`)) == nil {
			}
		})
	}
	for range 8 { // churn
		clients.Go(func() {
			for {
				w, err := tryDial(s.addr)
				if err != nil {
					return
				}
				_, _ = io.WriteString(w, get("")+get("&sid=unknown"))
				_, _ = io.CopyN(io.Discard, w, 1)
				_ = w.Close()
			}
		})
	}
	parked, away, deaf, half := s.joined(), s.joined(), s.connect(), s.poller()
	parked.parked()
	half.posts.write(request("POST", path+"?EIO=4&transport=polling"+half.query(), "Content-Length: 100\r\n") + "42")
	s.eventually("load", func() bool { return s.grown("EventsIn") > 1000 && s.grown("SessionsOpened") > 50 })

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var both sync.WaitGroup
	for range 2 { // the second call is as good as the first
		both.Go(func() {
			if err := s.srv.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
	if got := parked.body(); got != "1" {
		t.Errorf("a pending GET got %q, want a close", got)
	}
	deaf.wantFrame(opClose, "")
	both.Wait()
	clients.Wait()
	if err := s.srv.Wait(); !errors.Is(err, sio.ErrServerClosed) {
		t.Errorf("Wait: %v", err)
	}
	if _, err := tryDial(s.addr); err == nil {
		t.Error("somebody still listens")
	}
	s.wantReason("server shutting down")
	st := s.srv.Stats()
	if st.Connections != 0 || st.Sessions != 0 || st.Sockets != 0 || st.SessionsOpened != st.SessionsClosed || st.SocketsOpened != st.SocketsClosed {
		t.Errorf("after the shutdown: %+v", st)
	}
	away.leave()
	half.leave()
}

// TestA117BlockedHooks shuts down while hooks of the user hang: when the context
// ends they are left behind.
func TestA117BlockedHooks(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	var blocked sync.WaitGroup
	blocked.Add(3)
	block := func() { blocked.Done(); <-release }
	srv, err := sio.NewServer(&sio.Options{Loops: loops, AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Has("block") {
			block()
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	srv.Of("/mw").Use(func(*sio.Socket) error { block(); return nil })
	srv.Handle("block", func(*sio.Event) error { block(); return nil })
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, srv: srv, addr: a.String(), stats: func() any { return srv.Stats() }}
	w := s.connect()
	w.write(frames(fin|opText, `42["block"]`, "40/mw,"))
	s.dial().write(get("&block=1"))
	blocked.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want that of the context", err)
	}
	w.wantGone()
	if err := srv.Wait(); !errors.Is(err, sio.ErrServerClosed) {
		t.Errorf("Wait: %v", err)
	}
}
