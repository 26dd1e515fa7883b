package wsframe

import (
	"bytes"

	"github.com/gannet-io/gannet/internal/http1"
)

// DeflateParams is what server and client have agreed on about compression
// (RFC 7692, section 7). The zero value means that messages are not compressed.
// Neither side ever takes the context of a message over to the next.
type DeflateParams struct {
	// ServerBits is the base-2 logarithm, 8 to 15, of the window that the client
	// has for what the server compresses. Zero means that there is no agreement.
	ServerBits uint8

	// ClientBits is the same for what the client compresses; zero means that the
	// response says nothing, which is as good as 15.
	ClientBits uint8

	// limited says that the client has asked for ServerBits.
	limited bool
}

// maxWindowBits is the largest window of DEFLATE.
const maxWindowBits = 15

// Agreed reports whether messages may be compressed.
func (p DeflateParams) Agreed() bool { return p.ServerBits != 0 }

// Takes reports whether the peer can read a frame that was compressed without
// regard to its window, from a payload of n bytes: no match in it can reach
// back further than the payload is long. One frame may be compressed for all
// whom this is true of; the others get it plain, or one of their own.
func (p DeflateParams) Takes(n int) bool {
	return p.Agreed() && (p.ServerBits >= maxWindowBits || n <= 1<<p.ServerBits)
}

// NegotiateDeflate reads the extensions that a request offers, which
// CheckUpgrade has found well-formed, and returns what to answer: the zero
// value if no offer of permessage-deflate can be accepted. An offer with a
// parameter that is unknown, repeated or has a value that RFC 7692 does not
// allow is passed over; the first of the others is taken. It does not allocate.
func NegotiateDeflate(req *http1.Request) DeflateParams {
	for i := range req.Headers {
		h := &req.Headers[i]
		if !bytes.EqualFold(h.Name, []byte("Sec-WebSocket-Extensions")) {
			continue
		}
		for v := h.Value; len(v) > 0; {
			var name, params []byte
			if name, params, v = cutExtension(v); string(name) != "permessage-deflate" {
				continue
			}
			if p, ok := readOffer(params); ok {
				return p
			}
		}
	}
	return DeflateParams{}
}

// AppendExtension appends the header line that accepts the offer; it goes into
// the extra lines of AppendAccept. Without an agreement nothing is appended.
func (p DeflateParams) AppendExtension(dst []byte) []byte {
	if !p.Agreed() {
		return dst
	}
	dst = append(dst, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"...)
	if p.limited {
		dst = appendBits(append(dst, "; server_max_window_bits="...), p.ServerBits)
	}
	if p.ClientBits != 0 {
		dst = appendBits(append(dst, "; client_max_window_bits="...), p.ClientBits)
	}
	return append(dst, "\r\n"...)
}

func appendBits(dst []byte, bits uint8) []byte {
	if bits >= 10 {
		dst = append(dst, '1')
	}
	return append(dst, '0'+bits%10)
}

// readOffer reads the parameters of one offer.
func readOffer(params []byte) (p DeflateParams, ok bool) {
	p.ServerBits = maxWindowBits
	const serverTakeover, clientTakeover, serverBits, clientBits = 1, 2, 4, 8
	seen := 0
	for len(params) > 0 {
		var name, value []byte
		if name, value, params = cutParam(params); name == nil {
			return DeflateParams{}, false
		}
		bits, isBits := windowBits(value)
		var which int
		switch string(name) {
		case "server_no_context_takeover":
			which, ok = serverTakeover, value == nil
		case "client_no_context_takeover":
			which, ok = clientTakeover, value == nil
		case "server_max_window_bits":
			which, ok = serverBits, isBits
			p.ServerBits, p.limited = bits, true
		case "client_max_window_bits":
			// Without a value it says that a limit would be obeyed.
			which, ok = clientBits, isBits || value == nil
			p.ClientBits = bits
		default:
			return DeflateParams{}, false
		}
		if !ok || seen&which != 0 {
			return DeflateParams{}, false
		}
		seen |= which
	}
	return p, true
}

// windowBits reads a number from 8 to 15 without leading zeros. A backslash, as
// a quoted value may have in front of any character, is passed over.
func windowBits(value []byte) (bits uint8, ok bool) {
	n, digits := 0, 0
	for _, c := range value {
		switch {
		case c == '\\':
		case c-'0' >= 10 || digits == 2 || (digits == 0 && c == '0'):
			return 0, false
		default:
			n = n*10 + int(c-'0')
			digits++
		}
	}
	if n < 8 || n > maxWindowBits {
		return 0, false
	}
	return uint8(n), true
}

// cutExtension takes the first extension off v, which validExtensions accepts.
func cutExtension(v []byte) (name, params, rest []byte) {
	v = skipSpace(v)
	behind, _ := skipToken(v)
	name = v[:len(v)-len(behind)]
	end, ok := skipParams(behind)
	if !ok {
		return nil, nil, nil
	}
	params = behind[:len(behind)-len(end)]
	if len(end) > 0 {
		end = end[1:] // the comma
	}
	return name, params, end
}

// cutParam takes the first parameter off params, which begins with its
// semicolon. value is nil if there is none. A nil name says that what is left
// is no parameter.
func cutParam(params []byte) (name, value, rest []byte) {
	params = skipSpace(params)
	if len(params) == 0 || params[0] != ';' {
		return nil, nil, nil
	}
	params = skipSpace(params[1:])
	rest, ok := skipToken(params)
	if !ok {
		return nil, nil, nil
	}
	name = params[:len(params)-len(rest)]
	if len(rest) == 0 || rest[0] != '=' {
		return name, nil, skipSpace(rest)
	}
	rest = rest[1:]
	if len(rest) > 0 && rest[0] == '"' {
		value = rest[1:]
		rest, ok = skipQuoted(value)
		value = value[:max(0, len(value)-len(rest)-1)]
	} else {
		value = rest
		rest, ok = skipToken(value)
		value = value[:len(value)-len(rest)]
	}
	if !ok {
		return nil, nil, nil
	}
	return name, value, skipSpace(rest)
}
