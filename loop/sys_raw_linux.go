//go:build (amd64 || arm64) && !race

package loop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The descriptors are non-blocking and the sizes bounded, so these calls do
// not tell the scheduler; that saves a tenth of their cost.

func sysRead(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errnoErr(errno)
	}
	return int(n), nil
}

func sysSend(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errnoErr(errno)
	}
	return int(n), nil
}

func sysAccept(fd int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errnoErr(errno)
	}
	return int(n), nil
}

var (
	errAgain error = unix.EAGAIN
	errIntr  error = unix.EINTR
)

// errnoErr boxes the common values without allocating.
func errnoErr(e unix.Errno) error {
	if e == unix.EAGAIN {
		return errAgain
	}
	if e == unix.EINTR {
		return errIntr
	}
	return e
}
