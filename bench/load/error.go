package load

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// ErrHangup is why a connection ended that Hangup closed.
var ErrHangup = errors.New("load: hung up")

// A Kind says what a connection failed for.
type Kind uint8

// The kinds of failure.
const (
	Other        Kind = iota
	Unreachable       // no TCP connection
	WrongPath         // somebody answers, but not Engine.IO
	WrongVersion      // another revision of the protocol
	Refused           // Engine.IO or the namespace said no
	Descriptors       // this process may not open more files
	Timeout           // no answer in time
	Closed            // the server closed the connection
)

// An Error is why a connection could not be opened or has ended, in a line that
// a person can act on.
type Error struct {
	Kind   Kind
	Reason string
	Err    error // what it was made from; may be nil
}

// Error implements error.
func (e *Error) Error() string { return e.Reason }

// Unwrap returns what e was made from.
func (e *Error) Unwrap() error { return e.Err }

func fail(k Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: k, Reason: fmt.Sprintf(format, args...), Err: err}
}

// tooManyFiles says what to do when descriptors run out.
func tooManyFiles(err error) *Error {
	return fail(Descriptors, err, "this process may have %d files open and needs more: "+
		"raise the limit with 'ulimit -n', or use fewer connections", DescriptorLimit())
}

// dialError explains why there is no TCP connection.
func dialError(addr string, err error) *Error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return tooManyFiles(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(Unreachable, err, "cannot reach %s: connection refused: is the server running?", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail(Unreachable, err, "cannot reach %s: this machine has no free port left towards it", addr)
	case errors.As(err, &dns):
		return fail(Unreachable, err, "cannot reach %s: no such host", addr)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fail(Timeout, err, "cannot reach %s: no answer in time", addr)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fail(Unreachable, err, "cannot reach %s: %v", addr, err)
}

// tlsError explains why there is no TLS on a TCP connection.
func tlsError(addr string, err error) *Error {
	var header tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fail(Timeout, err, "cannot reach %s: no TLS handshake in time", addr)
	case errors.As(err, &header):
		return fail(Unreachable, err, "cannot reach %s: it does not speak TLS: is it http:// rather than https://?", addr)
	case errors.As(err, &cert):
		return fail(Unreachable, err, "cannot trust %s: %s: use the setting insecure to accept any certificate", addr, strings.TrimPrefix(cert.Err.Error(), "x509: "))
	case errors.Is(err, io.EOF):
		return fail(Unreachable, err, "cannot reach %s: it closed the connection in the TLS handshake", addr)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fail(Unreachable, err, "cannot reach %s: TLS: %s", addr, strings.TrimPrefix(err.Error(), "tls: "))
}

// refusals are the codes of Engine.IO and what they mean for a load test.
var refusals = map[string]string{
	"Transport unknown":            "it does not offer this transport",
	"Session ID unknown":           "it does not know the session: is there a load balancer without sticky sessions?",
	"Bad handshake method":         "it wants another method",
	"Bad request":                  "bad request",
	"Forbidden":                    "forbidden",
	"Unsupported protocol version": "it does not speak Engine.IO 4",
}

// responseError explains an HTTP answer that is none to Engine.IO.
func (p *Pool) responseError(status int, body []byte) *Error {
	var refusal struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	text := strings.TrimSpace(string(body))
	if json.Unmarshal(body, &refusal) == nil && refusal.Code != nil {
		text = refusal.Message
	}
	if why, known := refusals[text]; known {
		if text == "Unsupported protocol version" {
			return fail(WrongVersion, nil, "version mismatch: the server answered %d %q: %s", status, text, why)
		}
		return fail(Refused, nil, "the server refused: %d %q: %s", status, text, why)
	}
	if refusal.Code != nil {
		return fail(Refused, nil, "the server refused: %d %q (code %d)", status, text, *refusal.Code)
	}
	if status == 404 || status == 200 || status/100 == 3 {
		return fail(WrongPath, nil, "no Socket.IO at %s: the server answered %d: is the path right?", p.opts.url(), status)
	}
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return fail(Refused, nil, "the server answered %d %q", status, text)
}

// closedError explains why a TCP connection ended.
func (c *Conn) closedError(err error) *Error {
	p := c.pool
	var own *Error
	switch {
	case errors.As(err, &own):
		return own
	case c.state == stateOpen && errors.Is(err, io.EOF):
		return fail(Closed, err, "the server closed the connection")
	case c.state == stateOpen:
		return fail(Closed, err, "the connection broke: %v", err)
	case c.state == stateDialled && errors.Is(err, io.EOF):
		return fail(WrongPath, err, "the server closed the connection without an answer: is the path of %s right?", p.opts.url())
	}
	return fail(Closed, err, "closed during the handshake: %v", err)
}

// timeoutError says what was awaited in vain.
func (c *Conn) timeoutError(err error) *Error {
	what := "an answer to the first request"
	switch c.state {
	case stateJoining:
		what = "an answer to the CONNECT of " + c.pool.opts.Namespace
	case stateUpgrading:
		what = "the upgrade to WebSocket"
	case stateDialled, stateOpen, stateClosed:
	}
	return fail(Timeout, err, "timeout: waited %v for %s", c.pool.opts.Timeout, what)
}
