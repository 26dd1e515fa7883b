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
	Addr      []string
	Path      string
	ClientDir string
	TLSCert   string
	TLSKey    string
	StatsPage bool

	Transports        []string
	PingInterval      time.Duration
	PingTimeout       time.Duration
	UpgradeTimeout    time.Duration
	ConnectTimeout    time.Duration
	MaxHTTPBufferSize Size

	CORSOrigins     []string
	CORSCredentials bool
	TrustedProxies  []string

	MaxConns     int
	Loops        int
	MaxQueue     Size
	WriteTimeout time.Duration

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
		c.validateAddr, c.validateLimits, c.validateTransports, c.validateCORS, c.validateProxies, c.validateTLS, c.validateClient, c.validateLog,
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

// Options returns the options of the server that the settings describe, which
// must be valid.
func (c *Config) Options() *sio.Options {
	o := &sio.Options{
		Path:              c.Path,
		Transports:        c.Transports,
		PingInterval:      c.PingInterval,
		PingTimeout:       c.PingTimeout,
		UpgradeTimeout:    c.UpgradeTimeout,
		ConnectTimeout:    c.ConnectTimeout,
		MaxHTTPBufferSize: int(c.MaxHTTPBufferSize),
		MaxConns:          c.MaxConns,
		Loops:             c.Loops,
		MaxQueue:          int(c.MaxQueue),
		WriteTimeout:      c.WriteTimeout,
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
