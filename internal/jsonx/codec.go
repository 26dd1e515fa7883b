package jsonx

import (
	"bytes"
	"encoding/json"
	"sync"
	"unicode/utf8"
)

// A Codec turns values that have no fast path here into JSON and back. It must
// be safe for concurrent use.
type Codec interface {
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// Std is the Codec over encoding/json. It does not escape HTML.
type Std struct{}

// Marshal is json.Marshal without HTML escaping.
func (Std) Marshal(v any) ([]byte, error) { return Std{}.appendMarshal(nil, v) }

// Unmarshal is json.Unmarshal.
func (Std) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

func (Std) appendMarshal(dst []byte, v any) ([]byte, error) {
	e, ok := encoders.Get().(*encoder)
	if !ok {
		e = newEncoder()
	}
	defer e.free()
	if err := e.enc.Encode(v); err != nil {
		return dst, err
	}
	return appendPlain(dst, bytes.TrimSuffix(e.buf.Bytes(), []byte{'\n'})), nil
}

// appendPlain appends JSON without the escapes that encoding/json writes and
// JSON.stringify does not: those of U+2028, U+2029 and U+FFFD.
func appendPlain(dst, raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`\u202`)) && !bytes.Contains(raw, []byte(`\ufffd`)) {
		return append(dst, raw...)
	}
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		n := 2
		if raw[1] == 'u' {
			n = 6
		}
		switch string(raw[:n]) {
		case `\u2028`, `\u2029`, `\ufffd`:
			dst = utf8.AppendRune(dst, hex4(raw, 2))
		default:
			dst = append(dst, raw[:n]...)
		}
		raw = raw[n:]
	}
}

// encoders holds *encoder values between uses.
var encoders sync.Pool

// maxPooledEncoder is the capacity above which a buffer is not kept.
const maxPooledEncoder = 64 << 10

type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}

func (e *encoder) free() {
	if e.buf.Cap() > maxPooledEncoder {
		return
	}
	e.buf.Reset()
	encoders.Put(e)
}
