package eio_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
)

const pass = eio.ErrorCode(-1)

// sessions for the table below.
func pollingSession() *eio.Session {
	s := new(eio.Session)
	s.Open(config(), eio.Polling, 0, 0)
	return s
}

func websocketSession() *eio.Session {
	s := new(eio.Session)
	s.Open(config(), eio.WebSocket, 0, 0)
	return s
}

func upgradedSession() *eio.Session {
	s := pollingSession()
	s.StartUpgrade(config(), 1)
	s.UpgradePacket(config(), 2, eio.Upgrade, nil)
	return s
}

func closingSession() *eio.Session {
	s := pollingSession()
	s.StartClose(1)
	return s
}

func closedSession() *eio.Session {
	s := pollingSession()
	s.Closed()
	return s
}

func revision3Session() *eio.Session {
	s := new(eio.Session)
	s.OpenRevision3(config(), eio.Polling, 0)
	return s
}

func TestVerify(t *testing.T) {
	t.Parallel()
	type request = eio.Request
	both := config()
	both.AllowEIO3 = true
	pollingOnly, websocketOnly := config(), config()
	pollingOnly.Transports = []eio.Transport{eio.Polling}
	websocketOnly.Transports = []eio.Transport{eio.WebSocket}
	megabyte := strings.Repeat("polling", 1<<17)
	tests := []struct {
		name  string
		cfg   *eio.Config
		r     request
		s     *eio.Session
		want  eio.ErrorCode
		cause eio.Cause
	}{
		{name: "polling handshake", r: request{Transport: "polling", EIO: "4", Method: "GET"}, want: pass},
		{name: "websocket handshake", r: request{Transport: "websocket", EIO: "4", Method: "GET", Upgrade: true}, want: pass},
		{name: "upgrade request with transport polling goes on to 101 and 88 00", r: request{Transport: "polling", EIO: "4", Method: "GET", Upgrade: true}, want: pass},

		// Row 1, ATTACKS A25.
		{name: "no transport", r: request{EIO: "4", Method: "GET"}, want: 0},
		{name: "transport __proto__", r: request{Transport: "__proto__", EIO: "4", Method: "GET"}, want: 0},
		{name: "transport constructor", r: request{Transport: "constructor", EIO: "4", Method: "GET"}, want: 0},
		{name: "transport webtransport", r: request{Transport: "webtransport", EIO: "4", Method: "GET"}, want: 0},
		{name: "transport in capitals", r: request{Transport: "Polling", EIO: "4", Method: "GET"}, want: 0},
		{name: "transport of a megabyte", r: request{Transport: megabyte, EIO: "4", Method: "GET"}, want: 0},
		{name: "websocket on a polling server", cfg: pollingOnly, r: request{Transport: "websocket", EIO: "4", Method: "GET", Upgrade: true}, want: 0},
		{name: "polling on a websocket server", cfg: websocketOnly, r: request{Transport: "polling", EIO: "4", Method: "GET"}, want: 0},
		{name: "transport before origin", r: request{Transport: "x", EIO: "4", Method: "GET", OriginInvalid: true}, want: 0},

		// Row 2.
		{name: "origin", r: request{Transport: "polling", EIO: "4", Method: "GET", OriginInvalid: true}, want: 3, cause: eio.CauseInvalidOrigin},
		{name: "origin before sid", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET", OriginInvalid: true}, want: 3, cause: eio.CauseInvalidOrigin},

		// Row 3, ATTACKS A27.
		{name: "sid unknown", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, want: 1},
		{name: "sid __proto__", r: request{SID: "__proto__", Transport: "polling", EIO: "4", Method: "POST"}, want: 1},
		{name: "sid of 10 KB", r: request{SID: megabyte[:10<<10], Transport: "websocket", EIO: "4", Method: "GET", Upgrade: true}, want: 1},
		{name: "sid of a closed session", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: closedSession(), want: 1},
		{name: "sid of a session never opened", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: new(eio.Session), want: 1},
		{name: "sid unknown before method and version", r: request{SID: "x", Transport: "polling", EIO: "", Method: "PUT"}, want: 1},
		{name: "sid empty is a handshake", r: request{SID: "", Transport: "polling", EIO: "4", Method: "GET"}, s: pollingSession(), want: pass},

		// Known sessions.
		{name: "poll", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: pollingSession(), want: pass},
		{name: "post", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "POST"}, s: pollingSession(), want: pass},
		{name: "method is not looked at with a sid", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "DELETE"}, s: pollingSession(), want: pass},
		{name: "poll of a closing session", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: closingSession(), want: pass},
		{name: "upgrade", r: request{SID: "x", Transport: "websocket", EIO: "4", Method: "GET", Upgrade: true}, s: pollingSession(), want: pass},
		{name: "second websocket goes on to 101 and 88 00", r: request{SID: "x", Transport: "websocket", EIO: "4", Method: "GET", Upgrade: true}, s: upgradedSession(), want: pass},

		// Row 4, ATTACKS A72 and A77.
		{name: "websocket without upgrade on polling", r: request{SID: "x", Transport: "websocket", EIO: "4", Method: "GET"}, s: pollingSession(), want: 3, cause: eio.CauseTransportMismatch},
		{name: "poll after the upgrade", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: upgradedSession(), want: 3, cause: eio.CauseTransportMismatch},
		{name: "post after the upgrade", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "POST"}, s: upgradedSession(), want: 3, cause: eio.CauseTransportMismatch},
		{name: "poll of a websocket session", r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: websocketSession(), want: 3, cause: eio.CauseTransportMismatch},
		{name: "transport before version", r: request{SID: "x", Transport: "polling", EIO: "3", Method: "GET"}, s: websocketSession(), want: 3, cause: eio.CauseTransportMismatch},

		// Row 5.
		{name: "other version", r: request{SID: "x", Transport: "polling", EIO: "3", Method: "GET"}, s: pollingSession(), want: 3, cause: eio.CauseProtocolMismatch},
		{name: "version missing", r: request{SID: "x", Transport: "polling", EIO: "", Method: "POST"}, s: pollingSession(), want: 3, cause: eio.CauseProtocolMismatch},
		{name: "other version at the upgrade", r: request{SID: "x", Transport: "websocket", EIO: "3", Method: "GET", Upgrade: true}, s: pollingSession(), want: 3, cause: eio.CauseProtocolMismatch},
		{name: "revision 3 polls as 4", cfg: both, r: request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}, s: revision3Session(), want: 3, cause: eio.CauseProtocolMismatch},
		{name: "revision 3 polls as 3", cfg: both, r: request{SID: "x", Transport: "polling", EIO: "3", Method: "GET"}, s: revision3Session(), want: pass},

		// Row 6, ATTACKS A28.
		{name: "post handshake", r: request{Transport: "polling", EIO: "4", Method: "POST"}, want: 2},
		{name: "put handshake", r: request{Transport: "polling", EIO: "4", Method: "PUT"}, want: 2},
		{name: "options handshake", r: request{Transport: "polling", EIO: "4", Method: "OPTIONS"}, want: 2},
		{name: "method is case-sensitive", r: request{Transport: "polling", EIO: "4", Method: "get"}, want: 2},
		{name: "method before version", r: request{Transport: "polling", EIO: "3", Method: "POST"}, want: 2},
		{name: "method before upgrade", r: request{Transport: "websocket", EIO: "4", Method: "POST"}, want: 2},

		// Row 7.
		{name: "websocket handshake without upgrade", r: request{Transport: "websocket", EIO: "4", Method: "GET"}, want: 3, cause: eio.CauseTransportHandshake},
		{name: "upgrade before version", r: request{Transport: "websocket", EIO: "3", Method: "GET"}, want: 3, cause: eio.CauseTransportHandshake},

		// Row 9, ATTACKS A26.
		{name: "EIO 2", r: request{Transport: "polling", EIO: "2", Method: "GET"}, want: 5},
		{name: "EIO 3", r: request{Transport: "polling", EIO: "3", Method: "GET"}, want: 5},
		{name: "EIO 5", r: request{Transport: "polling", EIO: "5", Method: "GET"}, want: 5},
		{name: "EIO missing", r: request{Transport: "polling", Method: "GET"}, want: 5},
		{name: "EIO 4abc", r: request{Transport: "polling", EIO: "4abc", Method: "GET"}, want: 5},
		{name: "EIO 04", r: request{Transport: "websocket", EIO: "04", Method: "GET", Upgrade: true}, want: 5},
		{name: "EIO 3 allowed", cfg: both, r: request{Transport: "polling", EIO: "3", Method: "GET"}, want: pass},
		{name: "EIO missing is 3 and allowed", cfg: both, r: request{Transport: "polling", Method: "GET"}, want: pass},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := tt.cfg
			if cfg == nil {
				cfg = config()
			}
			code, ok := eio.Verify(cfg, &tt.r, tt.s)
			if ok {
				code = pass
			}
			if code != tt.want {
				t.Errorf("Verify = %d, want %d", code, tt.want)
			}
			if got := eio.RefusalCause(cfg, &tt.r, tt.s); got != tt.cause {
				t.Errorf("RefusalCause = %q, want %q", got, tt.cause)
			}
		})
	}
}

// allowRequest (row 8) comes after rows 1 to 7 and before row 9.
func TestVerifyInTwoParts(t *testing.T) {
	t.Parallel()
	cfg := config()
	r := eio.Request{Transport: "polling", EIO: "3", Method: "GET"}
	if code, ok := eio.VerifyBefore(cfg, &r, nil); !ok {
		t.Errorf("VerifyBefore refuses with %d what only row 9 refuses", code)
	}
	if code, ok := eio.VerifyAfter(cfg, &r); ok || code != eio.CodeUnsupportedVersion {
		t.Errorf("VerifyAfter = %d, %v", code, ok)
	}
	r.SID = "x" // only handshakes are asked for their version
	if code, ok := eio.VerifyAfter(cfg, &r); !ok {
		t.Errorf("VerifyAfter with a sid = %d", code)
	}
}
