package loop

import (
	"math"
	"net/netip"

	"github.com/gannet-io/gannet/internal/bufpool"
)

type connFlags uint32

const (
	flagDirty     connFlags = 1 << iota // is in the dirty list
	flagBlocked                         // the kernel refused bytes; the queue owns a reference of every frame
	flagPaused                          // reading is paused
	flagInput                           // input may wait that no event will announce
	flagAgain                           // is in the list of reads to repeat
	flagHup                             // the peer has sent FIN
	flagFinish                          // close when the queue is empty
	flagLinger                          // FIN is sent, input is discarded
	flagEOF                             // the peer's FIN was read while finishing
	flagClosing                         // is in the closing list
	flagGone                            // closed, detached or moved away
	flagTLS                             // is encrypted: aux.tls has the state
	flagAdopted                         // was taken over from net/http, or is a Pipe's
	flagHandshake                       // its handshake is under way, or has failed: the handler does not know it
)

// A Conn is a connection of a loop. It belongs to the loop's goroutine: no
// method may be called from elsewhere. It holds no buffer while idle.
//
// It is 64 bytes, one line of the cache: there is one for every client, and a
// broadcast goes through all of them. One more field would make it 80.
type Conn struct {
	// Owned by the loop goroutine; for the handler's use.
	Ctx any

	// Immutable.
	loop *Loop

	// Owned by the loop goroutine.
	head   *bufpool.Buf // first queued frame
	more   *frames      // the frames behind it, borrowed from the loop
	aux    *connAux     // what few connections need, borrowed from the loop
	fd     int32        // descriptor, or -1-index into the loop's fakes
	off    uint32       // bytes of head that are written
	queued uint32       // bytes from head[off:] to the end
	flags  connFlags
}

// maxQueued is what the queue of a connection may hold: its length has 32
// bits.
const maxQueued = math.MaxInt32

// connAux is what a connection needs while it has a deadline, is blocked or
// finishes, and encrypted ones, those of a Pipe and fakes with a sink of their
// own need always.
type connAux struct {
	// Owned by the loop goroutine.
	deadline  Timer // the first field: see Loop.fire
	conn      *Conn // whose deadline it is
	stalled   int64 // ms when the kernel refused bytes, 0 when it did not
	finishErr error
	discarded int
	tls       *tlsConn // of encrypted connections
	pipe      *Pipe    // instead of a descriptor

	// Of fakes only.
	sink     func([]byte) (int, error)
	input    []byte // injected and not read yet
	inputErr error  // follows input; nil while there may be more
}

// Loop returns the loop that owns c.
func (c *Conn) Loop() *Loop { return c.loop }

// FD returns the descriptor, or -1 if c has none.
func (c *Conn) FD() int {
	c.loop.guard.check()
	if c.flags&flagGone != 0 {
		return -1
	}
	return max(int(c.fd), -1)
}

// Closing reports whether c is closed or about to be: no Data follows.
func (c *Conn) Closing() bool {
	c.loop.guard.check()
	return c.flags&(flagClosing|flagGone|flagFinish) != 0
}

// PauseRead stops Data. A peer that closes or resets is still noticed.
func (c *Conn) PauseRead() {
	c.loop.guard.check()
	if c.flags&(flagClosing|flagGone|flagFinish) == 0 {
		c.flags |= flagPaused
	}
}

// ResumeRead undoes PauseRead; input that waits is read in the next turn.
func (c *Conn) ResumeRead() {
	c.loop.guard.check()
	if c.flags&flagPaused == 0 {
		return
	}
	c.flags &^= flagPaused
	if c.flags&flagInput != 0 {
		c.loop.readAgain(c)
	}
}

// SetDeadline makes the loop call Handler.Deadline at the given time of
// Loop.Now. Zero clears the deadline.
func (c *Conn) SetDeadline(at int64) {
	c.loop.guard.check()
	if c.flags&(flagClosing|flagGone) != 0 {
		return
	}
	if at == 0 {
		c.clearDeadline()
		c.giveAux()
		return
	}
	aux := c.ensureAux()
	aux.conn = c
	aux.deadline.internal = true
	c.loop.SetTimer(&aux.deadline, at)
}

// RemoteAddr asks the kernel for the peer's address. It is zero for Unix
// sockets and fakes, and what PipeOptions say for a Pipe.
func (c *Conn) RemoteAddr() netip.AddrPort {
	c.loop.guard.check()
	if p := c.pipe(); p != nil {
		return p.opts.Remote
	}
	if c.fd < 0 || c.flags&flagGone != 0 {
		return netip.AddrPort{}
	}
	return peerAddr(int(c.fd))
}

// pipe returns the Pipe whose end c is, or nil.
func (c *Conn) pipe() *Pipe {
	if c.fd >= 0 || c.aux == nil {
		return nil
	}
	return c.aux.pipe
}

func (c *Conn) clearDeadline() {
	if c.aux != nil {
		c.loop.SetTimer(&c.aux.deadline, 0)
	}
}

func (c *Conn) ensureAux() *connAux {
	if c.aux == nil {
		c.aux = c.loop.takeAux()
	}
	return c.aux
}

// giveAux gives the auxiliary part back to the loop if nothing is in it.
func (c *Conn) giveAux() {
	if a := c.aux; a != nil && c.flags&(flagFinish|flagBlocked) == 0 && a.idle() {
		c.aux = nil
		c.loop.keepAux(a)
	}
}

// idle tells whether nothing of a is in use.
func (a *connAux) idle() bool {
	return !a.deadline.Armed() && a.tls == nil && a.pipe == nil && a.sink == nil && len(a.input) == 0 && a.inputErr == nil
}

// maxFreeAux is how many unused auxiliary parts are kept for the next ones:
// every connection has one from its accept to the end of its first request.
const maxFreeAux = 1024

func (l *Loop) takeAux() *connAux {
	n := len(l.freeAux)
	if n == 0 {
		return new(connAux)
	}
	a := l.freeAux[n-1]
	l.freeAux[n-1] = nil
	l.freeAux = l.freeAux[:n-1]
	return a
}

func (l *Loop) keepAux(a *connAux) {
	if len(l.freeAux) < maxFreeAux {
		*a = connAux{}
		l.freeAux = append(l.freeAux, a)
	}
}
