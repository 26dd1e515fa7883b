package jsonx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
)

type (
	upper   string
	text    struct{ s string }
	named   []byte
	failing struct{}
	point   struct {
		X    float64 `json:"x"`
		Name string  `json:"name,omitempty"`
		Blob []byte  `json:"blob,omitempty"`
	}
)

func (u upper) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(string(u))) }
func (x text) MarshalText() ([]byte, error)  { return []byte("<" + x.s + ">"), nil }
func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }
func raw(s string) json.RawMessage           { return json.RawMessage(s) }
func at(s string) (t time.Time)              { t, _ = time.Parse(time.RFC3339Nano, s); return t }
func year(y int, ms time.Duration) time.Time { return time.Date(y, 1, 1, 0, 0, 0, int(ms), time.UTC) }

func TestAppendValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, `null`},
		{true, `true`},
		{false, `false`},
		{"a\u2028<b>\n", "\"a\u2028<b>\\n\""},
		{int(-1), `-1`},
		{int8(-128), `-128`},
		{int16(-32768), `-32768`},
		{int32(math.MinInt32), `-2147483648`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{uint(1), `1`},
		{uint8(255), `255`},
		{uint16(65535), `65535`},
		{uint32(math.MaxUint32), `4294967295`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{1.5, `1.5`},
		{math.Copysign(0, -1), `0`},
		{math.NaN(), `null`},
		{math.Inf(1), `null`},
		{float32(0.1), `0.1`},
		{float32(1e21), `1e+21`},
		{float32(math.Copysign(0, -1)), `0`},
		{float32(math.Inf(-1)), `null`},
		{json.Number("1.50"), `1.50`},
		{raw(`{"a": [1, 2]}`), `{"a": [1, 2]}`},
		{raw("\"\xff\""), "\"\uFFFD\""},
		{raw(" 1\n"), " 1\n"},
		{json.RawMessage(nil), `null`},
		{[]any{}, `[]`},
		{[]any(nil), `null`},
		{[]any{1, "a", nil, []any{true}}, `[1,"a",null,[true]]`},
		{map[string]any{}, `{}`},
		{map[string]any(nil), `null`},
		{map[string]any{"b": 1, "a": map[string]any{"z": nil, "": math.NaN()}, "B": 2, "é": 3, "\n": 4}, `{"\n":4,"B":2,"a":{"":null,"z":null},"b":1,"é":3}`},
		{[]string{"a", "<"}, `["a","<"]`},
		{[]string(nil), `null`},
		{[]int{1, -2}, `[1,-2]`},
		{[]float64{1.5, math.NaN()}, `[1.5,null]`},
		{at("2025-11-21T20:00:00.123999Z"), `"2025-11-21T20:00:00.123Z"`},
		{at("2025-11-21T20:00:00+05:30"), `"2025-11-21T14:30:00.000Z"`},
		{time.UnixMilli(-1), `"1969-12-31T23:59:59.999Z"`},
		{time.Time{}, `"0001-01-01T00:00:00.000Z"`},
		{year(0, 0), `"0000-01-01T00:00:00.000Z"`},
		{year(-1, 0), `"-000001-01-01T00:00:00.000Z"`},
		{year(9999, 0), `"9999-01-01T00:00:00.000Z"`},
		{year(10000, 0), `"+010000-01-01T00:00:00.000Z"`},
		{time.UnixMilli(8.64e15), `"+275760-09-13T00:00:00.000Z"`},
		{time.UnixMilli(8.64e15 + 1), `null`},
		{time.UnixMilli(-8.64e15), `"-271821-04-20T00:00:00.000Z"`},
		{time.UnixMilli(-8.64e15 - 1), `null`},
		{[]byte{1, 2}, `"AQI="`},
		{[]byte{}, `""`},
		{[]byte(nil), `null`},
		{upper("abc"), `"ABC"`},
		{text{"a&b"}, `"<a&b>"`},
		{named{1}, `"AQ=="`},
		{point{X: 1, Name: "<a>", Blob: []byte{1}}, `{"x":1,"name":"<a>","blob":"AQ=="}`},
		{&point{X: 1e21}, `{"x":1e+21}`},
		{point{Name: "\u2028\u2029\xff\\u2028"}, "{\"x\":0,\"name\":\"\u2028\u2029\uFFFD\\\\u2028\"}"},
		{map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`},
		{map[int]bool{2: true, 10: false}, `{"10":false,"2":true}`},
		{new("x"), `"x"`},
		{(*point)(nil), `null`},
		{[2]int{1, 2}, `[1,2]`},
		{[][]byte{{1}}, `["AQ=="]`},
		{struct{ R json.RawMessage }{raw("[1, \"\xff\"]")}, "{\"R\":[1,\"\uFFFD\"]}"},
	} {
		var custom countingCodec
		for name, codec := range map[string]jsonx.Codec{"nil": nil, "Std": jsonx.Std{}, "custom": &custom} {
			got, err := jsonx.AppendValue([]byte("x"), c.v, codec, nil)
			if err != nil || string(got) != "x"+c.want {
				t.Errorf("%#v, codec %s: got %s, %v, want x%s", c.v, name, got, err, c.want)
			}
			if !json.Valid(got[1:]) {
				t.Errorf("%#v: %s is not JSON", c.v, got[1:])
			}
		}
	}
}

// A countingCodec is a Codec of the user's: encoding/json by another name.
type countingCodec struct{ marshals, unmarshals int }

func (c *countingCodec) Marshal(v any) ([]byte, error) {
	c.marshals++
	return jsonx.Std{}.Marshal(v)
}

func (c *countingCodec) Unmarshal(data []byte, v any) error {
	c.unmarshals++
	return json.Unmarshal(data, v)
}

// A brokenCodec returns what it holds.
type brokenCodec struct {
	out []byte
	err error
}

func (b brokenCodec) Marshal(any) ([]byte, error) { return b.out, b.err }
func (b brokenCodec) Unmarshal([]byte, any) error { return b.err }

func TestAppendValueAttachments(t *testing.T) {
	t.Parallel()
	ph := func(n int) string { return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, n) }
	for _, c := range []struct {
		v    any
		want string
		atts []string
	}{
		{[]byte("a"), ph(2), []string{"a"}},
		{[]byte(nil), ph(2), []string{""}},
		{[]any{[]byte("a"), 1, []any{[]byte("b")}}, "[" + ph(2) + ",1,[" + ph(3) + "]]", []string{"a", "b"}},
		{map[string]any{"b": []byte("2"), "a": []byte("1")}, `{"a":` + ph(2) + `,"b":` + ph(3) + `}`, []string{"1", "2"}},
		{point{Blob: []byte("a")}, `{"x":0,"blob":"YQ=="}`, nil},
		{map[string][]byte{"k": []byte("a")}, `{"k":"YQ=="}`, nil},
		{named("a"), `"YQ=="`, nil},
		{[]any{upper("up"), []byte("a"), map[string]any{"k": upper("nested")}}, `["UP",` + ph(2) + `,{"k":"NESTED"}]`, []string{"a"}},
		{raw(ph(0)), ph(0), nil},
	} {
		atts := [][]byte{[]byte("x"), []byte("y")}
		got, err := jsonx.AppendValue(nil, c.v, nil, &atts)
		if err != nil || string(got) != c.want {
			t.Errorf("%#v: got %s, %v, want %s", c.v, got, err, c.want)
		}
		if len(atts) != 2+len(c.atts) {
			t.Errorf("%#v: attachments %q", c.v, atts)
			continue
		}
		for i, want := range c.atts {
			if string(atts[2+i]) != want {
				t.Errorf("%#v: attachment %d is %q, want %q", c.v, i, atts[2+i], want)
			}
		}
	}
	mine := []byte("abc")
	var atts [][]byte
	if _, err := jsonx.AppendValue(nil, mine, nil, &atts); err != nil || &atts[0][0] != &mine[0] {
		t.Error("an attachment is a copy")
	}
}

func TestAppendValueErrors(t *testing.T) {
	t.Parallel()
	array := []any{nil}
	array[0] = array
	object := map[string]any{}
	object["a"] = object
	for _, c := range []struct {
		name  string
		v     any
		codec jsonx.Codec
		want  error
	}{
		{"raw", raw(`{`), nil, jsonx.ErrInvalidJSON},
		{"raw empty", raw(``), nil, jsonx.ErrInvalidJSON},
		{"raw blank", raw(` `), nil, jsonx.ErrInvalidJSON},
		{"raw within", map[string]any{"a": []any{raw(`]`)}}, nil, jsonx.ErrInvalidJSON},
		{"raw too deep", raw(nested(jsonx.MaxDepth + 1)), nil, jsonx.ErrInvalidJSON},
		{"array in itself", array, nil, jsonx.ErrTooDeep},
		{"map in itself", object, nil, jsonx.ErrTooDeep},
		{"channel", make(chan int), nil, nil},
		{"NaN in a struct", point{X: math.NaN()}, nil, nil},
		{"Marshaler fails", failing{}, nil, nil},
		{"Marshaler fails within", []any{1, failing{}}, nil, nil},
		{"codec fails", point{}, brokenCodec{err: errors.New("no")}, nil},
		{"codec returns nothing", point{}, brokenCodec{}, jsonx.ErrInvalidJSON},
		{"codec returns no JSON", point{}, brokenCodec{out: []byte(`{"x":1}}`)}, jsonx.ErrInvalidJSON},
	} {
		atts := [][]byte{[]byte("old")}
		got, err := jsonx.AppendValue([]byte("dst"), []any{[]byte("att"), c.v}, c.codec, &atts)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		if string(got) != "dst" || len(atts) != 1 || string(atts[0]) != "old" {
			t.Errorf("%s: left %q, %q", c.name, got, atts)
		}
	}
	out, err := jsonx.AppendValue(nil, point{}, brokenCodec{out: []byte("\"\xff\"")}, nil)
	if err != nil || string(out) != "\"\uFFFD\"" {
		t.Errorf("bytes of a codec that are not UTF-8: %q, %v", out, err)
	}
}

func TestStdMarshalOwnsItsBytes(t *testing.T) {
	t.Parallel()
	a, err := jsonx.Std{}.Marshal("aaaa")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (jsonx.Std{}).Marshal("bbbb"); err != nil || string(a) != `"aaaa"` {
		t.Errorf("became %s, %v", a, err)
	}
	if _, err := (jsonx.Std{}).Marshal(strings.Repeat("x", 1<<20)); err != nil {
		t.Error(err)
	}
	if _, err := (jsonx.Std{}).Marshal(failing{}); err == nil {
		t.Error("no error")
	}
	// A failed Encode must leave nothing behind for the next.
	if c, err := (jsonx.Std{}).Marshal(1); err != nil || string(c) != `1` {
		t.Errorf("got %s, %v", c, err)
	}
}

// rawArg is an Appender as the public package has it.
type rawArg struct {
	raw  []byte
	atts [][]byte
}

func (a *rawArg) AppendJSON(dst []byte, atts *[][]byte) ([]byte, error) {
	return jsonx.Forward(dst, a.raw, a.atts, atts)
}

func TestForward(t *testing.T) {
	t.Parallel()
	ph := func(n int) string { return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, n) }
	in := [][]byte{[]byte("a"), []byte("b")}
	for _, c := range []struct {
		name string
		v    any
		want string
		atts string
	}{
		{"no placeholder", &rawArg{[]byte(`{"x":[1]}`), in}, `{"x":[1]}`, "[old]"},
		{"one", &rawArg{[]byte(ph(1)), in}, ph(1), "[old b]"},
		{
			"reused and renumbered", &rawArg{[]byte(`[` + ph(1) + `,{"k":` + ph(0) + `},` + ph(1) + `]`), in},
			`[` + ph(1) + `,{"k":` + ph(2) + `},` + ph(3) + `]`, "[old b a b]",
		},
		{"literal of a text event", &rawArg{[]byte(ph(7)), nil}, ph(7), "[old]"},
		{"with an attachment of one's own", []any{[]byte("x"), &rawArg{[]byte(ph(0)), in}, []byte("y")}, `[` + ph(1) + `,` + ph(2) + `,` + ph(3) + `]`, "[old x a y]"},
		{"extra members are dropped", &rawArg{[]byte(`{"z":1,"_placeholder":true,"num":0}`), in}, ph(1), "[old a]"},
	} {
		atts := [][]byte{[]byte("old")}
		got, err := jsonx.AppendValue(nil, c.v, nil, &atts)
		if err != nil || string(got) != c.want || fmt.Sprintf("%s", atts) != c.atts {
			t.Errorf("%s: got %s, %s, %v, want %s, %s", c.name, got, atts, err, c.want, c.atts)
		}
	}
	atts := [][]byte{[]byte("old")}
	got, err := jsonx.AppendValue([]byte("x"), []any{[]byte("y"), &rawArg{[]byte(ph(2)), in}}, nil, &atts)
	if !errors.Is(err, jsonx.ErrAttachment) || string(got) != "x" || len(atts) != 1 {
		t.Errorf("illegal: %s, %s, %v", got, atts, err)
	}
	if got, err := jsonx.AppendValue(nil, &rawArg{[]byte(ph(0)), in}, nil, nil); err != nil || string(got) != ph(0) {
		t.Errorf("without binary: %s, %v", got, err)
	}
}
