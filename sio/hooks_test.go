package sio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/sio"
)

const pollURL = "/socket.io/?EIO=4&transport=polling"

// An answer is the head of a response.
type answer struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// request sends one request and returns its response and body.
func request(t *testing.T, method, url string, body string) (answer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, res.ContentLength}, string(all)
}

// TestConnectionErrors has every code of the protocol reported with its context
// (PARITY 1.3).
func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	_, addr := newServer(t, &sio.Options{
		Loops: 1,
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Has("deny") {
				return &sio.Error{Message: "nope"}
			}
			return nil
		},
		OnConnectionError: func(e *sio.ConnectionError) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%s %d %s %v", e.Request.Method, e.Code, e.Message, e.Context))
		},
	}, nil)
	base := "http://" + addr + "/socket.io/?EIO=4"
	c := newPollClient(t, addr)
	for _, x := range []struct{ method, url, want string }{
		{"GET", base, "GET 0 Transport unknown map[transport:]"},
		{"GET", base + "&transport=tobi", "GET 0 Transport unknown map[transport:tobi]"},
		{"GET", base + "&transport=polling&sid=__proto__", "GET 1 Session ID unknown map[sid:__proto__]"},
		{"POST", base + "&transport=polling", "POST 2 Bad handshake method map[method:POST]"},
		{"GET", base + "&transport=websocket", "GET 3 Bad request map[name:TRANSPORT_HANDSHAKE_ERROR]"},
		{"GET", base + "&transport=websocket&sid=" + c.sid, "GET 3 Bad request map[name:TRANSPORT_MISMATCH previousTransport:polling transport:websocket]"},
		{"GET", strings.Replace(c.url(), "EIO=4", "EIO=3", 1), "GET 3 Bad request map[name:PROTOCOL_MISMATCH previousProtocol:4 protocol:3]"},
		{"GET", base + "&transport=polling&deny", "GET 4 Forbidden map[message:nope]"},
		{"GET", "http://" + addr + "/socket.io/?EIO=3&transport=polling", "GET 5 Unsupported protocol version map[protocol:3]"},
	} {
		request(t, x.method, x.url, "")
		mu.Lock()
		if len(got) != 1 || got[0] != x.want {
			t.Errorf("%s %s: reported %q, want %q", x.method, x.url, got, x.want)
		}
		got = nil
		mu.Unlock()
	}
}

// TestHeaderHooks adds headers to the first and to every response of a session,
// on both transports, and to no other (PARITY 1.4).
func TestHeaderHooks(t *testing.T) {
	t.Parallel()
	var initial, all atomic.Int32
	_, addr := newServer(t, &sio.Options{
		Cookie: &sio.Cookie{},
		InitialHeaders: func(h http.Header, r *http.Request) {
			initial.Add(1)
			h.Set("X-First", r.URL.Query().Get("transport"))
			h.Add("Set-Cookie", "a=b")
		},
		Headers: func(h http.Header, _ *http.Request) {
			all.Add(1)
			h.Set("X-All", "yes")
			h.Set("Content-Length", "7")         // not the user's
			h.Set("X-Split", "a\r\nX-Evil: yes") // would break the response
			h["bad name"] = []string{"x"}
		},
	}, nil)
	res, body := request(t, "GET", "http://"+addr+pollURL, "")
	if cookies := res.Header.Values("Set-Cookie"); len(cookies) != 2 || !strings.HasPrefix(cookies[0], "io=") || cookies[1] != "a=b" {
		t.Errorf("cookies %q", cookies)
	}
	if res.Header.Get("X-First") != "polling" || res.Header.Get("X-All") != "yes" {
		t.Errorf("handshake: headers %v", res.Header)
	}
	if res.Header.Get("X-Split")+res.Header.Get("X-Evil") != "" || res.ContentLength != int64(len(body)) {
		t.Errorf("handshake: headers %v", res.Header)
	}
	sid, _, _ := strings.Cut(strings.TrimPrefix(body, `0{"sid":"`), `"`)
	for _, method := range []string{"POST", "GET"} {
		res, _ = request(t, method, "http://"+addr+pollURL+"&sid="+sid, "40")
		if res.Header.Get("X-First") != "" || res.Header.Get("X-All") != "yes" || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: headers %v", method, res.Header)
		}
	}
	res, _ = request(t, "GET", "http://"+addr+pollURL+"&sid=unknown", "")
	if res.Header.Get("X-All") != "" {
		t.Errorf("a refusal has the headers %v", res.Header)
	}
	header := dialHeader(t, addr, "")
	if header.Get("X-First") != "websocket" || header.Get("X-All") != "yes" || len(header.Values("Set-Cookie")) != 1 {
		t.Errorf("101: headers %v", header)
	}
	header = dialHeader(t, addr, "&sid="+sid)
	if header.Get("X-First") != "" || header.Get("X-All") != "yes" {
		t.Errorf("101 of an upgrade: headers %v", header)
	}
	if initial.Load() != 2 || all.Load() != 5 {
		t.Errorf("the hooks ran %d and %d times, want 2 and 5", initial.Load(), all.Load())
	}
}

// dialHeader returns the headers of the 101 of a WebSocket.
func dialHeader(t *testing.T, addr, query string) http.Header {
	t.Helper()
	header := http.Header{}
	d := ws.Dialer{Timeout: patience, OnHeader: func(k, v []byte) error {
		header.Add(string(k), string(v))
		return nil
	}}
	c, _, _, err := d.Dial(context.Background(), "ws://"+addr+"/socket.io/?EIO=4&transport=websocket"+query)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	return header
}

// TestGenerateID uses ids of the application's, on several loops, through both
// transports and the upgrade.
func TestGenerateID(t *testing.T) {
	t.Parallel()
	var errored atomic.Pointer[sio.ConnectionError]
	srv, addr := newServer(t, &sio.Options{
		Loops:             3,
		OnConnectionError: func(e *sio.ConnectionError) { errored.Store(e) },
		GenerateID: func(r *http.Request) (string, error) {
			switch id := r.URL.Query().Get("want"); id {
			case "panic":
				panic("no id today")
			case "":
				return "", errors.New("none")
			default:
				return id, nil
			}
		},
	}, nil)
	for i := range 4 {
		want := fmt.Sprintf("&want=id-%d", i)
		_, body := request(t, "GET", "http://"+addr+pollURL+want, "")
		if wantBody := fmt.Sprintf(`0{"sid":"id-%d",`, i); !strings.HasPrefix(body, wantBody) {
			t.Fatalf("got %q, want %s…", body, wantBody)
		}
	}
	for i := range 4 {
		url := fmt.Sprintf("http://%s%s&sid=id-%d", addr, pollURL, i)
		if _, body := request(t, "POST", url, "40"); body != "ok" {
			t.Errorf("POST: %q", body)
		}
		if _, body := request(t, "GET", url, ""); !strings.HasPrefix(body, `40{"sid":"`) || strings.Contains(body, "id-") {
			t.Errorf("GET: %q", body)
		}
	}
	up := dialWS(t, addr, "&sid=id-2", nil)
	up.send("2probe")
	up.want("3probe")
	up.send("5")
	up.send("40/none,")
	up.want(`44/none,{"message":"Invalid namespace"}`)
	for want, name := range map[string]string{"": "none", "panic": "panic", "id-0": "in use", strings.Repeat("x", 257): "too long"} {
		res, body := request(t, "GET", "http://"+addr+pollURL+"&want="+want, "")
		if res.StatusCode != 400 || body != `{"code":3,"message":"Bad request"}` {
			t.Errorf("%s: %d %q", name, res.StatusCode, body)
		}
		if e := errored.Load(); e == nil || e.Context["name"] != "ID_GENERATION_ERROR" {
			t.Errorf("%s: reported %v", name, e)
		}
	}
	strange := `a"/é +%` // in the open packet, in the cookie and in the query it is escaped
	_, body := request(t, "GET", "http://"+addr+pollURL+"&want="+url.QueryEscape(strange), "")
	if !strings.HasPrefix(body, `0{"sid":"a\"/é +%",`) {
		t.Errorf("got %q", body)
	}
	if res, body := request(t, "POST", "http://"+addr+pollURL+"&sid="+url.QueryEscape(strange), "41"); body != "ok" {
		t.Errorf("POST: %d %q", res.StatusCode, body)
	}
	_ = up.conn.Close()
	eventually(t, "the session is over", func() bool { return srv.Stats().Sessions == 4 })
	if _, body = request(t, "GET", "http://"+addr+pollURL+"&want=id-2", ""); !strings.HasPrefix(body, `0{"sid":"id-2"`) {
		t.Errorf("an id that was in use: %q", body)
	}
}

// TestMiddleware takes requests of both transports through middlewares.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	type userKey struct{}
	var seen atomic.Pointer[string]
	srv, addr := newServer(t, &sio.Options{
		CORS: &sio.CORS{Origin: "*"},
		AllowRequest: func(r *http.Request) error {
			user, _ := r.Context().Value(userKey{}).(string)
			seen.Store(&user)
			return nil
		},
	}, nil)
	srv.UseHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "1")
			if r.URL.Query().Get("mode") == "panic" {
				panic("on purpose")
			}
			next.ServeHTTP(w, r)
			if r.URL.Query().Get("mode") == "" {
				_, _ = io.WriteString(w, "ignored when the request has gone on")
			}
		})
	})
	srv.UseHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Inner", "1")
			if r.URL.Query().Get("mode") == "teapot" {
				w.Header().Set("Content-Type", "text/x-tea")
				w.WriteHeader(http.StatusTeapot)
				_, _ = io.WriteString(w, "short and stout")
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "ada")))
			next.ServeHTTP(w, r) // a second time is ignored
		})
	})
	base := "http://" + addr + pollURL
	res, body := request(t, "GET", base, "")
	if res.StatusCode != 200 || res.Header.Get("X-Outer")+res.Header.Get("X-Inner") != "11" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("handshake: %d %v", res.StatusCode, res.Header)
	}
	if user := seen.Load(); user == nil || *user != "ada" {
		t.Errorf("AllowRequest did not get what the middleware has put into the context")
	}
	sid, _, _ := strings.Cut(strings.TrimPrefix(body, `0{"sid":"`), `"`)
	if res, body = request(t, "POST", base+"&sid="+sid, "40"); body != "ok" || res.Header.Get("X-Inner") != "1" {
		t.Errorf("POST: %q %v", body, res.Header)
	}
	if res, body = request(t, "GET", base+"&sid="+sid, ""); !strings.HasPrefix(body, "40{") || res.Header.Get("X-Inner") != "1" {
		t.Errorf("GET: %q %v", body, res.Header)
	}
	if res, body = request(t, "POST", base+"&mode=teapot&sid="+sid, "40"); res.StatusCode != http.StatusTeapot || !strings.HasSuffix(body, "short and stout") ||
		res.Header.Get("Content-Type") != "text/x-tea" || res.Header.Get("X-Inner") != "1" {
		t.Errorf("answered by the middleware: %d %q %v", res.StatusCode, body, res.Header)
	}
	if res, body = request(t, "GET", base+"&mode=panic", ""); res.StatusCode != 400 || body != `{"code":3,"message":"Bad request"}` {
		t.Errorf("a panic: %d %q", res.StatusCode, body)
	}
	if h := dialHeader(t, addr, ""); h.Get("X-Outer")+h.Get("X-Inner") != "11" {
		t.Errorf("101: %v", h)
	}
	refused := strings.Replace(upgradeRequest, "EIO=4", "mode=teapot&EIO=4", 1)
	if got := rawHTTP(t, addr, refused); !strings.HasPrefix(got, "HTTP/1.1 418 ") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("an upgrade answered by the middleware: %q", got)
	}
}

// TestMiddlewarePipelined sends a poll and a POST in one write: both go through
// the middlewares, and the answers come in their order.
func TestMiddlewarePipelined(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{Loops: 3}, nil)
	srv.UseHTTP(func(next http.Handler) http.Handler { return next })
	for range 8 { // whichever loop the connection comes to
		c := newPollClient(t, addr)
		get := "GET " + pollURL + "&sid=" + c.sid + " HTTP/1.1\r\nHost: x\r\n\r\n"
		post := "POST " + pollURL + "&sid=" + c.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n40"
		got := rawHTTP(t, addr, get+post)
		if !strings.Contains(got, `40{"sid":"`) {
			t.Errorf("got %q, want the answer to the CONNECT", got)
		}
	}
}

// TestMiddlewareGone loses the connection while a middleware runs.
func TestMiddlewareGone(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	srv, addr := newServer(t, &sio.Options{}, nil)
	srv.UseHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(inside)
			<-leave
			next.ServeHTTP(w, r)
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+addr+pollURL, nil)
		if res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	recv(t, "the middleware", inside)
	cancel()
	recv(t, "the client is gone", over)
	eventually(t, "the connection is gone", func() bool { return srv.Stats().Connections == 0 })
	close(leave)
	eventually(t, "nothing is left", func() bool { return srv.Stats().Sessions == 0 })
}
