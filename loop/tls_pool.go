package loop

import (
	"crypto/tls"
	"runtime"
	"sync"
	"time"
)

const (
	// handshakesPerLoop and minHandshakes make up the default of
	// Options.MaxHandshakes.
	handshakesPerLoop = 256
	minHandshakes     = 1024

	// queuePerHandshake is how many more client hellos may wait for each
	// handshake that may be under way.
	queuePerHandshake = 4

	// handshakePatience is how long, in ms, a handshake may wait for its
	// client while others wait for their turn.
	handshakePatience = 2000

	defaultHandshakeTimeout = 10 * time.Second
)

// A handshakePool bounds the goroutines that run handshakes, and how many of
// them compute at the same time, so that loops get their share.
type handshakePool struct {
	// Immutable after newHandshakePool.
	reactor *Reactor
	limit   int
	timeout int64         // ms
	cpu     chan struct{} // one for each goroutine that computes

	mu     sync.Mutex // guards following
	active map[*handshake]struct{}
	queue  []*handshake
}

func newHandshakePool(r *Reactor, o *Options) *handshakePool {
	p := &handshakePool{
		reactor: r, limit: o.MaxHandshakes, timeout: o.HandshakeTimeout.Milliseconds(),
		cpu:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		active: map[*handshake]struct{}{},
	}
	return p
}

// now is the clock of the loops, for goroutines.
func (p *handshakePool) now() int64 { return int64(p.reactor.elapsed() / time.Millisecond) }

// enter waits for a place to compute; leave gives it up.
func (p *handshakePool) enter() { p.cpu <- struct{}{} }
func (p *handshakePool) leave() { <-p.cpu }

// leaveCPU lets others compute while a function of the user, who may wait for
// the network, looks for a certificate. The result undoes it.
func leaveCPU(hello *tls.ClientHelloInfo) func() {
	t, ok := hello.Conn.(*tlsConn)
	if !ok {
		return func() {}
	}
	p := t.hs.pool
	p.leave()
	return p.enter
}

// submit gives a handshake its goroutine, or puts it into the queue. It is
// called on the loop and reports false when the queue is full.
func (p *handshakePool) submit(h *handshake) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.active) < p.limit {
		h.state = handshakeGiven
		p.active[h] = struct{}{}
		p.reactor.wg.Add(1)
		go p.work(h) // ends when no handshake waits; joined through wg
		return true
	}
	p.evictLocked()
	if len(p.queue) >= p.limit*queuePerHandshake {
		return false
	}
	h.state = handshakeGiven
	p.queue = append(p.queue, h)
	h.watch()
	return true
}

// work runs one handshake after the other.
func (p *handshakePool) work(h *handshake) {
	defer p.reactor.wg.Done()
	for h != nil {
		h.run()
		h = p.next(h)
	}
}

// next returns the handshake that has waited longest, in place of old.
func (p *handshakePool) next(old *handshake) *handshake {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.active, old)
	for len(p.queue) > 0 {
		h := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		if !h.ended() {
			p.active[h] = struct{}{}
			return h
		}
	}
	p.queue = nil
	return nil
}

// relieve makes room for those in the queue. It is called regularly while
// there are any.
func (p *handshakePool) relieve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		p.evictLocked()
	}
}

// evictLocked gives up every handshake whose client has kept its goroutine
// waiting too long: without that, clients that send a hello and nothing more
// would keep everybody else out for as long as the timeout.
func (p *handshakePool) evictLocked() {
	now := p.now()
	for h := range p.active {
		if h.idleSince(now - handshakePatience) {
			h.abort(ErrHandshakeTimeout)
		}
	}
}

// ended tells whether the loop has given the handshake up.
func (h *handshake) ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err != nil
}

// idleSince tells whether the goroutine has been waiting for the client since
// the given time or longer.
func (h *handshake) idleSince(at int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting != 0 && h.waiting <= at
}
