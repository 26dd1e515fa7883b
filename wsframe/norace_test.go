//go:build !race

package wsframe_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/wsframe"
)

const raceFactor = 1

// allocs fails if f allocates.
func allocs(t *testing.T, name string, f func()) {
	t.Helper()
	f()
	if n := testing.AllocsPerRun(200, f); n != 0 {
		t.Errorf("%s: %v allocations, want none", name, n)
	}
}

// TestReadAllocatesNothing is the budget of the hot path, and row A45: single
// bytes cost nothing either, since the buffers are pooled.
func TestReadAllocatesNothing(t *testing.T) {
	cfg := &wsframe.Config{}
	read := func(in []byte, piece int) func() {
		var r wsframe.Reader
		work := make([]byte, len(in))
		return func() {
			copy(work, in)
			for b := work; len(b) > 0; {
				p := b[:min(piece, len(b))]
				b = b[len(p):]
				for ok := true; ok; {
					var err error
					if _, p, ok, err = r.Next(cfg, p); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	hello := frame(fin|text, "hello, wörld")
	long := frame(fin|text, strings.Repeat("a€", 15_000))
	allocs(t, "whole messages", read(join(hello, frame(fin|bin, strings.Repeat("x", 1000)), frame(fin|ping, "p"), long), 1<<20))
	allocs(t, "A45 single bytes", read(join(hello, frame(fin|ping, "p")), 1))
	allocs(t, "A45 single bytes of 60 KB", read(long, 1))
	allocs(t, "segments of 60 KB", read(long, 1448))
	allocs(t, "fragments with a ping", read(join(frame(text, "abc"), frame(fin|ping, "p"), frame(fin|cont, "def")), 5))
	huge := length64(fin|bin, 1<<62)
	allocs(t, "A37 refused header", func() {
		var r wsframe.Reader
		if _, _, _, err := r.Next(cfg, huge); err == nil {
			t.Fatal("accepted")
		}
	})
	bad := frame(fin|text, strings.Repeat("\xff", 100))
	allocs(t, "A48 refused text", func() { // unmasked in place it would be another text, so it is cut
		var r wsframe.Reader
		if _, _, _, err := r.Next(cfg, bad[:20]); err == nil {
			t.Fatal("accepted")
		}
	})
}

// TestLargeMessageAllocatesLogarithmically: beyond the pool's largest class
// the buffer doubles, four times here, at two allocations each. The garbage
// that this makes may empty the pool, which then adds up to eight.
func TestLargeMessageAllocatesLogarithmically(t *testing.T) {
	cfg := &wsframe.Config{}
	in := frame(fin|bin, strings.Repeat("x", wsframe.DefaultMaxMessage))
	n := testing.AllocsPerRun(5, func() {
		var r wsframe.Reader
		for b := in; len(b) > 0; {
			n := min(100, len(b))
			if _, _, _, err := r.Next(cfg, b[:n]); err != nil {
				t.Fatal(err)
			}
			b = b[n:]
		}
		r.Release()
	})
	if n > 16 {
		t.Errorf("a message of 1 MB in pieces of 100 bytes: %v allocations, want at most 16", n)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 70_000)
	dst := make([]byte, 0, 80_000)
	allocs(t, "AppendFrame", func() { dst = wsframe.AppendFrame(dst[:0], wsframe.OpText, payload) })
	allocs(t, "AppendMaskedFrame", func() { dst = wsframe.AppendMaskedFrame(dst[:0], wsframe.OpText, testKey, payload) })
	allocs(t, "AppendHeader", func() { dst = wsframe.AppendHeader(dst[:0], wsframe.OpText, 1<<40) })
	allocs(t, "PutHeader", func() { wsframe.PutHeader(dst[:16], 16, wsframe.OpText, 1<<40) })
	reason := strings.Repeat("€", 100)
	allocs(t, "AppendClose", func() { dst = wsframe.AppendClose(dst[:0], 1000, reason) })
	p := []byte(closeCode(4000, "bye"))
	allocs(t, "ParseClose", func() { _, _, _ = wsframe.ParseClose(p) })
}

func TestHandshakeAllocatesNothing(t *testing.T) {
	req := parseHead(t, head("Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: permessage-deflate; x"))
	refused := parseHead(t, head("Sec-WebSocket-Version: 7"))
	dst := make([]byte, 0, 1024)
	extra := []byte("X-A: b\r\n")
	allocs(t, "accepted", func() {
		u, err := wsframe.CheckUpgrade(req)
		if err != nil {
			t.Fatal(err)
		}
		dst = wsframe.AppendAccept(dst[:0], &u, extra)
	})
	allocs(t, "refused", func() {
		_, err := wsframe.CheckUpgrade(refused)
		dst = err.Append(dst[:0])
	})
}

// TestCompressionAllocatesNothing: after the first message, neither direction
// does, for any number of connections.
func TestCompressionAllocatesNothing(t *testing.T) {
	cfg := inflating(1 << 20)
	for name, msg := range map[string][]byte{"json": messages()["json"], "unicode": messages()["unicode"]} {
		in := frame(fin|rsv1|text, squeeze(t, msg))
		work := make([]byte, len(in))
		for _, piece := range []int{1 << 20, 100} {
			allocs(t, "read "+name, func() {
				var r wsframe.Reader
				copy(work, in)
				for b := work; len(b) > 0; {
					p := b[:min(piece, len(b))]
					b = b[len(p):]
					for ok := true; ok; {
						var err error
						if _, p, ok, err = r.Next(cfg, p); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
	d := wsframe.Deflater{}
	msg := messages()["json"]
	dst := make([]byte, 0, 32<<10)
	frames := wsframe.AppendFrame(nil, wsframe.OpText, msg)
	for _, bits := range []uint8{15, 10} {
		allocs(t, "AppendFrame", func() { dst, _ = d.AppendFrame(dst[:0], wsframe.OpText, msg, bits) })
		allocs(t, "AppendFrames", func() { dst, _ = d.AppendFrames(dst[:0], frames, bits) })
	}
	req := parseHead(t, head("Sec-WebSocket-Extensions: x; y=\"1\", permessage-deflate; server_max_window_bits=10; client_max_window_bits"))
	allocs(t, "negotiation", func() { dst = wsframe.NegotiateDeflate(req).AppendExtension(dst[:0]) })
}
