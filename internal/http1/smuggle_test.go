package http1_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// A message is what a reader made of one request of a stream.
type message struct {
	method, target, body string
}

// ourStream reads requests until the end of the stream, an error or a Close.
func ourStream(in []byte) (got []message, err error) {
	var p http1.HeadParser
	var req http1.Request
	for len(in) > 0 {
		n, err := p.Parse(in, nil, &req)
		if err != nil || n == 0 {
			return got, err
		}
		m := message{method: string(req.Method), target: string(req.Target)}
		var body http1.Body
		if err := body.Init(&req, 1<<20); err != nil {
			return got, err
		}
		data, used, done, err := readBody(&body, in[n:], nil)
		if err != nil || !done {
			return got, err
		}
		m.body = string(data)
		got = append(got, m)
		in = in[n+used:]
		if req.Close {
			break
		}
	}
	return got, nil
}

// stdStream reads the first n requests of the stream by net/http.
func stdStream(in []byte, n int) (got []message, err error) {
	r := bufio.NewReader(bytes.NewReader(in))
	for range n {
		req, err := http.ReadRequest(r)
		if err != nil {
			return got, err
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return got, err
		}
		got = append(got, message{req.Method, req.RequestURI, string(body)})
	}
	return got, nil
}

// smuggled are streams in which two readers may find different requests. Each
// holds the path /evil, which must never be seen as a request of its own.
func smuggled() []struct{ row, name, in string } {
	const evil = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
	chunkedEvil := "0\r\n\r\n" + evil
	te := func(lines string) string { return post(lines+"Content-Length: 5\r\n") + chunkedEvil }
	only := func(lines string) string { return post(lines) + chunkedEvil }
	return []struct{ row, name, in string }{
		{"A01", "CL.TE", te("Transfer-Encoding: chunked\r\n")},
		{"A01", "TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") + "20\r\n" + evil + "\r\n0\r\n\r\n"},
		{"A02", "CL.CL", post("Content-Length: 0\r\nContent-Length: 33\r\n") + evil},
		{"A02", "CL list", post("Content-Length: 0, 33\r\n") + evil},
		{"A03", "CL +0", post("Content-Length: +0\r\n") + evil},
		{"A03", "CL with a control byte", post("Content-Length: \x0b0\r\n") + evil},
		{"A03", "CL overflow", post("Content-Length: 18446744073709551616\r\n") + evil},
		{"A04", "TE xchunked", only("Transfer-Encoding: xchunked\r\n")},
		{"A04", "TE twice", only("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n")},
		{"A04", "TE, TE", only("Transfer-Encoding: chunked, identity\r\n")},
		{"A04", "TE behind a vertical tab", only("Transfer-Encoding:\x0bchunked\r\n")},
		{"A04", "TE in quotes", only("Transfer-Encoding: 'chunked'\r\n")},
		{"A04", "TE in HTTP/1.0", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunkedEvil},
		{"A05", "bare LF hides TE", te("X: y\nTransfer-Encoding: chunked\r\n")},
		{"A05", "bare LF ends the head", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\n\n" + evil},
		{"A05", "bare LF behind the size", post("Transfer-Encoding: chunked\r\n") + "0\n\r\n" + evil},
		{"A06", "CR hides TE", te("X: y\rTransfer-Encoding: chunked\r\n")},
		{"A06", "NUL in a name", te("Transfer-Encoding\x00: chunked\r\n")},
		{"A07", "LF in an extension", post("Transfer-Encoding: chunked\r\n") + "5;\nxxxxx\r\n0\r\n\r\n" + evil},
		{"A08", "size overflow", post("Transfer-Encoding: chunked\r\n") + "10000000000000000\r\n\r\n" + evil},
		{"A08", "size 0x0", post("Transfer-Encoding: chunked\r\n") + "0x0\r\n\r\n" + evil},
		{"A09", "no CRLF behind data", post("Transfer-Encoding: chunked\r\n") + "1\r\na0\r\n\r\n" + evil},
		{"A09", "length in a trailer", post("Transfer-Encoding: chunked\r\n") + "0\r\nContent-Length: 33\r\n\r\n" + evil},
		{"A10", "space before the colon", te("Transfer-Encoding : chunked\r\n")},
		{"A10", "folded TE", te("Transfer-Encoding:\r\n chunked\r\n")},
		{"A10", "folded first line", "POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\nContent-Length: 5\r\n\r\n" + chunkedEvil},
		{"A14", "two Hosts", post("Host: b\r\n") + evil},
		{"A15", "space in the request line", "POST / HTTP/1.1 HTTP/1.0\r\nHost: a\r\n\r\n" + evil},
	}
}

// TestSmuggling checks that each stream ends in a refusal before /evil.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	for _, s := range smuggled() {
		got, err := ourStream([]byte(s.in))
		if err == nil {
			t.Errorf("%s %s: accepted as %q", s.row, s.name, got)
		}
		if len(got) > 0 {
			t.Errorf("%s %s: %q before the refusal", s.row, s.name, got)
		}
	}
}

// TestPipelining is A17: requests that lie behind each other.
func TestPipelining(t *testing.T) {
	t.Parallel()
	in := get("") + post("Content-Length: 3\r\n") + "abc" +
		post("Transfer-Encoding: chunked\r\n") + "3\r\nGET\r\n0\r\nX: y\r\n\r\n" +
		strings.Replace(get("Connection: close\r\n"), "GET /", "GET /last", 1) + get("")
	got, err := ourStream([]byte(in))
	want := []message{{"GET", "/", ""}, {"POST", "/", "abc"}, {"POST", "/", "GET"}, {"GET", "/last", ""}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// FuzzStream checks that net/http finds the same requests in a stream as this
// package, as far as this package accepts it.
func FuzzStream(f *testing.F) {
	for _, s := range smuggled() {
		f.Add([]byte(s.in))
	}
	f.Add([]byte(browserGET + browserPOST + `42["message","hello there"]` + upgradeGET))
	f.Add([]byte(post("Transfer-Encoding: chunked\r\n") + "3\r\nGET\r\n0\r\nX: y\r\n\r\n" + get("")))
	f.Fuzz(func(t *testing.T, in []byte) {
		in = in[:min(len(in), 32<<10)]
		ours, _ := ourStream(in)
		theirs, err := stdStream(in, len(ours))
		if err != nil || fmt.Sprint(ours) != fmt.Sprint(theirs) {
			t.Fatalf("stream %q:\n ours   %q\n theirs %q, %v", in, ours, theirs, err)
		}
	})
}
