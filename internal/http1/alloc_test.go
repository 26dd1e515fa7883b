//go:build !race

package http1_test

import (
	"bytes"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

// TestAllocations keeps the hot paths free of allocations.
func TestAllocations(t *testing.T) {
	var p http1.HeadParser
	var req http1.Request
	var body http1.Body
	scratch := make([]byte, 0, 64)
	out := make([]byte, 0, 512)
	in := map[string][]byte{"get": []byte(browserGET), "upgrade": []byte(upgradeGET), "post": []byte(browserPOST)}
	chunked := []byte("5\r\nhello\r\n6;x\r\n world\r\n0\r\nX: y\r\n\r\n")
	escaped := []byte("transport=p%6flling&EIO=4&x%79=1")
	bad := []byte("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n")
	parse := func(b []byte) {
		if n, err := p.Parse(b, nil, &req); n != len(b) || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"GET head", func() { parse(in["get"]) }},
		{"upgrade head", func() { parse(in["upgrade"]) }},
		{"POST head", func() { parse(in["post"]) }},
		{"head in parts", func() {
			b := in["get"]
			for i := 1; i < len(b); i += 7 {
				if n, err := p.Parse(b[:i], nil, &req); n != 0 || err != nil {
					t.Fatal(n, err)
				}
			}
			parse(b)
		}},
		{"refused head", func() {
			if _, err := p.Parse(bad, nil, &req); err == nil {
				t.Fatal("accepted")
			}
		}},
		{"path and lookups", func() {
			b := in["get"]
			if http1.MatchPath(b, "/socket.io/") != http1.MatchYes {
				t.Fatal("no match")
			}
			parse(b)
			sid, ok := http1.QueryBytes(req.Query(), "sid", scratch)
			if !ok || len(sid) != 20 || req.Get("Origin") != nil || req.Get("user-agent") == nil {
				t.Fatal("lookup")
			}
		}},
		{"escaped query", func() {
			if v, ok := http1.QueryBytes(escaped, "transport", scratch); !ok || string(v) != "polling" {
				t.Fatal("lookup")
			}
		}},
		{"POST body", func() {
			parse(in["post"])
			if err := body.Init(&req, 1e6); err != nil {
				t.Fatal(err)
			}
			data, _, done, err := body.Next(chunked[:27])
			if len(data) != 27 || !done || err != nil {
				t.Fatal(len(data), done, err)
			}
		}},
		{"chunked body", func() {
			req.Reset()
			req.Chunked = true
			if err := body.Init(&req, 1e6); err != nil {
				t.Fatal(err)
			}
			for rest := chunked; !body.Done(); {
				var err error
				if _, rest, _, err = body.Next(rest); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"response", func() {
			h := http1.ResponseHead{Status: 200, ContentType: "text/plain; charset=UTF-8", NoStore: true}
			out = http1.AppendFull(out[:0], &h, chunked)
			if !bytes.HasPrefix(out, []byte("HTTP/1.1 200 OK\r\n")) {
				t.Fatal("response")
			}
		}},
	} {
		c.run()
		if n := testing.AllocsPerRun(100, c.run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, n)
		}
	}
}
