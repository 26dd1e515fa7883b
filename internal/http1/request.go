package http1

import "bytes"

// A Header is one header line.
type Header struct {
	Name, Value []byte
}

// A Request is a parsed head. Its slices are borrowed: they point into the
// bytes that were given to HeadParser.Parse. The zero value is ready for use,
// and a Request is meant to be used again, which saves the Headers array.
type Request struct {
	Method, Target []byte
	// Host is the value of the Host header, nil if absent (HTTP/1.0 only).
	Host []byte
	// Headers holds every header line in order. The array is used again by the
	// next Parse.
	Headers []Header
	// ContentLength is −1 when the head has no Content-Length.
	ContentLength int64
	// Minor is the HTTP minor version, 0 or 1.
	Minor int
	// Chunked says that the body has the chunked transfer coding.
	Chunked bool
	// Close says that the connection ends after this request: HTTP/1.0, or
	// Connection: close.
	Close bool
	// Expect100 says that the client waits for 100 (Continue) before it sends
	// the body.
	Expect100 bool
	// Upgrade says that there is an Upgrade header and that Connection has the
	// token upgrade.
	Upgrade bool
}

// Reset forgets everything and keeps the array behind Headers, so that a
// Request that is kept does not pin the input.
func (r *Request) Reset() {
	clear(r.Headers[:cap(r.Headers)])
	r.restart()
}

// Get returns the value of the first header with this name in any case, and nil
// if there is none; a header without a value gives an empty, non-nil slice.
func (r *Request) Get(name string) []byte {
	for i := range r.Headers {
		if equalFoldAny(r.Headers[i].Name, name) {
			return r.Headers[i].Value
		}
	}
	return nil
}

// Count returns how many header lines have this name in any case.
func (r *Request) Count(name string) int {
	n := 0
	for i := range r.Headers {
		if equalFoldAny(r.Headers[i].Name, name) {
			n++
		}
	}
	return n
}

// HasToken reports whether a header with this name in any case has the token,
// given in lower case, in its comma-separated list.
func (r *Request) HasToken(name, token string) bool {
	for i := range r.Headers {
		if equalFoldAny(r.Headers[i].Name, name) && hasToken(r.Headers[i].Value, token) {
			return true
		}
	}
	return false
}

// Path returns the target up to the question mark, undecoded.
func (r *Request) Path() []byte {
	if i := bytes.IndexByte(r.Target, '?'); i >= 0 {
		return r.Target[:i]
	}
	return r.Target
}

// Query returns the target behind the first question mark, undecoded.
func (r *Request) Query() []byte {
	if i := bytes.IndexByte(r.Target, '?'); i >= 0 {
		return r.Target[i+1:]
	}
	return nil
}

// HasBody reports whether bytes of a body follow the head.
func (r *Request) HasBody() bool { return r.Chunked || r.ContentLength > 0 }

// restart is Reset for a Request that is filled again at once.
func (r *Request) restart() {
	*r = Request{Headers: r.Headers[:0], ContentLength: -1}
}

// nextHeader returns the place of the next header.
func (r *Request) nextHeader() *Header {
	n := len(r.Headers)
	if n < cap(r.Headers) {
		r.Headers = r.Headers[:n+1]
	} else {
		r.Headers = append(r.Headers, Header{})
	}
	return &r.Headers[n]
}
