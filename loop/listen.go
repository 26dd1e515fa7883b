//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// bindTries is how often an address with port 0 is tried again when somebody
// takes the port between probe and bind.
const bindTries = 8

// Listen accepts connections on addr; network is "tcp", "tcp4", "tcp6" or
// "unix". It returns the real address. A "tcp" address without host listens on
// IPv6 and IPv4, or on IPv4 where there is no IPv6. It must not be called from
// a loop.
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
	cfg, err := serverConfig(cfg)
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

// bindTCP makes n listening sockets for addr. The first bind is without
// SO_REUSEPORT, because with it a port that is taken would be shared silently.
func bindTCP(network, addr string, n int) ([]int, net.Addr, error) {
	network, addr, err := dualStack(network, addr)
	if err != nil {
		return nil, nil, err
	}
	for try := 0; ; try++ {
		fds, bound, err := bindOnce(network, addr, n)
		if noIPv6(err) && network == "tcp" && strings.HasPrefix(addr, ":") {
			network = "tcp4"
			fds, bound, err = bindOnce(network, addr, n)
		}
		if err == nil || try == bindTries || !strings.HasSuffix(addr, ":0") ||
			!errors.Is(err, unix.EADDRINUSE) {
			return fds, bound, err
		}
	}
}

// dualStack rewrites the addresses that net.Listen takes as both families.
func dualStack(network, addr string) (string, string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", "", err
	}
	if network == "tcp" && host == "::" {
		return network, ":" + port, nil
	}
	return network, addr, nil
}

func noIPv6(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) ||
		errors.Is(err, unix.EPROTONOSUPPORT)
}

func bindOnce(network, addr string, n int) ([]int, net.Addr, error) {
	fd, err := listenTCP(network, addr, false)
	if err != nil {
		return nil, nil, err
	}
	bound, err := localAddr(fd)
	if err != nil {
		closeFD(fd)
		return nil, nil, err
	}
	if n == 1 || !balances {
		return []int{fd}, bound, nil
	}
	closeFD(fd)
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	addr = net.JoinHostPort(host, strconv.Itoa(bound.Port))
	fds := make([]int, 0, n)
	for range n {
		fd, err := listenTCP(network, addr, true)
		if err != nil {
			for _, fd := range fds {
				closeFD(fd)
			}
			return nil, nil, err
		}
		fds = append(fds, fd)
	}
	return fds, bound, nil
}

func listenTCP(network, addr string, share bool) (int, error) {
	opts := []socket.Option[int]{
		{SetSockOpt: socket.SetReuseAddr, Opt: 1},
		{SetSockOpt: setBoth(network, addr), Opt: 0},
		{SetSockOpt: func(fd, _ int) error { tune(fd); return nil }}, // accepted sockets inherit it
	}
	if share {
		opts = append(opts, socket.Option[int]{SetSockOpt: socket.SetReuseport, Opt: 1})
	}
	fd, _, err := socket.TCPSocket(network, addr, true, opts, nil)
	if err != nil {
		return -1, err
	}
	return fd, nil
}

// setBoth returns the option that makes an IPv6 wildcard take IPv4 as well,
// whatever the system's default is.
func setBoth(network, addr string) func(fd, v int) error {
	if network != "tcp" || !strings.HasPrefix(addr, ":") {
		return func(int, int) error { return nil }
	}
	return func(fd, v int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, v)
	}
}

func bindUnix(path string) ([]int, net.Addr, error) {
	fd, addr, err := socket.UnixSocket("unix", path, true, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	return []int{fd}, addr, nil
}

// localAddr returns the address that fd is bound to.
func localAddr(fd int) (*net.TCPAddr, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	addr := addrPort(sa)
	if !addr.IsValid() {
		return nil, fmt.Errorf("loop: unexpected socket address %T", sa)
	}
	return net.TCPAddrFromAddrPort(addr), nil
}
