package msgpackx

import (
	"encoding/binary"
	"math"
)

// A kind is what a token is.
type kind uint8

const (
	kindNil kind = iota
	kindBool
	kindUint
	kindInt // negative
	kindFloat
	kindString
	kindBinary
	kindArray
	kindMap
	kindExt
)

// Types of extensions.
const (
	extNotepack  = 0
	extTimestamp = -1
)

// A token is the head of a value, with its payload if it has no elements.
type token struct {
	body []byte // of a string, binary or extension
	num  uint64 // the bits of an int64 or float64, or 0 or 1
	n    int    // elements of an array, pairs of a map
	next int    // index behind the token: of the first element, if there are any
	kind kind
	ext  int8
	one  bool // an extension with a fixed length
}

// heads maps the bytes 0xc0 to 0xdf to what they begin and to how many bytes of
// length or number follow; fixed is the length of an extension.
var heads = [32]struct {
	kind  kind
	width uint8
	fixed uint8
	bad   bool
}{
	0x00: {kind: kindNil},
	0x01: {bad: true},
	0x02: {kind: kindBool},
	0x03: {kind: kindBool},
	0x04: {kind: kindBinary, width: 1},
	0x05: {kind: kindBinary, width: 2},
	0x06: {kind: kindBinary, width: 4},
	0x07: {kind: kindExt, width: 1},
	0x08: {kind: kindExt, width: 2},
	0x09: {kind: kindExt, width: 4},
	0x0a: {kind: kindFloat, width: 4},
	0x0b: {kind: kindFloat, width: 8},
	0x0c: {kind: kindUint, width: 1},
	0x0d: {kind: kindUint, width: 2},
	0x0e: {kind: kindUint, width: 4},
	0x0f: {kind: kindUint, width: 8},
	0x10: {kind: kindInt, width: 1},
	0x11: {kind: kindInt, width: 2},
	0x12: {kind: kindInt, width: 4},
	0x13: {kind: kindInt, width: 8},
	0x14: {kind: kindExt, fixed: 1},
	0x15: {kind: kindExt, fixed: 2},
	0x16: {kind: kindExt, fixed: 4},
	0x17: {kind: kindExt, fixed: 8},
	0x18: {kind: kindExt, fixed: 16},
	0x19: {kind: kindString, width: 1},
	0x1a: {kind: kindString, width: 2},
	0x1b: {kind: kindString, width: 4},
	0x1c: {kind: kindArray, width: 2},
	0x1d: {kind: kindArray, width: 4},
	0x1e: {kind: kindMap, width: 2},
	0x1f: {kind: kindMap, width: 4},
}

// read reads the token at b[i]. ok is false if it is malformed, or longer than
// the bytes that are there; an element takes at least one.
func read(b []byte, i int) (t token, ok bool) {
	if i < 0 || i >= len(b) {
		return token{}, false
	}
	c := b[i]
	i++
	switch {
	case c < 0x80:
		return token{kind: kindUint, num: uint64(c), next: i}, true
	case c >= 0xe0:
		return token{kind: kindInt, num: uint64(int64(int8(c))), next: i}, true
	case c < 0x90:
		return elements(b, i, kindMap, uint64(c&0x0f))
	case c < 0xa0:
		return elements(b, i, kindArray, uint64(c&0x0f))
	case c < 0xc0:
		return payload(b, i, kindString, uint64(c&0x1f))
	}
	h := &heads[c-0xc0]
	width := int(h.width)
	if h.bad || width > len(b)-i {
		return token{}, false
	}
	num := bigEndian(b[i : i+width])
	i += width
	switch h.kind {
	case kindNil:
		return token{kind: kindNil, next: i}, true
	case kindBool:
		return token{kind: kindBool, num: uint64(c & 1), next: i}, true
	case kindFloat:
		if width == 4 {
			num = math.Float64bits(float64(math.Float32frombits(uint32(num))))
		}
		return token{kind: kindFloat, num: num, next: i}, true
	case kindUint:
		return token{kind: kindUint, num: num, next: i}, true
	case kindInt:
		return signed(num, width, i), true
	case kindString, kindBinary:
		return payload(b, i, h.kind, num)
	case kindArray, kindMap:
		return elements(b, i, h.kind, num)
	default:
		return extension(b, i, num, h.fixed)
	}
}

// signed extends the sign of an integer of width bytes. What is not negative
// is a kindUint.
func signed(num uint64, width, next int) token {
	shift := 64 - 8*width
	v := int64(num<<shift) >> shift
	if v >= 0 {
		return token{kind: kindUint, num: uint64(v), next: next}
	}
	return token{kind: kindInt, num: uint64(v), next: next}
}

func payload(b []byte, i int, k kind, n uint64) (token, bool) {
	if n > uint64(len(b)-i) {
		return token{}, false
	}
	end := i + int(n)
	return token{kind: k, body: b[i:end:end], next: end}, true
}

func elements(b []byte, i int, k kind, n uint64) (token, bool) {
	least := n
	if k == kindMap {
		least = 2 * n
	}
	if least > uint64(len(b)-i) {
		return token{}, false
	}
	return token{kind: k, n: int(n), next: i}, true
}

func extension(b []byte, i int, n uint64, fixed uint8) (token, bool) {
	if i >= len(b) {
		return token{}, false
	}
	typ := int8(b[i])
	if fixed > 0 {
		n = uint64(fixed)
	}
	t, ok := payload(b, i+1, kindExt, n)
	t.ext, t.one = typ, fixed > 0
	return t, ok
}

// bigEndian reads up to eight bytes.
func bigEndian(b []byte) uint64 {
	switch len(b) {
	case 0:
		return 0
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	default:
		return binary.BigEndian.Uint64(b)
	}
}

// undefined reports whether t is what notepack writes for undefined.
func (t *token) undefined() bool {
	return t.kind == kindExt && t.one && t.ext == extNotepack && len(t.body) == 1
}

// bytes returns the bytes of what counts as binary: of bin, and of what notepack
// writes for an ArrayBuffer.
func (t *token) bytes() ([]byte, bool) {
	if t.kind == kindBinary || t.kind == kindExt && t.ext == extNotepack && !t.one {
		return t.body, true
	}
	return nil, false
}

// key reports whether t may be a key.
func (t *token) key() bool {
	switch t.kind {
	case kindArray, kindMap, kindBinary:
		return false
	case kindExt:
		return t.undefined()
	default:
		return true
	}
}
