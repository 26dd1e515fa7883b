//go:build !linux

package sio

// machineMemory assumes a small machine where it is not known; set
// Options.MaxTotalQueue or GOMEMLIMIT.
func machineMemory() int64 { return 4 << 30 }
