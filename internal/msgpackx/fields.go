package msgpackx

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A field is one of a struct that is written.
type field struct {
	name      string
	path      []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
	quoted    bool // the option string
}

// in returns the field of rv, if it is to be written.
func (f *field) in(rv reflect.Value) (value reflect.Value, ok bool) {
	for i, n := range f.path {
		if i > 0 && rv.Kind() == reflect.Pointer {
			if rv.IsNil() {
				return reflect.Value{}, false
			}
			rv = rv.Elem()
		}
		rv = rv.Field(n)
	}
	if f.omitEmpty && empty(rv) || f.omitZero && zero(rv) {
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

// fieldSets caches []field by reflect.Type.
var fieldSets sync.Map

// fieldsOf returns the fields of a struct by the rules of encoding/json, in
// their order: the shallowest of a name wins, then a tagged one; where two
// remain, none is written.
func fieldsOf(t reflect.Type) []field {
	if s, ok := fieldSets.Load(t); ok {
		return s.([]field)
	}
	all := collect(t)
	slices.SortStableFunc(all, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), len(a.path)-len(b.path), rank(a)-rank(b))
	})
	var kept []field
	for i := 0; i < len(all); {
		n := i + 1
		for n < len(all) && all[n].name == all[i].name {
			n++
		}
		if n == i+1 || len(all[i].path) != len(all[i+1].path) || all[i].tagged != all[i+1].tagged {
			kept = append(kept, all[i])
		}
		i = n
	}
	slices.SortFunc(kept, func(a, b field) int { return slices.Compare(a.path, b.path) })
	s, _ := fieldSets.LoadOrStore(t, kept)
	return s.([]field)
}

func rank(f field) int {
	if f.tagged {
		return 0
	}
	return 1
}

// collect lists every field that has a name, those of embedded structs after
// the ones around them.
func collect(t reflect.Type) (fields []field) {
	type level struct {
		t    reflect.Type
		path []int
	}
	seen := map[reflect.Type]bool{}
	for next := []level{{t: t}}; len(next) > 0; {
		current := next
		next = nil
		for _, l := range current {
			seen[l.t] = true
		}
		for _, l := range current {
			for i := range l.t.NumField() {
				f, embedded := describe(l.t.Field(i), append(slices.Clone(l.path), i))
				switch {
				case embedded != nil && !seen[embedded]:
					next = append(next, level{embedded, f.path})
				case f.name != "":
					fields = append(fields, f)
				}
			}
		}
	}
	return fields
}

// describe reads the tag of a field, or returns the struct whose fields stand in
// its place.
func describe(sf reflect.StructField, path []int) (f field, embedded reflect.Type) {
	f.path = path
	t := sf.Type
	if t.Name() == "" && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !sf.IsExported() && (!sf.Anonymous || t.Kind() != reflect.Struct) {
		return f, nil
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return f, nil
	}
	name, options, _ := strings.Cut(tag, ",")
	if !validName(name) {
		name = ""
	}
	if name == "" && sf.Anonymous && t.Kind() == reflect.Struct {
		return f, t
	}
	f.name, f.tagged = cmp.Or(name, sf.Name), name != ""
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
		case "string":
			f.quoted = true
		}
	}
	return f, nil
}

func validName(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return s != ""
}
