package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/loop"
)

// ErrPoolClosed is returned by what needs a Pool that is not closed.
var ErrPoolClosed = errors.New("load: the pool is closed")

// A Pool is a set of connections to one server.
type Pool struct {
	// Immutable after NewPool.
	opts     Options
	headers  string // header lines of every request
	connect  []byte // Engine.IO message with the CONNECT
	prefix   []byte // "/nsp," in front of a packet, nothing for "/"
	reactor  *loop.Reactor
	handlers []*handler // of the loops, in their order
	spread   bool       // any address of 127.0.0.0/8 may be a source
	base     time.Time
	done     chan struct{} // closed by Close
	// dialTime returns what bounds a dial for a loop.
	dialTime func() (context.Context, context.CancelFunc)
	cancel   context.CancelFunc // of all dials for loops

	// Atomic: written by the loops.
	connected atomic.Int64
	lost      atomic.Int64
	failure   atomic.Pointer[string]

	dials  atomic.Int64 // Atomic: TCP connections begun, written by whoever dials.
	next   atomic.Int64 // Atomic: written by Open, chooses the loop.
	closed sync.Once
	legs   sync.WaitGroup // goroutines that dial for a loop

	mu    sync.Mutex // guards following
	conns []*Conn
}

// NewPool starts the client's event loops.
func NewPool(o Options) (*Pool, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &Pool{opts: o, headers: o.headers(), spread: o.loopback(), base: time.Now(), done: make(chan struct{})}
	if o.Namespace != "/" {
		p.prefix = append([]byte(o.Namespace), ',')
	}
	p.connect = append(append([]byte("40"), p.prefix...), o.Auth...)
	r, err := loop.New(&loop.Options{
		Loops: o.Loops, Logger: slog.New(slog.DiscardHandler), WatchdogTurn: -1,
		NewHandler: func(l *loop.Loop) loop.Handler {
			h := newHandler(p, l)
			p.handlers = append(p.handlers, h)
			return h
		},
	})
	if err != nil {
		return nil, err
	}
	p.reactor = r
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.dialTime = func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, o.Timeout) }
	return p, r.Start()
}

// Connected returns the number of connections that are ready and alive.
func (p *Pool) Connected() int64 { return p.connected.Load() }

// Lost returns the number of connections that ended after they were ready,
// those that Hangup closed included.
func (p *Pool) Lost() int64 { return p.lost.Load() }

// Err returns what went wrong in the client itself, such as a callback that
// panicked.
func (p *Pool) Err() error {
	if text := p.failure.Load(); text != nil {
		return errors.New(*text)
	}
	return nil
}

// Counters returns the totals of all loops: bytes on the wire among them.
func (p *Pool) Counters() loop.Counters { return p.reactor.Counters() }

// Loops returns the number of loops.
func (p *Pool) Loops() int { return p.opts.Loops }

// Conns returns the connections that Dial has begun.
func (p *Pool) Conns() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

// Now returns the monotonic time in nanoseconds since the Pool was made. It may
// be called from any goroutine.
func (p *Pool) Now() int64 { return int64(time.Since(p.base)) }

// Prefix returns what stands between the type of a packet and its id or
// arguments: "/nsp," or nothing in the namespace "/".
func (p *Pool) Prefix() []byte { return p.prefix }

// Dial opens n more connections, at most parallel of them at a time, waits
// until each is ready, and returns the first error.
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

// Open opens one connection over t on the given loop and waits until it is
// ready. owner is the caller's, found at Conn.Owner. An error is an *Error, or
// that of ctx.
func (p *Pool) Open(ctx context.Context, t Transport, on int, owner any) (*Conn, error) {
	c := &Conn{pool: p, transport: t, on: on, Owner: owner, ready: make(chan error, 1), began: p.Now()}
	return c, p.open(ctx, c)
}

// Do runs f on the first loop.
func (p *Pool) Do(f func()) error { return p.DoOn(0, f) }

// DoOn runs f on the loop with the given number.
func (p *Pool) DoOn(on int, f func()) error {
	return p.reactor.Loops()[on].Post(loop.Message{Kind: kindCall, Obj: f})
}

// Close closes every connection without a close frame. OnClose is not called.
func (p *Pool) Close(ctx context.Context) error {
	p.closed.Do(func() {
		close(p.done)
		p.cancel()
	})
	err := p.reactor.Shutdown(ctx)
	p.legs.Wait()
	return err
}

func (p *Pool) dialOne(ctx context.Context) error {
	on := int(p.next.Add(1)-1) % p.opts.Loops
	c := &Conn{pool: p, transport: p.opts.Transport, on: on, ready: make(chan error, 1), began: p.Now()}
	p.mu.Lock()
	c.Index = len(p.conns)
	p.conns = append(p.conns, c)
	p.mu.Unlock()
	return p.open(ctx, c)
}

// open waits for the handshake of c, which it begins.
func (p *Pool) open(ctx context.Context, c *Conn) error {
	ctx, cancel := context.WithTimeout(ctx, p.opts.Timeout)
	defer cancel()
	role := roleSocket
	if c.transport != WebSocket {
		role = roleGet
	}
	if err := p.dialLeg(ctx, c, role); err != nil {
		return err
	}
	select {
	case err := <-c.ready:
		return err
	case <-p.done:
		return ErrPoolClosed
	case <-ctx.Done():
	}
	// The loop knows what was awaited, and must let go of it.
	if err := p.DoOn(c.on, func() { c.giveUp(ctx.Err()) }); err != nil {
		return ctx.Err()
	}
	select {
	case err := <-c.ready:
		return err
	case <-p.done:
		return ErrPoolClosed
	}
}

// dialLeg opens a TCP connection for c and hands it to the loop.
func (p *Pool) dialLeg(ctx context.Context, c *Conn, r role) error {
	d := net.Dialer{Control: latePort}
	if n := p.dials.Add(1) - 1; p.spread && n >= int64(p.opts.PerSource) {
		d.LocalAddr = &net.TCPAddr{IP: source(n / int64(p.opts.PerSource))}
	}
	nc, err := d.DialContext(ctx, "tcp", p.opts.Addr)
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return dialError(p.opts.Addr, err)
	}
	whole := nc
	if p.opts.TLS != nil {
		if whole, err = loop.ClientTLS(ctx, nc, p.opts.TLS); err != nil {
			_ = nc.Close()
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return tlsError(p.opts.Addr, err)
		}
	}
	if err := p.reactor.Adopt(c.on, whole, nil, &leg{conn: c, role: r}); err != nil {
		_ = nc.Close()
		switch {
		case errors.Is(err, loop.ErrTooManyConns):
			return tooManyFiles(err)
		case errors.Is(err, net.ErrClosed):
			return ErrPoolClosed
		}
		return dialError(p.opts.Addr, err)
	}
	return nil
}

// panicked keeps the first panic for Err.
func (p *Pool) panicked(v any, stack []byte) {
	text := fmt.Sprintf("load: panic: %v\n%s", v, stack)
	p.failure.CompareAndSwap(nil, &text)
}

// requestLeg opens another TCP connection for c. It is called on the loop.
func (p *Pool) requestLeg(c *Conn, r role) {
	p.legs.Go(func() { // stops when the connection is there or has failed, at the latest at the Timeout
		ctx, cancel := p.dialTime()
		defer cancel()
		if err := p.dialLeg(ctx, c, r); err != nil {
			_ = p.DoOn(c.on, func() { c.end(err) })
		}
	})
}

// source returns the nth source address: 127.0.0.1 and on.
func source(n int64) net.IP {
	n++ // no address ends with 0
	return net.IPv4(127, byte(n>>16), byte(n>>8), byte(n))
}
