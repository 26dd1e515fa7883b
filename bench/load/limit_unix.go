//go:build unix

package load

import "syscall"

// DescriptorLimit returns how many files this process may have open.
func DescriptorLimit() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 1024
	}
	return int(min(r.Cur, 1<<30)) //nolint:gosec,unconvert,nolintlint // the type differs between systems, and 1<<30 fits all of them
}
