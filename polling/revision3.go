package polling

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
)

// EmptyPayload3 is a payload of revision 3 without packets.
const EmptyPayload3 = "0:"

// The ways in which a payload of revision 3 is malformed, beyond those that
// revision 4 has too.
const (
	ErrLength       PayloadError = "malformed length"
	ErrShort        PayloadError = "packet shorter than its length"
	ErrSplitRune    PayloadError = "length ends within a character"
	ErrMarker       PayloadError = "packet is marked neither text nor binary"
	ErrText         PayloadError = "text is not UTF-8"
	ErrEmptyPayload PayloadError = "empty payload"
)

// The errors as interface values, so that returning one allocates nothing.
var (
	errLength       error = ErrLength
	errShort        error = ErrShort
	errSplitRune    error = ErrSplitRune
	errMarker       error = ErrMarker
	errText         error = ErrText
	errEmptyPayload error = ErrEmptyPayload
)

// A Framing is the form of a payload of revision 3.
type Framing uint8

const (
	// TextFraming is `<length>:<packet>`, where the length counts UTF-16 code
	// units and binary is base64 behind "b4".
	TextFraming Framing = iota
	// BinaryFraming is, for each packet, a byte 0 (text) or 1 (binary), the
	// decimal digits of the length in bytes, each as a byte of value 0 to 9, a
	// byte 255, and the packet. The type of a binary packet is a byte of value 0
	// to 6.
	BinaryFraming
)

// Bytes of BinaryFraming.
const (
	markText   = 0
	markBinary = 1
	endDigits  = 255
)

// maxDigits bounds a length: no payload is that long.
const maxDigits = 10

// A Reader3 reads the packets of one payload of revision 3, with a budget.
type Reader3 struct {
	rest    []byte
	left    int
	framing Framing
	empty   bool // nothing at all was there
}

// A raw3 is a packet that was cut off and not decoded.
type raw3 struct {
	b      []byte
	binary bool // its type is a byte of value 0 to 6
}

// Init starts a payload, which the reader may overwrite. Text framing must be
// UTF-8: see ValidUTF8Text. A budget of zero means MaxPackets.
func (r *Reader3) Init(payload []byte, framing Framing, budget int) {
	if budget == 0 {
		budget = MaxPackets
	}
	*r = Reader3{rest: payload, left: budget, framing: framing, empty: len(payload) == 0 && framing == TextFraming}
}

// Next returns the next packet; ok is false at the end and after an error. The
// rest of a payload behind an error is dropped, as the reference server does.
// An empty packet of text framing counts for the budget and is passed over.
func (r *Reader3) Next() (p Packet, ok bool, err error) {
	raw, ok, err := r.next()
	if !ok {
		return Packet{}, false, err
	}
	if raw.binary {
		p.Binary = true
		p.Type, p.Data, err = DecodeBinaryPacket3(raw.b)
	} else {
		p.Type, p.Data, p.Binary, err = DecodePacket3(raw.b)
	}
	if err != nil {
		*r = Reader3{}
		return Packet{}, false, err
	}
	return p, true, nil
}

// CheckPayload3 returns an error, a PayloadError, if a packet of the payload
// cannot be decoded or there are more than MaxPackets. What stands behind a
// close packet is not looked at: nobody will handle it. The payload is not
// changed.
func CheckPayload3(payload []byte, framing Framing) error {
	var r Reader3
	r.Init(payload, framing, 0)
	for {
		raw, ok, err := r.next()
		if !ok {
			return err
		}
		var typ eio.PacketType
		switch {
		case raw.binary:
			typ, _, err = DecodeBinaryPacket3(raw.b)
		case len(raw.b) > 0 && raw.b[0] == 'b':
			var digits []byte
			if typ, digits, err = cutBase64(raw.b); err == nil && !validBase64(digits) {
				err = errBase64
			}
		default:
			typ, _, _, err = DecodePacket3(raw.b)
		}
		if err != nil || typ == eio.Close {
			return err
		}
	}
}

// next cuts the next packet off the payload, in text framing the next that is
// not empty.
func (r *Reader3) next() (raw raw3, ok bool, err error) {
	for {
		switch {
		case r.empty:
			err = errEmptyPayload
		case len(r.rest) == 0:
			return raw3{}, false, nil
		case r.left <= 0:
			err = errTooManyPackets
		case r.framing == BinaryFraming:
			raw, r.rest, err = cutFramed(r.rest)
		default:
			raw.b, r.rest, err = cutText3(r.rest)
		}
		if err != nil {
			*r = Reader3{}
			return raw3{}, false, err
		}
		r.left--
		if len(raw.b) > 0 || r.framing == BinaryFraming {
			return raw, true, nil
		}
	}
}

// cutText3 cuts the first packet off text framing.
func cutText3(b []byte) (pkt, rest []byte, err error) {
	n, i := 0, 0
	for i < len(b) && b[i] != ':' {
		if b[i]-'0' > 9 || i == maxDigits {
			return nil, nil, errLength
		}
		n = n*10 + int(b[i]-'0')
		i++
	}
	if i == 0 || i == len(b) {
		return nil, nil, errLength
	}
	b = b[i+1:]
	end, err := skipUnits(b, n)
	if err != nil {
		return nil, nil, err
	}
	return b[:end:end], b[end:], nil
}

// skipUnits returns how many bytes n UTF-16 code units take.
func skipUnits(b []byte, n int) (int, error) {
	if n > len(b) {
		return 0, errShort // no character has more units than bytes
	}
	i := 0
	for n > 0 {
		if i == len(b) {
			return 0, errShort
		}
		if b[i] < utf8.RuneSelf {
			i++
			n--
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		i += size
		n--
		if r > 0xFFFF {
			n--
		}
	}
	if n < 0 {
		return 0, errSplitRune
	}
	return i, nil
}

// cutFramed cuts the first packet off binary framing.
func cutFramed(b []byte) (raw raw3, rest []byte, err error) {
	if b[0] != markText && b[0] != markBinary {
		return raw3{}, nil, errMarker
	}
	n, i := 0, 1
	for i < len(b) && b[i] != endDigits {
		if b[i] > 9 || i > maxDigits {
			return raw3{}, nil, errLength
		}
		n = n*10 + int(b[i])
		i++
	}
	if i == 1 || i == len(b) {
		return raw3{}, nil, errLength
	}
	raw.binary = b[0] == markBinary
	if b = b[i+1:]; n > len(b) {
		return raw3{}, nil, errShort
	}
	if raw.b = b[:n:n]; !raw.binary && !utf8.Valid(raw.b) {
		return raw3{}, nil, errText
	}
	return raw, b[n:], nil
}

// cutBase64 takes the type off a binary packet in text form.
func cutBase64(pkt []byte) (typ eio.PacketType, digits []byte, err error) {
	if len(pkt) < 2 || !eio.PacketType(pkt[1]).Valid() {
		return 0, nil, errUnknownPacket
	}
	return eio.PacketType(pkt[1]), pkt[2:], nil
}

// DecodePacket3 decodes one packet of revision 3: the text of a WebSocket
// message, or without its length of a payload. A binary packet is base64 behind
// "b" and its type, decoded in place as DecodePacket does. An error is always a
// PayloadError.
func DecodePacket3(pkt []byte) (typ eio.PacketType, data []byte, binary bool, err error) {
	if len(pkt) == 0 {
		return 0, nil, false, errEmptyPacket
	}
	if pkt[0] == 'b' {
		typ, data, err = cutBase64(pkt)
		if err != nil {
			return 0, nil, false, err
		}
		data, ok := decodeBase64(data)
		if !ok {
			return 0, nil, false, errBase64
		}
		return typ, data, true, nil
	}
	if typ = eio.PacketType(pkt[0]); !typ.Valid() {
		return 0, nil, false, errUnknownPacket
	}
	return typ, pkt[1:], false, nil
}

// DecodeBinaryPacket3 decodes a binary WebSocket message of revision 3, whose
// first byte is its type. An error is always a PayloadError.
func DecodeBinaryPacket3(pkt []byte) (typ eio.PacketType, data []byte, err error) {
	switch {
	case len(pkt) == 0:
		return 0, nil, errEmptyPacket
	case pkt[0] > byte(eio.Noop-'0'):
		return 0, nil, errUnknownPacket
	}
	return eio.PacketType('0' + pkt[0]), pkt[1:], nil
}

// AppendBinaryType3 appends the byte that begins a binary message of revision 3
// on a WebSocket; its data follows.
func AppendBinaryType3(dst []byte) []byte { return append(dst, byte(eio.Message-'0')) }

// AppendBinaryPacket3 appends a binary message in text form, without a length:
// "b4" and padded base64.
func AppendBinaryPacket3(dst, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(append(dst, 'b', byte(eio.Message)), data)
}

// AppendText3 appends a text packet, type included, to a payload.
func AppendText3(dst, pkt []byte, framing Framing) []byte {
	if framing == BinaryFraming {
		return append(appendMark(dst, markText, len(pkt)), pkt...)
	}
	dst = append(appendInt(dst, units(pkt)), ':')
	return append(dst, pkt...)
}

// AppendBinary3 appends a binary message with the given data to a payload.
func AppendBinary3(dst, data []byte, framing Framing) []byte {
	if framing == BinaryFraming {
		return append(AppendBinaryType3(appendMark(dst, markBinary, 1+len(data))), data...)
	}
	dst = append(appendInt(dst, base64Size3(len(data))), ':')
	return AppendBinaryPacket3(dst, data)
}

// TextSize3 returns the length in bytes that AppendText3 gives a packet.
func TextSize3(pkt []byte, framing Framing) int {
	if framing == BinaryFraming {
		return 2 + digits(len(pkt)) + len(pkt)
	}
	return 1 + digits(units(pkt)) + len(pkt)
}

// BinarySize3 returns the length that AppendBinary3 gives n bytes of data.
func BinarySize3(n int, framing Framing) int {
	if framing == BinaryFraming {
		return 2 + digits(1+n) + 1 + n
	}
	return 1 + digits(base64Size3(n)) + base64Size3(n)
}

// CheckPost3 is CheckPost for revision 3, where a body may be binary: that is
// what framing says then.
func CheckPost3(req *http1.Request) (framing Framing, status int) {
	if isOctetStream(req) {
		framing = BinaryFraming
	}
	if contentCoded(req) {
		status = 415
	}
	return framing, status
}

func base64Size3(n int) int { return 2 + base64.StdEncoding.EncodedLen(n) }

// units returns the number of UTF-16 code units of b, which is UTF-8.
func units(b []byte) int {
	n := utf8.RuneCount(b)
	for _, c := range b {
		if c >= 0xF0 { // begins a character that takes two
			n++
		}
	}
	return n
}

func digits(n int) int {
	var scratch [20]byte
	return len(strconv.AppendInt(scratch[:0], int64(n), 10))
}

// appendMark appends what stands in front of a packet in binary framing.
func appendMark(dst []byte, mark byte, n int) []byte {
	start := len(dst) + 1
	dst = appendInt(append(dst, mark), n)
	for i := start; i < len(dst); i++ {
		dst[i] -= '0'
	}
	return append(dst, endDigits)
}
