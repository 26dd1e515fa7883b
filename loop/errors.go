package loop

import (
	"errors"
	"fmt"
	"net"
)

var (
	// ErrClosed is returned once the reactor or the loop has stopped.
	ErrClosed = fmt.Errorf("loop: stopped: %w", net.ErrClosed)

	// ErrShutdown is what Handler.Closed is told about connections that
	// Shutdown closed.
	ErrShutdown = errors.New("loop: shut down")

	// ErrFull is returned by TryPost when the ring has no room.
	ErrFull = errors.New("loop: ring is full")

	// ErrTooManyConns is returned by Adopt when MaxConns is reached.
	ErrTooManyConns = errors.New("loop: too many connections")

	// ErrNotStarted is returned by what needs Start first.
	ErrNotStarted = errors.New("loop: not started")

	// ErrPending is returned by Detach while bytes are queued.
	ErrPending = errors.New("loop: bytes are still queued")

	// ErrQueueFull is what Handler.Closed is told about a connection for which
	// more than 2 GiB were queued.
	ErrQueueFull = errors.New("loop: too much is queued")

	// ErrNoDescriptor is returned for connections that have none.
	ErrNoDescriptor = errors.New("loop: no descriptor")

	// ErrEncrypted is returned by Detach, which has nobody to give the keys to.
	ErrEncrypted = errors.New("loop: connection is encrypted")

	// ErrPanicked is what Handler.Closed is told about a connection whose
	// callback panicked.
	ErrPanicked = errors.New("loop: handler panicked")

	// ErrFailed is what Handler.Closed is told about the connections of a
	// loop that ended without Shutdown.
	ErrFailed = errors.New("loop: loop ended unexpectedly")

	// ErrLinger is what Handler.Closed is told when a peer went on sending
	// after CloseAfterFlush instead of closing.
	ErrLinger = errors.New("loop: peer kept sending after the end")
)

// An OptionError tells which field of Options cannot be used.
type OptionError struct {
	Field  string
	Reason string
}

// Error implements error.
func (e *OptionError) Error() string {
	return "loop: option " + e.Field + ": " + e.Reason
}

// A WriteError is what Handler.Closed gets when the kernel has refused bytes
// for good, as it does after a reset.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "loop: write: " + e.Err.Error() }

func (e *WriteError) Unwrap() error { return e.Err }
