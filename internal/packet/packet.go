package packet

// Type is the kind of a packet, the digit it starts with.
type Type uint8

// The packet types of the protocol.
const (
	Connect Type = iota
	Disconnect
	Event
	Ack
	ConnectError
	BinaryEvent
	BinaryAck
)

// String returns the name that the protocol gives the type.
func (t Type) String() string {
	switch t {
	case Connect:
		return "CONNECT"
	case Disconnect:
		return "DISCONNECT"
	case Event:
		return "EVENT"
	case Ack:
		return "ACK"
	case ConnectError:
		return "CONNECT_ERROR"
	case BinaryEvent:
		return "BINARY_EVENT"
	case BinaryAck:
		return "BINARY_ACK"
	default:
		return "UNKNOWN"
	}
}

// A ParseError says why a packet was refused. The values are constants, so
// they compare with == and cost no allocation.
type ParseError string

// Error returns the reason behind a "packet: " prefix.
func (e ParseError) Error() string { return "packet: " + string(e) }

// What Parse and Assembler refuse.
const (
	ErrEmpty              ParseError = "empty packet"
	ErrType               ParseError = "unknown packet type"
	ErrAttachmentCount    ParseError = "illegal number of attachments"
	ErrTooManyAttachments ParseError = "too many attachments"
	ErrNamespace          ParseError = "invalid namespace"
	ErrPayload            ParseError = "invalid payload"
	ErrTooDeep            ParseError = "payload nested too deeply"
	ErrEventName          ParseError = "event name too long"
	ErrTooManyArgs        ParseError = "too many arguments"
	ErrUnexpectedText     ParseError = "got plaintext data when reconstructing a packet"
	ErrUnexpectedBinary   ParseError = "got binary data when not reconstructing a packet"
	ErrIllegalAttachments ParseError = "illegal attachments"
	ErrAttachmentBytes    ParseError = "attachments too large"
)

// Limits bounds what Parse accepts. The zero value means the defaults, a
// negative field the ceiling.
type Limits struct {
	// MaxAttachments of one packet. Zero means 10; the ceiling is 2^24.
	MaxAttachments int
	// MaxDepth of arrays and objects, the array of arguments included. Zero
	// means 128; the ceiling is 10000.
	MaxDepth int
	// MaxName is the longest namespace or event name in bytes. Zero means
	// 256; the ceiling is 2^24.
	MaxName int
}

const (
	defaultMaxAttachments = 10
	defaultMaxDepth       = 128
	defaultMaxName        = 256

	ceilingDepth = 10000
	ceiling      = 1 << 24
)

func (l *Limits) attachments() int {
	if l == nil {
		return defaultMaxAttachments
	}
	return bound(l.MaxAttachments, defaultMaxAttachments, ceiling)
}

func (l *Limits) depth() int {
	if l == nil {
		return defaultMaxDepth
	}
	return bound(l.MaxDepth, defaultMaxDepth, ceilingDepth)
}

func (l *Limits) name() int {
	if l == nil {
		return defaultMaxName
	}
	return bound(l.MaxName, defaultMaxName, ceiling)
}

func bound(n, zero, most int) int {
	switch {
	case n == 0:
		return zero
	case n < 0 || n > most:
		return most
	default:
		return n
	}
}

// A Packet is one parsed packet. Every slice of bytes in it is a view of what
// Parse was given.
type Packet struct {
	Type        Type
	HasID       bool
	Attachments int      // announced by BinaryEvent and BinaryAck, else 0
	Namespace   []byte   // "/" where the packet names none; not to be modified
	ID          uint64   // ack id; from 2^53 on as JavaScript rounds it, saturated
	BigID       string   // JavaScript's text of an ack id from 2^53 on, else ""
	Data        []byte   // the JSON, nil if there is none
	Args        [][]byte // the raw elements of an event or ack; reused by Parse
}

// MaxArgs is how many elements the array of an event or ack may have, its name
// included. Each costs much more than the two bytes that it may have on the
// wire. Functions of JavaScript cannot be given as many.
const MaxArgs = 1 << 17

// maxKeptArgs is the capacity of Args above which Parse does not reuse it.
const maxKeptArgs = 1024

// Reset drops every view, keeping the capacity of Args.
func (p *Packet) Reset() {
	args := p.Args
	clear(args)
	if cap(args) > maxKeptArgs {
		args = nil
	}
	*p = Packet{Args: args[:0]}
}

// Trim lets go of Args if there is more of them than is worth keeping.
func (p *Packet) Trim() {
	if cap(p.Args) > maxKeptArgs {
		p.Args = nil
	}
}

// ReservedEvent reports whether name cannot be sent or received as an event.
func ReservedEvent(name string) bool { return reserved(name) }

func reserved[T string | []byte](name T) bool {
	switch string(name) {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	default:
		return false
	}
}
