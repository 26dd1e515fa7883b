package msgpackx

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// Errors of what cannot be read or written.
var (
	// ErrInvalid says that bytes are not MessagePack.
	ErrInvalid = errors.New("msgpackx: invalid MessagePack")
	// ErrTooDeep says that a value nests too deeply, which one that contains
	// itself always does.
	ErrTooDeep = errors.New("msgpackx: value nested too deeply")
	// ErrPlaceholder says that a map next to binary looks like what stands for
	// binary in JSON, so that there is no JSON for both.
	ErrPlaceholder = errors.New("msgpackx: map that looks like a placeholder for binary")
)

// maxNesting bounds arrays and maps wherever the caller gives no limit.
const maxNesting = 10000

// AppendJSON appends the value raw, whole, as JSON. Binary is appended to *atts,
// uncopied, and stands in the JSON as a placeholder with its index; with a nil
// atts it is null. On an error dst and *atts are returned as they were.
func AppendJSON(dst, raw []byte, atts *[][]byte) ([]byte, error) {
	w := jsonWriter{raw: raw}
	if atts != nil {
		w.keep, w.atts = true, *atts
	}
	had := len(w.atts)
	out, next, err := w.value(dst, 0, maxNesting)
	switch {
	case err != nil:
		return dst, err
	case next != len(raw):
		return dst, ErrInvalid
	case w.marked && len(w.atts) > had:
		return dst, ErrPlaceholder
	}
	if atts != nil {
		*atts = w.atts
	}
	return out, nil
}

type jsonWriter struct {
	raw    []byte
	atts   [][]byte
	keep   bool // binary is kept
	marked bool // a map has _placeholder: true
}

func (w *jsonWriter) value(dst []byte, i, depth int) (out []byte, next int, err error) {
	t, ok := read(w.raw, i)
	if !ok {
		return dst, 0, ErrInvalid
	}
	switch t.kind {
	case kindArray:
		return w.array(dst, t, depth)
	case kindMap:
		return w.object(dst, t, depth)
	case kindBool:
		return strconv.AppendBool(dst, t.num != 0), t.next, nil
	case kindString:
		return jsonx.AppendStringBytes(dst, t.body), t.next, nil
	case kindUint, kindInt, kindFloat:
		return appendNumber(dst, &t), t.next, nil
	case kindBinary:
		return w.binary(dst, t.body), t.next, nil
	case kindExt:
		return w.extension(dst, &t), t.next, nil
	default:
		return append(dst, "null"...), t.next, nil
	}
}

func (w *jsonWriter) array(dst []byte, t token, depth int) ([]byte, int, error) {
	if depth == 0 {
		return dst, 0, ErrTooDeep
	}
	dst = append(dst, '[')
	i := t.next
	for n := range t.n {
		if n > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, i, err = w.value(dst, i, depth-1); err != nil {
			return dst, 0, err
		}
	}
	return append(dst, ']'), i, nil
}

func (w *jsonWriter) object(dst []byte, t token, depth int) ([]byte, int, error) {
	if depth == 0 {
		return dst, 0, ErrTooDeep
	}
	dst = append(dst, '{')
	i := t.next
	for n := range t.n {
		if n > 0 {
			dst = append(dst, ',')
		}
		k, ok := read(w.raw, i)
		if !ok || !k.key() {
			return dst, 0, ErrInvalid
		}
		dst = append(appendKey(dst, &k), ':')
		if string(k.body) == "_placeholder" && k.next < len(w.raw) && w.raw[k.next] == 0xc3 {
			w.marked = true
		}
		var err error
		if dst, i, err = w.value(dst, k.next, depth-1); err != nil {
			return dst, 0, err
		}
	}
	return append(dst, '}'), i, nil
}

func (w *jsonWriter) binary(dst, b []byte) []byte {
	if !w.keep {
		return append(dst, "null"...)
	}
	dst = jsonx.AppendPlaceholder(dst, len(w.atts))
	w.atts = append(w.atts, b)
	return dst
}

func (w *jsonWriter) extension(dst []byte, t *token) []byte {
	if b, ok := t.bytes(); ok {
		return w.binary(dst, b)
	}
	if t.undefined() {
		return append(dst, "null"...)
	}
	if at, ok := t.date(); ok {
		// A time is written without asking a codec, which is what could fail.
		dst, _ = jsonx.AppendValue(dst, at, nil, nil)
		return dst
	}
	dst = strconv.AppendInt(append(dst, '['), int64(t.ext), 10)
	dst = w.binary(append(dst, ','), t.body)
	return append(dst, ']')
}

// date reads the two forms of a point in time.
func (t *token) date() (at time.Time, ok bool) {
	switch {
	case t.ext == extNotepack && t.one && len(t.body) == 8:
		return time.UnixMilli(int64(binary.BigEndian.Uint64(t.body))), true
	case t.ext != extTimestamp:
		return time.Time{}, false
	}
	switch len(t.body) {
	case 4:
		return time.Unix(int64(binary.BigEndian.Uint32(t.body)), 0), true
	case 8:
		v := binary.BigEndian.Uint64(t.body)
		return time.Unix(int64(v&(1<<34-1)), int64(v>>34)), true
	case 12:
		return time.Unix(int64(binary.BigEndian.Uint64(t.body[4:])), int64(binary.BigEndian.Uint32(t.body))), true
	}
	return time.Time{}, false
}

func appendNumber(dst []byte, t *token) []byte {
	switch t.kind {
	case kindUint:
		return strconv.AppendUint(dst, t.num, 10)
	case kindInt:
		return strconv.AppendInt(dst, int64(t.num), 10)
	default:
		return jsonx.AppendFloat(dst, math.Float64frombits(t.num))
	}
}

// appendKey appends a key as the text that JavaScript makes of it.
func appendKey(dst []byte, t *token) []byte {
	switch t.kind {
	case kindString:
		return jsonx.AppendStringBytes(dst, t.body)
	case kindNil:
		return append(dst, `"null"`...)
	case kindExt:
		return append(dst, `"undefined"`...)
	case kindBool:
		dst = strconv.AppendBool(append(dst, '"'), t.num != 0)
	case kindFloat:
		if f := math.Float64frombits(t.num); math.IsNaN(f) || math.IsInf(f, 0) {
			dst = append(dst, '"')
			dst = append(dst, infinite(f)...)
		} else {
			dst = jsonx.AppendFloat(append(dst, '"'), f)
		}
	default:
		dst = appendNumber(append(dst, '"'), t)
	}
	return append(dst, '"')
}

func infinite(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return "NaN"
}
