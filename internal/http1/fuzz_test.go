package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// Both fuzz targets are differential: what this package accepts, net/http must
// read as the same request with the same body and the same bytes left over. The
// other direction does not hold, since this package is stricter.

// FuzzHead parses a head whole and in parts, and compares with net/http.
func FuzzHead(f *testing.F) {
	for _, in := range headCorpus() {
		f.Add([]byte(in), uint16(len(in)/2))
	}
	f.Fuzz(func(t *testing.T, in []byte, split uint16) {
		in = in[:min(len(in), 26<<10)]
		n, want, err := parseWhole(in)
		step := int(split)%61 + 1 + len(in)/64
		var ends []int
		for i := int(split) % (len(in) + 1); i < len(in); i += step {
			ends = append(ends, i)
		}
		gotN, got, gotErr := parseSplit(in, ends)
		if gotN != n || got != want || (err == nil) != (gotErr == nil) {
			t.Fatalf("in parts: %d, %v\n%s\nwhole: %d, %v\n%s", gotN, gotErr, got, n, err, want)
		}
		if m := http1.MatchPath(in, "/"); (n > 0 && m != http1.MatchYes) || (m == http1.MatchNo && n > 0) {
			t.Fatalf("MatchPath = %d for an accepted head", m)
		}
		if n == 0 {
			return
		}
		compareHead(t, in[:n])
	})
}

// compareHead checks that net/http reads an accepted head as we do.
func compareHead(t *testing.T, head []byte) {
	t.Helper()
	var p http1.HeadParser
	var req http1.Request
	if _, err := p.Parse(head, nil, &req); err != nil {
		t.Fatal(err)
	}
	// Bytes behind the head stand for a body and must not change the head.
	std, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("0\r\n\r\n"))))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	ours := fmt.Sprintf("%s %s HTTP/1.%d host %s chunked %v",
		req.Method, req.Target, req.Minor, req.Host, req.Chunked)
	theirs := fmt.Sprintf("%s %s %s host %s chunked %v",
		std.Method, std.RequestURI, std.Proto, std.Host, len(std.TransferEncoding) == 1)
	if ours != theirs {
		t.Fatalf("head %q:\n ours   %s\n theirs %s", head, ours, theirs)
	}
	if std.Close && !req.Close || req.Minor == 1 && std.Close != req.Close {
		t.Fatalf("head %q: close %v, net/http %v", head, req.Close, std.Close)
	}
	length := max(req.ContentLength, 0)
	if req.Chunked {
		length = -1
	}
	if std.ContentLength != length {
		t.Fatalf("head %q: length %d, net/http %d", head, length, std.ContentLength)
	}
	want := http.Header{}
	for _, h := range req.Headers {
		want.Add(string(h.Name), string(h.Value))
	}
	// What ReadRequest takes out of the header or puts into it.
	for _, name := range []string{"Host", "Transfer-Encoding", "Trailer", "Cache-Control"} {
		want.Del(name)
		std.Header.Del(name)
	}
	if got, want := fmt.Sprint(std.Header), fmt.Sprint(want); got != want {
		t.Fatalf("head %q:\n ours   %s\n theirs %s", head, want, got)
	}
	for name, values := range want {
		if textproto.CanonicalMIMEHeaderKey(name) == name && string(req.Get(strings.ToLower(name))) != values[0] {
			t.Fatalf("Get(%q) = %q, want %q", name, req.Get(name), values[0])
		}
	}
}

// FuzzBody reads a body whole and in parts, and compares with net/http.
func FuzzBody(f *testing.F) {
	for _, b := range bodies() {
		f.Add([]byte(b.in), int16(b.length), uint16(len(b.in)/3))
	}
	f.Fuzz(func(t *testing.T, in []byte, length int16, split uint16) {
		chunked := length < 0
		const limit = 4096
		in = in[:min(len(in), 2*limit)]
		if int64(length) > limit {
			length = limit
		}
		data, used, done, err := readBody(newBody(chunked, int64(length), limit), in, nil)
		step := int(split)%31 + 1 + len(in)/64
		var ends []int
		for i := int(split) % (len(in) + 1); i < len(in); i += step {
			ends = append(ends, i)
		}
		got, gotUsed, gotDone, gotErr := readBody(newBody(chunked, int64(length), limit), in, ends)
		if !errors.Is(gotErr, err) || gotDone != done || !bytes.Equal(got, data) || gotUsed != used {
			t.Fatalf("in parts: %q, %d, %v, %v; whole: %q, %d, %v, %v", got, gotUsed, gotDone, gotErr, data, used, done, err)
		}
		if len(data) > limit {
			t.Fatalf("%d bytes handed out, the limit is %d", len(data), limit)
		}
		if !done {
			return
		}
		head := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		if !chunked {
			head = fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", length)
		}
		r := bufio.NewReader(io.MultiReader(strings.NewReader(head), bytes.NewReader(in)))
		std, err := http.ReadRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := io.ReadAll(std.Body)
		if err != nil {
			t.Fatalf("net/http refuses the body %q: %v", in, err)
		}
		left, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(theirs, data) || !bytes.Equal(left, in[used:]) {
			t.Fatalf("body %q:\n ours   %q, rest %q\n theirs %q, rest %q, %v", in, data, in[used:], theirs, left, err)
		}
	})
}

// FuzzQuery compares lookups with a naive model of URLSearchParams.
func FuzzQuery(f *testing.F) {
	f.Add("a=1&a=2", "a")
	f.Add("EIO=4&transport=polling&t=abc&sid=x%2By+z", "sid")
	f.Add("%61=%E2%82", "a")
	f.Add("&&=&a", "")
	f.Fuzz(func(t *testing.T, query, key string) {
		want, wantOK := "", false
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if pair != "" && decodeModel(name) == key {
				want, wantOK = decodeModel(value), true
			}
		}
		in := []byte(query)
		got, ok := http1.QueryValue(in, key)
		if got != want || ok != wantOK || string(in) != query {
			t.Fatalf("QueryValue(%q, %q) = %q, %v; want %q, %v", query, key, got, ok, want, wantOK)
		}
	})
}

// decodeModel decodes a form value the long way: by runes of a valid string.
func decodeModel(s string) string {
	var raw []byte
	for s = strings.ReplaceAll(s, "+", " "); s != ""; {
		var b byte
		if len(s) >= 3 && s[0] == '%' {
			if _, err := fmt.Sscanf(s[1:3], "%02x", &b); err == nil && isHexModel(s[1]) && isHexModel(s[2]) {
				raw, s = append(raw, b), s[3:]
				continue
			}
		}
		raw, s = append(raw, s[0]), s[1:]
	}
	return string(http1.AppendValidUTF8(nil, raw))
}

func isHexModel(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// FuzzValidUTF8 checks the properties of the replacement: the result is valid,
// valid input is unchanged, and replacing twice changes nothing.
func FuzzValidUTF8(f *testing.F) {
	f.Add([]byte("a\xe2\x82z\xed\xa0\x80\xf0\x9f\x98"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := string(http1.AppendValidUTF8(nil, in))
		if strings.ToValidUTF8(got, "!") != got {
			t.Fatalf("%q is not valid UTF-8", got)
		}
		// Runs of replacements collapsed, it is what the standard library makes.
		const r = "\uFFFD"
		collapse := func(s string) string {
			for strings.Contains(s, r+r) {
				s = strings.ReplaceAll(s, r+r, r)
			}
			return s
		}
		if want := collapse(strings.ToValidUTF8(string(in), r)); collapse(got) != want {
			t.Fatalf("AppendValidUTF8(%q) = %q, want %q", in, got, want)
		}
	})
}
