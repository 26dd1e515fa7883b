package wsconform

import (
	"fmt"
	"strings"
)

const (
	hello  = "Hello, world!"
	noText = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
)

// framing is class 1: every form of the length.
func (l *list) framing() {
	for class, kind := range []Traffic{{Op: opText, Data: "*"}, {Op: opBinary, Data: "\xfe"}} {
		for i, size := range []int{0, 125, 126, 127, 128, 65535, 65536, 65536} {
			t := kind
			t.Size, t.Count = size, 1
			sends := fmt.Sprintf("a %s message of %d bytes", opName(t.Op), size)
			if i == 7 {
				t.Chop = 997
				sends += " in writes of 997"
			}
			l.traffic(fmt.Sprintf("1.%d.%d", class+1, i+1), sends, "the echo", t)
		}
	}
}

func opName(op byte) string {
	if op == opText {
		return "text"
	}
	return "binary"
}

// pings is class 2.
func (l *list) pings() {
	ping := func(payload string) []byte { return frame(fin|opPing, payload) }
	long := strings.Repeat("\xfe", 125)
	unsolicited := frame(fin|opPong, "unsolicited pong payload")
	l.script("2.1", "a ping without payload", "the pong", Script{sent(ping("")), echoed(pong("")), clean})
	l.script("2.2", "a ping with text", "the pong", Script{sent(ping(hello)), echoed(pong(hello)), clean})
	l.script("2.3", "a ping with bytes that are no text", "the pong", Script{sent(ping(noText)), echoed(pong(noText)), clean})
	l.script("2.4", "a ping of 125 bytes", "the pong", Script{sent(ping(long)), echoed(pong(long)), clean})
	l.script("2.5", "a ping of 126 bytes", "1002", Script{sent(ping(long + "\xfe")), echoed(), fails})
	l.script("2.6", "a ping of 125 bytes, byte by byte", "the pong", Script{bytewise(ping(long)), echoed(pong(long)), clean})
	l.script("2.7", "a pong without payload, unsolicited", "nothing",
		Script{sent(frame(fin|opPong, ""), closing(codeNormal, "")), echoed(), answered})
	l.script("2.8", "a pong with payload, unsolicited", "nothing", Script{sent(unsolicited, closing(codeNormal, "")), echoed(), answered})
	l.script("2.9", "an unsolicited pong, then a ping", "the pong for the ping",
		Script{sent(unsolicited, ping("ping payload")), echoed(pong("ping payload")), clean})
	var pings [][]byte
	var pongs []Event
	for i := range 10 {
		text := fmt.Sprintf("payload-%d", i)
		pings, pongs = append(pings, ping(text)), append(pongs, pong(text))
	}
	l.script("2.10", "10 pings", "10 pongs in order", Script{sent(pings...), echoed(pongs...), clean})
	l.script("2.11", "10 pings, byte by byte", "10 pongs in order", Script{bytewise(pings...), echoed(pongs...), clean})
}

// reserved is class 3: bits that mean nothing without an extension.
func (l *list) reserved() {
	bits := func(rsv, op byte, payload string) []byte { return frame(fin|rsv<<4|op, payload) }
	refused := func(rsv byte) [][]byte {
		return [][]byte{frame(fin|opText, hello), bits(rsv, opText, hello), frame(fin|opPing, "")}
	}
	first := orNothing(echoed(message(hello)))
	const wants = "the echo of the first, 1002, no pong"
	l.script("3.1", "a text with RSV 1", "1002", Script{sent(bits(1, opText, hello)), echoed(), fails})
	l.script("3.2", "a text, one with RSV 2, a ping", wants, Script{sent(refused(2)...), first, fails})
	l.script("3.3", "a text, one with RSV 3, a ping, frame by frame", wants, Script{framewise(refused(3)...), first, fails})
	l.script("3.4", "a text, one with RSV 4, a ping, byte by byte", wants, Script{bytewise(refused(4)...), first, fails})
	l.script("3.5", "a binary message with RSV 5", "1002", Script{sent(bits(5, opBinary, noText)), echoed(), fails})
	// The suite has the opcode of a message here, and its text says ping.
	l.script("3.6", "a binary message with RSV 6, and on another connection a ping", "1002",
		Script{sent(bits(6, opBinary, hello)), echoed(), fails}, Script{sent(bits(6, opPing, hello)), echoed(), fails})
	l.script("3.7", "a close with RSV 7", "1002", Script{sent(bits(7, opClose, "")), echoed(), fails})
}

// opcodes is class 4: the reserved ones.
func (l *list) opcodes() {
	for class, first := range []byte{3, 11} {
		id := func(n int) string { return fmt.Sprintf("4.%d.%d", class+1, n) }
		alone := func(op byte, payload string) Script {
			return Script{sent(frame(fin|op, payload)), echoed(), fails}
		}
		between := func(steps func(...[]byte) []Step, op byte, payload string) Script {
			return Script{
				steps(frame(fin|opText, hello), frame(fin|op, payload), frame(fin|opPing, "")),
				orNothing(echoed(message(hello))), fails,
			}
		}
		const wants = "the echo of the first, 1002, no pong"
		l.script(id(1), fmt.Sprintf("opcode %d", first), "1002", alone(first, ""))
		l.script(id(2), fmt.Sprintf("opcode %d with payload", first+1), "1002", alone(first+1, "reserved opcode payload"))
		l.script(id(3), fmt.Sprintf("a text, opcode %d, a ping", first+2), wants, between(sent, first+2, ""))
		l.script(id(4), fmt.Sprintf("a text, opcode %d with payload, a ping", first+3), wants, between(sent, first+3, hello))
		l.script(id(5), fmt.Sprintf("a text, opcode %d with payload, a ping, byte by byte", first+4), wants, between(bytewise, first+4, hello))
	}
}

// ways are how the same bytes are written.
var ways = []struct {
	how   string
	steps func(...[]byte) []Step
}{{"in one write", sent}, {"frame by frame", framewise}, {"byte by byte", bytewise}}

// fragments is class 5.
func (l *list) fragments() {
	n := 0
	add := func(sends, wants string, s ...Script) {
		n++
		l.script(fmt.Sprintf("5.%d", n), sends, wants, s...)
	}
	f := func(first byte, i int) []byte { return frame(first, fmt.Sprintf("fragment%d", i)) }
	two := message("fragment1fragment2")
	for _, op := range []byte{opPing, opPong} {
		add(map[byte]string{opPing: "a ping in two fragments, and the first alone", opPong: "a pong in two fragments, and the first alone"}[op], "1002",
			Script{sent(f(op, 1), f(fin|opCont, 2)), echoed(), fails}, Script{sent(f(op, 1)), echoed(), fails})
	}
	for _, w := range ways {
		add("a text in two fragments, "+w.how, "the echo", Script{w.steps(f(opText, 1), f(fin|opCont, 2)), echoed(two), clean})
	}
	for _, w := range ways {
		add("a text in two fragments with a ping between, "+w.how, "the pong, then the echo",
			Script{w.steps(f(opText, 1), frame(fin|opPing, "ping payload"), f(fin|opCont, 2)), echoed(pong("ping payload"), two), clean})
	}
	for _, last := range []byte{fin, 0} {
		for _, w := range ways {
			add(fmt.Sprintf("a continuation of nothing with FIN %d, then a text, %s", last>>7, w.how), "1002",
				Script{w.steps(frame(last|opCont, "non-continuation payload"), frame(fin|opText, hello)), echoed(), fails})
		}
	}
	add("a text in two fragments, a continuation of nothing, a text", "the echo of the first, 1002",
		Script{sent(f(opText, 1), f(fin|opCont, 2), f(opCont, 3), f(fin|opText, 4)), orNothing(echoed(two)), fails})
	for _, last := range []byte{0, fin} {
		once := join(f(last|opCont, 1), f(opText, 2), f(fin|opCont, 3))
		add(fmt.Sprintf("twice: a continuation of nothing with FIN %d, a text in two fragments", last>>7), "1002",
			Script{sent(once, once), echoed(), fails})
	}
	add("a text in two fragments that both say text", "1002", Script{sent(f(opText, 1), f(fin|opText, 2)), echoed(), fails})
	var five strings.Builder
	for i := range 5 {
		fmt.Fprintf(&five, "fragment%d", i+1)
	}
	events := echoed(pong("pongme 1!"), pong("pongme 2!"), message(five.String()))
	for _, w := range ways[:2] {
		steps := w.steps(f(opText, 1), f(opCont, 2), frame(fin|opPing, "pongme 1!"))
		behind := w.steps(f(opCont, 3), f(opCont, 4), frame(fin|opPing, "pongme 2!"), f(fin|opCont, 5))
		behind[0].After = 1
		add("a text in five fragments with two pings between, the rest when the first pong is there, "+w.how,
			"each pong at once, then the echo", Script{append(steps, behind...), events, clean})
	}
}
