package http1

import "encoding/binary"

// Classes of bytes, one bit each.
const (
	isToken  = 1 << iota // tchar of RFC 9110 5.6.2
	isTarget             // visible ASCII without '#'
	isHost               // reg-name, IPv4 and port bytes of RFC 3986
	isHex
)

// class is the character table. Immutable.
var class = buildClass()

func buildClass() (t [256]uint8) {
	set := func(chars string, bit uint8) {
		for _, c := range []byte(chars) {
			t[c] |= bit
		}
	}
	const alnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	set(alnum, isToken|isHost)
	set("!#$%&'*+-.^_`|~", isToken)
	set("-._~!$&'()*+,;=%", isHost)
	set("0123456789abcdefABCDEF", isHex)
	for c := '!'; c <= '~'; c++ {
		if c != '#' {
			t[c] |= isTarget
		}
	}
	return t
}

// allOf reports whether every byte of b is in the class bit.
func allOf(b []byte, bit uint8) bool {
	for _, c := range b {
		if class[c]&bit == 0 {
			return false
		}
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// cleanValue reports whether b has no control byte other than TAB, which is
// what a header value may hold: HTAB, 0x20–0x7E and 0x80–0xFF.
func cleanValue(b []byte) bool {
	if len(b) < 8 {
		return cleanSlow(b)
	}
	for i := 0; i+8 <= len(b); i += 8 {
		if suspect(binary.LittleEndian.Uint64(b[i:])) && !cleanSlow(b[i:i+8]) {
			return false
		}
	}
	// What is left, and some bytes once more.
	b = b[len(b)-8:]
	return !suspect(binary.LittleEndian.Uint64(b)) || cleanSlow(b)
}

// suspect reports whether a byte of x may be a control byte. Borrows make false
// alarms possible, never misses.
func suspect(x uint64) bool {
	del := x ^ ones*0x7f
	return ((x-ones*0x20)&^x|(del-ones)&^del)&highs != 0
}

func cleanSlow(b []byte) bool {
	for _, c := range b {
		if (c < 0x20 && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

// equalFold reports whether b is s, ASCII letters compared without case. s must
// be in lower case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}

// equalFoldAny is equalFold for an s in any case.
func equalFoldAny(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' <= 'Z'-'A' {
		return c + ('a' - 'A')
	}
	return c
}

// trim cuts spaces and tabs off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// nextElement cuts the first element off a comma-separated list.
func nextElement(list []byte) (elem, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:]
		}
	}
	return trim(list), nil
}

// hasToken reports whether the comma-separated list holds token, which must be
// in lower case.
func hasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var elem []byte
		elem, list = nextElement(list)
		if equalFold(elem, token) {
			return true
		}
	}
	return false
}
