package jsonx_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/jsonx"
)

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", `""`},
		{"plain", "hello", `"hello"`},
		{"short escapes", "\b\t\n\f\r\"\\", `"\b\t\n\f\r\"\\"`},
		{"control", "\x00\x01\x1f\x0b", `"\u0000\u0001\u001f\u000b"`},
		{"delete is plain", "\x7f", "\"\x7f\""},
		{"no html", "<script>&'/", `"<script>&'/"`},
		{"line separators", "\u2028\u2029", "\"\u2028\u2029\""},
		{"text", "Größe 😀", `"Größe 😀"`},
		{"replacement as it is", "\uFFFD", "\"\uFFFD\""},
		{"bad byte", "a\xffb", "\"a\uFFFDb\""},
		{"surrogate", "\xed\xa0\x80", "\"\uFFFD\uFFFD\uFFFD\""},
		{"cut", "x\xf0\x9f\x98", "\"x\uFFFD\uFFFD\uFFFD\""},
		{"overlong", "\xc0\xaf", "\"\uFFFD\uFFFD\""},
		{"beyond", "\xf4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""},
	} {
		for pad := range 9 {
			x := strings.Repeat("x", pad)
			want := `"` + x + c.want[1:]
			if got := string(jsonx.AppendString([]byte("dst"), x+c.in)); got != "dst"+want {
				t.Errorf("%s: got %s, want dst%s", c.name, got, want)
			}
			if got := string(jsonx.AppendStringBytes(nil, []byte(x+c.in))); got != want {
				t.Errorf("%s: bytes: got %s, want %s", c.name, got, want)
			}
		}
	}
}

// TestAppendStringEveryRune writes all of Unicode and reads it back.
func TestAppendStringEveryRune(t *testing.T) {
	t.Parallel()
	var sb strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			sb.WriteRune(r)
		}
	}
	out := jsonx.AppendString(nil, sb.String())
	var got string
	if err := json.Unmarshal(out, &got); err != nil || got != sb.String() {
		t.Errorf("read back: %v, %d bytes of %d", err, len(got), sb.Len())
	}
	if got := jsonx.Unquote(nil, out[1:len(out)-1]); string(got) != sb.String() {
		t.Errorf("Unquote: %d bytes of %d", len(got), sb.Len())
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		``, `abc`, `\"\\\/\b\f\n\r\t`, `\u0041\u00e9\u20AC`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\ud83dx`, `\ud83d\n`, `\ud83d\u0041`,
		`\ud83d\ud83d\ude00`, `\ude00\ud83d`, `\\u0041`, "\xff", "é\xffé", `12345678\n12345678`, "\u2028", `\uFFFD`, `\ud800\`[:6],
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+in+`"`), &want); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		for pad := range 9 {
			x := strings.Repeat("x", pad)
			if got := string(jsonx.Unquote([]byte("d"), []byte(x+in))); got != "d"+x+want {
				t.Errorf("%q: got %q, want %q", in, got, x+want)
			}
		}
	}
	// Not what Skip accepts, but never a panic.
	for _, in := range []string{`\`, `\u`, `\u00`, `\u00g0`, `a\`, `\ud83d\`, `\ud83d\u`, `\ud83d\u1`} {
		jsonx.Unquote(nil, []byte(in))
	}
}
