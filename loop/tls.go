package loop

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"slices"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
)

const (
	// protoHTTP is the one protocol that is negotiated unless the
	// configuration names others (RFC 7301).
	protoHTTP = "http/1.1"

	// protoHTTP2 is never negotiated: nothing above speaks it.
	protoHTTP2 = "h2"

	// sealSize is how much is encrypted at once. What of it the kernel refuses
	// fits the 16 KiB class of bufpool.
	sealSize = 15 << 10

	// maxRecord is the longest record with its header (RFC 5246, 6.2.3).
	maxRecord = 5 + 16<<10 + 2048

	// maxSealed bounds the answers to records that a peer keeps sending without
	// reading any: key updates.
	maxSealed = 64 << 10
)

// A tlsConn is the TLS side of a connection, and the net.Conn that its
// tls.Conn reads records from and writes records to. It never waits: on a loop
// an empty Read returns errWouldBlock, after which crypto/tls goes on where it
// was. Only during the handshake, which cannot be resumed, it blocks a
// goroutine of its own.
//
// Its owner is, in turn, the goroutine of the handshake, a loop, and maybe
// net/http and a loop again; what passes it on is a message or a channel.
type tlsConn struct {
	// Immutable once the handshake has ended.
	conn *tls.Conn

	// Owned by the loop goroutine that has the connection.
	hs       *handshake   // until it has succeeded
	scratch  *tlsScratch  // of the loop
	in       []byte       // borrowed: records that are not read yet
	part     *bufpool.Buf // the beginning of a record, while no Read is running; see lend
	out      *bufpool.Buf // records that the kernel refused
	off      uint32       // bytes of out that are written
	notified bool         // close_notify or an alert was sent
	raw      net.Conn     // instead of all these, while net/http has it
}

// tlsScratch is what a loop with TLS connections works in.
type tlsScratch struct {
	// Owned by the loop goroutine.
	plain  []byte       // what one read is decrypted to
	sealed []byte       // records that are to be sent
	input  bytes.Buffer // what crypto/tls reads into, empty; see lend
}

// wouldBlockError is what Read returns when there is nothing. That Temporary is
// true makes crypto/tls try again at the next Read instead of giving up.
type wouldBlockError struct{}

func (wouldBlockError) Error() string   { return "loop: no record to read" }
func (wouldBlockError) Timeout() bool   { return true }
func (wouldBlockError) Temporary() bool { return true }

var errWouldBlock net.Error = wouldBlockError{}

// Read implements net.Conn.
func (t *tlsConn) Read(p []byte) (int, error) {
	switch {
	case t.hs != nil:
		return t.hs.read(p)
	case t.raw != nil:
		return t.raw.Read(p)
	case len(t.in) == 0:
		return 0, errWouldBlock
	}
	n := copy(p, t.in)
	t.in = t.in[n:]
	return n, nil
}

// Write implements net.Conn.
func (t *tlsConn) Write(p []byte) (int, error) {
	switch {
	case t.hs != nil:
		return t.hs.write(p)
	case t.raw != nil:
		return t.raw.Write(p)
	}
	t.scratch.sealed = append(t.scratch.sealed, p...)
	return len(p), nil
}

// Close implements net.Conn. On a loop the descriptor is the loop's to close.
func (t *tlsConn) Close() error {
	if t.raw != nil {
		return t.raw.Close()
	}
	return nil
}

// LocalAddr implements net.Conn.
func (t *tlsConn) LocalAddr() net.Addr {
	switch {
	case t.raw != nil:
		return t.raw.LocalAddr()
	case t.hs != nil:
		return t.hs.local
	}
	return noAddr{}
}

// RemoteAddr implements net.Conn.
func (t *tlsConn) RemoteAddr() net.Addr {
	switch {
	case t.raw != nil:
		return t.raw.RemoteAddr()
	case t.hs != nil:
		return t.hs.remote
	}
	return noAddr{}
}

// SetDeadline implements net.Conn. On a loop Conn.SetDeadline is what counts.
func (t *tlsConn) SetDeadline(at time.Time) error {
	if t.raw != nil {
		return t.raw.SetDeadline(at)
	}
	return nil
}

// SetReadDeadline implements net.Conn.
func (t *tlsConn) SetReadDeadline(at time.Time) error {
	if t.raw != nil {
		return t.raw.SetReadDeadline(at)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (t *tlsConn) SetWriteDeadline(at time.Time) error {
	if t.raw != nil {
		return t.raw.SetWriteDeadline(at)
	}
	return nil
}

// noAddr is the address of a connection that only its loop can ask for.
type noAddr struct{}

func (noAddr) Network() string { return "tcp" }
func (noAddr) String() string  { return "" }

// ListenTLS is Listen for connections that begin with a TLS handshake.
// Handler.Open is called when that has succeeded, and what the handler reads
// and writes is clear text; a connection whose handshake fails is never seen.
// cfg is copied. Its GetCertificate and GetConfigForClient are called on other
// goroutines than the loops' and may block. Of its NextProtos "h2" is left out
// and "http/1.1" added.
func (r *Reactor) ListenTLS(network, addr string, cfg *tls.Config) (net.Addr, error) {
	if cfg == nil {
		cfg = &tls.Config{} // which is not enough
	}
	cfg, err := ServerTLS(cfg)
	if err != nil {
		return nil, err
	}
	return r.listen(network, addr, cfg)
}

// ServerTLS returns what ListenTLS makes of cfg, for listeners that are not of
// this package. A nil cfg gives nil; the error is an *OptionError.
func ServerTLS(cfg *tls.Config) (*tls.Config, error) {
	switch {
	case cfg == nil:
		return nil, nil //nolint:nilnil // clear text
	case len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil:
		return nil, &OptionError{Field: "TLSConfig", Reason: "has no certificate"}
	}
	c := cfg.Clone()
	c.NextProtos = protocols(c.NextProtos)
	if get := c.GetCertificate; get != nil {
		c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			defer leaveCPU(hello)()
			return get(hello)
		}
	}
	if get := c.GetConfigForClient; get != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			defer leaveCPU(hello)()
			own, err := get(hello)
			if own != nil && (slices.Contains(own.NextProtos, protoHTTP2) || !slices.Contains(own.NextProtos, protoHTTP)) {
				own = own.Clone()
				own.NextProtos = protocols(own.NextProtos)
			}
			return own, err
		}
	}
	return c, nil
}

// protocols returns the list of application protocols without what this
// server does not speak.
func protocols(list []string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(p string) bool { return p == protoHTTP2 })
	if !slices.Contains(list, protoHTTP) {
		list = append(list, protoHTTP)
	}
	return list
}

// Secure reports whether c is encrypted.
func (c *Conn) Secure() bool {
	c.loop.guard.check()
	if p := c.pipe(); p != nil {
		return p.opts.TLS != nil
	}
	return c.flags&flagTLS != 0
}

// TLS returns what the handshake has negotiated, or nil if c is not encrypted.
func (c *Conn) TLS() *tls.ConnectionState {
	c.loop.guard.check()
	if p := c.pipe(); p != nil {
		return p.opts.TLS
	}
	if c.flags&(flagTLS|flagHandshake|flagGone) != flagTLS {
		return nil
	}
	state := c.aux.tls.conn.ConnectionState()
	return &state
}

// A TLSConn is an encrypted connection that was detached from a loop: see
// Conn.DetachConn. Adopt takes it back.
type TLSConn struct {
	*tls.Conn

	// Immutable.
	t *tlsConn
}

// DetachConn is Detach for whoever wants a net.Conn, encrypted or not. It is a
// *TLSConn, or what net.FileConn makes of the descriptor.
func (c *Conn) DetachConn() (net.Conn, error) {
	fd, t, err := c.detach()
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "detached")
	raw, err := net.FileConn(f) // duplicates the descriptor
	_ = f.Close()
	if err != nil || t == nil {
		return raw, err
	}
	t.restorePart()
	t.raw, t.scratch, t.in = raw, nil, nil
	return &TLSConn{Conn: t.conn, t: t}, nil
}

// startTLS makes a connection of which only the handshake is due.
func (l *Loop) startTLS(c *Conn, cfg *tls.Config) {
	l.ensureTLS()
	c.flags |= flagTLS | flagHandshake
	t := &tlsConn{}
	t.hs = newHandshake(c, t, cfg)
	c.ensureAux().tls = t
	c.SetDeadline(t.hs.deadline)
}

// ensureTLS makes what the first encrypted connection of a loop needs.
func (l *Loop) ensureTLS() {
	if l.tls == nil {
		l.tls = &tlsScratch{plain: make([]byte, len(l.input)+4*maxRecord)}
	}
}

// unsent counts what the kernel has not taken, records included.
func (c *Conn) unsent() int {
	n := int(c.queued)
	if c.flags&flagTLS != 0 && c.aux != nil {
		if t := c.aux.tls; t != nil && t.out != nil {
			n += len(t.out.B) - int(t.off)
		}
	}
	return n
}
