package http1

import (
	"bytes"
	"unicode/utf8"
)

// QueryValue looks a key up in an undecoded query string in the way of the
// WHATWG URLSearchParams: pairs are separated by '&', '+' is a space, %XX is
// decoded and a broken %XX is kept as it is, invalid UTF-8 becomes U+FFFD. Of
// several pairs with the key, the last counts.
func QueryValue(query []byte, key string) (value string, ok bool) {
	v, ok := QueryBytes(query, key, nil)
	return string(v), ok
}

// QueryBytes is QueryValue without an allocation: the value is a view of query
// when there is nothing to decode, and is appended to scratch[:0] otherwise.
func QueryBytes(query []byte, key string, scratch []byte) (value []byte, ok bool) {
	for end := len(query); end >= 0; {
		start := bytes.LastIndexByte(query[:end], '&') + 1
		pair := query[start:end]
		end = start - 1
		if len(pair) == 0 {
			continue
		}
		name, raw, _ := bytes.Cut(pair, []byte{'='})
		if !nameIs(name, key) {
			continue
		}
		if plain(raw) {
			return raw, true
		}
		return decodeForm(scratch[:0], raw), true
	}
	return nil, false
}

// nameIs reports whether the undecoded name means key.
func nameIs(name []byte, key string) bool {
	if plain(name) {
		return string(name) == key
	}
	// A decoded byte takes at most three; U+FFFD takes three for one.
	if len(name) > 3*len(key) {
		return false
	}
	var buf [96]byte
	return string(decodeForm(buf[:0], name)) == key
}

// plain reports whether b decodes to itself.
func plain(b []byte) bool {
	for _, c := range b {
		if c == '%' || c == '+' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decodeForm appends the decoded form of b.
func decodeForm(dst, b []byte) []byte {
	start := len(dst)
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '+':
			dst = append(dst, ' ')
		case c == '%' && i+2 < len(b) && allOf(b[i+1:i+3], isHex):
			dst = append(dst, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	if utf8.Valid(dst[start:]) {
		return dst
	}
	return append(dst[:start], AppendValidUTF8(nil, dst[start:])...)
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}

// AppendValidUTF8 appends b with every maximal ill-formed part replaced by one
// U+FFFD, which is what the decoders of browsers and Node do.
func AppendValidUTF8(dst, b []byte) []byte {
	for len(b) > 0 {
		n := validPrefix(b)
		dst = append(dst, b[:n]...)
		b = b[n:]
		if len(b) == 0 {
			break
		}
		dst = append(dst, "\uFFFD"...)
		b = b[illFormed(b):]
	}
	return dst
}

// validPrefix returns the length of the longest well-formed prefix.
func validPrefix(b []byte) int {
	if utf8.Valid(b) {
		return len(b)
	}
	i := 0
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		i += n
	}
	return i
}

// illFormed returns the length of the maximal subpart of the ill-formed sequence
// at the start of b, at least 1 (Unicode 3.9, table 3-7).
func illFormed(b []byte) int {
	lo, hi, need := byte(0x80), byte(0xBF), 0
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 1
	case c >= 0xE0 && c <= 0xEF:
		need = 2
		switch c {
		case 0xE0:
			lo = 0xA0
		case 0xED:
			hi = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		need = 3
		switch c {
		case 0xF0:
			lo = 0x90
		case 0xF4:
			hi = 0x8F
		}
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= lo && b[n] <= hi {
		n++
		lo, hi = 0x80, 0xBF
	}
	return n
}
