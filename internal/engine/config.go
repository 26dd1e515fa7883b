package engine

import (
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// A Config says how a Server behaves. It is not modified after New.
type Config struct {
	// EIO holds the protocol's intervals and limits.
	EIO eio.Config

	// Path is the prefix that selects Engine.IO requests, compared with the
	// raw request target, such as "/socket.io/".
	Path string

	// CORS is nil for the same-origin policy.
	CORS *polling.CORS

	// Admit, if set, is asked about every handshake on a goroutine of its own
	// and may block. A refusal is answered with code 4 and the message.
	Admit func(*http.Request) (message string, ok bool)

	// GenerateID, if set, makes the ids of sessions, on the goroutine of Admit.
	GenerateID func(*http.Request) (string, error)

	// Cookie, if set, carries the session id; it goes with handshakes over
	// polling.
	Cookie *polling.Cookie

	// HTTPThreshold is the length in bytes from which the payload of a poll is
	// compressed for clients that accept it. Zero means never.
	HTTPThreshold int

	// Deflate accepts permessage-deflate. Packets of DeflateThreshold bytes and
	// more are compressed, those with bufpool.Buf.Plain excepted.
	Deflate          bool
	DeflateThreshold int

	// InitialPacket, if not empty, is a message behind the open packet.
	InitialPacket string

	// OnRefusal, if set, is told of every request that is refused with a code
	// of the protocol, before it is answered. InitialHeaders and Headers, if
	// set, may add header lines to the first response of a session, and to each
	// of them. They run on the loop.
	OnRefusal      func(*Refusal)
	InitialHeaders func(http.Header, *http.Request)
	Headers        func(http.Header, *http.Request)

	// TrustProxy, if set, tells whether the peer may name the client's
	// address and host by X-Forwarded-For and X-Forwarded-Host.
	TrustProxy func(netip.Addr) bool

	// Fallback takes connections whose request is not for Path. Nil answers 404.
	Fallback http.Handler

	// Static tells whether a target below Path is for StaticHandler.
	Static        func(target []byte) bool
	StaticHandler http.Handler

	// RawWebSocket, if set, serves bare WebSocket messages on every path and
	// no Engine.IO at all: it is the hook of WebSocket conformance suites.
	RawWebSocket bool

	// MaxQueue is the limit in bytes of what a session may have queued; at
	// the limit Overflow is called. Never zero.
	MaxQueue int

	// SoftQueue is the number of queued bytes above which a session that is
	// behind is congested. Never zero.
	SoftQueue int

	// MaxTotalQueue is the limit in bytes of what all sessions together may have
	// queued; beyond, the longest queues go first. Zero means no limit.
	MaxTotalQueue int64

	// HeadLimits bounds request heads on Path.
	HeadLimits http1.Limits

	// HTTPTimeout is the time in milliseconds in which a request head must be
	// complete, and within which 16 KB of a body must arrive.
	HTTPTimeout int64

	// DestroyUpgrade is the time in milliseconds for which an upgrade for a path
	// that nobody serves is left without an answer.
	DestroyUpgrade int64

	// WriteStall is the time in milliseconds without progress after which a
	// connection that does not read is given up.
	WriteStall int64

	// CloseTimeout is the time in milliseconds to wait for the peer's close.
	CloseTimeout int64

	// MessageTimeout is the time in milliseconds in which a message that was
	// begun must be complete.
	MessageTimeout int64

	// MaxControl is the number of WebSocket control frames a second after
	// which a connection is closed with 1008.
	MaxControl int

	// ThroughHTTP has net/http accept, read and write all connections: for
	// systems without loop.HasDescriptors.
	ThroughHTTP bool

	// Driven makes loops without goroutines and descriptors, for tests and
	// simulations; see loop.NewDriven.
	Driven bool

	Logger *slog.Logger

	frames wsframe.Config
}

// Upper is the layer above the engine. All methods run on the goroutine of
// the loop concerned.
type Upper interface {
	// NewShard is called once for each loop, before it runs.
	NewShard(sh *Shard) UpperShard
}

// UpperShard is the part of the layer above that belongs to one loop.
type UpperShard interface {
	// NewSession allocates the object that embeds the Session, so that a
	// connection is one object and not two.
	NewSession() *Session

	// Handler returns the object that NewSession made s in. It finds it by the
	// address: a pointer back would take 16 bytes of every session.
	Handler(s *Session) SessionHandler

	// KeepsHandshake tells whether somebody may ask for the handshake of the
	// session that is about to be made. Without Config.Admit it is not even
	// packed if nobody does.
	KeepsHandshake() bool

	// Timer gets the timers that belong to the layer above.
	Timer(t *loop.Timer)

	// Message gets what was posted with a kind of KindUser or above.
	Message(m *loop.Message)

	// Dropped gets such messages that the stopped loop will not deliver.
	Dropped(m *loop.Message)

	// BeforeFlush runs at the end of every turn.
	BeforeFlush()
}

// SessionHandler receives what happens to one session, on its loop.
type SessionHandler interface {
	// Opened is called when the open packet has been queued.
	Opened()

	// Message delivers one message. data is borrowed until the return.
	Message(data []byte, binary bool)

	// Received is called behind the last of the messages that have arrived
	// together, whether the session is still open or not. While it is owed,
	// Session.Receiving is true.
	Received()

	// Upgraded is called when the session has gone from polling to WebSocket.
	Upgraded()

	// Drained is called when the session is not congested any more.
	Drained()

	// Dropped is called when a packet of a flow was dropped. It must not send
	// or change the session: both may be at work.
	Dropped(f *Flow, cause Cause)

	// Deadline is called when the time given to SetDeadline has come.
	Deadline()

	// Closed is called once. err may be nil.
	Closed(reason eio.Reason, err error)
}

// SetDefaults fills in the limits that are zero.
func SetDefaults(cfg *Config) {
	for _, d := range []struct {
		field *int64
		value int64
	}{
		{&cfg.HTTPTimeout, 10_000},
		{&cfg.DestroyUpgrade, 1000},
		{&cfg.WriteStall, 10_000},
		{&cfg.CloseTimeout, 5_000},
		{&cfg.MessageTimeout, 30_000},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if cfg.MaxControl == 0 {
		cfg.MaxControl = 1000
	}
	if cfg.MaxQueue == 0 {
		cfg.MaxQueue = 4 << 20
	}
	if cfg.SoftQueue == 0 {
		cfg.SoftQueue = 64 << 10
	}
	cfg.SoftQueue = min(cfg.SoftQueue, cfg.MaxQueue)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
}

// echoLimit is the largest message of EchoConfig.
const echoLimit = 16 << 20

// EchoConfig returns how to serve bare WebSockets that echo messages of up to
// 16 MiB, compressed where the client offers it: what conformance suites are
// pointed at. It needs an Upper that does nothing.
func EchoConfig() *Config {
	cfg := &Config{
		EIO:          eio.Config{MaxPayload: echoLimit},
		Path:         "/",
		RawWebSocket: true,
		Deflate:      true,
		MaxQueue:     4 * echoLimit,
	}
	SetDefaults(cfg)
	return cfg
}

// KindUser is the first message kind that belongs to the layer above.
const KindUser = 0x10
