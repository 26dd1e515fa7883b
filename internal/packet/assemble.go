package packet

import "github.com/gannet-io/gannet/internal/jsonx"

// An Assembler holds a BinaryEvent or BinaryAck until its attachments have
// come. The zero value is ready. What it hands out is never written again, so
// the caller may keep it.
type Assembler struct {
	// MaxBytes caps the sum of the attachments of one packet. Zero means no
	// cap beyond MaxAttachments times the transport's message limit.
	MaxBytes int

	packet Packet
	atts   [][]byte
	size   int
	active bool
}

// Start begins a packet, which Parse has accepted, with a copy of it. A
// packet that was pending is dropped.
func (a *Assembler) Start(p *Packet) {
	a.Reset()
	n := len(p.Namespace)
	buf := make([]byte, 0, n+len(p.Data))
	buf = append(append(buf, p.Namespace...), p.Data...)
	a.packet = *p
	a.packet.Namespace = buf[:n:n]
	a.packet.Args = nil
	a.packet.Data = nil
	if p.Data != nil {
		a.packet.Data = buf[n:]
		a.packet.Args = make([][]byte, 0, len(p.Args))
		// It was valid before it was copied.
		_ = a.packet.parseArgs(a.packet.Data, ceilingDepth)
	}
	switch p.Type {
	case BinaryEvent:
		a.packet.Type = Event
	case BinaryAck:
		a.packet.Type = Ack
	default:
	}
	a.atts = make([][]byte, 0, p.Attachments)
	a.active = true
}

// Active reports whether attachments are awaited.
func (a *Assembler) Active() bool { return a.active }

// Add takes a copy of the next attachment. done says that it was the last one
// and that Packet and Attachments are complete.
func (a *Assembler) Add(b []byte) (done bool, err error) {
	if !a.active {
		return false, ErrUnexpectedBinary
	}
	a.size += len(b)
	if a.MaxBytes > 0 && a.size > a.MaxBytes {
		a.Reset()
		return false, ErrAttachmentBytes
	}
	a.atts = append(a.atts, append(make([]byte, 0, len(b)), b...))
	if len(a.atts) < a.packet.Attachments {
		return false, nil
	}
	a.active = false
	if _, err := jsonx.AppendPlaceholders(nil, a.packet.Data, len(a.atts)); err != nil {
		a.Reset()
		return false, ErrIllegalAttachments
	}
	return true, nil
}

// Packet returns the packet, with the type Event or Ack.
func (a *Assembler) Packet() *Packet { return &a.packet }

// Attachments returns the attachments in order.
func (a *Assembler) Attachments() [][]byte { return a.atts }

// Reset drops what is held.
func (a *Assembler) Reset() { *a = Assembler{MaxBytes: a.MaxBytes} }
