package engine

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gannet-io/gannet/loop"
)

// A webServer is the net/http side of the port: it serves requests that are
// not for Config.Path on connections that a loop handed over, and gives a
// connection back when a request for Config.Path arrives on it.
type webServer struct {
	// Immutable after newWebServer.
	srv  *Server
	http *http.Server
	ln   *handoverListener

	start sync.Once
	done  chan struct{} // closed when http.Serve has returned
}

func newWebServer(s *Server) *webServer {
	w := &webServer{srv: s, ln: newHandoverListener(), done: make(chan struct{})}
	w.http = newHTTPServer(&s.cfg, w.serve)
	return w
}

// newHTTPServer returns a net/http server with the limits of a loop.
func newHTTPServer(cfg *Config, serve http.HandlerFunc) *http.Server {
	return &http.Server{
		Handler:           serve,
		ReadHeaderTimeout: time.Duration(cfg.HTTPTimeout) * time.Millisecond,
		IdleTimeout:       60 * time.Second,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
}

// take hands a connection over, with the bytes that were read from it. It is
// called on the connection's loop.
func (w *webServer) take(c *loop.Conn, unread []byte) {
	w.start.Do(func() {
		go w.run() // stops when shutdown closes the listener
	})
	nc, err := c.DetachConn()
	if err != nil {
		w.srv.cfg.Logger.Warn("engine: a connection could not be handed to net/http", "err", err)
		return
	}
	h := &handedConn{Conn: nc, unread: bytes.Clone(unread), reactor: w.srv.reactor}
	if !h.reactor.Hold() {
		_ = nc.Close() // another connection was quicker
		return
	}
	var offered net.Conn = h
	if tc, ok := nc.(*loop.TLSConn); ok {
		offered = &handedTLSConn{handedConn: h, tls: tc}
	}
	if !w.ln.offer(offered) {
		_ = h.Close()
	}
}

func (w *webServer) run() {
	defer close(w.done)
	if err := w.http.Serve(w.ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		w.srv.cfg.Logger.Error("engine: the fallback server stopped", "err", err)
	}
}

// shutdown ends the requests under way and joins the server's goroutines.
func (w *webServer) shutdown(ctx context.Context) error {
	started := true
	w.start.Do(func() { started = false })
	_ = w.ln.Close()
	if !started {
		return nil
	}
	err := w.http.Shutdown(ctx)
	if err != nil {
		_ = w.http.Close()
	}
	<-w.done
	w.ln.drain()
	return err
}

// serve is the handler of the net/http side.
func (w *webServer) serve(rw http.ResponseWriter, r *http.Request) {
	cfg := &w.srv.cfg
	switch {
	case cfg.Static != nil && cfg.Static([]byte(r.RequestURI)):
		cfg.limit(rw, r)
		cfg.serveStatic(rw, r)
	case strings.HasPrefix(r.RequestURI, cfg.Path):
		w.giveBack(rw, r)
	case cfg.Fallback != nil:
		_ = http.NewResponseController(rw).SetWriteDeadline(time.Time{}) // of a file before
		cfg.Fallback.ServeHTTP(rw, r)
	default:
		cfg.limit(rw, r)
		rw.WriteHeader(http.StatusNotFound)
	}
}

// limit bounds the time of a request that this server answers itself: for its
// body, which nobody wants, and for its response. What the user's Fallback may
// take is the user's business.
func (cfg *Config) limit(rw http.ResponseWriter, r *http.Request) {
	const slowest = 6                                                        // times HTTPTimeout, for a file over a slow line
	now, unit := time.Now(), time.Duration(cfg.HTTPTimeout)*time.Millisecond //nolint:forbidigo // net/http has no other clock
	c := http.NewResponseController(rw)
	if r.ContentLength != 0 {
		_ = c.SetReadDeadline(now.Add(unit))
	}
	_ = c.SetWriteDeadline(now.Add(slowest * unit))
}

// serveStatic serves a file below Path with the CORS headers of the server.
func (cfg *Config) serveStatic(rw http.ResponseWriter, r *http.Request) {
	if cfg.CORS != nil {
		var origin []byte
		if v := r.Header.Get("Origin"); v != "" {
			origin = []byte(v)
		}
		for line := range strings.SplitSeq(string(cfg.CORS.AppendHeaders(nil, origin)), "\r\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				rw.Header().Add(name, value)
			}
		}
	}
	cfg.StaticHandler.ServeHTTP(rw, r)
}

// giveBack returns a connection to a loop, with the request that net/http has
// already read written out again in front of what it has not.
func (w *webServer) giveBack(rw http.ResponseWriter, r *http.Request) {
	nc, buf, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		http.Error(rw, "this connection cannot carry Engine.IO: "+err.Error(), http.StatusInternalServerError)
		return
	}
	unread := AppendRequestHead(nil, r)
	if n := buf.Reader.Buffered(); n > 0 {
		p, _ := buf.Reader.Peek(n)
		unread = append(unread, p...)
	}
	_ = nc.SetDeadline(time.Time{})
	if t, ok := nc.(*handedTLSConn); ok {
		nc = t.handedConn
	}
	if h, ok := nc.(*handedConn); ok {
		unread = append(unread, h.unread...)
		nc = h.Conn
		h.letGo()
	}
	if err := w.srv.Adopt(nc, unread, r.TLS != nil); err != nil {
		_ = nc.Close()
	}
}

// Adopt takes over a TCP or Unix connection, or one that was encrypted when a
// loop detached it, on which unread is still to be handled. The loops take turns. It may be called from any goroutine.
func (s *Server) Adopt(nc net.Conn, unread []byte, secure bool) error {
	n := notePlain
	if secure {
		n = noteSecure
	}
	i := int(s.turn.Add(1)) % len(s.shards)
	return s.reactor.Adopt(i, nc, unread, n)
}

// AppendRequestHead appends the head of a request that net/http has parsed in
// a form that this server parses to the same request.
func AppendRequestHead(dst []byte, r *http.Request) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, r.RequestURI...)
	if r.ProtoAtLeast(1, 1) {
		dst = append(dst, " HTTP/1.1\r\n"...)
	} else {
		dst = append(dst, " HTTP/1.0\r\n"...)
	}
	dst = appendLine(dst, "Host", r.Host)
	for name, values := range r.Header {
		if name == "Content-Length" || name == "Transfer-Encoding" {
			continue
		}
		for _, v := range values {
			dst = appendLine(dst, name, v)
		}
	}
	switch {
	case len(r.TransferEncoding) > 0:
		dst = appendLine(dst, "Transfer-Encoding", "chunked")
	case r.ContentLength > 0 || r.Header.Get("Content-Length") != "":
		dst = appendLine(dst, "Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return append(dst, "\r\n"...)
}

func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// A handedConn is a connection with bytes that a loop has read already. It
// counts towards the connections of the reactor until it is closed.
type handedConn struct {
	net.Conn
	unread  []byte
	reactor *loop.Reactor // nil if nobody counts it
	once    sync.Once
}

// Close implements net.Conn.
func (c *handedConn) Close() error {
	c.letGo()
	return c.Conn.Close()
}

// Read returns the bytes that were read before those of the connection.
func (c *handedConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// A handedTLSConn is an encrypted handedConn. Its ConnectionState is what
// net/http sets Request.TLS from.
type handedTLSConn struct {
	*handedConn

	// Immutable.
	tls *loop.TLSConn
}

// ConnectionState returns what the handshake has negotiated.
func (c *handedTLSConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// letGo ends the counting of the connection.
func (c *handedConn) letGo() {
	if c.reactor != nil {
		c.once.Do(c.reactor.Unhold)
	}
}

// A handoverListener gives out the connections that loops hand over.
type handoverListener struct {
	// Immutable.
	conns chan net.Conn
	done  chan struct{}

	mu     sync.Mutex // guards following: nothing is offered once it is closed
	closed bool
}

func newHandoverListener() *handoverListener {
	return &handoverListener{conns: make(chan net.Conn, 1024), done: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *handoverListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *handoverListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
	return nil
}

// Addr implements net.Listener.
func (l *handoverListener) Addr() net.Addr { return handoverAddr{} }

// offer passes a connection on. It never waits: it is called on a loop.
func (l *handoverListener) offer(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	select {
	case l.conns <- c:
		return true
	default:
		return false
	}
}

// drain closes the connections that nobody has accepted. offer must not be
// called any more.
func (l *handoverListener) drain() {
	for {
		select {
		case c := <-l.conns:
			_ = c.Close()
		default:
			return
		}
	}
}

type handoverAddr struct{}

func (handoverAddr) Network() string { return "handover" }
func (handoverAddr) String() string  { return "handover" }
