package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the time that all threads of a process have run, those that
// have ended included; process 0 is this one. It costs one system call.
func cpuTime(pid int) time.Duration {
	var ts unix.Timespec
	// The clock of a process, as clock_getcpuclockid(3) makes it.
	const scheduled = 2
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return "Linux " + unix.ByteSliceToString(u.Release[:])
}
