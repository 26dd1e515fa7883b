// Package bufpool hands out reference-counted byte slices in a few size
// classes.
//
// What it is not: a general allocator. A Buf is encoded once, shared by every
// socket that has to send it, and pooled again when the last of them is done.
//
//	Get ──▶ encode into B ──▶ Retain per loop ──▶ sent ──▶ Release ──▶ pool
//
// A Buf may be retained and released from any goroutine; its bytes are
// immutable once a second goroutine can see them. With the build tag
// gannetdebug the bytes are overwritten on the last Release and checked on
// the next Get, so that a use after release is found.
package bufpool
