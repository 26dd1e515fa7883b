package wsconform

import (
	"fmt"
	"strings"
)

// closes is class 7. A code that is allowed may come back, or 1000.
func (l *list) closes() {
	normal := closing(codeNormal, "")
	ping, text := frame(fin|opPing, ""), frame(fin|opText, hello)
	refused := End{Sent: true, Codes: []uint16{codeProtocol}, Drop: true}
	l.script("7.1.1", "a text, and a close when its echo is there", "the echo, 1000", Script{sent(text), echoed(message(hello)), clean})
	l.script("7.1.2", "two closes", "1000, once", Script{sent(normal, frame(fin|opClose, "")), echoed(), answered})
	l.script("7.1.3", "a close, then a ping", "1000, no pong", Script{sent(normal, ping), echoed(), answered})
	l.script("7.1.4", "a close, then a text", "1000, no echo", Script{sent(normal, text), echoed(), answered})
	l.script("7.1.5", "a close between two fragments", "1000, no echo",
		Script{sent(frame(opText, "fragment1"), normal, frame(fin|opCont, "fragment2")), echoed(), answered})
	big := strings.Repeat("BAsd7&jh23", 256<<10/10+1)[:256<<10]
	l.script("7.1.6", "256 KiB, a text, a close, a ping", "both echoes or none, 1000", Script{
		sent(frame(fin|opText, big), text, normal, ping),
		[]Outcome{{Informational, []Event{message(big), message(hello)}}, {Informational, []Event{message(big)}}, {Informational, nil}},
		answered,
	})
	l.script("7.3.1", "a close without payload", "a close, at most with 1000",
		Script{sent(frame(fin|opClose, "")), echoed(), End{Sent: true, Codes: []uint16{0, codeNormal}}})
	l.script("7.3.2", "a close with one byte", "1002", Script{sent(frame(fin|opClose, "a")), echoed(), refused})
	l.script("7.3.3", "a close with a code", "1000", Script{sent(normal), echoed(), answered})
	l.script("7.3.4", "a close with code and reason", "1000", Script{sent(closing(codeNormal, hello)), echoed(), answered})
	l.script("7.3.5", "a close with the longest reason, 123 bytes", "1000",
		Script{sent(closing(codeNormal, strings.Repeat("*", 123))), echoed(), answered})
	l.script("7.3.6", "a close with a reason of 124 bytes", "1002", Script{sent(closing(codeNormal, strings.Repeat("*", 124))), echoed(), refused})
	l.script("7.5.1", "a close with a reason that is no text", "1007 or 1002", Script{
		sent(closing(codeNormal, greek+"\xed\xa0\x80edited")), echoed(), End{Sent: true, Codes: []uint16{codePayload, codeProtocol}, Drop: true},
	})
	for i, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		l.script(fmt.Sprint("7.7.", 1+i), fmt.Sprintf("a close with %d", code), fmt.Sprintf("%d or 1000", code),
			Script{sent(closing(code, "")), echoed(), End{Sent: true, Codes: []uint16{code, codeNormal}}})
	}
	for i, code := range []uint16{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		l.script(fmt.Sprint("7.9.", 1+i), fmt.Sprintf("a close with %d", code), "1002", Script{sent(closing(code, "")), echoed(), refused})
	}
	for i, code := range []uint16{5000, 65535} {
		l.script(fmt.Sprint("7.13.", 1+i), fmt.Sprintf("a close with %d", code), "a close, or the end", Script{
			sent(closing(code, "")), []Outcome{{Informational, nil}}, End{Sent: true, Codes: []uint16{codeNormal, code, codeProtocol}, Drop: true},
		})
	}
}
