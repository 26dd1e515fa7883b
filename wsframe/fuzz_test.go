package wsframe_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/wsframe"
)

// FuzzReader gives any bytes in any pieces. Messages, error code and Partial
// must be those of the model, which reads with gobwas; no byte outside a
// payload changes, and what is held is bounded by what arrived.
func FuzzReader(f *testing.F) {
	for i, s := range allScripts() {
		if len(s.in) <= 512 {
			f.Add(s.in, uint64(i), uint16(s.limit), s.client)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, limit uint16, client bool) {
		if len(in) > 1<<12 {
			return
		}
		cfg := &wsframe.Config{MaxMessage: int(limit), FromServer: client}
		want := model(cfg, in)
		for how, cut := range []func() result{
			func() result { return feed(t, cfg, chunks(in, len(in)+1)) },
			func() result { return feed(t, cfg, chunks(in, 1)) },
			func() result { return feed(t, cfg, pieces(in, seed)) },
			func() result { return feed(t, cfg, halves(in, int(seed%uint64(len(in)+1)))) },
		} {
			if got := cut(); !got.equal(want) {
				t.Fatalf("way %d, seed %d, limit %d, client %v\n  in %x\n got %v\nwant %v", how, seed, limit, client, in, got, want)
			}
		}
		checkHeld(t, cfg, pieces(in, seed))
	})
}

// checkHeld feeds the pieces and bounds what the reader holds.
func checkHeld(t *testing.T, cfg *wsframe.Config, in func(func([]byte) bool)) {
	t.Helper()
	var r wsframe.Reader
	defer r.Release()
	got := 0
	for p := range in {
		got += len(p)
		p = bytes.Clone(p)
		for ok := true; ok; {
			var err error
			if _, p, ok, err = r.Next(cfg, p); err != nil {
				return
			}
			if held := r.Held(); held > 128+max(128, 16*got) { // one control frame, and the pool's next class
				t.Fatalf("%d bytes held after %d", held, got)
			}
		}
		if !r.Partial() && r.Held() != 0 {
			t.Fatalf("an idle reader holds %d bytes", r.Held())
		}
	}
}

// FuzzStream builds a valid stream from a program: each byte and some of the
// text after it make a message, cut into fragments with control frames
// between, written by gobwas. All of it must come out again.
func FuzzStream(f *testing.F) {
	f.Add([]byte("\x00hello\x11wörld\x22\x33\x44\x55"), uint64(1), true)
	f.Add([]byte("\x0fabcdefghijklmnopqrstuvwxyz\xf0\x9f\x98\x80"), uint64(2), false)
	f.Add(bytes.Repeat([]byte{0x35, 'a', 0xC3, 0xA9}, 40), uint64(3), false)
	f.Add(bytes.Repeat([]byte{0x7E}, 300), uint64(4), true)
	f.Fuzz(func(t *testing.T, program []byte, seed uint64, client bool) {
		if len(program) > 300 {
			return
		}
		in, want := compile(program, seed, client)
		cfg := &wsframe.Config{FromServer: client}
		for how, cut := range []func() result{
			func() result { return feed(t, cfg, chunks(in, len(in)+1)) },
			func() result { return feed(t, cfg, chunks(in, 1)) },
			func() result { return feed(t, cfg, pieces(in, seed)) },
			func() result { return feed(t, cfg, chunks(in, 1448)) },
		} {
			if got := cut(); !got.equal(result{events: want}) {
				t.Fatalf("way %d\n  in %x\n got %v\nwant %q", how, in, got, want)
			}
		}
	})
}

// compile turns a program into a stream and the messages in it.
func compile(program []byte, seed uint64, client bool) (in []byte, events []string) {
	var b bytes.Buffer
	random := seed | 1
	next := func(n int) int {
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		return int(random >> 33 % uint64(n))
	}
	write := func(op ws.OpCode, last bool, p []byte) {
		fr := ws.NewFrame(op, last, bytes.Clone(p))
		if !client { // the reader is a server
			var key [4]byte
			for i := range key {
				key[i] = byte(next(256))
			}
			fr = ws.MaskFrameInPlaceWith(fr, key)
		}
		ws.MustWriteFrame(&b, fr)
	}
	for len(program) > 0 {
		c := program[0]
		n := min(1+int(c&0x3F)*(1+int(c>>6)*9), len(program))
		p := slices.Concat(program[1:n], bytes.Repeat(program[1:n], next(8)*next(12)))
		program = program[n:]
		op := ws.OpBinary
		if c&1 != 0 {
			op, p = ws.OpText, bytes.ToValidUTF8(p, []byte("\uFFFD"))
		}
		frags := pieces(p, random)
		if c&2 != 0 || len(p) > 3000 { // more fragments than 1,024 would be tiny
			frags = chunks(p, len(p)+1)
		}
		o := op
		for f := range frags {
			write(o, false, f)
			o = ws.OpContinuation
			if next(3) == 0 {
				control := []ws.OpCode{ws.OpPing, ws.OpPong}[next(2)]
				body := p[:min(len(p), next(126))]
				write(control, true, body)
				events = append(events, event(wsframe.Opcode(control), body))
			}
		}
		write(o, true, nil)
		events = append(events, event(wsframe.Opcode(op), p))
	}
	return b.Bytes(), events
}
