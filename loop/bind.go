//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// bindTries is how often an address with port 0 is tried again when somebody
// takes the port between probe and bind.
const bindTries = 8

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
