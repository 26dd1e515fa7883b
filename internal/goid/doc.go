// Package goid tells goroutines apart.
//
// What it is not: a stable identity. The value is the address of the runtime's
// descriptor of the calling goroutine where two lines of assembly can read it
// (amd64, arm64), and the number that a stack trace prints elsewhere. The
// runtime reuses descriptors, so a value may only be compared with that of a
// goroutine which is known to be alive.
//
//	loop goroutine starts ──▶ store ID() ──▶ anybody: ID() == stored?
//
// ID may be called from any goroutine.
package goid
