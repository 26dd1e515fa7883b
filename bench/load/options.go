package load

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Transport is how a Conn reaches the server.
type Transport uint8

// The transports.
const (
	WebSocket Transport = iota // WebSocket from the start
	Polling                    // HTTP long-polling for ever
	Upgrade                    // HTTP long-polling, then WebSocket, as a browser does
)

// String returns the name that options and results use.
func (t Transport) String() string {
	switch t {
	case WebSocket:
		return "websocket"
	case Polling:
		return "polling"
	case Upgrade:
		return "upgrade"
	}
	return "unknown"
}

// Descriptors returns how many sockets a connection has at most.
func (t Transport) Descriptors() int {
	switch t {
	case WebSocket:
		return 1
	case Polling:
		return 2
	case Upgrade:
		return 3
	}
	return 1
}

// Options configures a Pool.
type Options struct {
	// Addr is the server's host and port.
	Addr string
	// TLS is how the server is spoken to if it is https. Nil means http.
	TLS *tls.Config
	// Path is the server's path. Empty means "/socket.io/", or "/" if Plain.
	Path string
	// Query is added to the query of every request, without a leading "&".
	Query url.Values
	// Header is added to every request, cookies included.
	Header http.Header
	// Transport is that of connections opened by Dial.
	Transport Transport
	// Namespace to join. Empty means "/".
	Namespace string
	// Auth is the JSON payload of the CONNECT. Nil means none.
	Auth json.RawMessage
	// Plain speaks WebSocket without Engine.IO and Socket.IO: there is no
	// handshake behind the 101, and no heartbeat. Messages are the same bytes.
	Plain bool
	// Deflate offers permessage-deflate without context takeover to WebSockets,
	// and fails if the server does not agree. What the server compresses is
	// inflated, up to 64 MB a message; nothing is compressed here.
	Deflate bool
	// Msgpack speaks the dialect of the npm package socket.io-msgpack-parser.
	// Packets are given to Conn.Send as JSON and translated, and come back
	// translated to OnPacket. A caller who does not want to pay for that has
	// OnEvent, and sends whole packets by Conn.SendBinary.
	Msgpack bool
	// Loops is the number of event loops. Zero means 1.
	Loops int
	// Timeout bounds a dial with its handshake. Zero means 30s.
	Timeout time.Duration
	// PerSource is how many connections to a loopback address are opened from
	// one source address before the next one of 127.0.0.0/8 is taken: one
	// address has some 28,000 ports. Zero means 20,000.
	PerSource int

	// OnOpen is called when a connection is ready to send. Nil is free.
	OnOpen func(c *Conn)
	// OnPacket is called for each event and each acknowledgement. What p has
	// is borrowed: valid until the return.
	OnPacket func(c *Conn, p *Packet)
	// OnEvent is called, unless there is OnPacket, for each text message that
	// starts with "42" or "43", with what follows the "4"; with Msgpack for each
	// event or acknowledgement, with the whole message. Borrowed: valid until the
	// return.
	OnEvent func(c *Conn, packet []byte)
	// OnClose is called when a connection ends that was ready, with the reason:
	// ErrHangup after Hangup. Nil is free.
	OnClose func(c *Conn, err error)
}

// Check returns an *OptionError if o cannot be used.
func (o *Options) Check() error {
	d := o.withDefaults()
	return d.check()
}

// withDefaults returns a copy in which everything is set.
func (o *Options) withDefaults() Options {
	d := *o
	if d.Path == "" {
		d.Path = "/socket.io/"
		if d.Plain {
			d.Path = "/"
		}
	}
	if d.Namespace == "" {
		d.Namespace = "/"
	}
	if d.Timeout == 0 {
		d.Timeout = 30 * time.Second
	}
	if d.Loops == 0 {
		d.Loops = 1
	}
	if d.PerSource == 0 {
		d.PerSource = 20_000
	}
	return d
}

// An OptionError says which of the Options cannot be used.
type OptionError struct {
	Field  string
	Reason string
}

// Error implements error.
func (e *OptionError) Error() string { return "load: " + e.Field + ": " + e.Reason }

// check is Check of options in which everything is set.
func (o *Options) check() error {
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		return &OptionError{"Addr", fmt.Sprintf("want host:port, not %q", o.Addr)}
	}
	for k, values := range o.Header {
		if k == "" || strings.ContainsFunc(k, func(r rune) bool { return r <= ' ' || r >= 0x7F || r == ':' }) {
			return &OptionError{"Header", fmt.Sprintf("%q is no name of a header", k)}
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) {
				return &OptionError{"Header", fmt.Sprintf("the value of %s has a line end or another control character", k)}
			}
		}
	}
	if strings.ContainsFunc(o.Path, func(r rune) bool { return r <= ' ' || r == '?' || r == '#' || r == 0x7F }) || !strings.HasPrefix(o.Path, "/") {
		return &OptionError{"Path", fmt.Sprintf("want it to begin with a slash and to have no spaces and no query, not %q", o.Path)}
	}
	if o.Plain && o.Msgpack {
		return &OptionError{"Msgpack", "a plain connection has no packets"}
	}
	if o.Auth != nil && !json.Valid(o.Auth) {
		return &OptionError{"Auth", "it is not JSON"}
	}
	if !strings.HasPrefix(o.Namespace, "/") || strings.ContainsRune(o.Namespace, ',') {
		return &OptionError{"Namespace", fmt.Sprintf("want it to begin with a slash and to have no comma, not %q", o.Namespace)}
	}
	return nil
}

// loopback reports whether Addr is on this machine, where any address of
// 127.0.0.0/8 may be a source.
func (o *Options) loopback() bool {
	host, _, _ := net.SplitHostPort(o.Addr)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is4() && ip.IsLoopback()
}

// url returns what the server is reached at, for people.
func (o *Options) url() string {
	scheme := "http://"
	if o.TLS != nil {
		scheme = "https://"
	}
	return scheme + o.Addr + o.Path
}

// headers returns the header lines that every request has.
func (o *Options) headers() string {
	var b strings.Builder
	host := o.Addr
	if h := o.Header.Get("Host"); h != "" {
		host = h
	}
	fmt.Fprintf(&b, "Host: %s\r\n", host)
	keys := make([]string, 0, len(o.Header))
	for k := range o.Header {
		if !strings.EqualFold(k, "Host") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		for _, v := range o.Header[k] {
			fmt.Fprintf(&b, "%s: %s\r\n", k, v)
		}
	}
	return b.String()
}

// target returns the request target for one transport of Engine.IO.
func (o *Options) target(transport, sid string) string {
	var list []string
	if !o.Plain {
		list = append(list, "EIO=4", "transport="+transport)
	}
	if sid != "" {
		list = append(list, "sid="+url.QueryEscape(sid))
	}
	if len(o.Query) > 0 {
		list = append(list, o.Query.Encode())
	}
	if len(list) == 0 {
		return o.Path
	}
	return o.Path + "?" + strings.Join(list, "&")
}
