package polling_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/polling"
)

func mustCORS(t *testing.T, o *polling.CORSOptions) *polling.CORS {
	t.Helper()
	c, err := polling.NewCORS(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCORSRefused is A22 and A31: what must not start.
func TestCORSRefused(t *testing.T) {
	t.Parallel()
	anyone := func(string) bool { return true }
	for _, c := range []struct {
		name, field string
		o           *polling.CORSOptions
	}{
		{"A22 star", "Credentials", &polling.CORSOptions{Origin: "*", Credentials: true}},
		{"A22 star by default", "Credentials", &polling.CORSOptions{Credentials: true}},
		{"A22 star in the list", "Credentials", &polling.CORSOptions{Origins: []string{"http://a.com", "*"}, Credentials: true}},
		{"A31 CR LF in Origin", "Origin", &polling.CORSOptions{Origin: "http://a.com\r\nX: y"}},
		{"A31 LF in Origins", "Origin", &polling.CORSOptions{Origins: []string{"http://a.com\n"}}},
		{"A31 CR LF in Methods", "Methods", &polling.CORSOptions{Methods: []string{"GET\r\nX: y"}}},
		{"A31 space in AllowedHeaders", "AllowedHeaders", &polling.CORSOptions{AllowedHeaders: []string{"a b"}}},
		{"A31 CR in ExposedHeaders", "ExposedHeaders", &polling.CORSOptions{ExposedHeaders: []string{"a\r"}}},
		{"empty origin", "Origin", &polling.CORSOptions{Origins: []string{""}}},
		{"Origin and Origins", "Origin", &polling.CORSOptions{Origin: "http://a.com", Origins: []string{"http://b.com"}}},
		{"Origin and OriginFunc", "Origin", &polling.CORSOptions{Origin: "*", OriginFunc: anyone}},
		{"nil pattern", "OriginPatterns", &polling.CORSOptions{OriginPatterns: []*regexp.Regexp{nil}}},
		{"status", "OptionsSuccessStatus", &polling.CORSOptions{OptionsSuccessStatus: 400}},
	} {
		_, err := polling.NewCORS(c.o)
		var e *polling.CORSError
		if !errors.As(err, &e) || e.Field != c.field || !strings.HasPrefix(err.Error(), "polling: CORS "+c.field) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := polling.NewCORS(&polling.CORSOptions{ReflectOrigin: true, Credentials: true}); err != nil {
		t.Errorf("reflection with credentials, which the reference knows: %v", err)
	}
}

// TestCORSNeverReflectsUnmatched is A23.
func TestCORSNeverReflectsUnmatched(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*polling.CORSOptions{
		"list":    {Origins: []string{"http://a.com"}, Credentials: true},
		"pattern": {OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`^https://[a-z]+\.a\.com$`)}},
		"func":    {OriginFunc: func(o string) bool { return o == "http://a.com" }},
		"mixed": {
			Origins: []string{"http://b.com"}, OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`^$`)},
			OriginFunc: func(string) bool { return false },
		},
	} {
		c := mustCORS(t, o)
		for _, origin := range []string{
			"http://evil.com", "http://a.com.evil.com", "http://evil.com/http://a.com", "HTTP://A.COM", "http://a.com/",
			"null", "", " ", "http://a.com\r\nX: y", "https://x.a.com\x00", "https://x.a.com\n",
		} {
			if c.Allowed([]byte(origin)) {
				t.Errorf("%s allows %q", name, origin)
			}
			req := request("OPTIONS", "Origin", origin, "Access-Control-Request-Method", "POST")
			for _, b := range [][]byte{c.AppendHeaders(nil, []byte(origin)), c.AppendPreflight(nil, req, nil)} {
				if strings.Contains(string(b), "Allow-Origin") {
					t.Errorf("%s names %q: %q", name, origin, b)
				}
				if !strings.Contains(string(b), "Vary: Origin") {
					t.Errorf("%s, %q: no Vary: %q", name, origin, b)
				}
			}
		}
	}
}

// TestCORSReflectsNoLineEnd is A31: an origin that everything else allows.
func TestCORSReflectsNoLineEnd(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*polling.CORSOptions{
		"all":     {ReflectOrigin: true},
		"pattern": {OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`a\.com$`)}},
		"func":    {OriginFunc: func(string) bool { return true }},
	} {
		c := mustCORS(t, o)
		if !c.Allowed([]byte("http://a.com")) {
			t.Errorf("%s refuses a good origin", name)
		}
		for _, origin := range []string{"x\r\nSet-Cookie: http://a.com", "x\nhttp://a.com", "\x00http://a.com"} {
			if got := string(c.AppendHeaders(nil, []byte(origin))); got != "Vary: Origin\r\n" {
				t.Errorf("%s, %q: %q", name, origin, got)
			}
		}
	}
}

// TestCORSFuncRefusal is where this server differs from the reference, which
// answers as if there were no CORS when the function says no: here, as for a
// list, Vary is set and the preflight answered (A23, A24).
func TestCORSFuncRefusal(t *testing.T) {
	t.Parallel()
	c := mustCORS(t, &polling.CORSOptions{OriginFunc: func(string) bool { return false }})
	req := request("OPTIONS", "Origin", "http://q.com")
	want := "HTTP/1.1 204 No Content\r\nVary: Origin, Access-Control-Request-Headers\r\n" +
		"Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\nContent-Length: 0\r\n\r\n"
	if got := string(c.AppendPreflight(nil, req, nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCORSEcho is A31 for the one value of a request that is echoed besides the
// origin.
func TestCORSEcho(t *testing.T) {
	t.Parallel()
	c := mustCORS(t, nil)
	for asked, echoed := range map[string]bool{"content-type": true, "a\r\nX: y": false, "a\nb": false, "a\x00": false} {
		req := request("OPTIONS", "Access-Control-Request-Headers", asked)
		got := string(c.AppendPreflight(nil, req, nil))
		if strings.Contains(got, "Allow-Headers: ") != echoed || strings.Contains(got, "X: y") {
			t.Errorf("%q: %q", asked, got)
		}
	}
}

func TestCORSPreflightOptions(t *testing.T) {
	t.Parallel()
	if mustCORS(t, &polling.CORSOptions{PreflightContinue: true}).Preflight() {
		t.Error("PreflightContinue answers")
	}
	c := mustCORS(t, nil)
	if !c.Preflight() {
		t.Error("the default does not answer")
	}
	opts := &polling.ResponseOptions{Close: true, Extra: []byte("X: unused\r\n")}
	got := string(c.AppendPreflight([]byte("…"), request("OPTIONS"), opts))
	if !strings.HasPrefix(got, "…HTTP/1.1 204 ") || !strings.HasSuffix(got, "Connection: close\r\n\r\n") ||
		strings.Contains(got, "unused") {
		t.Errorf("got %q", got)
	}
}

// TestCORSKeepsNothing checks that the caller's slices may be changed afterwards.
func TestCORSKeepsNothing(t *testing.T) {
	t.Parallel()
	origins := []string{"http://a.com"}
	c := mustCORS(t, &polling.CORSOptions{Origins: origins})
	origins[0] = "http://evil.com"
	if c.Allowed([]byte("http://evil.com")) || !c.Allowed([]byte("http://a.com")) {
		t.Error("the configuration changed")
	}
	if !mustCORS(t, &polling.CORSOptions{Origin: "http://a.com"}).Allowed([]byte("http://a.com")) ||
		!mustCORS(t, &polling.CORSOptions{Origins: []string{"*"}}).Allowed([]byte("http://a.com")) {
		t.Error("a single origin or a star in the list allows nothing")
	}
}

func TestCookieRefused(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]*polling.CookieOptions{
		"Name":     {Name: "a b"},
		"Path":     {Path: "/;x"},
		"Domain":   {Domain: "a\r\nX: y"},
		"Expires":  {Expires: "x\n"},
		"SameSite": {SameSite: "sometimes"},
		"Priority": {Priority: "urgent"},
	} {
		_, err := polling.NewCookie(o)
		var e *polling.CookieError
		if !errors.As(err, &e) || e.Field != field || !strings.HasPrefix(err.Error(), "polling: cookie "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestCookieValue is A31 for ids that the application chose.
func TestCookieValue(t *testing.T) {
	t.Parallel()
	c, err := polling.NewCookie(&polling.CookieOptions{MaxAge: -1})
	if err != nil {
		t.Fatal(err)
	}
	want := "Set-Cookie: io=a-Z_9%3B%0D%0A%C3%A9%20!; Max-Age=0; Path=/; HttpOnly; SameSite=Lax\r\n"
	if got := string(c.AppendHeader(nil, "a-Z_9;\r\né !")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
