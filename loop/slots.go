//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

const (
	// maxSlots is what 24 bits can name.
	maxSlots = 1 << 24

	// slotReserve is how many free slots wait before one is used again.
	slotReserve = 1024
)

// slots is a dense table with late reuse.
type slots struct {
	// Owned by the loop goroutine.
	owners []any
	next   []uint32 // free list, first freed first used; 0 ends it
	first  uint32
	last   uint32
	free   int
}

// Alloc returns a slot that Get maps to owner until Free. Slots are never
// zero and fit into 24 bits; zero means that the table is full. A freed slot
// is used again as late as possible.
func (l *Loop) Alloc(owner any) uint32 {
	l.guard.check()
	s := &l.slots
	if len(s.owners) == 0 {
		s.owners, s.next = make([]any, 1, 64), make([]uint32, 1, 64)
	}
	if s.free > slotReserve || len(s.owners) == maxSlots {
		slot := s.first
		if slot == 0 {
			return 0
		}
		s.first = s.next[slot]
		if s.first == 0 {
			s.last = 0
		}
		s.free--
		s.owners[slot] = owner
		return slot
	}
	s.owners = append(s.owners, owner)
	s.next = append(s.next, 0)
	return uint32(len(s.owners) - 1)
}

// Free forgets the owner of slot.
func (l *Loop) Free(slot uint32) {
	l.guard.check()
	s := &l.slots
	if int(slot) >= len(s.owners) || s.owners[slot] == nil {
		return
	}
	s.owners[slot] = nil
	s.next[slot] = 0
	if s.last == 0 {
		s.first = slot
	} else {
		s.next[s.last] = slot
	}
	s.last = slot
	s.free++
}

// Get returns the owner of slot, or nil.
func (l *Loop) Get(slot uint32) any {
	l.guard.check()
	if int(slot) >= len(l.slots.owners) {
		return nil
	}
	return l.slots.owners[slot]
}
