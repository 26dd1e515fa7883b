package sio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
)

// A PacketParser is a form that the packets of a server have on the wire, in
// place of those of Parser: what an object with Encoder and Decoder is in Node's
// option parser. All clients must have its counterpart. It is asked for every
// packet, once for all receivers of a broadcast, and costs a parse and a copy
// more than the two parsers that are built in.
type PacketParser interface {
	// Encode returns the Engine.IO messages that carry p, at least one. It is
	// called on many goroutines at a time. p and its bytes are borrowed until
	// Encode returns; the result may be made of them. An error is returned by what
	// was emitting; where the server itself was, the connection is closed.
	Encode(p *Packet) ([]WireMessage, error)

	// NewDecoder returns the decoder of a connection, when that sends its first
	// message.
	NewDecoder() PacketDecoder
}

// A PacketDecoder reads what one connection sends. It is called on the event
// loop, by one goroutine at a time, and must not block.
type PacketDecoder interface {
	// Decode takes the next message, of at most Options.MaxHTTPBufferSize bytes,
	// which is borrowed until Decode returns. It returns the packet that the
	// message completes, or nil if more messages belong to it, which must come
	// within 30 seconds. How much it keeps meanwhile is the decoder's to limit. An
	// error, or a packet that Socket.IO has no use for, closes the connection.
	Decode(m WireMessage) (*Packet, error)
}

// A WireMessage is one message of Engine.IO, as text, which is UTF-8, or binary.
type WireMessage struct {
	Data   []byte
	Binary bool
}

// A PacketType is the type of a Packet, with the number that it has in the
// protocol (Socket.IO protocol, revision 5). With attachments an event is still a
// PacketEvent and an ack a PacketAck.
type PacketType uint8

// The types of packets.
const (
	PacketConnect PacketType = iota
	PacketDisconnect
	PacketEvent
	PacketAck
	PacketConnectError
)

// A Packet is a packet of the Socket.IO protocol, whatever it looks like on the
// wire.
type Packet struct {
	Type      PacketType
	Namespace string // "/" is the default
	ID        string // the ack id, in decimal digits; empty if there is none

	// Data is the payload as JSON: the array of an event, its name first, or of an
	// ack's arguments; the object of a CONNECT or CONNECT_ERROR; nil if there is
	// none. Number n of Attachments stands in it as
	// {"_placeholder":true,"num":n}.
	Data        json.RawMessage
	Attachments [][]byte
}

var (
	errNoMessages  = errors.New("sio: PacketParser: Encode returned no message")
	errPacketType  = errors.New("sio: PacketParser: Decode returned a packet of no known type")
	errAckID       = errors.New("sio: PacketParser: Decode returned an ack id that is no number")
	errIncomplete  = errors.New("sio: PacketParser: its decoder does not take what Encode returned for a packet")
	errAttachments = errors.New("sio: PacketParser: Decode returned attachments with a packet that has none")
)

// newPacket returns what p and atts are to a PacketParser.
func newPacket(p *packet.Packet, atts [][]byte) *Packet {
	out := &Packet{Type: PacketType(p.Type), Namespace: string(p.Namespace), Data: p.Data, Attachments: atts}
	switch p.Type {
	case packet.BinaryEvent:
		out.Type = PacketEvent
	case packet.BinaryAck:
		out.Type = PacketAck
	default:
	}
	switch {
	case p.BigID != "":
		out.ID = p.BigID
	case p.HasID:
		out.ID = strconv.FormatUint(p.ID, 10)
	}
	return out
}

// appendText appends the packet as ParserJSON has it, so that the rules of
// packet.Parse are the rules for packets from everywhere.
func (p *Packet) appendText(dst []byte) ([]byte, error) {
	t := packet.Type(p.Type)
	switch {
	case p.Type > PacketConnectError:
		return nil, errPacketType
	case len(p.Attachments) == 0:
	case p.Type == PacketEvent:
		t = packet.BinaryEvent
	case p.Type == PacketAck:
		t = packet.BinaryAck
	default:
		return nil, errAttachments
	}
	dst = append(dst, '0'+byte(t))
	if n := len(p.Attachments); n > 0 {
		dst = fmt.Appendf(dst, "%d-", n)
	}
	switch {
	case p.Namespace == "" || p.Namespace == "/":
	case p.Namespace[0] != '/':
		return nil, packet.ErrNamespace
	default:
		dst = append(append(dst, p.Namespace...), ',')
	}
	for i := range len(p.ID) {
		if p.ID[i] < '0' || p.ID[i] > '9' {
			return nil, errAckID
		}
	}
	dst = append(dst, p.ID...)
	data := bytes.TrimLeft(p.Data, " \t\r\n")
	if len(data) > 0 && !strings.ContainsRune(`[{"`, rune(data[0])) { // a digit would be one of the id
		return nil, packet.ErrPayload
	}
	return append(dst, data...), nil
}

// rewrite replaces the text packet that begins at base, with room for the header
// of a frame, by the frames that the PacketParser makes of it.
func (d *dialect) rewrite(out []byte, base int, atts [][]byte) ([]byte, error) {
	var p packet.Packet
	if err := packet.Parse(bytes.Clone(out[base+frameRoom+1:]), &generous, &p); err != nil {
		return nil, err
	}
	messages, err := d.custom.Encode(newPacket(&p, atts))
	switch {
	case err != nil:
		return nil, err
	case len(messages) == 0:
		return nil, errNoMessages
	}
	out = out[:base]
	for _, m := range messages {
		if m.Binary {
			out = engine.AppendBinaryMessage(out, m.Data)
		} else {
			out = engine.AppendTextMessage(out, m.Data)
		}
	}
	return out, nil
}

// decodeWith has a decoder take a message. It returns the packet as the rest of the
// server knows it and its attachments, or no packet if there must be more.
func (d *dialect) decodeWith(dec PacketDecoder, m WireMessage, lim *packet.Limits, p *packet.Packet) (atts [][]byte, complete bool, err error) {
	got, err := dec.Decode(m)
	if err != nil || got == nil {
		return nil, false, err
	}
	text, err := got.appendText(nil)
	if err != nil {
		return nil, false, err
	}
	if err := packet.Parse(text, lim, p); err != nil {
		return nil, false, err
	}
	if len(got.Attachments) == 0 {
		return nil, true, nil
	}
	var asm packet.Assembler
	asm.Start(p)
	for _, a := range got.Attachments {
		if _, err := asm.Add(a); err != nil {
			return nil, false, err
		}
	}
	*p = *asm.Packet()
	return asm.Attachments(), true, nil
}

// reread reads a packet that rewrite has written.
func (d *dialect) reread(frames []byte, p *packet.Packet) (atts [][]byte, err error) {
	dec := d.custom.NewDecoder()
	for complete := false; !complete && err == nil; {
		if len(frames) == 0 {
			return nil, errIncomplete
		}
		var m WireMessage
		m.Binary, m.Data, frames = engine.SplitFrame(frames)
		if !m.Binary {
			m.Data = m.Data[1:] // behind the Engine.IO type
		}
		atts, complete, err = d.decodeWith(dec, m, &generous, p)
	}
	return atts, err
}
