package packet_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

// FuzzMsgpackParse gives any bytes. What is accepted has views that lie within
// the input, decodes into anything, and is the same when it is passed on in
// either dialect.
func FuzzMsgpackParse(f *testing.F) {
	v := loadMsgpack(f)
	for _, d := range v.Decode {
		f.Add(d.Bytes)
	}
	for _, e := range v.Encode {
		if e.SHA1 == "" {
			f.Add(e.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		var p packet.Packet
		if err := packet.Msgpack.Parse(in, nil, &p); err != nil {
			return
		}
		if p.Type > packet.ConnectError || !within(in, p.Namespace) || p.Data != nil && !within(in, p.Data) {
			t.Fatalf("%x: %+v", in, p)
		}
		if p.Data != nil {
			decodes(t, p.Data)
		}
		for _, arg := range p.Args {
			if !within(p.Data, arg) {
				t.Fatalf("%x: argument %x is not within the data", in, arg)
			}
			decodes(t, arg)
		}
		if name, ok := packet.Msgpack.EventName(&p, nil); ok != (p.Type == packet.Event) || packet.ReservedEvent(string(name)) {
			t.Fatalf("%x: name %q, %v", in, name, ok)
		}
		if !bytes.Equal(in, before) {
			t.Fatalf("%x was changed", before)
		}
	})
}

// within reports whether part is a view of whole.
func within(whole, part []byte) bool {
	for i := range whole {
		if len(part) == 0 || &whole[i] == &part[0] {
			return len(part) <= len(whole)-i && cap(part) <= cap(whole)-i
		}
	}
	return len(part) == 0
}

// decodes checks that a value that was accepted can be had in every way, and
// that JSON and the decoder say the same about it.
func decodes(t *testing.T, raw []byte) {
	t.Helper()
	var atts [][]byte
	text, err := packet.Msgpack.AppendJSON(nil, raw, &atts)
	if err != nil {
		return // a placeholder beside binary
	}
	if !jsonx.Valid(text, 200) {
		t.Fatalf("%x became %q", raw, text)
	}
	var got, want any
	errGot, errWant := packet.Msgpack.Decode(raw, nil, nil, &got), jsonx.Decode(text, atts, nil, &want)
	if (errGot == nil) != (errWant == nil) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%x:\n got %#v, %v\nwant %#v, %v", raw, got, errGot, want, errWant)
	}
	for _, v := range []any{new(string), new(int), new(int64), new(float64), new(bool), new([]byte), new([]any), new(map[string]any), new(json.RawMessage), new(struct{ A, B any })} {
		other := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		errGot, errWant := packet.Msgpack.Decode(raw, nil, nil, v), jsonx.Decode(text, atts, nil, other)
		if (errGot == nil) != (errWant == nil) || errGot == nil && !reflect.DeepEqual(v, other) {
			t.Fatalf("%x into %T:\n got %#v, %v\nwant %#v, %v", raw, v, v, errGot, other, errWant)
		}
	}
	b, ok := packet.Msgpack.Bytes(raw, nil)
	if _, isBytes := want.([]byte); ok != isBytes || ok && !bytes.Equal(b, want.([]byte)) {
		t.Fatalf("%x: binary %x, %v", raw, b, ok)
	}
}

// FuzzMsgpackEvent writes JSON that the fuzzer invents, with and without
// binary, and reads it back.
func FuzzMsgpackEvent(f *testing.F) {
	f.Add("ev", `[1,-2.5,"é",{"a":[true,null]},1e300,18446744073709551615]`, []byte{1, 2}, int64(3))
	f.Add("x", `{"_placeholder":true,"num":0}`, []byte(nil), int64(-1))
	f.Fuzz(func(t *testing.T, name, text string, data []byte, id int64) {
		var want any
		if json.Unmarshal([]byte(text), &want) != nil || len(text) > 5000 {
			return
		}
		args := []any{json.RawMessage(text), want, data, []any{data, "x"}}
		out, atts, err := packet.Msgpack.AppendEvent(nil, "/n", id, name, args, nil, nil)
		if err != nil || atts != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var p packet.Packet
		if err := packet.Msgpack.Parse(out, &packet.Limits{MaxDepth: -1, MaxName: -1}, &p); err != nil {
			if packet.ReservedEvent(name) || len(name) > 1<<20 {
				return
			}
			t.Fatalf("%q written as %x: %v", text, out, err)
		}
		if p.HasID != (id >= 0) || p.HasID && p.ID != uint64(id) || len(p.Args) != 5 {
			t.Fatalf("%x: %+v", out, p)
		}
		for i, arg := range p.Args[1:3] {
			var got any
			if err := packet.Msgpack.Decode(arg, nil, nil, &got); err != nil || !reflect.DeepEqual(got, normal(want)) {
				t.Fatalf("argument %d, %q as %x:\n got %#v, %v\nwant %#v", i, text, arg, got, err, normal(want))
			}
		}
		if b, ok := packet.Msgpack.Bytes(p.Args[3], nil); !ok || !bytes.Equal(b, data) {
			t.Fatalf("binary %x came as %x", data, b)
		}
	})
}

// normal is what a value is after JavaScript: minus zero is 0.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		return v + 0
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	}
	return v
}
