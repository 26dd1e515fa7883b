package polling_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/polling"
)

// TestCheckOrigin is A20 and A21.
func TestCheckOrigin(t *testing.T) {
	t.Parallel()
	const same, foreign, malformed = polling.OriginSame, polling.OriginForeign, polling.OriginMalformed
	for _, c := range []struct {
		name, host, origin, scheme string
		want                       polling.OriginCheck
	}{
		{"same", "good.com", "https://good.com", "", same},
		{"same with a port", "good.com:3000", "http://good.com:3000", "", same},
		{"case", "Good.COM", "HTTPS://gOOD.com", "", same},
		{"default port of http", "good.com", "http://good.com:80", "", same},
		{"default port of https", "good.com", "https://good.com:443", "", same},
		{"default port in Host", "good.com:443", "https://good.com", "", same},
		{"other default port in Host", "good.com:80", "https://good.com", "", foreign},
		{"default port of the other scheme", "good.com", "http://good.com:443", "", foreign},
		{"ws", "good.com", "ws://good.com:80", "", same},
		{"wss", "good.com", "wss://good.com:443", "", same},
		{"other scheme without a default", "good.com:1", "ionic://good.com:1", "", same},
		{"app scheme", "good.com", "capacitor://localhost", "", foreign},
		{"IPv6", "[::1]:3000", "http://[::1]:3000", "", same},
		{"IPv6 without a port", "[::1]", "http://[::1]:80", "", same},
		{"port differs", "good.com:3000", "http://good.com:3001", "", foreign},
		{"port missing in Origin", "good.com:3000", "http://good.com", "", foreign},
		{"port missing in Host", "good.com", "http://good.com:3000", "", foreign},
		{"suffix", "good.com", "https://good.com.evil.com", "", foreign},
		{"prefix", "good.com", "https://evilgood.com", "", foreign},
		{"subdomain", "good.com", "https://www.good.com", "", foreign},
		{"trailing dot", "good.com", "https://good.com.", "", foreign},
		{"empty Host", "", "https://good.com", "", foreign},
		{"null", "good.com", "null", "", foreign},
		{"scheme unknown", "good.com", "https://good.com", "", same},
		{"scheme same", "good.com", "https://good.com", "https", same},
		{"scheme differs", "good.com", "http://good.com", "https", foreign},
		{"scheme differs, default ports", "good.com", "http://good.com:80", "https", foreign},
		{"empty", "good.com", "", "", malformed},
		{"NULL", "good.com", "NULL", "", malformed},
		{"no scheme", "good.com", "good.com", "", malformed},
		{"empty scheme", "good.com", "://good.com", "", malformed},
		{"scheme of digits", "good.com", "1http://good.com", "", malformed},
		{"scheme with a space", "good.com", "ht tp://good.com", "", malformed},
		{"no host", "good.com", "https://", "", malformed},
		{"empty both", "", "https://", "", malformed},
		{"port only", "good.com", "https://:443", "", malformed},
		{"path", "good.com", "https://good.com/", "", malformed},
		{"path of the host", "good.com", "https://evil.com/good.com", "", malformed},
		{"query", "good.com", "https://good.com?a", "", malformed},
		{"fragment", "good.com", "https://good.com#a", "", malformed},
		{"user", "good.com", "https://good.com@evil.com", "", malformed},
		{"user before the host", "good.com", "https://evil@good.com", "", malformed},
		{"backslash", "good.com", "https://evil.com\\good.com", "", malformed},
		{"list", "good.com", "https://evil.com https://good.com", "", malformed},
		{"comma list", "good.com", "https://evil.com,https://good.com", "", malformed},
		{"two schemes", "good.com", "https://https://good.com", "", malformed},
		{"long port", "good.com", "https://good.com:000443", "", malformed},
		{"control", "good.com", "https://good.com\x00", "", malformed},
		{"LF", "good.com", "https://good.com\n", "", malformed},
		{"space", "good.com", " https://good.com", "", malformed},
		{"above ASCII", "good.com", "https://g\xc3\xb6od.com", "", malformed},
	} {
		if got := polling.CheckOrigin([]byte(c.host), []byte(c.origin), c.scheme); got != c.want {
			t.Errorf("%s: CheckOrigin(%q, %q, %q) = %d, want %d", c.name, c.host, c.origin, c.scheme, got, c.want)
		}
	}
	if got := polling.CheckOrigin([]byte("good.com"), nil, "https"); got != same {
		t.Errorf("absent: %d", got)
	}
}

// FuzzCheckOrigin checks what must hold for any origin: a verdict of "same"
// means that the origin ends in the host, or in the host with or without a
// default port, directly behind the scheme.
func FuzzCheckOrigin(f *testing.F) {
	f.Add("good.com", "https://good.com", "")
	f.Add("good.com:443", "https://good.com", "https")
	f.Add("good.com", "https://good.com@evil.com", "")
	f.Fuzz(func(t *testing.T, host, origin, scheme string) {
		got := polling.CheckOrigin([]byte(host), []byte(origin), scheme)
		from, site, ok := strings.Cut(strings.ToLower(origin), "://")
		if got == polling.OriginSame {
			port := map[string]string{"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}[from]
			h := strings.ToLower(host)
			if !ok || (site != h && site+port != h && site != h+port) {
				t.Fatalf("CheckOrigin(%q, %q) = same", host, origin)
			}
			if scheme != "" && !strings.EqualFold(from, scheme) {
				t.Fatalf("CheckOrigin(%q, %q, %q) = same", host, origin, scheme)
			}
			if strings.ContainsAny(site, "/\\@?# \t\r\n") {
				t.Fatalf("CheckOrigin(%q, %q) = same with odd bytes", host, origin)
			}
		}
	})
}

func TestInvalidOriginBytes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"": false, "a\tb \x80\xff~": false, "a\nb": true, "a\x00": true, "\x7f": true, "\x1f": true} {
		if got := polling.InvalidOriginBytes([]byte(in)); got != want {
			t.Errorf("InvalidOriginBytes(%q) = %v", in, got)
		}
	}
}
