//go:build !linux

package main

import (
	"runtime"
	"time"
)

// cpuTime is measured on Linux only.
func cpuTime(int) time.Duration { return 0 }

func kernel() string { return runtime.GOOS }
