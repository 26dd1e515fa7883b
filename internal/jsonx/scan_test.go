package jsonx_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// texts are JSON and near misses; the fuzz targets start from them too.
var texts = []string{
	``, ` `, `null`, `true`, `false`, `nul`, `nulll`, `True`, `t`, `f`, `n`, `truefalse`,
	`0`, `-0`, `1`, `-1`, `10`, `01`, `-01`, `00`, `1.`, `.5`, `1.5`, `1.50`, `+1`, `-`, `--1`, `1e5`, `1E5`, `1e+5`, `1e-5`, `1e`, `1e+`, `1e5.5`, `1.e5`,
	`0x1`, `:`, `1:`, `-:`, `1.:`, `1e:`, `[1:2]`, `1_0`, `1e400`, `-1e400`, `1e-400`, `123456789012345678901234567890`, `0.1e1`, `1 2`, `NaN`, `Infinity`,
	`""`, `"a"`, `"abcdefgh"`, `"abcdefghi"`, `"a`, `"`, `a"`, `"\"`, `"\\"`, `"\""`, `"\/\b\f\n\r\t"`, `"\u0041"`, `"\u004"`, `"\u00g1"`, `"\u00:1"`, `"\u00/1"`, "\"\\u00`1\"", `"\u00@1"`, `"\u00G1"`, `"\uD83D\uDE00"`,
	`"\ud800"`, `"\x41"`, `"\U0041"`, `"\u"`, `"\`, `"abcdefg\`, `"abcdefgh\n`, "\"\x1f\"", "\"\t\"", "\"abcdefgh\n\"", "\"\x7f\"", "\"\x80\"", "\"é\u2028😀\"", "\"\xff\xfe\"",
	"\"\xed\xa0\x80\"", `'a'`,
	`[]`, `[ ]`, `[1]`, `[1,2]`, `[1,]`, `[,1]`, `[,]`, `[1 2]`, `[1`, `[`, `]`, `[]]`, `[[]`, `[[],[[]]]`, `[null,true,"x",{}]`, `[1}`, `[nul]`,
	`{}`, `{ }`, `{"a":1}`, `{"a":1,"b":[2]}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{a:1}`, `{1:2}`, `{"a":1`, `{`, `}`, `{}}`, `{"a":{}`,
	`{"a" : 1 , "b" : 2 }`, `{"a"1}`, `{"a":1]`, `{"a\":1}`, `{"":0}`, `{"a":1,"a":2}`, `{"a",1}`, `{"a"::1}`,
	" \t\r\n1 \t\r\n", "\v1", "\u00a01", "1\x00", "\ufeff1", `/**/1`, `//`,
	`[{"a":[{"b":[1,-2.5e-3,"x\ny",null,true,false,{}]}]}]`,
}

// nested returns n arrays, each within the one before.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// depthOf is the deepest nesting of valid JSON.
func depthOf(b []byte) int {
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			most = max(most, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return most
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, s := range texts {
		// White space in front moves everything across the borders of words.
		for pad := range 9 {
			in := []byte(strings.Repeat(" ", pad) + s)
			if got, want := jsonx.Valid(in, 10), json.Valid(in); got != want {
				t.Errorf("Valid(%q) = %v, want %v", in, got, want)
			}
		}
	}
}

// TestStringEverywhere puts each byte, and each escape, at each place of a
// string, so that every path through the words is taken.
func TestStringEverywhere(t *testing.T) {
	t.Parallel()
	for size := range 20 {
		for at := range size + 1 {
			for c := range 256 {
				for _, piece := range []string{string([]byte{byte(c)}), `\` + string([]byte{byte(c)}), `\u00` + string([]byte{byte(c)}) + `a`} {
					in := []byte(`"` + strings.Repeat("x", at) + piece + strings.Repeat("y", size-at) + `"`)
					if got, want := jsonx.Valid(in, 0), json.Valid(in); got != want {
						t.Fatalf("Valid(%q) = %v, want %v", in, got, want)
					}
				}
			}
		}
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		depth int
		want  bool
	}{
		{`1`, 0, true},
		{`[]`, 0, false},
		{`[]`, -1, false},
		{`{}`, 0, false},
		{`[]`, 1, true},
		{`[1,"[[[[",2]`, 1, true},
		{`[[],[],[]]`, 2, true},
		{`[[],[[]],[]]`, 2, false},
		{`{"a":[{}]}`, 3, true},
		{`{"a":[{}]}`, 2, false},
		{nested(128), 128, true},
		{nested(129), 128, false},
		{nested(jsonx.MaxDepth), jsonx.MaxDepth, true},
		{nested(jsonx.MaxDepth + 1), jsonx.MaxDepth, false},
		{strings.Repeat("[", 10_000_000), 128, false},
	} {
		if got := jsonx.Valid([]byte(c.in), c.depth); got != c.want {
			t.Errorf("Valid(%.40q, %d) = %v, want %v", c.in, c.depth, got, c.want)
		}
	}
	if got := jsonx.Skip([]byte(`[[1]]`), 0, 1); got != jsonx.TooDeep {
		t.Errorf("got %d, want TooDeep", got)
	}
	if got := jsonx.Skip([]byte(`[1`), 0, 1); got != jsonx.BadSyntax {
		t.Errorf("got %d, want BadSyntax", got)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in        string
		from, end int
	}{
		{`[1,22,333]`, 3, 5},
		{`["a","b\"c"]`, 5, 11},
		{`[ {"a":1} ,2]`, 2, 9},
		{`1`, 1, jsonx.BadSyntax},
		{`1`, 99, jsonx.BadSyntax},
		{` 1`, 0, jsonx.BadSyntax},
		{`1,`, 0, 1},
	} {
		if got := jsonx.Skip([]byte(c.in), c.from, 9); got != c.end {
			t.Errorf("Skip(%q, %d) = %d, want %d", c.in, c.from, got, c.end)
		}
	}
}
