package http1_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// TestMatchPath is A16 and PARITY 1.2: the raw target, byte for byte.
func TestMatchPath(t *testing.T) {
	t.Parallel()
	const more, yes, no = http1.MatchMore, http1.MatchYes, http1.MatchNo
	for _, c := range []struct {
		in   string
		want http1.Match
	}{
		{"", more},
		{"G", more},
		{"GET", more},
		{"GET ", more},
		{"GET /", more},
		{"GET /socket.io", more},
		{"GET /socket.io/", yes},
		{"GET /socket.io/?EIO=4 HTTP/1.1\r\n", yes},
		{"GET /socket.io/foo/bar?EIO=4&transport=polling HTTP/1.1\r\n", yes},
		{"whatever /socket.io/", yes},
		{"GET /s0", no},
		{"GET /socket.io?EIO=4", no},
		{"GET /socket.io HTTP/1.1\r\n", no},
		{"GET /Socket.io/", no},
		{"GET /socket%2eio/", no},
		{"GET /%73ocket.io/", no},
		{"GET //socket.io/", no},
		{"GET /./socket.io/", no},
		{"GET /x/../socket.io/", no},
		{"GET http://a/socket.io/", no},
		{"GET h", no},
		{"OPTIONS *", no},
		{"CONNECT a:80", no},
		{"GET \x00", no},
		{" GET", no},
		{"\r\n", no},
		{"\x16\x03\x01", no},
		{"G\x00", no},
		{"PRI * HTTP/2.0", no},
		{strings.Repeat("A", 32), more},
		{strings.Repeat("A", 32) + " /socket.io/", yes},
		{strings.Repeat("A", 33), no},
	} {
		if got := http1.MatchPath([]byte(c.in), "/socket.io/"); got != c.want {
			t.Errorf("MatchPath(%q) = %d, want %d", c.in, got, c.want)
		}
	}
}

// TestMatchIsMonotonic checks that an answer never changes as bytes arrive.
func TestMatchIsMonotonic(t *testing.T) {
	t.Parallel()
	for _, in := range headCorpus() {
		last := http1.MatchMore
		for i := range min(len(in), 200) {
			m := http1.MatchPath([]byte(in[:i]), "/socket.io/")
			if last != http1.MatchMore && m != last {
				t.Fatalf("%.60q: %d after %d, then %d", in, last, i-1, m)
			}
			last = m
		}
	}
}

func TestPeekTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, target string
		ok         bool
	}{
		{"", "", false},
		{"GE", "", false},
		{"GET ", "", false},
		{"GET /so", "/so", false},
		{"GET /so ", "/so", true},
		{"GET /so?a=b HTTP/1.1\r\n", "/so?a=b", true},
		{"GET  HTTP/1.1", "", false},
		{"GET /a\r\n", "/a", false},
		{"GET * HTTP/1.1", "*", true},
		{"\x16\x03 / ", "", false},
	} {
		target, ok := http1.PeekTarget([]byte(c.in))
		if string(target) != c.target || ok != c.ok {
			t.Errorf("PeekTarget(%q) = %q, %v; want %q, %v", c.in, target, ok, c.target, c.ok)
		}
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		got  bool
		want bool
	}{
		{"token", http1.ValidToken([]byte("X-Foo_1")), true},
		{"empty token", http1.ValidToken(nil), false},
		{"token with a space", http1.ValidToken([]byte("a b")), false},
		{"value", http1.ValidValue([]byte("a b\t\xff")), true},
		{"value with CR LF", http1.ValidValue([]byte("a\r\nb")), false},
		{"host", http1.ValidHost([]byte("example.com:80")), true},
		{"host with a path", http1.ValidHost([]byte("example.com/")), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.what, c.got)
		}
	}
}

// TestValueControlBytes checks every byte at every place of a word, which is how
// values are scanned.
func TestValueControlBytes(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				v := []byte(strings.Repeat("x", n))
				v[at] = byte(c)
				want := c >= 0x20 && c != 0x7f || c == '\t'
				if got := http1.ValidValue(v); got != want {
					t.Fatalf("ValidValue(%q) = %v", v, got)
				}
			}
		}
	}
}
