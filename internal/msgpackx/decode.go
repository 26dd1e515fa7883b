package msgpackx

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// Decode reads raw, one whole value, into v as jsonx.Decode does from the same
// value in JSON: by the json tags of a struct, numbers as float64 into an empty
// interface, Dates as ISO text or into a time.Time. Binary goes into a []byte at
// any depth, uncopied. The commonest targets are read without a detour.
func Decode(raw []byte, c jsonx.Codec, v any) error {
	t, ok := read(raw, 0)
	if !ok {
		return ErrInvalid
	}
	if t.next == len(raw) && scalar(&t, v) {
		return nil
	}
	// Not pooled: a codec may keep views of what it is given.
	var atts [][]byte
	text, err := AppendJSON(make([]byte, 0, 2*len(raw)), raw, &atts)
	if err != nil {
		return err
	}
	return jsonx.Decode(text, atts, c, v)
}

// scalar reads t where it is exactly what v points to.
func scalar(t *token, v any) bool {
	switch v := v.(type) {
	case *string:
		if v == nil || t.kind != kindString || !utf8.Valid(t.body) {
			return false
		}
		*v = string(t.body)
	case *[]byte:
		b, ok := t.bytes()
		if v == nil || !ok {
			return false
		}
		*v = slices.Clip(b)
	case *bool:
		if v == nil || t.kind != kindBool {
			return false
		}
		*v = t.num != 0
	case *float64:
		return v != nil && t.float(v)
	case *int:
		n, ok := t.int()
		if v == nil || !ok {
			return false
		}
		*v = int(n)
	case *int64:
		n, ok := t.int()
		if v == nil || !ok {
			return false
		}
		*v = n
	default:
		return false
	}
	return true
}

func (t *token) float(v *float64) bool {
	switch t.kind {
	case kindUint:
		*v = float64(t.num)
	case kindInt:
		*v = float64(int64(t.num))
	case kindFloat:
		f := math.Float64frombits(t.num)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return false // null in JSON
		}
		*v = f
	default:
		return false
	}
	return true
}

func (t *token) int() (int64, bool) {
	return int64(t.num), t.kind == kindInt || t.kind == kindUint && t.num <= math.MaxInt64
}
