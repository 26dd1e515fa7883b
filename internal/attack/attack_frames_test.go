//go:build unix

package attack_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// A frameCase is what is sent on a WebSocket and the code that closes it.
type frameCase struct {
	name string
	raw  string
	code int
}

// wantFramesRefused sends every case on a session of its own.
func wantFramesRefused(t *testing.T, o *sio.Options, cases []frameCase) {
	t.Helper()
	t.Parallel()
	s := serve(t, o)
	refuseFrames(t, s, cases)
	s.wantReason("transport error")
	s.wantCounted(int64(len(cases)), "FrameErrors")
	s.wantCalm()
}

func refuseFrames(t *testing.T, s *site, cases []frameCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := s.connect()
			w.t = t
			_ = w.try(c.raw) // the close may come before the last byte is sent
			w.wantClose(c.code)
		})
	}
}

func unmasked(first byte, payload string) string {
	return string([]byte{first, byte(len(payload))}) + payload
}

func frames(first byte, payloads ...string) string {
	var b strings.Builder
	for _, p := range payloads {
		b.Write(frame(first, p))
	}
	return b.String()
}

func TestA35Unmasked(t *testing.T) {
	wantFramesRefused(t, nil, []frameCase{
		{"text", unmasked(fin|opText, "42[\"echo\"]"), 1002},
		{"empty", unmasked(fin|opText, ""), 1002},
		{"ping", unmasked(fin|opPing, "x"), 1002},
		{"close", unmasked(fin|opClose, "\x03\xe8"), 1002},
		{"behind a good one", string(frame(fin|opText, "3")) + unmasked(fin|opText, "3"), 1002},
		{"length of 64 bits", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 1002},
	})
}

func TestA36TopBitOfTheLength(t *testing.T) {
	wantFramesRefused(t, nil, []frameCase{
		{"15 bytes", string(header(fin|opBinary, 1<<63)) + string(mask[:]) + "x", 1002},
		{"all bits", string(header(fin|opText, 1<<64-1)), 1002},
		{"minus five", string(header(fin|opText, 1<<64-5)), 1002},
		{"in a continuation", string(frame(opText, "4")) + string(header(fin|opCont, 1<<63|5)), 1002},
		{"of a ping", string(header(fin|opPing, 1<<63)), 1002},
	})
}

func TestA37HugeLength(t *testing.T) {
	wantFramesRefused(t, nil, []frameCase{
		{"2^34", string(header(fin|opBinary, 1<<34)), 1009},
		{"2^62", string(header(fin|opText, 1<<62)), 1009},
		{"2^63-1", string(header(fin|opText, 1<<63-1)), 1009},
		{"2^32+5", string(header(fin|opText, 1<<32+5)), 1009},
		{"in a continuation", string(frame(opText, "4")) + string(header(fin|opCont, 1<<34)), 1009},
		{"sum of fragments", string(frame(opText, "4")) + string(header(fin|opCont, 1_000_000)), 1009},
	})
}

func TestA38LengthNotMinimal(t *testing.T) {
	wantFramesRefused(t, nil, []frameCase{
		{"5 in 16 bits", "\x81\xfe\x00\x05" + string(mask[:]) + "xxxxx", 1002},
		{"125 in 16 bits", "\x82\xfe\x00\x7d", 1002},
		{"300 in 64 bits", string(header(fin|opBinary, 300)), 1002},
		{"65535 in 64 bits", string(header(fin|opBinary, 65535)), 1002},
		{"0 in 64 bits", string(header(fin|opText, 0)), 1002},
	})
}

// TestA39ReservedBits has the bits in any frame, and in the very first one:
// in the same segment as the upgrade, and behind it.
func TestA39ReservedBits(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	var cases []frameCase
	for _, bits := range []byte{0x40, 0x20, 0x10, 0x70} {
		for _, op := range []byte{opText, opBinary, opCont, opPing, opPong, opClose} {
			cases = append(cases, frameCase{fmt.Sprintf("%#x of %d", bits, op), string(frame(fin|bits|op, "40")), 1002})
		}
	}
	refuseFrames(t, s, cases)
	n := len(cases)
	for _, bits := range []byte{0x40, 0x20, 0x10} {
		for _, early := range []bool{true, false} {
			w := &ws{*s.dial()}
			first := string(frame(fin|bits|opText, "40"))
			if early {
				w.write(upgrade("") + first)
			} else {
				w.write(upgrade(""))
			}
			w.wantSwitch()
			w.wantPrefix(`0{"sid":"`)
			if !early {
				w.write(first)
			}
			w.wantClose(1002)
			n++
			// The first frame of an upgrade: the session survives on polling.
			p := s.joined()
			w = &ws{*s.dial()}
			w.write(upgrade(p.query()) + first)
			w.wantSwitch()
			w.wantClose(1002)
			p.wantAlive()
			p.end()
			n++
		}
	}
	s.wantCounted(int64(n), "FrameErrors")
	s.wantCalm()
}

func TestA40ReservedOpcodes(t *testing.T) {
	var cases []frameCase
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		cases = append(cases, frameCase{fmt.Sprint(op), string(frame(fin|op, "40")), 1002},
			frameCase{fmt.Sprint(op, " not final"), string(frame(op, "")), 1002})
	}
	wantFramesRefused(t, nil, cases)
}

func TestA41ControlFrames(t *testing.T) {
	var cases []frameCase
	for _, op := range []byte{opPing, opPong, opClose} {
		cases = append(cases, frameCase{fmt.Sprintf("%d fragmented", op), string(frame(op, "")), 1002},
			frameCase{fmt.Sprintf("%d of 126 bytes", op), string(frame(fin|op, strings.Repeat("x", 126))), 1002},
			frameCase{fmt.Sprintf("%d of 64 KiB", op), string(frame(fin|op, strings.Repeat("x", 64<<10))), 1002},
			frameCase{fmt.Sprintf("%d in a message", op), string(frame(opText, "4")) + string(frame(op, "")), 1002})
	}
	wantFramesRefused(t, nil, cases)
}

func TestA42Fragmentation(t *testing.T) {
	wantFramesRefused(t, nil, []frameCase{
		{"continuation of nothing", string(frame(opCont, "4")), 1002},
		{"last continuation of nothing", string(frame(fin|opCont, "4")), 1002},
		{"text in a text", frames(opText, "4", "2"), 1002},
		{"final text in a text", string(frame(opText, "4")) + string(frame(fin|opText, "2")), 1002},
		{"binary in a text", string(frame(opText, "4")) + string(frame(opBinary, "x")), 1002},
		{"continuation behind the end", string(frame(opText, "4")) + string(frame(fin|opCont, "2")) + string(frame(fin|opCont, "2")), 1002},
	})
}

func TestA43TinyFragments(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{MaxHTTPBufferSize: 5 << 20})
	refuseFrames(t, s, []frameCase{
		{"131,000 fragments of a byte", string(frame(opBinary, "x")) + strings.Repeat(string(frame(opCont, "x")), 131_000), 1008},
		{"fragments of 31 bytes", string(frame(opText, "4")) + strings.Repeat(string(frame(opCont, strings.Repeat("x", 31))), 2000), 1008},
	})
	s.wantCounted(2, "FrameErrors")
	// 4 MiB in fragments of 64 bytes are legal.
	w := s.connect()
	text := `42["echo","` + strings.Repeat("x", 4<<20) + `"]`
	var b strings.Builder
	b.Write(frame(opText, text[:64]))
	for rest := text[64:]; ; rest = rest[64:] {
		if len(rest) <= 64 {
			b.Write(frame(fin|opCont, rest))
			break
		}
		b.Write(frame(opCont, rest[:64]))
	}
	go func() { _ = w.try(b.String()) }() // ends when it is read, or with the test
	w.want(text)
	_ = w.c.Close()
	s.wantCalm()
}

func TestA44EmptyFragments(t *testing.T) {
	wantFramesRefused(t, nil, []frameCase{
		{"text", string(frame(opText, "")) + strings.Repeat(string(frame(opCont, "")), 20_000), 1008},
		{"binary", string(frame(opBinary, "")) + strings.Repeat(string(frame(opCont, "")), 20_000), 1008},
	})
}

// TestA45SingleBytes sends every byte when the one before it has been read.
func TestA45SingleBytes(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w := s.connect()
	text := `427["echo","é€😀` + strings.Repeat("x", 120) + `"]`
	raw := string(frame(opText, text[:20])) + string(frame(fin|opPing, "p")) + string(frame(fin|opCont, text[20:])) +
		string(frame(fin|opText, `451-["echo",{"_placeholder":true,"num":0}]`)) + string(frame(fin|opBinary, "\x00\xff"))
	for i := range len(raw) {
		n := s.figure("BytesIn")
		w.write(raw[i : i+1])
		s.eventually("a byte", func() bool { return s.figure("BytesIn") >= n+1 })
	}
	w.wantFrame(opPong, "p")
	w.want(`437["é€😀` + strings.Repeat("x", 120) + `"]`)
	w.want(`451-["echo",{"_placeholder":true,"num":0}]`)
	w.wantFrame(opBinary, "\x00\xff")
	_ = w.c.Close()
	s.wantCounted(2, "EventsIn")
	s.wantCalm()
}

func TestA46PingFlood(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w := s.connect()
	var b strings.Builder
	const pings = 500
	for i := range pings {
		b.Write(frame(fin|opPing, fmt.Sprint(i)))
	}
	b.WriteString(strings.Repeat(string(frame(fin|opPong, "unsolicited")), 400))
	w.write(b.String())
	for i := range pings {
		w.wantFrame(opPong, fmt.Sprint(i))
	}
	w.wantServed()
	// Two seconds' worth may pass at the turn of a second, and no more.
	_ = w.try(strings.Repeat(string(frame(fin|opPing, "")), 30_000))
	answered := 0
	for {
		op, p, err := w.frame()
		if err != nil {
			t.Fatalf("after %d pongs: %v, want a close frame", answered, err)
		}
		if op == opClose {
			if string(p) != "\x03\xf0too many control frames" {
				t.Errorf("close payload %q", p)
			}
			break
		}
		answered++
	}
	w.wantGone()
	if answered > 10_000 {
		t.Errorf("%d pings were answered before the limit of 1,000 a second was noticed", answered)
	}
	pongs := s.connect()
	_ = pongs.try(strings.Repeat(string(frame(fin|opPong, "")), 30_000))
	pongs.wantClose(1008)
	s.wantCounted(2, "FrameErrors")
	s.wantReason("transport error")
	s.wantCalm()
}

// TestA47PingsNobodyReadsTheAnswersTo pings on a connection that is blocked. Of
// the answers 64 wait, and the one to the latest ping.
func TestA47PingsNobodyReadsTheAnswersTo(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w, id := s.slow()
	sent := s.block(id)
	const pings = 900
	before := s.figure("BytesIn")
	var b strings.Builder
	for i := range pings {
		b.Write(frame(fin|opPing, fmt.Sprint(i)))
	}
	w.write(b.String())
	s.eventually("the pings", func() bool { return s.figure("BytesIn") >= before+int64(b.Len()) })
	w.wake()
	var got []string
	for len(got) < 65 {
		op, p := w.next()
		switch {
		case op == opPong:
			got = append(got, p)
		case op == opText && strings.HasPrefix(p, `42["fill",`) && len(got) == 0:
			sent--
		case op == opText && p == `42["probe"]` && len(got) == 0:
		default:
			t.Fatalf("got opcode %d %.80q after %d pongs", op, p, len(got))
		}
	}
	if sent != 0 {
		t.Errorf("%d packets are missing", sent)
	}
	var want []string
	for i := range 64 {
		want = append(want, fmt.Sprint(i))
	}
	if want = append(want, fmt.Sprint(pings-1)); !slices.Equal(got, want) {
		t.Errorf("pongs %q, want %q", got, want)
	}
	w.wantServed()
	_ = w.c.Close()
	s.wantCounted(0, "VolatileDrops")
	s.wantCalm()
}

func TestA48InvalidUTF8(t *testing.T) {
	var cases []frameCase
	for name, bad := range map[string]string{
		"overlong": "\xc0\xaf", "overlong of 3": "\xe0\x80\xaf", "surrogate": "\xed\xa0\x80", "above 10FFFF": "\xf4\x90\x80\x80",
		"lone continuation": "\x80", "no such byte": "\xff", "cut": "\xe2\x82",
	} {
		cases = append(cases,
			frameCase{name, string(frame(fin|opText, `42["echo","`+bad+`"]`)), 1007},
			// The message never ends: the first bad byte is enough.
			frameCase{name + " in a fragment", string(frame(opText, `42["echo","`)) + string(frame(opCont, bad+`"`)), 1007},
			frameCase{name + " across fragments", string(frame(opText, `42["echo","`+bad[:1])) + string(frame(opCont, bad[1:]+`"`)), 1007})
	}
	wantFramesRefused(t, nil, cases)
}

func TestA49ClosePayloads(t *testing.T) {
	cases := []frameCase{
		{"one byte", string(frame(fin|opClose, "\x03")), 1002},
		{"bad reason", string(frame(fin|opClose, "\x03\xe8\xff")), 1007},
		{"cut reason", string(frame(fin|opClose, "\x03\xe8\xe2\x82")), 1007},
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, frameCase{fmt.Sprint(code), string(frame(fin|opClose, string([]byte{byte(code >> 8), byte(code)}))), 1002})
	}
	wantFramesRefused(t, nil, cases)
}

// TestA51OurReasons compares the close frames of the server byte for byte:
// there is nothing in them but the code and, where there is one, the reason.
func TestA51OurReasons(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	theirs := "\x0b\xb8" + strings.Repeat("é", 61)
	for raw, want := range map[string]string{
		string(frame(fin|0x20|opText, "")):                                     "\x03\xea",
		unmasked(fin|opText, ""):                                               "\x03\xea",
		string(header(fin|opText, 1<<40)):                                      "\x03\xf1",
		string(frame(fin|opText, "\xff")):                                      "\x03\xef",
		string(frame(fin|opClose, theirs)):                                     theirs,
		string(frame(fin|opClose, "")):                                         "",
		string(frame(fin|opText, `42["x"`)):                                    "",
		string(frame(fin|opText, "2")):                                         "",
		strings.Repeat(string(frame(fin|opPong, "secret")), 5000):              "\x03\xf0too many control frames",
		string(frame(opText, "")) + strings.Repeat(frames(opCont, ""), 20_000): "\x03\xf0too many tiny fragments",
	} {
		w := s.connect()
		w.text(`42["echo","` + strings.Repeat("secret ", 100) + `"]`) // fills the pool
		w.wantPrefix(`42["echo"`)
		_ = w.try(raw)
		w.wantFrame(opClose, want)
		w.wantEOF()
	}
	s.wantCounted(6, "FrameErrors")
	s.wantCalm()
}

func TestA52BinaryOutOfPlace(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	cases := []string{
		frames(fin|opBinary, "\x01\x02"),
		frames(fin|opBinary, ""),
		frames(fin|opText, `451-["echo",{"_placeholder":true,"num":0}]`, `42["echo"]`),
		frames(fin|opText, `452-["echo",{"_placeholder":true,"num":0}]`) + frames(fin|opBinary, "a") + frames(fin|opText, "41"),
		frames(fin|opText, `451-["echo",{"_placeholder":true,"num":0}]`, `451-["echo",{"_placeholder":true,"num":0}]`),
	}
	for _, raw := range cases {
		w := s.connect()
		w.write(raw)
		w.wantClose(0)
	}
	w := s.open() // and before there is any namespace
	w.send(fin|opBinary, "x")
	w.wantClose(0)
	s.wantReason("forced close")
	s.wantCounted(int64(len(cases)+1), "PacketErrors")
	// The heartbeat may come between attachments.
	w = s.connect()
	w.write(frames(fin|opText, `451-["echo",{"_placeholder":true,"num":0}]`, "3") + frames(fin|opPing, "p") + frames(fin|opBinary, "a"))
	w.wantFrame(opPong, "p")
	w.want(`451-["echo",{"_placeholder":true,"num":0}]`)
	w.wantFrame(opBinary, "a")
	_ = w.c.Close()
	s.wantCalm()
}

func TestA53MessageSize(t *testing.T) {
	t.Parallel()
	const limit = 10_000
	s := serve(t, &sio.Options{MaxHTTPBufferSize: limit})
	text := func(n int) string { return `42["echo","` + strings.Repeat("x", n-13) + `"]` } // n bytes
	cases := []frameCase{
		{"text", string(frame(fin|opText, text(limit+1))), 1009},
		{"text in fragments", string(frame(opText, text(limit + 1)[:limit])) + string(frame(fin|opCont, "]")), 1009},
		{"binary", string(frame(fin|opBinary, strings.Repeat("x", limit+1))), 1009},
		{"a megabyte", string(frame(fin|opText, text(1_000_000))), 1009},
	}
	refuseFrames(t, s, cases)
	s.wantReason("transport error")
	s.wantCounted(int64(len(cases)), "FrameErrors")
	w := s.connect()
	w.text(text(limit))
	w.want(text(limit))
	w.write(string(frame(opText, text(limit)[:limit-1])) + string(frame(fin|opCont, "]")))
	w.want(text(limit))
	w.write(frames(fin|opText, `451-["echo",{"_placeholder":true,"num":0}]`) + frames(fin|opBinary, strings.Repeat("x", limit)))
	w.want(`451-["echo",{"_placeholder":true,"num":0}]`)
	w.wantFrame(opBinary, strings.Repeat("x", limit))
	_ = w.c.Close()
	s.wantCalm()
}

// TestFragmentsOfManyMessages streams messages so that every read ends inside
// one of them; see also TestMessageDeadline.
func TestEveryWriteEndsInsideAMessage(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w := s.connect()
	one := string(frame(fin|opText, `42["echo","x"]`))
	w.write(one[:7])
	for range 200 {
		w.write(one[7:] + one[:7])
		w.want(`42["echo","x"]`)
	}
	_ = w.c.Close()
	if _, err := io.Copy(io.Discard, w.r); err == nil {
		t.Error("the connection was closed by the server")
	}
	s.wantCounted(200, "EventsIn")
	s.wantCalm()
}
