package config

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

func (c *Config) validateAddr() error {
	if len(c.Addr) == 0 {
		return &Error{"addr", "there must be at least one"}
	}
	for _, l := range c.Listeners() {
		if l.Network == "unix" {
			if l.Addr == "" {
				return &Error{"addr", `"unix:" needs a path behind it`}
			}
		} else if _, _, err := net.SplitHostPort(l.Addr); err != nil {
			return &Error{"addr", fmt.Sprintf(`%q is not HOST:PORT, :PORT or unix:PATH`, l.Addr)}
		}
	}
	if c.PprofAddr != "" {
		if _, _, err := net.SplitHostPort(c.PprofAddr); err != nil {
			return &Error{"pprof-addr", fmt.Sprintf(`%q is not HOST:PORT`, c.PprofAddr)}
		}
	}
	if strings.ContainsAny(c.Path, "?# \t\r\n\"'<>&\\") || strings.Trim(c.Path, "/") == "" {
		return &Error{"path", fmt.Sprintf("%q is not a path such as /socket.io", c.Path)}
	}
	return nil
}

func (c *Config) validateTimes() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"ping-interval", c.PingInterval},
		{"ping-timeout", c.PingTimeout},
		{"upgrade-timeout", c.UpgradeTimeout},
		{"connect-timeout", c.ConnectTimeout},
		{"tls-handshake-timeout", c.TLSHandshakeTimeout},
		{"max-disconnection-duration", c.MaxDisconnectionDuration},
		{"write-timeout", c.WriteTimeout},
	} {
		if d.value < time.Millisecond {
			return &Error{d.name, fmt.Sprintf("%v is too short, at least 1ms is needed", d.value)}
		}
	}
	if c.DrainDelay < 0 || c.DrainTimeout < 0 {
		return &Error{"drain-timeout", "neither it nor drain-delay can be negative"}
	}
	return nil
}

func (c *Config) validateLimits() error {
	for _, n := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"max-http-buffer-size", int(c.MaxHTTPBufferSize), 1, math.MaxInt32},
		{"max-connect-size", int(c.MaxConnectSize), 1, math.MaxInt32},
		{"max-attachments", c.MaxAttachments, 1, math.MaxInt32},
		{"max-namespaces", c.MaxNamespaces, 1, math.MaxInt32},
		{"max-rooms", c.MaxRooms, 1, math.MaxInt32},
		{"max-workers", c.MaxWorkers, 1, math.MaxInt32},
		{"max-pending", c.MaxPending, 1, math.MaxInt32},
		{"max-queue", int(c.MaxQueue), 1, math.MaxInt32},
		{"soft-queue", int(c.SoftQueue), 1, math.MaxInt32},
		{"max-total-queue", int(c.MaxTotalQueue), -1, math.MaxInt},
		{"max-recovery-bytes", int(c.MaxRecoveryBytes), 1, math.MaxInt},
		{"per-message-deflate-threshold", int(c.PerMessageDeflateThreshold), 0, math.MaxInt32},
		{"http-compression-threshold", int(c.HTTPCompressionThreshold), 0, math.MaxInt32},
		{"max-conns", c.MaxConns, 0, math.MaxInt32},
		{"loops", c.Loops, 0, 256},
	} {
		switch {
		case n.value < n.least:
			return &Error{n.name, fmt.Sprintf("%d is too small, at least %d is needed", n.value, n.least)}
		case n.value > n.most:
			return &Error{n.name, fmt.Sprintf("%d is too large, at most %d is possible", n.value, n.most)}
		}
	}
	return nil
}

func (c *Config) validateProtocol() error {
	if len(c.Transports) == 0 {
		return &Error{"transports", "there must be at least one"}
	}
	for _, t := range c.Transports {
		if t != "polling" && t != "websocket" {
			return &Error{"transports", fmt.Sprintf("%q is not polling or websocket", t)}
		}
	}
	if c.Parser != c.parser().String() {
		return &Error{"parser", fmt.Sprintf("%q is not json or msgpack", c.Parser)}
	}
	return nil
}

func (c *Config) validateCookie() error {
	switch {
	case c.CookieMaxAge < 0 || c.CookieMaxAge%time.Second != 0:
		return &Error{"cookie-max-age", fmt.Sprintf("%v is not a whole number of seconds", c.CookieMaxAge)}
	case c.Cookie != "" && (&http.Cookie{Name: c.Cookie}).Valid() != nil:
		return &Error{"cookie", fmt.Sprintf("%q cannot be the name of a cookie", c.Cookie)}
	}
	switch strings.ToLower(c.CookieSameSite) {
	case "lax", "strict":
	case "none":
		if !c.CookieSecure {
			return &Error{"cookie-same-site", "none needs cookie-secure: browsers refuse such a cookie without"}
		}
	default:
		return &Error{"cookie-same-site", fmt.Sprintf("%q is not lax, strict or none", c.CookieSameSite)}
	}
	return nil
}

func (c *Config) validateCORS() error {
	for _, o := range c.CORSOrigins {
		if o != "*" && !strings.Contains(o, "://") {
			return &Error{"cors-origin", fmt.Sprintf(`%q is not an origin such as https://example.com, nor "*"`, o)}
		}
	}
	switch {
	case !c.CORSCredentials:
		return nil
	case len(c.CORSOrigins) == 0:
		return &Error{"cors-credentials", "needs cors-origin: which sites may send cookies"}
	case slices.Contains(c.CORSOrigins, "*"):
		return &Error{"cors-credentials", `cannot go with the origin "*": every site could act in the name of every user`}
	}
	return nil
}

func (c *Config) validateProxies() error {
	_, err := c.proxies()
	return err
}

func (c *Config) validateTLS() error {
	switch {
	case c.TLSCert == "" && c.TLSKey == "":
		return nil
	case c.TLSCert == "":
		return &Error{"tls-key", "needs tls-cert"}
	case c.TLSKey == "":
		return &Error{"tls-cert", "needs tls-key"}
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
		return &Error{"tls-cert", err.Error()}
	}
	return nil
}

func (c *Config) validateClient() error {
	if c.ClientDir == "" {
		return nil
	}
	if _, err := fs.Stat(os.DirFS(c.ClientDir), c.ClientFile()); err != nil {
		return &Error{"client-dir", fmt.Sprintf("there is no %s in %q; it must be the dist folder of the npm package socket.io-client@%s",
			c.ClientFile(), c.ClientDir, sio.ClientVersion)}
	}
	return nil
}

func (c *Config) validateLog() error {
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return &Error{"log-format", fmt.Sprintf("%q is not text or json", c.LogFormat)}
	}
	return nil
}

func (c *Config) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, aerr := netip.ParseAddr(text)
			if aerr != nil {
				return nil, &Error{"trusted-proxy", fmt.Sprintf("%q is not an address or a prefix such as 10.0.0.0/8", text)}
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		list = append(list, p.Masked())
	}
	return list, nil
}
