package sio

import "golang.org/x/sys/unix"

// machineMemory returns the memory of the machine in bytes.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return assumedMemory
	}
	return int64(uint64(info.Totalram) * uint64(info.Unit)) //nolint:unconvert // other widths on 32-bit systems
}

// assumedMemory stands for a machine that does not say.
const assumedMemory = 4 << 30
