package loop

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gannet-io/gannet/internal/bufpool"
)

const (
	// pipeRoom is how many bytes of a Pipe may wait for its reader.
	pipeRoom = 64 << 10

	// pipeRead is the size of the reads of ReadFrom.
	pipeRead = 4 << 10
)

// PipeOptions say what the connection at the loop's end of a Pipe answers.
// The zero value is a connection in clear text without an address.
type PipeOptions struct {
	// Remote is what Conn.RemoteAddr returns.
	Remote netip.AddrPort

	// TLS is what Conn.TLS returns; if it is not nil Conn.Secure is true.
	TLS *tls.ConnectionState
}

// A Pipe is one end of a connection that has no descriptor: what the kernel is
// for others, goroutines are for this one. The other end is a Conn of a loop,
// whose handler cannot tell the difference.
//
//	goroutine ── Write, ReadFrom ──▶ in ──▶ Handler.Data
//	goroutine ◀── Read, WriteTo ── out ◀── Conn.Send        at most 64 KiB wait
//
// One goroutine at a time may write and one may read; Close and CloseWrite may
// be called from any. What was written is not copied before the loop takes it,
// and an idle Pipe holds no buffer.
type Pipe struct {
	// Immutable.
	opts PipeOptions
	shut chan struct{} // closed when the loop has closed the connection

	// Atomic: written by the loop that has the connection; nil before the first.
	conn atomic.Pointer[Conn]

	mu       sync.Mutex // guards following
	reader   sync.Cond  // out or ended has changed
	writer   sync.Cond  // in or ended has changed
	in       []byte     // borrowed from Write
	inEnd    bool       // nothing follows in
	out      *bufpool.Buf
	outRead  int  // bytes of out that were read
	refused  bool // the loop had more than there was room for
	signaled bool // the loop was told to look
	closed   bool // by the goroutine
	ended    bool // by the loop: shut is closed
}

// Pipe makes a connection of loop number i, whose handler gets Moved with
// unread, of which a copy is taken, and note. It fails with ErrTooManyConns,
// ErrNotStarted or ErrClosed.
func (r *Reactor) Pipe(i int, o *PipeOptions, unread []byte, note any) (*Pipe, error) {
	if i < 0 || i >= len(r.loops) {
		return nil, fmt.Errorf("loop: pipe: no loop %d", i)
	}
	if err := r.running(); err != nil {
		return nil, err
	}
	if !r.reserve() {
		return nil, ErrTooManyConns
	}
	r.pipes.Add(1)
	p := &Pipe{shut: make(chan struct{})}
	if o != nil {
		p.opts = *o
	}
	p.reader.L, p.writer.L = &p.mu, &p.mu
	a := &arrival{
		fd: -1, aux: &connAux{pipe: p}, note: note, input: true,
		unread: append([]byte(nil), unread...), adopted: true,
	}
	if err := r.loops[i].post(Message{Kind: kindArrive, Obj: a}); err != nil {
		a.discard(r)
		return nil, err
	}
	return p, nil
}

// Pipes returns the number of connections that Pipe has made and that are not
// closed.
func (r *Reactor) Pipes() int { return int(r.pipes.Load()) }

// Done is closed when the loop has closed the connection. What it had sent
// before can still be read.
func (p *Pipe) Done() <-chan struct{} { return p.shut }

// Write gives bytes to the loop and waits until it has taken them all. The
// error is io.ErrClosedPipe.
func (p *Pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.inEnd || p.ended {
		return 0, io.ErrClosedPipe
	}
	p.in = b
	for len(p.in) > 0 {
		if p.closed || p.ended {
			n := len(b) - len(p.in)
			p.in = nil
			return n, io.ErrClosedPipe
		}
		p.signal()
		if len(p.in) > 0 && !p.closed && !p.ended { // which may have come meanwhile
			p.writer.Wait()
		}
	}
	p.in = nil
	return len(b), nil
}

// ReadFrom gives everything that src has to the loop, and closes the direction
// behind it. It ends when src does or the connection is closed; the error is
// that of src, if it is not io.EOF, or io.ErrClosedPipe.
func (p *Pipe) ReadFrom(src io.Reader) (total int64, err error) {
	b := make([]byte, pipeRead)
	for {
		n, err := src.Read(b)
		if n > 0 {
			n, werr := p.Write(b[:n])
			total += int64(n)
			if werr != nil {
				return total, werr
			}
		}
		if err != nil {
			p.CloseWrite()
			if err == io.EOF {
				err = nil
			}
			return total, err
		}
	}
}

// Read waits for bytes that the loop has sent. When the connection is closed
// and nothing is left the error is io.EOF.
func (p *Pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.await() {
		return 0, io.EOF
	}
	n := copy(b, p.out.B[p.outRead:])
	p.outRead += n
	if p.outRead == len(p.out.B) {
		p.dropOut()
		p.makeRoom()
	}
	return n, nil
}

// WriteTo gives dst everything that the loop sends, until the connection is
// closed.
func (p *Pipe) WriteTo(dst io.Writer) (total int64, err error) {
	for {
		p.mu.Lock()
		if !p.await() {
			p.mu.Unlock()
			return total, nil
		}
		b, from := p.out, p.outRead
		p.out, p.outRead = nil, 0
		p.makeRoom()
		p.mu.Unlock()
		n, err := dst.Write(b.B[from:])
		b.Release()
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// CloseWrite tells the loop that nothing more is written: its handler sees the
// end as that of a peer that has closed.
func (p *Pipe) CloseWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.inEnd {
		p.inEnd = true
		p.signal()
	}
}

// Close hangs up: what was not read or taken yet is dropped, and the loop sees
// the end.
func (p *Pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed, p.inEnd, p.in = true, true, nil
	p.dropOut()
	p.reader.Broadcast()
	p.writer.Broadcast()
	p.signal()
	return nil
}

// await waits for bytes to read and reports whether there are any. It is
// called with mu held.
func (p *Pipe) await() bool {
	for p.out == nil && !p.ended && !p.closed {
		p.reader.Wait()
	}
	return p.out != nil
}

// makeRoom tells the loop that it can send again. It is called with mu held.
func (p *Pipe) makeRoom() {
	if p.refused {
		p.refused = false
		p.signal()
	}
}

// dropOut releases what was not read. It is called with mu held.
func (p *Pipe) dropOut() {
	if p.out != nil {
		p.out.Release()
		p.out, p.outRead = nil, 0
	}
}

// signal has the loop look at the connection. It is called with mu held, which
// it gives up meanwhile. Before the connection has arrived it does nothing: the
// loop looks by itself then.
func (p *Pipe) signal() {
	c := p.conn.Load()
	if c == nil || p.signaled || p.ended {
		return
	}
	p.signaled = true
	p.mu.Unlock()
	err := c.loop.post(Message{Kind: kindPipe, Obj: p})
	p.mu.Lock()
	if err != nil { // the loop has stopped, and has closed the connection or is about to
		p.signaled = false
	}
}

// pipeReady does for a Pipe what an event does for a descriptor.
func (l *Loop) pipeReady(p *Pipe) {
	c := p.conn.Load()
	if c.loop != l { // it has moved since
		m := Message{Kind: kindPipe, Obj: p}
		if c.loop.post(m) != nil {
			l.drop(&m)
		}
		return
	}
	p.mu.Lock()
	p.signaled = false
	ended := p.inEnd
	p.mu.Unlock()
	ready := readyRead | readyWrite
	if ended {
		ready |= readyHup
	}
	l.connReady(c, ready)
}

// arrived makes c the connection of the Pipe.
func (p *Pipe) arrived(c *Conn) {
	p.conn.Store(c)
	p.mu.Lock()
	if p.inEnd {
		c.flags |= flagHup
	}
	p.mu.Unlock()
}

// take does what read does for a socket.
func (p *Pipe) take(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := copy(b, p.in); n > 0 {
		p.in = p.in[n:]
		if len(p.in) == 0 {
			p.writer.Signal()
		}
		return n, nil
	}
	if p.inEnd {
		return 0, nil
	}
	return 0, syscall.EAGAIN
}

// drained tells whether the end has come and nothing is in front of it.
func (p *Pipe) drained() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inEnd && len(p.in) == 0
}

// put does what write does for a socket.
func (p *Pipe) put(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, syscall.EPIPE
	}
	waits := 0
	if p.out != nil {
		waits = len(p.out.B) - p.outRead
	}
	n := min(pipeRoom-waits, len(b))
	if n < len(b) {
		p.refused = true
	}
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	switch {
	case p.out == nil:
		p.out = bufpool.Get(n)
	case len(p.out.B)+n > cap(p.out.B):
		more := bufpool.Get(waits + n)
		more.B = append(more.B, p.out.B[p.outRead:]...)
		p.dropOut()
		p.out = more
	}
	p.out.B = append(p.out.B, b[:n]...)
	p.reader.Signal()
	return n, nil
}

// end is called when the loop is done with the connection.
func (p *Pipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended = true
		close(p.shut)
		p.reader.Broadcast()
		p.writer.Broadcast()
	}
}
