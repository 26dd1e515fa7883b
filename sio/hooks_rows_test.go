package sio_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/gannet-io/gannet/sio"
)

// TestConnectionErrorsOfEachRow refuses requests for each reason there is, over
// HTTP and as upgrades: what is reported, which is done before the answer, and
// the answer (PARITY 1.3).
func TestConnectionErrorsOfEachRow(t *testing.T) {
	t.Parallel()
	var refused refusalLog
	srv, addr := newServer(t, &sio.Options{
		OnConnectionError: refused.note,
		AllowRequest: func(r *http.Request) error {
			switch r.URL.Query().Get("deny") {
			case "":
				return nil
			case "silently":
				return errors.New("not for the client")
			default:
				return &sio.Error{Message: "nope"}
			}
		},
		GenerateID: func(r *http.Request) (string, error) {
			if id := r.URL.Query().Get("id"); id != "" {
				return id, nil
			}
			return "", errors.New("no id")
		},
	}, nil)
	srv.UseHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("fail") {
				panic("on purpose")
			}
			next.ServeHTTP(w, r)
		})
	})
	if _, body := request(t, "GET", "http://"+addr+pollURL+"&id=polls", ""); !strings.HasPrefix(body, `0{"sid":"polls"`) {
		t.Fatalf("handshake: %q", body)
	}
	w := dialWS(t, addr, "&id=streams", nil)
	w.wantPrefix("0")
	for _, x := range []struct{ query, http, upgrade string }{
		{"EIO=4", "0 Transport unknown map[transport:]", "the same"},
		{"EIO=4&transport=constructor", "0 Transport unknown map[transport:constructor]", "the same"},
		{"EIO=4&transport=__proto__", "0 Transport unknown map[transport:__proto__]", "the same"},
		{"EIO=4&transport=webtransport", "0 Transport unknown map[transport:webtransport]", "the same"},
		{"EIO=4&transport=websocket&sid=test", "1 Session ID unknown map[sid:test]", "the same"},
		{"EIO=4&transport=websocket&sid=constructor", "1 Session ID unknown map[sid:constructor]", "the same"},
		{"EIO=4&transport=websocket&sid=polls", "3 Bad request map[name:TRANSPORT_MISMATCH previousTransport:polling transport:websocket]", ""},
		{"EIO=4&transport=polling&sid=streams", "3 Bad request map[name:TRANSPORT_MISMATCH previousTransport:websocket transport:polling]", ""},
		{"EIO=3&transport=polling&sid=polls", "3 Bad request map[name:PROTOCOL_MISMATCH previousProtocol:4 protocol:3]", "the same"},
		{"EIO=4&transport=websocket&id=x", "3 Bad request map[name:TRANSPORT_HANDSHAKE_ERROR]", ""},
		{"EIO=4&transport=polling&deny=aloud", "4 Forbidden map[message:nope]", "the same"},
		{"EIO=4&transport=polling&deny=silently", "4 Forbidden map[message:]", "the same"},
		{"EIO=3&transport=polling", "5 Unsupported protocol version map[protocol:3]", "the same"},
		{"EIO=4&transport=polling", "3 Bad request map[error:no id name:ID_GENERATION_ERROR]", "the same"},
		{"EIO=4&transport=polling&fail=1", "3 Bad request map[error:on purpose name:MIDDLEWARE_FAILURE]", "the same"},
	} {
		raw := "GET /socket.io/?" + x.query + " HTTP/1.1\r\nHost: x\r\n"
		got := rawHTTP(t, addr, raw+"\r\n")
		if reported := refused.take(); reported != "GET "+x.http {
			t.Errorf("%s: reported %q, want %q", x.query, reported, "GET "+x.http)
		}
		code, message := x.http[:1], regexp.MustCompile(`^\d (.*) map`).FindStringSubmatch(x.http)[1]
		if strings.HasSuffix(x.http, "message:nope]") {
			message = "nope"
		}
		status := "400 Bad Request"
		if code == "4" {
			status = "403 Forbidden"
		}
		if want := fmt.Sprintf(`{"code":%s,"message":%q}`, code, message); !strings.HasPrefix(got, "HTTP/1.1 "+status) || !strings.HasSuffix(got, "\r\n\r\n"+want) ||
			!hasLines(got, "Content-Type: application/json") {
			t.Errorf("%s: got %q", x.query, got)
		}
		if x.upgrade == "" {
			continue
		}
		_, headers, _ := strings.Cut(upgradeRequest, "Host: x\r\n")
		got = rawHTTP(t, addr, raw+headers)
		if reported := refused.take(); reported != "GET upgrade "+x.http {
			t.Errorf("%s as an upgrade: reported %q, want %q", x.query, reported, "GET upgrade "+x.http)
		}
		want := fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: %d\r\n\r\n%s", len(message), message)
		if got != want {
			t.Errorf("%s as an upgrade: got %q, want %q", x.query, got, want)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		_, body := request(t, method, "http://"+addr+pollURL+"&id=x", "")
		want := method + " 2 Bad handshake method map[method:" + method + "]"
		if reported := refused.take(); reported != want || body != `{"code":2,"message":"Bad handshake method"}` {
			t.Errorf("reported %q, want %q; answered %q", reported, want, body)
		}
	}
	if n := srv.Stats().Sessions; n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
}

// TestHeaderHooksOfEachRow asks for every kind of response: the hooks run for
// those of a session that has been found and does what it is for, and for no
// other (PARITY 1.4).
func TestHeaderHooksOfEachRow(t *testing.T) {
	t.Parallel()
	var initial, all atomic.Int32
	_, addr := newServer(t, &sio.Options{
		MaxHTTPBufferSize: 100,
		CORS:              &sio.CORS{Origin: "*"},
		ClientFiles:       fstest.MapFS{"socket.io.js": {Data: []byte("// the client")}},
		InitialHeaders:    func(http.Header, *http.Request) { initial.Add(1) },
		Headers:           func(h http.Header, _ *http.Request) { all.Add(1); h.Set("X-All", "yes") },
	}, nil)
	session := func() string { return newPollClient(t, addr).sid }
	post := func(sid, more, body string) string {
		return fmt.Sprintf("POST %s&sid=%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", pollURL, sid, more, len(body), body)
	}
	chunked := func(sid, body string) string {
		return fmt.Sprintf("POST %s&sid=%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s", pollURL, sid, body)
	}
	for _, x := range []struct {
		what, raw     string
		status        int
		initial, once int32 // how often the hooks run
	}{
		{"handshake over polling", handshakes("")["polling"], 200, 1, 1},
		{"handshake over WebSocket", handshakes("")["websocket"], 101, 1, 1},
		{"upgrade of a session", handshakes("&sid=" + session())["websocket"], 101, 0, 1},
		{"POST", post(session(), "", "40"), 200, 0, 1},
		{"POST that cannot be decoded", post(session(), "", "abc"), 200, 0, 1},
		{"unknown transport", "GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0, 0},
		{"unknown session", handshakes("&sid=unknown")["polling"], 400, 0, 0},
		{"upgrade of an unknown session", handshakes("&sid=unknown")["websocket"], 400, 0, 0},
		{"POST in chunks", chunked(session(), "1\r\n4\r\n1\r\n0\r\n0\r\n\r\n"), 200, 0, 1},
		{"body beyond the limit", post(session(), "", strings.Repeat("x", 101)), 413, 0, 0},
		{"chunks beyond the limit", chunked(session(), "1\r\nx\r\n64\r\n"+strings.Repeat("x", 100)+"\r\n0\r\n\r\n"), 413, 0, 0},
		{"body in binary", post(session(), "Content-Type: application/octet-stream\r\n", "x"), 400, 0, 0},
		{"another method", strings.Replace(post(session(), "", ""), "POST", "PUT", 1), 405, 0, 0},
		{"preflight", strings.Replace(post("", "", ""), "POST", "OPTIONS", 1), 204, 0, 0},
		{"client file", "GET /socket.io/socket.io.js HTTP/1.1\r\nHost: x\r\n\r\n", 200, 0, 0},
		{"another path", "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, 0, 0},
	} {
		initial.Store(0)
		all.Store(0)
		got := rawHTTP(t, addr, x.raw)
		if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", x.status)) {
			t.Errorf("%s: got %q, want %d", x.what, got, x.status)
		}
		if i, n := initial.Load(), all.Load(); i != x.initial || n != x.once {
			t.Errorf("%s: the hooks ran %d and %d times, want %d and %d", x.what, i, n, x.initial, x.once)
		}
		if hasLines(got, "X-All: yes") != (x.once == 1) {
			t.Errorf("%s: got %q", x.what, got)
		}
	}
}

// TestHeaderHooksOfOverlaps runs the hook for the GET that is cut short, and not
// for the one that cuts it short.
func TestHeaderHooksOfOverlaps(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{Headers: func(h http.Header, _ *http.Request) { h.Set("X-All", "yes") }}, nil)
	sid := newPollClient(t, addr).sid
	answer := make(chan string, 1)
	get := handshakes("&sid=" + sid)["polling"]
	go func() { answer <- rawHTTP(t, addr, get) }()
	eventually(t, "the GET waits", func() bool { return srv.Stats().Requests == 2 })
	second := rawHTTP(t, addr, get)
	first := recv(t, "the answer to the first GET", answer)
	if strings.HasPrefix(first, "HTTP/1.1 400") { // the second came first
		first, second = second, first
	}
	if !hasLines(first, "X-All: yes") || !strings.HasSuffix(first, "\r\n\r\n1") {
		t.Errorf("the first GET got %q", first)
	}
	if hasLines(second, "X-All: yes") || !strings.HasPrefix(second, "HTTP/1.1 400 ") {
		t.Errorf("the second GET got %q", second)
	}
}
