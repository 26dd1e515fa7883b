package http1_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// A bodyCase is a body and what becomes of it. A negative length means chunked.
type bodyCase struct {
	row, name     string
	length, limit int64
	in            string
	data          string // handed out before the end or the error
	rest          string
	err           *http1.Error
}

func bodies() []bodyCase {
	const none = -1
	ext := strings.Repeat("x", 255)
	return []bodyCase{
		{"1.3", "length", 5, none, "helloGET", "hello", "GET", nil},
		{"1.3", "length zero", 0, none, "GET", "", "GET", nil},
		{"1.3", "chunks", -1, none, "5\r\nhello\r\n06\r\n world\r\n0\r\n\r\nGET", "hello world", "GET", nil},
		{"1.3", "empty", -1, none, "0\r\n\r\n", "", "", nil},
		{"1.3", "many zeros", -1, none, "0000000000000001\r\na\r\n0000000000000000\r\n\r\n", "a", "", nil},
		{"1.3", "digits of both cases", -1, none, "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", "", nil},
		{"A63", "exactly the limit", -1, 5, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", "", nil},
		{"A63", "chunk over the limit", -1, 5, "6\r\nabcdef", "", "", http1.ErrBodyTooLarge},
		{"A63", "sum over the limit", -1, 5, "3\r\nabc\r\n3\r\n", "abc", "", http1.ErrBodyTooLarge},
		{"A63", "limit zero", -1, 0, "0\r\n\r\n", "", "", nil},
		{"A63", "one byte over zero", -1, 0, "1\r\n", "", "", http1.ErrBodyTooLarge},
		{"A63", "body longer than its length", 2, 5, "abcde", "ab", "cde", nil},
		{"A05", "LF behind size", -1, none, "5\nhello\r\n0\r\n\r\n", "", "", http1.ErrChunkSize},
		{"A05", "LF behind data", -1, none, "1\r\na\n0\r\n\r\n", "a", "", http1.ErrChunkEnd},
		{"A05", "LF behind last chunk", -1, none, "0\n\r\n", "", "", http1.ErrChunkSize},
		{"A05", "LF as the end", -1, none, "0\r\n\n", "", "", http1.ErrTrailer},
		{"A05", "LF behind trailer", -1, none, "0\r\nX: y\n\r\n", "", "", http1.ErrTrailer},
		{"A05", "CR behind size", -1, none, "1\ra\r\n0\r\n\r\n", "", "", http1.ErrChunkSize},
		{"A05", "CR CR", -1, none, "1\r\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A07", "extension", -1, none, "1;a=b;c=\"d\t\xff\"\r\nx\r\n0;e\r\n\r\n", "x", "", nil},
		{"A07", "LF in extension", -1, none, "1;a\nb\r\nx\r\n0\r\n\r\n", "", "", http1.ErrChunkExtension},
		{"A07", "CR in extension", -1, none, "1;a\rb\r\nx\r\n0\r\n\r\n", "", "", http1.ErrChunkSize},
		{"A07", "NUL in extension", -1, none, "1;\x00\r\nx\r\n", "", "", http1.ErrChunkExtension},
		{"A07", "256 bytes", -1, none, "1;" + ext + "\r\nx\r\n0\r\n\r\n", "x", "", nil},
		{"A07", "257 bytes", -1, none, "1;x" + ext + "\r\nx\r\n0\r\n\r\n", "", "", http1.ErrChunkExtension},
		{"A07", "257 bytes in all", -1, none, "1;" + ext + "\r\nx\r\n1;\r\nx\r\n", "x", "", http1.ErrChunkExtension},
		{"A08", "17 digits", -1, none, "FFFFFFFFFFFFFFFFF\r\n", "", "", http1.ErrChunkSize},
		{"A08", "2^64", -1, none, "10000000000000000\r\n", "", "", http1.ErrChunkSize},
		{"A08", "2^64 - 1", -1, none, "ffffffffffffffff\r\n", "", "", http1.ErrChunkSize},
		{"A08", "2^63", -1, none, "8000000000000000\r\n", "", "", http1.ErrChunkSize},
		{"A08", "2^63 - 1", -1, 10, "7fffffffffffffff\r\n", "", "", http1.ErrBodyTooLarge},
		{"A08", "sum wraps", -1, none, "1\r\na\r\n7fffffffffffffff\r\n", "a", "", http1.ErrBodyTooLarge},
		{"A08", "17 zeros", -1, none, "00000000000000000\r\n\r\n", "", "", http1.ErrChunkSize},
		{"A08", "plus", -1, none, "+1\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "minus", -1, none, "-1\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "0x", -1, none, "0x1\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "underscore", -1, none, "1_0\r\n", "", "", http1.ErrChunkSize},
		{"A08", "space in front", -1, none, " 1\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "space behind", -1, none, "1 \r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "space before extension", -1, none, "1 ;a\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "no digits", -1, none, "\r\na\r\n", "", "", http1.ErrChunkSize},
		{"A08", "extension without digits", -1, none, ";a\r\n", "", "", http1.ErrChunkSize},
		{"A09", "no CRLF behind data", -1, none, "1\r\nab", "a", "", http1.ErrChunkEnd},
		{"A09", "data longer than the size", -1, none, "1\r\nabc\r\n0\r\n\r\n", "a", "", http1.ErrChunkEnd},
		{"A09", "trailers discarded", -1, none, "0\r\nX: y\r\nLonger-Than-Anything-Forbidden: a b\t\xff\r\nEmpty:\r\n\r\nGET", "", "GET", nil},
		{"A09", "trailer Content-Length", -1, none, "0\r\nContent-Length: 1\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "trailer content-LENGTH", -1, none, "0\r\nX: y\r\ncontent-LENGTH: 1\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "trailer Transfer-Encoding", -1, none, "0\r\nTransfer-Encoding: chunked\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "trailer Host", -1, none, "0\r\nHost: a\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "trailer Hosts", -1, none, "0\r\nHosts: a\r\n\r\n", "", "", nil},
		{"A09", "trailer Transfer-Encoding-Not", -1, none, "0\r\nTransfer-Encoding-Not: a\r\n\r\n", "", "", nil},
		{"A09", "space before colon", -1, none, "0\r\nX : y\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "fold", -1, none, "0\r\nX: y\r\n z\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "no name", -1, none, "0\r\n: y\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "no colon", -1, none, "0\r\nX\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "NUL in trailer", -1, none, "0\r\nX: \x00\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "CR in trailer", -1, none, "0\r\nX: a\rb\r\n\r\n", "", "", http1.ErrTrailer},
		{"A09", "CR CR LF", -1, none, "0\r\n\r\r\n", "", "", http1.ErrTrailer},
		{"A09", "2,048 bytes", -1, none, "0\r\nX: " + strings.Repeat("y", 2044) + "\r\n\r\n", "", "", nil},
		{"A09", "2,048 bytes behind extensions", -1, none, "1;" + ext + "\r\nx\r\n0\r\nX: " + strings.Repeat("y", 2044) + "\r\n\r\n", "x", "", nil},
		{"A09", "2,049 bytes", -1, none, "0\r\nX: " + strings.Repeat("y", 2045) + "\r\n\r\n", "", "", http1.ErrTrailerTooLarge},
		{"A09", "endless trailers", -1, none, "0\r\n" + strings.Repeat("X: y\r\n", 1000), "", "", http1.ErrTrailerTooLarge},
		{"A09", "endless name", -1, none, "0\r\n" + strings.Repeat("y", 3000), "", "", http1.ErrTrailerTooLarge},
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	for _, tt := range bodies() {
		t.Run(tt.row+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			body := newBody(tt.length < 0, tt.length, tt.limit)
			data, used, done, err := readBody(body, []byte(tt.in), nil)
			if string(data) != tt.data {
				t.Errorf("%.60q: data %q, want %q", tt.in, data, tt.data)
			}
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Errorf("%.60q: %v, want %v", tt.in, err, tt.err)
				}
				return
			}
			if err != nil || !done || !body.Done() || tt.in[used:] != tt.rest {
				t.Errorf("%.60q: rest %q, done %v, %v; want %q", tt.in, tt.in[used:], done, err, tt.rest)
			}
			if body.Size() != int64(len(tt.data)) || body.Received() != int64(len(tt.data)) {
				t.Errorf("%.60q: size %d, received %d, want %d", tt.in, body.Size(), body.Received(), len(tt.data))
			}
		})
	}
}

// TestBodyTooLargeByLength is A63: the answer does not wait for the body.
func TestBodyTooLargeByLength(t *testing.T) {
	t.Parallel()
	var b http1.Body
	req := &http1.Request{ContentLength: 1_000_001}
	if err := b.Init(req, 1_000_000); !errors.Is(err, http1.ErrBodyTooLarge) {
		t.Errorf("one byte over: %v", err)
	}
	req.ContentLength--
	if err := b.Init(req, 1_000_000); err != nil || b.Done() || b.Size() != 1_000_000 || b.Received() != 0 {
		t.Errorf("exactly the limit: %v, %+v", err, b)
	}
	req.ContentLength = 1<<63 - 1
	if err := b.Init(req, -1); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	if err := b.Init(&http1.Request{ContentLength: -1}, 0); err != nil || !b.Done() {
		t.Errorf("no body: %v, done %v", err, b.Done())
	}
}

// TestBodyViews checks that data is never copied.
func TestBodyViews(t *testing.T) {
	t.Parallel()
	in := []byte("3\r\nabc\r\n0\r\n\r\n")
	data, rest, done, err := newBody(true, -1, -1).Next(in)
	if string(data) != "abc" || done || err != nil {
		t.Fatalf("%q, %v, %v", data, done, err)
	}
	if &data[0] != &in[3] || cap(data) != 3 || !bytes.Equal(rest, in[6:]) {
		t.Error("data is not a view of exactly its bytes")
	}
}

// TestBodyZero checks the zero value: nothing to read.
func TestBodyZero(t *testing.T) {
	t.Parallel()
	var b http1.Body
	data, rest, done, err := b.Next([]byte("GET"))
	if len(data) != 0 || string(rest) != "GET" || !done || err != nil {
		t.Errorf("%q, %q, %v, %v", data, rest, done, err)
	}
}
