package sio_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// A recorder is the far end of a connection of a driven loop.
type recorder struct {
	*loop.Conn
	bytes.Buffer
}

func openRecorder(srv *sio.Server) *recorder {
	r := &recorder{}
	r.Conn = srv.OpenFake(0, r.Buffer.Write)
	return r
}

// sid returns the session's id from the open packet.
func (r *recorder) sid(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(r.Buffer.String(), `"sid":"`)
	if !ok {
		t.Fatalf("no open packet in %q", r.Buffer.String())
	}
	return rest[:20]
}

// TestPlainRequestForWebSocket asks for a session on WebSocket by a request
// that is no upgrade: there is no poll that it could be part of.
func TestPlainRequestForWebSocket(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		srv, l, _ := driven(t, &sio.Options{}, func(*sio.Server) {})
		client := openRecorder(srv)
		client.Inject([]byte(upgradeRequest))
		l.Drive()
		other := openRecorder(srv)
		other.Inject(fmt.Appendf(nil, "%s /socket.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
			method, client.sid(t)))
		l.Drive()
		if got := other.Buffer.String(); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("%s: got %q, want 400", method, got)
		}
		if n := srv.Stats().Panics; n != 0 {
			t.Errorf("%s: %d panics on the loop", method, n)
		}
		if n := srv.Stats().Sessions; n != 1 {
			t.Errorf("%s: %d sessions, want the one that is not concerned", method, n)
		}
	}
}
