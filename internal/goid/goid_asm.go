//go:build amd64 || arm64

package goid

// ID returns the identity of the calling goroutine. It never returns zero.
func ID() uintptr
