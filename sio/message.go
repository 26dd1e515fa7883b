package sio

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

// A packet is built in a bufpool.Buf behind room for the header of its first
// frame: frameRoom bytes of header, then, in a text frame, the Engine.IO type
// '4', then the Socket.IO packet. dialect.seal puts the header there.
const frameRoom = 4

// newFrame returns a Buf in which a Socket.IO packet of about size bytes can
// be appended.
func (d *dialect) newFrame(size int) *bufpool.Buf {
	b := bufpool.Get(size + frameRoom + 1)
	b.B = d.open(b.B)
	return b
}

// encodeEvent encodes an event for a namespace; id is its ack id, or negative.
func (d *dialect) encodeEvent(nsp string, id int64, event string, args []any) (*bufpool.Buf, error) {
	return d.encodeSized(encodedSize(nsp, event, args), nsp, id, event, args)
}

// encodeSized is encodeEvent into a buffer of at least the given size.
func (d *dialect) encodeSized(size int, nsp string, id int64, event string, args []any) (*bufpool.Buf, error) {
	b := bufpool.Get(size)
	out, err := d.appendFrames(b, nsp, id, event, args)
	if err != nil {
		b.Release()
		return nil, err
	}
	b.B = out
	return b, nil
}

// appendFrames returns what b holds with the frames of an event behind it. If
// code of the user's panics, such as a MarshalJSON, the reference to b is given
// up.
func (d *dialect) appendFrames(b *bufpool.Buf, nsp string, id int64, event string, args []any) ([]byte, error) {
	if err := checkName(event); err != nil {
		return nil, err
	}
	returned := false
	defer func() {
		if !returned {
			b.Release()
		}
	}()
	out, atts, err := d.appendEvent(d.open(b.B), nsp, id, event, args)
	returned = true
	return d.finish(out, len(b.B), atts, err, event)
}

// encodeAck encodes the answer to an event.
func (d *dialect) encodeAck(nsp string, id uint64, bigID string, args []any) (*bufpool.Buf, error) {
	b := bufpool.Get(encodedSize(nsp, bigID, args))
	returned := false
	defer func() {
		if !returned { // code of the user's has panicked
			b.Release()
		}
	}()
	out, atts, err := d.appendAck(d.open(b.B), nsp, id, bigID, args)
	returned = true
	if out, err = d.finish(out, 0, atts, err, "ack"); err != nil {
		b.Release()
		return nil, err
	}
	b.B = out
	return b, nil
}

// finish seals the packet that begins at base and appends its attachments as
// binary frames.
func (d *dialect) finish(out []byte, base int, atts [][]byte, err error, event string) ([]byte, error) {
	if err != nil {
		return nil, eventError(event, err)
	}
	if out, err = d.frames(out, base, atts); err != nil {
		return nil, eventError(event, err)
	}
	return out, nil
}

// checkName refuses the names that are the protocol's.
func checkName(event string) error {
	if packet.ReservedEvent(event) {
		return fmt.Errorf("sio: %q: reserved event name", event)
	}
	return nil
}

func eventError(event string, err error) error { return fmt.Errorf("sio: event %q: %w", event, err) }

// appendAttachments appends binary frames.
func appendAttachments(dst []byte, atts [][]byte) []byte {
	for _, a := range atts {
		dst = engine.AppendBinaryMessage(dst, a)
	}
	return dst
}

// encodedSize guesses what a packet will take. A guess that is too low costs
// an allocation.
func encodedSize(nsp, event string, args []any) int {
	n := 64 + len(nsp) + len(event)
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			n += len(v) + len(v)/8
		case []byte:
			n += len(v) + 48
		case json.RawMessage:
			n += len(v)
		case *packet.RawArg:
			n += len(v.Raw)
			for _, a := range v.Atts {
				n += len(a) + 16
			}
		default:
			n += 64
		}
	}
	return n
}

// A Message is an event that is encoded once and can be sent to many targets
// and many times. It is safe for concurrent use. Release may be called when
// it is not needed any more, so that its memory is used again; without, the
// garbage collector takes it.
type Message struct {
	// Immutable after Encode.
	event string
	json  []byte   // the packet behind its type and namespace: `["event",…]`
	args  []any    // its arguments, for the other dialect: each a *packet.RawArg
	atts  [][]byte // copies
	kind  byte     // the packet type

	mu       sync.Mutex // guards following
	prepared map[preparedKey]*bufpool.Buf
}

// A preparedKey says for whom a Message is encoded.
type preparedKey struct {
	nsp     string
	msgpack bool
	plain   bool     // not to be compressed
	custom  *dialect // nil for the two parsers
}

// Encode encodes an event with the default codec. The arguments are copied:
// they may be changed afterwards. It does not know the parser of a server: with
// ParserMsgpack the arguments are what their JSON is, and a time.Time is text.
func Encode(event string, args ...any) (*Message, error) {
	d := &dialect{codec: jsonx.Std{}}
	b, err := d.encodeEvent("/", -1, event, args)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return newMessage(event, b.B)
}

// newMessage takes the frames of an event in the namespace "/" apart.
func newMessage(event string, frames []byte) (*Message, error) {
	m := &Message{event: event, prepared: map[preparedKey]*bufpool.Buf{}}
	for first := true; len(frames) > 0; first = false {
		var payload []byte
		_, payload, frames = engine.SplitFrame(frames)
		if !first {
			m.atts = append(m.atts, append([]byte(nil), payload...))
			continue
		}
		var p packet.Packet
		m.kind = payload[1]
		if err := packet.Parse(append([]byte(nil), payload[1:]...), &generous, &p); err != nil {
			return nil, fmt.Errorf("sio: event %q: %w", event, err)
		}
		m.json = p.Data
		for _, raw := range p.Args[1:] {
			m.args = append(m.args, &packet.RawArg{Parser: packet.Text, Raw: raw})
		}
	}
	for _, arg := range m.args {
		arg.(*packet.RawArg).Atts = m.atts
	}
	return m, nil
}

// generous are the limits for packets that this process has written.
var generous = packet.Limits{MaxAttachments: 1 << 20, MaxDepth: 10_000, MaxName: 1 << 20}

// Event returns the name of the event.
func (m *Message) Event() string { return m.event }

// Release gives the memory of the message back. It must not be sent any more.
func (m *Message) Release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, b := range m.prepared {
		b.Release()
		delete(m.prepared, key)
	}
}

// packet returns the message for a namespace with a reference for the caller.
func (m *Message) packet(n *Namespace, plain bool) (*bufpool.Buf, error) {
	d := &n.srv.dialect
	key := preparedKey{nsp: n.name, msgpack: d.msgpack, plain: plain}
	if d.custom != nil {
		key.custom = d
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.prepared[key]
	if b == nil {
		var err error
		if b, err = m.encode(n.name, -1, d); err != nil {
			return nil, err
		}
		b.Plain = plain
		m.prepared[key] = b
	}
	b.Retain()
	return b, nil
}

// encode returns the frames of the message; id is its ack id, or negative.
func (m *Message) encode(nsp string, id int64, d *dialect) (*bufpool.Buf, error) {
	if d.msgpack {
		return d.encodeEvent(nsp, id, m.event, m.args)
	}
	b := d.newFrame(len(nsp) + len(m.json))
	out, err := d.frames(m.appendText(b.B, nsp, id), 0, m.atts)
	if err != nil {
		b.Release()
		return nil, eventError(m.event, err)
	}
	b.B = out
	return b, nil
}

// appendText appends the text packet of the message for a namespace; id is as
// with encode.
func (m *Message) appendText(dst []byte, nsp string, id int64) []byte {
	dst = append(dst, m.kind)
	if len(m.atts) > 0 {
		dst = fmt.Appendf(dst, "%d-", len(m.atts))
	}
	if nsp != "/" {
		dst = append(append(dst, nsp...), ',')
	}
	if id >= 0 {
		dst = strconv.AppendInt(dst, id, 10)
	}
	return append(dst, m.json...)
}
