package engine

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gannet-io/gannet/loop"
)

// A mounted is one request on its way from net/http to a loop.
type mounted struct {
	// Owned by the goroutine of the handler.
	m       *mounts
	w       http.ResponseWriter
	r       *http.Request
	upgrade bool
	hasBody bool
	body    []byte
	length  int64 // of the body; more than len(body) if that is not all of it
	lost    bool  // the body did not come, or too slowly
}

// readBody reads the body while it is still net/http's to read: handlers in
// front may have replaced it. The limits are those of a loop. Of a body that is
// too large nothing is passed on but its length.
func (q *mounted) readBody() {
	body, cfg := q.r.Body, &q.m.srv.cfg
	if body == nil || body == http.NoBody {
		return
	}
	q.hasBody, q.length = true, q.r.ContentLength
	limit := int64(cfg.EIO.MaxPayload)
	if q.length > limit {
		return
	}
	c := http.NewResponseController(q.w)
	q.body = make([]byte, 0, min(max(q.length, 512), 4<<10))
	for {
		_ = c.SetReadDeadline(deadlineIn(cfg.HTTPTimeout))
		n, err := q.readChunk(body, limit)
		switch {
		case int64(len(q.body)) > limit:
			q.body, q.length = nil, limit+1
			return
		case err != nil && !errors.Is(err, io.EOF), n == 0 && int64(len(q.body)) < q.r.ContentLength:
			q.lost, q.length = true, max(q.r.ContentLength, int64(len(q.body))+1)
			return
		case n < minUpload:
			q.length = int64(len(q.body))
			_ = c.SetReadDeadline(time.Time{})
			return
		}
	}
}

// readChunk reads what must come within one HTTPTimeout.
func (q *mounted) readChunk(body io.Reader, limit int64) (n int, err error) {
	for n < minUpload && int64(len(q.body)) <= limit {
		if len(q.body) == cap(q.body) {
			q.body = append(q.body, 0)[:len(q.body)]
		}
		room := q.body[len(q.body):cap(q.body)]
		more, err := body.Read(room[:min(len(room), minUpload-n)])
		q.body = q.body[:len(q.body)+more]
		n += more
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

var errHead = errors.New("engine: the request cannot be written as HTTP/1.1")

// request writes the request out as a loop reads it, with what came of its
// body. connection replaces the header of that name unless it is empty. Handlers
// in front may have changed the request, so nothing is taken on trust: what
// could be read as something else is an error.
func (q *mounted) request(connection string) ([]byte, error) {
	r := q.r
	target := requestTarget(r)
	if !isToken(r.Method) || !isVisible(target) || !isVisible(r.Host) {
		return nil, errHead
	}
	dst := make([]byte, 0, 1024+len(q.body))
	dst = append(dst, r.Method...)
	dst = append(append(dst, ' '), target...)
	if r.ProtoAtLeast(1, 1) {
		dst = append(dst, " HTTP/1.1\r\n"...)
	} else {
		dst = append(dst, " HTTP/1.0\r\n"...)
	}
	dst = appendLine(dst, "Host", r.Host)
	for name, values := range r.Header {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Expect":
			continue // Host is above, and the body is read
		case "Connection":
			if connection != "" {
				continue
			}
		}
		if !isToken(name) {
			return nil, errHead
		}
		for _, v := range values {
			if !isFieldValue(v) {
				return nil, errHead
			}
			dst = appendLine(dst, name, v)
		}
	}
	if connection != "" {
		dst = appendLine(dst, "Connection", connection)
	}
	if q.hasBody {
		dst = appendLine(dst, "Content-Length", strconv.FormatInt(q.length, 10))
	}
	dst = append(dst, "\r\n"...)
	return append(dst, q.body...), nil
}

// isToken tells whether s can be a method or a header name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// isVisible tells whether s has neither spaces nor control characters.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7F {
			return false
		}
	}
	return true
}

// isFieldValue tells whether s can be the value of a header (RFC 9110, 5.5).
func isFieldValue(s string) bool {
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\t') || s[i] == 0x7F {
			return false
		}
	}
	return true
}

// pipe opens a connection of a loop for the request, which is its first input.
func (q *mounted) pipe(request []byte) (*loop.Pipe, error) {
	o := &loop.PipeOptions{TLS: q.r.TLS}
	o.Remote, _ = netip.ParseAddrPort(q.r.RemoteAddr)
	return q.m.srv.reactor.Pipe(q.loop(), o, request, q.m.nowhere)
}

// through serves the request on a connection that is made for it, and writes
// the response with net/http. It returns when the response is complete, or the
// client is gone.
func (q *mounted) through() {
	w, r := q.w, q.r
	request, err := q.request("keep-alive")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p, err := q.pipe(request)
	if err != nil {
		refuseMounted(w)
		return
	}
	q.body = nil
	defer func() { _ = p.Close() }()
	defer context.AfterFunc(r.Context(), func() { _ = p.Close() })()
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // a poll waits as long as the session says
	_ = c.SetWriteDeadline(time.Time{})
	resp, err := http.ReadResponse(bufio.NewReaderSize(p, 512), r)
	if err != nil {
		if r.Context().Err() == nil {
			refuseMounted(w) // the loop has hung up
		}
		return
	}
	defer func() { _ = resp.Body.Close() }()
	header := w.Header()
	for name, values := range resp.Header {
		if !hopByHop(name) {
			header[name] = values
		}
	}
	if resp.Close && r.ProtoMajor == 1 {
		header.Set("Connection", "close")
	}
	sw := &stallWriter{w: w, limit: q.m.srv.writeStall(), deadline: c.SetWriteDeadline}
	_ = c.SetWriteDeadline(deadlineIn(sw.limit))
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(sw, resp.Body); err == nil {
		_ = c.Flush()
	}
	_ = c.SetWriteDeadline(time.Time{})
}

// hopByHop tells whether a header is about the loop's connection and not about
// the client's (RFC 9110, 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// abort passes on a request whose body did not arrive: its session learns that
// a POST was broken off.
func (q *mounted) abort() {
	q.w.Header().Set("Connection", "close")
	defer q.w.WriteHeader(http.StatusRequestTimeout)
	request, err := q.request("close")
	if err != nil {
		return
	}
	p, err := q.pipe(request)
	if err != nil {
		return
	}
	p.CloseWrite()
	_, _ = p.WriteTo(io.Discard)
	_ = p.Close()
}

// carry serves a hijacked connection that a loop cannot watch with two
// goroutines.
func (q *mounted) carry(nc net.Conn, unread []byte) {
	m := q.m
	connection := "" // as it was: this is a WebSocket
	if !q.upgrade {
		connection = "close" // nobody could take the next request back
	}
	request, err := q.request(connection)
	if err != nil {
		answerBadRequest(nc)
		return
	}
	p, err := q.pipe(append(request, unread...))
	if err != nil {
		m.refuse(nc, err)
		return
	}
	b := &bridge{m: m, nc: nc, p: p, read: make(chan struct{})}
	if !m.enter(b) {
		_, _ = p.Close(), nc.Close()
		return
	}
	go b.input()  // stops when the peer or output closes nc; joined by output
	go b.output() // stops when the loop closes the pipe or nc fails; joined by mounts.wait
}

// A bridge is a connection that goroutines read and write for a loop: it is
// encrypted by net/http, or not a socket at all.
type bridge struct {
	// Immutable after carry.
	m    *mounts
	nc   net.Conn
	p    *loop.Pipe
	read chan struct{} // closed when input ends
}

// input reads for the loop, and what comes when that has gone is thrown away.
func (b *bridge) input() {
	defer close(b.read)
	if _, err := b.p.ReadFrom(b.nc); errors.Is(err, io.ErrClosedPipe) {
		_, _ = io.CopyN(io.Discard, b.nc, lingerBytes)
	}
}

// lingerBytes is how much is read of a connection that the loop has closed.
const lingerBytes = 1 << 20

// output writes what the loop sends. It ends the connection.
func (b *bridge) output() {
	defer b.m.leave(b)
	srv := b.m.srv
	_, err := b.p.WriteTo(&stallWriter{w: b.nc, limit: srv.writeStall(), deadline: b.nc.SetWriteDeadline})
	if err == nil { // the loop is done with it, and everything is written
		_ = b.nc.SetDeadline(deadlineIn(srv.cfg.CloseTimeout))
		if c, ok := b.nc.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
			<-b.read // so that the close does not overtake what was written
		}
	}
	_ = b.p.Close()
	_ = b.nc.Close()
	<-b.read
}

// cut ends the bridge at once.
func (b *bridge) cut() {
	_ = b.p.Close()
	if c, ok := b.nc.(interface{ NetConn() net.Conn }); ok { // what is encrypted says goodbye first
		_ = c.NetConn().Close()
		return
	}
	_ = b.nc.Close()
}

// A stallWriter gives up when a part of what it writes is not taken in time.
type stallWriter struct {
	// Owned by the goroutine that writes.
	w        io.Writer
	limit    int64 // ms
	deadline func(time.Time) error
}

// Write implements io.Writer.
func (s *stallWriter) Write(b []byte) (n int, err error) {
	const part = 16 << 10
	for n < len(b) && err == nil {
		_ = s.deadline(deadlineIn(s.limit))
		var m int
		m, err = s.w.Write(b[n:min(n+part, len(b))])
		n += m
	}
	return n, err
}

// writeStall returns how long, in milliseconds, a client that is written to by
// a goroutine may take for a part of it.
func (s *Server) writeStall() int64 {
	const otherwise = 60_000
	if s.cfg.WriteStall <= 0 {
		return otherwise
	}
	return s.cfg.WriteStall
}

// deadlineIn returns the time that is ms milliseconds away.
func deadlineIn(ms int64) time.Time {
	return time.Now().Add(time.Duration(ms) * time.Millisecond) //nolint:forbidigo // net has no other clock
}
