package load

import (
	"github.com/gannet-io/gannet/internal/msgpackx"
	"github.com/gannet-io/gannet/internal/packet"
)

// unlimited is for packets of a server that is measured, and of the caller.
var unlimited = packet.Limits{MaxAttachments: -1, MaxDepth: -1, MaxName: -1}

// A translator is what a loop needs for Options.Msgpack.
type translator struct {
	// Owned by the loop goroutine.
	in, out packet.Packet
	data    []byte   // JSON of what came
	atts    [][]byte // its binary
	sending []byte   // MessagePack of what leaves
}

// unpacked takes one packet in MessagePack.
func (c *Conn) unpacked(b []byte) {
	o, t := &c.pool.opts, &c.h.translator
	p := &t.in
	if err := packet.Msgpack.Parse(b, &unlimited, p); err != nil {
		c.end(fail(Other, err, "the server sent a malformed packet: %v", err))
		return
	}
	if string(p.Namespace) != o.Namespace {
		return // nobody asked for it
	}
	if (p.Type == packet.Event || p.Type == packet.Ack) && o.OnPacket == nil {
		if o.OnEvent != nil {
			o.OnEvent(c, b)
		}
		return
	}
	t.atts = t.atts[:0]
	var err error
	if t.data, err = packet.Msgpack.AppendJSON(t.data[:0], p.Data, &t.atts); err != nil {
		c.end(fail(Other, err, "the server sent a malformed packet: %v", err))
		return
	}
	switch p.Type {
	case packet.Connect:
		c.joined(t.data)
	case packet.ConnectError:
		c.refused(t.data)
	case packet.Disconnect:
		c.end(fail(Closed, nil, "the server disconnected the socket"))
	case packet.Event, packet.Ack:
		c.h.packet = Packet{Ack: p.Type == packet.Ack, ID: -1, Data: t.data, Attachments: t.atts, At: c.h.at}
		if p.HasID {
			c.h.packet.ID = int64(p.ID) //nolint:gosec // the parser ends at 2^53
		}
		o.OnPacket(c, &c.h.packet)
	case packet.BinaryEvent, packet.BinaryAck: // MessagePack has no such types
	}
}

// packed sends a packet, which is text without the "4" in front, as one message
// in MessagePack, or keeps it until it has its attachments.
func (c *Conn) packed(text []byte) {
	p := &c.h.translator.out
	if err := packet.Parse(text, &unlimited, p); err != nil {
		c.end(fail(Other, err, "cannot send %.60q: %v", text, err))
		return
	}
	if p.Attachments == 0 {
		c.sendPacked(p, nil)
		return
	}
	c.unsent = &pending{data: append([]byte(nil), text...), want: p.Attachments}
}

// packedAttachment takes an attachment of the packet that waits for it. It
// reports false if none does.
func (c *Conn) packedAttachment(data []byte) bool {
	b := c.unsent
	if b == nil {
		return false
	}
	b.add(data)
	if b.want--; b.want > 0 {
		return true
	}
	c.unsent = nil
	p := &c.h.translator.out
	if err := packet.Parse(b.data, &unlimited, p); err == nil { // it was parsed before
		c.sendPacked(p, b.packet.Attachments)
	}
	return true
}

func (c *Conn) sendPacked(p *packet.Packet, atts [][]byte) {
	t := &c.h.translator
	out, err := appendPacked(t.sending[:0], p, atts)
	if err != nil {
		c.end(fail(Other, err, "cannot send %.60q: %v", p.Data, err))
		return
	}
	t.sending = out
	c.sendBinary(out)
}

// appendPacked appends p as the official client does, save for its own options.
func appendPacked(dst []byte, p *packet.Packet, atts [][]byte) ([]byte, error) {
	typ, pairs := p.Type, 2
	switch typ {
	case packet.BinaryEvent:
		typ = packet.Event
	case packet.BinaryAck:
		typ = packet.Ack
	case packet.Connect, packet.Disconnect, packet.Event, packet.Ack, packet.ConnectError:
	}
	if p.Data != nil {
		pairs++
	}
	if p.HasID {
		pairs++
	}
	dst = msgpackx.AppendMap(dst, pairs)
	dst = append(msgpackx.AppendString(dst, "type"), byte(typ))
	if p.Data != nil {
		var err error
		if dst, err = msgpackx.FromJSON(msgpackx.AppendString(dst, "data"), p.Data, atts); err != nil {
			return dst, err
		}
	}
	if p.HasID {
		dst = msgpackx.AppendUint(msgpackx.AppendString(dst, "id"), p.ID)
	}
	return msgpackx.AppendString(msgpackx.AppendString(dst, "nsp"), p.Namespace), nil
}
