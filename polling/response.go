package polling

import (
	"bytes"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
)

// ResponseOptions is what a request and the configuration add to a response. The
// zero value, or a nil pointer, is a plain response on a kept connection.
type ResponseOptions struct {
	// Close ends the connection behind the response.
	Close bool
	// HTTP10KeepAlive tells a client of HTTP/1.0 that the connection stays.
	HTTP10KeepAlive bool
	// NoXSS adds X-XSS-Protection: 0 to the responses of a session; see NeedsNoXSS.
	NoXSS bool
	// HeadOnly leaves the body away, because the request was a HEAD.
	HeadOnly bool
	// Extra holds rendered header lines that go in front of all others: those
	// of CORS.
	Extra []byte
	// Behind holds rendered header lines that go behind those of the server:
	// Set-Cookie and what the application adds.
	Behind []byte
}

const (
	textPlain   = "text/plain; charset=UTF-8"
	textHTML    = "text/html"
	jsonType    = "application/json"
	octetStream = "application/octet-stream"
)

// pollResponse fills in the head of a response to a request of a session.
func pollResponse(o *ResponseOptions, contentType string, n int) http1.ResponseHead {
	h := http1.ResponseHead{Status: 200, ContentType: contentType, ContentLength: n, NoStore: true}
	if o != nil {
		h.NoXSS, h.Close, h.HTTP10KeepAlive = o.NoXSS, o.Close, o.HTTP10KeepAlive
		h.First, h.Extra = o.Extra, o.Behind
	}
	return h
}

// errorResponse fills in the head of an error response, which has neither the
// cache rule nor what listeners add.
func errorResponse(o *ResponseOptions, status int, contentType string, n int) http1.ResponseHead {
	h := http1.ResponseHead{Status: status, ContentType: contentType, ContentLength: n}
	if o != nil {
		h.Close, h.HTTP10KeepAlive, h.First = o.Close, o.HTTP10KeepAlive, o.Extra
	}
	return h
}

// AppendPollHead appends the head of the response to a GET whose payload has n
// bytes.
func AppendPollHead(dst []byte, n int, o *ResponseOptions) []byte {
	h := pollResponse(o, textPlain, n)
	return http1.AppendResponse(dst, &h)
}

// AppendPayloadHead is AppendPollHead for a payload in binary framing, which has
// a content type of its own, and for one that a Compressor has encoded: n is
// the length of what is sent.
func AppendPayloadHead(dst []byte, n int, framing Framing, enc Encoding, o *ResponseOptions) []byte {
	contentType := textPlain
	if framing == BinaryFraming {
		contentType = octetStream
	}
	h := pollResponse(o, contentType, n)
	dst = http1.AppendResponse(dst, &h)
	if enc == Identity {
		return dst
	}
	dst = append(dst[:len(dst)-len("\r\n")], "Content-Encoding: "...)
	dst = append(dst, enc.String()...)
	return append(dst, "\r\n\r\n"...)
}

// AppendPoll appends the response to a GET. Each piece is one packet in text
// form, or several that are already joined.
func AppendPoll(dst []byte, o *ResponseOptions, pieces ...[]byte) []byte {
	n := max(len(pieces)-1, 0)
	for _, p := range pieces {
		n += len(p)
	}
	dst = AppendPollHead(dst, n, o)
	for i, p := range pieces {
		if i > 0 {
			dst = append(dst, Separator)
		}
		dst = append(dst, p...)
	}
	return dst
}

// AppendOK appends the response to an accepted POST.
func AppendOK(dst []byte, o *ResponseOptions) []byte {
	h := pollResponse(o, textHTML, 2)
	return append(http1.AppendResponse(dst, &h), "ok"...)
}

// AppendEmpty appends a response without a body and without the headers of a
// session: 400 for an overlap, 405, 413, 415.
func AppendEmpty(dst []byte, status int, o *ResponseOptions) []byte {
	h := errorResponse(o, status, "", 0)
	if status == 405 {
		h.Extra = allowLine
	}
	return http1.AppendResponse(dst, &h)
}

var allowLine = []byte("Allow: GET, POST, OPTIONS\r\n")

// AppendError appends the JSON refusal of a request: 403 for Forbidden, 400 for
// the others. An empty message means the text of the code.
func AppendError(dst []byte, code eio.ErrorCode, message string, o *ResponseOptions) []byte {
	if message == "" {
		message = code.Message()
	}
	var scratch [128]byte
	body := append(scratch[:0], `{"code":`...)
	body = append(body, '0'+byte(code), ',')
	body = append(body, `"message":`...)
	body = appendJSONString(body, message)
	body = append(body, '}')
	h := errorResponse(o, code.HTTPStatus(), jsonType, len(body))
	dst = http1.AppendResponse(dst, &h)
	if o != nil && o.HeadOnly {
		return dst
	}
	return append(dst, body...)
}

// AppendUpgradeError appends the refusal of an upgrade: always 400 with the bare
// message, without CORS headers; the connection is closed behind it. An empty
// message means "Bad Request", the reason phrase.
func AppendUpgradeError(dst []byte, message string) []byte {
	if message == "" {
		message = http1.StatusText(400)
	}
	dst = append(dst, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: "...)
	dst = appendInt(dst, len(message))
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, message...)
}

// NeedsNoXSS reports whether this User-Agent is a browser whose XSS filter must
// be told to stay away from the payload.
func NeedsNoXSS(userAgent []byte) bool {
	return bytes.Contains(userAgent, []byte(";MSIE")) || bytes.Contains(userAgent, []byte("Trident/"))
}

// CheckPost says how a POST of revision 4 is answered before its body is read:
// 0 means that it is fine, 400 that the session is closed with "transport
// error" (a body declared binary, compared exactly), 415 that the body has a
// content coding, which is not supported.
func CheckPost(req *http1.Request) (status int) {
	switch {
	case isOctetStream(req):
		return 400
	case contentCoded(req):
		return 415
	}
	return 0
}

func isOctetStream(req *http1.Request) bool {
	return string(req.Get("Content-Type")) == octetStream
}

func contentCoded(req *http1.Request) bool {
	for i := range req.Headers {
		h := &req.Headers[i]
		if bytes.EqualFold(h.Name, []byte("Content-Encoding")) && len(h.Value) > 0 && !bytes.EqualFold(h.Value, []byte("identity")) {
			return true
		}
	}
	return false
}
