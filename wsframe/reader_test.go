package wsframe_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/wsframe"
)

// A script is a stream and what a Reader must make of it. Its name begins with
// the row of the attack list or, in parentheses, the case of the Autobahn test
// suite.
type script struct {
	name   string
	in     []byte
	events []string
	code   uint16 // of the error, 0 for none
	owes   bool   // Partial after the last byte
	limit  int    // Config.MaxMessage
	client bool   // Config.FromServer
}

// run gives the stream to readers in every way of cutting it.
func (s *script) run(t *testing.T) {
	t.Helper()
	cfg := &wsframe.Config{MaxMessage: s.limit, FromServer: s.client}
	want := result{events: s.events, code: s.code, partial: s.owes}
	check := func(how string, got result) {
		t.Helper()
		if !got.equal(want) {
			t.Fatalf("%s\n  in %.200x\n got %v\nwant %v", how, s.in, got, want)
		}
	}
	check("model", model(cfg, s.in))
	check("whole", feed(t, cfg, chunks(s.in, len(s.in)+1)))
	// Every place to cut short streams at; of long ones the first and the last
	// places, and some between.
	step, seeds, edge := 1, uint64(8), 64
	if len(s.in) > 2000 {
		step, seeds, edge = 1+len(s.in)/8, 1, 16
	}
	if len(s.in) < 200_000 || raceFactor == 1 {
		check("single bytes", feed(t, cfg, chunks(s.in, 1)))
		check("pieces of 7", feed(t, cfg, chunks(s.in, 7)))
	}
	for seed := range seeds {
		check(fmt.Sprintf("seed %d", seed), feed(t, cfg, pieces(s.in, seed+0x9E3779B97F4A7C15)))
	}
	for at := 0; at <= len(s.in); at++ {
		if at <= edge || at >= len(s.in)-edge || at%step == 0 {
			check(fmt.Sprintf("cut at %d", at), feed(t, cfg, halves(s.in, at)))
		}
	}
}

func runScripts(t *testing.T, scripts []script) {
	t.Helper()
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// length64 is a masked frame header with a length of eight bytes.
func length64(first byte, n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n), testKey[:]...)
}

func headerScripts() []script {
	hello := frame(fin|text, "hello")
	unmasked := wsframe.AppendFrame(nil, wsframe.OpText, []byte("hello"))
	ok := []string{"text:hello"}
	s := []script{
		{name: "A35 unmasked frame", in: unmasked, code: 1002},
		{name: "A35 unmasked empty frame", in: []byte{fin | text, 0}, code: 1002},
		{name: "A35 unmasked ping after a message", in: join(hello, []byte{fin | ping, 0}), events: ok, code: 1002},
		{name: "A35 masked frame to a client", in: hello, client: true, code: 1002},
		{name: "A35 unmasked frame to a client", in: unmasked, client: true, events: ok},
		{name: "A36 top bit of the length, 15 bytes", in: append(length64(fin|bin, 1<<63), 'x'), code: 1002},
		{name: "A36 all bits of the length", in: length64(fin|text, 1<<64-1), code: 1002},
		{name: "A36 top bit, no key yet", in: length64(fin|bin, 1<<63|5)[:10], code: 1002},
		{name: "A36 largest length without it", in: length64(fin|bin, 1<<63-1), code: 1009},
		{name: "A37 2^34 declared", in: length64(fin|bin, 1<<34), code: 1009},
		{name: "A37 2^62 declared, no key yet", in: length64(fin|text, 1<<62)[:10], code: 1009},
		{name: "A37 2^32+5 is not 5", in: length64(fin|text, 1<<32+5), code: 1009},
		{name: "A37 in a continuation", in: join(frame(text, "a"), length64(fin|cont, 1<<34)), code: 1009},
		{name: "A38 5 as 16 bits", in: join(unhex("81fe0005"), testKey[:], make([]byte, 5)), code: 1002},
		{name: "A38 125 as 16 bits", in: unhex("82fe007d"), code: 1002},
		{name: "A38 126 as 16 bits", in: frame(fin|bin, strings.Repeat("x", 126)), events: []string{event(wsframe.OpBinary, bytes.Repeat([]byte("x"), 126))}},
		{name: "A38 300 as 64 bits", in: length64(fin|bin, 300), code: 1002},
		{name: "A38 65535 as 64 bits", in: length64(fin|bin, 65535), code: 1002},
		{name: "A38 0 as 64 bits", in: length64(fin|bin, 0), code: 1002},
		{name: "A41 ping not final", in: frame(ping, "x"), code: 1002},
		{name: "A41 close not final", in: frame(shut, ""), code: 1002},
		{name: "A41 (2.5) ping of 126", in: frame(fin|ping, strings.Repeat("x", 126)), code: 1002},
		{name: "A41 (7.3.6) close of 126", in: frame(fin|shut, "\x03\xe8"+strings.Repeat("x", 124)), code: 1002},
		{name: "A41 pong of 2^40", in: length64(fin|pong, 1<<40), code: 1002},
		{name: "A41 ping with 16-bit length of 5", in: unhex("89fe0005"), code: 1002},
		{name: "A41 ping of 126 inside a message", in: join(frame(text, "a"), unhex("89fe007e")), code: 1002},
		{name: "A42 (5.10) continuation first, final", in: frame(fin|cont, "x"), code: 1002},
		{name: "A42 (5.13) continuation first, not final", in: frame(cont, "x"), code: 1002},
		{name: "A42 continuation after a message", in: join(hello, frame(fin|cont, "x")), events: ok, code: 1002},
		{name: "A42 (5.18) text inside text", in: join(frame(text, "a"), frame(fin|text, "b")), code: 1002},
		{name: "A42 binary inside text", in: join(frame(text, "a"), frame(bin, "b")), code: 1002},
		{name: "A42 text inside an empty start", in: join(frame(bin, ""), frame(fin|text, "b")), code: 1002},
		{name: "A39 (3.2) RSV2 after a message", in: join(hello, frame(fin|0x20|text, "b")), events: ok, code: 1002},
		{name: "A39 RSV1 inside a message", in: join(frame(text, "a"), frame(fin|0x40|cont, "b")), code: 1002},
		{name: "A55 RSV1 on a ping inside a message", in: join(frame(text, "a"), frame(fin|0x40|ping, "b")), code: 1002},
	}
	for rsv := byte(1); rsv < 8; rsv++ {
		for _, op := range []byte{text, bin, shut, ping, pong} {
			name := fmt.Sprintf("A39 (3.%d) RSV %03b in the first frame, opcode %d", rsv, rsv, op)
			s = append(s, script{name: name, in: frame(fin|rsv<<4|op, ""), code: 1002})
		}
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		s = append(s,
			script{name: fmt.Sprintf("A40 (4) opcode %d", op), in: frame(fin|op, ""), code: 1002},
			script{name: fmt.Sprintf("A40 (4) opcode %d with payload after a message", op), in: join(hello, frame(fin|op, "x")), events: ok, code: 1002},
			script{name: fmt.Sprintf("A40 opcode %d inside a message", op), in: join(frame(text, "a"), frame(op, "x")), code: 1002},
		)
	}
	return s
}

func TestHeaderRules(t *testing.T) {
	t.Parallel()
	runScripts(t, headerScripts())
}

func messageScripts() []script {
	var s []script
	for _, n := range []int{0, 1, 7, 8, 31, 32, 33, 125, 126, 127, 128, 65535, 65536} {
		p := strings.Repeat("*", n)
		s = append(s,
			script{name: fmt.Sprintf("(1.1) text of %d", n), in: frame(fin|text, p), events: []string{event(wsframe.OpText, []byte(p))}},
			script{name: fmt.Sprintf("(1.2) binary of %d", n), in: frame(fin|bin, strings.Repeat("\xfe", n)), events: []string{event(wsframe.OpBinary, bytes.Repeat([]byte{0xFE}, n))}},
		)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	many := []byte{}
	var pings []string
	for i := range 10 {
		many = append(many, frame(fin|ping, fmt.Sprint("payload-", i))...)
		pings = append(pings, fmt.Sprint("ping:payload-", i))
	}
	s = append(s, []script{
		{name: "nothing", in: nil},
		{name: "(2.1) empty ping", in: frame(fin|ping, ""), events: []string{"ping:"}},
		{name: "(2.2) ping", in: frame(fin|ping, "Hello, world!"), events: []string{"ping:Hello, world!"}},
		{name: "(2.3) binary ping", in: frame(fin|ping, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), events: []string{"ping:\x00\xff\xfe\xfd\xfc\xfb\x00\xff"}},
		{name: "(2.4) ping of 125", in: frame(fin|ping, strings.Repeat("\xfe", 125)), events: []string{event(wsframe.OpPing, bytes.Repeat([]byte{0xFE}, 125))}},
		{name: "A46 (2.7) unsolicited empty pong", in: frame(fin|pong, ""), events: []string{"pong:"}},
		{name: "A46 (2.8) unsolicited pong", in: frame(fin|pong, "x"), events: []string{"pong:x"}},
		{name: "A46 (2.9) pong then ping", in: join(frame(fin|pong, "a"), frame(fin|ping, "b")), events: []string{"pong:a", "ping:b"}},
		{name: "A46 (2.10) ten pings", in: many, events: pings},
		{name: "all bytes", in: frame(fin|bin, string(all)), events: []string{event(wsframe.OpBinary, all)}},
		{name: "key zero", in: frameKey(fin|text, "abc", [4]byte{}), events: []string{"text:abc"}},
		{name: "two messages and the start of a header", in: join(frame(fin|text, "a"), frame(fin|bin, "b"), []byte{fin | text}), events: []string{"text:a", "binary:b"}, owes: true},
		{name: "header without payload", in: frame(fin|text, "abc")[:6], owes: true},
		{name: "A45 payload begun", in: frame(fin|text, "abc")[:8], owes: true},
		{name: "ping begun", in: frame(fin|ping, "abc")[:8], owes: true},
	}...)
	return s
}

func TestMessages(t *testing.T) {
	t.Parallel()
	runScripts(t, messageScripts())
}

func fragmentScripts() []script {
	a, b := frame(text, "fragment1"), frame(fin|cont, "fragment2")
	both := []string{"text:fragment1fragment2"}
	return []script{
		{name: "(5.1) fragmented ping", in: join(frame(ping, "a"), frame(fin|cont, "b")), code: 1002},
		{name: "(5.2) fragmented pong", in: join(frame(pong, "a"), frame(fin|cont, "b")), code: 1002},
		{name: "(5.3) two fragments", in: join(a, b), events: both},
		{name: "(5.6) ping between", in: join(a, frame(fin|ping, "p"), b), events: append([]string{"ping:p"}, both...)},
		{name: "(5.9) continuation after nothing", in: join(frame(fin|cont, "x"), frame(fin|text, "Hello")), code: 1002},
		{name: "(5.15) continuation after a complete message", in: join(a, b, frame(cont, "fragment3"), frame(fin|text, "fragment4")), events: both, code: 1002},
		{name: "(5.19) pings around empty and full fragments", in: join(
			a, frame(cont, "fragment2"), frame(fin|ping, "pongme 1!"),
			frame(cont, "fragment3"), frame(cont, "fragment4"), frame(fin|ping, "pongme 2!"), frame(fin|cont, "fragment5"),
		), events: []string{"ping:pongme 1!", "ping:pongme 2!", "text:fragment1fragment2fragment3fragment4fragment5"}},
		{name: "(6.1.1) empty text", in: frame(fin|text, ""), events: []string{"text:"}},
		{name: "(6.1.2) three empty fragments", in: join(frame(text, ""), frame(cont, ""), frame(fin|cont, "")), events: []string{"text:"}},
		{name: "(6.1.3) empty, full, empty", in: join(frame(text, ""), frame(cont, "middle frame payload"), frame(fin|cont, "")), events: []string{"text:middle frame payload"}},
		{name: "empty, then all", in: join(frame(bin, ""), frame(fin|cont, "all")), events: []string{"binary:all"}},
		{name: "unfinished message", in: a, owes: true},
		{name: "unfinished message after its ping", in: join(frame(bin, ""), frame(fin|ping, "")), events: []string{"ping:"}, owes: true},
		{
			name: "every control frame between", in: join(a, frame(fin|ping, "1"), frame(fin|pong, "2"), frame(cont, "+"), frame(fin|ping, ""), b),
			events: []string{"ping:1", "pong:2", "ping:", "text:fragment1+fragment2"},
		},
		{name: "a message after a fragmented one", in: join(a, b, frame(fin|bin, "next"), a, b), events: []string{both[0], "binary:next", both[0]}},
		{name: "close inside a message", in: join(a, frame(fin|shut, "\x03\xe8"), b), events: []string{"close:\x03\xe8"}},
		{name: "different keys", in: join(frameKey(bin, "abc", [4]byte{1, 2, 3, 4}), frameKey(cont, "defgh", [4]byte{9, 8, 7, 6}), frameKey(fin|cont, "i", [4]byte{0xFF})), events: []string{"binary:abcdefghi"}},
	}
}

func TestFragments(t *testing.T) {
	t.Parallel()
	runScripts(t, fragmentScripts())
}

// fragments is a message of n fragments of the given size, without its last.
func fragments(n, size int) []byte {
	p := strings.Repeat("x", size)
	b := frame(text, p)
	c := frame(cont, p)
	return append(b, bytes.Repeat(c, n-1)...)
}

func limitScripts() []script {
	big := func(n int) string { return event(wsframe.OpText, bytes.Repeat([]byte("x"), n)) }
	x := func(n int) string { return strings.Repeat("x", n) }
	tail := frame(fin|cont, "xy")[:7]
	return []script{
		{name: "A43 1,024 one-byte fragments", in: fragments(1024, 1), owes: true},
		{name: "A43 1,025 one-byte fragments", in: fragments(1025, 1), code: 1008},
		{name: "A43 one-byte fragments, the last is final", in: join(fragments(1024, 1), frame(fin|cont, "x")), code: 1008},
		{name: "A43 1,024 with the last", in: join(fragments(1023, 1), frame(fin|cont, "x")), events: []string{big(1024)}},
		{name: "A43 every message has its own count", in: bytes.Repeat(join(fragments(700, 1), frame(fin|cont, "")), 3), events: []string{big(700), big(700), big(700)}},
		{name: "A43 2,000 fragments of 31 bytes", in: fragments(2000, 31), code: 1008},
		{name: "A43 2,000 fragments of 32 bytes", in: join(fragments(2000, 32), frame(fin|cont, "")), events: []string{big(64000)}},
		{name: "A43 pings count not", in: join(frame(bin, "x"), bytes.Repeat(frame(fin|pong, ""), 3), frame(fin|cont, "y")), events: []string{"pong:", "pong:", "pong:", "binary:xy"}},
		{name: "A43 one large fragment pays for small ones", in: join(fragments(1, 1100*32), bytes.Repeat(frame(cont, ""), 1099), tail), owes: true},
		{name: "A43 until it does not", in: join(fragments(1, 1100*32), bytes.Repeat(frame(cont, ""), 1101)), code: 1008},
		{name: "A44 empty fragments", in: fragments(3000, 0), code: 1008},
		{name: "A44 1,024 empty fragments", in: fragments(1024, 0), owes: true},
		{name: "A53 exactly the limit", in: frame(fin|text, x(1000)), limit: 1000, events: []string{big(1000)}},
		{name: "A53 one more", in: frame(fin|text, x(1001)), limit: 1000, code: 1009},
		{name: "A53 one more, header only", in: frame(fin|text, x(1001))[:4], limit: 1000, code: 1009},
		{name: "A53 exactly the limit in fragments", in: join(fragments(9, 100), frame(fin|ping, x(60)), frame(fin|cont, x(100))), limit: 1000, events: []string{"ping:" + x(60), big(1000)}},
		{name: "A53 one more in fragments", in: join(fragments(9, 100), frame(fin|cont, x(101))), limit: 1000, code: 1009},
		{name: "A53 one more in a last fragment", in: join(fragments(10, 100), frame(cont, ""), frame(cont, "x")), limit: 1000, code: 1009},
		{name: "A53 the limit starts again", in: bytes.Repeat(frame(fin|text, x(7)), 3), limit: 7, events: []string{big(7), big(7), big(7)}},
		{name: "A53 limit of 65,535", in: frame(fin|text, x(65536)), limit: 65535, code: 1009},
		{name: "A53 limit below a control frame", in: join(frame(fin|ping, "abc"), frame(fin|text, "ab")), limit: 1, events: []string{"ping:abc"}, code: 1009},
		{name: "A53 the default limit", in: frame(fin|text, x(wsframe.DefaultMaxMessage)), events: []string{big(wsframe.DefaultMaxMessage)}},
		{name: "A53 one more than the default", in: length64(fin|text, wsframe.DefaultMaxMessage+1), code: 1009},
		{name: "A53 no overflow of the largest limit", in: join(frame(text, "abc"), length64(fin|cont, 1<<63-1)), limit: 1<<63 - 1, code: 1009},
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	runScripts(t, limitScripts())
}

// TestFourMiBInSmallFragments is the legal case of row A43.
func TestFourMiBInSmallFragments(t *testing.T) {
	t.Parallel()
	in := fragments(1<<16, 64)
	in = append(in, frame(fin|cont, "")...)
	cfg := &wsframe.Config{MaxMessage: 4 << 20}
	var r wsframe.Reader
	defer r.Release()
	for p := range chunks(in, 64<<10) {
		m, rest, ok, err := r.Next(cfg, p)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			if len(m.Payload) != 4<<20 || m.Op != wsframe.OpText || len(rest) != 0 {
				t.Fatalf("%v of %d bytes, rest %d", m.Op, len(m.Payload), len(rest))
			}
			return
		}
	}
	t.Fatal("no message")
}

// TestLimitChangesBetweenCalls gives a session that is not admitted yet less
// room than an admitted one.
func TestLimitChangesBetweenCalls(t *testing.T) {
	t.Parallel()
	large, small := &wsframe.Config{MaxMessage: 100}, &wsframe.Config{MaxMessage: 10}
	var r wsframe.Reader
	defer r.Release()
	if _, _, ok, err := r.Next(large, frame(text, strings.Repeat("x", 50))); ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, _, ok, err := r.Next(small, frame(cont, "")); ok || err != nil {
		t.Fatalf("empty fragment: ok %v, err %v", ok, err)
	}
	if _, _, _, err := r.Next(small, frame(cont, "x")); !errors.Is(err, wsframe.ErrTooBig) {
		t.Fatalf("err = %v, want %v", err, wsframe.ErrTooBig)
	}
}

func TestPartial(t *testing.T) {
	t.Parallel()
	cfg := &wsframe.Config{}
	in := join(frame(text, "abc"), frame(fin|ping, "p"), frame(fin|cont, "def"))
	var r wsframe.Reader
	if r.Partial() {
		t.Error("a new reader is partial")
	}
	for i, c := range in {
		_, _, ok, err := r.Next(cfg, []byte{c})
		if err != nil {
			t.Fatal(err)
		}
		if last := i == len(in)-1; r.Partial() == last || last && !ok {
			t.Errorf("after byte %d of %d: partial %v, ok %v", i+1, len(in), r.Partial(), ok)
		}
	}
	_, _, _, _ = r.Next(cfg, frame(text, "x"))
	r.Release()
	if r.Partial() || r.Held() != 0 {
		t.Errorf("after Release: partial %v, holds %d", r.Partial(), r.Held())
	}
	if m, _, ok, err := r.Next(cfg, frame(fin|bin, "new")); !ok || err != nil || string(m.Payload) != "new" {
		t.Errorf("after Release: %v %v %v", m, ok, err)
	}
}

// TestDataAfterClose is row A50.
func TestDataAfterClose(t *testing.T) {
	t.Parallel()
	in := join(frame(fin|text, "a"), frame(fin|shut, "\x0f\xa0bye"), frame(fin|text, "b"), frame(fin|shut, ""), []byte{0xFF, 0xFF, 0xFF})
	s := script{in: in, events: []string{"text:a", "close:\x0f\xa0bye"}}
	s.run(t)
}
