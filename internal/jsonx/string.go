package jsonx

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as JSON.stringify writes it: the short escapes and
// \u00XX for control characters, everything else as it is, U+FFFD for each
// byte that is not UTF-8.
func AppendString(dst []byte, s string) []byte {
	return AppendStringBytes(dst, unsafe.Slice(unsafe.StringData(s), len(s)))
}

// AppendStringBytes is AppendString for a string that is held as bytes.
func AppendStringBytes(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; ; {
		i = plain(s, i)
		if i >= len(s) {
			break
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r != utf8.RuneError || n != 1 {
				i += n
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// Unquote appends the text of a JSON string, given without its quotes, that
// Skip has accepted. A surrogate that is not half of a pair becomes U+FFFD, as
// does each byte that is not UTF-8.
func Unquote(dst, s []byte) []byte {
	start := 0
	for i := 0; ; {
		i = plain(s, i)
		if i >= len(s) {
			break
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c != '\\' || i+1 >= len(s) {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		dst, i = unescape(dst, s, i+1)
		start = i
	}
	return append(dst, s[start:]...)
}

// plain returns the index of the first byte at or after s[i] that is not
// printable ASCII without a meaning in a string.
func plain(s []byte, i int) int {
	for i+8 <= len(s) {
		x := binary.LittleEndian.Uint64(s[i:])
		if m := special(x) | x&highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
		i++
	}
	return i
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// unescape appends what the escape whose letter is s[i] stands for and
// returns the index after it.
func unescape(dst, s []byte, i int) ([]byte, int) {
	switch s[i] {
	case 'b':
		return append(dst, '\b'), i + 1
	case 'f':
		return append(dst, '\f'), i + 1
	case 'n':
		return append(dst, '\n'), i + 1
	case 'r':
		return append(dst, '\r'), i + 1
	case 't':
		return append(dst, '\t'), i + 1
	case 'u':
	default:
		return append(dst, s[i]), i + 1
	}
	r := hex4(s, i+1)
	if r < 0 {
		return append(dst, s[i]), i + 1
	}
	i += 5
	if utf16.IsSurrogate(r) {
		if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(s, i+2)); pair != utf8.RuneError {
				return utf8.AppendRune(dst, pair), i + 6
			}
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(dst, r), i
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(s []byte, i int) rune {
	if len(s)-i < 4 {
		return -1
	}
	var r rune
	for _, c := range s[i : i+4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
