package msgpackx

import (
	"bytes"
	"strconv"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// FromJSON appends the value raw, JSON that is valid, as MessagePack. The
// placeholders of raw, as jsonx.AppendPlaceholder writes them, become the
// elements of atts that they name; without atts they are ordinary objects.
func FromJSON(dst, raw []byte, atts [][]byte) ([]byte, error) {
	if !jsonx.Valid(raw, maxNesting) {
		return dst, jsonx.ErrInvalidJSON
	}
	r := jsonReader{raw: raw, atts: atts}
	out, _ := r.value(dst, jsonx.SkipSpace(raw, 0))
	return out, nil
}

// A jsonReader walks valid JSON.
type jsonReader struct {
	raw     []byte
	atts    [][]byte
	scratch []byte
}

func (r *jsonReader) value(dst []byte, i int) (out []byte, next int) {
	switch r.raw[i] {
	case '{':
		return r.object(dst, i)
	case '[':
		return r.array(dst, i)
	case '"':
		return r.text(dst, i)
	case 't':
		return AppendBool(dst, true), i + len("true")
	case 'f':
		return AppendBool(dst, false), i + len("false")
	case 'n':
		return AppendNil(dst), i + len("null")
	default:
		next = jsonx.Skip(r.raw, i, 0)
		return appendJSONNumber(dst, r.raw[i:next]), next
	}
}

func (r *jsonReader) text(dst []byte, i int) (out []byte, next int) {
	next = jsonx.SkipString(r.raw, i+1)
	body := r.raw[i+1 : next-1]
	if bytes.IndexByte(body, '\\') >= 0 {
		r.scratch = jsonx.Unquote(r.scratch[:0], body)
		body = r.scratch
	}
	return AppendString(dst, body), next
}

func (r *jsonReader) array(dst []byte, i int) (out []byte, next int) {
	start, n := len(dst), 0
	dst = append(dst, make([]byte, maxHead)...)
	for i = jsonx.SkipSpace(r.raw, i+1); r.raw[i] != ']'; n++ {
		dst, i = r.value(dst, i)
		i = r.comma(i)
	}
	return closeHead(dst, start, n, 0x90, 0xdc), i + 1
}

func (r *jsonReader) object(dst []byte, i int) (out []byte, next int) {
	if at, end, ok := r.placeholder(i); ok {
		return AppendBytes(dst, r.atts[at]), end
	}
	start, n := len(dst), 0
	dst = append(dst, make([]byte, maxHead)...)
	for i = jsonx.SkipSpace(r.raw, i+1); r.raw[i] != '}'; n++ {
		dst, i = r.text(dst, i)
		i = jsonx.SkipSpace(r.raw, i)
		dst, i = r.value(dst, jsonx.SkipSpace(r.raw, i+1))
		i = r.comma(i)
	}
	return closeHead(dst, start, n, 0x80, 0xde), i + 1
}

// comma skips what separates two elements.
func (r *jsonReader) comma(i int) int {
	if i = jsonx.SkipSpace(r.raw, i); r.raw[i] == ',' {
		i = jsonx.SkipSpace(r.raw, i+1)
	}
	return i
}

// placeholder reads a placeholder at raw[i] that names one of atts.
func (r *jsonReader) placeholder(i int) (at, end int, ok bool) {
	const head = `{"_placeholder":true,"num":`
	rest, found := bytes.CutPrefix(r.raw[i:], []byte(head))
	if len(r.atts) == 0 || !found {
		return 0, 0, false
	}
	n := bytes.IndexByte(rest, '}')
	at, err := strconv.Atoi(string(rest[:max(n, 0)]))
	if err != nil || at < 0 || at >= len(r.atts) {
		return 0, 0, false
	}
	return at, i + len(head) + n + 1, true
}

// appendJSONNumber appends a number: exactly, if it is written as an integer of
// 64 bits.
func appendJSONNumber(dst, raw []byte) []byte {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return AppendInt(dst, n)
	}
	if n, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		return AppendUint(dst, n)
	}
	f, _ := strconv.ParseFloat(string(raw), 64) // an infinity where no double is large enough, as in JavaScript
	return AppendFloat(dst, f)
}
