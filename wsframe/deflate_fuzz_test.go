package wsframe_test

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"

	"github.com/gannet-io/gannet/wsframe"
)

// fuzzInflater serves all inputs of a run: none may spoil it for the next.
var fuzzInflater wsframe.Inflater

// FuzzInflate gives any payload with RSV1, in one frame and in two, and
// compares the outcome with the standard library's.
func FuzzInflate(f *testing.F) {
	v := loadDeflate(f)
	for _, s := range v.Streams {
		if len(s.Payload) < 500 {
			f.Add(s.Payload, uint16(60_000))
		}
	}
	for _, p := range v.Payloads {
		if len(p.Payload) < 1000 {
			f.Add(p.Payload, uint16(100))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, limit uint16) {
		if len(payload) > 4000 || len(payload) == 0 || limit == 0 || int(limit) < len(payload) {
			return
		}
		want := inflateModel(payload, int(limit))
		cfg := &wsframe.Config{MaxMessage: int(limit), Inflater: &fuzzInflater}
		cut := len(payload) / 2
		for _, in := range [][]byte{
			frame(fin|rsv1|bin, string(payload)),
			join(frame(rsv1|bin, string(payload[:cut])), frame(fin|cont, string(payload[cut:]))),
		} {
			got := feed(t, cfg, chunks(in, len(in)))
			if got.code+want.code == 1007+1009 {
				continue // broken and too long: which is noticed first is not promised
			}
			if !got.equal(want) {
				t.Fatalf("payload %x, limit %d\n got %v\nwant %v", payload, limit, got, want)
			}
		}
	})
}

// inflateModel is what a Reader makes of a compressed message of limited length,
// by way of the standard library.
func inflateModel(payload []byte, limit int) result {
	const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	src := bytes.NewReader(append(bytes.Clone(payload), tail...))
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(src), int64(limit)+1))
	if len(out) > limit {
		return result{code: 1009}
	}
	left := src.Len() - len(tail)
	padded := left == 1 && payload[len(payload)-1] == 0
	closed := left == -4 // by an empty last block of the sender's, of which the tail completes the length
	if err != nil || left != 0 && left != -len(tail) && !padded && !closed {
		return result{code: 1007}
	}
	return result{events: []string{event(wsframe.OpBinary, out)}}
}

// FuzzDeflate compresses any message for any window and reads it back with
// four decoders.
func FuzzDeflate(f *testing.F) {
	for _, m := range messages() {
		if len(m) < 5_000 {
			f.Add(m, uint8(10), uint16(3))
		}
	}
	f.Add([]byte("abcabcabc"), uint8(8), uint16(1000))
	var d wsframe.Deflater
	f.Fuzz(func(t *testing.T, msg []byte, bits uint8, times uint16) {
		if len(msg) > 5_000 {
			return
		}
		msg = bytes.Repeat(msg, 1+int(times)%(1+5_000/max(1, len(msg))))
		d.Threshold = int(times)%2000 - 1
		checkDeflated(t, &d, msg, 8+bits%8, "fuzzed")
	})
}

// FuzzCompressedStream builds valid streams of messages, some of them
// compressed, in fragments with control frames between.
func FuzzCompressedStream(f *testing.F) {
	f.Add([]byte("hello wörld, hello wörld"), uint64(1))
	f.Add(bytes.Repeat([]byte("{\"price\":1.5}"), 30), uint64(99))
	f.Fuzz(func(t *testing.T, program []byte, seed uint64) {
		if len(program) > 200 {
			return
		}
		var in []byte
		var want []string
		x := seed | 1
		next := func(n int) int {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			return int(x >> 33 % uint64(n))
		}
		for len(program) > 0 {
			n := 1 + next(len(program))
			p := bytes.Repeat(program[:n], 1+next(6)*next(6))
			program = program[n:]
			op, first := wsframe.OpBinary, byte(bin)
			if next(2) == 0 {
				op, first, p = wsframe.OpText, text, bytes.ToValidUTF8(p, []byte("?"))
			}
			want = append(want, event(op, p))
			wire := string(p)
			if next(3) > 0 {
				first |= rsv1
				wire = squeeze(t, p)
			}
			for cut := range pieces([]byte(wire), x) {
				in = append(in, frame(first, string(cut))...)
				first = cont
				if next(4) == 0 {
					in = append(in, frame(fin|ping, "p")...)
					want = append(want[:len(want)-1], "ping:p", want[len(want)-1])
				}
			}
			in = append(in, frame(fin|first, "")...)
		}
		cfg := &wsframe.Config{Inflater: &fuzzInflater}
		for how, got := range []result{
			feed(t, cfg, chunks(in, len(in)+1)), feed(t, cfg, chunks(in, 1)), feed(t, cfg, pieces(in, seed)),
		} {
			if !got.equal(result{events: want}) {
				t.Fatalf("way %d\n  in %x\n got %v\nwant %q", how, in, got, want)
			}
		}
	})
}
