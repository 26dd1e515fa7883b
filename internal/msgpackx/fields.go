package msgpackx

import (
	"reflect"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// member returns a field of rv, if it is to be written.
func member(f *jsonx.Field, rv reflect.Value) (value reflect.Value, ok bool) {
	for i, n := range f.Path {
		if i > 0 && rv.Kind() == reflect.Pointer {
			if rv.IsNil() {
				return reflect.Value{}, false
			}
			rv = rv.Elem()
		}
		rv = rv.Field(n)
	}
	if f.OmitEmpty && empty(rv) || f.OmitZero && zero(rv) {
		return reflect.Value{}, false
	}
	return rv, true
}

// empty is what omitempty asks.
func empty(rv reflect.Value) bool {
	switch rv.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return rv.Len() == 0
	case reflect.Struct:
		return false
	default:
		return rv.IsZero()
	}
}

// zero is what omitzero asks.
func zero(rv reflect.Value) bool {
	if z, ok := reflect.TypeAssert[interface{ IsZero() bool }](rv); ok && (rv.Kind() != reflect.Pointer || !rv.IsNil()) {
		return z.IsZero()
	}
	return rv.IsZero()
}
