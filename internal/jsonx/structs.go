package jsonx

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A Field is one of a struct that has a JSON name.
type Field struct {
	Name      string
	Path      []int // indexes, those of embedded structs first
	OmitEmpty bool
	OmitZero  bool
	Quoted    bool // the option string

	tagged bool
}

// structs caches []Field by reflect.Type.
var structs sync.Map

// Fields returns the fields of a struct by the rules of encoding/json, in their
// order: the shallowest of a name counts, then a tagged one; where two remain,
// none does. The result must not be changed.
func Fields(t reflect.Type) []Field {
	if s, ok := structs.Load(t); ok {
		return s.([]Field)
	}
	all := collect(t)
	slices.SortStableFunc(all, func(a, b Field) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), len(a.Path)-len(b.Path), a.rank()-b.rank())
	})
	var kept []Field
	for i := 0; i < len(all); {
		n := i + 1
		for n < len(all) && all[n].Name == all[i].Name {
			n++
		}
		if n == i+1 || len(all[i].Path) != len(all[i+1].Path) || all[i].tagged != all[i+1].tagged {
			kept = append(kept, all[i])
		}
		i = n
	}
	slices.SortFunc(kept, func(a, b Field) int { return slices.Compare(a.Path, b.Path) })
	s, _ := structs.LoadOrStore(t, kept)
	return s.([]Field)
}

func (f *Field) rank() int {
	if f.tagged {
		return 0
	}
	return 1
}

// collect lists every field that has a JSON name, those of embedded structs
// after the ones around them.
func collect(t reflect.Type) (fields []Field) {
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
					next = append(next, level{embedded, f.Path})
				case f.Name != "":
					fields = append(fields, f)
				}
			}
		}
	}
	return fields
}

// describe reads the tag of a field, or returns the struct whose fields stand
// in its place.
func describe(sf reflect.StructField, path []int) (f Field, embedded reflect.Type) {
	f.Path = path
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
	if !validTag(name) {
		name = ""
	}
	if name == "" && sf.Anonymous && t.Kind() == reflect.Struct {
		return f, t
	}
	f.Name, f.tagged = cmp.Or(name, sf.Name), name != ""
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.OmitEmpty = true
		case "omitzero":
			f.OmitZero = true
		case "string":
			f.Quoted = true
		}
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
