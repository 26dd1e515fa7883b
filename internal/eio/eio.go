package eio

import "slices"

// PacketType is the first character of an Engine.IO text packet.
type PacketType byte

// The packet types of Engine.IO, as they look on the wire.
const (
	Open    PacketType = '0' // server to client: the handshake
	Close   PacketType = '1' // either side, on polling only
	Ping    PacketType = '2' // server to client; client to server as `2probe` on an upgrading transport
	Pong    PacketType = '3' // client to server; server to client as `3probe`
	Message PacketType = '4' // payload
	Upgrade PacketType = '5' // client to server: the new transport takes over
	Noop    PacketType = '6' // server to client: ends a pending poll
)

// Valid reports whether t is one of the seven packet types.
func (t PacketType) Valid() bool { return t >= Open && t <= Noop }

// String returns the name the reference implementation uses, for example
// "message".
func (t PacketType) String() string {
	if !t.Valid() {
		return "error"
	}
	return [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}[t-Open]
}

// Transport says what carries a session.
type Transport uint8

// The transports.
const (
	Polling Transport = iota
	WebSocket
)

// String returns the name used in the query parameter `transport`.
func (t Transport) String() string {
	switch t {
	case Polling:
		return "polling"
	case WebSocket:
		return "websocket"
	}
	return "unknown"
}

// ParseTransport is the inverse of [Transport.String]. It knows nothing of
// which transports are enabled.
func ParseTransport(name string) (t Transport, ok bool) {
	switch name {
	case "polling":
		return Polling, true
	case "websocket":
		return WebSocket, true
	}
	return 0, false
}

// ErrorCode is the code of a refused request, as clients see it.
type ErrorCode int

// The error codes.
const (
	CodeUnknownTransport   ErrorCode = 0
	CodeUnknownSID         ErrorCode = 1
	CodeBadHandshakeMethod ErrorCode = 2
	CodeBadRequest         ErrorCode = 3
	CodeForbidden          ErrorCode = 4
	CodeUnsupportedVersion ErrorCode = 5
)

// Message returns the text that goes with the code in an error response, or ""
// for a code that is not one of the constants.
func (c ErrorCode) Message() string {
	switch c {
	case CodeUnknownTransport:
		return "Transport unknown"
	case CodeUnknownSID:
		return "Session ID unknown"
	case CodeBadHandshakeMethod:
		return "Bad handshake method"
	case CodeBadRequest:
		return "Bad request"
	case CodeForbidden:
		return "Forbidden"
	case CodeUnsupportedVersion:
		return "Unsupported protocol version"
	}
	return ""
}

// HTTPStatus returns the status of a refusal over plain HTTP. A refused
// Upgrade is always answered 400.
func (c ErrorCode) HTTPStatus() int {
	if c == CodeForbidden {
		return 403
	}
	return 400
}

// Reason says why a session was closed, in the words of the reference
// implementation.
type Reason string

// The close reasons at this level.
const (
	ReasonTransportError Reason = "transport error"
	ReasonTransportClose Reason = "transport close"
	ReasonPingTimeout    Reason = "ping timeout"
	ReasonParseError     Reason = "parse error"
	ReasonForcedClose    Reason = "forced close"
)

// Fixed waits, in milliseconds.
const (
	// NoopInterval is the period at which a pending poll is ended while an
	// upgrade has been probed.
	NoopInterval = 100
	// CloseWait is how long a session that closes gracefully waits for the
	// poll that will carry its last packets.
	CloseWait = 30_000

	minPause = 100
)

// Config is what all sessions of a server share. It is immutable once in use.
type Config struct {
	// PingInterval and PingTimeout are in milliseconds. A PingInterval that is
	// not positive switches the heartbeat off.
	PingInterval, PingTimeout int64
	// UpgradeTimeout is how long an upgrade may take, in milliseconds.
	UpgradeTimeout int64
	// MaxPayload is advertised to the client as maxPayload.
	MaxPayload int
	// Transports lists the enabled transports. Nil means polling and
	// WebSocket.
	Transports []Transport
	// DisableUpgrades advertises no upgrade. As in the reference, an upgrade
	// that is attempted all the same is not refused.
	DisableUpgrades bool
	// AllowEIO3 accepts clients of protocol revision 3.
	AllowEIO3 bool
}

// Enabled reports whether t may be used.
func (c *Config) Enabled(t Transport) bool {
	if c.Transports == nil {
		return t == Polling || t == WebSocket
	}
	return slices.Contains(c.Transports, t)
}

// Pause is how late a heartbeat deadline must be met for the process to count
// as having been paused: by the shorter of interval and timeout. It is at
// least minPause, so that the granularity of a loop's timers never looks like a
// pause to a server with very short heartbeats.
func (c *Config) Pause() int64 { return max(min(c.PingInterval, c.PingTimeout), minPause) }
