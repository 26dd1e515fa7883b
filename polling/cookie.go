package polling

import (
	"strconv"
	"strings"

	"github.com/gannet-io/gannet/internal/http1"
)

// CookieOptions describes the cookie that carries the session id, for load
// balancers that keep a session on one server. It is set on the handshake over
// polling and nowhere else.
type CookieOptions struct {
	// Name is the name. Empty means "io".
	Name string
	// Path is the path. Empty means "/".
	Path string
	// OmitPath leaves the path out.
	OmitPath bool
	// Domain is the domain. Empty leaves it out.
	Domain string
	// MaxAge is the lifetime in seconds. Zero leaves it out, negative means 0.
	MaxAge int
	// Expires is a date in the form of RFC 9110, such as
	// "Wed, 21 Oct 2026 07:28:00 GMT". Empty leaves it out.
	Expires string
	// DisableHTTPOnly lets scripts read the cookie.
	DisableHTTPOnly bool
	// Secure restricts the cookie to encrypted connections.
	Secure bool
	// Partitioned gives every top-level site its own cookie.
	Partitioned bool
	// Priority is Low, Medium or High. Empty leaves it out.
	Priority string
	// SameSite is Lax, Strict or None. Empty means Lax.
	SameSite string
	// OmitSameSite leaves SameSite out.
	OmitSameSite bool
}

// A CookieError says why a cookie configuration is refused.
type CookieError struct {
	Field, Reason string
}

func (e *CookieError) Error() string { return "polling: cookie " + e.Field + ": " + e.Reason }

// A Cookie is a compiled session cookie. It is immutable and may be shared.
type Cookie struct {
	before, after string // of the session id
}

// NewCookie compiles a session cookie; nil means that of an empty CookieOptions.
func NewCookie(o *CookieOptions) (*Cookie, error) {
	if o == nil {
		o = &CookieOptions{}
	}
	v := *o
	if v.Name == "" {
		v.Name = "io"
	}
	if v.Path == "" {
		v.Path = "/"
	}
	if v.SameSite == "" {
		v.SameSite = "Lax"
	}
	if err := v.validate(); err != nil {
		return nil, err
	}
	return &Cookie{before: "Set-Cookie: " + v.Name + "=", after: v.attributes() + "\r\n"}, nil
}

func (o *CookieOptions) validate() error {
	if !http1.ValidToken([]byte(o.Name)) {
		return &CookieError{"Name", "is not a token"}
	}
	for _, f := range [...]struct{ field, value string }{
		{"Path", o.Path}, {"Domain", o.Domain}, {"Expires", o.Expires},
	} {
		if !http1.ValidValue([]byte(f.value)) || strings.ContainsRune(f.value, ';') {
			return &CookieError{f.field, "has a byte that no cookie attribute may hold"}
		}
	}
	if !oneOf(o.SameSite, "Lax", "Strict", "None") {
		return &CookieError{"SameSite", "is not Lax, Strict or None"}
	}
	if o.Priority != "" && !oneOf(o.Priority, "Low", "Medium", "High") {
		return &CookieError{"Priority", "is not Low, Medium or High"}
	}
	return nil
}

func oneOf(s string, names ...string) bool {
	for _, n := range names {
		if strings.EqualFold(s, n) {
			return true
		}
	}
	return false
}

// attributes renders what follows the session id, in the order of the reference
// server.
func (o *CookieOptions) attributes() string {
	var b strings.Builder
	text := func(present bool, name, value string) {
		if present {
			b.WriteString("; " + name)
			b.WriteString(value)
		}
	}
	text(o.MaxAge != 0, "Max-Age=", strconv.Itoa(max(o.MaxAge, 0)))
	text(o.Domain != "", "Domain=", o.Domain)
	text(!o.OmitPath, "Path=", o.Path)
	text(o.Expires != "", "Expires=", o.Expires)
	text(!o.DisableHTTPOnly, "HttpOnly", "")
	text(o.Secure, "Secure", "")
	text(o.Partitioned, "Partitioned", "")
	text(o.Priority != "", "Priority=", title(o.Priority))
	text(!o.OmitSameSite, "SameSite=", title(o.SameSite))
	return b.String()
}

// title puts a word into the case of the reference server: Strict.
func title(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
}

// AppendHeader appends the Set-Cookie line for a session; it goes into
// ResponseOptions.Behind. A session id with a byte that is not URL-safe, which
// an application may have chosen, is percent-encoded.
func (c *Cookie) AppendHeader(dst []byte, sid string) []byte {
	dst = append(dst, c.before...)
	dst = appendComponent(dst, sid)
	return append(dst, c.after...)
}

// appendComponent appends s like encodeURIComponent.
func appendComponent(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		letter := (c|0x20) >= 'a' && (c|0x20) <= 'z'
		if letter || (c >= '0' && c <= '9') || strings.IndexByte("-_.!~*'()", c) >= 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}
