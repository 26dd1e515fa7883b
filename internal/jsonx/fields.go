package jsonx

import (
	"reflect"
	"strings"
	"sync"
	"unicode"
)

// fieldFor returns the field of the struct rv that encoding/json would fill
// from a member, given the body of its key, or the zero Value if there is none.
func fieldFor(rv reflect.Value, key []byte) (reflect.Value, error) {
	fields := fieldsOf(rv.Type())
	name := unquoteString(key)
	path, ok := fields.exact[name]
	if !ok {
		if path, ok = fields.folded[fold(name)]; !ok {
			return reflect.Value{}, nil
		}
	}
	for i, n := range path {
		if i > 0 && rv.Kind() == reflect.Pointer {
			if rv.IsNil() {
				if !rv.CanSet() {
					return reflect.Value{}, errEmbedded
				}
				rv.Set(reflect.New(rv.Type().Elem()))
			}
			rv = rv.Elem()
		}
		rv = rv.Field(n)
	}
	return rv, nil
}

// A fieldSet maps the JSON names of a struct to index paths.
type fieldSet struct {
	exact, folded map[string][]int
}

// fieldSets caches *fieldSet by reflect.Type.
var fieldSets sync.Map

func fieldsOf(t reflect.Type) *fieldSet {
	if s, ok := fieldSets.Load(t); ok {
		return s.(*fieldSet)
	}
	s, _ := fieldSets.LoadOrStore(t, newFieldSet(t))
	return s.(*fieldSet)
}

func newFieldSet(t reflect.Type) *fieldSet {
	s := &fieldSet{exact: map[string][]int{}, folded: map[string][]int{}}
	for _, f := range Fields(t) {
		s.exact[f.Name] = f.Path
		if key := fold(f.Name); s.folded[key] == nil {
			s.folded[key] = f.Path
		}
	}
	return s
}

// fold maps names that differ only in case to one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, s)
}
