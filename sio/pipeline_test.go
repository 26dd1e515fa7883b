package sio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestCloseWithPipelinedPoll closes a session on polling whose next GET waits
// on the connection of the one that is parked, behind a request of another
// session: it is told at once that the session is over.
func TestCloseWithPipelinedPoll(t *testing.T) {
	t.Parallel()
	srv, l, _ := driven(t, &sio.Options{}, func(*sio.Server) {})
	request := func(c *recorder, method, sid, body string) {
		c.Inject(fmt.Appendf(nil, "%s /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
			method, sid, len(body), body))
		l.Drive()
	}
	var sids []string
	for range 2 {
		c := openRecorder(srv)
		request(c, "GET", "", "")
		sids = append(sids, "&sid="+c.sid(t))
	}
	c := openRecorder(srv)
	request(c, "POST", sids[0], "40")
	request(c, "GET", sids[0], "") // the answer to the CONNECT
	request(c, "GET", sids[0], "") // parked
	request(c, "POST", sids[1], "3")
	request(c, "GET", sids[0], "")
	srv.LocalSockets()[0].Disconnect(true)
	l.Drive()
	if n := srv.Stats().Sessions; n != 1 {
		t.Errorf("%d sessions, want 1: the client was not told of the end", n)
	}
	if got := c.Buffer.String(); !strings.HasSuffix(got, "6\x1e1") {
		t.Errorf("the last answer is not noop and close: %q", got)
	}
}
