package jsonx

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of AppendValue.
var (
	// ErrInvalidJSON says that a json.RawMessage, or what a Codec produced, is
	// not JSON.
	ErrInvalidJSON = errors.New("jsonx: invalid JSON")
	// ErrTooDeep says that []any and map[string]any values nest too deeply,
	// which a value that contains itself always does.
	ErrTooDeep = errors.New("jsonx: value nested too deeply")
)

// maxNesting bounds []any and map[string]any on the way out.
const maxNesting = 1000

// AppendValue appends v as JSON.stringify would. Where atts is not nil, a
// []byte (nil or not) that is v itself or lies in it by way of []any and
// map[string]any alone is appended to *atts, uncopied, and stands in the JSON
// as a placeholder with its index; everywhere else a []byte is base64, as in
// encoding/json. Values of other types go through c, nil meaning Std. On an
// error dst is returned as it was, and *atts too.
func AppendValue(dst []byte, v any, c Codec, atts *[][]byte) ([]byte, error) {
	w := writer{codec: c}
	if atts != nil {
		w.binary, w.atts = true, *atts
	}
	out, err := w.value(dst, v, maxNesting)
	if err != nil {
		return dst, err
	}
	if atts != nil {
		*atts = w.atts
	}
	return out, nil
}

type writer struct {
	codec  Codec
	binary bool
	atts   [][]byte
}

func (w *writer) value(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return AppendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case float64:
		return AppendFloat(dst, v), nil
	case json.RawMessage:
		return appendRaw(dst, v)
	case []byte:
		return w.bytes(dst, v), nil
	case []any:
		return w.array(dst, v, depth)
	case map[string]any:
		return w.object(dst, v, depth)
	case time.Time:
		return appendTime(dst, v), nil
	default:
		return w.other(dst, v)
	}
}

// other writes the rarer scalars itself and leaves the rest to the codec.
func (w *writer) other(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int16:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int8:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint16:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint8:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case float32:
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return appendNumber(dst, f, 32), nil
		}
		return append(dst, "null"...), nil
	case []string:
		return appendSlice(dst, v, AppendString), nil
	case []int:
		return appendSlice(dst, v, appendInt), nil
	case []float64:
		return appendSlice(dst, v, AppendFloat), nil
	case Appender:
		return w.appender(dst, v)
	default:
		return appendCodec(dst, v, w.codec)
	}
}

func appendInt(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }

func appendSlice[T any](dst []byte, v []T, one func([]byte, T) []byte) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, item := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, item)
	}
	return append(dst, ']')
}

func (w *writer) bytes(dst, v []byte) []byte {
	if w.binary {
		dst = AppendPlaceholder(dst, len(w.atts))
		w.atts = append(w.atts, v)
		return dst
	}
	if v == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, '"')
}

func (w *writer) array(dst []byte, v []any, depth int) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	if depth == 0 {
		return dst, ErrTooDeep
	}
	dst = append(dst, '[')
	for i, item := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.value(dst, item, depth-1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (w *writer) object(dst []byte, v map[string]any, depth int) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	if depth == 0 {
		return dst, ErrTooDeep
	}
	// Small maps sort on the stack.
	entries := make([]entry, 0, 16)
	for k, item := range v {
		entries = append(entries, entry{k, item})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, entries[i].key)
		dst = append(dst, ':')
		var err error
		if dst, err = w.value(dst, entries[i].item, depth-1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

type entry struct {
	key  string
	item any
}

// AppendPlaceholder appends what stands in JSON for attachment n.
func AppendPlaceholder(dst []byte, n int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '}')
}

// appendTime writes the milliseconds of t as Date.prototype.toJSON does.
func appendTime(dst []byte, t time.Time) []byte {
	const maxMilli = 8.64e15
	ms := t.UnixMilli()
	if ms > maxMilli || ms < -maxMilli {
		return append(dst, "null"...)
	}
	t = t.UTC()
	dst = append(dst, '"')
	year := t.Year()
	if year < 0 || year > 9999 {
		sign := byte('+')
		if year < 0 {
			sign, year = '-', -year
		}
		dst = append(dst, sign)
		dst = appendPadded(dst, year, 6)
	} else {
		dst = appendPadded(dst, year, 4)
	}
	dst = t.AppendFormat(dst, "-01-02T15:04:05.000Z")
	return append(dst, '"')
}

func appendPadded(dst []byte, n, width int) []byte {
	var buf [8]byte
	for i := width - 1; i >= 0; i-- {
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, buf[:width]...)
}

// appendRaw writes JSON that the caller supplied, checked so that it cannot
// break the packet around it.
func appendRaw(dst []byte, raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	if !Valid(raw, maxDepth) {
		return dst, ErrInvalidJSON
	}
	return appendUTF8(dst, raw), nil
}

// appendUTF8 appends JSON with U+FFFD for each byte that is not UTF-8: a text
// frame must be UTF-8.
func appendUTF8(dst, raw []byte) []byte {
	if utf8.Valid(raw) {
		return append(dst, raw...)
	}
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, raw[:n]...)
		}
		raw = raw[n:]
	}
	return dst
}

func appendCodec(dst []byte, v any, c Codec) ([]byte, error) {
	start := len(dst)
	if _, std := c.(Std); c == nil || std {
		out, err := Std{}.appendMarshal(dst, v)
		if err != nil || utf8.Valid(out[start:]) {
			return out, err
		}
		return appendUTF8(dst, slices.Clone(out[start:])), nil
	}
	raw, err := c.Marshal(v)
	if err != nil {
		return dst, err
	}
	if raw == nil {
		return dst, ErrInvalidJSON
	}
	return appendRaw(dst, raw)
}
