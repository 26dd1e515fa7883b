package sio

import "github.com/gannet-io/gannet/internal/bufpool"

const (
	// tailSize is the size of a buffer that is meant for several packets.
	tailSize = 4 << 10
	// tailRoom is what must be left in it for another packet to be tried.
	tailRoom = 256
)

// emitLocal sends an event on the loop. If what the socket was sent last is
// still in a buffer of its own, the event is encoded behind it, so that a burst
// of small replies costs one buffer.
func (s *Socket) emitLocal(event string, args []any) error {
	sh := s.client.shard
	size := encodedSize(s.nsp.name, event, args)
	if b := sh.tail; b != nil && len(sh.fan.parts) == 0 && b == s.client.Tail() {
		if cap(b.B)-len(b.B) >= max(size, tailRoom) {
			return s.emitBehind(b, event, args)
		}
		size = max(size, tailSize)
	}
	b, err := sh.srv.dialect.encodeSized(size, s.nsp.name, -1, event, args)
	if err != nil {
		return err
	}
	sh.setTail(b)
	return s.sendBuf(b, 0, "")
}

// emitBehind appends an event to the buffer that is last in the queue. Encoding
// may call code of the user's, which may emit too: for that time there is no
// tail, and the buffer is only made longer if it is still the last one.
func (s *Socket) emitBehind(b *bufpool.Buf, event string, args []any) error {
	sh := s.client.shard
	sh.tail = nil
	out, err := sh.srv.dialect.appendFrames(b, s.nsp.name, -1, event, args)
	if sh.tail != nil || b != s.client.Tail() || len(sh.fan.parts) > 0 || !s.client.Fits(len(out)-len(b.B)) {
		return s.sendCopy(b, out, err)
	}
	sh.tail = b
	if err != nil {
		return err
	}
	n := len(out) - len(b.B)
	b.B = out
	s.client.Lengthened(n)
	if s.client.Overflowed() {
		s.mark(markSlow)
	}
	sh.stats.emitted++
	return nil
}

// sendCopy sends what was encoded behind b, and gives b up.
func (s *Socket) sendCopy(b *bufpool.Buf, out []byte, err error) error {
	defer b.Release()
	if err != nil {
		return err
	}
	c := bufpool.Get(len(out) - len(b.B))
	c.B = append(c.B, out[len(b.B):]...)
	return s.sendBuf(c, 0, "")
}

// setTail notes a buffer that only the receiver of its packet has, so that more
// can be appended. The reference keeps it from becoming anything else meanwhile.
func (sh *shard) setTail(b *bufpool.Buf) {
	sh.dropTail()
	b.Retain()
	sh.tail = b
}

// dropTail is called when what was sent is about to be written.
func (sh *shard) dropTail() {
	if b := sh.tail; b != nil {
		sh.tail = nil
		b.Release()
	}
}
