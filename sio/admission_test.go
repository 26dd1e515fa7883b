package sio_test

import (
	"net/http"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestInputBeforeAdmission sends more than is kept in memory before the
// handshake was admitted: the WebSocket is read on afterwards.
func TestInputBeforeAdmission(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	o := &sio.Options{AllowRequest: func(*http.Request) error {
		<-hold
		return nil
	}}
	srv, l, _ := driven(t, o, func(*sio.Server) {})
	c := openRecorder(srv)
	c.Inject([]byte(upgradeRequest))
	for range 20_000 {
		c.Inject(masked("6"))
	}
	close(hold)
	eventually(t, "the session opens", func() bool {
		l.Drive()
		return srv.Stats().Sessions == 1
	})
	c.Inject(masked("40"))
	second(l)
	if n := srv.Stats().Sockets; n != 1 {
		t.Errorf("%d sockets connected: the WebSocket is not read", n)
	}
}
