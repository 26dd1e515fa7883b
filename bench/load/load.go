// Package load opens many Socket.IO connections from one process and counts
// what comes back: the client side of the benchmarks and soaks.
//
// What it is not: a client library. It speaks WebSocket only, in the namespace
// "/", and reads of a packet what counting needs. It runs on the same event
// loops as the server, so that it costs less than what it measures.
//
//	Dial ──▶ loop.Adopt ──▶ HTTP upgrade ──▶ 0 ──▶ 40 ──▶ Connected
//	Conn.Emit ──▶ masked frame ──▶ server ──▶ frame ──▶ Options.OnEvent
//
// A Conn belongs to its loop. Options.OnEvent runs there; everything else may
// be called from any goroutine.
package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// Options configures a Pool.
type Options struct {
	// Addr is the server's host and port.
	Addr string
	// Path is the server's path. Empty means "/socket.io/".
	Path string
	// OnEvent is called for each message that starts with "42" or "43", with
	// what follows the "4". Borrowed: valid until the return.
	OnEvent func(c *Conn, packet []byte)
	// Timeout bounds a dial with its handshake. Zero means 30s.
	Timeout time.Duration
}

// A Pool is a set of connections to one server.
type Pool struct {
	// Immutable after NewPool.
	opts    Options
	request []byte
	reactor *loop.Reactor

	// Atomic: written by the loop.
	connected atomic.Int64
	lost      atomic.Int64

	mu    sync.Mutex // guards following
	conns []*Conn
}

// A Conn is one connection of a Pool.
type Conn struct {
	// Immutable.
	Index int
	pool  *Pool

	// Owned by the loop goroutine.
	conn   *loop.Conn
	reader wsframe.Reader
	head   []byte // of the response to the upgrade, while it is incomplete
	open   bool
	joined bool

	// User is for the owner of the Pool; owned by the loop goroutine.
	User int64

	ready chan error // owned by the loop goroutine; nil when the handshake is over
}

// NewPool starts the client's event loop.
func NewPool(o Options) (*Pool, error) {
	if o.Path == "" {
		o.Path = "/socket.io/"
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	p := &Pool{opts: o}
	p.request = fmt.Appendf(nil, "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", o.Path, o.Addr)
	r, err := loop.New(&loop.Options{
		Loops: 1, Logger: slog.New(slog.DiscardHandler), WatchdogTurn: -1,
		NewHandler: func(l *loop.Loop) loop.Handler { return &handler{pool: p, loop: l} },
	})
	if err != nil {
		return nil, err
	}
	p.reactor = r
	return p, r.Start()
}

// Connected returns the number of connections that have joined "/" and are
// alive.
func (p *Pool) Connected() int64 { return p.connected.Load() }

// Lost returns the number of connections that were closed after they had
// connected.
func (p *Pool) Lost() int64 { return p.lost.Load() }

// Conns returns the connections.
func (p *Pool) Conns() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

// Dial opens n more connections, at most parallel of them at a time, and
// waits until each has joined the namespace "/".
func (p *Pool) Dial(ctx context.Context, n, parallel int) error {
	slots := make(chan struct{}, parallel)
	errs := make(chan error, n)
	for range n {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		go func() { // stops when the handshake is over or has timed out
			errs <- p.dialOne(ctx)
			<-slots
		}()
	}
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

var nextSource atomic.Uint32

// Do runs f on the loop of the Pool.
func (p *Pool) Do(f func()) error {
	return p.reactor.Loops()[0].Post(loop.Message{Kind: 1, Obj: f})
}

// Close closes every connection without a close frame.
func (p *Pool) Close(ctx context.Context) error { return p.reactor.Shutdown(ctx) }

func (p *Pool) dialOne(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.opts.Timeout)
	defer cancel()
	// Many source addresses: one alone has some 28,000 ports.
	src := nextSource.Add(1)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(src>>8&0x3F), byte(1+src%250))}}
	nc, err := d.DialContext(ctx, "tcp", p.opts.Addr)
	if err != nil {
		return err
	}
	ready := make(chan error, 1)
	c := &Conn{pool: p, ready: ready}
	p.mu.Lock()
	c.Index = len(p.conns)
	p.conns = append(p.conns, c)
	p.mu.Unlock()
	if err := p.reactor.Adopt(0, nc, nil, c); err != nil {
		_ = nc.Close()
		return err
	}
	select {
	case err := <-ready:
		return err
	case <-ctx.Done():
		return fmt.Errorf("load: connection %d: %w", c.Index, ctx.Err())
	}
}

// Send queues text as one message. It must be called on the loop.
func (c *Conn) Send(text []byte) {
	b := bufpool.Get(len(text) + 16)
	b.B = wsframe.AppendMaskedFrame(b.B, wsframe.OpText, [4]byte{0x12, 0x34, 0x56, 0x78}, text)
	c.conn.Send(b)
	c.conn.Loop().Defer(b)
}

// Hangup closes the connection. It must be called on the loop.
func (c *Conn) Hangup() { c.conn.Close(io.EOF) }

// PauseRead stops reading. It must be called on the loop.
func (c *Conn) PauseRead() { c.conn.PauseRead() }

// ResumeRead undoes PauseRead. It must be called on the loop.
func (c *Conn) ResumeRead() { c.conn.ResumeRead() }

// handler is the loop.Handler of a Pool.
type handler struct {
	pool *Pool
	loop *loop.Loop
}

var frames = wsframe.Config{MaxMessage: 64 << 20, FromServer: true}

func (h *handler) Open(c *loop.Conn) { c.Close(errors.New("load: listens nowhere")) }

// Moved takes a dialled connection over and asks for the upgrade.
func (h *handler) Moved(lc *loop.Conn, _ []byte, note any) {
	c := note.(*Conn)
	c.conn = lc
	lc.Ctx = c
	b := bufpool.Get(len(h.pool.request))
	b.B = append(b.B, h.pool.request...)
	lc.Send(b)
	h.loop.Defer(b)
}

func (h *handler) Data(lc *loop.Conn, b []byte) {
	c := lc.Ctx.(*Conn)
	if !c.open {
		b = c.response(b)
	}
	for len(b) > 0 || c.open {
		m, rest, ok, err := c.reader.Next(&frames, b)
		if err != nil {
			lc.Close(err)
			return
		}
		if !ok {
			return
		}
		b = rest
		c.message(m)
	}
}

// response reads the answer to the upgrade and returns what is behind it.
func (c *Conn) response(b []byte) []byte {
	c.head = append(c.head, b...)
	end := bytes.Index(c.head, []byte("\r\n\r\n"))
	if end < 0 {
		return nil
	}
	if !bytes.HasPrefix(c.head, []byte("HTTP/1.1 101")) {
		c.conn.Close(fmt.Errorf("load: the server answered %.60q", c.head))
		return nil
	}
	rest := c.head[end+4:]
	c.head, c.open = nil, true
	return rest
}

var (
	connect = []byte("40")
	pong    = []byte("3")
)

func (c *Conn) message(m wsframe.Message) {
	p := m.Payload
	switch {
	case m.Op == wsframe.OpClose:
		c.conn.Close(errors.New("load: the server closed the connection"))
	case m.Op != wsframe.OpText || len(p) == 0:
	case p[0] == '4' && len(p) > 1 && (p[1] == '2' || p[1] == '3'):
		c.pool.opts.OnEvent(c, p[1:])
	case p[0] == '0':
		c.Send(connect)
	case p[0] == '2':
		c.Send(pong)
	case len(p) > 1 && p[0] == '4' && p[1] == '0':
		c.joined = true
		c.pool.connected.Add(1)
		c.signal(nil)
	case len(p) > 1 && p[0] == '4' && p[1] == '4':
		c.signal(fmt.Errorf("load: refused: %s", p))
	}
}

func (c *Conn) signal(err error) {
	if c.ready != nil {
		c.ready <- err
		c.ready = nil
	}
}

func (h *handler) Closed(lc *loop.Conn, err error) {
	c, ok := lc.Ctx.(*Conn)
	if !ok {
		return
	}
	c.reader.Release()
	c.signal(fmt.Errorf("load: closed during the handshake: %w", err))
	if !c.joined {
		return
	}
	h.pool.connected.Add(-1)
	h.pool.lost.Add(1)
}

func (h *handler) Message(m *loop.Message)          { m.Obj.(func())() }
func (h *handler) Dropped(*loop.Message)            {}
func (h *handler) Drained(*loop.Conn)               {}
func (h *handler) Deadline(*loop.Conn)              {}
func (h *handler) Timer(*loop.Timer)                {}
func (h *handler) BeforeFlush()                     {}
func (h *handler) Panicked(*loop.Conn, any, []byte) {}
