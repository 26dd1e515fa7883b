//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"net/netip"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// balances is false: SO_REUSEPORT does not spread connections here, so one
// loop accepts and deals out.
const balances = false

func sysRead(fd int, b []byte) (int, error) { return unix.Read(fd, b) }

func sysSend(fd int, b []byte) (int, error) {
	n, err := unix.Write(fd, b)
	return max(n, 0), err
}

func sysAccept(fd int) (int, error) {
	n, _, err := socket.Accept(fd)
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
