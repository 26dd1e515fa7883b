package engine

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/loop"
)

// mounts is the part of a Server that serves the requests of other people's
// net/http servers: it is their handler.
//
//	                      ┌─ TCP, clear text ─▶ hijacked, adopted by a loop ─▶ another path: back to its server
//	http.Server ─▶ serve ─┼─ TLS, WebSocket ──▶ hijacked, two goroutines and a loop.Pipe
//	                      └─ anything else ───▶ one loop.Pipe for each request, the handler's goroutine
type mounts struct {
	// Immutable after newMounts.
	srv     *Server
	nowhere *home // of connections that cannot go back

	// Immutable; counts bridges and requests under way.
	running sync.WaitGroup

	mu      sync.Mutex // guards following
	homes   map[*http.Server]*home
	bridges map[*bridge]struct{}
	closed  bool
}

func newMounts(s *Server) *mounts {
	m := &mounts{srv: s, homes: map[*http.Server]*home{}, bridges: map[*bridge]struct{}{}}
	m.nowhere = &home{mounts: m}
	return m
}

// ServeHTTP serves a request that net/http has parsed. The loops must have been
// started. When it returns, the connection may belong to a loop.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cfg := &s.cfg
	target := requestTarget(r)
	switch {
	case !strings.HasPrefix(target, cfg.Path):
		if cfg.Fallback != nil {
			cfg.Fallback.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	case cfg.Static != nil && cfg.Static([]byte(target)):
		cfg.serveStatic(w, r)
	case s.draining.Load() || !s.mounts.enter(nil):
		refuseMounted(w)
	default:
		defer s.mounts.leave(nil)
		s.mounts.serve(w, r)
	}
}

// requestTarget returns the target as the client has sent it, whatever the
// handlers in front have made of the URL.
func requestTarget(r *http.Request) string {
	if r.RequestURI == "" { // made by a program
		return r.URL.RequestURI()
	}
	return r.RequestURI
}

// refuseMounted answers a request that the server cannot take.
func refuseMounted(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusServiceUnavailable)
}

// serve handles a request for Config.Path.
func (m *mounts) serve(w http.ResponseWriter, r *http.Request) {
	q := &mounted{m: m, w: w, r: r, upgrade: wantsUpgrade(r)}
	q.readBody()
	if q.lost {
		q.abort()
		return
	}
	if r.ProtoMajor == 1 && (q.upgrade || r.TLS == nil && !m.srv.cfg.ThroughHTTP) {
		nc, unread, err := hijack(w)
		switch {
		case err == nil:
			q.takeConn(nc, unread)
			return
		case !errors.Is(err, http.ErrNotSupported):
			m.srv.cfg.Logger.Debug("engine: a connection could not be hijacked", "err", err)
			return // it is somebody else's
		}
	}
	if q.upgrade {
		http.Error(w, "WebSocket needs a connection that can be hijacked", http.StatusNotImplemented)
		return
	}
	q.through()
}

// wantsUpgrade tells whether r is the request of a WebSocket.
func wantsUpgrade(r *http.Request) bool {
	if r.Header.Get("Upgrade") == "" {
		return false
	}
	for _, line := range r.Header.Values("Connection") {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), "upgrade") {
				return true
			}
		}
	}
	return false
}

// hijack takes a connection from net/http, with the bytes behind the request
// that have been read from it, and without deadlines.
func hijack(w http.ResponseWriter) (nc net.Conn, unread []byte, err error) {
	defer func() {
		// Writers of some frameworks assert that what they wrap is a Hijacker.
		if v := recover(); v != nil {
			if _, ok := v.(*runtime.TypeAssertionError); !ok {
				panic(v)
			}
			err = http.ErrNotSupported
		}
	}()
	nc, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := buf.Reader.Buffered(); n > 0 {
		p, _ := buf.Reader.Peek(n)
		unread = append(unread, p...)
	}
	_ = nc.SetDeadline(time.Time{})
	return nc, unread, nil
}

// takeConn gives a hijacked connection to a loop, behind it what was read.
func (q *mounted) takeConn(nc net.Conn, unread []byte) {
	m := q.m
	if h, ok := nc.(*handedConn); ok { // it has been on a loop before
		unread = append(unread, h.unread...)
		nc = h.Conn
		h.letGo()
	}
	if m.srv.cfg.ThroughHTTP || !adoptable(nc) {
		q.carry(nc, unread)
		return
	}
	head, err := q.request("")
	if err != nil {
		answerBadRequest(nc)
		return
	}
	err = m.srv.reactor.Adopt(q.loop(), nc, append(head, unread...), m.home(q.r))
	if err != nil {
		m.refuse(nc, err)
	}
}

// refuse closes a connection that no loop takes.
func (m *mounts) refuse(nc net.Conn, err error) {
	m.srv.cfg.Logger.Debug("engine: a connection was not taken over", "err", err)
	if !errors.Is(err, loop.ErrClosed) {
		_ = nc.SetWriteDeadline(deadlineIn(m.srv.cfg.CloseTimeout))
		_, _ = nc.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	}
	_ = nc.Close()
}

// answerBadRequest closes a connection whose request net/http and the handlers
// in front have let through, but which is not HTTP/1.1 as it stands.
func answerBadRequest(nc net.Conn) {
	_ = nc.SetWriteDeadline(deadlineIn(1000))
	_, _ = nc.Write([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	_ = nc.Close()
}

// adoptable tells whether a loop can watch the connection itself.
func adoptable(nc net.Conn) bool {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// loop returns the loop that the request is for: that of its session, so that
// the connection need not move, or the next.
func (q *mounted) loop() int {
	s := q.m.srv
	_, raw, _ := strings.Cut(requestTarget(q.r), "?")
	var scratch [64]byte
	if sid, ok := http1.QueryBytes([]byte(raw), "sid", scratch[:0]); ok {
		if sh, _, ok := s.find(string(sid)); ok {
			return sh.loop.ID()
		}
	}
	return int(s.turn.Add(1)) % len(s.shards)
}

// enter counts a request or a bridge under way. It reports false, and counts
// nothing, once the server shuts down.
func (m *mounts) enter(b *bridge) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.running.Add(1)
	if b != nil {
		m.bridges[b] = struct{}{}
	}
	return true
}

func (m *mounts) leave(b *bridge) {
	if b != nil {
		m.mu.Lock()
		delete(m.bridges, b)
		m.mu.Unlock()
	}
	m.running.Done()
}

// stop ends that connections come and go back.
func (m *mounts) stop() {
	m.mu.Lock()
	m.closed = true
	homes := slices.Collect(maps.Values(m.homes))
	m.mu.Unlock()
	for _, h := range homes {
		h.close()
	}
}

// wait joins the goroutines of bridges and waits for requests under way. The
// loops must have stopped. When ctx ends the bridges are cut off.
func (m *mounts) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // stops when the last of them has ended
		defer close(done)
		m.running.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	left := slices.Collect(maps.Keys(m.bridges))
	m.mu.Unlock()
	for _, b := range left {
		b.cut()
	}
	return ctx.Err()
}

// home returns where connections of the request's server go back to.
func (m *mounts) home(r *http.Request) *home {
	srv, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if srv == nil {
		return m.nowhere
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.homes[srv]
	if h == nil && !m.closed {
		h = &home{mounts: m, http: srv, ln: newHandoverListener(), done: make(chan struct{})}
		m.homes[srv] = h
	}
	if h == nil {
		return m.nowhere
	}
	return h
}

// A home is the net/http server that connections were hijacked from. A request
// on one of them that is for another path takes it back there: it is accepted
// by that very server once more.
type home struct {
	// Immutable after mounts.home.
	mounts *mounts
	http   *http.Server // nil if it is not known
	ln     *handoverListener
	done   chan struct{} // closed when Serve has returned

	start sync.Once
}

// take gives a connection back, with the bytes that were read from it. It is
// called on the connection's loop.
func (h *home) take(c *loop.Conn, unread []byte) {
	h.start.Do(func() {
		go h.run() // stops when close, or the user's server, closes the listener
	})
	nc, err := c.DetachConn()
	if err != nil {
		c.Close(err)
		return
	}
	if !h.ln.offer(&handedConn{Conn: nc, unread: append([]byte(nil), unread...)}) {
		_ = nc.Close()
	}
}

func (h *home) run() {
	defer close(h.done)
	err := h.http.Serve(h.ln)
	_ = h.ln.Close()
	h.ln.drain()
	if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		h.mounts.srv.cfg.Logger.Error("engine: connections cannot go back to their server", "err", err)
	}
	h.mounts.mu.Lock()
	defer h.mounts.mu.Unlock()
	if h.mounts.homes[h.http] == h {
		delete(h.mounts.homes, h.http)
	}
}

// close ends that connections go back, and joins run.
func (h *home) close() {
	started := true
	h.start.Do(func() { started = false })
	_ = h.ln.Close()
	if started {
		<-h.done
	}
}
