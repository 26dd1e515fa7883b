package load

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// latePort makes the kernel choose the local port when it knows the peer, so
// that a port may be used once for each of them.
func latePort(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		// Without it there are only fewer ports.
		_ = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
}
