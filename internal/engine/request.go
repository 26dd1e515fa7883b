package engine

import (
	"bufio"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// query holds the parameters of one request. The strings are borrowed from
// the request head.
type query struct {
	eio.Request
	form  form
	index string // of JSONP
}

// request handles the request whose head is b[:n] and was parsed into
// Shard.req. It returns what is left of b.
func (h *httpConn) request(b []byte, n int) []byte {
	sh, req := h.shard, &h.shard.req
	sh.rawHead = b[:n]
	rest := b[n:]
	if h.passage == nil {
		sh.stats.Requests++
		h.passed = nil
	}
	if !sh.cfg.EIO.Enabled(eio.WebSocket) {
		req.Upgrade = false // nobody listens for upgrades
	}
	h.reply = replyOptions{
		close: req.Close || req.HasBody(),
		head:  string(req.Method) == "HEAD",
		noXSS: polling.NeedsNoXSS(req.Get("User-Agent")),
	}
	if sh.cfg.RawWebSocket {
		return h.rawWebSocket(rest)
	}
	if !strings.HasPrefix(borrow(req.Target), sh.cfg.Path) {
		return h.notFound(rest)
	}
	if sh.cfg.Static != nil && sh.cfg.Static(req.Target) {
		if h.home == sh.srv.mounts.nowhere {
			return h.notFound(rest)
		}
		return h.foreign(b)
	}
	if !h.checkOrigin(req) {
		return rest
	}
	q := sh.parseQuery(req)
	var s *Session
	if q.SID != "" {
		owner, slot, ok := sh.srv.find(q.SID)
		if ok && owner != sh {
			return h.move(owner, b)
		}
		if ok {
			s = sh.session(slot, q.SID)
		}
		if h.parked && s != nil && s != h.get {
			h.stuck = true // a connection serves one session at a time
			return b
		}
	}
	switch ok, held := h.throughMiddleware(b[:n], &q); {
	case held:
		return b
	case !ok:
		return rest
	}
	return h.sessionRequest(s, &q, rest)
}

// session returns the session in the slot if its id is sid.
func (sh *Shard) session(slot uint32, sid string) *Session {
	s := sh.table.Get(slot)
	if s == nil || subtle.ConstantTimeCompare([]byte(s.sidView()), []byte(sid)) == 0 {
		return nil
	}
	return s
}

// sessionRequest verifies a request and passes it on.
func (h *httpConn) sessionRequest(s *Session, q *query, rest []byte) []byte {
	sh := h.shard
	var state *eio.Session
	if s != nil {
		state = &s.eio
	}
	code, ok := eio.VerifyBefore(&sh.cfg.EIO, &q.Request, state)
	switch {
	case !ok:
		if sh.cfg.OnRefusal != nil {
			h.report(code, refusalContext(&sh.cfg.EIO, q, code, state))
		}
		h.refuse(q, code, "")
	case s == nil:
		h.admission(q)
	case q.Upgrade:
		return h.upgrade(s, q, rest)
	case s.poll == nil: // the session is on WebSocket, and so is what asks for it
		h.refuse(q, eio.CodeBadRequest, "")
	case q.Method == "GET":
		s.startGet(h)
	case q.Method == "POST":
		s.startPost(h)
	default:
		h.empty(http.StatusMethodNotAllowed)
	}
	return rest
}

// refuse answers a request that must not become or reach a session.
func (h *httpConn) refuse(q *query, code eio.ErrorCode, message string) {
	if q.Upgrade {
		h.upgradeError(code, message)
		return
	}
	h.error(code, message)
}

// move sends the connection to the loop that owns the session it asks for.
func (h *httpConn) move(to *Shard, b []byte) []byte {
	h.shard.stats.Requests-- // it is counted where and when it is handled
	if h.parked {
		h.stuck = true
		return b
	}
	c := h.conn
	var n any = notePlain
	switch {
	case h.home != nil:
		n = h.home
	case h.secure:
		n = noteSecure
	}
	h.leave()
	c.SetDeadline(0)
	c.MoveTo(to.loop, b, n)
	return nil
}

// notFound answers a request for a path that nobody serves.
func (h *httpConn) notFound(rest []byte) []byte {
	if h.shard.req.Upgrade {
		h.state = httpClosing
		h.conn.SetDeadline(h.shard.loop.Now() + h.shard.cfg.DestroyUpgrade)
		return nil
	}
	h.reply.close = h.reply.close || h.home != nil // whoever serves that path is elsewhere
	h.empty(http.StatusNotFound)
	return rest
}

// goesBack tells whether net/http serves what is not for Config.Path.
func (h *httpConn) goesBack() bool {
	if h.home != nil {
		return h.home.http != nil
	}
	return h.shard.cfg.Fallback != nil
}

// foreign hands the connection over to net/http, or keeps it where nobody
// else serves anything.
func (h *httpConn) foreign(b []byte) []byte {
	web := h.shard.srv.web
	if h.parked {
		h.stuck = true
		return b
	}
	c := h.conn
	if c.Flush(); c.Queued() > 0 {
		c.Close(errWriteStall) // it pipelines requests and does not read answers
		return nil
	}
	home := h.home
	h.leave()
	c.SetDeadline(0)
	if home != nil {
		home.take(c, b)
		return nil
	}
	web.take(c, b)
	return nil
}

// An admission is a handshake that waits for Config.Admit and GenerateID.
type admission struct {
	// Immutable.
	shard *Shard
	hs    Handshake
	form  form
	index string // of JSONP
	wsock bool   // WebSocket, else polling
	query eio.Request
	tls   *tls.ConnectionState // for Config.Admit
	web   *http.Request        // the same request from the middlewares, or nil

	// Owned by the loop goroutine.
	conn *httpConn // nil when the connection is gone

	// Written by the admission goroutine before it posts the result.
	ok      bool
	message string
	id      string // of GenerateID
	idErr   error
}

// admission starts a handshake, with the user's consent if it is wanted.
func (h *httpConn) admission(q *query) {
	sh := h.shard
	if sh.srv.draining.Load() {
		h.unavailable()
		return
	}
	if sh.cfg.Admit == nil && sh.cfg.GenerateID == nil {
		a := admission{shard: sh, conn: h, form: q.form, index: q.index, wsock: q.Upgrade, query: q.Request, ok: true}
		if sh.upper.KeepsHandshake() {
			a.hs = h.handshake()
		}
		a.admitted(&sh.req)
		return
	}
	a := &admission{shard: sh, conn: h, form: q.form, index: q.index, wsock: q.Upgrade, query: q.Request, hs: h.handshake()}
	a.query.SID = "" // which is a view of the request
	h.state, h.admit = httpAdmit, a
	a.tls, a.web = h.conn.TLS(), h.passed
	sh.srv.admissions.Add(1)
	go a.run() // stops when Admit and GenerateID return; joined by Server.Shutdown
}

// run asks the user. It posts its result even if the loop has gone on.
func (a *admission) run() {
	defer a.shard.srv.admissions.Done()
	r, err := a.web, error(nil)
	if r == nil {
		r, err = http.ReadRequest(bufio.NewReader(strings.NewReader(a.hs.Head())))
	}
	if err == nil {
		r.RemoteAddr, r.TLS = a.hs.Remote().String(), a.tls
		a.message, a.ok = a.ask(r)
		a.generate(r)
	}
	_ = a.shard.loop.Post(loop.Message{Kind: msgAdmitted, Obj: a})
}

// generate calls GenerateID for a handshake that will not be refused.
func (a *admission) generate(r *http.Request) {
	cfg := a.shard.cfg
	if cfg.GenerateID == nil || !a.ok {
		return
	}
	if _, ok := eio.VerifyAfter(&cfg.EIO, &a.query); !ok {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			cfg.Logger.Error("engine: panic in GenerateID", "panic", v)
			a.idErr = errors.New("engine: panic in GenerateID")
		}
	}()
	if a.id, a.idErr = cfg.GenerateID(r); a.idErr == nil {
		a.idErr = a.shard.srv.named.claim(a.id, a.shard)
	}
}

// ask calls Admit; a panic is a refusal.
func (a *admission) ask(r *http.Request) (message string, ok bool) {
	if a.shard.cfg.Admit == nil {
		return "", true
	}
	defer func() {
		if v := recover(); v != nil {
			a.shard.cfg.Logger.Error("engine: panic in AllowRequest", "panic", v)
			message, ok = "", false
		}
	}()
	return a.shard.cfg.Admit(r)
}

// done continues the handshake on the loop.
func (a *admission) done() {
	h := a.conn
	if h == nil {
		a.disown()
		return
	}
	h.admit, h.state = nil, httpHead
	var p http1.HeadParser
	a.shard.rawHead = []byte(a.hs.Head())
	if _, err := p.Parse(a.shard.rawHead, &a.shard.cfg.HeadLimits, &a.shard.req); err != nil {
		a.disown()
		h.badRequest(err)
		return
	}
	sh, c, kept := h.shard, h.conn, h.kept
	h.kept = nil
	a.admitted(&sh.req)
	a.disown()
	switch {
	case !h.gone():
		h.kept = kept
		h.resume()
	case kept != nil: // frames that were sent before the 101
		c.ResumeRead() // there may have been too many
		sh.Data(c, kept.B)
		kept.Release()
	}
}

// disown gives an id back that no session was made for.
func (a *admission) disown() {
	if a.id != "" && a.idErr == nil {
		a.shard.srv.named.release(a.id)
	}
}

// admitted completes a handshake whose request is in req.
func (a *admission) admitted(req *http1.Request) {
	h, sh := a.conn, a.shard
	q := &query{Request: a.query}
	if !a.ok {
		h.report(eio.CodeForbidden, map[string]any{"message": a.message})
		h.refuse(q, eio.CodeForbidden, a.message)
		return
	}
	if code, ok := eio.VerifyAfter(&sh.cfg.EIO, &a.query); !ok {
		h.report(code, map[string]any{"protocol": int(eio.ParseRevision(a.query.EIO))})
		h.refuse(q, code, "")
		return
	}
	if a.idErr != nil {
		h.report(eio.CodeBadRequest, map[string]any{"name": "ID_GENERATION_ERROR", "error": a.idErr})
		h.refuse(q, eio.CodeBadRequest, "")
		return
	}
	if sh.srv.draining.Load() { // Config.Admit took too long
		h.unavailable()
		return
	}
	if a.wsock {
		h.openWebSocket(a, req)
		return
	}
	s, ok := sh.newSession(eio.Polling, a)
	if !ok {
		h.unavailable()
		return
	}
	h.openPolling(s)
	s.handler().Opened()
}

// newSession makes a session; ok is false when the loop has no slot left.
func (sh *Shard) newSession(t eio.Transport, a *admission) (s *Session, ok bool) {
	s = sh.upper.NewSession()
	s.slot = sh.table.Alloc(s)
	if s.slot == 0 {
		return nil, false
	}
	s.open(sh, t, a)
	a.id = ""
	return s, true
}

// unavailable answers a handshake that the server cannot take.
func (h *httpConn) unavailable() {
	h.reply.close = true
	h.empty(http.StatusServiceUnavailable)
}

// openWebSocket completes the handshake of a session that starts on WebSocket.
func (h *httpConn) openWebSocket(a *admission, req *http1.Request) {
	sh := h.shard
	c, window, ok := h.switchProtocols(req, true)
	if !ok {
		return
	}
	if a.query.Transport != "websocket" {
		sh.hangUp(c, wsframe.AppendClose(nil, 0, ""), nil)
		return
	}
	s, ok := sh.newSession(eio.WebSocket, a)
	if !ok {
		sh.hangUp(c, wsframe.AppendClose(nil, 1013, "try again later"), nil)
		return
	}
	s.conn, s.window = c, window
	c.Ctx = s
	b := bufpool.Get(256)
	sh.open = eio.AppendOpen(sh.open[:0], &sh.cfg.EIO, s.sidView(), eio.WebSocket)
	b.B = wsframe.AppendFrame(b.B, wsframe.OpText, sh.open)
	if first := sh.cfg.InitialPacket; first != "" {
		b.B = AppendTextMessage(b.B, []byte(first))
	}
	c.Send(s.onWebSocket(b))
	sh.loop.Defer(b)
	s.handler().Opened()
}

// upgrade lets a WebSocket probe a session. It returns the input behind the
// request, which belongs to the WebSocket.
func (h *httpConn) upgrade(s *Session, q *query, rest []byte) []byte {
	sh := h.shard
	c, window, ok := h.switchProtocols(&sh.req, false)
	if !ok {
		return nil
	}
	if q.Transport != "websocket" { // nothing can be upgraded to polling
		sh.hangUp(c, wsframe.AppendClose(nil, 0, ""), nil)
		return nil
	}
	s.startProbe(c, window, q.form)
	return rest
}

// rawWebSocket serves a bare WebSocket.
func (h *httpConn) rawWebSocket(rest []byte) []byte {
	sh := h.shard
	if !sh.req.Upgrade {
		h.empty(http.StatusUpgradeRequired)
		return rest
	}
	c, window, ok := h.switchProtocols(&sh.req, false)
	if !ok {
		return nil
	}
	c.Ctx = &rawSocket{shard: sh, conn: c, window: window}
	return rest
}

// switchProtocols answers an upgrade with 101, or refuses it. On success the
// httpConn is gone. initial says that the request begins a session. window is
// what was agreed on about compression, 0 for none.
func (h *httpConn) switchProtocols(req *http1.Request, initial bool) (c *loop.Conn, window uint8, ok bool) {
	sh := h.shard
	if h.parked {
		h.upgradeError(eio.CodeBadRequest, "") // a WebSocket cannot share its connection with a poll
		return nil, 0, false
	}
	u, he := wsframe.CheckUpgrade(req)
	if he != nil {
		sh.stats.BadRequests++
		b := bufpool.Get(512)
		b.B = he.Append(b.B)
		h.reply.close = true
		h.respond(b)
		return nil, 0, false
	}
	c = h.conn
	b := bufpool.Get(512)
	h.reply.extra = append(h.reply.extra, h.headers(initial, "")...)
	if sh.cfg.Deflate {
		agreed := wsframe.NegotiateDeflate(req)
		h.reply.extra = agreed.AppendExtension(h.reply.extra)
		window = agreed.ServerBits
	}
	b.B = wsframe.AppendAccept(b.B, &u, h.reply.extra)
	h.leave()
	c.SetDeadline(0)
	c.Send(b)
	sh.loop.Defer(b)
	return c, window, true
}

// handshake packs the request being handled.
func (h *httpConn) handshake() Handshake {
	sh, req := h.shard, &h.shard.req
	remote, secure := h.conn.RemoteAddr(), h.secure
	if sh.srv.trusts(remote.Addr()) {
		remote, secure = forwarded(req, remote, secure, sh.srv.trusts)
	}
	return packHandshake(remote, sh.now(), secure, sh.rawHead)
}

func (sh *Shard) parseQuery(req *http1.Request) query {
	scratch, raw := &sh.escaped, req.Query()
	get := func(key string) string {
		v, _ := http1.QueryBytes(raw, key, scratch[:0])
		return borrow(v)
	}
	q := query{Request: eio.Request{
		Transport: wellKnown(get("transport")),
		EIO:       wellKnown(get("EIO")),
		Method:    wellKnown(borrow(req.Method)),
		Upgrade:   req.Upgrade,
	}}
	if len(get("b64")) > 0 {
		q.form |= formBase64
	}
	if sh.cfg.EIO.AllowEIO3 && eio.ParseRevision(q.EIO) == eio.Revision3 {
		q.form |= formRev3
		// JSONP is for browsers whose clients are of that revision.
		if j, ok := http1.QueryBytes(raw, "j", scratch[:0]); ok {
			q.form |= formJSONP
			q.index = polling.JSONPIndex(string(j))
		}
	}
	q.SID = get("sid") // the last to use scratch, which it may borrow
	return q
}

// wellKnown returns constants for the usual values, so that they need no copy.
func wellKnown(s string) string {
	for _, k := range [...]string{"4", "polling", "websocket", "GET", "POST"} {
		if s == k {
			return k
		}
	}
	return strings.Clone(s)
}

// borrow views bytes as a string that is valid as long as they are.
func borrow(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
