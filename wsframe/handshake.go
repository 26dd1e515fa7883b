package wsframe

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"strconv"

	"github.com/gannet-io/gannet/internal/http1"
)

// acceptGUID is what RFC 6455, section 1.3, has every server append to the key.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// maxProtocols bounds the subprotocols of an offer, so that looking for
// repeated ones stays cheap.
const maxProtocols = 64

// An Upgrade is an opening handshake that was found correct.
type Upgrade struct {
	// Key is the client's Sec-WebSocket-Key.
	Key [24]byte

	// Protocol is the first subprotocol offered, nil without an offer.
	// Borrowed: valid as long as the bytes of the request.
	Protocol []byte
}

// A HandshakeError says how an opening handshake that was refused is answered.
// All of them are preallocated.
type HandshakeError struct {
	Status  int
	Body    string
	Headers string // further header lines, each with its CRLF
}

// Error returns the body of the answer.
func (e *HandshakeError) Error() string { return "wsframe: " + e.Body }

// Append appends the complete response. The connection closes behind it.
func (e *HandshakeError) Append(dst []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(e.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http1.StatusText(e.Status)...)
	dst = append(dst, "\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(e.Body)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, e.Headers...)
	dst = append(dst, "\r\n"...)
	return append(dst, e.Body...)
}

// The refusals of CheckUpgrade, in the order of its checks.
var (
	ErrMethod     = &HandshakeError{405, "Invalid HTTP method", "Allow: GET\r\n"}
	ErrRequest    = &HandshakeError{400, "Invalid HTTP version or unexpected body", ""}
	ErrUpgrade    = &HandshakeError{400, "Invalid Upgrade header", ""}
	ErrConnection = &HandshakeError{400, "Invalid Connection header", ""}
	ErrKey        = &HandshakeError{400, "Missing or invalid Sec-WebSocket-Key header", ""}
	ErrVersion    = &HandshakeError{400, "Missing or invalid Sec-WebSocket-Version header", "Sec-WebSocket-Version: 13, 8\r\n"}
	ErrProtocol   = &HandshakeError{400, "Invalid Sec-WebSocket-Protocol header", ""}
	ErrExtensions = &HandshakeError{400, "Invalid or unacceptable Sec-WebSocket-Extensions header", ""}
)

// CheckUpgrade checks an opening handshake. Version 8 has the frames of
// version 13 and is accepted as the reference server does. The offer
// of extensions must be well-formed; whether one of them is accepted is the
// business of NegotiateDeflate.
// It runs in time linear in the request and does not allocate.
func CheckUpgrade(req *http1.Request) (Upgrade, *HandshakeError) {
	var u Upgrade
	switch {
	case string(req.Method) != "GET":
		return u, ErrMethod
	case req.Minor < 1 || req.HasBody():
		return u, ErrRequest
	case req.Count("Upgrade") != 1 || !bytes.EqualFold(req.Get("Upgrade"), []byte("websocket")):
		return u, ErrUpgrade
	case !req.HasToken("Connection", "upgrade"):
		return u, ErrConnection
	case req.Count("Sec-WebSocket-Key") != 1 || !validKey(req.Get("Sec-WebSocket-Key")):
		return u, ErrKey
	case req.Count("Sec-WebSocket-Version") != 1 || !validVersion(req.Get("Sec-WebSocket-Version")):
		return u, ErrVersion
	}
	var offered offer
	for i := range req.Headers {
		h := &req.Headers[i]
		if bytes.EqualFold(h.Name, []byte("Sec-WebSocket-Protocol")) && !offered.add(h.Value) {
			return u, ErrProtocol
		}
	}
	for i := range req.Headers {
		h := &req.Headers[i]
		if bytes.EqualFold(h.Name, []byte("Sec-WebSocket-Extensions")) && !validExtensions(h.Value) {
			return u, ErrExtensions
		}
	}
	copy(u.Key[:], req.Get("Sec-WebSocket-Key"))
	u.Protocol = offered.first()
	return u, nil
}

// AppendAccept appends the complete 101 response to u. extra is header lines,
// each with its CRLF, whose values the caller has checked. A Protocol that is
// not a token is not written.
func AppendAccept(dst []byte, u *Upgrade, extra []byte) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	var in [len(u.Key) + len(acceptGUID)]byte
	copy(in[copy(in[:], u.Key[:]):], acceptGUID)
	sum := sha1.Sum(in[:])
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	dst = append(dst, "\r\n"...)
	if http1.ValidToken(u.Protocol) {
		dst = append(dst, "Sec-WebSocket-Protocol: "...)
		dst = append(dst, u.Protocol...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, extra...)
	return append(dst, "\r\n"...)
}

// validKey reports whether v looks like 16 bytes in base64.
func validKey(v []byte) bool {
	if len(v) != 24 || string(v[22:]) != "==" {
		return false
	}
	for _, c := range v[:22] {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}

func validVersion(v []byte) bool { return string(v) == "13" || string(v) == "8" }

// An offer collects the subprotocols of a request.
type offer struct {
	list [maxProtocols][]byte
	n    int
}

func (o *offer) first() []byte {
	if o.n == 0 {
		return nil
	}
	return o.list[0]
}

// add takes the value of one header line and reports whether it is a list of
// tokens that are all new.
func (o *offer) add(v []byte) bool {
	for more := true; more; {
		var name []byte
		name, v, more = bytes.Cut(v, []byte(","))
		name = bytes.Trim(name, " \t")
		if o.n == maxProtocols || !http1.ValidToken(name) || o.has(name) {
			return false
		}
		o.list[o.n] = name
		o.n++
	}
	return true
}

func (o *offer) has(name []byte) bool {
	for _, p := range o.list[:o.n] {
		if bytes.Equal(p, name) {
			return true
		}
	}
	return false
}

// validExtensions reports whether v is a list of extensions (RFC 6455,
// section 9.1): names with parameters whose values are tokens, quoted or not.
func validExtensions(v []byte) bool {
	for {
		var ok bool
		if v, ok = skipToken(skipSpace(v)); !ok {
			return false
		}
		if v, ok = skipParams(v); !ok {
			return false
		}
		if len(v) == 0 {
			return true
		}
		if v[0] != ',' {
			return false
		}
		v = v[1:]
	}
}

// skipParams cuts the parameters of one extension off v.
func skipParams(v []byte) (rest []byte, ok bool) {
	for v = skipSpace(v); len(v) > 0 && v[0] == ';'; v = skipSpace(v) {
		if v, ok = skipToken(skipSpace(v[1:])); !ok {
			return nil, false
		}
		if len(v) == 0 || v[0] != '=' {
			continue
		}
		if v = v[1:]; len(v) > 0 && v[0] == '"' {
			v, ok = skipQuoted(v[1:])
		} else {
			v, ok = skipToken(v)
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}

// skipQuoted cuts a quoted token off v, which begins behind the first quote.
func skipQuoted(v []byte) (rest []byte, ok bool) {
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '"' {
			return v[i+1:], i > 0
		}
		if c == '\\' {
			if i++; i == len(v) {
				break
			}
			c = v[i]
		}
		if !tokenByte(c) {
			break
		}
	}
	return nil, false
}

func skipToken(v []byte) (rest []byte, ok bool) {
	n := 0
	for n < len(v) && tokenByte(v[n]) {
		n++
	}
	return v[n:], n > 0
}

func skipSpace(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	return v
}

// tokenByte reports whether c may stand in a token.
func tokenByte(c byte) bool { return http1.ValidToken([]byte{c}) }
