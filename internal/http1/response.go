package http1

import "strconv"

// Continue100 is the interim response to Expect: 100-continue.
const Continue100 = "HTTP/1.1 100 Continue\r\n\r\n"

// A ResponseHead describes a response head. The order of the header lines is
// the one of the reference server.
type ResponseHead struct {
	Status int
	// ContentType is left out when empty.
	ContentType string
	// ContentLength is left out when negative.
	ContentLength int
	// NoXSS adds X-XSS-Protection: 0.
	NoXSS bool
	// NoStore adds cache-control: no-store.
	NoStore bool
	// Close adds Connection: close.
	Close bool
	// HTTP10KeepAlive adds Connection: keep-alive, which a client of HTTP/1.0
	// needs to see. Close wins.
	HTTP10KeepAlive bool
	// First holds rendered header lines that go in front of all others, each
	// with its CRLF.
	First []byte
	// Extra holds rendered header lines that go behind the others and in front
	// of Connection, each with its CRLF.
	Extra []byte
}

// AppendResponse appends the status line, the header lines and the empty line.
func AppendResponse(dst []byte, h *ResponseHead) []byte {
	dst = appendStatusLine(dst, h.Status)
	dst = append(dst, h.First...)
	if h.ContentType != "" {
		dst = append(dst, "Content-Type: "...)
		dst = append(dst, h.ContentType...)
		dst = append(dst, "\r\n"...)
	}
	if h.ContentLength >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(h.ContentLength), 10)
		dst = append(dst, "\r\n"...)
	}
	if h.NoXSS {
		dst = append(dst, "X-XSS-Protection: 0\r\n"...)
	}
	if h.NoStore {
		dst = append(dst, "cache-control: no-store\r\n"...)
	}
	dst = append(dst, h.Extra...)
	if h.Close {
		dst = append(dst, "Connection: close\r\n"...)
	} else if h.HTTP10KeepAlive {
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// AppendFull appends a whole response; the Content-Length is that of body,
// whatever h says.
func AppendFull(dst []byte, h *ResponseHead, body []byte) []byte {
	v := *h
	v.ContentLength = len(body)
	return append(AppendResponse(dst, &v), body...)
}

// AppendError appends the whole response to a refused request: no body, and
// the connection closes.
func AppendError(dst []byte, e *Error) []byte {
	return AppendResponse(dst, &ResponseHead{Status: e.Status, Close: true})
}

func appendStatusLine(dst []byte, status int) []byte {
	if status == 200 {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, StatusText(status)...)
	return append(dst, "\r\n"...)
}

// StatusText returns the reason phrase of a status that this project sends, in
// the words of the reference server, and "Status" for any other.
func StatusText(status int) string {
	switch status {
	case 101:
		return "Switching Protocols"
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 304:
		return "Not Modified"
	case 400:
		return "Bad Request"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 413:
		return "Payload Too Large"
	case 414:
		return "URI Too Long"
	case 415:
		return "Unsupported Media Type"
	case 417:
		return "Expectation Failed"
	case 426:
		return "Upgrade Required"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	}
	return "Status"
}
