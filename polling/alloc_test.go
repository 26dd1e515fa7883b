//go:build !race

package polling_test

import (
	"bytes"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/polling"
)

// TestAllocations keeps the hot paths free of allocations.
func TestAllocations(t *testing.T) {
	cors := mustCORS(t, &polling.CORSOptions{Origins: []string{"http://a.com", "https://a-name-of-more-than-thirty-two-bytes.example.com:3000"}, Credentials: true, ExposedHeaders: []string{"X"}})
	cookie, err := polling.NewCookie(nil)
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte("42[\"message\",\"hello\"]\x1e2probe\x1ebAQIDBAUGBwg=\x1e4")
	spoilt := make([]byte, len(payload))
	host := []byte("a-name-of-more-than-thirty-two-bytes.example.com:3000")
	origin := append([]byte("https://"), host...)
	out, scratch := make([]byte, 0, 1024), make([]byte, 0, 1024)
	preflight := request("OPTIONS", "Origin", string(origin), "Access-Control-Request-Headers", "x-foo")
	opts := &polling.ResponseOptions{}
	var x polling.Exchange[*int]
	conn := new(int)
	data := bytes.Repeat([]byte("x"), 100)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"read a payload", func() {
			copy(spoilt, payload)
			var r polling.Reader
			r.Init(polling.ValidUTF8Text(spoilt), 0)
			for n := 0; ; n++ {
				_, ok, err := r.Next()
				if err != nil || !ok && n != 4 {
					t.Fatal(n, err)
				}
				if !ok {
					break
				}
			}
		}},
		{"refuse a payload", func() {
			if _, _, _, err := polling.DecodePacket(data); err == nil {
				t.Fatal("accepted")
			}
		}},
		{"poll response", func() {
			scratch = cors.AppendHeaders(scratch[:0], origin)
			if !bytes.Contains(scratch, origin) {
				t.Fatal("not allowed")
			}
			opts.Extra = scratch
			out = polling.AppendPoll(out[:0], opts, data, payload)
		}},
		{"poll response of packets", func() {
			body := polling.AppendPacketText(scratch[:0], eio.Message, data)
			body = append(body, polling.Separator)
			body = polling.AppendBinaryPacket(body, data)
			out = append(polling.AppendPollHead(out[:0], len(body), nil), body...)
		}},
		{"handshake response", func() {
			opts.Behind = cookie.AppendHeader(scratch[:0], "abcdefghij0123456789")
			out = polling.AppendPoll(out[:0], opts, data)
			opts.Behind = nil
		}},
		{"ok", func() { out = polling.AppendOK(out[:0], opts) }},
		{"error", func() { out = polling.AppendError(out[:0], eio.CodeUnknownSID, "", opts) }},
		{"upgrade error", func() { out = polling.AppendUpgradeError(out[:0], "Session ID unknown") }},
		{"empty", func() { out = polling.AppendEmpty(out[:0], 405, opts) }},
		{"preflight", func() { out = cors.AppendPreflight(out[:0], preflight, opts) }},
		{"origin", func() {
			if polling.CheckOrigin(host, origin, "https") != polling.OriginSame {
				t.Fatal("foreign")
			}
		}},
		{"check POST", func() {
			if polling.CheckPost(preflight) != 0 || polling.NeedsNoXSS(data) {
				t.Fatal("refused")
			}
		}},
		{"exchange", func() {
			x.StartGet(conn)
			x.StartPost(conn)
			x.EndPost(conn)
			x.TakeGet()
			x.Lost(conn)
		}},
	} {
		c.run()
		if n := testing.AllocsPerRun(100, c.run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, n)
		}
	}
}
