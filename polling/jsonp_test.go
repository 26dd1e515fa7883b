package polling_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/polling"
)

// TestJSONPPost compares the fields of forms with the reference.
func TestJSONPPost(t *testing.T) {
	t.Parallel()
	for _, v := range loadCodecs(t).Posts {
		payload, ok := polling.DecodeJSONP([]byte(v.Body))
		got := string(polling.ValidUTF8Text(payload))
		switch {
		case v.Payload == nil && ok:
			t.Errorf("%.60q: got %q, want nothing", v.Body, got)
		case v.Payload != nil && (!ok || got != *v.Payload):
			t.Errorf("%.60q: got %q, %v, want %q", v.Body, got, ok, *v.Payload)
		}
	}
}

func TestJSONPGet(t *testing.T) {
	t.Parallel()
	for _, v := range loadCodecs(t).Gets {
		if got := polling.AppendJSONP(nil, polling.JSONPIndex(v.J), []byte(v.Payload)); string(got) != v.Body {
			t.Errorf("j=%q, %q:\n got %s\nwant %s", v.J, v.Payload, got, v.Body)
		}
	}
	if got := polling.AppendJSONP([]byte("x"), "5", []byte("a\xff\xe2\x80b")); string(got) != "x___eio[5](\"a\uFFFD\uFFFD\uFFFDb\");" {
		t.Errorf("invalid UTF-8: %q", got)
	}
}

// TestJSONPIndexIsShort is row A80.
func TestJSONPIndexIsShort(t *testing.T) {
	t.Parallel()
	for j, want := range map[string]string{
		strings.Repeat("12", 50):  "1212121212",
		strings.Repeat("a1b", 50): "1111111111",
		"1234567890":              "1234567890",
		"a":                       "",
	} {
		if got := polling.JSONPIndex(j); got != want {
			t.Errorf("%.20q: %q, want %q", j, got, want)
		}
	}
}
