package jsonx

import (
	"encoding/binary"
	"math/bits"
)

// Results of Skip that are not an index.
const (
	// BadSyntax says that the bytes are not JSON.
	BadSyntax = -1
	// TooDeep says that arrays and objects nest deeper than allowed.
	TooDeep = -2
)

// maxDepth bounds the recursion of callers that ask for no limit. It is the
// limit of encoding/json.
const maxDepth = 10000

// Words that repeat one byte, for string scans eight bytes at a time.
const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	quotes  = '"' * ones
	slashes = '\\' * ones
	spaces  = ' ' * ones
)

// Byte classes of the scanner.
const (
	classSpace = 1 << iota
	classHex
	classEscape // what may follow a backslash, except u
)

// class is indexed by a byte.
var class = [256]uint8{
	' ': classSpace, '\t': classSpace, '\n': classSpace, '\r': classSpace,
	'0': classHex, '1': classHex, '2': classHex, '3': classHex, '4': classHex,
	'5': classHex, '6': classHex, '7': classHex, '8': classHex, '9': classHex,
	'a': classHex, 'b': classHex | classEscape, 'c': classHex, 'd': classHex,
	'e': classHex, 'f': classHex | classEscape,
	'A': classHex, 'B': classHex, 'C': classHex, 'D': classHex, 'E': classHex, 'F': classHex,
	'"': classEscape, '\\': classEscape, '/': classEscape,
	'n': classEscape, 'r': classEscape, 't': classEscape,
}

// Valid reports whether b is one JSON text, with white space around it
// allowed, that nests at most depth arrays and objects. It accepts exactly
// what encoding/json accepts within that depth.
func Valid(b []byte, depth int) bool {
	i := Skip(b, SkipSpace(b, 0), depth)
	return i >= 0 && SkipSpace(b, i) == len(b)
}

// SkipSpace returns the index of the first byte at or after b[i] that is not
// JSON white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && class[b[i]]&classSpace != 0 {
		i++
	}
	return i
}

// Skip validates the JSON value that starts at b[i] and returns the index of
// the byte after it, or BadSyntax or TooDeep. depth is the number of levels
// of arrays and objects that the value may nest. White space in front of the
// value is not allowed.
func Skip(b []byte, i, depth int) int {
	if uint(i) >= uint(len(b)) {
		return BadSyntax
	}
	switch b[i] {
	case '"':
		return SkipString(b, i+1)
	case '{':
		return skipObject(b, i+1, depth)
	case '[':
		return skipArray(b, i+1, depth)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	default:
		return skipNumber(b, i)
	}
}

// SkipString validates the rest of a string, b[i] being the byte after its
// opening quote, and returns the index after the closing one, or BadSyntax.
func SkipString(b []byte, i int) int {
	i += unmarked(b[i:])
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		m := special(x)
		if m == 0 {
			i += 8
			continue
		}
		n := bits.TrailingZeros64(m) >> 3
		i += n + 1
		switch byte(x >> (n << 3)) {
		case '"':
			return i
		case '\\':
			if i = skipEscape(b, i); i < 0 {
				return BadSyntax
			}
		default:
			return BadSyntax
		}
	}
	for i < len(b) {
		c := b[i]
		i++
		switch {
		case c == '"':
			return i
		case c == '\\':
			if i = skipEscape(b, i); i < 0 {
				return BadSyntax
			}
		case c < ' ':
			return BadSyntax
		}
	}
	return BadSyntax
}

// unmarked returns how many bytes at the start of b, in steps of 32, need no look.
func unmarked(b []byte) (n int) {
	for ; len(b) >= 32; b = b[32:] {
		if special(binary.LittleEndian.Uint64(b))|special(binary.LittleEndian.Uint64(b[8:]))|
			special(binary.LittleEndian.Uint64(b[16:]))|special(binary.LittleEndian.Uint64(b[24:])) != 0 {
			break
		}
		n += 32
	}
	return n
}

// special marks, in the top bit of each byte of the word, a quote, a
// backslash or a control character. Only the lowest mark is exact: borrows
// may set false ones above it.
func special(x uint64) uint64 {
	q, s := x^quotes, x^slashes
	return ((q-ones)&^q | (s-ones)&^s | (x-spaces)&^x) & highs
}

// skipEscape validates what follows a backslash, b[i] being the byte after
// it.
func skipEscape(b []byte, i int) int {
	if i >= len(b) {
		return BadSyntax
	}
	if class[b[i]]&classEscape != 0 {
		return i + 1
	}
	if b[i] != 'u' || len(b)-i < 5 {
		return BadSyntax
	}
	if class[b[i+1]]&class[b[i+2]]&class[b[i+3]]&class[b[i+4]]&classHex == 0 {
		return BadSyntax
	}
	return i + 5
}

func skipArray(b []byte, i, depth int) int {
	if depth <= 0 {
		return TooDeep
	}
	i = SkipSpace(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = Skip(b, i, depth-1); i < 0 {
			return i
		}
		i = SkipSpace(b, i)
		if i >= len(b) {
			return BadSyntax
		}
		switch b[i] {
		case ',':
			i = SkipSpace(b, i+1)
		case ']':
			return i + 1
		default:
			return BadSyntax
		}
	}
}

func skipObject(b []byte, i, depth int) int {
	if depth <= 0 {
		return TooDeep
	}
	i = SkipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return BadSyntax
		}
		if i = SkipString(b, i+1); i < 0 {
			return i
		}
		i = SkipSpace(b, i)
		if i >= len(b) || b[i] != ':' {
			return BadSyntax
		}
		if i = Skip(b, SkipSpace(b, i+1), depth-1); i < 0 {
			return i
		}
		i = SkipSpace(b, i)
		if i >= len(b) {
			return BadSyntax
		}
		switch b[i] {
		case ',':
			i = SkipSpace(b, i+1)
		case '}':
			return i + 1
		default:
			return BadSyntax
		}
	}
}

func skipWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return BadSyntax
	}
	return i + len(word)
}

func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(b, i)
	if i == start || (b[start] == '0' && i > start+1) {
		return BadSyntax
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return BadSyntax
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, start); i == start {
			return BadSyntax
		}
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}
