package loop

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Listen accepts connections on addr; network is "tcp", "tcp4", "tcp6" or
// "unix". It returns the real address. A "tcp" address without host listens on
// IPv6 and IPv4, or on IPv4 where there is no IPv6. It must not be called from
// a loop. Without HasDescriptors the error is errors.ErrUnsupported.
func (r *Reactor) Listen(network, addr string) (net.Addr, error) {
	return r.listen(network, addr, nil)
}

// StopAccepting closes the listeners and gives up TLS handshakes; connections
// go on. It must not be called from a loop.
func (r *Reactor) StopAccepting() {
	r.listenMu.Lock()
	defer r.listenMu.Unlock()
	if r.running() != nil {
		return
	}
	for _, l := range r.loops {
		if !l.driven {
			_ = r.call(l, l.stopListening) // a loop that has ended has closed them
		}
	}
	r.unlinkLocked()
}

// ListenOn is Listen, or with a configuration ListenTLS, for a *net.TCPListener
// or *net.UnixListener that is open already: ln is closed, its descriptor goes
// to the loops. One loop accepts and deals the connections out. If it fails ln
// is untouched.
func (r *Reactor) ListenOn(ln net.Listener, cfg *tls.Config) error {
	r.listenMu.Lock()
	defer r.listenMu.Unlock()
	if err := r.running(); err != nil {
		return err
	}
	var sc syscall.Conn
	switch ln := ln.(type) {
	case *net.TCPListener:
		sc = ln
	case *net.UnixListener:
		sc = ln
	default:
		return fmt.Errorf("loop: listen: %w: %T", ErrNoDescriptor, ln)
	}
	cfg, err := ServerTLS(cfg)
	if err != nil {
		return err
	}
	fd, err := dupConn(sc)
	if err != nil {
		return fmt.Errorf("loop: listen: %w", err)
	}
	setNonblock(fd)
	unixLn, local := ln.(*net.UnixListener)
	if !local {
		tune(fd) // accepted sockets inherit it
	}
	if err := r.install([]int{fd}, cfg); err != nil {
		return fmt.Errorf("loop: listen: %w", err)
	}
	if local {
		unixLn.SetUnlinkOnClose(false)
		if path := ln.Addr().String(); !strings.HasPrefix(path, "@") {
			r.paths = append(r.paths, path)
		}
	}
	_ = ln.Close() // the copy goes on listening
	return nil
}

func (r *Reactor) listen(network, addr string, cfg *tls.Config) (net.Addr, error) {
	r.listenMu.Lock()
	defer r.listenMu.Unlock()
	if err := r.running(); err != nil {
		return nil, err
	}
	var (
		fds   []int
		bound net.Addr
		err   error
	)
	switch network {
	case "tcp", "tcp4", "tcp6":
		fds, bound, err = bindTCP(network, addr, len(r.loops))
	case "unix":
		fds, bound, err = bindUnix(addr)
	default:
		err = net.UnknownNetworkError(network)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	if err := r.install(fds, cfg); err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	if network == "unix" && !strings.HasPrefix(addr, "@") {
		r.paths = append(r.paths, addr)
	}
	return bound, nil
}

func (r *Reactor) running() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.state {
	case stateNew:
		return ErrNotStarted
	case stateStopping:
		return ErrClosed
	case stateRunning:
	}
	return nil
}

// install gives every loop its listener. A single one is dealt from loop 0.
func (r *Reactor) install(fds []int, cfg *tls.Config) error {
	deal := len(fds) < len(r.loops)
	for i, fd := range fds {
		l := r.loops[i]
		var added error
		err := r.call(l, func() { added = l.addListener(&listener{fd: fd, deal: deal, tls: cfg, ready: true}) })
		if err == nil {
			err = added
		}
		if err != nil {
			for _, rest := range fds[i:] {
				closeFD(rest)
			}
			for j, fd := range fds[:i] {
				l := r.loops[j]
				_ = r.call(l, func() { l.closeListener(fd) })
			}
			return err
		}
	}
	return nil
}

func (l *Loop) addListener(ln *listener) error {
	if l.faults != nil {
		if err := l.faults.Watch(ln.fd); err != nil {
			return err
		}
	}
	if err := l.poll.addListener(ln.fd); err != nil {
		return err
	}
	l.listeners = append(l.listeners, ln) // ready: something may have arrived since listen
	l.requestTurn()
	return nil
}

func (l *Loop) closeListener(fd int) {
	for i, ln := range l.listeners {
		if ln.fd == fd {
			closeFD(fd)
			l.listeners = append(l.listeners[:i], l.listeners[i+1:]...)
			return
		}
	}
}

// stopListening accepts what is already connected and closes the listeners.
func (l *Loop) stopListening() {
	for _, ln := range l.listeners {
		l.accept(ln)
	}
	l.endHandshakes()
	l.closeListeners()
}

func (l *Loop) closeListeners() {
	for _, ln := range l.listeners {
		closeFD(ln.fd)
	}
	l.listeners = nil
	l.SetTimer(&l.rest, 0)
}

// unlink removes the files of Unix sockets.
func (r *Reactor) unlink() {
	r.listenMu.Lock()
	defer r.listenMu.Unlock()
	r.unlinkLocked()
}

func (r *Reactor) unlinkLocked() {
	for _, path := range r.paths {
		_ = os.Remove(path)
	}
	r.paths = nil
}
