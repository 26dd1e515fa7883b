//go:build !linux

package load

import "syscall"

// latePort does nothing where the kernel has no such switch.
func latePort(_, _ string, _ syscall.RawConn) error { return nil }
