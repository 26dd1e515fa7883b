//go:build !race

package jsonx_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
)

func TestAllocs(t *testing.T) {
	dst := make([]byte, 0, 4096)
	atts := make([][]byte, 0, 8)
	in := [][]byte{[]byte("a"), []byte("b")}
	mixed := []byte(`{"a":[1,2.5,"x\n",{"b":null}],"c":true}`)
	marked := []byte(ph(`[%0,{"x":%1}]`))
	value := func(v any) func() {
		return func() {
			list := atts
			if _, err := jsonx.AppendValue(dst, v, nil, &list); err != nil {
				t.Fatal(err)
			}
		}
	}
	var n int
	var f float64
	kept := make(json.RawMessage, 0, 256)
	decode := func(raw string, into any) func() {
		b := []byte(raw)
		return func() {
			if err := jsonx.Decode(b, nil, nil, into); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, run := range map[string]func(){
		"Valid":             func() { jsonx.Valid(mixed, 10) },
		"CheckPlaceholders": func() { _ = jsonx.CheckPlaceholders(marked, 2) },
		"Unquote":           func() { jsonx.Unquote(dst, []byte(`abc\u0041`)) },
		"AppendString":      func() { jsonx.AppendString(dst, "a\n\u2028\xff") },
		"AppendFloat":       func() { jsonx.AppendFloat(dst, 1.25e-9) },
		"string":            value("x"),
		"raw":               value(json.RawMessage(mixed)),
		"time":              value(time.UnixMilli(1763755200123)),
		"nested":            value(map[string]any{"b": []any{1, "x", []byte("y")}, "a": map[string]any{"z": 1.5}}),
		"forward":           value(&rawArg{marked, in}),
		"decode int":        decode("42", &n),
		"decode float":      decode("1.5", &f),
		"decode raw":        decode(`{"a":1}`, &kept),
	} {
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
	var s string
	if n := testing.AllocsPerRun(200, decode(`"hello"`, &s)); n != 1 {
		t.Errorf("decode string: %v allocations, want 1", n)
	}
}
