package polling

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
)

// Separator stands between the packets of a payload.
const Separator = '\x1e'

// MaxPackets is the default budget of packets in one payload.
const MaxPackets = 20000

// A PayloadError says why a payload could not be decoded. It closes the session
// with the reason "parse error".
type PayloadError string

func (e PayloadError) Error() string { return "polling: " + string(e) }

// The ways in which a payload is malformed.
const (
	ErrEmptyPacket    PayloadError = "empty packet"
	ErrUnknownPacket  PayloadError = "unknown packet type"
	ErrBase64         PayloadError = "malformed base64"
	ErrTooManyPackets PayloadError = "too many packets in one payload"
)

// A Packet is one decoded Engine.IO packet. Data is borrowed from the payload.
type Packet struct {
	Data   []byte
	Type   eio.PacketType
	Binary bool
}

// NextPacket cuts the first packet off a payload. more says whether another
// packet, maybe an empty one, follows in rest: the empty payload has one empty
// packet, "a\x1e" has two.
func NextPacket(payload []byte) (pkt, rest []byte, more bool) {
	if i := bytes.IndexByte(payload, Separator); i >= 0 {
		return payload[:i:i], payload[i+1:], true
	}
	return payload, nil, false
}

// DecodePacket decodes one packet. A binary packet is base64, decoded in place:
// padding may be missing and the URL-safe alphabet is accepted, anything else
// is an error. An error is always a PayloadError.
func DecodePacket(pkt []byte) (typ eio.PacketType, data []byte, binary bool, err error) {
	if len(pkt) == 0 {
		return 0, nil, false, errEmptyPacket
	}
	if pkt[0] == 'b' {
		data, ok := decodeBase64(pkt[1:])
		if !ok {
			return 0, nil, false, errBase64
		}
		return eio.Message, data, true, nil
	}
	typ = eio.PacketType(pkt[0])
	if !typ.Valid() {
		return 0, nil, false, errUnknownPacket
	}
	return typ, pkt[1:], false, nil
}

// The errors as interface values, so that returning one allocates nothing.
var (
	errEmptyPacket    error = ErrEmptyPacket
	errUnknownPacket  error = ErrUnknownPacket
	errBase64         error = ErrBase64
	errTooManyPackets error = ErrTooManyPackets
)

// A Reader reads the packets of one payload, with a budget.
type Reader struct {
	rest []byte
	left int
	more bool
}

// Init starts a payload. A budget of zero means MaxPackets.
func (r *Reader) Init(payload []byte, budget int) {
	if budget == 0 {
		budget = MaxPackets
	}
	*r = Reader{rest: payload, left: budget, more: true}
}

// Next returns the next packet; ok is false at the end and after an error. The
// rest of a payload behind an error is dropped, as the reference server does.
func (r *Reader) Next() (p Packet, ok bool, err error) {
	if !r.more {
		return Packet{}, false, nil
	}
	if r.left <= 0 {
		*r = Reader{}
		return Packet{}, false, errTooManyPackets
	}
	r.left--
	var raw []byte
	raw, r.rest, r.more = NextPacket(r.rest)
	p.Type, p.Data, p.Binary, err = DecodePacket(raw)
	if err != nil {
		*r = Reader{}
		return Packet{}, false, err
	}
	return p, true, nil
}

// CheckPayload returns an error, a PayloadError, if a packet of the payload
// cannot be decoded or there are more than MaxPackets. What stands behind a
// close packet is not looked at: nobody will handle it. The payload is not
// changed.
func CheckPayload(payload []byte) error {
	budget := MaxPackets
	for more := true; more; budget-- {
		if budget == 0 {
			return errTooManyPackets
		}
		var pkt []byte
		pkt, payload, more = NextPacket(payload)
		switch {
		case len(pkt) == 0:
			return errEmptyPacket
		case pkt[0] == 'b':
			if !validBase64(pkt[1:]) {
				return errBase64
			}
		case !eio.PacketType(pkt[0]).Valid():
			return errUnknownPacket
		case eio.PacketType(pkt[0]) == eio.Close:
			return nil
		}
	}
	return nil
}

// ValidUTF8Text returns text itself when it is valid UTF-8, else a copy with
// each maximal ill-formed part replaced by one U+FFFD.
func ValidUTF8Text(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return http1.AppendValidUTF8(make([]byte, 0, len(text)+16), text)
}

// AppendPacketText appends a text packet: the type and the data.
func AppendPacketText(dst []byte, typ eio.PacketType, data []byte) []byte {
	return append(append(dst, byte(typ)), data...)
}

// AppendBinaryPacket appends a binary message: 'b' and padded base64.
func AppendBinaryPacket(dst, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(append(dst, 'b'), data)
}

// BinarySize returns the length that AppendBinaryPacket gives n bytes of data.
func BinarySize(n int) int { return 1 + base64.StdEncoding.EncodedLen(n) }
