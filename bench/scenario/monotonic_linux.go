package scenario

import "golang.org/x/sys/unix"

// monotonic returns the system's monotonic clock in nanoseconds, which a Node
// server on the same machine reads too.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return t.Nano()
}
