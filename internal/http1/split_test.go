package http1_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// describe renders everything a Request says, to compare two.
func describe(req *http1.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %d %d %v %v %v %v\n", req.Method, req.Target, req.Host, req.Minor,
		req.ContentLength, req.Chunked, req.Close, req.Expect100, req.Upgrade)
	for _, h := range req.Headers {
		fmt.Fprintf(&b, "%q %q\n", h.Name, h.Value)
	}
	return b.String()
}

// parseWhole parses a head in one call.
func parseWhole(in []byte) (n int, result string, err error) {
	var p http1.HeadParser
	var req http1.Request
	n, err = p.Parse(in, nil, &req)
	if n > 0 {
		result = describe(&req)
	}
	return n, result, err
}

// parseSplit parses a head that arrives in parts, which end at the given
// offsets. Every call gets its bytes at a new place in memory, and the old place
// is overwritten.
func parseSplit(in []byte, ends []int) (n int, result string, err error) {
	var p http1.HeadParser
	var req http1.Request
	for _, end := range append(ends, len(in)) {
		b := bytes.Clone(in[:end])
		n, err = p.Parse(b, nil, &req)
		if n > 0 {
			result = describe(&req)
		}
		for i := range b {
			b[i] = 0
		}
		if n > 0 || err != nil {
			if p != (http1.HeadParser{}) {
				panic("the parser keeps something of a finished head")
			}
			break
		}
	}
	return n, result, err
}

// headCorpus is every head of the tables.
func headCorpus() []string {
	corpus := []string{browserGET, upgradeGET, browserPOST}
	for _, r := range refusals() {
		corpus = append(corpus, r.in)
	}
	heads := accepted()
	for i := range heads {
		corpus = append(corpus, heads[i].in)
	}
	return corpus
}

func sameStatus(a, b error) bool {
	var x, y *http1.Error
	if !errors.As(a, &x) || !errors.As(b, &y) {
		return a == nil && b == nil
	}
	return x.Status == y.Status
}

// TestHeadEverySplit is A19: whatever the parts in which a head arrives, the
// result is the same.
func TestHeadEverySplit(t *testing.T) {
	t.Parallel()
	for _, in := range headCorpus() {
		t.Run(fmt.Sprintf("%.30q", in), func(t *testing.T) {
			t.Parallel()
			in := []byte(in + "POST /next")
			n, want, wantErr := parseWhole(in)
			step := 1 // every offset of every head of a usual size
			if len(in) > 2000 {
				step = len(in) / 200
			}
			var all []int
			for i := 0; i < len(in); i += step {
				all = append(all, i)
				gotN, got, err := parseSplit(in, []int{i})
				if gotN != n || got != want || !sameStatus(err, wantErr) {
					t.Fatalf("split at %d: %d, %v\n%s\nwhole: %d, %v\n%s", i, gotN, err, got, n, wantErr, want)
				}
			}
			gotN, got, err := parseSplit(in, all)
			if gotN != n || got != want || !sameStatus(err, wantErr) {
				t.Fatalf("byte by byte: %d, %v\n%s\nwhole: %d, %v\n%s", gotN, err, got, n, wantErr, want)
			}
		})
	}
}

// TestHeadIncomplete checks that a proper prefix of a good head is never
// complete and never refused.
func TestHeadIncomplete(t *testing.T) {
	t.Parallel()
	heads := accepted()
	for k := range heads {
		a := &heads[k]
		for i := range len(a.in) {
			var p http1.HeadParser
			var req http1.Request
			if n, err := p.Parse([]byte(a.in[:i]), nil, &req); n != 0 || err != nil {
				t.Fatalf("%s: the first %d bytes: %d, %v", a.name, i, n, err)
			}
		}
	}
}

// TestHeadLooksOnce proves that an unfinished head is scanned once however it
// arrives: bytes that were seen are spoilt, and the parser must not notice
// before the head is complete.
func TestHeadLooksOnce(t *testing.T) {
	t.Parallel()
	b := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: ")
	var p http1.HeadParser
	var req http1.Request
	for i := range 8000 {
		if n, err := p.Parse(b, nil, &req); n != 0 || err != nil {
			t.Fatalf("byte %d: %d, %v: the parser looked twice", i, n, err)
		}
		if len(b) > 40 {
			b[len(b)-1] = 0
		}
		b = append(b, 'y')
	}
	if _, err := p.Parse(append(b, "\r\n\r\n"...), nil, &req); err == nil {
		t.Error("the complete head was not parsed from its bytes")
	}
}

// readBody reads a body from parts that end at the given offsets.
func readBody(body *http1.Body, in []byte, ends []int) (data []byte, used int, done bool, err error) {
	start := 0
	for _, end := range append(ends, len(in)) {
		part := bytes.Clone(in[start:end])
		for {
			var d, rest []byte
			d, rest, done, err = body.Next(part)
			data = append(data, d...)
			if err != nil {
				return data, 0, false, err
			}
			if len(d) == 0 && !done && len(rest) > 0 {
				panic("no progress")
			}
			used += len(part) - len(rest)
			part = rest
			if done {
				return data, used, true, nil
			}
			if len(rest) == 0 {
				break
			}
		}
		start = end
	}
	return data, used, false, nil
}

func newBody(chunked bool, length, limit int64) *http1.Body {
	var b http1.Body
	if err := b.Init(&http1.Request{Chunked: chunked, ContentLength: length}, limit); err != nil {
		panic(err)
	}
	return &b
}

// TestBodyEverySplit is A19 for bodies.
func TestBodyEverySplit(t *testing.T) {
	t.Parallel()
	for _, tt := range bodies() {
		t.Run(tt.row+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			in := []byte(tt.in)
			want, used, done, wantErr := readBody(newBody(tt.length < 0, tt.length, tt.limit), in, nil)
			var all []int
			check := func(ends []int) {
				t.Helper()
				got, gotUsed, gotDone, err := readBody(newBody(tt.length < 0, tt.length, tt.limit), in, ends)
				if !errors.Is(err, wantErr) || gotDone != done || (err == nil && (gotUsed != used || !bytes.Equal(got, want))) {
					t.Fatalf("%q split at %v: %q, %d, %v, %v; whole: %q, %d, %v, %v",
						in, ends, got, gotUsed, gotDone, err, want, used, done, wantErr)
				}
			}
			for i := range in {
				all = append(all, i)
				if i < 400 {
					check([]int{i})
				}
			}
			check(all)
		})
	}
}
