package config

import (
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A Config is everything that gannet serve can be told.
type Config struct {
	Addr             []string
	Path             string
	AddTrailingSlash bool
	ClientDir        string
	ServeClient      bool
	TLSCert          string
	TLSKey           string
	StatsPage        bool

	Transports          []string
	AllowUpgrades       bool
	AllowEIO3           bool
	Parser              string
	InitialPacket       string
	PingInterval        time.Duration
	PingTimeout         time.Duration
	UpgradeTimeout      time.Duration
	ConnectTimeout      time.Duration
	TLSHandshakeTimeout time.Duration

	PerMessageDeflate          bool
	PerMessageDeflateThreshold Size
	HTTPCompression            bool
	HTTPCompressionThreshold   Size

	Recovery                 bool
	MaxDisconnectionDuration time.Duration
	MaxRecoveryBytes         Size

	CORSOrigins     []string
	CORSCredentials bool
	TrustedProxies  []string
	Cookie          string
	CookieSameSite  string
	CookieSecure    bool
	CookieMaxAge    time.Duration

	MaxConns          int
	Loops             int
	MaxHTTPBufferSize Size
	MaxConnectSize    Size
	MaxAttachments    int
	MaxNamespaces     int
	MaxRooms          int
	MaxWorkers        int
	MaxPending        int
	MaxQueue          Size
	SoftQueue         Size
	MaxTotalQueue     Size
	WriteTimeout      time.Duration

	DrainDelay   time.Duration
	DrainTimeout time.Duration

	LogLevel  slog.Level
	LogFormat string
	PprofAddr string
}

// A Listener is one place to listen at, as net.Listen takes it.
type Listener struct {
	Network, Addr string
	TLS           bool
}

// An Error says which setting cannot be used and why.
type Error struct {
	Name   string
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return e.Name + ": " + e.Reason }

// Validate returns the first setting that cannot be used as an *Error.
func (c *Config) Validate() error {
	for _, check := range []func() error{
		c.validateAddr, c.validateTimes, c.validateLimits, c.validateProtocol, c.validateCORS, c.validateCookie, c.validateProxies, c.validateTLS,
		c.validateClient, c.validateLog,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// Listeners returns where to listen.
func (c *Config) Listeners() []Listener {
	list := make([]Listener, len(c.Addr))
	for i, a := range c.Addr {
		if path, ok := strings.CutPrefix(a, "unix:"); ok {
			list[i] = Listener{Network: "unix", Addr: path}
		} else {
			list[i] = Listener{Network: "tcp", Addr: a, TLS: c.TLSCert != ""}
		}
	}
	return list
}

// ClientFile returns the name of the browser client that speaks to the server.
func (c *Config) ClientFile() string {
	if c.parser() == sio.ParserMsgpack {
		return "socket.io.msgpack.min.js"
	}
	return "socket.io.js"
}

// HasClient tells whether browsers can get the client from the server.
func (c *Config) HasClient() bool { return c.ClientDir != "" && c.ServeClient }

// Options returns the options of the server that the settings describe, which
// must be valid.
func (c *Config) Options() *sio.Options {
	o := &sio.Options{
		Path:                c.Path,
		NoTrailingSlash:     !c.AddTrailingSlash,
		DisableServeClient:  !c.ServeClient,
		Transports:          c.Transports,
		DisableUpgrades:     !c.AllowUpgrades,
		AllowEIO3:           c.AllowEIO3,
		Parser:              c.parser(),
		InitialPacket:       c.InitialPacket,
		PingInterval:        c.PingInterval,
		PingTimeout:         c.PingTimeout,
		UpgradeTimeout:      c.UpgradeTimeout,
		ConnectTimeout:      c.ConnectTimeout,
		TLSHandshakeTimeout: c.TLSHandshakeTimeout,
		Cookie:              c.cookie(),
		MaxConns:            c.MaxConns,
		Loops:               c.Loops,
		MaxHTTPBufferSize:   int(c.MaxHTTPBufferSize),
		MaxConnectSize:      int(c.MaxConnectSize),
		MaxAttachments:      c.MaxAttachments,
		MaxNamespaces:       c.MaxNamespaces,
		MaxRooms:            c.MaxRooms,
		MaxWorkers:          c.MaxWorkers,
		MaxPending:          c.MaxPending,
		MaxQueue:            int(c.MaxQueue),
		SoftQueue:           int(c.SoftQueue),
		MaxTotalQueue:       int64(c.MaxTotalQueue),
		WriteTimeout:        c.WriteTimeout,
	}
	o.HTTPCompressionThreshold = max(int(c.HTTPCompressionThreshold), 1) // 0 would be the default
	if !c.HTTPCompression {
		o.HTTPCompressionThreshold = -1
	}
	if c.PerMessageDeflate {
		o.PerMessageDeflate = &sio.PerMessageDeflate{Threshold: max(int(c.PerMessageDeflateThreshold), 1)}
	}
	if c.Recovery {
		o.ConnectionStateRecovery = &sio.RecoveryOptions{
			MaxDisconnectionDuration: c.MaxDisconnectionDuration, MaxBytes: int(c.MaxRecoveryBytes),
		}
	}
	o.TrustedProxies, _ = c.proxies()
	if len(c.CORSOrigins) > 0 {
		o.CORS = &sio.CORS{Origins: c.CORSOrigins, Credentials: c.CORSCredentials}
	}
	if c.ClientDir != "" {
		o.ClientFiles = os.DirFS(c.ClientDir)
	}
	return o
}

// parser returns what Parser names; what it does not know is the first.
func (c *Config) parser() sio.Parser {
	if c.Parser == sio.ParserMsgpack.String() {
		return sio.ParserMsgpack
	}
	return sio.ParserJSON
}

// cookie returns the cookie of the sessions, or nil.
func (c *Config) cookie() *sio.Cookie {
	if c.Cookie == "" {
		return nil
	}
	return &sio.Cookie{
		Name: c.Cookie, SameSite: c.CookieSameSite, Secure: c.CookieSecure, MaxAge: int(c.CookieMaxAge / time.Second),
	}
}
