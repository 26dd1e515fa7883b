package msgpackx

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// An Appender writes its own MessagePack. AppendValue asks it before anything
// else. AppendMsgpack appends one value to dst.
type Appender interface {
	AppendMsgpack(dst []byte) ([]byte, error)
}

// maxDepth bounds values on the way out.
const maxDepth = 1000

// An UnsupportedTypeError says that a value has a type that has no MessagePack.
type UnsupportedTypeError struct{ Type reflect.Type }

// Error names the type.
func (e *UnsupportedTypeError) Error() string {
	return "msgpackx: unsupported type " + e.Type.String()
}

// AppendValue appends v. A []byte is binary wherever it lies, a time.Time is a
// Date, and structs follow encoding/json: their json tags, embedded fields,
// json.Marshaler, jsonx.Appender and encoding.TextMarshaler. Keys of maps are
// sorted. A json.RawMessage and what a Marshaler writes become the values that
// they are the JSON of. On an error dst is returned as it was.
func AppendValue(dst []byte, v any) ([]byte, error) {
	out, err := appendValue(dst, v, maxDepth)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendValue(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return AppendNil(dst), nil
	case string:
		return AppendString(dst, v), nil
	case bool:
		return AppendBool(dst, v), nil
	case int:
		return AppendInt(dst, int64(v)), nil
	case float64:
		return AppendFloat(dst, v), nil
	case int64:
		return AppendInt(dst, v), nil
	case uint64:
		return AppendUint(dst, v), nil
	case []byte:
		return AppendBytes(dst, v), nil
	case time.Time:
		return AppendTime(dst, v), nil
	case []any:
		return appendList(dst, v, depth)
	case map[string]any:
		return appendObject(dst, v, depth)
	case json.RawMessage:
		if v == nil {
			return AppendNil(dst), nil
		}
		return FromJSON(dst, v, nil)
	default:
		return appendReflect(dst, reflect.ValueOf(v), depth)
	}
}

func appendList(dst []byte, v []any, depth int) ([]byte, error) {
	if v == nil {
		return AppendNil(dst), nil
	}
	if depth == 0 {
		return dst, ErrTooDeep
	}
	dst = AppendArray(dst, len(v))
	for _, item := range v {
		var err error
		if dst, err = appendValue(dst, item, depth-1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendObject(dst []byte, v map[string]any, depth int) ([]byte, error) {
	if v == nil {
		return AppendNil(dst), nil
	}
	if depth == 0 {
		return dst, ErrTooDeep
	}
	dst = AppendMap(dst, len(v))
	// Small maps sort on the stack.
	keys := slices.AppendSeq(make([]string, 0, 16), maps.Keys(v))
	slices.Sort(keys)
	for _, k := range keys {
		var err error
		if dst, err = appendValue(AppendString(dst, k), v[k], depth-1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendReflect writes the types that appendValue does not know.
func appendReflect(dst []byte, rv reflect.Value, depth int) ([]byte, error) {
	if out, done, err := appendOwn(dst, rv, depth); done {
		return out, err
	}
	switch rv.Kind() {
	case reflect.Bool:
		return AppendBool(dst, rv.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return AppendInt(dst, rv.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return AppendUint(dst, rv.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return AppendFloat(dst, rv.Float()), nil
	case reflect.String:
		return appendText(dst, rv)
	case reflect.Interface, reflect.Pointer:
		if rv.IsNil() {
			return AppendNil(dst), nil
		}
		if depth == 0 {
			return dst, ErrTooDeep
		}
		return appendReflect(dst, rv.Elem(), depth-1)
	case reflect.Slice, reflect.Array:
		return appendSequence(dst, rv, depth)
	case reflect.Map:
		return appendMapping(dst, rv, depth)
	case reflect.Struct:
		return appendStruct(dst, rv, depth)
	default:
		return dst, &UnsupportedTypeError{rv.Type()}
	}
}

// appendText writes a string, or a json.Number as the number that it is.
func appendText(dst []byte, rv reflect.Value) ([]byte, error) {
	if n, ok := reflect.TypeAssert[json.Number](rv); ok {
		if n == "" {
			n = "0"
		}
		return FromJSON(dst, []byte(n), nil)
	}
	return AppendString(dst, rv.String()), nil
}

// appendOwn writes a value that says itself how. done says that it did.
func appendOwn(dst []byte, rv reflect.Value, depth int) (out []byte, done bool, err error) {
	if !rv.CanInterface() || rv.Kind() == reflect.Interface {
		return dst, false, nil
	}
	if rv.Kind() != reflect.Pointer && rv.CanAddr() && !ownWay(rv.Interface()) && ownWay(rv.Addr().Interface()) {
		rv = rv.Addr()
	}
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return AppendNil(dst), true, nil
	}
	if depth == 0 {
		return dst, true, ErrTooDeep
	}
	switch v := rv.Interface().(type) {
	case Appender:
		out, err = v.AppendMsgpack(dst)
	case time.Time:
		out = AppendTime(dst, v)
	case *time.Time:
		out = AppendTime(dst, *v)
	case jsonx.Appender:
		var text []byte
		var atts [][]byte
		if text, err = v.AppendJSON(nil, &atts); err == nil {
			out, err = FromJSON(dst, text, atts)
		}
	case json.Marshaler:
		var text []byte
		if text, err = v.MarshalJSON(); err == nil {
			out, err = FromJSON(dst, text, nil)
		}
	case encoding.TextMarshaler:
		var text []byte
		if text, err = v.MarshalText(); err == nil {
			out = AppendString(dst, text)
		}
	default:
		return dst, false, nil
	}
	if err != nil {
		return dst, true, err
	}
	return out, true, nil
}

// ownWay reports whether a value says itself how it is written.
func ownWay(v any) bool {
	switch v.(type) {
	case Appender, time.Time, jsonx.Appender, json.Marshaler, encoding.TextMarshaler:
		return true
	}
	return false
}

func appendSequence(dst []byte, rv reflect.Value, depth int) ([]byte, error) {
	if rv.Kind() == reflect.Slice {
		elem := rv.Type().Elem()
		if elem.Kind() == reflect.Uint8 && !ownWay(reflect.New(elem).Interface()) {
			return AppendBytes(dst, rv.Bytes()), nil
		}
		if rv.IsNil() {
			return AppendNil(dst), nil
		}
	}
	if depth == 0 {
		return dst, ErrTooDeep
	}
	dst = AppendArray(dst, rv.Len())
	for i := range rv.Len() {
		var err error
		if dst, err = appendReflect(dst, rv.Index(i), depth-1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendMapping(dst []byte, rv reflect.Value, depth int) ([]byte, error) {
	if rv.IsNil() {
		return AppendNil(dst), nil
	}
	if depth == 0 {
		return dst, ErrTooDeep
	}
	type pair struct {
		key   string
		value reflect.Value
	}
	pairs := make([]pair, 0, rv.Len())
	for it := rv.MapRange(); it.Next(); {
		key, err := mapKey(it.Key())
		if err != nil {
			return dst, err
		}
		pairs = append(pairs, pair{key, it.Value()})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	dst = AppendMap(dst, len(pairs))
	for _, p := range pairs {
		var err error
		if dst, err = appendReflect(AppendString(dst, p.key), p.value, depth-1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// mapKey returns the text of a key by the rules of encoding/json.
func mapKey(rv reflect.Value) (string, error) {
	if rv.Kind() == reflect.String {
		return rv.String(), nil
	}
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](rv); ok {
		if rv.Kind() == reflect.Pointer && rv.IsNil() {
			return "", nil
		}
		text, err := m.MarshalText()
		return string(text), err
	}
	switch {
	case rv.CanInt():
		return strconv.FormatInt(rv.Int(), 10), nil
	case rv.CanUint():
		return strconv.FormatUint(rv.Uint(), 10), nil
	}
	return "", fmt.Errorf("msgpackx: unsupported key: %w", &UnsupportedTypeError{rv.Type()})
}

func appendStruct(dst []byte, rv reflect.Value, depth int) ([]byte, error) {
	if depth == 0 {
		return dst, ErrTooDeep
	}
	start, n := len(dst), 0
	dst = append(dst, make([]byte, maxHead)...)
	fields := jsonx.Fields(rv.Type())
	for i := range fields {
		f := &fields[i]
		value, ok := member(f, rv)
		if !ok {
			continue
		}
		dst = AppendString(dst, f.Name)
		var err error
		if f.Quoted {
			dst, err = appendQuoted(dst, value, depth-1)
		} else {
			dst, err = appendReflect(dst, value, depth-1)
		}
		if err != nil {
			return dst, err
		}
		n++
	}
	return closeHead(dst, start, n, 0x80, 0xde), nil
}

// appendQuoted writes a scalar as the text of its JSON, for the option string.
func appendQuoted(dst []byte, rv reflect.Value, depth int) ([]byte, error) {
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	switch {
	case rv.Kind() == reflect.Bool, rv.CanInt(), rv.CanUint(), rv.CanFloat(), rv.Kind() == reflect.String:
		text, err := jsonx.AppendValue(nil, rv.Interface(), nil, nil)
		return AppendString(dst, text), err
	}
	return appendReflect(dst, rv, depth)
}
