//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"net"
	"net/netip"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// HasDescriptors tells whether loops can watch sockets: everywhere but on
// Windows and other systems without epoll and kqueue, where Listen, Adopt and
// their like return errors.ErrUnsupported and all connections come from Pipe.
const HasDescriptors = true

// notSentLowat is how many bytes may wait unsent in the kernel before the
// socket counts as not writable: what is stale should wait here, where it can
// be dropped.
const notSentLowat = 64 << 10

// tune sets the options of a TCP socket. They are not worth an error.
func tune(fd int) {
	_ = socket.SetNoDelay(fd, 1)
	setNotSentLowat(fd)
}

func closeFD(fd int) { _ = unix.Close(fd) }

func dupFD(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0) }

func setNonblock(fd int) { _ = unix.SetNonblock(fd, true) }

func shutdownWrite(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }

// sysPeek looks at one byte without consuming it.
func sysPeek(fd int) (int, error) {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n, err
}

// socketError takes the pending error of a socket.
func socketError(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || errno == 0 {
		return err
	}
	return unix.Errno(errno)
}

// fileLimit returns the soft limit of open files.
func fileLimit() int {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 1024
	}
	return int(min(uint64(lim.Cur), 1<<30)) //nolint:unconvert // signed on FreeBSD.
}

// localNetAddr returns the address that fd is bound to.
func localNetAddr(fd int) net.Addr {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netAddr(netip.AddrPort{})
	}
	return netAddr(addrPort(sa))
}

// addrPort converts; an IPv4 address that IPv6 maps is given as IPv4.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
