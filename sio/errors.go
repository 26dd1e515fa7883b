package sio

import (
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Errors that can be told apart with errors.Is.
var (
	// ErrServerClosed is returned after Shutdown or Close. errors.Is(err,
	// net.ErrClosed) holds for it too.
	ErrServerClosed error = closedError("sio: server closed")

	// ErrSocketClosed is returned by operations on a socket that has
	// disconnected. errors.Is(err, net.ErrClosed) holds for it too.
	ErrSocketClosed error = closedError("sio: socket closed")

	// ErrAckTimeout is returned when an acknowledgement did not come in time.
	ErrAckTimeout = errors.New("sio: operation has timed out")

	// ErrSlowConsumer is returned by Emit on a socket that is being
	// disconnected because it does not read what it is sent.
	ErrSlowConsumer = errors.New("sio: slow consumer")

	// ErrDropped is returned by a volatile Emit that could not be delivered
	// at once.
	ErrDropped = errors.New("sio: volatile packet dropped")

	// ErrOnLoop is returned by calls that wait, such as Request, when they are
	// made from an Inline handler: waiting there would stop the loop.
	ErrOnLoop = errors.New("sio: would block the event loop; call it from a worker handler or another goroutine")

	// ErrTooManyRooms is logged when a socket would be in more rooms than
	// Options.MaxRooms.
	ErrTooManyRooms = errors.New("sio: too many rooms")

	// ErrRoomName is returned for room names longer than 256 bytes.
	ErrRoomName = errors.New("sio: room name longer than 256 bytes")

	// ErrParentNamespace is returned by operations that a ParentNamespace cannot
	// do.
	ErrParentNamespace = errors.New("sio: not possible with a parent namespace")

	// ErrNoAck is returned by Event.Ack when the client asked for none.
	ErrNoAck = errors.New("sio: the client did not ask for an acknowledgement")
)

// closedError is an error that is net.ErrClosed as well.
type closedError string

func (e closedError) Error() string        { return string(e) }
func (e closedError) Is(target error) bool { return target == net.ErrClosed }

// An Error is what a client gets to see of an error: the message and data of
// a CONNECT_ERROR or of a failed OnCall. Errors of other types reach clients
// as "internal error".
type Error struct {
	Message string
	Data    any // encoded as JSON; nil leaves the key out
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// clientError returns what a client may see of err.
func clientError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Message: "internal error"}
}

// A ConnectionError is what Options.OnConnectionError gets.
type ConnectionError struct {
	// Request is the request that was refused. Its body is not there to read.
	Request *http.Request
	// Code and Message are what the client is told: 0 "Transport unknown", 1
	// "Session ID unknown", 2 "Bad handshake method", 3 "Bad request", 4
	// "Forbidden", 5 "Unsupported protocol version".
	Code    int
	Message string
	// Context says more, with the keys of the Node server: transport, sid,
	// method, message, protocol, or a name such as "TRANSPORT_MISMATCH" with
	// what belongs to it. A request of a foreign origin, which Node does not
	// refuse, has the name "FOREIGN_ORIGIN" and the origin.
	Context map[string]any
}

// Error implements error.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("sio: connection refused with code %d, %s: %v", e.Code, e.Message, e.Context)
}

// A DecodeError says which argument of an event could not be decoded.
type DecodeError struct {
	Event string
	Index int // of the argument, from 0
	Err   error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("sio: event %q: argument %d: %v", e.Event, e.Index, e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// An OptionError says which field of Options cannot be used and why.
type OptionError struct {
	Field  string
	Reason string
}

// Error implements error.
func (e *OptionError) Error() string { return "sio: Options." + e.Field + ": " + e.Reason }
