package sio

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/wsframe"
)

// A Parser is a dialect of the Socket.IO protocol, which a server and all its
// clients must share: a client with the parser of another is disconnected. For a
// dialect of your own see PacketParser; for how values become JSON, Codec.
type Parser uint8

// The parsers.
const (
	// ParserJSON is that of every Socket.IO client: JSON in text messages, and
	// binary in messages of its own.
	ParserJSON Parser = iota
	// ParserMsgpack is that of the npm package socket.io-msgpack-parser: a packet
	// is one binary message of MessagePack, and binary stands where it belongs.
	//
	// Arguments are written as their JSON would be, with the same struct tags and
	// Marshalers, but for []byte, which is binary at any depth, and time.Time,
	// which JavaScript gets as a Date. Options.Codec is not asked for it. A client
	// may send undefined, which decodes like null, Dates, which decode into a
	// time.Time or as its text, and binary in the auth payload too; see Socket.Auth.
	// Event.Arg and whatever else is JSON here is made from the MessagePack.
	ParserMsgpack
)

// String returns the name of the parser, such as "msgpack".
func (p Parser) String() string {
	switch p {
	case ParserJSON:
		return "json"
	case ParserMsgpack:
		return "msgpack"
	}
	return "Parser(" + strconv.Itoa(int(p)) + ")"
}

var errTextMessage = errors.New("sio: text message from a client whose parser is binary")

// A dialect is what a Server speaks. It is immutable. Its methods tell the two
// parsers apart instead of calling an interface, to which every argument of an
// Emit would escape.
type dialect struct {
	msgpack bool
	codec   Codec
	custom  PacketParser // rewrites what would be text; nil for the two parsers
}

// parser returns the dialect as it comes with a packet.RawArg.
func (d *dialect) parser() packet.Parser {
	if d.msgpack {
		return packet.Msgpack
	}
	return packet.Text
}

// open begins another packet behind dst, with room for the header of its first
// frame.
func (d *dialect) open(dst []byte) []byte {
	if d.msgpack {
		return append(dst, 0, 0, 0, 0)
	}
	return append(dst, 0, 0, 0, 0, '4')
}

// seal turns what was built from base on into a WebSocket frame. Its header has
// 2, 4 or 10 bytes and there is room for 4, so that a packet of another size is
// moved a little.
func (d *dialect) seal(b []byte, base int) []byte {
	op := wsframe.OpText
	if d.msgpack {
		op = wsframe.OpBinary
	}
	n := len(b) - base - frameRoom
	head := wsframe.HeaderLen(n)
	switch {
	case head < frameRoom:
		copy(b[base+head:], b[base+frameRoom:])
		b = b[:base+head+n]
	case head > frameRoom:
		b = append(b, make([]byte, head-frameRoom)...)
		copy(b[base+head:], b[base+frameRoom:base+frameRoom+n])
	}
	wsframe.PutHeader(b[base:], head, op, n)
	return b
}

// frames seals the packet that begins at base, with its attachments behind it.
func (d *dialect) frames(out []byte, base int, atts [][]byte) ([]byte, error) {
	if d.custom != nil {
		return d.rewrite(out, base, atts)
	}
	return appendAttachments(d.seal(out, base), atts), nil
}

// parse reads the frames of a packet that this server has written.
func (d *dialect) parse(frames []byte, p *packet.Packet) (atts [][]byte, err error) {
	if d.custom != nil {
		return d.reread(frames, p)
	}
	_, payload, rest := engine.SplitFrame(frames)
	if d.msgpack {
		return nil, packet.Msgpack.Parse(payload, &generous, p)
	}
	for len(rest) > 0 {
		var a []byte
		_, a, rest = engine.SplitFrame(rest)
		atts = append(atts, a)
	}
	return atts, packet.Parse(payload[1:], &generous, p) // behind the Engine.IO type
}

func (d *dialect) eventName(p *packet.Packet, scratch []byte) (name []byte, ok bool) {
	if d.msgpack {
		return packet.Msgpack.EventName(p, scratch)
	}
	return p.EventName(scratch)
}

func (d *dialect) appendEvent(dst []byte, nsp string, id int64, event string, args []any) (out []byte, atts [][]byte, err error) {
	if d.msgpack {
		return packet.Msgpack.AppendEvent(dst, nsp, id, event, args, d.codec, nil)
	}
	return packet.AppendEvent(dst, nsp, id, event, args, d.codec, nil)
}

func (d *dialect) appendAck(dst []byte, nsp string, id uint64, bigID string, args []any) (out []byte, atts [][]byte, err error) {
	if d.msgpack {
		return packet.Msgpack.AppendAck(dst, nsp, id, bigID, args, d.codec, nil)
	}
	return packet.AppendAck(dst, nsp, id, bigID, args, d.codec, nil)
}

// decode reads argument i into v.
func (d *dialect) decode(args, atts [][]byte, i int, v any) error {
	var raw []byte
	if i < len(args) {
		raw = args[i]
	}
	if d.msgpack {
		return packet.Msgpack.Decode(raw, atts, d.codec, v)
	}
	return packet.Text.Decode(raw, atts, d.codec, v)
}

// binary returns argument i if it is binary, else nil.
func (d *dialect) binary(args, atts [][]byte, i int) (b []byte) {
	if i < 0 || i >= len(args) {
		return nil
	}
	if d.msgpack {
		b, _ = packet.Msgpack.Bytes(args[i], atts)
	} else {
		b, _ = packet.Text.Bytes(args[i], atts)
	}
	return b
}

// json returns argument i as JSON, in which binary is placeholders, or nil if
// there is no such argument.
func (d *dialect) json(args [][]byte, i int) json.RawMessage {
	if i < 0 || i >= len(args) {
		return nil
	}
	if !d.msgpack {
		return args[i]
	}
	var atts [][]byte
	text, err := packet.Msgpack.AppendJSON(nil, args[i], &atts)
	if err != nil { // a map that looks like a placeholder, next to binary
		text, _ = packet.Msgpack.AppendJSON(nil, args[i], nil)
	}
	return text
}

// auth returns the payload of a CONNECT as JSON, in which binary is null.
func (d *dialect) auth(raw []byte) json.RawMessage {
	if !d.msgpack || len(raw) == 0 {
		return raw
	}
	text, _ := packet.Msgpack.AppendJSON(nil, raw, nil) // it was parsed before
	return text
}
