package sio_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A mounting is a server of this package under one of net/http.
type mounting struct {
	srv  *sio.Server
	web  *httptest.Server
	addr string
}

// newMount mounts a server at /socket.io/, beside a page at /page that answers
// the name of the request's method. wrap may put handlers in front.
func newMount(tb testing.TB, o *sio.Options, setup func(*sio.Server), wrap func(http.Handler) http.Handler, start func(*httptest.Server)) *mounting {
	tb.Helper()
	if o == nil {
		o = &sio.Options{}
	}
	o.Logger = discard
	if o.Loops == 0 {
		o.Loops = 2
	}
	srv, err := sio.NewServer(o)
	if err != nil {
		tb.Fatal(err)
	}
	if setup != nil {
		setup(srv)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.Method) })
	var h http.Handler = mux
	if wrap != nil {
		h = wrap(h)
	}
	web := httptest.NewUnstartedServer(h)
	web.EnableHTTP2 = true
	if start == nil {
		web.Start()
	} else {
		start(web)
	}
	tb.Cleanup(web.Close)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			tb.Errorf("Shutdown: %v", err)
		}
	})
	return &mounting{srv, web, web.Listener.Addr().String()}
}

// A rawConn is a keep-alive connection on which requests are written by hand.
type rawConn struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dialMount(tb testing.TB, addr string) *rawConn {
	tb.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &rawConn{tb, c, bufio.NewReader(c)}
}

func (c *rawConn) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// response reads one response. last says that the connection ends behind it.
func (c *rawConn) response() (status int, last bool, body string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("response: %v", err)
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		c.t.Fatalf("response body: %v", err)
	}
	return res.StatusCode, res.Close, string(b)
}

// ask sends a request without a body.
func (c *rawConn) ask(method, target string) (status int, body string) {
	c.t.Helper()
	c.write(method + " " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
	status, _, body = c.response()
	return status, body
}

// upgraded reads the answer to upgradeRequest and goes on as a WebSocket.
func (c *rawConn) upgraded() *wsClient {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("upgrade: %v", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		c.t.Fatalf("upgrade: %d", res.StatusCode)
	}
	return &wsClient{c.t, c.Conn, c.r}
}

func (c *rawConn) wantEnd() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		c.t.Fatalf("got %q, %v, want the end", b, err)
	}
}

const pollPath = "/socket.io/?EIO=4&transport=polling"

// sidOf returns the session id in an open packet.
func sidOf(tb testing.TB, open string) string {
	tb.Helper()
	rest, ok := strings.CutPrefix(open, `0{"sid":"`)
	if !ok {
		tb.Fatalf("no open packet: %q", open)
	}
	sid, _, _ := strings.Cut(rest, `"`)
	return sid
}

func postRequest(sid, body string) string {
	return fmt.Sprintf("POST %s&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", pollPath, sid, len(body), body)
}

// speak exercises a session over polling, and its upgrade.
func speak(tb testing.TB, p *pollClient, dial func(query string) *wsClient) {
	tb.Helper()
	p.post("40")
	if got := p.get(); !strings.HasPrefix(got, `40{"sid":"`) {
		tb.Fatalf("CONNECT: %q", got)
	}
	p.post(`420["echo","über polling"]`)
	if got := p.get(); got != `430["über polling"]` {
		tb.Fatalf("echo: %q", got)
	}
	c := dial("&sid=" + p.sid)
	c.send("2probe")
	c.want("3probe")
	go func() { // the poll that the upgrade ends
		if res, err := p.http.Get(p.url()); err == nil {
			_ = res.Body.Close()
		}
	}()
	c.send("5")
	c.send(`421["echo","upgraded"]`)
	c.want(`431["upgraded"]`)
}

// TestMount speaks over both transports and goes from one to the other. There
// are more loops than connections, so that requests move.
func TestMount(t *testing.T) {
	t.Parallel()
	m := newMount(t, &sio.Options{Loops: 5}, echoing, nil, nil)
	for range 5 {
		speak(t, newPollClient(t, m.addr), func(q string) *wsClient { return dialWS(t, m.addr, q, nil) })
		c, _ := connectWS(t, m.addr, "/")
		c.send(`427["echo",1]`)
		c.want(`437[1]`)
	}
	if st := m.srv.Stats(); st.WebSocket != 10 || st.Adopted < 10 || st.Bridged != 0 || st.Upgrades != 5 {
		t.Errorf("%d WebSockets, %d adopted, %d bridged, %d upgrades", st.WebSocket, st.Adopted, st.Bridged, st.Upgrades)
	}
}

// TestMountGoesBack alternates between pages and polling on one connection.
func TestMountGoesBack(t *testing.T) {
	t.Parallel()
	m := newMount(t, nil, echoing, nil, nil)
	c := dialMount(t, m.addr)
	for i := range 20 {
		if status, body := c.ask("GET", "/page"); status != 200 || body != "page GET" {
			t.Fatalf("page %d: %d %q", i, status, body)
		}
		status, body := c.ask("GET", pollPath)
		if status != 200 {
			t.Fatalf("handshake %d: %d %q", i, status, body)
		}
		sid := sidOf(t, body)
		c.write(postRequest(sid, "40"))
		if _, _, body := c.response(); body != "ok" {
			t.Fatalf("POST %d: %q", i, body)
		}
		if status, body := c.ask("GET", "/socket.io/socket.io.js"); status != 404 || !strings.Contains(body, "npm package") {
			t.Fatalf("client %d: %d %q", i, status, body)
		}
		if _, body := c.ask("GET", pollPath+"&sid="+sid); !strings.HasPrefix(body, `40{"sid":"`) {
			t.Fatalf("GET %d: %q", i, body)
		}
		if status, _ := c.ask("OPTIONS", "/nowhere"); status != 404 {
			t.Fatalf("nowhere %d: %d", i, status)
		}
	}
	if st := m.srv.Stats(); st.Connections != 0 { // it is with net/http now
		t.Errorf("%d connections", st.Connections)
	}
}

// TestMountPipelined sends several requests at once: for the page, for a
// session, for the page again, and at last a WebSocket with its first frame.
func TestMountPipelined(t *testing.T) {
	t.Parallel()
	m := newMount(t, nil, echoing, nil, nil)
	page := "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
	open := "GET " + pollPath + " HTTP/1.1\r\nHost: x\r\n\r\n"
	c := dialMount(t, m.addr)
	c.write(page + open + open + page + open + page + upgradeRequest + string(masked("40")) + string(masked(`420["echo",7]`)))
	for i, want := range []string{"page", `0{"sid`, `0{"sid`, "page", `0{"sid`, "page"} {
		if _, _, body := c.response(); !strings.HasPrefix(body, want) {
			t.Fatalf("response %d: %q, want %s…", i, body, want)
		}
	}
	w := c.upgraded()
	w.wantPrefix(`0{"sid":"`)
	w.wantPrefix(`40{"sid":"`)
	w.want(`430[7]`)
}

// TestMountBodies posts bodies that come with the head, later, in chunks, and
// behind a handler that has read them.
func TestMountBodies(t *testing.T) {
	t.Parallel()
	m := newMount(t, &sio.Options{MaxHTTPBufferSize: 1000}, echoing, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Read") != "" {
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(b))
			}
			next.ServeHTTP(w, r)
		})
	}, nil)
	p := newPollClient(t, m.addr)
	p.post("40")
	p.get()

	post := strings.ReplaceAll(postRequest(p.sid, ""), "Content-Length: 0\r\n\r\n", "")
	body := `420["echo","` + strings.Repeat("x", 500) + `"]`
	for name, parts := range map[string][]string{
		"at once":    {postRequest(p.sid, body)},
		"later":      {post + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), body[:10], body[10:]},
		"in chunks":  {post + "Transfer-Encoding: chunked\r\n\r\n3\r\n" + body[:3] + "\r\n", fmt.Sprintf("%x\r\n", len(body)-3), body[3:], "\r\n0\r\n\r\n"},
		"read":       {post + fmt.Sprintf("X-Read: 1\r\nContent-Length: %d\r\n\r\n", len(body)), body},
		"on request": {post + fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body)), "", body},
	} {
		c := dialMount(t, m.addr)
		for i, part := range parts {
			c.write(part)
			if name == "on request" && i == 0 {
				if line, _ := c.r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
					t.Fatalf("%s: %q", name, line)
				}
				_, _ = c.r.ReadString('\n')
			}
		}
		c.write("GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, _, got := c.response(); status != 200 || got != "ok" {
			t.Errorf("%s: %d %q", name, status, got)
		}
		if got := p.get(); got != `430["`+strings.Repeat("x", 500)+`"]` {
			t.Errorf("%s: echo %q", name, got)
		}
		if _, _, got := c.response(); got != "page GET" { // what followed was taken for nothing else
			t.Errorf("%s: then %q", name, got)
		}
	}

	for name, request := range map[string]string{
		"length": postRequest(p.sid, strings.Repeat("x", 1001)),
		"chunks": post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat("x", 1001) + "\r\n0\r\n\r\n",
	} {
		c := dialMount(t, m.addr)
		c.write(request)
		if status, last, _ := c.response(); status != http.StatusRequestEntityTooLarge || !last {
			t.Errorf("too large by %s: %d, last %v", name, status, last)
		}
	}
	p.post(`421["echo","the session lives"]`)
	if got := p.get(); got != `431["the session lives"]` {
		t.Errorf("after 413: %q", got)
	}

	c := dialMount(t, m.addr)
	c.write(post + "Content-Length: 500\r\n\r\n42[")
	_ = c.Close()
	eventually(t, "the session ends with its POST", func() bool { return m.srv.Stats().Sessions == 0 })
}

// hiding is a ResponseWriter without http.Hijacker.
type hiding struct{ http.ResponseWriter }

// unwrapping is one that http.NewResponseController sees through.
type unwrapping struct{ hiding }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// TestMountBehindWriters mounts behind handlers that wrap the ResponseWriter.
func TestMountBehindWriters(t *testing.T) {
	t.Parallel()
	wrap := func(f func(http.ResponseWriter) http.ResponseWriter) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(f(w), r) })
		}
	}
	open := wrap(func(w http.ResponseWriter) http.ResponseWriter { return unwrapping{hiding{unwrapping{hiding{w}}}} })
	m := newMount(t, nil, echoing, open, nil)
	speak(t, newPollClient(t, m.addr), func(q string) *wsClient { return dialWS(t, m.addr, q, nil) })
	if st := m.srv.Stats(); st.Adopted == 0 || st.Bridged != 0 {
		t.Errorf("%d adopted, %d bridged", st.Adopted, st.Bridged)
	}

	m = newMount(t, nil, echoing, wrap(func(w http.ResponseWriter) http.ResponseWriter { return hiding{w} }), nil)
	p := newPollClient(t, m.addr)
	p.post("40")
	p.get()
	p.post(`420["echo","through"]`)
	if got := p.get(); got != `430["through"]` {
		t.Errorf("echo: %q", got)
	}
	if status, body := p.do("PUT", ""); status != http.StatusBadRequest && status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d %q", status, body)
	}
	c := dialMount(t, m.addr)
	c.write(upgradeRequest)
	if status, _, _ := c.response(); status != http.StatusNotImplemented {
		t.Errorf("WebSocket without a connection: %d", status)
	}
	eventually(t, "the end of every bridge but the session", func() bool {
		st := m.srv.Stats()
		return st.Adopted == 0 && st.Bridged == 0 && st.Polling == 1
	})
}

// TestMountUnknownServer mounts where a connection cannot go back.
func TestMountUnknownServer(t *testing.T) {
	t.Parallel()
	m := newMount(t, nil, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, nil)))
		})
	}, nil)
	for _, target := range []string{"/page", "/socket.io/socket.io.js"} {
		c := dialMount(t, m.addr)
		if status, _ := c.ask("GET", pollPath); status != 200 {
			t.Fatalf("handshake: %d", status)
		}
		c.write("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, last, _ := c.response(); status != 404 || !last {
			t.Errorf("%s: %d, last %v", target, status, last)
		}
		c.wantEnd()
	}
}

// TestMountStrict mounts behind a handler that writes into the request what
// must not be read as a header or a request of its own.
func TestMountStrict(t *testing.T) {
	t.Parallel()
	change := map[string]func(*http.Request){
		"value":  func(r *http.Request) { r.Header.Set("X-User", "a\r\nX-Admin: 1") },
		"name":   func(r *http.Request) { r.Header["X-Admin: 1\r\nX"] = []string{"a"} },
		"target": func(r *http.Request) { r.RequestURI += " HTTP/1.1\r\nX-Admin: 1\r\nX:" },
		"host":   func(r *http.Request) { r.Host = "x\r\nX-Admin: 1" },
		"method": func(r *http.Request) { r.Method = "GET /admin HTTP/1.1\r\n\r\nGET" },
	}
	for _, hide := range []bool{false, true} {
		m := newMount(t, nil, nil, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				change[r.Header.Get("X-Change")](r)
				if hide {
					w = hiding{w}
				}
				next.ServeHTTP(w, r)
			})
		}, nil)
		for name := range change {
			c := dialMount(t, m.addr)
			c.write("GET " + pollPath + " HTTP/1.1\r\nHost: x\r\nX-Change: " + name + "\r\n\r\n")
			if status, _, _ := c.response(); status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, status)
			}
		}
		if st := m.srv.Stats(); st.SessionsOpened != 0 {
			t.Errorf("%d sessions", st.SessionsOpened)
		}
	}
}

// TestMountRecorder calls the handler without a connection.
func TestMountRecorder(t *testing.T) {
	t.Parallel()
	srv, err := sio.NewServer(&sio.Options{Logger: discard, Loops: 1, Fallback: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	do := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w
	}
	w := do(httptest.NewRequest("GET", pollPath, nil))
	sid := sidOf(t, w.Body.String())
	if w.Code != 200 || w.Header().Get("Connection") != "" || w.Header().Get("Content-Type") == "" {
		t.Errorf("handshake: %d %v", w.Code, w.Header())
	}
	if w := do(httptest.NewRequest("POST", pollPath+"&sid="+sid, strings.NewReader("40"))); w.Body.String() != "ok" {
		t.Errorf("POST: %d %q", w.Code, w.Body)
	}
	if w := do(httptest.NewRequest("GET", pollPath+"&sid="+sid, nil)); !strings.HasPrefix(w.Body.String(), "40{") {
		t.Errorf("GET: %d %q", w.Code, w.Body)
	}
	if w := do(httptest.NewRequest("GET", "/elsewhere", nil)); w.Code != 404 || w.Body.String() != "404 page not found\n" {
		t.Errorf("Fallback: %d %q", w.Code, w.Body)
	}

	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		do(httptest.NewRequest("GET", pollPath+"&sid="+sid, nil).WithContext(ctx))
	}()
	eventually(t, "the poll waits", func() bool { return srv.Stats().Bridged == 1 })
	cancel()
	recv(t, "the end of the poll", gone)
	eventually(t, "its session ends", func() bool { st := srv.Stats(); return st.Sessions == 0 && st.Bridged == 0 })

	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if w := do(httptest.NewRequest("GET", pollPath, nil)); w.Code != 503 || w.Header().Get("Connection") != "close" {
		t.Errorf("after Close: %d %v", w.Code, w.Header())
	}
}

// TestMountShutdown ends a server of net/http the way that the documentation
// shows: its Shutdown does not know of the sessions.
func TestMountShutdown(t *testing.T) {
	t.Parallel()
	reasons := make(chan sio.DisconnectReason, 1)
	m := newMount(t, nil, func(srv *sio.Server) {
		srv.Root().OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { reasons <- r })
	}, nil, nil)
	down := make(chan error, 1)
	m.web.Config.RegisterOnShutdown(func() { down <- m.srv.Shutdown(context.Background()) })
	c, _ := connectWS(t, m.addr, "/")
	waiting := newPollClient(t, m.addr)
	page := dialMount(t, m.addr)
	page.ask("GET", pollPath)
	page.ask("GET", "/page")
	polled := make(chan string, 1)
	before := m.srv.Stats().Requests
	go func() { polled <- waiting.get() }()
	eventually(t, "the poll waits", func() bool { return m.srv.Stats().Requests > before })

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := m.web.Config.Shutdown(ctx); err != nil {
		t.Errorf("http.Server.Shutdown: %v", err)
	}
	c.wantClose(0)
	_ = c.conn.Close()
	if got := recv(t, "the answer to the poll", polled); got != "1" {
		t.Errorf("the poll was answered %q", got)
	}
	page.wantEnd() // it had gone back, and is one of net/http's
	if err := recv(t, "Shutdown", down); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if r := recv(t, "the reason", reasons); r != sio.ReasonServerShutdown {
		t.Errorf("reason %q", r)
	}
}

// TestMountOutlivesServer ends net/http's server while sessions go on.
func TestMountOutlivesServer(t *testing.T) {
	t.Parallel()
	m := newMount(t, nil, echoing, nil, nil)
	c, _ := connectWS(t, m.addr, "/")
	poll := dialMount(t, m.addr)
	poll.ask("GET", pollPath)
	if err := m.web.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.send(`420["echo",1]`)
	c.want(`430[1]`)
	poll.write("GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
	poll.wantEnd() // there is nowhere to go back to
}

// TestMountConnections opens 1,000 connections and counts the goroutines that
// are left for them. It is not parallel, because it counts those of the process.
func TestMountConnections(t *testing.T) {
	const many = 1000
	m := newMount(t, nil, echoing, nil, nil)
	idle := runtime.NumGoroutine()
	loops := 0
	conns := make([]*wsClient, many)
	for i := range conns {
		c := dialMount(t, m.addr)
		c.write(upgradeRequest + string(masked("40")))
		conns[i] = c.upgraded()
		conns[i].wantPrefix("0{")
		conns[i].wantPrefix("40{")
		if i == 0 {
			eventually(t, "the first connection has no goroutine", func() bool { return runtime.NumGoroutine() <= idle+4 })
			loops = runtime.NumGoroutine() - idle
		}
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= idle+loops })
	if err := m.srv.Emit("hello"); err != nil {
		t.Fatal(err)
	}
	for _, c := range conns {
		c.want(`42["hello"]`)
	}
	if st := m.srv.Stats(); st.Adopted != many || st.Bridged != 0 || st.Connections != many {
		t.Errorf("%d adopted, %d bridged of %d", st.Adopted, st.Bridged, st.Connections)
	}
	for _, c := range conns {
		_ = c.conn.Close()
	}
	eventually(t, "all are gone", func() bool { st := m.srv.Stats(); return st.Connections == 0 && st.Adopted == 0 && st.Sessions == 0 })
}

// wrappedListener gives out connections that hide their descriptor.
type wrappedListener struct{ net.Listener }

type hidingConn struct{ net.Conn }

func (l wrappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return hidingConn{c}, nil
}

// TestMountWrappedConnections serves connections in clear text that no loop can
// watch.
func TestMountWrappedConnections(t *testing.T) {
	t.Parallel()
	m := newMount(t, nil, echoing, nil, func(s *httptest.Server) {
		s.Listener = wrappedListener{s.Listener}
		s.Start()
	})
	p := newPollClient(t, m.addr)
	speak(t, p, func(q string) *wsClient { return dialWS(t, m.addr, q, nil) })
	c := dialMount(t, m.addr)
	c.write("GET " + pollPath + " HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, last, _ := c.response(); status != 200 || !last {
		t.Errorf("%d, last %v", status, last)
	}
	c.wantEnd()
	eventually(t, "the end of every bridge but that of the WebSocket", func() bool {
		st := m.srv.Stats()
		return st.Adopted == 0 && st.Bridged == 1
	})
	var nerr net.Error
	if _, err := c.Read(make([]byte, 1)); errors.As(err, &nerr) && nerr.Timeout() {
		t.Error("the connection is still open")
	}
}
