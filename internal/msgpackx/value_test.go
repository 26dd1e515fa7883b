package msgpackx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/msgpackx"
)

type point struct {
	X int `json:"x"`
	Y int `json:"y,omitempty"`
}

type named struct{ Name string }

type inner struct {
	A int
	B string `json:"b"`
}

type deep struct {
	inner
	*named
	B     string `json:"b"` // hides inner's
	C     any    `json:"-"`
	D     int    `json:"-,"` //nolint:staticcheck // the name is "-"
	E     int    `json:",string"`
	F     string `json:"f,string"`
	G     []int  `json:",omitempty"`
	H     *int   `json:",omitempty"`
	I     time.Duration
	J     [3]byte
	K     map[int]string
	L     json.Number
	M     *point
	N     []point
	Zero  point `json:",omitzero"`
	Bad   int   `json:"a,b"`        //nolint:staticcheck // an option that nobody knows
	Quote int   `json:"\"quoted\""` //nolint:staticcheck // a name that encoding/json refuses
	priv  int
}

type both struct {
	left
	right
}

type (
	left  struct{ Same, L int }
	right struct{ Same, R int }
)

type textual int

func (v textual) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "<%d>", int(v)), nil }

type marshaler struct{ v string }

func (m *marshaler) MarshalJSON() ([]byte, error) { return []byte(m.v), nil }

type appender string

func (a appender) AppendMsgpack(dst []byte) ([]byte, error) { return append(dst, a...), nil }

type loop struct{ Next *loop }

// TestLikeJSON writes values and expects what encoding/json makes of them.
func TestLikeJSON(t *testing.T) {
	t.Parallel()
	seven := 7
	for i, v := range []any{
		point{1, 0},
		&point{1, 2},
		[]point{{1, 2}},
		map[string]point{"b": {}, "a": {3, 4}},
		[]*point{nil, {}},
		(*point)(nil), []point(nil), map[string]int(nil),
		deep{
			inner: inner{1, "hidden"}, named: &named{"n"}, B: "b", C: 1, D: 2, E: 3, F: "q\"", H: &seven, I: 5, J: [3]byte{1, 2, 3},
			K: map[int]string{2: "b", -1: "a"}, L: "12345678901", M: &point{}, N: []point{}, Zero: point{X: 1}, Bad: 1, Quote: 2, priv: 3,
		},
		deep{},
		both{left{1, 2}, right{3, 4}},
		textual(5),
		map[textual]int{1: 2, 3: 4},
		[]textual{6},
		&marshaler{`{"a":[1,"\u00e9"]}`},
		struct{ M marshaler }{},
		&struct{ M marshaler }{marshaler{"5"}},
		netip.MustParseAddr("::1"), big.NewInt(12345),
		[]any{int8(-1), int16(-300), int32(-70000), int64(math.MinInt32 - 1), uint(1), uint8(200), uint16(300), uint32(70000)},
		float32(1.5),
		[]string{"a", "b"},
		[2]bool{true, false},
		map[string]any{"z": 1.0, "a": nil, "m": []any{}},
		json.RawMessage(` { "a" : [ 1 , -0 , 1.5e3 ] , "b":"\n\ud83d\ude00" } `),
		struct{}{},
		json.Number("1e2"), json.Number(""), errors.New("x"),
		struct{ A, B any }{point{}, &seven},
		[0]int{},
		time.Duration(3), strings.Repeat("y", 70000),
		[]float64{0.5, 1, 1e20, -2},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		out, err := msgpackx.AppendValue([]byte("x"), v)
		if err != nil {
			t.Errorf("%d: %#v: %v", i, v, err)
			continue
		}
		if msgpackx.Skip(out, 1, 100) != len(out) {
			t.Errorf("%d: %T: %x is not one value", i, v, out)
			continue
		}
		if err := msgpackx.Decode(out[1:], nil, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %T:\n got %#v, %v\nwant %#v", i, v, got, err, want)
		}
	}
}

// TestBinaryAndTime: what JSON has no form for keeps its own, at any depth.
func TestBinaryAndTime(t *testing.T) {
	t.Parallel()
	type blob []byte
	type record struct {
		Data []byte    `json:"data"`
		More blob      `json:"more"`
		At   time.Time `json:"at"`
		Ref  *time.Time
		Any  any
	}
	at := time.UnixMilli(1_700_000_000_123).UTC()
	in := record{[]byte{1, 2}, blob{3}, at, &at, map[string][]byte{"k": {4}}}
	raw, err := msgpackx.AppendValue(nil, &in)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\xa4data\xc4\x02\x01\x02", "\xa4more\xc4\x01\x03", "\xa2at\xd7\x00\x00\x00\x01\x8b\xcf\xe5\x68\x7b", "\xa3Ref\xd7\x00", "\xa1k\xc4\x01\x04"} {
		if !bytes.Contains(raw, []byte(part)) {
			t.Errorf("%q is not in %q", part, raw)
		}
	}
	var out record
	if err := msgpackx.Decode(raw, nil, &out); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Data, in.Data) || !bytes.Equal(out.More, in.More) || !out.At.Equal(at) || !out.Ref.Equal(at) {
		t.Errorf("%+v", out)
	}
	if m, _ := out.Any.(map[string]any); !reflect.DeepEqual(m["k"], []byte{4}) {
		t.Errorf("%#v", out.Any)
	}
}

func TestOwnWays(t *testing.T) {
	t.Parallel()
	raw, err := msgpackx.AppendValue(nil, []any{appender("\xc3"), struct{ A appender }{"\x05"}, jsonx.Appender(attached{})})
	if want := "\x93\xc3\x81\xa1A\x05\x92\xc4\x01\x09\x01"; err != nil || string(raw) != want {
		t.Errorf("%q, %v, want %q", raw, err, want)
	}
}

// attached writes JSON with an attachment.
type attached struct{}

func (attached) AppendJSON(dst []byte, atts *[][]byte) ([]byte, error) {
	dst = jsonx.AppendPlaceholder(append(dst, '['), len(*atts))
	*atts = append(*atts, []byte{9})
	return append(dst, ",1]"...), nil
}

func TestValueErrors(t *testing.T) {
	t.Parallel()
	self := []any{nil}
	self[0] = self
	ring := &loop{}
	ring.Next = ring
	dst := []byte("kept")
	for name, v := range map[string]any{
		"channel": make(chan int), "function in a struct": struct{ F func() }{}, "complex": 1i, "itself": self, "itself by a pointer": ring,
		"raw JSON": json.RawMessage("{"), "marshaler": &marshaler{"nope"}, "key": map[point]int{{}: 1}, "key in a list": []any{map[bool]int{true: 1}},
	} {
		out, err := msgpackx.AppendValue(dst, v)
		if err == nil || string(out) != "kept" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// TestPlaceholderMap: where JSON cannot tell a map from binary, it is not
// guessed; without binary beside it the map is a map.
func TestPlaceholderMap(t *testing.T) {
	t.Parallel()
	alone, err := msgpackx.AppendValue(nil, []any{map[string]any{"_placeholder": true, "num": 0}})
	if err != nil {
		t.Fatal(err)
	}
	var v []any
	if err := msgpackx.Decode(alone, nil, &v); err != nil || !reflect.DeepEqual(v, []any{map[string]any{"_placeholder": true, "num": 0.0}}) {
		t.Errorf("%v, %v", v, err)
	}
	beside, err := msgpackx.AppendValue(nil, []any{map[string]any{"_placeholder": true, "num": 0}, []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	var atts [][]byte
	if _, err := msgpackx.AppendJSON(nil, beside, &atts); !errors.Is(err, msgpackx.ErrPlaceholder) || atts != nil {
		t.Errorf("%v, %d attachments", err, len(atts))
	}
}

// TestCut gives every beginning of a value to every reader.
func TestCut(t *testing.T) {
	t.Parallel()
	raw, err := msgpackx.AppendValue(nil, []any{1, -500, 1.5, "text", strings.Repeat("x", 300), []byte{1}, time.UnixMilli(5), map[string]any{"k": nil}, true})
	if err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		part := raw[:n:n]
		var v any
		if msgpackx.Skip(part, 0, 10) != msgpackx.Invalid {
			t.Errorf("%d bytes are skipped", n)
		}
		if out, err := msgpackx.AppendJSON([]byte("x"), part, nil); err == nil || string(out) != "x" {
			t.Errorf("%d bytes are %q", n, out)
		}
		if msgpackx.Decode(part, nil, &v) == nil {
			t.Errorf("%d bytes decode as %v", n, v)
		}
		msgpackx.Bytes(part)
	}
	if err := msgpackx.Decode(append(raw, 0xc0), nil, new(any)); err == nil {
		t.Error("what follows a value is overlooked")
	}
}

func TestSkipDepth(t *testing.T) {
	t.Parallel()
	nested := append(bytes.Repeat([]byte{0x91}, 5), 0xc0)
	for depth, want := range map[int]int{4: msgpackx.TooDeep, 5: 6, 0: msgpackx.TooDeep} {
		if got := msgpackx.Skip(nested, 0, depth); got != want {
			t.Errorf("depth %d: %d, want %d", depth, got, want)
		}
	}
}
