package loop

import (
	"log/slog"
	"runtime"
	"time"
)

const (
	defaultRingSize   = 8192
	defaultReadBuffer = 64 << 10
	defaultWatchdog   = 10 * time.Millisecond

	// maxLoops is what one byte can name.
	maxLoops = 256
)

// Options configure a Reactor. Nil and the zero value mean the defaults.
type Options struct {
	// Loops is the number of loops. Zero means GOMAXPROCS.
	Loops int

	// MaxConns caps the connections of all loops together. Zero means the soft
	// limit of open files minus 64; larger values are clamped to that.
	MaxConns int

	// RingSize is the number of messages a loop's ring holds. Zero means 8192.
	RingSize int

	// ReadBuffer is the number of bytes read at once. Zero means 64 KiB.
	ReadBuffer int

	// Logger receives accept failures, panics and slow turns. Nil means
	// slog.Default().
	Logger *slog.Logger

	// NewHandler makes the handler of a loop. It is called by New, once per
	// loop, and must not be nil.
	NewHandler func(l *Loop) Handler

	// WatchdogTurn is how long a turn may take before it is counted and
	// logged. Zero means 10ms, negative switches the watchdog off.
	WatchdogTurn time.Duration

	// HandshakeTimeout is how long a TLS handshake may take, from the accept
	// on. Zero means 10s.
	HandshakeTimeout time.Duration

	// MaxHandshakes is the number of TLS handshakes under way, each with a
	// goroutine. Four times as many clients may wait for their turn; more are
	// disconnected. Zero means 256 for each loop, and at least 1024.
	MaxHandshakes int
}

// withDefaults returns a copy of o with every zero field filled in.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Loops <= 0 {
		c.Loops = runtime.GOMAXPROCS(0)
	}
	c.Loops = min(c.Loops, maxLoops)
	if c.RingSize <= 0 {
		c.RingSize = defaultRingSize
	}
	if c.ReadBuffer <= 0 {
		c.ReadBuffer = defaultReadBuffer
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.WatchdogTurn == 0 {
		c.WatchdogTurn = defaultWatchdog
	}
	if c.HandshakeTimeout <= 0 {
		c.HandshakeTimeout = defaultHandshakeTimeout
	}
	if c.MaxHandshakes <= 0 {
		c.MaxHandshakes = max(handshakesPerLoop*c.Loops, minHandshakes)
	}
	return c
}
