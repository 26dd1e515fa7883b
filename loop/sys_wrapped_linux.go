//go:build race || (!amd64 && !arm64)

package loop

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

func sysRead(fd int, b []byte) (int, error) { return unix.Read(fd, b) }

func sysSend(fd int, b []byte) (int, error) {
	n, err := unix.SendmsgN(fd, b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return max(n, 0), err
}

func sysAccept(fd int) (int, error) {
	n, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return n, err
}

// peerAddr returns the address of the peer.
func peerAddr(fd int) netip.AddrPort {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}
