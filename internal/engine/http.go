package engine

import (
	"bytes"
	"net/http"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/polling"
)

// httpState says what an HTTP connection waits for.
type httpState uint8

const (
	httpHead    httpState = iota // a request head
	httpBody                     // the rest of a POST body
	httpAdmit                    // the answer of Config.Admit, or the middlewares
	httpHold                     // Session.Resume: the POST is answered when its packets can be taken
	httpClosing                  // nothing: the last response is on its way
)

const (
	maxPipelined = 64 << 10 // bytes kept while a response is outstanding
	minUpload    = 16 << 10 // bytes of a body that must arrive in each HTTPTimeout
)

// note tells Shard.Moved where a connection comes from.
type note int

const (
	notePlain note = iota
	noteSecure
)

// An httpConn is the HTTP side of a connection, until it becomes a WebSocket
// or is handed over. Requests are read while a GET is parked; their responses
// wait behind the one of the GET.
type httpConn struct {
	// Immutable between newHTTPConn and leave.
	shard *Shard
	conn  *loop.Conn

	// Owned by the loop goroutine.
	at       int // index in Shard.http
	state    httpState
	parked   bool // a GET waits for packets
	secure   bool
	home     *home // where it was hijacked from, or nil
	stuck    bool  // the next request must wait until the parked GET is answered
	stall    stall
	early    bool         // part of the current head is there
	kept     *bufpool.Buf // input that is not used up yet
	behind   *bufpool.Buf // responses that wait behind the parked GET
	head     http1.HeadParser
	body     http1.Body
	bodyBuf  *bufpool.Buf
	bodySeen int             // bytes of the body at the last deadline
	framing  polling.Framing // of the body, in revision 3
	post     *Session        // the session of the body that is being read, or held
	get      *Session        // the session of the parked GET
	reply    replyOptions    // of the request being answered
	getReply replyOptions    // of the parked GET
	admit    *admission
	passage  *passage      // of the request being handled, in the middlewares or just out of them
	passed   *http.Request // the request being handled, if anybody has asked for it
}

// replyOptions is what a request says about its response.
type replyOptions struct {
	close bool
	head  bool // to a HEAD: without its body
	noXSS bool
	extra []byte // rendered header lines: CORS, and those of middlewares
	// encoding is how a response to a GET may be compressed.
	encoding polling.Encoding
	last     []byte // rendered header lines for responses of a session: cookie and hooks
}

func (sh *Shard) newHTTPConn(c *loop.Conn) *httpConn {
	var h *httpConn
	if n := len(sh.free); n > 0 {
		h = sh.free[n-1]
		sh.free = sh.free[:n-1]
	} else {
		h = &httpConn{}
	}
	h.shard, h.conn = sh, c
	h.at = len(sh.http)
	sh.http = append(sh.http, h)
	c.Ctx = h
	c.SetDeadline(sh.loop.Now() + sh.cfg.HTTPTimeout)
	return h
}

// leave ends the HTTP life of the connection, which goes on as something
// else or is closed.
func (h *httpConn) leave() {
	if h.kept != nil {
		h.kept.Release()
	}
	if h.behind != nil {
		h.behind.Release()
	}
	if h.bodyBuf != nil {
		h.bodyBuf.Release()
	}
	if h.admit != nil {
		h.admit.conn = nil
	}
	if h.passage != nil {
		h.passage.conn = nil
	}
	sh := h.shard
	if h.conn.Ctx == h {
		h.conn.Ctx = nil
	}
	last := len(sh.http) - 1
	sh.http[h.at] = sh.http[last]
	sh.http[h.at].at = h.at
	sh.http[last] = nil
	sh.http = sh.http[:last]
	*h = httpConn{}
	if len(sh.free) < 1024 {
		sh.free = append(sh.free, h)
	}
}

// gone tells whether leave was called.
func (h *httpConn) gone() bool { return h.shard == nil }

// data takes bytes that arrived on the connection.
func (h *httpConn) data(b []byte) {
	if h.kept == nil {
		sh, c := h.shard, h.conn
		rest := h.process(b)
		switch {
		case len(rest) == 0:
		case h.gone():
			sh.Data(c, rest) // it belongs to what the connection has become
		default:
			h.keep(rest)
		}
		return
	}
	kept := h.kept
	h.kept = nil
	kept.B = append(kept.B, b...)
	sh, c := h.shard, h.conn
	rest := h.process(kept.B)
	switch {
	case len(rest) == 0:
		kept.Release()
	case h.gone():
		sh.Data(c, rest)
		kept.Release()
	case len(rest) == len(kept.B):
		h.kept = kept
	default:
		h.keep(rest)
		kept.Release()
	}
	if !h.gone() && h.kept != nil && h.waiting() && len(h.kept.B) >= maxPipelined {
		h.conn.PauseRead()
	}
}

func (h *httpConn) keep(b []byte) {
	h.kept = bufpool.Get(len(b))
	h.kept.B = append(h.kept.B, b...)
}

// waiting tells whether input stays where it is for now.
func (h *httpConn) waiting() bool {
	return h.state == httpAdmit || h.state == httpHold || h.stuck || (h.parked && h.getReply.close) ||
		(h.behind != nil && len(h.behind.B) >= maxPipelined) || h.backed()
}

// backed tells whether the client leaves so many responses unread that it gets
// no more. Either drained or deadline follows.
func (h *httpConn) backed() bool {
	c := h.conn
	if c.Queued() < maxPipelined {
		return false
	}
	c.Flush()
	return c.Blocked()
}

// drained is called when the client has taken everything that it had left
// unread.
func (h *httpConn) drained() {
	if h.state == httpHead && !h.parked {
		h.conn.SetDeadline(h.shard.loop.Now() + h.shard.cfg.HTTPTimeout)
	}
	h.resume()
}

// resume goes on with kept input after waiting.
func (h *httpConn) resume() {
	h.conn.ResumeRead()
	if h.kept != nil && !h.waiting() {
		h.data(nil)
	}
}

// process uses b up as far as it can and returns the rest.
func (h *httpConn) process(b []byte) []byte {
	for len(b) > 0 && !h.gone() {
		before := len(b)
		switch h.state {
		case httpHead:
			if h.waiting() {
				return b
			}
			b = h.readHead(b)
		case httpBody:
			b = h.readBody(b)
		case httpAdmit, httpHold:
			return b
		case httpClosing:
			return nil
		}
		if len(b) == before && h.state == httpHead {
			return b
		}
	}
	return b
}

// readHead parses one request head and starts its handling. It returns b as
// it is when the head is not complete.
func (h *httpConn) readHead(b []byte) []byte {
	sh := h.shard
	if !h.early {
		b = skipEmptyLine(b)
		switch h.match(b) {
		case http1.MatchNo:
			if h.goesBack() {
				return h.foreign(b)
			}
		case http1.MatchMore:
			return b
		case http1.MatchYes:
		}
		h.early = true
	}
	n, err := h.head.Parse(b, &sh.cfg.HeadLimits, &sh.req)
	if err != nil {
		h.badRequest(err)
		return nil
	}
	if n == 0 {
		return b
	}
	h.early = false
	h.conn.SetDeadline(0)
	return h.request(b, n)
}

// skipEmptyLine ignores one empty line in front of a request (RFC 9112, 2.2).
func skipEmptyLine(b []byte) []byte {
	return bytes.TrimPrefix(b, []byte("\r\n"))
}

func (h *httpConn) match(b []byte) http1.Match {
	if h.shard.cfg.RawWebSocket {
		return http1.MatchYes
	}
	return http1.MatchPath(b, h.shard.cfg.Path)
}

// badRequest answers a head that is not HTTP and closes.
func (h *httpConn) badRequest(err error) {
	h.reply = replyOptions{} // it is that of the request before
	h.malformed(err)
}

// malformed answers what is not HTTP and closes.
func (h *httpConn) malformed(err error) {
	h.shard.stats.BadRequests++
	e, ok := err.(*http1.Error) //nolint:errorlint // documented to be this type, never wrapped
	if !ok {
		e = http1.ErrHeaderName
	}
	h.reply.close = true
	h.empty(e.Status)
}

// respond sends a response, behind that of the parked GET if there is one.
// It gives the caller's reference up.
func (h *httpConn) respond(b *bufpool.Buf) {
	if h.parked {
		if h.behind == nil {
			h.behind = b
		} else {
			h.behind.B = append(h.behind.B, b.B...)
			b.Release()
		}
		if h.reply.close {
			h.state = httpClosing
		}
		return
	}
	h.write(b, h.reply.close)
}

// write sends response bytes at once.
func (h *httpConn) write(b *bufpool.Buf, last bool) {
	h.conn.Send(b)
	h.shard.loop.Defer(b)
	if last {
		h.finish()
		return
	}
	at := h.shard.loop.Now() + h.shard.cfg.HTTPTimeout
	if h.conn.Blocked() {
		at = h.conn.StalledSince() + h.shard.cfg.WriteStall
	}
	h.conn.SetDeadline(at)
}

// finish closes the connection behind the last response.
func (h *httpConn) finish() {
	c, sh := h.conn, h.shard
	h.leave()
	c.CloseAfterFlush(nil)
	c.SetDeadline(sh.loop.Now() + sh.cfg.CloseTimeout)
}

// deadline is called when a head or body did not arrive in time, or when an
// idle connection has been kept long enough.
func (h *httpConn) deadline() {
	switch {
	case h.parked || h.state == httpAdmit || h.state == httpHold:
		return
	case h.conn.Blocked():
		h.stalled()
		return
	case h.state == httpBody:
		seen := 0
		if h.bodyBuf != nil {
			seen = len(h.bodyBuf.B)
		}
		if seen-h.bodySeen >= minUpload {
			h.bodySeen = seen
			h.conn.SetDeadline(h.shard.loop.Now() + h.shard.cfg.HTTPTimeout)
			return
		}
		h.shard.stats.BadRequests++
	case h.early || h.kept != nil:
		h.shard.stats.BadRequests++
	}
	h.conn.Close(errCloseTimeout)
}

// stalled is called when the deadline has passed and a response is not taken.
func (h *httpConn) stalled() {
	sh := h.shard
	if at := h.stall.next(h.conn, sh); at != 0 {
		h.conn.SetDeadline(at)
		return
	}
	sh.stats.WriteStalls++
	h.conn.Close(errWriteStall)
}

// lost is called when the connection is gone: a session whose GET or POST was
// under way on it ends.
func (h *httpConn) lost(error) {
	get, post := h.get, h.post
	if h.state == httpHold { // nothing of the POST is missing
		post.poll.ex.EndPost(h)
		post = nil
	}
	h.leave()
	if get != nil {
		get.getLost(h)
	}
	if post != nil {
		post.postLost(h)
	}
}

// readBody takes a part of a POST body.
func (h *httpConn) readBody(b []byte) []byte {
	data, rest, done, err := h.body.Next(b)
	if err != nil {
		h.bodyError(err)
		return nil
	}
	if len(data) > 0 && h.post != nil {
		h.bodyBuf.B = append(h.bodyBuf.B, data...)
	}
	if done {
		h.bodyDone()
	}
	return rest
}

// bodyError answers a body that is too large or malformed and closes the
// connection. The session lives on after a body that is too large.
func (h *httpConn) bodyError(err error) {
	s := h.post
	h.post = nil
	if s != nil && s.poll != nil {
		s.poll.ex.EndPost(h)
	}
	h.malformed(err)
	if s != nil && err != error(http1.ErrBodyTooLarge) { //nolint:errorlint // preallocated, compared by identity
		s.fail(eio.ReasonTransportError, errPostLost)
	}
}

// bodyDone answers a POST and delivers its packets.
func (h *httpConn) bodyDone() {
	s, buf := h.post, h.bodyBuf
	h.post, h.bodyBuf = nil, nil
	h.state = httpHead
	if s == nil { // the session went away while the body arrived
		if buf != nil {
			buf.Release()
		}
		h.error(eio.CodeUnknownSID, "")
		return
	}
	h.post = s
	h.reply.last = h.headers(false, "")
	s.payload(buf.B, h.framing)
	buf.Release()
	if h.gone() {
		return
	}
	if h.post != nil && s.paused {
		h.state = httpHold
		return
	}
	h.endPost()
}

// endPost answers a POST whose packets were delivered.
func (h *httpConn) endPost() {
	if s := h.post; s != nil {
		h.post = nil
		s.poll.ex.EndPost(h)
	}
	h.state = httpHead
	h.ok()
}

// Responses.

func (h *httpConn) ok() {
	b := bufpool.Get(256)
	b.B = polling.AppendOK(b.B, h.reply.options())
	h.respond(b)
}

func (h *httpConn) empty(status int) {
	b := bufpool.Get(256)
	b.B = polling.AppendEmpty(b.B, status, h.reply.options())
	h.respond(b)
}

// error refuses a request with a code of the Engine.IO protocol.
func (h *httpConn) error(code eio.ErrorCode, message string) {
	h.shard.stats.Refused[code]++
	b := bufpool.Get(512)
	b.B = polling.AppendError(b.B, code, message, h.reply.options())
	h.respond(b)
}

// upgradeError refuses an upgrade: always 400, text and not JSON.
func (h *httpConn) upgradeError(code eio.ErrorCode, message string) {
	h.shard.stats.Refused[code]++
	if message == "" {
		message = code.Message()
	}
	b := bufpool.Get(512)
	b.B = polling.AppendUpgradeError(b.B, message)
	h.reply.close = true
	h.respond(b)
}

func (r *replyOptions) options() *polling.ResponseOptions {
	return &polling.ResponseOptions{Close: r.close, HeadOnly: r.head, NoXSS: r.noXSS, Extra: r.extra, Behind: r.last}
}
