package sio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestOnlyPollsAreCompressed accepts gzip for everything: only what is sent to
// GETs of a session comes so, the open packet included (PARITY 1.8).
func TestOnlyPollsAreCompressed(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, &sio.Options{HTTPCompressionThreshold: 1}, nil)
	sid := newPollClient(t, addr).sid
	for _, x := range []struct {
		method, query, body string
		compressed          bool
	}{
		{"GET", "", "", true},
		{"POST", "&sid=" + sid, "40/none,", false},
		{"GET", "&sid=" + sid, "", true},
		{"GET", "&sid=unknown", "", false},
	} {
		got := rawHTTP(t, addr, fmt.Sprintf("%s %s%s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s",
			x.method, pollURL, x.query, len(x.body), x.body))
		if hasLines(got, "Content-Encoding: gzip") != x.compressed || strings.Contains(got, "Content-Encoding") != x.compressed {
			t.Errorf("%s%s: got %q", x.method, x.query, got)
		}
	}
}
