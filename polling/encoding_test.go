package polling_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/polling"
)

// TestChooseEncoding compares with the npm package accepts, the header in one
// line and in several.
func TestChooseEncoding(t *testing.T) {
	t.Parallel()
	for _, v := range loadCodecs(t).Encodings {
		if v.Header == nil {
			if got := polling.ChooseEncoding(request("GET")); got.String() != v.Want {
				t.Errorf("no header: %v, want %s", got, v.Want)
			}
			continue
		}
		one := request("GET", "Accept-Encoding", *v.Header)
		var lines []string
		for part := range strings.SplitSeq(*v.Header, ",") {
			lines = append(lines, "accept-encoding", part)
		}
		for how, req := range map[string]*http1.Request{"one line": one, "lines": request("GET", lines...)} {
			if got := polling.ChooseEncoding(req); got.String() != v.Want {
				t.Errorf("%q in %s: %v, want %s", *v.Header, how, got, v.Want)
			}
		}
	}
}

// TestNegotiate compares with the same package what is offered for the files of
// the browser client.
func TestNegotiate(t *testing.T) {
	t.Parallel()
	for _, v := range loadCodecs(t).Encodings {
		var header []string
		if v.Header != nil {
			header = []string{*v.Header}
		}
		want := strings.TrimPrefix(v.Bundle, "identity")
		for how, lines := range map[string][]string{"one line": header, "lines": strings.Split(strings.Join(header, ""), ",")} {
			if got := polling.Negotiate(lines, "br", "gzip", "deflate"); got != want {
				t.Errorf("%q in %s: %q, want %q", header, how, got, want)
			}
		}
	}
}

func TestCompressor(t *testing.T) {
	t.Parallel()
	var c polling.Compressor
	for _, payload := range []string{"", "a", strings.Repeat(`42["tick",{"price":1.25}]`+"\x1e", 300), strings.Repeat("é", 100_000)} {
		for _, enc := range []polling.Encoding{polling.Identity, polling.Gzip, polling.Deflate} {
			out, ok := bytes.CutPrefix(c.Append([]byte("head"), enc, []byte(payload)), []byte("head"))
			if !ok {
				t.Fatalf("%v: what was there is gone", enc)
			}
			if got := decoded(t, enc, out); got != payload {
				t.Errorf("%v: %d bytes came back as %d", enc, len(payload), len(got))
			}
			if enc != polling.Identity && len(payload) > 1000 && len(out) > len(payload)/10 {
				t.Errorf("%v: %d bytes became %d", enc, len(payload), len(out))
			}
		}
	}
}

// decoded reads with the standard library, checksums included.
func decoded(t *testing.T, enc polling.Encoding, b []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	var err error
	switch enc {
	case polling.Gzip:
		r, err = gzip.NewReader(r)
	case polling.Deflate:
		r, err = zlib.NewReader(r)
	case polling.Identity:
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestPayloadHead(t *testing.T) {
	t.Parallel()
	o := &polling.ResponseOptions{Extra: []byte("Access-Control-Allow-Origin: *\r\n"), Behind: []byte("X: y\r\n"), Close: true}
	for _, tt := range []struct {
		framing polling.Framing
		enc     polling.Encoding
		o       *polling.ResponseOptions
		want    string
	}{
		{polling.TextFraming, polling.Identity, nil, "Content-Type: text/plain; charset=UTF-8\r\nContent-Length: 12\r\ncache-control: no-store\r\n\r\n"},
		{polling.BinaryFraming, polling.Identity, nil, "Content-Type: application/octet-stream\r\nContent-Length: 12\r\ncache-control: no-store\r\n\r\n"},
		{polling.TextFraming, polling.Gzip, nil, "Content-Type: text/plain; charset=UTF-8\r\nContent-Length: 12\r\ncache-control: no-store\r\nContent-Encoding: gzip\r\n\r\n"},
		{
			polling.TextFraming, polling.Deflate, o, "Access-Control-Allow-Origin: *\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 12\r\n" +
				"cache-control: no-store\r\nX: y\r\nConnection: close\r\nContent-Encoding: deflate\r\n\r\n",
		},
	} {
		if got := polling.AppendPayloadHead(nil, 12, tt.framing, tt.enc, tt.o); string(got) != "HTTP/1.1 200 OK\r\n"+tt.want {
			t.Errorf("framing %d, %v:\n got %q\nwant %q", tt.framing, tt.enc, got, tt.want)
		}
	}
}
