package jsonx

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
)

// Decode reads raw, valid JSON, into v as c does, nil meaning Std. The
// attachments, uncopied, go where their placeholders are: into a []byte at any
// depth, and as a []byte into an empty interface. Where a placeholder meets
// another type, a json.Unmarshaler such as json.RawMessage among them, c gets
// it as the object that it is. On an error v may have been filled in part.
func Decode(raw []byte, atts [][]byte, c Codec, v any) error {
	if c == nil {
		c = Std{}
	}
	if len(atts) == 0 {
		if _, std := c.(Std); std && decodeScalar(raw, v) {
			return nil
		}
		return c.Unmarshal(raw, v)
	}
	if !Valid(raw, maxDepth) {
		return c.Unmarshal(raw, v)
	}
	f := findNodes(raw, len(atts))
	defer f.free()
	if f.bad {
		return ErrAttachment
	}
	if len(f.nodes) == 0 {
		return c.Unmarshal(raw, v)
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(v)}
	}
	d := decoder{raw: raw, atts: atts, codec: c, nodes: f.nodes}
	return d.value(rv.Elem())
}

// decodeScalar reads the commonest targets without reflection. Whatever is
// not exactly what it expects, it leaves to the codec.
func decodeScalar(raw []byte, v any) bool {
	if len(raw) == 0 {
		return false
	}
	switch v := v.(type) {
	case *string:
		if v == nil || raw[0] != '"' || SkipString(raw, 1) != len(raw) {
			return false
		}
		*v = unquoteString(raw[1 : len(raw)-1])
		return true
	case *int:
		if v == nil || len(raw) > 18 || skipNumber(raw, 0) != len(raw) {
			return false
		}
		n, err := strconv.Atoi(string(raw))
		if err == nil {
			*v = n
		}
		return err == nil
	case *float64:
		if v == nil || skipNumber(raw, 0) != len(raw) {
			return false
		}
		f, err := strconv.ParseFloat(string(raw), 64)
		if err == nil {
			*v = f
		}
		return err == nil
	case *json.RawMessage:
		if v == nil || Skip(raw, 0, maxDepth) != len(raw) {
			return false
		}
		*v = append((*v)[:0], raw...)
		return true
	default:
		return false
	}
}

// unquoteString is Unquote into a string of its own.
func unquoteString(s []byte) string {
	if plain(s, 0) == len(s) {
		return string(s)
	}
	var buf [256]byte
	return string(Unquote(buf[:0], s))
}

// A decoder walks the nodes of a JSON text along with the value that they
// belong to. Everything between nodes is the codec's.
type decoder struct {
	raw     []byte
	atts    [][]byte
	codec   Codec
	nodes   []node // those not visited yet
	scratch []byte
}

// value decodes the next node into rv, which can be set.
func (d *decoder) value(rv reflect.Value) error {
	n := d.nodes[0]
	rv, whole := indirect(rv)
	if !rv.IsValid() {
		return errPointerLoop
	}
	if whole {
		return d.verbatim(n, rv)
	}
	kind := rv.Kind()
	empty := kind == reflect.Interface && rv.NumMethod() == 0
	switch {
	case n.num >= 0:
		if !empty && (kind != reflect.Slice || rv.Type().Elem().Kind() != reflect.Uint8) {
			return d.verbatim(n, rv)
		}
		d.nodes = d.nodes[1:]
		att := slices.Clip(d.atts[n.num])
		if empty {
			rv.Set(reflect.ValueOf(att))
		} else {
			rv.SetBytes(att)
		}
		return nil
	case d.raw[n.start] == '[':
		return d.array(n, rv, empty)
	default:
		return d.object(n, rv, empty)
	}
}

// verbatim gives the whole of n to the codec.
func (d *decoder) verbatim(n node, rv reflect.Value) error {
	d.skip(n)
	return d.codec.Unmarshal(d.raw[n.start:n.end], rv.Addr().Interface())
}

// skip passes n and the nodes within it.
func (d *decoder) skip(n node) {
	for len(d.nodes) > 0 && d.nodes[0].start < n.end {
		d.nodes = d.nodes[1:]
	}
}

func (d *decoder) array(n node, rv reflect.Value, empty bool) error {
	switch {
	case empty:
		out := reflect.New(reflect.TypeFor[[]any]()).Elem()
		err := d.elements(n, out)
		rv.Set(out)
		return err
	case rv.Kind() == reflect.Slice:
		out := reflect.New(rv.Type()).Elem()
		err := d.elements(n, out)
		rv.Set(out)
		return err
	case rv.Kind() == reflect.Array:
		out := reflect.New(reflect.SliceOf(rv.Type().Elem())).Elem()
		err := d.elements(n, out)
		rv.SetZero()
		reflect.Copy(rv, out)
		return err
	default:
		return d.verbatim(n, rv)
	}
}

// elements appends the elements of the array n to out, an addressable slice.
func (d *decoder) elements(n node, out reflect.Value) error {
	d.nodes = d.nodes[1:]
	w := walk{d: d, from: n.start + 1, end: n.end - 1}
	for w.next() {
		if w.run != nil {
			part := reflect.New(out.Type())
			if err := d.unmarshal('[', w.run, ']', part); err != nil {
				return err
			}
			out.Set(reflect.AppendSlice(out, part.Elem()))
			continue
		}
		item := reflect.New(out.Type().Elem()).Elem()
		err := d.value(item)
		out.Set(reflect.Append(out, item))
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) object(n node, rv reflect.Value, empty bool) error {
	switch {
	case empty:
		out := reflect.ValueOf(map[string]any{})
		err := d.entries(n, out)
		rv.Set(out)
		return err
	case rv.Kind() == reflect.Map:
		if rv.IsNil() {
			rv.Set(reflect.MakeMap(rv.Type()))
		}
		return d.entries(n, rv)
	case rv.Kind() == reflect.Struct:
		return d.members(n, rv)
	default:
		return d.verbatim(n, rv)
	}
}

// entries puts the members of the object n into the map out.
func (d *decoder) entries(n node, out reflect.Value) error {
	d.nodes = d.nodes[1:]
	t := out.Type()
	w := walk{d: d, from: n.start + 1, end: n.end - 1, object: true}
	for w.next() {
		if w.run != nil {
			part := reflect.New(t)
			if err := d.unmarshal('{', w.run, '}', part); err != nil {
				return err
			}
			for it := part.Elem().MapRange(); it.Next(); {
				out.SetMapIndex(it.Key(), it.Value())
			}
			continue
		}
		inner := d.nodes[0]
		key, err := d.mapKey(t.Key(), w.key)
		if err != nil {
			d.skip(inner)
			return err
		}
		item := reflect.New(t.Elem()).Elem()
		err = d.value(item)
		out.SetMapIndex(key, item)
		if err != nil {
			return err
		}
	}
	return nil
}

// mapKey converts the body of a JSON string to a key of type t.
func (d *decoder) mapKey(t reflect.Type, key []byte) (reflect.Value, error) {
	if t.Kind() == reflect.String && !reflect.PointerTo(t).Implements(textUnmarshaler) {
		return reflect.ValueOf(unquoteString(key)).Convert(t), nil
	}
	// The codec knows how: have it read a map of that key alone.
	m := reflect.New(reflect.MapOf(t, reflect.TypeFor[struct{}]()))
	run := append(append([]byte{'"'}, key...), `":{}`...)
	if err := d.unmarshal('{', run, '}', m); err != nil {
		return reflect.Value{}, err
	}
	for _, k := range m.Elem().MapKeys() {
		return k, nil
	}
	return reflect.Zero(t), nil
}

// members puts the members of the object n into the fields of the struct rv.
func (d *decoder) members(n node, rv reflect.Value) error {
	d.nodes = d.nodes[1:]
	w := walk{d: d, from: n.start + 1, end: n.end - 1, object: true}
	for w.next() {
		if w.run != nil {
			if err := d.unmarshal('{', w.run, '}', rv.Addr()); err != nil {
				return err
			}
			continue
		}
		f, err := fieldFor(rv, w.key)
		switch {
		case err != nil:
			return err
		case f.IsValid():
			err = d.value(f)
		default:
			d.skip(d.nodes[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unmarshal has the codec read run, elements or members of the JSON, between
// the brackets that make it a text.
func (d *decoder) unmarshal(open byte, run []byte, end byte, v reflect.Value) error {
	d.scratch = append(append(append(d.scratch[:0], open), run...), end)
	return d.codec.Unmarshal(d.scratch, v.Interface())
}

// A walk splits what is within an array or object into nodes and the runs of
// elements or members between them.
type walk struct {
	d         *decoder
	from, end int
	object    bool

	run []byte // not nil: a run; else the next node of d is due
	key []byte // the body of that node's key, in an object
}

func (w *walk) next() bool {
	raw := w.d.raw
	w.run = nil
	first, last := -1, -1
	for i := w.from; ; {
		i = SkipSpace(raw, i)
		if i < w.end && raw[i] == ',' {
			i = SkipSpace(raw, i+1)
		}
		start := i
		var key []byte
		if i < w.end && w.object {
			key, i = member(raw, i)
		}
		isNode := i < w.end && len(w.d.nodes) > 0 && w.d.nodes[0].start == i
		if i >= w.end || (isNode && first >= 0) {
			// What comes next, if anything, waits until the run is done.
			if w.from = start; first < 0 {
				return false
			}
			w.run = raw[first:last]
			return true
		}
		if isNode {
			w.key, w.from = key, w.d.nodes[0].end
			return true
		}
		if first < 0 {
			first = start
		}
		if i = Skip(raw, i, maxDepth); i < 0 {
			return false
		}
		last = i
	}
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Errors of targets that cannot be filled.
var (
	errPointerLoop = errors.New("jsonx: pointer to itself")
	errEmbedded    = errors.New("jsonx: cannot set embedded pointer to unexported struct")
)

// maxPointers bounds a chain of pointers that may lead back to itself.
const maxPointers = 100

// indirect follows pointers, allocating those that are nil, to what is to be
// filled. whole says that it reads JSON by itself. Of pointers that lead
// nowhere the zero Value is returned.
func indirect(rv reflect.Value) (target reflect.Value, whole bool) {
	for range maxPointers {
		if rv.CanAddr() {
			p := reflect.PointerTo(rv.Type())
			if p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
				return rv, true
			}
		}
		switch {
		case rv.Kind() == reflect.Pointer:
			if rv.IsNil() {
				rv.Set(reflect.New(rv.Type().Elem()))
			}
			rv = rv.Elem()
		case rv.Kind() == reflect.Interface && rv.Elem().Kind() == reflect.Pointer && !rv.Elem().IsNil():
			rv = rv.Elem()
		default:
			return rv, false
		}
	}
	return reflect.Value{}, false
}
