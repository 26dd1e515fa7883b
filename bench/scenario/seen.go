package scenario

import "bytes"

// seen remembers payloads that were found intact, so that the other receivers
// of a broadcast on the same loop cost a comparison and not another sum.
type seen struct {
	// Owned by the loop goroutine.
	slots [seenSlots]seenSlot
}

// seenSlots is how many payloads are remembered: more than are under way at
// once in most runs.
const seenSlots = 64

type seenSlot struct {
	payload []byte
	stamp   stamp
}

// maxSeen bounds the payloads that are remembered.
const maxSeen = 16 << 10

// read is stamp.read with a memory.
func (s *seen) read(payload []byte, st *stamp) (ok bool) {
	if len(payload) < stampSize || len(payload) > maxSeen {
		return st.read(payload)
	}
	slot := &s.slots[values[payload[stampSize-1]]%seenSlots] // six bits of the check
	if bytes.Equal(slot.payload, payload) {
		*st = slot.stamp
		return true
	}
	if !st.read(payload) {
		return false
	}
	slot.payload = append(slot.payload[:0], payload...)
	slot.stamp = *st
	return true
}
