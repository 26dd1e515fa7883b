package jsonx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
)

type (
	inner struct {
		Data []byte `json:"data"`
		N    int    `json:"n"`
	}
	Embedded struct {
		Deep  []byte `json:"deep"`
		Title string `json:"title"`
	}
	Other  struct{ Clash []byte }
	Second struct{ Clash []byte }
	hidden struct {
		Seen []byte `json:"seen"`
	}
	blob  []byte
	outer struct {
		Plain   []byte
		Tagged  []byte `json:"t,omitempty"`
		Blob    blob   `json:"blob"`
		Skip    []byte `json:"-"`
		Dash    []byte `json:"-,"` //nolint:staticcheck // the name "-", as encoding/json has it
		Any     any    `json:"any"`
		Ptr     *inner `json:"ptr"`
		PtrPtr  **[]byte
		List    [][]byte
		Items   []inner
		Array   [2][]byte
		Map     map[string][]byte
		ByInt   map[int]inner
		ByKind  map[kind][]byte
		ByText  map[netip.Addr][]byte
		Raw     json.RawMessage
		Quoted  int `json:"quoted,string"`
		Text    string
		Number  int
		When    time.Time
		private []byte //nolint:unused // there to be left alone
		Embedded
		*Other
		Second `json:"second"`
		hidden
	}
	kind   string
	loud   string
	cyclic *cyclic
)

func (l *loud) UnmarshalText(b []byte) error {
	*l = loud(strings.ToUpper(string(b)))
	return nil
}

func attachments() [][]byte { return [][]byte{[]byte("zero"), []byte("one"), {}} }

// show prints a value with attachments as text.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// ph writes %0, %1, … as placeholders.
func ph(s string) string {
	for i := range 10 {
		s = strings.ReplaceAll(s, fmt.Sprintf("%%%d", i), fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i))
	}
	return s
}

// TestDecodeAttachments shows where an attachment can go: a []byte at any
// depth, and whatever holds anything.
func TestDecodeAttachments(t *testing.T) {
	t.Parallel()
	zero, one := []byte("zero"), []byte("one")
	for _, c := range []struct {
		name string
		raw  string
		into any
		want any
	}{
		{"bytes", `%1`, new([]byte), one},
		{"empty", `%2`, new([]byte), []byte{}},
		{"named bytes", `%1`, new(blob), blob(one)},
		{"anything", `%1`, new(any), any(one)},
		{"white space", " \t%1\n", new([]byte), one},
		{"pointer", `%1`, new(*[]byte), &one},
		{"list", `[%0,%1,null,"AQ=="]`, new([][]byte), [][]byte{zero, one, nil, {1}}},
		{
			"list of anything", `[1,"x",%0,[2,%1,3],{"a":%0,"b":[4]},5]`, new([]any),
			[]any{1.0, "x", zero, []any{2.0, one, 3.0}, map[string]any{"a": zero, "b": []any{4.0}}, 5.0},
		},
		{"anything, deep", `{"a":{"b":[[%0]],"c":1}}`, new(any), any(map[string]any{"a": map[string]any{"b": []any{[]any{zero}}, "c": 1.0}})},
		{
			"map of anything", `{"x":1,"a":%0,"y":[2],"b":%1,"z":null}`, new(map[string]any),
			map[string]any{"x": 1.0, "a": zero, "y": []any{2.0}, "b": one, "z": nil},
		},
		{"map", `{"a":%0,"b":"AQ=="}`, new(map[string][]byte), map[string][]byte{"a": zero, "b": {1}}},
		{"map by int", `{"1":{"data":%0,"n":1},"-2":{"n":2}}`, new(map[int]inner), map[int]inner{1: {zero, 1}, -2: {nil, 2}}},
		{"map by kind", `{"a\u0062":%0}`, new(map[kind][]byte), map[kind][]byte{"ab": zero}},
		{"map by loud", `{"a":1,"b":%0}`, new(map[loud]any), map[loud]any{"A": 1.0, "B": zero}},
		{"map by text", `{"1.2.3.4":%0}`, new(map[netip.Addr][]byte), map[netip.Addr][]byte{netip.MustParseAddr("1.2.3.4"): zero}},
		{"array", `[%0,%1]`, new([2][]byte), [2][]byte{zero, one}},
		{"array, long", `[%0,%1,%0,1]`, new([2][]byte), nil},
		{"array, cut", `[%0,%1,%0]`, new([2][]byte), [2][]byte{zero, one}},
		{"array, short", `[%0]`, &[2][]byte{one, one}, [2][]byte{zero, nil}},
		{"raw", `%1`, new(json.RawMessage), json.RawMessage(ph(`%1`))},
		{"raw list", `[[%1], %0]`, new([]json.RawMessage), []json.RawMessage{json.RawMessage(ph(`[%1]`)), json.RawMessage(ph(`%0`))}},
		{"fields", `{"Plain":%0,"t":%1,"blob":%0}`, new(outer), outer{Plain: zero, Tagged: one, Blob: blob(zero)}},
		{"fields in any case", `{"pLAIN":%0,"T":%1}`, new(outer), outer{Plain: zero, Tagged: one}},
		{"escaped key", `{"Pl\u0061in":%0}`, new(outer), outer{Plain: zero}},
		{"unknown fields", `{"nope":%0,"Plain":%1,"x":[%0,{"y":%1}]}`, new(outer), outer{Plain: one}},
		{"skipped fields", `{"Skip":%0,"-":%1,"private":%0}`, new(outer), outer{Dash: one}},
		{
			"between fields", `{"Text":"x","Plain":%0,"quoted":"7","any":%1,"Number":3}`, new(outer),
			outer{Text: "x", Plain: zero, Quoted: 7, Any: one, Number: 3},
		},
		{"pointers", `{"ptr":{"n":2,"data":%0},"PtrPtr":%1}`, new(outer), outer{Ptr: &inner{zero, 2}, PtrPtr: new(&one)}},
		{
			"containers", `{"List":[%0],"Items":[{"n":1},{"data":%1},{"n":3,"data":%0}],"Array":[null,%1],"Map":{"k":%0},"ByInt":{"5":{"data":%1}}}`,
			new(outer),
			outer{
				List: [][]byte{zero}, Items: []inner{{nil, 1}, {one, 0}, {zero, 3}}, Array: [2][]byte{nil, one},
				Map: map[string][]byte{"k": zero}, ByInt: map[int]inner{5: {one, 0}},
			},
		},
		{"embedded", `{"deep":%0,"title":"x"}`, new(outer), outer{Embedded: Embedded{zero, "x"}}},
		{"embedded pointer", `{"Clash":%0}`, new(outer), outer{Other: &Other{zero}}},
		{"embedded with a name", `{"second":{"Clash":%1}}`, new(outer), outer{Second: Second{one}}},
		{"embedded, unexported", `{"seen":%1}`, new(outer), outer{hidden: hidden{one}}},
		{"raw field", `{"Raw":{"a":%0},"Plain":%1}`, new(outer), outer{Raw: json.RawMessage(ph(`{"a":%0}`)), Plain: one}},
		{"last key wins", `{"Plain":"AQ==","Plain":%1}`, new(outer), outer{Plain: one}},
		{"last key wins, not binary", `{"Plain":%1,"Plain":"AQ=="}`, new(outer), outer{Plain: []byte{1}}},
		{"last key wins, map", `{"a":%0,"a":1}`, new(map[string]any), map[string]any{"a": 1.0}},
		{"last key wins, map, binary", `{"a":1,"a":%0}`, new(any), any(map[string]any{"a": zero})},
		{"not marked", `{"_placeholder":false,"num":0}`, new(any), any(map[string]any{"_placeholder": false, "num": 0.0})},
		{"escaped mark", `{"\u005fplaceholder":true,"n\u0075m":1}`, new([]byte), one},
		{"white space everywhere", " [ 1 , %0 , { \"a\" : %1 , \"b\" : 2 } ] ", new(any), any([]any{1.0, zero, map[string]any{"a": one, "b": 2.0}})},
		{"a struct like a placeholder", `%1`, new(struct{ Num int }), struct{ Num int }{1}},
		{"into a string", `%0`, new(string), nil},
		{"into a number", `[%0]`, new([]int), nil},
		{"into a date", `{"When":%0}`, new(outer), nil},
		{"list into a struct", `[%0]`, new(outer), nil},
		{"object into a list", `{"a":%0}`, new([][]byte), nil},
		{"a wrong neighbour", `["x",%0]`, new([][]byte), nil},
		{"a wrong neighbour behind", `{"Plain":%0,"Number":"x"}`, new(outer), nil},
		{"a bad map key", `{"x":%0}`, new(map[int][]byte), nil},
		{"number out of range", `[1e400,%0]`, new(any), nil},
		{"number out of range in a map", `{"a":1e400,"b":%0}`, new(map[string]any), nil},
	} {
		for name, codec := range map[string]jsonx.Codec{"nil": nil, "custom": &countingCodec{}} {
			into := reflect.New(reflect.TypeOf(c.into).Elem())
			into.Elem().Set(reflect.ValueOf(c.into).Elem())
			err := jsonx.Decode([]byte(ph(c.raw)), attachments(), codec, into.Interface())
			if c.want == nil {
				if err == nil {
					t.Errorf("%s, codec %s: no error, got %s", c.name, name, show(into.Interface()))
				}
				continue
			}
			if got := into.Elem().Interface(); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, codec %s: %v\n got %s\nwant %s", c.name, name, err, show(got), show(c.want))
			}
		}
	}
}

func TestDecodeIllegal(t *testing.T) {
	t.Parallel()
	var v any
	for _, raw := range []string{`%3`, `[1,{"a":%9}]`, `{"_placeholder":true}`, `{"_placeholder":true,"num":-1}`, `{"_placeholder":true,"num":0.5}`} {
		if err := jsonx.Decode([]byte(ph(raw)), attachments(), nil, &v); !errors.Is(err, jsonx.ErrAttachment) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	// Not JSON: an error of the codec, never a panic.
	for _, raw := range []string{``, `{`, `[%0`, `%0]`, `{"a":%0,}`, `{"a"%0}`, `[%0 %0]`, `{"_placeholder":true,"num":`} {
		if err := jsonx.Decode([]byte(ph(raw)), attachments(), nil, &v); err == nil {
			t.Errorf("%s: no error", raw)
		}
	}
}

func TestDecodeTargets(t *testing.T) {
	t.Parallel()
	raw := []byte(ph(`%1`))
	var invalid *json.InvalidUnmarshalError
	for _, target := range []any{nil, 1, "x", []byte{}, map[string]any{}, (*[]byte)(nil), struct{}{}} {
		if err := jsonx.Decode(raw, attachments(), nil, target); !errors.As(err, &invalid) {
			t.Errorf("%T: %v", target, err)
		}
	}
	// An interface that holds a pointer is decoded through it.
	var b []byte
	var v any = &b
	if err := jsonx.Decode(raw, attachments(), nil, &v); err != nil || string(b) != "one" {
		t.Errorf("through an interface: %q, %v", b, err)
	}
	var self cyclic
	self = &self
	if err := jsonx.Decode(raw, attachments(), nil, &self); err == nil {
		t.Error("a pointer to itself: no error")
	}
	var loop any
	loop = &loop
	if err := jsonx.Decode([]byte(ph(`[%1]`)), attachments(), nil, &loop); err == nil {
		t.Error("an interface that holds itself: no error")
	}
	type withPtr struct {
		*hidden
		Plain []byte
	}
	var w withPtr
	if err := jsonx.Decode([]byte(ph(`{"seen":%0}`)), attachments(), nil, &w); err == nil {
		t.Error("embedded pointer to unexported struct: no error")
	}
	var stringer fmt.Stringer
	if err := jsonx.Decode(raw, attachments(), nil, &stringer); err == nil {
		t.Error("a full interface: no error")
	}
	if err := jsonx.Decode([]byte(ph(`[%1]`)), attachments(), nil, &stringer); err == nil {
		t.Error("a list into a full interface: no error")
	}
}

// TestDecodeDoesNotShare shows that appending to an attachment cannot reach
// another one, and that attachments are not copied.
func TestDecodeDoesNotShare(t *testing.T) {
	t.Parallel()
	both := []byte("onetwo")
	var b []byte
	if err := jsonx.Decode([]byte(ph(`%0`)), [][]byte{both[:3], both[3:]}, nil, &b); err != nil {
		t.Fatal(err)
	}
	if &b[0] != &both[0] {
		t.Error("a copy")
	}
	if _ = append(b, 'X'); string(both) != "onetwo" {
		t.Errorf("became %s", both)
	}
}

// TestDecodeWithoutAttachments shows the fast paths to agree with the codec,
// in what they set as in what they refuse.
func TestDecodeWithoutAttachments(t *testing.T) {
	t.Parallel()
	for _, raw := range append(texts, `"long `+strings.Repeat("x\\n", 500)+`"`, "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"1000000000000000000", "123456789012345678") {
		for _, target := range []any{new(string), new(int), new(float64), new(json.RawMessage), new(any), new(bool), new([]byte), new(int8), new(outer)} {
			set := func(v reflect.Value) {
				switch v := v.Interface().(type) {
				case *string:
					*v = "before"
				case *int:
					*v = 77
				case *float64:
					*v = 7.5
				}
			}
			got := reflect.New(reflect.TypeOf(target).Elem())
			want := reflect.New(reflect.TypeOf(target).Elem())
			set(got)
			set(want)
			err := jsonx.Decode([]byte(raw), nil, nil, got.Interface())
			wantErr := json.Unmarshal([]byte(raw), want.Interface())
			if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Errorf("%q into %T: %s, %v, want %s, %v", raw, target, show(got.Interface()), err, show(want.Interface()), wantErr)
			}
		}
	}
	for _, target := range []any{(*string)(nil), (*int)(nil), (*float64)(nil), (*json.RawMessage)(nil)} {
		if err := jsonx.Decode([]byte(`1`), nil, nil, target); err == nil {
			t.Errorf("%T: no error", target)
		}
		if err := jsonx.Decode([]byte(`"x"`), nil, nil, target); err == nil {
			t.Errorf("%T: no error", target)
		}
	}
	var c countingCodec
	var s string
	if err := jsonx.Decode([]byte(`"x"`), nil, &c, &s); err != nil || c.unmarshals != 1 {
		t.Errorf("a codec of the user's was asked %d times, %v", c.unmarshals, err)
	}
}

// TestDecodeLinear bounds the work on JSON that hostile hands nest and repeat.
func TestDecodeLinear(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nested":      strings.Repeat(`[1,`, 120) + `%0,"` + strings.Repeat("x", 500_000) + `"` + strings.Repeat(`]`, 120),
		"objects":     strings.Repeat(`{"a":1,"b":`, 120) + `[%0,"` + strings.Repeat("x", 500_000) + `"]` + strings.Repeat(`}`, 120),
		"many":        `[` + strings.Repeat(`%0,1,`, 15_000) + `%1]`,
		"many fields": `{` + strings.Repeat(`"nope":%0,"no":1,`, 10_000) + `"Plain":%1}`,
		"in one":      `{"_placeholder":true,"x":[` + strings.Repeat(`%0,`, 15_000) + `1],"num":0}`,
	} {
		raw = ph(raw)
		var v any
		var o outer
		var c countingCodec
		if err := jsonx.Decode([]byte(raw), attachments(), &c, &v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = jsonx.Decode([]byte(raw), attachments(), &c, &o)
		if c.unmarshals > 70_000 {
			t.Errorf("%s: the codec was asked %d times", name, c.unmarshals)
		}
	}
}
