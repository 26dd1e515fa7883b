//go:build linux || darwin

package loop

import "golang.org/x/sys/unix"

func setNotSentLowat(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat)
}
