package polling

import (
	"bytes"
	"unicode/utf8"
)

// maxJSONPIndex is how many digits of the query parameter j are kept.
const maxJSONPIndex = 10

// maxPairs is how many pairs of a form are looked at, as by the reference.
const maxPairs = 1000

// JSONPIndex returns the digits of the query parameter j of a handshake, the
// index of the function that every response of the session calls: at most ten
// of them, and possibly none. Whatever else the parameter holds is left out, so
// that no client chooses what a script does.
func JSONPIndex(j string) string {
	n := 0
	for n < len(j) && n < maxJSONPIndex && j[n]-'0' < 10 {
		n++
	}
	if n == len(j) || n == maxJSONPIndex {
		return j[:n]
	}
	kept := make([]byte, 0, maxJSONPIndex)
	for i := 0; i < len(j) && len(kept) < maxJSONPIndex; i++ {
		if j[i]-'0' < 10 {
			kept = append(kept, j[i])
		}
	}
	return string(kept)
}

// AppendJSONP appends the body of a response to a GET of JSONP: a script that
// calls a function with the payload, which is text. Its content type is that of
// any other payload.
func AppendJSONP(dst []byte, index string, payload []byte) []byte {
	dst = append(dst, "___eio["...)
	dst = append(dst, index...)
	dst = append(dst, "]("...)
	dst = appendScriptString(dst, payload)
	return append(dst, ");"...)
}

// appendScriptString appends b as a JSON string that is also one of JavaScript
// before ECMAScript 2019; bytes that are not UTF-8 become U+FFFD.
func appendScriptString(dst, b []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(b); {
		r, size := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(b[i:])
		}
		if r >= ' ' && r != '"' && r != '\\' && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		dst = append(dst, b[from:i]...)
		i += size
		from = i
		switch r {
		case '\u2028':
			dst = append(dst, `\u2028`...)
		case '\u2029':
			dst = append(dst, `\u2029`...)
		default:
			dst = appendEscape(dst, r)
		}
	}
	dst = append(dst, b[from:]...)
	return append(dst, '"')
}

// DecodeJSONP returns the payload of a POST of JSONP, whose body is a form: its
// field d, decoded in place and then with `\n` turned into a line feed and one
// backslash taken from `\\n`. ok is false if there is no such field, or more
// than one: the reference accepts the request and does nothing. The payload may
// hold bytes that are not UTF-8: see ValidUTF8Text.
func DecodeJSONP(body []byte) (payload []byte, ok bool) {
	for range maxPairs {
		pair, rest, more := bytes.Cut(body, []byte("&"))
		name, value, _ := bytes.Cut(pair, []byte("="))
		if len(pair) > 0 && isFieldD(name) {
			if ok {
				return nil, false
			}
			payload, ok = value, true
		}
		if !more {
			break
		}
		body = rest
	}
	if !ok {
		return nil, false
	}
	return unescapeNewlines(unescapeForm(payload)), true
}

// isFieldD reports whether a name of a form is d, maybe percent-encoded.
func isFieldD(name []byte) bool {
	return string(name) == "d" || string(name) == "%64"
}

// unescapeForm decodes a value of a form in place. A percent sign that no two
// hexadecimal digits follow stands for itself.
func unescapeForm(b []byte) []byte {
	w := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(b):
			hi, lo := hexDigit(b[i+1]), hexDigit(b[i+2])
			if hi|lo < 16 {
				c = hi<<4 | lo
				i += 2
			}
		}
		b[w] = c
		w++
	}
	return b[:w:w]
}

// hexDigit returns the value of a hexadecimal digit, 16 or more of others.
func hexDigit(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case (c|0x20)-'a' < 6:
		return (c | 0x20) - 'a' + 10
	}
	return 0x80
}

// unescapeNewlines undoes in place what a JSONP client does to line feeds,
// which a browser would turn into two characters: it sends `\n` for one, and
// where the payload has `\n` one more backslash.
func unescapeNewlines(b []byte) []byte {
	i := bytes.Index(b, []byte(`\n`))
	if i < 0 {
		return b
	}
	for i > 0 && b[i-1] == '\\' {
		i--
	}
	w := i
	for i < len(b) {
		if b[i] != '\\' {
			b[w] = b[i]
			w, i = w+1, i+1
			continue
		}
		run := i
		for i < len(b) && b[i] == '\\' {
			i++
		}
		if i < len(b) && b[i] == 'n' {
			if i-run == 1 {
				b[w] = '\n'
				w, i = w+1, i+1
				continue
			}
			run++ // one of them goes
		}
		w += copy(b[w:], b[run:i])
	}
	return b[:w:w]
}
