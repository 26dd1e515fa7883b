package polling

import "bytes"

// invalid marks a byte outside both base64 alphabets.
const invalid = 0xFF

// sextets maps a byte to its six bits in the standard and in the URL-safe
// alphabet. Immutable.
var sextets = buildSextets()

func buildSextets() (t [256]uint8) {
	for i := range t {
		t[i] = invalid
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = uint8(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}

// unpadded returns the length of b without its padding; ok is false if b has
// too much of it or cannot be base64 because of its length.
func unpadded(b []byte) (n int, ok bool) {
	n = len(b)
	for n > 0 && b[n-1] == '=' {
		n--
	}
	pad, tail := len(b)-n, n%4
	return n, tail != 1 && (pad == 0 || (tail != 0 && tail+pad <= 4))
}

// validBase64 reports whether decodeBase64 accepts b, which it leaves alone.
func validBase64(b []byte) bool {
	if bytes.ContainsAny(b, lineBreaks) {
		b = dropLineBreaks(bytes.Clone(b))
	}
	n, ok := unpadded(b)
	for i := 0; ok && i < n; i++ {
		ok = sextets[b[i]] != invalid
	}
	return ok
}

// lineBreaks stand in base64 that the official Java client writes: one behind
// every 76 characters and one at the end (RFC 2045, section 6.8).
const lineBreaks = "\r\n"

// dropLineBreaks removes them in place.
func dropLineBreaks(b []byte) []byte {
	w := 0
	for _, c := range b {
		if c != '\r' && c != '\n' {
			b[w] = c
			w++
		}
	}
	return b[:w]
}

// decodeBase64 decodes b in place and returns the front part of b. Both
// alphabets are accepted, also mixed, and padding may be missing in whole or in
// part; line breaks are skipped. Too much padding, a lone last sextet or any
// other byte is refused.
func decodeBase64(b []byte) ([]byte, bool) {
	if bytes.ContainsAny(b, lineBreaks) {
		b = dropLineBreaks(b)
	}
	n, ok := unpadded(b)
	if !ok {
		return nil, false
	}
	tail := n % 4
	r, w := 0, 0
	for ; r+4 <= n; r, w = r+4, w+3 {
		a, c, d, e := sextets[b[r]], sextets[b[r+1]], sextets[b[r+2]], sextets[b[r+3]]
		if a|c|d|e == invalid {
			return nil, false
		}
		v := uint32(a)<<18 | uint32(c)<<12 | uint32(d)<<6 | uint32(e)
		b[w], b[w+1], b[w+2] = byte(v>>16), byte(v>>8), byte(v)
	}
	if tail == 0 {
		return b[:w:w], true
	}
	var v uint32
	for i := range tail {
		s := sextets[b[r+i]]
		if s == invalid {
			return nil, false
		}
		v |= uint32(s) << (18 - 6*i)
	}
	b[w] = byte(v >> 16)
	w++
	if tail == 3 {
		b[w] = byte(v >> 8)
		w++
	}
	return b[:w:w], true
}
