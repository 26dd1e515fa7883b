package sio

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// A Handshake is the first request of a connection, and what a client sent
// when it joined a namespace.
type Handshake struct {
	// Headers are those of the first request.
	Headers http.Header
	// Query holds all its parameters, those of Engine.IO included.
	Query url.Values
	// Auth is the payload of the CONNECT as JSON; nil if there was none. Binary in
	// it, which only ParserMsgpack has, is null here; Socket.Auth decodes it.
	Auth json.RawMessage
	// Address is the client's: of the TCP peer, or what a trusted proxy said.
	// It is invalid on a Unix socket.
	Address netip.AddrPort
	// URL is the request target.
	URL string
	// Issued is when the request arrived.
	Issued time.Time
	// Secure tells whether the connection is encrypted.
	Secure bool
	// XDomain tells whether the request had an Origin.
	XDomain bool
}

// Handshake returns how the socket came to be. It is complete at any time,
// also after the disconnect, and split anew at each call: keep the result
// where it is needed often. With Options.DropHandshake only Auth is left when
// the OnConnection handlers have returned.
func (s *Socket) Handshake() Handshake {
	hs := s.client.Handshake()
	h := Handshake{Auth: s.auth(), Address: hs.Remote(), Issued: hs.Issued(), Secure: hs.Secure()}
	if hs.IsZero() {
		return h
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(hs.Head())))
	if err != nil {
		return h // cannot be: the head was parsed, more strictly, before
	}
	h.Headers, h.URL, h.Query = r.Header, r.RequestURI, r.URL.Query()
	if r.Host != "" {
		h.Headers.Set("Host", r.Host)
	}
	_, h.XDomain = r.Header["Origin"]
	return h
}

// Auth decodes the payload of the CONNECT into v. Without a payload v stays
// as it is. Binary, which only ParserMsgpack has there, goes into a []byte.
func (s *Socket) Auth(v any) error {
	x := s.extra.Load()
	if x == nil || len(x.auth) == 0 {
		return nil
	}
	d := &s.nsp.srv.dialect
	if d.msgpack {
		return d.decode([][]byte{x.auth}, nil, 0, v)
	}
	return d.codec.Unmarshal(x.auth, v)
}

// auth returns the payload of the CONNECT as JSON.
func (s *Socket) auth() json.RawMessage {
	if x := s.extra.Load(); x != nil {
		return s.nsp.srv.dialect.auth(x.auth)
	}
	return nil
}

// TimeString returns when the handshake was issued as the Node server prints
// it, for example "Sat Nov 21 2026 19:18:04 GMT+0000 (Coordinated Universal
// Time)".
func (h Handshake) TimeString() string {
	return h.Issued.UTC().Format("Mon Jan 02 2006 15:04:05 GMT+0000") + " (Coordinated Universal Time)"
}
