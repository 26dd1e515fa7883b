package wsframe_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws/wsflate"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/puff"
	"github.com/gannet-io/gannet/wsframe"
)

// rsv1 marks the first frame of a compressed message.
const rsv1 = 0x40

// deflateVectors is what testdata/gen_deflate.mjs recorded of the reference.
type deflateVectors struct {
	Offers  []struct{ Header, Default, Stateless string }
	Streams []struct {
		Message string
		Bits    uint8
		How     string
		Payload []byte
	}
	Payloads []struct {
		What    string
		Payload []byte
		Limit   int
		Code    uint16
		Bytes   int
		SHA1    string
	}
}

func loadDeflate(tb testing.TB) *deflateVectors {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "deflate.json"))
	if err != nil {
		tb.Fatal(err)
	}
	v := new(deflateVectors)
	if err := json.Unmarshal(b, v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// messages are those of gen_deflate.mjs.
func messages() map[string][]byte {
	lcg := func(n int, x uint32) []byte {
		b := make([]byte, n)
		for i := range b {
			x = x*1664525 + 1013904223
			b[i] = byte(x >> 24)
		}
		return b
	}
	var rows []string
	for i := range 200 {
		rows = append(rows, fmt.Sprintf(`{"symbol":"GNT%d","price":%d.25,"volume":%d}`, i%7, i*37%101, i*i))
	}
	return map[string][]byte{
		"empty": {}, "byte": []byte("a"), "hello": []byte("Hello"),
		"unicode": []byte(strings.Repeat("Hellö €uro 😀 ", 20)),
		"json":    []byte(strings.Join(rows, ",")),
		"zeros":   make([]byte, 70000),
		"noise":   lcg(3000, 7),
		"far":     slices.Concat(lcg(300, 1), lcg(33000, 2), lcg(300, 1), lcg(9000, 3), lcg(300, 1)),
	}
}

func inflating(limit int) *wsframe.Config {
	return &wsframe.Config{MaxMessage: limit, Inflater: new(wsframe.Inflater)}
}

// squeezers holds *flate.Writer, which are large.
var squeezers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, 6)
	if err != nil {
		panic(err)
	}
	return w
}}

// squeeze compresses with the standard library, one sync flush a message.
func squeeze(tb testing.TB, p []byte) string {
	tb.Helper()
	var b bytes.Buffer
	w, _ := squeezers.Get().(*flate.Writer)
	defer squeezers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(p); err != nil {
		tb.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// TestNegotiation compares what is answered to each offer with the reference
// when that gives up both contexts. Its errors, which end the handshake there,
// decline the one offer here (row A57), and so do numbers that only JavaScript
// takes for numbers without leading zeros.
func TestNegotiation(t *testing.T) {
	t.Parallel()
	v := loadDeflate(t)
	recorded := map[string]string{}
	for _, o := range v.Offers {
		recorded[o.Header] = o.Stateless
	}
	for _, o := range v.Offers {
		want := o.Stateless
		if strings.Contains(want, "Unexpected character") {
			continue // the head's parser has trimmed the value by then
		}
		for _, lenient := range []string{"=08", "=1e1", "=0xf"} {
			if strings.Contains(o.Header, lenient) {
				want = "error"
			}
		}
		if strings.HasPrefix(want, "error") {
			_, next, _ := strings.Cut(o.Header, ", ")
			want = recorded[next]
		}
		got := answer(t, o.Header)
		if sortParams(got) != sortParams(want) {
			t.Errorf("%s\n got %q\nwant %q", o.Header, got, want)
		}
		if again := answer(t, "x; y=1", o.Header); again != got {
			t.Errorf("%s in a second line: %q, then %q", o.Header, got, again)
		}
	}
}

// answer negotiates and returns the value of the response's header.
func answer(t *testing.T, lines ...string) string {
	t.Helper()
	for i := range lines {
		lines[i] = "Sec-WebSocket-Extensions: " + lines[i]
	}
	req := parseHead(t, head(lines...))
	if _, err := wsframe.CheckUpgrade(req); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	p := wsframe.NegotiateDeflate(req)
	line := string(p.AppendExtension(nil))
	if p.Agreed() != (line != "") {
		t.Fatalf("%q: agreed %v, line %q", lines, p.Agreed(), line)
	}
	value, _ := strings.CutPrefix(line, "Sec-WebSocket-Extensions: ")
	return strings.TrimSuffix(value, "\r\n")
}

func sortParams(s string) string {
	parts := strings.Split(s, "; ")
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

func TestNegotiationWithoutOffer(t *testing.T) {
	t.Parallel()
	p := wsframe.NegotiateDeflate(parseHead(t, head()))
	if p.Agreed() || p.Takes(1) || p.AppendExtension(nil) != nil {
		t.Errorf("agreed without an offer: %+v", p)
	}
}

func TestTakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bits uint8
		n    int
		want bool
	}{{0, 1, false}, {15, 1 << 20, true}, {8, 256, true}, {8, 257, false}, {14, 16384, true}, {14, 16385, false}} {
		if got := (wsframe.DeflateParams{ServerBits: tt.bits}).Takes(tt.n); got != tt.want {
			t.Errorf("window %d, payload %d: %v", tt.bits, tt.n, got)
		}
	}
}

// TestCompressedStreams is the intent of Autobahn's 12.1 to 12.5 and 13.1 to
// 13.7 on the way in: what zlib writes, in every window and strategy, arrives
// whole, in one frame, in fragments with a ping between, byte by byte.
func TestCompressedStreams(t *testing.T) {
	t.Parallel()
	all := messages()
	cfg := inflating(1 << 20)
	for _, s := range loadDeflate(t).Streams {
		name := fmt.Sprintf("%s, %s, window %d", s.Message, s.How, s.Bits)
		p, want := string(s.Payload), event(wsframe.OpBinary, all[s.Message])
		one := frame(fin|rsv1|bin, p)
		half := len(p) / 2
		three := join(frame(rsv1|bin, p[:half]), frame(fin|ping, "p"), frame(cont, p[half:]), frame(fin|pong, ""), frame(fin|cont, ""))
		for how, got := range map[string]result{
			"whole":               feed(t, cfg, chunks(one, len(one))),
			"segments":            feed(t, cfg, chunks(one, 1448)),
			"bytes":               feed(t, cfg, chunks(one, 1)),
			"fragments":           feed(t, cfg, chunks(three, len(three))),
			"fragments in pieces": feed(t, cfg, pieces(three, uint64(len(p)))),
			"halves":              feed(t, cfg, halves(one, len(one)/2)),
		} {
			events := []string{want}
			if strings.HasPrefix(how, "fragments") {
				events = []string{"ping:p", "pong:", want}
			}
			if !got.equal(result{events: events}) {
				t.Errorf("%s, %s:\n got %v\nwant %q", name, how, got, events)
			}
		}
	}
}

// stricter are payloads that the reference reads in part and that are refused
// here (row A56): what follows a last block, and streams that were cut.
var stricter = []string{
	"final and another block", "final and junk", "final and 0xff", "final twice", "fixed cut", "with its tail",
}

// TestCompressedPayloads compares every oddity with the reference, through one
// Inflater, which the broken ones must not spoil.
func TestCompressedPayloads(t *testing.T) {
	t.Parallel()
	shared := new(wsframe.Inflater)
	for _, v := range loadDeflate(t).Payloads {
		cfg := &wsframe.Config{MaxMessage: v.Limit, Inflater: shared}
		if slices.Contains(stricter, v.What) {
			v.Code = wsframe.CloseInvalidPayload
		}
		for _, in := range [][]byte{
			frame(fin|rsv1|bin, string(v.Payload)),
			join(frame(rsv1|bin, string(v.Payload)), frame(fin|cont, "")),
		} {
			var r wsframe.Reader
			m, rest, ok, err := r.Next(cfg, bytes.Clone(in))
			var ce *wsframe.CloseError
			switch {
			case v.Code != 0:
				if !errors.As(err, &ce) || ce.Code != v.Code {
					t.Errorf("%s: %v, want code %d", v.What, err, v.Code)
				}
			case err != nil || !ok || len(rest) != 0:
				t.Errorf("%s: ok %v, %v", v.What, ok, err)
			default:
				sum := sha1.Sum(m.Payload)
				if len(m.Payload) != v.Bytes || hex.EncodeToString(sum[:]) != v.SHA1 {
					t.Errorf("%s: %d bytes, want %d", v.What, len(m.Payload), v.Bytes)
				}
			}
			r.Release()
			if got := feed(t, cfg, chunks(frame(fin|rsv1|text, squeeze(t, []byte("next"))), 100)); !got.equal(result{events: []string{"text:next"}}) {
				t.Fatalf("after %s: %v", v.What, got)
			}
		}
	}
}

// TestCompressionRules are rows A39 and A55: what RSV1 may stand on.
func TestCompressionRules(t *testing.T) {
	t.Parallel()
	hello := squeeze(t, []byte("Hello"))
	for _, tt := range []struct {
		name string
		in   []byte
		want result
	}{
		{"plain message", frame(fin|text, "Hello"), result{events: []string{"text:Hello"}}},
		{"compressed text", frame(fin|rsv1|text, hello), result{events: []string{"text:Hello"}}},
		{"empty, compressed", frame(fin|rsv1|text, "\x00"), result{events: []string{"text:"}}},
		{"empty, no payload", frame(fin|rsv1|text, ""), result{events: []string{"text:"}}},
		{
			"compressed, plain, compressed", join(frame(fin|rsv1|text, hello), frame(text, "x"), frame(fin|cont, "y"), frame(fin|rsv1|bin, hello)),
			result{events: []string{"text:Hello", "text:xy", "binary:Hello"}},
		},
		{"first fragment empty", join(frame(rsv1|text, ""), frame(fin|cont, hello)), result{events: []string{"text:Hello"}}},
		{"A55 ping", frame(fin|rsv1|ping, ""), result{code: 1002}},
		{"A55 close", frame(fin|rsv1|shut, ""), result{code: 1002}},
		{"A55 continuation", join(frame(rsv1|text, hello[:3]), frame(fin|rsv1|cont, hello[3:])), result{code: 1002}},
		{"A55 ping inside", join(frame(rsv1|text, hello[:3]), frame(fin|rsv1|ping, "")), result{code: 1002}},
		{"A39 RSV2", frame(fin|0x20|text, hello), result{code: 1002}},
		{"A39 RSV1 and RSV3", frame(fin|rsv1|0x10|text, hello), result{code: 1002}},
		{"reserved opcode", frame(fin|rsv1|3, hello), result{code: 1002}},
		{"interleaved", join(frame(rsv1|text, hello[:3]), frame(fin|rsv1|text, hello)), result{code: 1002}},
		{"text that is none", frame(fin|rsv1|text, squeeze(t, []byte("ab\xffcd"))), result{code: 1007}},
		{"binary that is no text", frame(fin|rsv1|bin, squeeze(t, []byte("ab\xffcd"))), result{events: []string{"binary:ab\xffcd"}}},
		{"compressed bytes are no text", join(frame(rsv1|text, hello[:1]), frame(fin|cont, hello[1:])), result{events: []string{"text:Hello"}}},
	} {
		for _, n := range []int{1, 3, 1 << 20} {
			if got := feed(t, inflating(1000), chunks(tt.in, n)); !got.equal(tt.want) {
				t.Errorf("%s in pieces of %d:\n got %v\nwant %v", tt.name, n, got, tt.want)
			}
		}
		if got := feed(t, &wsframe.Config{}, chunks(tt.in, 100)); strings.Contains(tt.name, "compressed") && got.code != 1002 {
			t.Errorf("%s without an agreement: %v", tt.name, got)
		}
	}
}

// TestBombs is row A54: the buffer stops growing at the limit, whatever a frame
// or fragments would inflate to, and what is held meanwhile is what arrived.
func TestBombs(t *testing.T) {
	const limit = 100_000
	before := bufpool.Live()
	cfg := inflating(limit)
	fits := squeeze(t, make([]byte, limit))
	over := squeeze(t, make([]byte, limit+1))
	mega := squeeze(t, make([]byte, 1<<20))
	bomb := strings.Repeat(mega+"\x00\x00\xff\xff", 63) + mega
	if len(bomb) >= limit {
		t.Fatalf("the bomb has %d bytes, which is refused for that alone", len(bomb))
	}
	ok := event(wsframe.OpBinary, make([]byte, limit))
	for _, tt := range []struct {
		name, payload string
		want          result
	}{
		{"A53 exactly the limit", fits, result{events: []string{ok}}},
		{"A53 one more", over, result{code: 1009}},
		{"A54 64 MB", bomb, result{code: 1009}},
		{"more than the limit compressed", strings.Repeat("\x00\x00\x00\xff\xff", limit/5+1), result{code: 1009}},
	} {
		fragments := frame(rsv1|bin, tt.payload[:1])
		for p := range chunks([]byte(tt.payload[1:]), 1000) {
			fragments = join(fragments, frame(cont, string(p)))
		}
		for how, in := range map[string][]byte{
			"a frame":   frame(fin|rsv1|bin, tt.payload),
			"fragments": join(fragments, frame(fin|cont, "")),
		} {
			for _, n := range []int{700, 1 << 20} {
				if got := feed(t, cfg, chunks(in, n)); !got.equal(tt.want) {
					t.Errorf("%s in %s: %v", tt.name, how, got)
				}
				checkHeld(t, cfg, chunks(in[:len(in)-6], n)) // not complete yet
			}
		}
	}
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d buffers were not released", n)
	}
}

// TestDeflater is the intent of Autobahn's 12 and 13 on the way out: every
// message in every window comes back from four decoders, and no match reaches
// beyond the window.
func TestDeflater(t *testing.T) {
	t.Parallel()
	d := wsframe.Deflater{Threshold: -1}
	for name, msg := range messages() {
		for bits := uint8(8); bits <= 15; bits++ {
			checkDeflated(t, &d, msg, bits, fmt.Sprintf("%s, window %d", name, bits))
		}
	}
}

// checkDeflated compresses msg between two canaries and reads it back.
func checkDeflated(tb testing.TB, d *wsframe.Deflater, msg []byte, bits uint8, name string) {
	tb.Helper()
	out, compressed := d.AppendFrame([]byte("before"), wsframe.OpBinary, msg, bits)
	out, ok := bytes.CutPrefix(out, []byte("before"))
	if !ok || compressed != (out[0]&rsv1 != 0) {
		tb.Fatalf("%s: compressed %v, begins %x", name, compressed, out[:min(2, len(out))])
	}
	if plain := wsframe.AppendFrame(nil, wsframe.OpBinary, msg); compressed && len(out) >= len(plain) || !compressed && !bytes.Equal(out, plain) {
		tb.Fatalf("%s: compressed %v, %d bytes from a frame of %d", name, compressed, len(out), len(plain))
	}
	cfg := inflating(1 << 20)
	cfg.FromServer = true
	if got := feed(tb, cfg, chunks(out, len(out))); !got.equal(result{events: []string{event(wsframe.OpBinary, msg)}}) {
		tb.Fatalf("%s: read back as %v", name, got)
	}
	if !compressed {
		return
	}
	payload := out[headLen(out):]
	var p puff.Decoder
	if err := p.Inflate(payload); err != nil || !bytes.Equal(p.Out, msg) || p.Far > 1<<bits || p.Last != 0 {
		tb.Fatalf("%s: %v, %d bytes, matches reach %d, %d last blocks", name, err, len(p.Out), p.Far, p.Last)
	}
	std, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	if err != nil || !bytes.Equal(std, msg) {
		tb.Fatalf("%s: the standard library reads %d bytes, %v", name, len(std), err)
	}
	gobwas, err := io.ReadAll(wsflate.NewReader(bytes.NewReader(payload), func(r io.Reader) wsflate.Decompressor { return flate.NewReader(r) }))
	if err != nil || !bytes.Equal(gobwas, msg) {
		tb.Fatalf("%s: gobwas reads %d bytes, %v", name, len(gobwas), err)
	}
}

// headLen returns the length of the header of an unmasked frame.
func headLen(b []byte) int {
	switch b[1] {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

func TestDeflaterThreshold(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("x"), 2000)
	for _, tt := range []struct {
		threshold, n int
		op           wsframe.Opcode
		want         bool
	}{
		{0, 1023, wsframe.OpText, false},
		{0, 1024, wsframe.OpText, true},
		{0, 1024, wsframe.OpBinary, true},
		{100, 99, wsframe.OpText, false},
		{100, 100, wsframe.OpText, true},
		{-1, 200, wsframe.OpText, true},
		{-1, 0, wsframe.OpText, false},
		{-1, 1, wsframe.OpText, false},
		{-1, 125, wsframe.OpPing, false},
	} {
		d := wsframe.Deflater{Threshold: tt.threshold}
		if _, got := d.AppendFrame(nil, tt.op, text[:tt.n], 15); got != tt.want {
			t.Errorf("threshold %d, %v of %d bytes: compressed %v", tt.threshold, tt.op, tt.n, got)
		}
	}
}

// TestDeflaterFrames compresses a packet, which is a sequence of frames.
func TestDeflaterFrames(t *testing.T) {
	t.Parallel()
	d := wsframe.Deflater{Threshold: 50}
	big, noise := messages()["json"], messages()["noise"]
	small := wsframe.AppendFrame(nil, wsframe.OpText, []byte("2"))
	once, _ := d.AppendFrame(nil, wsframe.OpText, big, 15)
	zeros := wsframe.AppendFrame(nil, wsframe.OpBinary, messages()["zeros"])
	frames := join(small, wsframe.AppendFrame(nil, wsframe.OpText, big), wsframe.AppendFrame(nil, wsframe.OpBinary, noise), once, zeros)
	got, compressed := d.AppendFrames([]byte("!"), frames, 15)
	packed, _ := d.AppendFrame(nil, wsframe.OpBinary, messages()["zeros"], 15)
	want := join([]byte("!"), small, once, wsframe.AppendFrame(nil, wsframe.OpBinary, noise), once, packed)
	if !compressed || !bytes.Equal(got, want) {
		t.Errorf("compressed %v\n got %d bytes\nwant %d", compressed, len(got), len(want))
	}
	if got, compressed := d.AppendFrames(nil, small, 15); compressed || !bytes.Equal(got, small) {
		t.Errorf("a ping: compressed %v, %x", compressed, got)
	}
}
