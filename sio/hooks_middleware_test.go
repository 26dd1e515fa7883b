package sio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A refusalLog is what OnConnectionError was told.
type refusalLog struct {
	mu    sync.Mutex // guards following
	lines []string
}

// note is an OnConnectionError.
func (l *refusalLog) note(e *sio.ConnectionError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	upgrade := ""
	if e.Request.Header.Get("Upgrade") != "" {
		upgrade = " upgrade"
	}
	l.lines = append(l.lines, fmt.Sprintf("%s%s %d %s %v", e.Request.Method, upgrade, e.Code, e.Message, e.Context))
}

// take returns the lines since the last call.
func (l *refusalLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := strings.Join(l.lines, "\n")
	l.lines = nil
	return all
}

// handshakes are requests for a session, by transport.
func handshakes(query string) map[string]string {
	return map[string]string{
		"polling":   "GET " + pollURL + query + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"websocket": strings.Replace(upgradeRequest, "transport=websocket", "transport=websocket"+query, 1),
	}
}

// TestMiddlewareFailures has middlewares fail in each of their moments, on both
// transports (PARITY 0 and 1.3).
func TestMiddlewareFailures(t *testing.T) {
	t.Parallel()
	var refused refusalLog
	srv, addr := newServer(t, &sio.Options{OnConnectionError: refused.note}, nil)
	srv.UseHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mode := r.URL.Query().Get("mode")
			w.Header().Set("X-Set", "1")
			switch mode {
			case "fails":
				panic("nothing written")
			case "begun":
				w.Header().Set("X-Sent", "2")
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = io.WriteString(w, "half")
				w.Header().Set("X-Late", "3")
				panic("behind what was written")
			}
			next.ServeHTTP(w, r)
			next.ServeHTTP(w, r)
			if mode == "behind" {
				panic("behind next")
			}
		})
	})
	const failure = "3 Bad request map[error:%s name:MIDDLEWARE_FAILURE]"
	for _, x := range []struct {
		mode, transport string
		status          string
		header, body    string
		report          string
	}{
		{"fails", "polling", "400 Bad Request", "X-Set: 1", `{"code":3,"message":"Bad request"}`, "GET " + fmt.Sprintf(failure, "nothing written")},
		{"fails", "websocket", "400 Bad Request", "Connection: close", "Bad request", "GET upgrade " + fmt.Sprintf(failure, "nothing written")},
		{"begun", "polling", "503 Service Unavailable", "X-Set: 1\r\nX-Sent: 2", "half", "GET " + fmt.Sprintf(failure, "behind what was written")},
		{"begun", "websocket", "400 Bad Request", "Connection: close", "Bad request", "GET upgrade " + fmt.Sprintf(failure, "behind what was written")},
		{"behind", "polling", "200 OK", "X-Set: 1", `0{"sid":"`, ""},
		{"behind", "websocket", "101 Switching Protocols", "X-Set: 1", "", ""},
		{"none", "polling", "200 OK", "X-Set: 1", `0{"sid":"`, ""},
		{"none", "websocket", "101 Switching Protocols", "X-Set: 1", "", ""},
	} {
		got := rawHTTP(t, addr, handshakes("&mode=" + x.mode)[x.transport])
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		exact := body == x.body || strings.HasPrefix(x.body, "0{") && strings.HasPrefix(body, x.body) || x.transport == "websocket" && x.report == ""
		if !strings.HasPrefix(got, "HTTP/1.1 "+x.status+"\r\n") || !hasLines(head, x.header) || strings.Contains(head, "X-Late") || !exact {
			t.Errorf("%s over %s: got %q", x.mode, x.transport, got)
		}
		if reported := refused.take(); reported != x.report {
			t.Errorf("%s over %s: reported %q, want %q", x.mode, x.transport, reported, x.report)
		}
	}
	if n := srv.Stats().SessionsOpened; n != 4 {
		t.Errorf("%d sessions were opened, want one for each request that went on", n)
	}
}

// hasLines tells whether a head has all the lines.
func hasLines(head, lines string) bool {
	for line := range strings.SplitSeq(lines, "\r\n") {
		if !strings.Contains(head+"\r\n", "\r\n"+line+"\r\n") {
			return false
		}
	}
	return true
}

// TestMiddlewareOrder runs middlewares in the order in which they were added,
// on both transports.
func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	for _, name := range []string{"a", "b", "c"} {
		srv.UseHTTP(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Order", w.Header().Get("X-Order")+name)
				w.Header().Add("Set-Cookie", name+"=1")
				next.ServeHTTP(w, r)
			})
		})
	}
	for transport, raw := range handshakes("") {
		got := rawHTTP(t, addr, raw)
		if !hasLines(got, "X-Order: abc\r\nSet-Cookie: a=1\r\nSet-Cookie: b=1\r\nSet-Cookie: c=1") {
			t.Errorf("%s: got %q", transport, got)
		}
	}
}

// TestMiddlewareKeepsLimits has a middleware in front of a POST that is too
// large, and of one that is not.
func TestMiddlewareKeepsLimits(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{MaxHTTPBufferSize: 50, Transports: []string{"polling"}}, echoServer)
	srv.UseHTTP(func(next http.Handler) http.Handler { return next })
	c := newPollClient(t, addr)
	c.post("40")
	c.get()
	if status, body := c.do("POST", `420["echo","`+strings.Repeat("x", 50)+`"]`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body beyond the limit: %d %q", status, body)
	}
	c.post(`421["echo","` + strings.Repeat("x", 30) + `"]`)
	if got, want := c.get(), `431["`+strings.Repeat("x", 30)+`"]`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMiddlewareWithATimeout has http.TimeoutHandler, which calls the next handler
// on a goroutine of its own, give up before, while or after that does something:
// what comes first is the answer, and the only one.
func TestMiddlewareWithATimeout(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	srv.UseHTTP(func(next http.Handler) http.Handler { return http.TimeoutHandler(next, 20*time.Microsecond, "late") })
	const rounds, pipelined = 60, 5
	sessions, late := 0, 0
	for range rounds {
		c, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, strings.Repeat(handshakes("")["polling"], pipelined)); err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(c)
		for range pipelined {
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			switch {
			case err != nil:
				t.Fatal(err)
			case resp.StatusCode == http.StatusOK && strings.HasPrefix(string(body), `0{"sid":"`):
				sessions++
			case resp.StatusCode == http.StatusServiceUnavailable && string(body) == "late":
				late++
			default:
				t.Fatalf("status %d, %q", resp.StatusCode, body)
			}
		}
		_ = c.Close()
	}
	if st := srv.Stats(); st.SessionsOpened != uint64(sessions) {
		t.Errorf("%d sessions were opened; %d clients were told of one and %d that it is late", st.SessionsOpened, sessions, late)
	}
	t.Logf("%d sessions, %d late", sessions, late)
}
