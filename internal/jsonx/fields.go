package jsonx

import (
	"reflect"
	"slices"
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

type field struct {
	name   string
	tagged bool
	path   []int
}

// newFieldSet applies the rules of encoding/json: the shallowest field of a
// name wins, then a tagged one; where two remain, none does.
func newFieldSet(t reflect.Type) *fieldSet {
	fields := collect(t)
	slices.SortStableFunc(fields, func(a, b field) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		if c := len(a.path) - len(b.path); c != 0 {
			return c
		}
		if a.tagged != b.tagged {
			if a.tagged {
				return -1
			}
			return 1
		}
		return 0
	})
	var kept []field
	for i := 0; i < len(fields); {
		n := i + 1
		for n < len(fields) && fields[n].name == fields[i].name {
			n++
		}
		if n == i+1 || len(fields[i].path) != len(fields[i+1].path) || fields[i].tagged != fields[i+1].tagged {
			kept = append(kept, fields[i])
		}
		i = n
	}
	slices.SortStableFunc(kept, func(a, b field) int { return slices.Compare(a.path, b.path) })
	s := &fieldSet{exact: map[string][]int{}, folded: map[string][]int{}}
	for _, f := range kept {
		s.exact[f.name] = f.path
		if key := fold(f.name); s.folded[key] == nil {
			s.folded[key] = f.path
		}
	}
	return s
}

// collect lists every field that has a JSON name, those of embedded structs
// after the ones around them.
func collect(t reflect.Type) []field {
	type level struct {
		t    reflect.Type
		path []int
	}
	var fields []field
	seen := map[reflect.Type]bool{}
	for next := []level{{t: t}}; len(next) > 0; {
		current := next
		next = nil
		for _, l := range current {
			seen[l.t] = true
		}
		for _, l := range current {
			for i := range l.t.NumField() {
				sf := l.t.Field(i)
				f, embedded := describe(sf, append(slices.Clone(l.path), i))
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

// describe returns the JSON name of a field, or the struct whose fields stand
// in its place.
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
	name, _, _ := strings.Cut(tag, ",")
	if !validTag(name) {
		name = ""
	}
	if name == "" && sf.Anonymous && t.Kind() == reflect.Struct {
		return f, t
	}
	f.name, f.tagged = name, name != ""
	if name == "" {
		f.name = sf.Name
	}
	return f, nil
}

func validTag(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return s != ""
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
