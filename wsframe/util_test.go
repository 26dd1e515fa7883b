package wsframe_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/wsframe"
)

// testKey masks the frames that tables spell out.
var testKey = [4]byte{0x37, 0xFA, 0x21, 0x3D}

// frame returns a masked frame with the given first byte, written by gobwas.
func frame(first byte, payload string) []byte {
	return frameKey(first, payload, testKey)
}

func frameKey(first byte, payload string, key [4]byte) []byte {
	var b bytes.Buffer
	p := []byte(payload)
	ws.Cipher(p, key, 0)
	h := ws.Header{
		Fin:    first&0x80 != 0,
		Rsv:    first >> 4 & 7,
		OpCode: ws.OpCode(first & 0xF),
		Masked: true,
		Mask:   key,
		Length: int64(len(p)),
	}
	if err := ws.WriteFrame(&b, ws.Frame{Header: h, Payload: p}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// First bytes of frames.
const (
	cont, text, bin, shut, ping, pong = 0x00, 0x01, 0x02, 0x08, 0x09, 0x0A

	fin = 0x80
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// unhex decodes hexadecimal digits; spaces are ignored.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// event renders a message for comparison.
func event(op fmt.Stringer, payload []byte) string {
	if len(payload) > 64 {
		return fmt.Sprintf("%v:%d bytes, sum %x", op, len(payload), sum(payload))
	}
	return fmt.Sprintf("%v:%s", op, payload)
}

func sum(p []byte) (h uint64) {
	for _, c := range p {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h
}

// result is what a Reader made of a stream.
type result struct {
	events  []string
	code    uint16 // of the error, 0 without one
	partial bool   // Partial after the last byte
	at      int    // bytes given until the error was reported
}

func (r result) String() string {
	return fmt.Sprintf("%q code %d partial %v", r.events, r.code, r.partial)
}

func (r result) equal(o result) bool {
	return slices.Equal(r.events, o.events) && r.code == o.code && r.partial == o.partial
}

// canary surrounds every piece of input.
const canary = 0xA5

// feed gives in to a new Reader in the given pieces and checks on the way that
// no byte outside the returned payload changes.
func feed(tb testing.TB, cfg *wsframe.Config, pieces iter.Seq[[]byte]) result {
	tb.Helper()
	var r wsframe.Reader
	var res result
	defer r.Release()
	for p := range pieces {
		arena := bytes.Repeat([]byte{canary}, len(p)+2*16)
		b := arena[16 : 16+len(p)]
		copy(b, p)
		last := bytes.Clone(arena)
		for {
			before := b
			m, rest, ok, err := r.Next(cfg, b)
			changed := m.Payload
			switch {
			case err != nil:
				changed = slices.Clip(b) // the payload that was refused
			case ok && cfg.Inflater != nil:
				changed = slices.Clip(before[:len(before)-len(rest)]) // unmasked where it is, inflated elsewhere
			}
			checkUntouched(tb, arena, last, changed)
			last = append(last[:0], arena...)
			if err != nil {
				var ce *wsframe.CloseError
				if !errors.As(err, &ce) || ok || rest != nil || m.Payload != nil {
					tb.Fatalf("error %v with ok %v, rest %x, message %v", err, ok, rest, m)
				}
				res.code, res.at = ce.Code, res.at+len(p)
				if _, rest, ok, err := r.Next(cfg, b); ok || err != nil || rest != nil || r.Partial() || r.Held() != 0 {
					tb.Fatalf("a failed reader goes on: ok %v, err %v, rest %x", ok, err, rest)
				}
				return res
			}
			if !ok {
				if rest != nil {
					tb.Fatalf("rest %x without a message", rest)
				}
				break
			}
			if len(rest) > len(before) || !bytes.HasSuffix(arena[16:16+len(p)], rest) {
				tb.Fatalf("rest %x is not the end of %x", rest, before)
			}
			if m.Op == wsframe.OpText && !utf8.Valid(m.Payload) {
				tb.Fatalf("invalid text %q", m.Payload)
			}
			res.events = append(res.events, event(m.Op, m.Payload))
			b = rest
		}
		res.at += len(p)
	}
	res.partial = r.Partial()
	return res
}

// checkUntouched fails if any byte of arena but those of payload changed.
func checkUntouched(tb testing.TB, arena, before, payload []byte) {
	tb.Helper()
	from, to := len(arena), len(arena)
	if len(payload) > 0 {
		for i := range arena {
			if &arena[i] == &payload[0] {
				from, to = i, i+len(payload)
				if cap(payload) != len(payload) {
					tb.Fatalf("appending to payload %q would overwrite what is behind it", payload)
				}
				break
			}
		}
	}
	if !bytes.Equal(arena[:from], before[:from]) || !bytes.Equal(arena[to:], before[to:]) {
		tb.Fatalf("bytes outside the payload changed\n got %x\nwant %x", arena, before)
	}
}

// chunks cuts b into pieces of n bytes.
func chunks(b []byte, n int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// halves cuts b once.
func halves(b []byte, at int) iter.Seq[[]byte] {
	return slices.Values([][]byte{b[:at], b[at:]})
}

// pieces cuts b at places that seed chooses, with empty pieces among them.
func pieces(b []byte, seed uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for x := seed | 1; len(b) > 0; {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			n := int(x >> 32 % 8)
			if x>>40&7 == 0 {
				n = int(x >> 43 % 300)
			}
			n = min(n, len(b))
			if !yield(b[:n:n]) {
				return
			}
			b = b[n:]
		}
	}
}
