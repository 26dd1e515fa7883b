//go:build !linux

package scenario

// monotonic returns 0: the clock that a Node server reads is not known here.
func monotonic() int64 { return 0 }
