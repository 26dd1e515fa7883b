package wsframe

// An Opcode says what a frame or a message is (RFC 6455, section 5.2).
type Opcode uint8

// The opcodes of RFC 6455; all others are reserved and refused.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xA
)

// Control reports whether o is a control opcode.
func (o Opcode) Control() bool { return o&0x8 != 0 }

// String returns the name of o.
func (o Opcode) String() string {
	switch o {
	case OpContinuation:
		return "continuation"
	case OpText:
		return "text"
	case OpBinary:
		return "binary"
	case OpClose:
		return "close"
	case OpPing:
		return "ping"
	case OpPong:
		return "pong"
	default:
		return "reserved"
	}
}

// MaxHeader is the length of the longest header of a frame without a masking
// key, which is what PutHeader and AppendHeader write.
const MaxHeader = 10

// DefaultMaxMessage is the message limit of a Config that sets none.
const DefaultMaxMessage = 1_000_000

// Limits that RFC 6455 or ATTACKS rows A41, A43 and A44 fix.
const (
	maxControl   = 125    // payload bytes of a control frame
	maxKeyed     = 14     // longest header with a masking key
	freeFrags    = 1024   // fragments of a message before their average counts
	minFragBytes = 32     // least average payload of more fragments than that
	bitFin       = 1 << 7 // first byte of a header
	bitsRSV      = 7 << 4 // first byte
	bitRSV1      = 1 << 6 // first byte: the message is compressed
	bitMask      = 1 << 7 // second byte
	len16        = 126    // second byte: a 16-bit length follows
	len64        = 127    // second byte: a 64-bit length follows
	maxLen16     = 1<<16 - 1
)

// A Config holds what all readers of a server share, or of one loop of it. It must not be changed
// while a Reader uses it.
type Config struct {
	// MaxMessage is the largest message payload accepted, in bytes, however
	// it is fragmented. Zero or less means DefaultMaxMessage.
	MaxMessage int

	// FromServer makes the reader a client's: frames must not be masked.
	FromServer bool

	// Inflater, if set, says that permessage-deflate was agreed on: messages
	// may be compressed. Their payload counts towards MaxMessage both as it
	// comes and as it is returned. A Config with an Inflater belongs to the
	// goroutine that calls Next, with all the readers that use it.
	Inflater *Inflater
}

func (c *Config) maxMessage() int {
	if c.MaxMessage <= 0 {
		return DefaultMaxMessage
	}
	return c.MaxMessage
}

// A Message is a whole data message or a control frame.
type Message struct {
	// Op is OpText, OpBinary, OpPing, OpPong or OpClose.
	Op Opcode

	// Payload is unmasked, and valid UTF-8 when Op is OpText.
	// Borrowed: valid until the next call on the Reader.
	Payload []byte
}
