package sio_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestHandlerRegisteredBehindMiddleware has OnConnection register a handler
// while the event that it is for has already come.
func TestHandlerRegisteredBehindMiddleware(t *testing.T) {
	t.Parallel()
	hold, handled := make(chan struct{}), make(chan struct{})
	greeting := make(chan struct{})
	_, l, conns := driven(t, &sio.Options{}, func(srv *sio.Server) {
		srv.Use(func(*sio.Socket) error { return nil })
		srv.OnConnection(func(s *sio.Socket) {
			close(greeting)
			<-hold
			s.On("late", func(*sio.Event) error {
				close(handled)
				return nil
			})
		})
	}, []string{"/"})
	eventually(t, "OnConnection runs", func() bool {
		l.Drive()
		select {
		case <-greeting:
			return true
		default:
			return false
		}
	})
	conns[0].Inject(masked(`42["late"]`))
	l.Drive()
	close(hold)
	eventually(t, "the event is handled", func() bool {
		l.Drive()
		select {
		case <-handled:
			return true
		default:
			return false
		}
	})
}

// TestAdmittedWhileClosing has a middleware finish when the connection is
// waiting for the GET that will close it: the socket does not connect any more.
func TestAdmittedWhileClosing(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	var connected, disconnected atomic.Int64
	asked := make(chan struct{})
	srv, l, _ := driven(t, &sio.Options{}, func(srv *sio.Server) {
		srv.Of("/slow").Use(func(*sio.Socket) error {
			close(asked)
			<-hold
			return nil
		})
		srv.Of("/slow").OnConnection(func(*sio.Socket) { connected.Add(1) })
		srv.Root().OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { disconnected.Add(1) })
	})
	get := openRecorder(srv)
	get.Inject([]byte("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"))
	l.Drive()
	post := openRecorder(srv)
	body := "40\x1e40/slow,"
	post.Inject(fmt.Appendf(nil, "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		get.sid(t), len(body), body))
	recv(t, "the middleware", asked)
	srv.LocalSockets()[0].Disconnect(true)
	close(hold)
	eventually(t, "the hook of the other socket runs", func() bool {
		l.Drive()
		return disconnected.Load() == 1
	})
	l.SetNow(l.Now() + 60_000)
	eventually(t, "the session is over", func() bool {
		second(l)
		return srv.Stats().Sessions == 0
	})
	if n := connected.Load(); n != 0 {
		t.Errorf("OnConnection ran %d times for a connection that was closing", n)
	}
	if n := srv.Stats().SocketsOpened; n != 1 {
		t.Errorf("%d sockets connected, want 1", n)
	}
}
