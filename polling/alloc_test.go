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

// TestCodecAllocations does the same for revision 3, JSONP and compression.
func TestCodecAllocations(t *testing.T) {
	text := []byte("6:4hello3:4😀6:b4AQID1:2")
	framed := []byte("\x00\x06\xff4hello\x01\x04\xff\x04\x01\x02\x03")
	form := []byte("d=6%3A4hello\\n1%3A2")
	work := make([]byte, 0, 4096)
	out := make([]byte, 0, 64<<10)
	payload := bytes.Repeat([]byte("42[\"tick\",1]\x1e"), 200)
	var c polling.Compressor
	req := request("GET", "Accept-Encoding", "br;q=1.0, gzip;q=0.8, deflate;q=0.75, *;q=0.1")
	read := func(in []byte, framing polling.Framing) func() {
		return func() {
			work = append(work[:0], in...)
			if err := polling.CheckPayload3(work, framing); err != nil {
				t.Fatal(err)
			}
			var r polling.Reader3
			r.Init(work, framing, 0)
			for ok := true; ok; {
				_, ok, _ = r.Next()
			}
		}
	}
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"read text framing", read(text, polling.TextFraming)},
		{"read binary framing", read(framed, polling.BinaryFraming)},
		{"write", func() {
			for _, f := range []polling.Framing{polling.TextFraming, polling.BinaryFraming} {
				out = polling.AppendBinary3(polling.AppendText3(out[:0], payload, f), payload, f)
				if polling.TextSize3(payload, f)+polling.BinarySize3(len(payload), f) != len(out) {
					t.Fatal("size")
				}
			}
		}},
		{"refuse a length (A65)", func() {
			if polling.CheckPayload3(payload, polling.TextFraming) == nil {
				t.Fatal("accepted")
			}
		}},
		{"JSONP", func() {
			work = append(work[:0], form...)
			if _, ok := polling.DecodeJSONP(work); !ok {
				t.Fatal("refused")
			}
			out = polling.AppendJSONP(out[:0], polling.JSONPIndex("12"), payload)
		}},
		{"compress", func() {
			enc := polling.ChooseEncoding(req)
			out = polling.AppendPayloadHead(out[:0], 1, polling.TextFraming, enc, nil)
			out = c.Append(out, polling.Gzip, payload)
			out = c.Append(out, polling.Deflate, payload)
		}},
	} {
		c.run()
		if n := testing.AllocsPerRun(100, c.run); n != 0 {
			t.Errorf("%s: %v allocations, want none", c.name, n)
		}
	}
}
