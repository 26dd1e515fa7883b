package polling

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gannet-io/gannet/internal/http1"
)

// CORSOptions says which other sites may use the server, in the manner of the
// npm package cors. The origins that are allowed are the union of the fields
// about origins; with none of them set, every origin is, by "*".
type CORSOptions struct {
	// Origin is "*" or one origin. A single origin is sent to everyone, also
	// when the request comes from elsewhere; it must then be the only field
	// about origins.
	Origin string
	// Origins lists allowed origins, such as "https://example.com". "*" allows
	// every origin.
	Origins []string
	// OriginPatterns lists patterns for allowed origins. A pattern that is not
	// anchored matches anywhere in the origin.
	OriginPatterns []*regexp.Regexp
	// OriginFunc decides about an origin. It is called for each request, on a
	// goroutine that must not block.
	OriginFunc func(origin string) bool
	// ReflectOrigin allows every origin by naming it in the response.
	ReflectOrigin bool

	// Credentials allows cookies. It cannot go with "*".
	Credentials bool
	// Methods is what a preflight allows. Empty means GET, HEAD, PUT, PATCH,
	// POST and DELETE.
	Methods []string
	// AllowedHeaders is what a preflight allows. Empty means whatever it asks
	// for.
	AllowedHeaders []string
	// ExposedHeaders lists response headers that a page may read.
	ExposedHeaders []string
	// MaxAge is how many seconds a preflight is good for. Zero means that
	// nothing is said, negative means 0.
	MaxAge int
	// PreflightContinue treats OPTIONS like any other method instead of
	// answering it.
	PreflightContinue bool
	// OptionsSuccessStatus answers a preflight. Zero means 204.
	OptionsSuccessStatus int
}

// A CORSError says why a CORS configuration is refused.
type CORSError struct {
	Field, Reason string
}

func (e *CORSError) Error() string { return "polling: CORS " + e.Field + ": " + e.Reason }

// ErrWildcardCredentials refuses "*" together with Credentials: every site
// could act in the name of every user, and browsers ignore the pair.
var ErrWildcardCredentials error = &CORSError{"Credentials", `cannot go with the origin "*"`}

// A CORS is a compiled configuration. It is immutable and may be shared.
type CORS struct {
	anyone bool   // "*"
	fixed  string // the one origin that everyone is told
	exact  []string
	match  []*regexp.Regexp
	decide func(string) bool
	all    bool // reflect every origin

	// Rendered header lines behind the origin's own.
	simple    []byte // Credentials, Expose-Headers
	preflight []byte // Credentials, Methods
	echo      bool   // Allow-Headers is what was asked for
	tail      []byte // Allow-Headers, Max-Age, Expose-Headers
	status    int    // 0: OPTIONS is not answered here
}

// NewCORS compiles a configuration; nil means that of an empty CORSOptions. The
// options are not kept, except for patterns and the function.
func NewCORS(o *CORSOptions) (*CORS, error) {
	if o == nil {
		o = &CORSOptions{}
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &CORS{
		exact:  slices.Clone(o.Origins),
		match:  slices.Clone(o.OriginPatterns),
		decide: o.OriginFunc,
		all:    o.ReflectOrigin,
		echo:   len(o.AllowedHeaders) == 0,
	}
	switch {
	case o.wildcard():
		c.anyone = true
	case o.Origin != "":
		c.fixed = o.Origin
	}
	if !o.PreflightContinue {
		c.status = 204
		if o.OptionsSuccessStatus != 0 {
			c.status = o.OptionsSuccessStatus
		}
	}
	c.render(o)
	return c, nil
}

func (o *CORSOptions) dynamic() bool {
	return len(o.Origins) > 0 || len(o.OriginPatterns) > 0 || o.OriginFunc != nil || o.ReflectOrigin
}

func (o *CORSOptions) wildcard() bool {
	return o.Origin == "*" || slices.Contains(o.Origins, "*") || (o.Origin == "" && !o.dynamic())
}

func (o *CORSOptions) validate() error {
	if o.Credentials && o.wildcard() {
		return ErrWildcardCredentials
	}
	if o.Origin != "" && o.dynamic() {
		return &CORSError{"Origin", "cannot go with another field about origins; use Origins"}
	}
	if !printable(o.Origin) || slices.ContainsFunc(o.Origins, func(s string) bool { return s == "" || !printable(s) }) {
		return &CORSError{"Origin", "has an empty value or one that no header may hold"}
	}
	if slices.Contains(o.OriginPatterns, nil) {
		return &CORSError{"OriginPatterns", "has a nil pattern"}
	}
	for _, list := range []struct {
		field string
		names []string
	}{{"Methods", o.Methods}, {"AllowedHeaders", o.AllowedHeaders}, {"ExposedHeaders", o.ExposedHeaders}} {
		for _, name := range list.names {
			if !http1.ValidToken([]byte(name)) {
				return &CORSError{list.field, "has a value that is not a token: " + strconv.Quote(name)}
			}
		}
	}
	if s := o.OptionsSuccessStatus; s != 0 && (s < 200 || s > 299) {
		return &CORSError{"OptionsSuccessStatus", "is not a 2xx status"}
	}
	return nil
}

// printable reports whether s may stand in a header without any folding.
func printable(s string) bool {
	return http1.ValidValue([]byte(s)) && s == strings.TrimSpace(s)
}

// Allowed reports whether pages of this origin may read responses.
func (c *CORS) Allowed(origin []byte) bool {
	switch {
	case c.anyone:
		return true
	case c.fixed != "":
		return string(origin) == c.fixed
	case len(origin) == 0 || !http1.ValidValue(origin):
		return false
	case c.all:
		return true
	}
	if slices.ContainsFunc(c.exact, func(s string) bool { return s == string(origin) }) {
		return true
	}
	for _, re := range c.match {
		if re.Match(origin) {
			return true
		}
	}
	return c.decide != nil && c.decide(string(origin))
}

// AppendHeaders appends the header lines of a response to a request with this
// Origin, nil if it has none; they go into http1.ResponseHead.First, or into
// the 101 of an upgrade. An origin that is not allowed is never named. Where
// the lines depend on the origin, Vary says so in every case.
func (c *CORS) AppendHeaders(dst, origin []byte) []byte {
	dst = c.appendOrigin(dst, origin)
	if !c.anyone {
		dst = appendLine(dst, "Vary", "Origin")
	}
	return append(dst, c.simple...)
}

// Preflight reports whether an OPTIONS request is answered by AppendPreflight,
// before anything else about the request is looked at.
func (c *CORS) Preflight() bool { return c.status != 0 }

// AppendPreflight appends the whole response to an OPTIONS request. It does not
// use the Extra of the options.
func (c *CORS) AppendPreflight(dst []byte, req *http1.Request, o *ResponseOptions) []byte {
	var scratch [512]byte
	lines := c.AppendPreflightHeaders(scratch[:0], req)
	h := errorResponse(o, c.status, "", 0)
	h.First = lines
	return http1.AppendResponse(dst, &h)
}

// AppendPreflightHeaders appends the header lines of the response to an OPTIONS
// request that is handled like any other, with PreflightContinue.
func (c *CORS) AppendPreflightHeaders(dst []byte, req *http1.Request) []byte {
	return c.appendPreflightHeaders(dst, req.Get("Origin"), req.Get("Access-Control-Request-Headers"))
}

func (c *CORS) appendOrigin(dst, origin []byte) []byte {
	const name = "Access-Control-Allow-Origin"
	switch {
	case c.anyone:
		return appendLine(dst, name, "*")
	case c.fixed != "":
		return appendLine(dst, name, c.fixed)
	case c.Allowed(origin):
		dst = append(dst, name+": "...)
		dst = append(dst, origin...)
		return append(dst, "\r\n"...)
	}
	return dst
}

func (c *CORS) appendPreflightHeaders(dst, origin, asked []byte) []byte {
	const askedName = "Access-Control-Request-Headers"
	dst = c.appendOrigin(dst, origin)
	switch {
	case c.anyone:
	case c.echo:
		dst = appendLine(dst, "Vary", "Origin, "+askedName)
	default:
		dst = appendLine(dst, "Vary", "Origin")
	}
	dst = append(dst, c.preflight...)
	if c.echo {
		if c.anyone {
			dst = appendLine(dst, "Vary", askedName)
		}
		if len(asked) > 0 && http1.ValidValue(asked) {
			dst = append(dst, "Access-Control-Allow-Headers: "...)
			dst = append(dst, asked...)
			dst = append(dst, "\r\n"...)
		}
	}
	return append(dst, c.tail...)
}

func (c *CORS) render(o *CORSOptions) {
	methods := "GET,HEAD,PUT,PATCH,POST,DELETE"
	if len(o.Methods) > 0 {
		methods = strings.Join(o.Methods, ",")
	}
	if o.Credentials {
		c.simple = appendLine(c.simple, "Access-Control-Allow-Credentials", "true")
		c.preflight = appendLine(c.preflight, "Access-Control-Allow-Credentials", "true")
	}
	c.preflight = appendLine(c.preflight, "Access-Control-Allow-Methods", methods)
	if !c.echo {
		c.tail = appendLine(c.tail, "Access-Control-Allow-Headers", strings.Join(o.AllowedHeaders, ","))
	}
	if o.MaxAge != 0 {
		c.tail = appendLine(c.tail, "Access-Control-Max-Age", strconv.Itoa(max(o.MaxAge, 0)))
	}
	if len(o.ExposedHeaders) > 0 {
		exposed := strings.Join(o.ExposedHeaders, ",")
		c.simple = appendLine(c.simple, "Access-Control-Expose-Headers", exposed)
		c.tail = appendLine(c.tail, "Access-Control-Expose-Headers", exposed)
	}
}

func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}
