package msgpackx

import "math"

// What Skip returns instead of an index.
const (
	Invalid = -1 // not MessagePack, or cut off
	TooDeep = -2 // arrays and maps nested deeper than allowed
)

// Skip returns the index after the value at b[i], or Invalid or TooDeep. depth
// is how many arrays and maps may lie within each other.
func Skip(b []byte, i, depth int) int {
	if i >= 0 && i < len(b) {
		if n := int(sizes[b[i]]); n > 0 {
			if n > len(b)-i {
				return Invalid
			}
			return i + n
		}
	}
	t, ok := read(b, i)
	if !ok {
		return Invalid
	}
	if t.kind != kindArray && t.kind != kindMap {
		return t.next
	}
	if depth <= 0 {
		return TooDeep
	}
	return skipElements(b, t.next, t.n, t.kind == kindMap, depth-1)
}

// skipElements is Skip for n elements, or for as many pairs.
func skipElements(b []byte, i, n int, pairs bool, depth int) int {
	for range n {
		if pairs {
			if i = skipKey(b, i); i < 0 {
				return Invalid
			}
		}
		if i < len(b) { // as in Skip, without a call: most elements are small
			if n := int(sizes[b[i]]); n > 0 && n <= len(b)-i {
				i += n
				continue
			}
		}
		if i = Skip(b, i, depth); i < 0 {
			return i
		}
	}
	return i
}

// skipKey is Skip for the key of a map.
func skipKey(b []byte, i int) int {
	if i < len(b) {
		if c := b[i]; c >= 0xa0 && c < 0xc0 { // short text
			if n := int(sizes[c]); n <= len(b)-i {
				return i + n
			}
		}
	}
	k, ok := read(b, i)
	if !ok || !k.key() {
		return Invalid
	}
	return k.next
}

// sizes are the lengths of values by their first byte, where that says all: of
// numbers, short text, extensions of a fixed length and the like. Zero is for
// the others, and for the byte that begins nothing.
var sizes = fixedSizes()

func fixedSizes() (sizes [256]uint8) {
	for c := range sizes {
		switch {
		case c < 0x80 || c >= 0xe0:
			sizes[c] = 1
		case c >= 0xa0 && c < 0xc0:
			sizes[c] = 1 + uint8(c&0x1f)
		case c >= 0xc0:
			switch h := heads[c-0xc0]; {
			case h.bad:
			case h.fixed > 0: // with a byte for the type
				sizes[c] = 2 + h.fixed
			case h.kind == kindNil || h.kind == kindBool || h.kind == kindUint || h.kind == kindInt || h.kind == kindFloat:
				sizes[c] = 1 + h.width
			}
		}
	}
	return sizes
}

// Map reads the head of a map at b[i]: how many pairs it has and where the first
// begins.
func Map(b []byte, i int) (pairs, first int, ok bool) {
	t, ok := read(b, i)
	return t.n, t.next, ok && t.kind == kindMap
}

// Array reads the head of an array at b[i]: how many elements it has and where
// the first begins.
func Array(b []byte, i int) (n, first int, ok bool) {
	t, ok := read(b, i)
	return t.n, t.next, ok && t.kind == kindArray
}

// Text reads a string at b[i], as a view, and the index after it.
func Text(b []byte, i int) (s []byte, next int, ok bool) {
	t, ok := read(b, i)
	return t.body, t.next, ok && t.kind == kindString
}

// Uint reads a number at b[i] that is a whole one, not negative and less than
// 2^64, however it is written.
func Uint(b []byte, i int) (n uint64, ok bool) {
	t, ok := read(b, i)
	switch {
	case !ok:
		return 0, false
	case t.kind == kindUint:
		return t.num, true
	case t.kind != kindFloat:
		return 0, false
	}
	f := math.Float64frombits(t.num)
	if !(f >= 0 && f < 1<<64) || f != math.Trunc(f) {
		return 0, false
	}
	return uint64(f), true
}

// Absent reports whether the value at b[i] is nil or undefined.
func Absent(b []byte, i int) bool {
	t, ok := read(b, i)
	return ok && (t.kind == kindNil || t.undefined())
}

// Number reports whether the value at b[i] is a number.
func Number(b []byte, i int) bool {
	t, ok := read(b, i)
	return ok && (t.kind == kindUint || t.kind == kindInt || t.kind == kindFloat)
}

// Bytes returns the value b, whole, if it is binary: a view of it.
func Bytes(b []byte) ([]byte, bool) {
	t, ok := read(b, 0)
	if !ok || t.next != len(b) {
		return nil, false
	}
	return t.bytes()
}
