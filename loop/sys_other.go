//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package loop

import (
	"errors"
	"math"
	"net"
	"net/netip"
)

// HasDescriptors tells whether loops can watch sockets: everywhere but on
// Windows and other systems without epoll and kqueue, where Listen, Adopt and
// their like return errors.ErrUnsupported and all connections come from Pipe.
const HasDescriptors = false

func bindTCP(string, string, int) ([]int, net.Addr, error) { return nil, nil, errors.ErrUnsupported }

func bindUnix(string) ([]int, net.Addr, error) { return nil, nil, errors.ErrUnsupported }

func dupFD(int) (int, error) { return -1, errors.ErrUnsupported }

func sysRead(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func sysSend(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func sysAccept(int) (int, error) { return -1, errors.ErrUnsupported }

func sysPeek(int) (int, error) { return 0, errors.ErrUnsupported }

func socketError(int) error { return errors.ErrUnsupported }

func shutdownWrite(int) error { return errors.ErrUnsupported }

func closeFD(int) {}

func tune(int) {}

func setNonblock(int) {}

func localNetAddr(int) net.Addr { return netAddr(netip.AddrPort{}) }

func peerAddr(int) netip.AddrPort { return netip.AddrPort{} }

// fileLimit is no limit: the connections of net/http are not counted by it.
func fileLimit() int { return math.MaxInt32 }
