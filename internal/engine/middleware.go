package engine

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/loop"
)

// A passage is a request on its way through the middlewares, on a goroutine of
// its own. Meanwhile its head and what follows stay in httpConn.kept. When the
// last middleware calls next, the head is taken up again and the request goes
// on; otherwise what was written is the response.
type passage struct {
	// Immutable.
	shard   *Shard
	request *http.Request

	// Owned by the loop goroutine.
	conn *httpConn // nil when the connection is gone

	// Atomic: set by the goroutine that posts the passage, which is done once.
	// It may be one of a middleware's own, as http.TimeoutHandler has.
	posted atomic.Bool

	// Written by the goroutine that has set posted, before it posts.
	verdict verdict
	extra   []byte // header lines that they have set
	status  int
	header  http.Header
	body    []byte
	passed  *http.Request // what the last of them passed on
	failure any           // what one of them panicked with

	// Owned by the goroutine of the middlewares.
	writer passageWriter
}

// A verdict is how a passage ended.
type verdict uint8

const (
	verdictPassed verdict = iota + 1
	verdictAnswered
	verdictFailed
)

// Use adds a middleware, behind those that are there. It may be called from any
// goroutine, at any time.
func (s *Server) Use(mw func(http.Handler) http.Handler) {
	s.mwMu.Lock()
	defer s.mwMu.Unlock()
	s.mws = append(s.mws, mw)
	var h http.Handler = http.HandlerFunc(pass)
	for _, mw := range slices.Backward(s.mws) {
		h = mw(h)
	}
	s.middleware.Store(&h)
}

type passageKey struct{}

// pass is the handler behind the last middleware.
func pass(w http.ResponseWriter, r *http.Request) {
	p, ok := r.Context().Value(passageKey{}).(*passage)
	if !ok {
		http.Error(w, "engine: a middleware has replaced the context of the request", http.StatusInternalServerError)
		return
	}
	p.pass(w, r)
}

// pass lets the request go on, with the headers that were set so far.
func (p *passage) pass(w http.ResponseWriter, r *http.Request) {
	if p.posted.Swap(true) {
		return
	}
	p.extra, p.passed = headerLines(w.Header(), ownHeader), r
	p.post(verdictPassed)
}

func (p *passage) post(v verdict) {
	p.verdict = v
	_ = p.shard.loop.Post(loop.Message{Kind: msgPassed, Obj: p})
}

// run takes the request through the middlewares.
func (p *passage) run(h http.Handler) {
	defer p.shard.srv.admissions.Done()
	defer func() {
		if v := recover(); v != nil {
			p.shard.cfg.Logger.Error("engine: panic in a middleware", "panic", v)
			if !p.posted.Swap(true) {
				p.failure = v
				p.keepWritten()
				p.post(verdictFailed)
			}
		}
	}()
	h.ServeHTTP(&p.writer, p.request)
	if !p.posted.Swap(true) {
		p.writer.WriteHeader(http.StatusOK)
		p.keepWritten()
		p.post(verdictAnswered)
	}
}

// keepWritten takes over what the middlewares have written. If that is nothing,
// status is 0 and extra has the headers that were set.
func (p *passage) keepWritten() {
	p.status, p.header, p.body = p.writer.status, p.writer.sent, p.writer.body
	if p.status == 0 {
		p.extra = headerLines(p.writer.Header(), ownHeader)
	}
}

// A passageWriter keeps what a middleware writes.
type passageWriter struct {
	// Owned by the goroutine of the middlewares.
	header http.Header
	sent   http.Header // as it was at WriteHeader
	status int
	body   []byte
}

// maxPassageBody bounds what a middleware may answer, in bytes.
const maxPassageBody = 1 << 20

// Header implements http.ResponseWriter.
func (w *passageWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader implements http.ResponseWriter.
func (w *passageWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status, w.sent = status, w.Header().Clone()
	}
}

// Write implements http.ResponseWriter.
func (w *passageWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(w.body)+len(p) > maxPassageBody {
		return 0, http.ErrContentLength
	}
	w.body = append(w.body, p...)
	return len(p), nil
}

// throughMiddleware reports whether the request may be handled. If not, it was
// answered, or waits: then held says that its bytes are to be kept.
func (h *httpConn) throughMiddleware(head []byte, q *query) (ok, held bool) {
	mw := h.shard.srv.middleware.Load()
	p := h.passage
	switch {
	case mw == nil:
		return true, false
	case p == nil:
		h.startPassage(head, *mw)
		return false, true
	}
	h.passage = nil
	switch p.verdict {
	case verdictPassed:
		h.passed = p.passed
		h.reply.extra = append(h.reply.extra, p.extra...)
		return true, false
	case verdictAnswered:
		h.answerFor(p)
	case verdictFailed:
		h.report(eio.CodeBadRequest, map[string]any{"name": "MIDDLEWARE_FAILURE", "error": p.failure})
		if p.status != 0 && !q.Upgrade { // the response had begun: it ends where it is
			h.answerFor(p)
			break
		}
		h.reply.extra = append(h.reply.extra, p.extra...)
		h.refuse(q, eio.CodeBadRequest, "")
	}
	return false, false
}

func (h *httpConn) startPassage(head []byte, mw http.Handler) {
	sh := h.shard
	r := sh.readRequest(h, head)
	p := &passage{shard: sh, conn: h}
	p.request = r.WithContext(context.WithValue(r.Context(), passageKey{}, p))
	h.state, h.passage = httpAdmit, p
	sh.srv.admissions.Add(1)
	go p.run(mw) // stops when the middlewares return; joined by Server.Shutdown
}

// done takes the request up again, on the loop.
func (p *passage) done() {
	if h := p.conn; h != nil {
		h.state = httpHead
		h.resume()
	}
}

// answerFor sends what a middleware has written.
func (h *httpConn) answerFor(p *passage) {
	if h.shard.req.Upgrade {
		h.reply.close = true
	}
	contentType := p.header.Get("Content-Type")
	if contentType == "" && len(p.body) > 0 {
		contentType = http.DetectContentType(p.body)
	}
	head := http1.ResponseHead{
		Status: p.status, ContentType: contentType, ContentLength: len(p.body), Close: h.reply.close,
		First: h.reply.extra, Extra: headerLines(p.header, framing),
	}
	if p.status == http.StatusNoContent || p.status == http.StatusNotModified {
		head.ContentLength, p.body = -1, nil
	}
	b := bufpool.Get(512 + len(p.body))
	b.B = http1.AppendResponse(b.B, &head)
	if !h.reply.head {
		b.B = append(b.B, p.body...)
	}
	h.respond(b)
}
