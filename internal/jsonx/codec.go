package jsonx

import (
	"bytes"
	"encoding/json"
	"sync"
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
	return append(dst, bytes.TrimSuffix(e.buf.Bytes(), []byte{'\n'})...), nil
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
