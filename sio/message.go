package sio

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/wsframe"
)

// A packet is built in a bufpool.Buf behind room for the header of its first
// frame and the Engine.IO type: frameRoom bytes of header, then '4', then the
// Socket.IO packet. sealText puts the header there.
const frameRoom = 4

// newFrame returns a Buf in which a Socket.IO packet of about size bytes can
// be appended.
func newFrame(size int) *bufpool.Buf {
	b := bufpool.Get(size + frameRoom + 1)
	b.B = openFrame(b.B)
	return b
}

// openFrame begins another packet behind dst.
func openFrame(dst []byte) []byte { return append(dst, 0, 0, 0, 0, '4') }

// sealText turns what was built from base on into a WebSocket text frame. The
// frame header has 2, 4 or 10 bytes and there is room for 4, so that a packet
// of another size is moved a little.
func sealText(b []byte, base int) []byte {
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
	wsframe.PutHeader(b[base:], head, wsframe.OpText, n)
	return b
}

// encodeEvent encodes an event for a namespace; id is its ack id, or negative.
func encodeEvent(nsp string, id int64, event string, args []any, c Codec) (*bufpool.Buf, error) {
	b := bufpool.Get(encodedSize(nsp, event, args))
	out, err := appendEvent(b.B, nsp, id, event, args, c)
	if err != nil {
		b.Release()
		return nil, err
	}
	b.B = out
	return b, nil
}

// appendEvent appends the frames of an event.
func appendEvent(dst []byte, nsp string, id int64, event string, args []any, c Codec) ([]byte, error) {
	if packet.ReservedEvent(event) {
		return nil, fmt.Errorf("sio: %q: reserved event name", event)
	}
	out, atts, err := packet.AppendEvent(openFrame(dst), nsp, id, event, args, c, nil)
	return finish(out, len(dst), atts, err, event)
}

// encodeAck encodes the answer to an event.
func encodeAck(nsp string, id uint64, bigID string, args []any, c Codec) (*bufpool.Buf, error) {
	b := bufpool.Get(encodedSize(nsp, bigID, args))
	out, atts, err := packet.AppendAck(openFrame(b.B), nsp, id, bigID, args, c, nil)
	if out, err = finish(out, 0, atts, err, "ack"); err != nil {
		b.Release()
		return nil, err
	}
	b.B = out
	return b, nil
}

// finish seals the packet that begins at base and appends its attachments as
// binary frames.
func finish(out []byte, base int, atts [][]byte, err error, event string) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("sio: event %q: %w", event, err)
	}
	out = sealText(out, base)
	for _, a := range atts {
		out = engine.AppendBinaryMessage(out, a)
	}
	return out, nil
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
		case *rawArg:
			n += len(v.raw)
			for _, a := range v.atts {
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
	atts  [][]byte // copies
	kind  byte     // the packet type

	mu       sync.Mutex // guards following
	prepared map[string]*bufpool.Buf
}

// Encode encodes an event with the default codec. The arguments are copied:
// they may be changed afterwards.
func Encode(event string, args ...any) (*Message, error) {
	b, err := encodeEvent("/", -1, event, args, jsonx.Std{})
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return newMessage(event, b.B)
}

// newMessage takes the frames of an event in the namespace "/" apart.
func newMessage(event string, frames []byte) (*Message, error) {
	m := &Message{event: event, prepared: map[string]*bufpool.Buf{}}
	for first := true; len(frames) > 0; first = false {
		var payload []byte
		_, payload, frames = engine.SplitFrame(frames)
		if !first {
			m.atts = append(m.atts, append([]byte(nil), payload...))
			continue
		}
		var p packet.Packet
		if err := packet.Parse(payload[1:], &packet.Limits{MaxAttachments: 1 << 20, MaxDepth: 10_000, MaxName: 1 << 20}, &p); err != nil {
			return nil, fmt.Errorf("sio: event %q: %w", event, err)
		}
		m.json = append([]byte(nil), p.Data...)
		m.kind = payload[1]
	}
	return m, nil
}

// Event returns the name of the event.
func (m *Message) Event() string { return m.event }

// Release gives the memory of the message back. It must not be sent any more.
func (m *Message) Release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for nsp, b := range m.prepared {
		b.Release()
		delete(m.prepared, nsp)
	}
}

// packet returns the message for a namespace with a reference for the caller.
func (m *Message) packet(nsp string) *bufpool.Buf {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.prepared[nsp]
	if b == nil {
		b = m.encode(nsp)
		m.prepared[nsp] = b
	}
	b.Retain()
	return b
}

func (m *Message) encode(nsp string) *bufpool.Buf {
	b := newFrame(len(nsp) + len(m.json))
	b.B = append(b.B, m.kind)
	if len(m.atts) > 0 {
		b.B = fmt.Appendf(b.B, "%d-", len(m.atts))
	}
	if nsp != "/" {
		b.B = append(append(b.B, nsp...), ',')
	}
	b.B = append(b.B, m.json...)
	b.B = sealText(b.B, 0)
	for _, a := range m.atts {
		b.B = engine.AppendBinaryMessage(b.B, a)
	}
	return b
}
