package http1_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// TestQueryValue compares with testdata/urlsearchparams.json, which Node wrote:
// [query, key, last value of the key or null] for hand-made and random queries.
func TestQueryValue(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/urlsearchparams.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][3]*string
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 500 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		query, key := *c[0], *c[1]
		got, ok := http1.QueryValue([]byte(query), key)
		if ok != (c[2] != nil) {
			t.Errorf("QueryValue(%q, %q): ok = %v", query, key, ok)
		} else if ok && got != *c[2] {
			t.Errorf("QueryValue(%q, %q) = %q, want %q", query, key, got, *c[2])
		}
	}
}

// TestQueryBytes checks what the caller sees of the memory.
func TestQueryBytes(t *testing.T) {
	t.Parallel()
	query := []byte("sid=abc&t=a+b")
	v, ok := http1.QueryBytes(query, "sid", nil)
	if !ok || string(v) != "abc" || &v[0] != &query[4] {
		t.Errorf("plain value %q is not a view", v)
	}
	scratch := make([]byte, 3, 16)
	v, ok = http1.QueryBytes(query, "t", scratch)
	if !ok || string(v) != "a b" || &v[0] != &scratch[0] {
		t.Errorf("decoded value %q is not in scratch", v)
	}
	if string(query) != "sid=abc&t=a+b" {
		t.Errorf("the query was changed: %q", query)
	}
	if v, ok := http1.QueryBytes(query, "x", nil); v != nil || ok {
		t.Errorf("absent key: %q, %v", v, ok)
	}
}

func TestAppendValidUTF8(t *testing.T) {
	t.Parallel()
	const r = "\uFFFD"
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"abc €😀", "abc €😀"},
		{r, r},
		{"\xff", r},
		{"a\xe2\x82", "a" + r},
		{"\xe2\x82z", r + "z"},
		{"\xe2\x28\xa1", r + "(" + r},
		{"\xf0\x9f\x98", r},
		{"\xf0\x90\x80x", r + "x"},
		{"\xe0\xa0x", r + "x"},
		{"\xf0\x9fx\x98", r + "x" + r},
		{"\xc0\xaf", r + r},
		{"\xed\xa0\x80", r + r + r},
		{"\xe0\x80\x80", r + r + r},
		{"\xf4\x90\x80\x80", r + r + r + r},
		{"\xf0\x80\x80\x80", r + r + r + r},
		{"\xf5\x80", r + r},
		{"\xc3\xc3\xa9", r + "é"},
		{"\x80", r},
	} {
		if got := string(http1.AppendValidUTF8([]byte("x"), []byte(c.in))); got != "x"+c.want {
			t.Errorf("AppendValidUTF8(%q) = %q, want %q", c.in, got, "x"+c.want)
		}
	}
}
