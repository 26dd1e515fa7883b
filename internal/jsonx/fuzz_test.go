package jsonx_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// FuzzValid compares the scanner with that of encoding/json.
func FuzzValid(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, depth int) {
		want := json.Valid(b) && depthOf(b) <= max(depth, 0)
		if got := jsonx.Valid(b, depth); got != want {
			t.Errorf("Valid(%q, %d) = %v, want %v", b, depth, got, want)
		}
		// From any place: total, and an index behind it or an error.
		for i := range len(b) + 2 {
			end := jsonx.Skip(b, i, depth)
			if end != jsonx.BadSyntax && end != jsonx.TooDeep && (end <= i || end > len(b)) {
				t.Fatalf("Skip(%q, %d, %d) = %d", b, i, depth, end)
			}
			if end > 0 && !json.Valid(b[i:end]) {
				t.Fatalf("Skip(%q, %d, %d) accepts %q", b, i, depth, b[i:end])
			}
		}
	})
}

// FuzzString writes any string, and reads it as encoding/json does.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "abc", "a\nb\x00c", "\"\\/", "\u2028é😀", "\xff\xc0\xaf", "\xed\xa0\x80", "12345678\x1f12345678"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := jsonx.AppendString(nil, s)
		if !utf8.Valid(out) || !json.Valid(out) {
			t.Fatalf("%q: wrote %q", s, out)
		}
		want := strings.Map(func(r rune) rune { return r }, s) // U+FFFD for each bad byte
		var got string
		if err := json.Unmarshal(out, &got); err != nil || got != want {
			t.Fatalf("%q: reads back as %q, %v", s, got, err)
		}
		if got := jsonx.Unquote(nil, out[1:len(out)-1]); string(got) != want {
			t.Fatalf("%q: Unquote says %q", s, got)
		}
		// And s as the body of a string, if it is one.
		body := []byte(`"` + s + `"`)
		if !jsonx.Valid(body, 0) {
			jsonx.Unquote(nil, []byte(s))
			return
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if u := jsonx.Unquote(nil, []byte(s)); string(u) != got || len(u) > 3*len(s) {
			t.Fatalf("%q: Unquote says %q, want %q", body, u, got)
		}
	})
}

// jsNumber is what JavaScript's Number.prototype.toString can say of a finite
// number.
var jsNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,20}|0\.0{0,5}[1-9][0-9]*|[1-9][0-9]*\.[0-9]*[1-9]|[1-9](?:\.[0-9]*[1-9])?e(?:\+[1-9][0-9]{1,2}|-[1-9][0-9]{0,2}))$`)

// FuzzFloat prints any double, and reads it back.
func FuzzFloat(f *testing.F) {
	for _, v := range []float64{0, 1, -1.5, 1e21, 1e-7, 1e-6, math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53, 123456789.125} {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		out := string(jsonx.AppendFloat(nil, v))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if out != "null" {
				t.Fatalf("%v: %s", v, out)
			}
			return
		}
		if got, err := strconv.ParseFloat(out, 64); err != nil || got != v || out == "-0" || !jsNumber.MatchString(out) {
			t.Fatalf("%v: wrote %s, which is %v, %v", v, out, got, err)
		}
	})
}

// FuzzAppendValue decodes any JSON with encoding/json, writes the value and
// decodes that: the values must be equal, and so must the JSON of values that
// are written through the codec.
func FuzzAppendValue(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, back any
		if json.Unmarshal(b, &v) != nil {
			if out, err := jsonx.AppendValue(nil, json.RawMessage(b), nil, nil); err == nil && !json.Valid(out) {
				t.Fatalf("raw %q: wrote %q", b, out)
			}
			return
		}
		out, err := jsonx.AppendValue([]byte("x"), v, nil, nil)
		if err != nil {
			if !errors.Is(err, jsonx.ErrTooDeep) || depthOf(b) < 1000 {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		out = out[1:]
		if err := json.Unmarshal(out, &back); err != nil || !reflect.DeepEqual(v, back) || !utf8.Valid(out) {
			t.Fatalf("%q: wrote %q, %v", b, out, err)
		}
		type wrap struct{ V any }
		viaCodec, err := jsonx.AppendValue(nil, wrap{v}, nil, nil)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		// encoding/json keeps the sign of zero and pads no exponent either.
		if want := `{"V":` + string(out) + `}`; string(viaCodec) != want && !bytes.Contains(viaCodec, []byte("-0")) {
			t.Fatalf("%q: codec wrote %q, want %q", b, viaCodec, want)
		}
		raw, err := jsonx.AppendValue(nil, json.RawMessage(b), nil, nil)
		if err != nil || json.Unmarshal(raw, &back) != nil || !reflect.DeepEqual(v, back) {
			t.Fatalf("raw %q: wrote %q, %v", b, raw, err)
		}
	})
}

// model is placeholder reconstruction as the official parser does it, on a
// decoded value.
func model(v any, atts [][]byte) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if v["_placeholder"] == true {
			n, ok := v["num"].(float64)
			if !ok || n < 0 || n >= float64(len(atts)) || n != math.Trunc(n) {
				return nil, false
			}
			return atts[int(n)], true
		}
		for k := range v {
			r, ok := model(v[k], atts)
			if !ok {
				return nil, false
			}
			v[k] = r
		}
	case []any:
		for i := range v {
			r, ok := model(v[i], atts)
			if !ok {
				return nil, false
			}
			v[i] = r
		}
	}
	return v, true
}

// repeats reports whether an object names a key twice, in any case.
func repeats(raw []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	var stack []map[string]bool // nil: an array
	isKey := false
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		top := len(stack) - 1
		switch tok := tok.(type) {
		case json.Delim:
			switch tok {
			case '{':
				stack = append(stack, map[string]bool{})
				isKey = true
				continue
			case '[':
				stack = append(stack, nil)
				isKey = false
				continue
			default:
				stack = stack[:top]
				top--
			}
		case string:
			if isKey {
				key := strings.ToLower(tok)
				if stack[top][key] {
					return true
				}
				stack[top][key] = true
				isKey = false
				continue
			}
		}
		isKey = top >= 0 && stack[top] != nil
	}
}

type (
	leaf struct {
		Data []byte `json:"data"`
		N    *int   `json:"n"`
	}
	tree struct {
		A  []byte
		B  []leaf          `json:"b"`
		C  map[string]leaf `json:"c"`
		D  *tree           `json:"d"`
		E  [2][]byte       `json:"e"`
		F  [][][]byte      `json:"f"`
		G  map[int8][]byte `json:"g"`
		N  int             `json:"n,string"`
		En Embedded        `json:"en"`
	}
)

// FuzzDecode rebuilds placeholders: into anything it must agree with the
// model, into structs with encoding/json reading base64 in their stead, and
// whatever the target it must not panic.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`%0`, `[%0,1,%1]`, `{"a":%0,"b":{"data":%1,"n":1},"c":{"x":{"data":%0}}}`, `[[[%1]],{"x":1}]`, `{"_placeholder":true,"num":"x"}`,
		`{"A":%1,"b":[{"data":%0},{"n":2}],"d":{"a":%0,"d":{"e":[%0,%1]}},"f":[[%0],[],[%1,null]],"g":{"-1":%0,"2":null},"n":"3","en":{"deep":%1}}`,
		`{"_placeholder":true,"num":0,"x":%9}`, `{"n":"7","a":%0,"n":"8"}`, `{"g":{"x":%0}}`, ` [ %0 , %1 ] `, `{"a":%0,"a":%1}`, `[1e400,%0]`,
	} {
		f.Add([]byte(ph(s)))
	}
	atts := [][]byte{[]byte("zero"), []byte("one")}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 4096 {
			return
		}
		for _, target := range []any{
			nil, new([]byte), new(string), new([]any), new(map[string]any), new(leaf), new(outer), new(json.RawMessage), new([]json.RawMessage),
			new(map[string]json.RawMessage), new(map[int][]byte), new([3]any), new(**tree), new(chan int), new(fmt.Stringer),
			tree{},
		} {
			_ = jsonx.Decode(raw, atts, nil, target)
		}
		checkModel(t, raw, atts)
		checkBase64(t, raw, atts)
	})
}

func checkModel(t *testing.T, raw []byte, atts [][]byte) {
	t.Helper()
	var got, want any
	err := jsonx.Decode(raw, atts, nil, &got)
	wantErr := json.Unmarshal(raw, &want)
	legal := true
	if wantErr == nil {
		want, legal = model(want, atts)
	}
	switch {
	case errors.Is(err, jsonx.ErrAttachment) != (jsonx.CheckPlaceholders(raw, len(atts)) != nil) && json.Valid(raw):
		t.Fatalf("%q: Decode says %v, CheckPlaceholders differs", raw, err)
	case err == nil && (wantErr != nil || !legal || !reflect.DeepEqual(got, want)):
		// A number out of range within a placeholder is never looked at.
		if wantErr != nil && json.Valid(raw) {
			return
		}
		t.Fatalf("%q:\n got %s\nwant %s, %v", raw, show(got), show(want), wantErr)
	case err != nil && wantErr == nil && legal && !repeats(raw):
		t.Fatalf("%q: %v, want %s", raw, err, show(want))
	}
}

func checkBase64(t *testing.T, raw []byte, atts [][]byte) {
	t.Helper()
	if !json.Valid(raw) || repeats(raw) {
		return
	}
	plain := raw
	for i, att := range atts {
		plain = bytes.ReplaceAll(plain, []byte(ph(fmt.Sprintf("%%%d", i))), []byte(`"`+base64.StdEncoding.EncodeToString(att)+`"`))
	}
	if bytes.Contains(plain, []byte("placeholder")) || bytes.Contains(plain, []byte(`\u`)) {
		return
	}
	var got, want tree
	if json.Unmarshal(plain, &want) != nil {
		return
	}
	if err := jsonx.Decode(raw, atts, nil, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %v\n got %s\nwant %s", raw, err, show(got), show(want))
	}
}
