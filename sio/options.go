package sio

import (
	"crypto/tls"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/polling"
)

// CORS says which other sites may use the server, in the manner of the npm
// package cors.
type CORS = polling.CORSOptions

// A Cookie describes the cookie that carries the session id of clients that
// begin on polling, for load balancers that keep a session on one server. The
// zero value is Node's `cookie: true`: the name "io", the path "/", HttpOnly and
// SameSite=Lax.
type Cookie = polling.CookieOptions

// PerMessageDeflate configures the compression of WebSocket messages.
type PerMessageDeflate struct {
	// Threshold is the length in bytes from which a message is compressed. Zero
	// means 1024, negative means every message that becomes smaller.
	Threshold int
}

// A Codec turns arguments into JSON and back. It must be safe for concurrent
// use. The default is encoding/json without HTML escaping.
type Codec = jsonx.Codec

// Options configures a Server. The zero value of every field is its documented
// default. NewServer copies the struct. Where the Node server has an option of
// the same name, it means the same.
type Options struct {
	// Path is the URL path of the server. Empty means "/socket.io". As in
	// Node it is a prefix: a slash is appended to it unless
	// NoTrailingSlash is set. With "/" every request is the server's.
	Path string
	// NoTrailingSlash is the inverse of Node's addTrailingSlash.
	NoTrailingSlash bool

	// Transports lists the transports that are enabled: "polling" and
	// "websocket". Nil means both.
	Transports []string
	// DisableUpgrades is the inverse of Node's allowUpgrades.
	DisableUpgrades bool

	// AllowEIO3 accepts clients of Socket.IO 2 too, whose Engine.IO protocol is of
	// revision 3, with JSONP for browsers that know nothing else. They are joined
	// to "/" without asking for it, and the ids of their sockets, which everybody
	// may know, are those of their sessions: whoever knows one can speak for the
	// client.
	AllowEIO3 bool

	// PerMessageDeflate, if set, compresses what clients on WebSocket are sent that
	// offer permessage-deflate (RFC 7692), and lets them do the same. Neither side
	// refers to earlier messages, so that a connection needs no memory for it, and
	// a broadcast is compressed once. What clients send counts towards
	// MaxHTTPBufferSize when it is decompressed, and no more than that is. What a
	// secret and a text of an attacker's choice share in one message shows in its
	// length (as with CRIME and BREACH): send such messages with Compress(false).
	PerMessageDeflate *PerMessageDeflate
	// HTTPCompressionThreshold is the length in bytes from which a response to a
	// poll is compressed with gzip or deflate for clients that accept it. Zero
	// means 1024, negative means never: the inverse of Node's httpCompression.
	HTTPCompressionThreshold int

	// PingInterval is the time between heartbeats. Zero means 25s.
	PingInterval time.Duration
	// PingTimeout is how long a client may take to answer one. Zero means 20s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade may take. Zero means 10s.
	UpgradeTimeout time.Duration
	// DestroyUpgradeTimeout is how long a request for a WebSocket at a path that
	// nobody serves is left without an answer before its connection is closed.
	// Zero means 1s.
	DestroyUpgradeTimeout time.Duration
	// ConnectTimeout is how long a client may take to join a namespace. Zero
	// means 45s.
	ConnectTimeout time.Duration

	// MaxHTTPBufferSize limits a message and a POST body, in bytes. Zero means
	// 1e6.
	MaxHTTPBufferSize int
	// MaxConnectSize limits a CONNECT packet with its auth payload, in bytes.
	// Zero means 64 KiB.
	MaxConnectSize int
	// MaxAttachments limits the binary attachments of a packet. Zero means 10.
	MaxAttachments int
	// MaxRooms limits the rooms of one socket. Zero means 65536.
	MaxRooms int
	// MaxNamespaces limits the namespaces that one connection may join. Zero
	// means 1024.
	MaxNamespaces int

	// MaxDynamicNamespaces limits the namespaces that clients have created by
	// OfRegexp and OfFunc. Who asks for one more is told "Invalid namespace" and
	// counted in Stats.NamespacesRefused. Zero means 65536.
	MaxDynamicNamespaces int
	// CleanupEmptyChildNamespaces removes such a namespace when its last socket
	// has left, or was refused. A client may create it again.
	CleanupEmptyChildNamespaces bool

	// CORS opens the server to pages of other sites. Nil refuses them: a
	// request whose Origin differs from its Host is answered 403, on both
	// transports. Requests without Origin, as native clients send, are allowed.
	CORS *CORS
	// AllowRequest, if set, decides about every handshake. It runs on a
	// goroutine of its own and may block. The message of an *Error reaches the
	// client.
	AllowRequest func(*http.Request) error
	// GenerateID, if set, makes the session ids in place of the server: what it
	// returns must be unguessable, because it is all that a client needs to speak
	// for a session, at most 256 bytes, and not in use. It runs on a goroutine of
	// its own and may block. An error refuses the handshake. The ids of sockets
	// are not concerned.
	GenerateID func(*http.Request) (string, error)
	// OnConnectionError, if set, is told of every request that is refused with a
	// code of the Engine.IO protocol, before it is answered. It runs on an event
	// loop and must not block.
	OnConnectionError func(*ConnectionError)
	// InitialHeaders, if set, may add headers to the first response of each
	// session, and Headers to each response of a session, the first one included:
	// those to polls and POSTs, and the 101 of a WebSocket. A response that is not
	// of a session, such as a refusal, has none. They run on an event loop and
	// must not block. Set-Cookie holds the Cookie of the session where there is
	// one. What frames the response, its Content-Type and its Cache-Control are
	// the server's: such headers are ignored.
	InitialHeaders func(http.Header, *http.Request)
	Headers        func(http.Header, *http.Request)
	// Cookie, if set, carries the session id.
	Cookie *Cookie
	// InitialPacket, if not empty, is an Engine.IO message that every client gets
	// right behind the handshake.
	InitialPacket string
	// TrustedProxies lists the proxies that may name the client's address by
	// X-Forwarded-For. Nil trusts nobody.
	TrustedProxies []netip.Prefix

	// TLSConfig is what ListenTLS, ListenAndServeTLS and ServeTLS begin with.
	// It is copied. GetCertificate, GetConfigForClient, client certificates,
	// versions and the rest mean what they mean in crypto/tls; the functions
	// may block. Of NextProtos "h2" is left out, because nothing here speaks
	// it, and "http/1.1" is added. Nil means crypto/tls's defaults: TLS 1.2 and
	// 1.3.
	TLSConfig *tls.Config
	// TLSHandshakeTimeout is how long a TLS handshake may take, from the accept
	// on. Zero means 10s.
	TLSHandshakeTimeout time.Duration

	// Fallback serves the requests on the same port that are not for Path. Nil
	// answers them 404.
	Fallback http.Handler
	// ClientFiles holds the browser client (socket.io.js and its siblings),
	// served below Path, with Brotli, gzip or deflate as each request prefers. A
	// file is compressed when it is first asked for, and again only when its size
	// or time of modification has changed. Nil answers with a text that says how to get it.
	ClientFiles fs.FS
	// DisableServeClient is the inverse of Node's serveClient.
	DisableServeClient bool

	// Adapter, if set, connects each namespace with those of the same name on
	// other servers. It is called once for each, before a client can connect,
	// and may block; if it fails, that is logged and the namespace stays alone.
	Adapter func(*Namespace) (Adapter, error)

	// ConnectionStateRecovery has clients whose connection was lost for a moment
	// go on where they were. Nil switches it off. It does not go together with
	// Adapter: what is kept is in the memory of one server.
	ConnectionStateRecovery *RecoveryOptions

	// Parser is the dialect that the server and all its clients speak. Zero means
	// ParserJSON, which clients have unless they are given another.
	Parser Parser

	// PacketParser is a form of packets of your own, instead of Parser. It is not
	// to be had together with ConnectionStateRecovery, whose offsets are written
	// into packets that are encoded already. Nil means Parser.
	PacketParser PacketParser

	// Codec turns arguments into JSON. Nil means encoding/json. With ParserMsgpack
	// it only decodes.
	Codec Codec
	// DropHandshake frees each socket's handshake when its OnConnection
	// handlers have returned. Handshake is empty afterwards.
	DropHandshake bool

	// Loops is the number of event loops. Zero means GOMAXPROCS.
	Loops int
	// MaxConns limits the connections. Zero, and anything larger, means the
	// descriptor limit less 64.
	MaxConns int
	// MaxWorkers limits the goroutines that run handlers. Zero means 10000.
	MaxWorkers int
	// MaxPending limits the events of one socket that wait for its handlers;
	// at the limit its connection is not read until half are done. Zero means
	// 1024.
	MaxPending int
	// MaxQueue limits the bytes that wait to be sent to one connection, and the
	// packets: one for each 128 bytes of it, but at least 1024. At the limit
	// Namespace.SetSlowConsumer says what happens; the default is that the
	// connection is closed with ReasonSlowConsumer. Zero means 4 MiB.
	MaxQueue int
	// SoftQueue is the number of bytes waiting for a connection that does not
	// take them above which Socket.Writable is false, until OnDrain. Zero means
	// 64 KiB; it is never more than MaxQueue.
	SoftQueue int
	// MaxTotalQueue limits the memory of all packets that wait for connections
	// which do not take them, in bytes; a packet for many counts once. Beyond,
	// the connections with the longest queues are disconnected with
	// ReasonSlowConsumer. Zero means a quarter of GOMEMLIMIT or, without one, of
	// the machine's memory. Negative means no limit.
	MaxTotalQueue int64
	// WriteTimeout is how long a connection may refuse to take bytes. Zero
	// means 10s.
	WriteTimeout time.Duration

	// Logger gets the library's few messages. Nil means slog.Default(). Its panics
	// are caught.
	Logger *slog.Logger
	// Trace, if set, is told what happens. See Trace.
	Trace *Trace
}

// A Trace is a set of hooks in the manner of net/http/httptrace. Each may be
// nil. They are called on the goroutine where the thing happens, often a loop:
// they must not block. A panic is logged and changes nothing.
type Trace struct {
	// Connected is called when a socket has joined its namespace.
	Connected func(*Socket)
	// Upgraded is called when the connection of a socket has gone from polling to
	// WebSocket, for each of its sockets.
	Upgraded func(*Socket)
	// Disconnected is called when a socket has left it.
	Disconnected func(*Socket, DisconnectReason)
	// EventReceived is called for each event that a handler exists for.
	EventReceived func(s *Socket, event string, bytes int)
	// HandlerError is called when a handler returns an error or panics.
	HandlerError func(s *Socket, event string, err error)
	// PacketError is called when a client sent what cannot be decoded or is
	// not allowed, before its connection is closed.
	PacketError func(remote netip.AddrPort, err error)
	// RoomJoined and RoomLeft are called when a socket has joined or left a room,
	// that of its own id included; RoomCreated in front of the first, and
	// RoomDeleted behind the last on this server. A socket leaves its rooms in
	// front of Disconnected, and of OnDisconnecting, which runs on a worker and
	// has them still.
	RoomJoined, RoomLeft     func(s *Socket, room string)
	RoomCreated, RoomDeleted func(n *Namespace, room string)
	// Dropped is called when a packet to a socket was dropped, with the cause:
	// "volatile" when it could not be taken at once, "newest" and "oldest" when
	// SlowDropNewest and SlowDropOldest dropped it, "conflated" when a newer
	// value with its key took its place.
	Dropped func(s *Socket, cause string)
}

// Limits that are not options.
const (
	maxRoomName      = 256
	attachmentsLimit = 30 * time.Second // in which announced attachments must come
)

// withDefaults returns a copy with every zero field filled in, or an
// *OptionError.
func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Path == "" {
		c.Path = "/socket.io"
	}
	c.Path = strings.TrimSuffix(c.Path, "/")
	if c.Path != "" && !strings.HasPrefix(c.Path, "/") {
		c.Path = "/" + c.Path
	}
	if !c.NoTrailingSlash || c.Path == "" {
		c.Path += "/"
	}
	setDefault(&c.PingInterval, 25*time.Second)
	setDefault(&c.PingTimeout, 20*time.Second)
	setDefault(&c.UpgradeTimeout, 10*time.Second)
	setDefault(&c.DestroyUpgradeTimeout, time.Second)
	setDefault(&c.ConnectTimeout, 45*time.Second)
	setDefault(&c.WriteTimeout, 10*time.Second)
	setDefault(&c.TLSHandshakeTimeout, 10*time.Second)
	setDefault(&c.MaxHTTPBufferSize, 1_000_000)
	setDefault(&c.MaxConnectSize, 64<<10)
	setDefault(&c.MaxAttachments, 10)
	setDefault(&c.MaxRooms, 65_536)
	setDefault(&c.MaxNamespaces, 1024)
	setDefault(&c.MaxDynamicNamespaces, 65_536)
	setDefault(&c.Loops, runtime.GOMAXPROCS(0))
	setDefault(&c.MaxWorkers, 10_000)
	setDefault(&c.MaxPending, 1024)
	setDefault(&c.MaxQueue, 4<<20)
	setDefault(&c.SoftQueue, 64<<10)
	if c.MaxTotalQueue == 0 {
		c.MaxTotalQueue = memoryLimit() / 4
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Logger = guardedLogger(c.Logger)
	if c.Codec == nil {
		c.Codec = jsonx.Std{}
	}
	if c.Trace == nil {
		c.Trace = &Trace{}
	}
	c.Trace = c.Trace.guarded(c.Logger)
	c.ConnectionStateRecovery = c.ConnectionStateRecovery.withDefaults()
	err := c.validate()
	return c, err
}

// memoryLimit returns how much memory the process may use.
func memoryLimit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit
	}
	return machineMemory()
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (o *Options) validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"PingInterval", o.PingInterval},
		{"PingTimeout", o.PingTimeout},
		{"UpgradeTimeout", o.UpgradeTimeout},
		{"DestroyUpgradeTimeout", o.DestroyUpgradeTimeout},
		{"ConnectTimeout", o.ConnectTimeout},
		{"WriteTimeout", o.WriteTimeout},
		{"TLSHandshakeTimeout", o.TLSHandshakeTimeout},
	} {
		if d.value < time.Millisecond {
			return &OptionError{d.name, "must be at least 1ms"}
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"MaxHTTPBufferSize", o.MaxHTTPBufferSize},
		{"MaxConnectSize", o.MaxConnectSize},
		{"MaxAttachments", o.MaxAttachments},
		{"MaxRooms", o.MaxRooms},
		{"MaxNamespaces", o.MaxNamespaces},
		{"MaxDynamicNamespaces", o.MaxDynamicNamespaces},
		{"Loops", o.Loops},
		{"MaxWorkers", o.MaxWorkers},
		{"MaxPending", o.MaxPending},
		{"MaxConns", o.MaxConns},
		{"MaxQueue", o.MaxQueue},
		{"SoftQueue", o.SoftQueue},
	} {
		if n.value < 0 {
			return &OptionError{n.name, "must not be negative"}
		}
	}
	switch {
	case o.Parser > ParserMsgpack:
		return &OptionError{"Parser", "no such parser: " + o.Parser.String()}
	case o.PacketParser != nil && o.Parser != ParserJSON:
		return &OptionError{"PacketParser", "there is a Parser too: set one of them"}
	case o.PacketParser != nil && o.ConnectionStateRecovery != nil:
		return &OptionError{"PacketParser", "does not go together with ConnectionStateRecovery"}
	case strings.ContainsAny(o.Path, "?# \t\r\n"):
		return &OptionError{"Path", "has a character that no path of a request has"}
	case o.MaxQueue > math.MaxInt32:
		return &OptionError{"MaxQueue", "must be at most 2147483647"}
	case o.Loops > 256:
		return &OptionError{"Loops", "must be at most 256"}
	case o.ConnectionStateRecovery != nil && o.Adapter != nil:
		return &OptionError{"ConnectionStateRecovery", "does not go together with Adapter"}
	}
	if err := o.ConnectionStateRecovery.validate(); err != nil {
		return err
	}
	_, err := o.transports()
	return err
}

func (o *Options) transports() ([]eio.Transport, error) {
	if o.Transports == nil {
		return []eio.Transport{eio.Polling, eio.WebSocket}, nil
	}
	if len(o.Transports) == 0 {
		return nil, &OptionError{"Transports", "must name at least one transport"}
	}
	var list []eio.Transport
	for _, name := range o.Transports {
		t, ok := eio.ParseTransport(name)
		if !ok {
			return nil, &OptionError{"Transports", `unknown transport "` + name + `"; "polling" and "websocket" exist`}
		}
		list = append(list, t)
	}
	return list, nil
}
