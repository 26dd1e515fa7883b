package load

import (
	"bytes"
	"errors"
	"strconv"
)

var errResponse = errors.New("malformed HTTP response")

// maxResponse bounds what is collected of one response.
const maxResponse = 128 << 20

var headEnd = []byte("\r\n\r\n")

// A response is one HTTP response. Body is borrowed: valid until the next call
// of the reader.
type response struct {
	status   int
	body     []byte
	closing  bool // the server closes the connection behind it
	deflates bool // its WebSocket messages may be compressed, each for itself
	accepts  bool // it proves that the request for a WebSocket was understood
}

// A responseReader cuts bytes into responses. It holds no buffer between
// responses that arrive whole.
type responseReader struct {
	// Owned by the loop goroutine.
	partial  []byte
	need     int  // bytes that partial must reach before another look pays
	toEnd    bool // the body ends with the connection
	consumed int  // bytes at the start of partial that were handed out
}

// next returns the next whole response of what has come.
func (r *responseReader) next(b []byte) (resp response, rest []byte, ok bool, err error) {
	if r.consumed > 0 { // the last response came out of partial, and so does the rest
		r.partial = append(r.partial[:0], r.partial[r.consumed:]...)
		r.consumed = 0
	}
	if len(r.partial) == 0 {
		n, ok, err := r.parse(b, &resp)
		if err != nil || ok {
			return resp, b[n:], ok, err
		}
		r.partial = append(r.partial, b...)
		return resp, nil, false, nil
	}
	r.partial = append(r.partial, b...)
	if len(r.partial) > maxResponse {
		return resp, nil, false, errResponse
	}
	if len(r.partial) < r.need {
		return resp, nil, false, nil
	}
	n, ok, err := r.parse(r.partial, &resp)
	if ok {
		r.consumed = n
	}
	return resp, nil, ok, err
}

// more reports whether bytes wait that next has not looked at.
func (r *responseReader) more() bool { return r.consumed > 0 && r.consumed < len(r.partial) }

// fresh reports whether nothing of a response has come.
func (r *responseReader) fresh() bool { return len(r.partial) == r.consumed }

// take returns what has come behind the last response that was handed out of
// the reader's own buffer.
func (r *responseReader) take() []byte {
	rest := r.partial[r.consumed:]
	r.partial, r.consumed = nil, 0
	return rest
}

// release keeps no more than a small buffer once everything is handed out.
func (r *responseReader) release() {
	if r.consumed < len(r.partial) {
		return
	}
	r.partial, r.consumed = r.partial[:0], 0
	if cap(r.partial) > 4<<10 {
		r.partial = nil
	}
}

// parse looks for a whole response at the start of b and returns its length.
func (r *responseReader) parse(b []byte, resp *response) (n int, ok bool, err error) {
	r.need = 0
	end := bytes.Index(b, headEnd)
	if end < 0 {
		if len(b) > 64<<10 {
			return 0, false, errResponse
		}
		return 0, false, nil
	}
	head, body := b[:end], b[end+4:]
	if len(head) < 12 || string(head[:7]) != "HTTP/1." {
		return 0, false, errResponse
	}
	if resp.status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return 0, false, errResponse
	}
	length, chunked := -1, false
	for line := range bytes.SplitSeq(head, headEnd[:2]) {
		name, value, found := bytes.Cut(line, []byte{':'})
		if !found {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case equalFold(name, "content-length"):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxResponse {
				return 0, false, errResponse
			}
		case equalFold(name, "transfer-encoding"):
			chunked = equalFold(value, "chunked")
		case equalFold(name, "sec-websocket-extensions"):
			resp.deflates = bytes.Contains(value, []byte("permessage-deflate")) && bytes.Contains(value, []byte("server_no_context_takeover"))
		case equalFold(name, "sec-websocket-accept"):
			resp.accepts = string(value) == upgradeAccept
		case equalFold(name, "connection"):
			resp.closing = equalFold(value, "close")
		}
	}
	switch {
	case resp.status == 101 || resp.status == 204 || resp.status == 304:
		return end + 4, true, nil
	case chunked:
		data, n, ok, err := unchunk(body)
		resp.body = data
		return end + 4 + n, ok, err
	case length < 0:
		r.toEnd, resp.closing = true, true
		return 0, false, nil
	case len(body) < length:
		r.need = end + 4 + length
		return 0, false, nil
	}
	resp.body = body[:length]
	return end + 4 + length, true, nil
}

// atEnd returns the response that the end of the connection completes.
func (r *responseReader) atEnd() (resp response, ok bool) {
	if !r.toEnd {
		return resp, false
	}
	end := bytes.Index(r.partial, headEnd)
	if end < 0 || len(r.partial) < 12 {
		return resp, false
	}
	resp.status, _ = strconv.Atoi(string(r.partial[9:12]))
	resp.body, resp.closing = r.partial[end+4:], true
	return resp, true
}

// unchunk decodes a body in chunks, and returns the length of its coded form.
func unchunk(b []byte) (data []byte, n int, ok bool, err error) {
	for {
		line := bytes.IndexByte(b[n:], '\n')
		if line < 0 {
			return nil, 0, false, nil
		}
		digits, _, _ := bytes.Cut(bytes.TrimSpace(b[n:n+line]), []byte{';'})
		size, err := strconv.ParseUint(string(digits), 16, 31)
		if err != nil || size > maxResponse {
			return nil, 0, false, errResponse
		}
		n += line + 1
		if len(b)-n < int(size)+2 {
			return nil, 0, false, nil
		}
		data = append(data, b[n:n+int(size)]...)
		n += int(size) + 2
		if size == 0 {
			return data, n, true, nil
		}
	}
}

// equalFold compares with a name in lower case without an allocation.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
