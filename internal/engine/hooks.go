package engine

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
)

// A Refusal is a request that was refused with a code of the protocol.
type Refusal struct {
	Request *http.Request
	Code    eio.ErrorCode

	// Context says more, with the keys and values of the Node server.
	Context map[string]any
}

// httpRequest returns the request being handled as net/http has it: what the
// middlewares passed on, or one without a body that is made of its head.
func (h *httpConn) httpRequest() *http.Request {
	if h.passed == nil {
		h.passed = h.shard.readRequest(h, h.shard.rawHead)
	}
	return h.passed
}

// readRequest makes a request of a head that was parsed into Shard.req.
func (sh *Shard) readRequest(h *httpConn, head []byte) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil { // cannot be: it was parsed, more strictly, before
		r = &http.Request{Method: string(sh.req.Method), RequestURI: string(sh.req.Target), Header: http.Header{}}
	}
	remote := h.conn.RemoteAddr()
	if sh.srv.trusts(remote.Addr()) {
		remote, _ = forwarded(&sh.req, remote, h.secure, sh.srv.trusts)
	}
	r.Body, r.RemoteAddr, r.TLS = http.NoBody, remote.String(), h.conn.TLS()
	return r
}

// report tells the user that a request is refused.
func (h *httpConn) report(code eio.ErrorCode, context map[string]any) {
	cfg := h.shard.cfg
	if cfg.OnRefusal == nil {
		return
	}
	defer h.shard.guard("OnConnectionError")
	cfg.OnRefusal(&Refusal{Request: h.httpRequest(), Code: code, Context: context})
}

// guard logs the panic of a hook, which changes nothing else.
func (sh *Shard) guard(hook string) {
	if v := recover(); v != nil {
		sh.cfg.Logger.Error("engine: panic in "+hook, "panic", v)
	}
}

// refusalContext says why VerifyBefore has refused a request.
func refusalContext(cfg *eio.Config, q *query, code eio.ErrorCode, s *eio.Session) map[string]any {
	switch code {
	case eio.CodeUnknownTransport:
		return map[string]any{"transport": strings.Clone(q.Transport)}
	case eio.CodeUnknownSID:
		return map[string]any{"sid": strings.Clone(q.SID)}
	case eio.CodeBadHandshakeMethod:
		return map[string]any{"method": strings.Clone(q.Method)}
	default:
	}
	cause := eio.RefusalCause(cfg, &q.Request, s)
	c := map[string]any{"name": string(cause)}
	switch {
	case s == nil:
	case cause == eio.CauseTransportMismatch:
		c["transport"], c["previousTransport"] = strings.Clone(q.Transport), s.Transport().String()
	case cause == eio.CauseProtocolMismatch:
		c["protocol"], c["previousProtocol"] = int(eio.ParseRevision(q.EIO)), int(s.Revision())
	}
	return c
}

// headers returns the header lines that cookie and hooks add to the response of
// a session. initial says that it is the first, whose session has the given id.
func (h *httpConn) headers(initial bool, sid string) []byte {
	cfg := h.shard.cfg
	cookie := initial && sid != "" && cfg.Cookie != nil
	if cfg.Headers == nil && (cfg.InitialHeaders == nil || !initial) {
		if cookie {
			return cfg.Cookie.AppendHeader(nil, sid)
		}
		return nil
	}
	header := http.Header{}
	if cookie {
		line := string(cfg.Cookie.AppendHeader(nil, sid))
		_, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
		header.Set("Set-Cookie", value)
	}
	h.runHeaderHooks(header, initial)
	return headerLines(header, ownHeader)
}

func (h *httpConn) runHeaderHooks(header http.Header, initial bool) {
	defer h.shard.guard("a hook for headers")
	cfg := h.shard.cfg
	if initial && cfg.InitialHeaders != nil {
		cfg.InitialHeaders(header, h.httpRequest())
	}
	if cfg.Headers != nil {
		cfg.Headers(header, h.httpRequest())
	}
}

// headerLines returns the lines of a header that the user has made, sorted by
// their names. Lines that are the server's own, and those with bytes that would
// break the message, are left out.
func headerLines(header http.Header, own func(name string) bool) []byte {
	var b bytes.Buffer
	clean := http.Header{}
	for name, values := range header {
		if !http1.ValidToken([]byte(name)) || own(http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, v := range values {
			if http1.ValidValue([]byte(v)) {
				clean[name] = append(clean[name], v)
			}
		}
	}
	_ = clean.Write(&b) // a buffer takes everything
	return b.Bytes()
}

// ownHeader tells whether only the server itself may set a header of a
// response of a session.
func ownHeader(name string) bool {
	return framing(name) || name == "Content-Encoding" || name == "Cache-Control"
}

// framing tells whether a header says how a message ends or what it is.
func framing(name string) bool {
	switch name {
	case "Content-Type", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive", "Upgrade":
		return true
	}
	return strings.HasPrefix(name, "Sec-Websocket-")
}
