package load

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

var (
	errDeadline = context.DeadlineExceeded
	errCanceled = context.Canceled
)

// kindCall is a message with a function to run.
const kindCall = 1

// role is what a TCP connection is for.
type role uint8

const (
	roleSocket role = iota // WebSocket from the start
	roleGet
	rolePost
	roleProbe // WebSocket that polling is upgraded to
)

// A leg is one TCP connection of a Conn.
type leg struct {
	// Immutable after Moved.
	conn *Conn
	lc   *loop.Conn
	role role

	// Owned by the loop goroutine.
	upgraded bool // frames, not responses
	used     bool // has answered a request already
	reader   wsframe.Reader
	http     responseReader
}

// handler is the loop.Handler of a Pool.
type handler struct {
	// Immutable.
	pool *Pool
	loop *loop.Loop

	// Owned by the loop goroutine.
	at      int64  // Pool.Now of the bytes being handled
	packet  Packet // what OnPacket is given
	posting []*Conn
	timers  map[*loop.Timer]func()

	inflater   wsframe.Inflater
	frames     wsframe.Config // how WebSockets are read
	translator translator     // for Options.Msgpack
}

// maxMessage bounds a message, compressed or not.
const maxMessage = 64 << 20

func newHandler(p *Pool, l *loop.Loop) *handler {
	h := &handler{pool: p, loop: l, timers: map[*loop.Timer]func(){}}
	h.frames = wsframe.Config{MaxMessage: maxMessage, FromServer: true}
	if p.opts.Deflate {
		h.frames.Inflater = &h.inflater
	}
	return h
}

// Open implements loop.Handler.
func (h *handler) Open(c *loop.Conn) { c.Close(errors.New("load: listens nowhere")) }

// Moved takes a dialled connection over.
func (h *handler) Moved(lc *loop.Conn, _ []byte, note any) {
	g := note.(*leg)
	g.lc, lc.Ctx = lc, g
	c := g.conn
	c.h = h
	if c.state == stateClosed {
		lc.Close(ErrHangup)
		return
	}
	switch g.role {
	case roleSocket:
		c.ws = g
		g.upgrade("")
	case roleGet:
		c.getArrived(g)
	case rolePost:
		c.postArrived(g)
	case roleProbe:
		c.probeArrived(g)
	}
}

// upgradeLines ask for a WebSocket. The key is always the same, which nothing here
// minds, and upgradeAccept the answer to it (RFC 6455, 1.3).
const (
	upgradeLines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	upgradeAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// deflateLine offers compression in which every message stands for itself, so
// that one inflater serves all connections of a loop (RFC 7692, 7.1.1).
const deflateLine = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

// upgrade asks for a WebSocket.
func (g *leg) upgrade(sid string) {
	o, lines := &g.conn.pool.opts, upgradeLines
	if o.Deflate {
		lines += deflateLine
	}
	g.request("GET "+o.target("websocket", sid)+" HTTP/1.1\r\n", lines)
}

// request sends a request without a body: its first line and its own headers.
func (g *leg) request(line, headers string) {
	common := g.conn.pool.headers
	b := bufpool.Get(len(line) + len(common) + len(headers) + 2)
	b.B = append(append(append(append(b.B, line...), common...), headers...), "\r\n"...)
	g.send(b)
}

// Data implements loop.Handler.
func (h *handler) Data(lc *loop.Conn, b []byte) {
	h.at = h.pool.Now()
	g := lc.Ctx.(*leg)
	if !g.upgraded {
		b = g.responses(b)
		if !g.upgraded {
			return
		}
	}
	c := g.conn
	for c.state != stateClosed {
		m, rest, ok, err := g.reader.Next(&h.frames, b)
		if err != nil {
			c.end(fail(Other, err, "the server sent a malformed frame: %v", err))
			return
		}
		if !ok {
			return
		}
		b = rest
		g.message(m)
	}
}

// responses handles every whole response in b, and returns what follows a
// switch to WebSocket.
func (g *leg) responses(b []byte) []byte {
	c := g.conn
	for {
		resp, rest, ok, err := g.http.next(b)
		if err != nil {
			c.end(fail(WrongPath, err, "no HTTP at %s: %v", c.pool.opts.Addr, err))
			return nil
		}
		if !ok || c.state == stateClosed {
			return nil
		}
		b = rest
		if resp.status == 101 {
			g.upgraded = true
			if len(b) == 0 {
				b = g.http.take()
			}
			if err := g.checkSwitch(&resp); err != nil {
				c.end(err)
				return nil
			}
			g.switched()
			return b
		}
		g.response(&resp)
		if resp.closing {
			g.lc.Close(io.EOF)
			return nil
		}
		if len(b) == 0 && !g.http.more() {
			g.http.release()
			return nil
		}
	}
}

// checkSwitch says what is wrong with a 101.
func (g *leg) checkSwitch(r *response) error {
	o := &g.conn.pool.opts
	switch {
	case !r.accepts:
		return fail(WrongPath, nil, "%s switches protocols, but not to WebSocket: its Sec-WebSocket-Accept is wrong", o.Addr)
	case o.Deflate && !r.deflates:
		return fail(Refused, nil, "the server does not compress WebSocket messages without context takeover")
	}
	return nil
}

// response takes an HTTP response.
func (g *leg) response(r *response) {
	c := g.conn
	g.used = true
	if r.status != 200 || g.role == roleSocket || g.role == roleProbe {
		c.end(c.pool.responseError(r.status, r.body))
		return
	}
	if g.role == roleGet {
		c.polled(r.body)
		return
	}
	c.posted()
}

// switched takes the 101.
func (g *leg) switched() {
	c := g.conn
	switch {
	case g.role == roleProbe:
		g.frame(wsframe.OpText, probePing)
	case g.role != roleSocket:
		c.end(fail(WrongPath, nil, "the server switched protocols without being asked"))
	case c.pool.opts.Plain:
		c.becomeOpen()
	}
}

// message takes one message of a WebSocket.
func (g *leg) message(m wsframe.Message) {
	c := g.conn
	switch m.Op {
	case wsframe.OpClose:
		code, reason, _ := wsframe.ParseClose(m.Payload)
		c.end(fail(Closed, nil, "the server closed the WebSocket%s", closeText(code, reason)+c.parserHint()))
	case wsframe.OpPing:
		g.frame(wsframe.OpPong, m.Payload)
	case wsframe.OpBinary:
		c.attachment(m.Payload)
	case wsframe.OpText:
		switch {
		case g.role == roleProbe && c.ws != g:
			c.probed(m.Payload)
		case !c.pool.opts.Plain:
			c.text(m.Payload)
		case len(m.Payload) > 1 && m.Payload[0] == '4':
			c.message(m.Payload[1:])
		}
	case wsframe.OpPong, wsframe.OpContinuation:
	}
}

// parserHint is what to think of when a CONNECT in MessagePack is not answered.
func (c *Conn) parserHint() string {
	if c.pool.opts.Msgpack && c.state == stateJoining {
		return ": does it use the msgpack parser?"
	}
	return ""
}

func closeText(code uint16, reason []byte) string {
	if code == wsframe.CloseNoStatus {
		return ""
	}
	return fmt.Sprintf(" with code %d %q", code, reason)
}

// Closed implements loop.Handler.
func (h *handler) Closed(lc *loop.Conn, err error) {
	g, ok := lc.Ctx.(*leg)
	if !ok {
		return
	}
	g.reader.Release()
	c := g.conn
	if c.state == stateClosed {
		return
	}
	if resp, ok := g.http.atEnd(); ok {
		g.response(&resp)
		if c.state == stateClosed {
			return
		}
	}
	switch {
	case errors.Is(err, loop.ErrShutdown):
		c.state = stateClosed
		select {
		case c.ready <- ErrPoolClosed:
		default: // it was ready
		}
	case g.role == roleGet || g.role == rolePost:
		c.legClosed(g, err)
	default:
		c.end(err)
	}
}

// Message implements loop.Handler.
func (h *handler) Message(m *loop.Message) {
	if m.Kind == kindCall {
		m.Obj.(func())()
	}
}

// BeforeFlush implements loop.Handler: all that was sent on polling within a
// turn leaves in one POST.
func (h *handler) BeforeFlush() {
	for i, c := range h.posting {
		h.posting[i] = nil
		c.flushPost()
	}
	h.posting = h.posting[:0]
}

// Timer implements loop.Handler.
func (h *handler) Timer(t *loop.Timer) {
	if f, ok := h.timers[t]; ok {
		f()
	}
}

// Dropped implements loop.Handler.
func (h *handler) Dropped(*loop.Message) {}

// Drained implements loop.Handler.
func (h *handler) Drained(*loop.Conn) {}

// Deadline implements loop.Handler.
func (h *handler) Deadline(*loop.Conn) {}

// Panicked implements loop.Handler.
func (h *handler) Panicked(_ *loop.Conn, v any, stack []byte) {
	h.pool.panicked(v, stack)
}
