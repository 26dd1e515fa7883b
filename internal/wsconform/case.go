package wsconform

// A Verdict is how well a server does in a case, in the words of the suite.
type Verdict string

// The verdicts of cases that are passed, the best first.
const (
	OK            Verdict = "OK"            // as RFC 6455 and good sense have it
	NonStrict     Verdict = "NON-STRICT"    // allowed, but not as fast or as exact as it could be
	Informational Verdict = "INFORMATIONAL" // the specifications leave it open
)

// A Case is one question to a server. It has either scripts or traffic.
type Case struct {
	// ID is the number, such as "6.22.34".
	ID string

	// Sends and Wants say in words what is sent and what must come back.
	Sends, Wants string

	// Scripts are exchanges, each on a connection of its own.
	Scripts []Script

	// Traffic is messages that must come back.
	Traffic *Traffic

	// Large says that the case takes seconds: an ordinary run leaves it out.
	Large bool
}

// An Event is a message or a pong of the server.
type Event struct {
	Op      byte
	Payload string
}

// A Script is what is sent, and what may come back.
type Script struct {
	Steps    []Step
	Outcomes []Outcome // the best first
	End      End
}

// A Step is bytes that are written once the server has sent so many events.
type Step struct {
	Data  []byte
	After int
	Chop  int // the bytes of each write; 0 for all in one
}

// An Outcome is all that the server may send, and what that is worth.
type Outcome struct {
	Verdict Verdict
	Events  []Event
}

// An End is how the connection must end.
type End struct {
	// Fails says that the server has to fail the connection on its own account.
	// Else the client closes with 1000, unless Sent says that the script has
	// done so.
	Fails, Sent bool

	// Codes are the codes that the server's close frame may have. 0 stands for a
	// frame without one.
	Codes []uint16

	// Drop says that the server may hang up without a close frame.
	Drop bool
}

// Traffic is messages of one kind, sent one after the other: each must come
// back before the next goes out.
type Traffic struct {
	Op       byte
	Size     int
	Count    int
	Fragment int // bytes of each frame; 0 for one frame
	Chop     int // bytes of each write; 0 for all in one

	// Data is where the messages are cut from: each begins where the one
	// before it ended, and what is too short begins anew.
	Data Data

	// Offer is the Sec-WebSocket-Extensions of the request. Without one nothing
	// may be compressed, and with Declined neither: no server may take it.
	Offer    string
	Declined bool

	// Mixed says that every second message is sent as it is.
	Mixed bool
}

// The opcodes of RFC 6455, section 5.2, and the bits of the first byte.
const (
	opCont   = 0x0
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA

	fin  = 0x80
	rsv1 = 0x40
)

// Close codes (RFC 6455, section 7.4.1).
const (
	codeNormal   = 1000
	codeProtocol = 1002
	codePayload  = 1007
)

// List returns all cases in the order of their numbers.
func List() []Case {
	var l list
	l.framing()
	l.pings()
	l.reserved()
	l.opcodes()
	l.fragments()
	l.text()
	l.utf8()
	l.closes()
	l.sizes()
	l.deflate()
	return l
}

// A list is cases.
type list []Case

func (l *list) script(id, sends, wants string, s ...Script) {
	*l = append(*l, Case{ID: id, Sends: sends, Wants: wants, Scripts: s})
}

func (l *list) traffic(id, sends, wants string, t Traffic) {
	*l = append(*l, Case{ID: id, Sends: sends, Wants: wants, Traffic: &t})
}

// Ends of a script.
var (
	clean    = End{Codes: []uint16{codeNormal}}
	answered = End{Sent: true, Codes: []uint16{codeNormal}}
	fails    = End{Fails: true, Codes: []uint16{codeProtocol}, Drop: true}
	badText  = End{Fails: true, Codes: []uint16{codePayload}}
)

// sent is a step without waiting.
func sent(frames ...[]byte) []Step { return []Step{{Data: join(frames...)}} }

// framewise is a step for each frame.
func framewise(frames ...[]byte) []Step {
	steps := make([]Step, len(frames))
	for i, f := range frames {
		steps[i].Data = f
	}
	return steps
}

// bytewise is a step in single bytes.
func bytewise(frames ...[]byte) []Step { return []Step{{Data: join(frames...), Chop: 1}} }

// echoed is the outcome where exactly these events come.
func echoed(events ...Event) []Outcome { return []Outcome{{OK, events}} }

// orNothing adds that a server which fails the connection may forget about what
// came before.
func orNothing(o []Outcome) []Outcome { return append(o, Outcome{Verdict: NonStrict}) }

func message(text string) Event { return Event{opText, text} }

func pong(payload string) Event { return Event{opPong, payload} }
