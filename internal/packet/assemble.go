package packet

import "github.com/gannet-io/gannet/internal/jsonx"

// An Assembler holds a BinaryEvent or BinaryAck until its attachments have
// come. The zero value is ready and small: an idle connection pays for two
// words. What it hands out is never written again, so the caller may keep it.
type Assembler struct {
	// MaxBytes caps the sum of the attachments of one packet. Zero means no
	// cap beyond the number of attachments times the transport's limit.
	MaxBytes int

	cur *assembly // nil: nothing was begun
}

type assembly struct {
	packet Packet
	atts   [][]byte
	size   int
	done   bool
}

// Start begins a packet, which Parse has accepted, with a copy of it. A
// packet that is pending is dropped: the caller must have refused text while
// Active, with ErrUnexpectedText.
func (a *Assembler) Start(p *Packet) {
	n := len(p.Namespace)
	buf := make([]byte, 0, n+len(p.Data))
	buf = append(append(buf, p.Namespace...), p.Data...)
	cur := &assembly{packet: *p}
	cur.packet.Namespace = buf[:n:n]
	cur.packet.Args, cur.packet.Data = nil, nil
	if p.Data != nil {
		cur.packet.Data = buf[n:]
		cur.packet.Args = make([][]byte, 0, len(p.Args))
		// What was valid still is when copied.
		_ = cur.packet.parseArgs(cur.packet.Data, ceilingDepth)
	}
	switch p.Type {
	case BinaryEvent:
		cur.packet.Type = Event
	case BinaryAck:
		cur.packet.Type = Ack
	default:
	}
	a.cur = cur
}

// Active reports whether attachments are awaited.
func (a *Assembler) Active() bool { return a.cur != nil && !a.cur.done }

// Add takes a copy of the next attachment. done says that it was the last one
// and that Packet and Attachments are complete. After an error nothing is
// held any more.
func (a *Assembler) Add(b []byte) (done bool, err error) {
	if !a.Active() {
		return false, ErrUnexpectedBinary
	}
	cur := a.cur
	cur.size += len(b)
	if a.MaxBytes > 0 && cur.size > a.MaxBytes {
		a.Reset()
		return false, ErrAttachmentBytes
	}
	// Room for those that came, not for those that were announced.
	cur.atts = append(cur.atts, append(make([]byte, 0, len(b)), b...))
	if len(cur.atts) < cur.packet.Attachments {
		return false, nil
	}
	if jsonx.CheckPlaceholders(cur.packet.Data, len(cur.atts)) != nil {
		a.Reset()
		return false, ErrIllegalAttachments
	}
	cur.done = true
	return true, nil
}

// Packet returns the packet that was begun, its type turned into Event or
// Ack, or nil.
func (a *Assembler) Packet() *Packet {
	if a.cur == nil {
		return nil
	}
	return &a.cur.packet
}

// Attachments returns the attachments that have come, in order.
func (a *Assembler) Attachments() [][]byte {
	if a.cur == nil {
		return nil
	}
	return a.cur.atts
}

// Reset lets go of what is held.
func (a *Assembler) Reset() { a.cur = nil }
