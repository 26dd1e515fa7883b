//go:build unix

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	leastFiles   = 128 // below this a server is of no use
	reserveFiles = 64  // what sio keeps for everything but connections
)

// checkDescriptors refuses to start where the limit of open files is too small
// for anything, or for as many connections as were asked for.
func checkDescriptors(conns int) error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return nil //nolint:nilerr // no limit is known: none to check.
	}
	have := uint64(lim.Cur) //nolint:unconvert // signed on FreeBSD.
	need := uint64(max(leastFiles, conns+reserveFiles))
	if have >= need {
		return nil
	}
	if conns+reserveFiles > leastFiles {
		return fmt.Errorf("max-conns %d needs a limit of %d open files, and it is %d: raise it (ulimit -n %d) or lower max-conns", conns, need, have, need)
	}
	return fmt.Errorf("the limit of open files is %d, which is too small: at least %d are needed (ulimit -n %d)", have, need, need)
}
