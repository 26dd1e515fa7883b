package wsframe_test

import (
	"bytes"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/wsframe"
)

// BenchmarkNext reads one masked text frame that is whole in the input.
func BenchmarkNext(b *testing.B) {
	for _, n := range []int{16, 64, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			frame := wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, bytes.Repeat([]byte("a"), n))
			payload := frame[len(frame)-n:]
			masked := bytes.Clone(payload)
			var r wsframe.Reader
			var cfg wsframe.Config
			b.SetBytes(int64(n))
			for b.Loop() {
				copy(payload, masked)
				_, rest, ok, err := r.Next(&cfg, frame)
				if !ok || err != nil || len(rest) != 0 {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// BenchmarkGobwas does with gobwas what BenchmarkNext does.
func BenchmarkGobwas(b *testing.B) {
	for _, n := range []int{16, 64, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			frame := wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, bytes.Repeat([]byte("a"), n))
			payload := frame[len(frame)-n:]
			masked := bytes.Clone(payload)
			r := bytes.NewReader(nil)
			b.SetBytes(int64(n))
			for b.Loop() {
				copy(payload, masked)
				r.Reset(frame)
				h, err := ws.ReadHeader(r)
				if err != nil || ws.CheckHeader(h, ws.StateServerSide) != nil {
					b.Fatal(err)
				}
				p := frame[len(frame)-r.Len():]
				ws.Cipher(p, h.Mask, 0)
				if !utf8.Valid(p) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

// BenchmarkNextSegments reads a 4 KiB text message from 64-byte pieces.
func BenchmarkNextSegments(b *testing.B) {
	frame := wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, bytes.Repeat([]byte("a"), 4096))
	var r wsframe.Reader
	var cfg wsframe.Config
	b.SetBytes(4096)
	for b.Loop() {
		var got int
		for p := range chunks(frame, 64) {
			if m, _, ok, err := r.Next(&cfg, p); ok || err != nil {
				got = len(m.Payload)
			}
		}
		if got != 4096 {
			b.Fatal(got)
		}
	}
}

// BenchmarkAppendFrame writes one frame.
func BenchmarkAppendFrame(b *testing.B) {
	payload := bytes.Repeat([]byte("a"), 64)
	dst := make([]byte, 0, 128)
	b.SetBytes(64)
	for b.Loop() {
		dst = wsframe.AppendFrame(dst[:0], wsframe.OpText, payload)
	}
}

// BenchmarkDeflate compresses one frame, which is what a broadcast costs
// whatever the number of its receivers, and reads it again.
func BenchmarkDeflate(b *testing.B) {
	msg := messages()["json"]
	for _, bits := range []uint8{15, 12, 9} {
		b.Run(fmt.Sprintf("append/window%d", bits), func(b *testing.B) {
			var d wsframe.Deflater
			var dst []byte
			b.SetBytes(int64(len(msg)))
			for b.Loop() {
				dst, _ = d.AppendFrame(dst[:0], wsframe.OpText, msg, bits)
			}
			b.ReportMetric(float64(len(dst))/float64(len(msg)), "ratio")
		})
	}
	b.Run("read", func(b *testing.B) {
		var d wsframe.Deflater
		in, _ := d.AppendFrame(nil, wsframe.OpText, msg, 15)
		cfg := &wsframe.Config{FromServer: true, Inflater: new(wsframe.Inflater)}
		var r wsframe.Reader
		b.SetBytes(int64(len(msg)))
		for b.Loop() {
			if _, _, ok, err := r.Next(cfg, in); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}
