package loop

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"

	"github.com/gannet-io/gannet/internal/bufpool"
)

const (
	// maxHello is what a client may send before its first message is complete.
	maxHello = 32 << 10

	// maxAhead is what may wait for the goroutine of a handshake before the
	// connection is not read any more; one read more than that is kept.
	maxAhead = 32 << 10

	// alertLinger is how long, in ms, a client whose handshake failed may take
	// to read why.
	alertLinger = 2000
)

// plainHTTP answers a request in clear text, as net/http does.
const plainHTTP = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

var (
	// ErrHandshakeTimeout is what a handshake ends with that took too long.
	ErrHandshakeTimeout = errors.New("loop: TLS handshake took too long")

	errHandshakeBusy = errors.New("loop: too many TLS handshakes")
	errNotTLS        = errors.New("loop: first record does not look like a TLS handshake")
	errPlainHTTP     = errors.New("loop: client sent an HTTP request to an HTTPS server")
	errHelloTooLong  = errors.New("loop: TLS client hello is too long")
	errHandshakeEnd  = errors.New("loop: connection closed during the TLS handshake")
)

// handshakeState says who has a handshake.
type handshakeState uint8

const (
	handshakeHello handshakeState = iota // the loop, until the client hello is complete
	handshakeGiven                       // the pool
	handshakeEnded                       // nobody: it has failed
)

// A handshake is a TLS handshake under way. The loop reads and writes the
// socket; a goroutine runs crypto/tls between in and out. It gets the
// goroutine when the client hello is complete, so that those who only connect
// cost none.
type handshake struct {
	// Immutable.
	pool   *handshakePool
	loop   *Loop
	conn   *Conn
	tls    *tlsConn
	cfg    *tls.Config
	local  net.Addr
	remote net.Addr
	more   chan struct{} // has one when the goroutine should look again

	// Owned by the loop goroutine.
	state    handshakeState
	deadline int64 // ms

	mu      sync.Mutex // guards following
	in      []byte     // records for the goroutine
	off     int        // what it has read of them
	full    bool       // the connection is not read until it has read all
	out     []byte     // records for the client
	err     error      // ends the reading
	done    bool       // the goroutine has ended
	result  error      // what it ended with
	posted  bool       // a message is on its way to the loop
	waiting int64      // ms since when the goroutine waits for the client; 0 when it does not
}

func newHandshake(c *Conn, t *tlsConn, cfg *tls.Config) *handshake {
	p := c.loop.reactor.handshakes
	return &handshake{
		pool: p, loop: c.loop, conn: c, tls: t, cfg: cfg,
		local: localNetAddr(int(c.fd)), remote: netAddr(c.RemoteAddr()), more: make(chan struct{}, 1),
		deadline: c.loop.Now() + p.timeout,
	}
}

// handshakeData takes records of a connection whose handshake is under way.
func (l *Loop) handshakeData(c *Conn, b []byte) {
	h := c.aux.tls.hs
	if h.state != handshakeHello {
		if h.feed(b) {
			c.flags |= flagPaused
		}
		return
	}
	h.in = append(h.in, b...) // no goroutine has seen it yet
	ok, err := checkHello(h.in)
	switch {
	case errors.Is(err, errPlainHTTP):
		l.failHandshake(c, err, plainHTTP)
	case err != nil:
		l.failHandshake(c, err, "")
	case !ok:
	case !h.pool.submit(h):
		l.failHandshake(c, errHandshakeBusy, "")
	}
}

// checkHello reports whether b, which is not empty, holds a whole client hello:
// handshake records whose bytes together are one message of type 1 (RFC 8446,
// 4 and 5.1). What is odd about records is for crypto/tls to say.
func checkHello(b []byte) (bool, error) {
	const header, handshakes, client = 5, 22, 1
	if b[0] != handshakes {
		return false, checkHTTP(b)
	}
	body, want := 0, 4
	var head []byte // the first four bytes of the message
	for rest := b; len(rest) >= header; {
		n := int(rest[3])<<8 | int(rest[4])
		if rest[0] != handshakes || rest[1] >= 16 || n == 0 || n > maxRecord-header {
			return true, nil
		}
		part := rest[header:min(header+n, len(rest))]
		head = append(head, part[:min(len(part), 4-len(head))]...)
		if len(head) > 0 && head[0] != client {
			return false, errNotTLS
		}
		if len(head) == 4 {
			want = 4 + int(head[1])<<16 + int(head[2])<<8 + int(head[3])
		}
		if len(part) < n {
			break
		}
		if body += n; body >= want {
			return true, nil
		}
		rest = rest[header+n:]
	}
	if len(b) > maxHello || want > maxHello {
		return false, errHelloTooLong
	}
	return false, nil
}

// checkHTTP says what b is that is not TLS. It returns nil while it may be a
// request in clear text, of which net/http looks at five bytes too.
func checkHTTP(b []byte) error {
	for _, s := range []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"} {
		if n := min(len(b), len(s)); string(b[:n]) == s[:n] {
			if n == len(s) {
				return errPlainHTTP
			}
			return nil
		}
	}
	return errNotTLS
}

// feed gives records to the goroutine. It reports whether that has enough.
func (h *handshake) feed(b []byte) bool {
	h.mu.Lock()
	if h.off > 0 {
		h.in = append(h.in[:0], h.in[h.off:]...)
		h.off = 0
	}
	h.in = append(h.in, b...)
	h.full = len(h.in) >= maxAhead
	full := h.full
	h.mu.Unlock()
	h.wake()
	return full
}

// abort makes the goroutine end.
func (h *handshake) abort(err error) {
	h.mu.Lock()
	if h.err == nil {
		h.err = err
	}
	h.mu.Unlock()
	h.wake()
}

func (h *handshake) wake() {
	select {
	case h.more <- struct{}{}:
	default:
	}
}

// read is Read of the goroutine. While it waits, others may compute.
func (h *handshake) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.err == nil && h.off == len(h.in) {
		h.waiting = max(h.pool.now(), 1)
		full := h.full
		h.mu.Unlock()
		h.pool.leave()
		if full {
			h.notify()
		}
		<-h.more
		h.pool.enter()
		h.mu.Lock()
		h.waiting = 0
	}
	if h.err != nil {
		return 0, h.err
	}
	n := copy(p, h.in[h.off:])
	h.off += n
	return n, nil
}

// write is Write of the goroutine. crypto/tls writes what belongs together at
// once.
func (h *handshake) write(p []byte) (int, error) {
	h.mu.Lock()
	h.out = append(h.out, p...)
	h.mu.Unlock()
	h.notify()
	return len(p), nil
}

// notify has the loop look at the handshake.
func (h *handshake) notify() {
	h.mu.Lock()
	again := h.posted
	h.posted = true
	h.mu.Unlock()
	if !again {
		_ = h.loop.post(Message{Kind: kindTLS, Obj: h}) // a loop that has stopped has closed the connection
	}
}

// run is the goroutine. It ends when crypto/tls does, which abort forces.
func (h *handshake) run() {
	h.pool.enter()
	err := h.shake()
	h.pool.leave()
	h.mu.Lock()
	h.done, h.result = true, err
	h.mu.Unlock()
	h.notify()
}

// shake runs crypto/tls, and the functions of its configuration.
func (h *handshake) shake() (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.loop.log.Error("loop: panic in a TLS handshake", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("%w: %v", ErrPanicked, v)
		}
	}()
	h.tls.conn = tls.Server(h.tls, h.cfg)
	return h.tls.conn.Handshake()
}

// handshakeMoved takes what the goroutine of a handshake has come to.
func (l *Loop) handshakeMoved(h *handshake) {
	h.mu.Lock()
	h.posted = false
	out, done, result := h.out, h.done, h.result
	hungry := h.full && h.off == len(h.in)
	h.full = h.full && !hungry
	h.out = nil
	h.mu.Unlock()
	c := h.conn
	if c.flags&(flagClosing|flagGone|flagFinish) != 0 {
		return
	}
	if len(out) > 0 {
		l.tls.sealed = append(l.tls.sealed, out...)
		if !l.answerRecords(c) {
			return
		}
	}
	switch {
	case done && result == nil:
		l.handshakeDone(c, h)
	case done:
		l.failHandshake(c, result, "")
	case hungry:
		c.ResumeRead()
	}
}

// handshakeDone begins the life of the connection as the handler knows it.
func (l *Loop) handshakeDone(c *Conn, h *handshake) {
	l.stats.TLSHandshakes++
	t := c.aux.tls
	t.hs, t.scratch = nil, l.tls
	c.flags &^= flagHandshake
	c.SetDeadline(0)
	c.ResumeRead()
	l.callOpen(c)
	if c.flags&(flagClosing|flagGone) == 0 {
		l.deliverTLS(c, h.in[h.off:]) // also what crypto/tls has read ahead
	}
}

// failHandshake ends a connection whose handshake cannot succeed, with last
// or an alert as the last it hears.
func (l *Loop) failHandshake(c *Conn, err error, last string) {
	h := c.aux.tls.hs
	l.endHandshake(h, err)
	if last != "" {
		c.aux.tls.out = bufpool.Get(len(last))
		c.aux.tls.out.B = append(c.aux.tls.out.B, last...)
	}
	c.CloseAfterFlush(err)
	c.SetDeadline(l.Now() + alertLinger)
}

// endHandshake counts a failure, once, and has the goroutine end.
func (l *Loop) endHandshake(h *handshake, err error) {
	if h.state == handshakeEnded {
		return
	}
	silent := h.state == handshakeHello && len(h.in) == 0 && errors.Is(err, io.EOF) // a look whether somebody listens
	if h.state != handshakeHello {
		h.abort(errHandshakeEnd)
	}
	h.state = handshakeEnded
	switch {
	case errors.Is(err, ErrHandshakeTimeout):
		l.stats.TLSTimeouts++
	case silent, errors.Is(err, ErrShutdown):
		return
	default:
		l.stats.TLSFailures++
	}
	l.log.Debug("loop: TLS handshake failed", slog.String("remote", h.remote.String()), slog.Any("err", err))
}

// handshakeDeadline is called when a handshake has taken too long, when the
// client of a failed one has not closed, and regularly for those that wait for
// their turn.
func (l *Loop) handshakeDeadline(c *Conn) {
	h := c.aux.tls.hs
	if c.flags&flagFinish == 0 && l.Now() < h.deadline {
		h.pool.relieve()
		h.watch()
		return
	}
	c.Close(ErrHandshakeTimeout)
}

// watch has handshakeDeadline called soon.
func (h *handshake) watch() {
	h.conn.SetDeadline(min(h.deadline, h.loop.Now()+handshakePatience))
}

// endHandshakes gives up every handshake under way.
func (l *Loop) endHandshakes() {
	if l.tls == nil {
		return
	}
	for _, c := range l.conns {
		if c != nil && c.flags&flagHandshake != 0 {
			c.Close(ErrShutdown)
		}
	}
}

// netAddr converts; what has no address and port is a Unix socket.
func netAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(a)
}
