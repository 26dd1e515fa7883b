package http1_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gannet-io/gannet/internal/http1"
)

// get is a GET with these header lines, given without the empty line.
func get(lines string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" }

// post is a POST with these header lines.
func post(lines string) string { return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" }

// A refusal is a head that must not be accepted.
type refusal struct {
	row, name, in string
	want          *http1.Error
}

func refusals() []refusal {
	many := strings.Repeat("X: y\r\n", 2000)
	return []refusal{
		{"A01", "length and coding", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), http1.ErrLengthAndEncoding},
		{"A01", "coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"), http1.ErrLengthAndEncoding},
		{"A01", "length and unknown coding", post("Transfer-Encoding: x\r\nContent-Length: 4\r\n"), http1.ErrLengthAndEncoding},
		{"A02", "differing lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n"), http1.ErrContentLength},
		{"A02", "identical lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), http1.ErrContentLength},
		{"A02", "other case", post("Content-Length: 5\r\ncontent-LENGTH: 5\r\n"), http1.ErrContentLength},
		{"A02", "list", post("Content-Length: 5, 6\r\n"), http1.ErrContentLength},
		{"A02", "list of equals", post("Content-Length: 5,5\r\n"), http1.ErrContentLength},
		{"A03", "plus", post("Content-Length: +5\r\n"), http1.ErrContentLength},
		{"A03", "minus", post("Content-Length: -5\r\n"), http1.ErrContentLength},
		{"A03", "inner space", post("Content-Length: 5 5\r\n"), http1.ErrContentLength},
		{"A03", "hex", post("Content-Length: 0x5\r\n"), http1.ErrContentLength},
		{"A03", "underscore", post("Content-Length: 1_0\r\n"), http1.ErrContentLength},
		{"A03", "empty", post("Content-Length:\r\n"), http1.ErrContentLength},
		{"A03", "blank", post("Content-Length: \t \r\n"), http1.ErrContentLength},
		{"A03", "int64 + 1", post("Content-Length: 9223372036854775808\r\n"), http1.ErrContentLength},
		{"A03", "20 digits", post("Content-Length: 00000000000000000005\r\n"), http1.ErrContentLength},
		{"A03", "2^64 + 5", post("Content-Length: 18446744073709551621\r\n"), http1.ErrContentLength},
		{"A03", "fraction", post("Content-Length: 5.0\r\n"), http1.ErrContentLength},
		{"A03", "full-width digit", post("Content-Length: \uff15\r\n"), http1.ErrContentLength},
		{"A04", "xchunked", post("Transfer-Encoding: xchunked\r\n"), http1.ErrTransferCoding},
		{"A04", "list", post("Transfer-Encoding: chunked, identity\r\n"), http1.ErrTransferCoding},
		{"A04", "list first", post("Transfer-Encoding: identity, chunked\r\n"), http1.ErrTransferCoding},
		{"A04", "identity", post("Transfer-Encoding: identity\r\n"), http1.ErrTransferCoding},
		{"A04", "gzip", post("Transfer-Encoding: gzip, chunked\r\n"), http1.ErrTransferCoding},
		{"A04", "quoted", post("Transfer-Encoding: \"chunked\"\r\n"), http1.ErrTransferCoding},
		{"A04", "parameter", post("Transfer-Encoding: chunked;q=1\r\n"), http1.ErrTransferCoding},
		{"A04", "comma", post("Transfer-Encoding: chunked,\r\n"), http1.ErrTransferCoding},
		{"A04", "empty", post("Transfer-Encoding:\r\n"), http1.ErrTransferCoding},
		{"A04", "no-break space", post("Transfer-Encoding: \xa0chunked\r\n"), http1.ErrTransferCoding},
		{"A04", "vertical tab", post("Transfer-Encoding: \x0bchunked\r\n"), http1.ErrControlByte},
		{"A04", "twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), http1.ErrTransferEncoding},
		{"A04", "second hidden", post("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"), http1.ErrTransferEncoding},
		{"A04", "in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", http1.ErrTransferEncoding},
		{"A05", "LF after request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", http1.ErrBareLF},
		{"A05", "LF after header", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", http1.ErrBareLF},
		{"A05", "LF as empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", http1.ErrBareLF},
		{"A05", "only LFs", "GET / HTTP/1.1\nHost: a\n\n", http1.ErrBareLF},
		{"A05", "header behind LF", get("X: y\nTransfer-Encoding: chunked\r\n"), http1.ErrBareLF},
		{"A05", "empty line in front", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrMethod},
		{"A06", "CR in value", get("X: a\rb\r\n"), http1.ErrControlByte},
		{"A06", "CR CR LF", get("X: a\r\r\n"), http1.ErrControlByte},
		{"A06", "CR in name", get("X\rY: a\r\n"), http1.ErrHeaderName},
		{"A06", "CR as line end", get("X: y\rTransfer-Encoding: chunked\r\n"), http1.ErrControlByte},
		{"A06", "NUL in value", get("X: a\x00b\r\n"), http1.ErrControlByte},
		{"A06", "NUL in name", get("X\x00: a\r\n"), http1.ErrHeaderName},
		{"A06", "NUL in target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A06", "DEL in value", get("X: a\x7f\r\n"), http1.ErrControlByte},
		{"A06", "escape in a long value", get("X: 0123456789abcdef\x1b0123456789\r\n"), http1.ErrControlByte},
		{"A06", "empty line of CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", http1.ErrHeaderName},
		{"A10", "space before colon", get("X : y\r\n"), http1.ErrHeaderName},
		{"A10", "tab before colon", get("X\t: y\r\n"), http1.ErrHeaderName},
		{"A10", "space before colon of coding", post("Transfer-Encoding : chunked\r\n"), http1.ErrHeaderName},
		{"A10", "fold by space", get("X: y\r\n z\r\n"), http1.ErrFolding},
		{"A10", "fold by tab", get("X: y\r\n\tz\r\n"), http1.ErrFolding},
		{"A10", "fold as first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", http1.ErrFolding},
		{"A10", "blank line", get(" \r\n"), http1.ErrFolding},
		{"A10", "no colon", get("X\r\n"), http1.ErrHeaderName},
		{"A10", "no name", get(": y\r\n"), http1.ErrHeaderName},
		{"A10", "quoted name", get("\"X\": y\r\n"), http1.ErrHeaderName},
		{"A10", "name above ASCII", get("X\xc3\xa9: y\r\n"), http1.ErrHeaderName},
		{"A12", "101 headers", get(strings.Repeat("X: y\r\n", 100)), http1.ErrTooManyHeaders},
		{"A12", "2,000 headers and an upgrade", get(many + "Connection: Upgrade\r\nUpgrade: websocket\r\n"), http1.ErrTooManyHeaders},
		{"A12", "one large header", get("X: " + strings.Repeat("y", 16<<10) + "\r\n"), http1.ErrHeadersTooLarge},
		{"A12", "one byte too many", get("X: " + strings.Repeat("y", 16<<10-4-len("Host: a\r\n")) + "\r\n"), http1.ErrHeadersTooLarge},
		{"A12", "many bytes", get(strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 17)), http1.ErrHeadersTooLarge},
		{"A12", "endless header", "GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 16<<10), http1.ErrHeadersTooLarge},
		{"A12", "endless name", "GET / HTTP/1.1\r\n" + strings.Repeat("y", 16<<10+1), http1.ErrHeadersTooLarge},
		{"A13", "one byte too many", "GET /" + strings.Repeat("a", 8<<10+1-len("GET / HTTP/1.1")) + " HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTargetTooLong},
		{"A13", "long request line", "GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTargetTooLong},
		{"A13", "endless request line", "GET /" + strings.Repeat("a", 8<<10), http1.ErrTargetTooLong},
		{"A13", "endless method", strings.Repeat("A", 33), http1.ErrMethod},
		{"A13", "long method", strings.Repeat("A", 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrMethod},
		{"A13", "no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrMethod},
		{"A13", "method with a colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrMethod},
		{"A13", "empty request line", "\r\n\r\n", http1.ErrMethod},
		{"A14", "no Host", "GET / HTTP/1.1\r\n\r\n", http1.ErrHost},
		{"A14", "two Hosts", get("Host: a\r\n"), http1.ErrHost},
		{"A14", "two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", http1.ErrHost},
		{"A14", "path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", http1.ErrHost},
		{"A14", "user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", http1.ErrHost},
		{"A14", "space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", http1.ErrHost},
		{"A14", "port of letters", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", http1.ErrHost},
		{"A14", "long port", "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", http1.ErrHost},
		{"A14", "two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", http1.ErrHost},
		{"A14", "port only", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", http1.ErrHost},
		{"A14", "open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", http1.ErrHost},
		{"A14", "empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", http1.ErrHost},
		{"A14", "behind brackets", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", http1.ErrHost},
		{"A14", "list", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", http1.ErrHost},
		{"A14", "above ASCII", "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", http1.ErrHost},
		{"A15", "HTTP/0.9", "GET /\r\n", http1.ErrVersion},
		{"A15", "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http1.ErrVersion},
		{"A15", "TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", http1.ErrMethod},
		{"A15", "SSLv2 ClientHello", "\x80\x2e\x01\x00\x02", http1.ErrMethod},
		{"A15", "HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A15", "HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A15", "http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A15", "HTTP/1,1", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A15", "two spaces", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A15", "trailing space", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A15", "tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrMethod},
		{"A15", "space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrVersion},
		{"A16", "absolute form", "GET http://a/socket.io/ HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTargetForm},
		{"A16", "authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTargetForm},
		{"A16", "asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTargetForm},
		{"A16", "no slash", "GET socket.io/ HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTargetForm},
		{"A16", "empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A16", "fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A16", "raw bytes above ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A16", "broken escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A16", "second escape broken", "GET /%41%4g HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A16", "cut escape", "GET /%a HTTP/1.1\r\nHost: a\r\n\r\n", http1.ErrTarget},
		{"A09", "Trailer announces a length", post("Transfer-Encoding: chunked\r\nTrailer: X, Content-Length\r\n"), http1.ErrTrailerHeader},
		{"A82", "unknown expectation", post("Expect: 200-maybe\r\nContent-Length: 1\r\n"), http1.ErrExpect},
	}
}

func TestHeadRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range refusals() {
		t.Run(tt.row+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			var p http1.HeadParser
			var req http1.Request
			n, err := p.Parse([]byte(tt.in), nil, &req)
			if n != 0 || !errors.Is(err, tt.want) {
				t.Errorf("Parse(%.80q) = %d, %v; want %v", tt.in, n, err, tt.want)
			}
			if p != (http1.HeadParser{}) {
				t.Errorf("Parse(%.80q) left %+v behind", tt.in, p)
			}
		})
	}
}

// TestHeadRefusedEarly is about bytes that are wrong whatever follows: the
// answer must not wait for a line end that may never come.
func TestHeadRefusedEarly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		row, in string
		want    *http1.Error
	}{
		{"A15", "\x16", http1.ErrMethod},
		{"A15", "G\x00", http1.ErrMethod},
		{"A13", " ", http1.ErrMethod},
		{"A05", "\n", http1.ErrBareLF},
		{"A05", "\r", http1.ErrMethod},
		{"A06", "GET /\x00", http1.ErrControlByte},
		{"A06", "GET / HTTP/1.1\rX", http1.ErrControlByte},
		{"A06", "GET / HTTP/1.1\r\nX: \x01", http1.ErrControlByte},
		{"A06", "GET / HTTP/1.1\r\nX: a\rb", http1.ErrControlByte},
		{"A06", "GET / HTTP/1.1\r\n\r\r", http1.ErrControlByte},
		{"A10", "GET / HTTP/1.1\r\n ", http1.ErrFolding},
		{"A10", "GET / HTTP/1.1\r\nX: y\r\n\t", http1.ErrFolding},
		{"A10", "GET / HTTP/1.1\r\n:", http1.ErrHeaderName},
		{"A12", "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 100) + "X", http1.ErrTooManyHeaders},
	} {
		for _, whole := range []bool{true, false} {
			var p http1.HeadParser
			var req http1.Request
			var err error
			if !whole {
				for i := range len(tt.in) {
					if _, err = p.Parse([]byte(tt.in[:i]), nil, &req); err != nil {
						t.Errorf("%s: %q was refused after %d bytes: %v", tt.row, tt.in, i, err)
					}
				}
			}
			_, err = p.Parse([]byte(tt.in), nil, &req)
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: Parse(%.40q), whole = %v: %v, want %v", tt.row, tt.in, whole, err, tt.want)
			}
		}
	}
}

// accepted are heads that must be accepted, with what they say.
func accepted() []struct {
	row, name, in string
	want          http1.Request
} {
	return []struct {
		row, name, in string
		want          http1.Request
	}{
		{"A02", "one length", post("Content-Length: 0005\r\n"), http1.Request{ContentLength: 5}},
		{"A03", "largest", post("Content-Length: 9223372036854775807\r\n"), http1.Request{ContentLength: 1<<63 - 1}},
		{"A03", "zero", post("Content-Length: 0\r\n"), http1.Request{}},
		{"A04", "chunked", post("Transfer-Encoding: chunked\r\n"), http1.Request{ContentLength: -1, Chunked: true}},
		{"A04", "Chunked, tab", post("transfer-encoding:\tChunked \t\r\n"), http1.Request{ContentLength: -1, Chunked: true}},
		{"A09", "Trailer announces others", post("Transfer-Encoding: chunked\r\nTrailer: X, Contents\r\n"), http1.Request{ContentLength: -1, Chunked: true}},
		{"A11", "underscores", post("Content_Length: 5\r\nTransfer_Encoding: chunked\r\n"), http1.Request{ContentLength: -1}},
		{"A12", "100 headers", get(strings.Repeat("X: y\r\n", 99)), http1.Request{ContentLength: -1}},
		{"A12", "16 KiB", get("X: " + strings.Repeat("y", 16<<10-5-len("Host: a\r\n")) + "\r\n"), http1.Request{ContentLength: -1}},
		{"A13", "8 KiB", "GET /" + strings.Repeat("a", 8<<10-len("GET / HTTP/1.1")) + " HTTP/1.1\r\nHost: a\r\n\r\n", http1.Request{ContentLength: -1}},
		{"A14", "empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", http1.Request{ContentLength: -1}},
		{"A14", "IPv6", "GET / HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n", http1.Request{ContentLength: -1}},
		{"A14", "no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", http1.Request{ContentLength: -1, Close: true}},
		{"A15", "HTTP/1.0 never stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", http1.Request{ContentLength: -1, Close: true}},
		{"A16", "dots and slashes", "GET //a/../%2e%2E?%zz HTTP/1.1\r\nHost: a\r\n\r\n", http1.Request{ContentLength: -1}},
		{"1.4", "close", get("Connection: x, CLOSE\r\n"), http1.Request{ContentLength: -1, Close: true}},
		{"1.4", "close in the first of two", get("Connection: close\r\nConnection: x\r\n"), http1.Request{ContentLength: -1, Close: true}},
		{"A29", "upgrade in two headers", get("Connection: Upgrade\r\nConnection: x\r\nUpgrade: y\r\n"), http1.Request{ContentLength: -1, Upgrade: true}},
		{"1.4", "closer", get("Connection: closer\r\nX: close\r\n"), http1.Request{ContentLength: -1}},
		{"A29", "upgrade", get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"), http1.Request{ContentLength: -1, Upgrade: true}},
		{"A29", "upgrade without the token", get("Connection: keep-alive\r\nUpgrade: websocket\r\n"), http1.Request{ContentLength: -1}},
		{"A29", "token without the header", get("Connection: upgrade\r\n"), http1.Request{ContentLength: -1}},
		{"A82", "expectation", post("Expect: 100-Continue\r\nContent-Length: 1\r\n"), http1.Request{ContentLength: 1, Expect100: true}},
		{"A82", "expectation in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", http1.Request{ContentLength: 1, Close: true}},
		{"A06", "tabs and high bytes", get("X: a\tb \x80\xff\t \r\n"), http1.Request{ContentLength: -1}},
		{"A06", "empty value", get("X:\r\nY: \t\r\n"), http1.Request{ContentLength: -1}},
	}
}

func TestHeadAccepted(t *testing.T) {
	t.Parallel()
	for _, tt := range accepted() {
		t.Run(tt.row+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			var p http1.HeadParser
			var req http1.Request
			n, err := p.Parse([]byte(tt.in+"rest"), nil, &req)
			if n != len(tt.in) || err != nil {
				t.Fatalf("Parse(%.80q) = %d, %v; want %d", tt.in, n, err, len(tt.in))
			}
			got := http1.Request{
				ContentLength: req.ContentLength, Chunked: req.Chunked, Close: req.Close,
				Expect100: req.Expect100, Upgrade: req.Upgrade,
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("Parse(%.80q):\n got %+v\nwant %+v", tt.in, got, tt.want)
			}
		})
	}
}

func TestRequestAccessors(t *testing.T) {
	t.Parallel()
	in := "POST /socket.io/?a=1?b HTTP/1.1\r\nHost: Example.COM:80\r\nX-Two: 1\r\nx-two:  2\t\r\nEmpty:\r\n" +
		"Connection: a,, Upgrade ,b\r\nA-Zz: z\r\n\r\n"
	var p http1.HeadParser
	var req http1.Request
	if _, err := p.Parse([]byte(in), nil, &req); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want string }{
		{"method", string(req.Method), "POST"},
		{"path", string(req.Path()), "/socket.io/"},
		{"query", string(req.Query()), "a=1?b"},
		{"host", string(req.Host), "Example.COM:80"},
		{"first of two", string(req.Get("X-TWO")), "1"},
		{"second", string(req.Headers[2].Value), "2"},
		{"headers", fmt.Sprint(len(req.Headers)), "6"},
		{"first and last letter", string(req.Get("a-zZ")), "z"},
		{"count", fmt.Sprint(req.Count("x-Two"), req.Count("nope")), "2 0"},
		{"absent is nil", fmt.Sprint(req.Get("nope") == nil, req.Get("Empty") == nil), "true false"},
		{"token", fmt.Sprint(req.HasToken("connection", "upgrade"), req.HasToken("connection", "up")), "true false"},
		{"minor", fmt.Sprint(req.Minor), "1"},
		{"has body", fmt.Sprint(req.HasBody()), "false"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	headers := req.Headers[:cap(req.Headers)]
	req.Reset()
	if req.Method != nil || req.Target != nil || len(req.Headers) != 0 || req.ContentLength != -1 {
		t.Errorf("after Reset: %+v", req)
	}
	for i, h := range headers {
		if h.Name != nil || h.Value != nil {
			t.Errorf("Reset keeps the input alive by header %d", i)
		}
	}
}

func TestRequestWithoutQuery(t *testing.T) {
	t.Parallel()
	var p http1.HeadParser
	var req http1.Request
	if _, err := p.Parse([]byte(get("")), nil, &req); err != nil || req.Query() != nil || string(req.Path()) != "/" {
		t.Errorf("query %q, path %q, %v", req.Query(), req.Path(), err)
	}
}

// TestParserIsSmall keeps the cost of a connection that sends its head slowly
// (A81): the parser's own state is a few bytes and it owns no buffer.
func TestParserIsSmall(t *testing.T) {
	t.Parallel()
	if n := unsafe.Sizeof(http1.HeadParser{}); n > 16 {
		t.Errorf("HeadParser has %d bytes, want at most 16", n)
	}
	if n := unsafe.Sizeof(http1.Body{}); n > 64 {
		t.Errorf("Body has %d bytes, want at most 64", n)
	}
}

// TestMaxHead checks that a buffer of MaxHead bytes never fills up silently.
func TestMaxHead(t *testing.T) {
	t.Parallel()
	lim := &http1.Limits{RequestLine: 40, HeaderBytes: 100, Headers: 10}
	for _, in := range []string{
		"GET /" + strings.Repeat("a", 200),
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 200),
		"GET / HTTP/1.1\r\nX: y\r\n" + strings.Repeat("y", 200),
		"GET /" + strings.Repeat("a", 40-14) + " HTTP/1.1\r\nX: " + strings.Repeat("y", 200),
	} {
		var p http1.HeadParser
		var req http1.Request
		if _, err := p.Parse([]byte(in)[:lim.MaxHead()], lim, &req); err == nil {
			t.Errorf("%.60q…: a full buffer is no error", in)
		}
	}
	full := "GET /" + strings.Repeat("a", 40-14) + " HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("y", 100-9-5) + "\r\n\r\n"
	var p http1.HeadParser
	var req http1.Request
	if n, err := p.Parse([]byte(full), lim, &req); err != nil || n != lim.MaxHead() {
		t.Errorf("the largest head: %d, %v; want %d", n, err, lim.MaxHead())
	}
	if got := (*http1.Limits)(nil).MaxHead(); got != 8<<10+16<<10+4 {
		t.Errorf("MaxHead of nil = %d", got)
	}
}

// TestHeadAfterError checks that a refusal leaves no trace in the parser.
func TestHeadAfterError(t *testing.T) {
	t.Parallel()
	var p http1.HeadParser
	var req http1.Request
	if _, err := p.Parse([]byte("GET / HTT"), nil, &req); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse([]byte("GET / HTT\x00"), nil, &req); err == nil {
		t.Fatal("NUL accepted")
	}
	if n, err := p.Parse([]byte(get("")), nil, &req); n != len(get("")) || err != nil {
		t.Errorf("a fresh head after an error: %d, %v", n, err)
	}
}

func TestErrorIsTyped(t *testing.T) {
	t.Parallel()
	var p http1.HeadParser
	var req http1.Request
	_, err := p.Parse([]byte("\x00"), nil, &req)
	var e *http1.Error
	if !errors.As(err, &e) || e.Status != 400 || !strings.HasPrefix(e.Error(), "http1: ") {
		t.Errorf("got %v", err)
	}
}

// TestViews checks that nothing is copied and that views cannot be appended
// into their neighbours.
func TestViews(t *testing.T) {
	t.Parallel()
	in := []byte(get("X: y\r\n"))
	var p http1.HeadParser
	var req http1.Request
	if _, err := p.Parse(in, nil, &req); err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(in, []byte("y\r\n"))
	in[i] = 'z'
	if got := string(req.Get("x")); got != "z" {
		t.Errorf("the value is a copy: %q", got)
	}
}
