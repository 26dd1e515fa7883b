package engine

import (
	"sync"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/polling"
)

// checkOrigin applies the CORS option, or the same-origin policy without it.
// It reports whether the request is to be handled further; if not, it has been
// answered.
func (h *httpConn) checkOrigin(req *http1.Request) bool {
	sh := h.shard
	origin := req.Get("Origin")
	if cors := sh.cfg.CORS; cors != nil {
		switch {
		case string(req.Method) != "OPTIONS":
			h.reply.extra = cors.AppendHeaders(nil, origin)
		case cors.Preflight():
			b := bufpool.Get(512)
			b.B = cors.AppendPreflight(b.B, req, h.reply.options())
			h.respond(b)
			return false
		default:
			h.reply.extra = cors.AppendPreflightHeaders(nil, req)
		}
		return true
	}
	if origin == nil {
		return true
	}
	if polling.CheckOrigin(h.host(req), origin, h.scheme()) == polling.OriginSame {
		return true
	}
	sh.srv.foreign.report(sh.cfg, string(origin), string(req.Host))
	h.report(eio.CodeForbidden, map[string]any{"name": "FOREIGN_ORIGIN", "origin": string(origin)})
	q := query{Request: eio.Request{Upgrade: req.Upgrade}}
	h.refuse(&q, eio.CodeForbidden, "")
	return false
}

// host returns the host that the client's page may share: what it asked for,
// or what a trusted proxy was asked for.
func (h *httpConn) host(req *http1.Request) []byte {
	if fwd := req.Get("X-Forwarded-Host"); fwd != nil && h.shard.srv.trusts(h.conn.RemoteAddr().Addr()) {
		return fwd
	}
	return req.Host
}

// scheme returns the scheme where this server itself ends TLS.
func (h *httpConn) scheme() string {
	if h.secure {
		return "https"
	}
	return ""
}

// foreignOrigins logs each refused origin once, up to a limit.
type foreignOrigins struct {
	mu   sync.Mutex // guards following
	seen map[string]bool
}

// maxForeignOrigins bounds what a client can have logged and remembered.
const maxForeignOrigins = 100

func (f *foreignOrigins) report(cfg *Config, origin, host string) {
	if len(origin) > 256 {
		origin = origin[:256]
	}
	if !f.add(origin) {
		return
	}
	cfg.Logger.Warn("engine: a request from another site was refused; set Options.CORS to allow its origin",
		"origin", origin, "host", host)
}

// add reports whether the origin is one more to log.
func (f *foreignOrigins) add(origin string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[origin] || len(f.seen) >= maxForeignOrigins {
		return false
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[origin] = true
	return true
}
