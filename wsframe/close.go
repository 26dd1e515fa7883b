package wsframe

import (
	"encoding/binary"
	"unicode/utf8"
)

// Close codes (RFC 6455, section 7.4.1, and the IANA registry).
const (
	CloseNormal         uint16 = 1000
	CloseGoingAway      uint16 = 1001
	CloseProtocolError  uint16 = 1002
	CloseUnsupported    uint16 = 1003
	CloseNoStatus       uint16 = 1005 // never on the wire: an empty close frame
	CloseAbnormal       uint16 = 1006 // never on the wire: no close frame
	CloseInvalidPayload uint16 = 1007
	ClosePolicy         uint16 = 1008
	CloseTooBig         uint16 = 1009
	CloseInternal       uint16 = 1011
	CloseTryAgainLater  uint16 = 1013
)

// A CloseError is a violation of the protocol by the peer, in the words that
// the close frame should carry. All of them are preallocated.
type CloseError struct {
	Code   uint16
	Reason string
}

// Error returns the reason.
func (e *CloseError) Error() string { return "wsframe: " + e.Reason }

// The violations that a Reader or ParseClose can report.
var (
	ErrReservedBits     = &CloseError{CloseProtocolError, "reserved bit set"}
	ErrReservedOpcode   = &CloseError{CloseProtocolError, "reserved opcode"}
	ErrNotMasked        = &CloseError{CloseProtocolError, "frame is not masked"}
	ErrMasked           = &CloseError{CloseProtocolError, "frame is masked"}
	ErrControlFragment  = &CloseError{CloseProtocolError, "fragmented control frame"}
	ErrControlTooLong   = &CloseError{CloseProtocolError, "control frame too long"}
	ErrNoMessage        = &CloseError{CloseProtocolError, "continuation without a message"}
	ErrInterleaved      = &CloseError{CloseProtocolError, "new message inside a fragmented one"}
	ErrLengthNotMinimal = &CloseError{CloseProtocolError, "length is not minimal"}
	ErrLengthOverflow   = &CloseError{CloseProtocolError, "length has its top bit set"}
	ErrTooBig           = &CloseError{CloseTooBig, "message too big"}
	ErrTinyFragments    = &CloseError{ClosePolicy, "too many tiny fragments"}
	ErrInvalidUTF8      = &CloseError{CloseInvalidPayload, "invalid UTF-8"}
	ErrCompressed       = &CloseError{CloseInvalidPayload, "invalid compressed data"}
	ErrClosePayload     = &CloseError{CloseProtocolError, "close frame with half a code"}
	ErrCloseCode        = &CloseError{CloseProtocolError, "invalid close code"}
	ErrCloseReason      = &CloseError{CloseInvalidPayload, "invalid UTF-8 in close reason"}
)

// maxReason is what a control frame has left after the code.
const maxReason = maxControl - 2

// ParseClose splits the payload of a close frame. The code is CloseNoStatus
// when the payload is empty. The reason aliases payload. An error is a
// *CloseError; it is nil for every close message that Reader.Next returned.
func ParseClose(payload []byte) (code uint16, reason []byte, err error) {
	if ce := checkClose(payload); ce != nil {
		return 0, nil, ce
	}
	if len(payload) == 0 {
		return CloseNoStatus, nil, nil
	}
	return binary.BigEndian.Uint16(payload), payload[2:], nil
}

// AppendClose appends an unmasked close frame. A code that must not appear on
// the wire, such as 0 or CloseNoStatus, makes it the empty frame 88 00. The
// reason is cut on a rune boundary to the 123 bytes that fit, or before its
// first byte that is not UTF-8.
func AppendClose(dst []byte, code uint16, reason string) []byte {
	if !wireCode(code) {
		return append(dst, bitFin|byte(OpClose), 0)
	}
	reason = cutReason(reason)
	dst = append(dst, bitFin|byte(OpClose), byte(2+len(reason)))
	dst = binary.BigEndian.AppendUint16(dst, code)
	return append(dst, reason...)
}

// cutReason returns the longest prefix of s that is UTF-8 and fits.
func cutReason(s string) string {
	end := 0
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if r == utf8.RuneError && size == 1 || end+size > maxReason {
			break
		}
		end += size
	}
	return s[:end]
}

func checkClose(payload []byte) *CloseError {
	switch {
	case len(payload) == 0:
		return nil
	case len(payload) == 1:
		return ErrClosePayload
	case !wireCode(binary.BigEndian.Uint16(payload)):
		return ErrCloseCode
	case !utf8.Valid(payload[2:]):
		return ErrCloseReason
	}
	return nil
}

// wireCode reports whether code may appear in a close frame: the registered
// codes, and the ranges of libraries (3000) and applications (4000).
func wireCode(code uint16) bool {
	switch {
	case code >= 3000:
		return code <= 4999
	case code < 1000 || code > 1014:
		return false
	default:
		return code != 1004 && code != CloseNoStatus && code != CloseAbnormal
	}
}
