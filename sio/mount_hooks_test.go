package sio_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestMountHooks has the hooks and middlewares of a server that is mounted do
// what they do on a port of its own, on connections that a loop takes over and
// on those that none can.
func TestMountHooks(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){
		"taken over": nil,
		"bridged":    func(s *httptest.Server) { s.Listener = wrappedListener{s.Listener}; s.Start() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused refusalLog
			m := newMount(t, &sio.Options{
				Cookie:            &sio.Cookie{},
				OnConnectionError: refused.note,
				InitialHeaders:    func(h http.Header, _ *http.Request) { h.Set("X-First", "1") },
				Headers:           func(h http.Header, _ *http.Request) { h.Set("X-All", "1") },
			}, nil, nil, start)
			m.srv.UseHTTP(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Set", "1")
					switch r.URL.Query().Get("mode") {
					case "fails":
						panic("nothing written")
					case "begun":
						w.WriteHeader(http.StatusServiceUnavailable)
						_, _ = io.WriteString(w, "half")
						panic("behind what was written")
					}
					next.ServeHTTP(w, r)
				})
			})
			sid := newPollClient(t, m.addr).sid
			for _, x := range []struct {
				raw, status, lines, none, body, report string
			}{
				{handshakes("")["polling"], "200 OK", "X-Set: 1\r\nX-First: 1\r\nX-All: 1", "", `0{"sid":"`, ""},
				{handshakes("&sid=" + sid)["websocket"], "101 Switching Protocols", "X-Set: 1\r\nX-All: 1", "X-First", "", ""},
				{handshakes("")["websocket"], "101 Switching Protocols", "X-Set: 1\r\nX-First: 1\r\nX-All: 1", "Set-Cookie", "", ""},
				{handshakes("&transport=tobi")["polling"], "400 Bad Request", "X-Set: 1", "X-All", `{"code":0,`, "GET 0 Transport unknown map[transport:tobi]"},
				{handshakes("&sid=unknown")["websocket"], "400 Bad Request", "Connection: close", "X-All", "Session ID unknown", "GET upgrade 1 Session ID unknown map[sid:unknown]"},
				{handshakes("&mode=fails")["polling"], "400 Bad Request", "X-Set: 1", "X-All", `{"code":3,`, "GET 3 Bad request map[error:nothing written name:MIDDLEWARE_FAILURE]"},
				{handshakes("&mode=begun")["polling"], "503 Service Unavailable", "X-Set: 1", "X-All", "half", "GET 3 Bad request map[error:behind what was written name:MIDDLEWARE_FAILURE]"},
				{handshakes("&mode=begun")["websocket"], "400 Bad Request", "Connection: close", "X-All", "Bad request", "GET upgrade 3 Bad request map[error:behind what was written name:MIDDLEWARE_FAILURE]"},
			} {
				got := rawHTTP(t, m.addr, x.raw)
				head, body, _ := strings.Cut(got, "\r\n\r\n")
				what, _, _ := strings.Cut(x.raw, "\r\n")
				if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %s\r\n", x.status)) || !hasLines(head, x.lines) ||
					x.none != "" && strings.Contains(head, x.none) || !strings.HasPrefix(body, x.body) {
					t.Errorf("%s: got %q", what, got)
				}
				if reported := refused.take(); reported != x.report {
					t.Errorf("%s: reported %q, want %q", what, reported, x.report)
				}
			}
		})
	}
}
