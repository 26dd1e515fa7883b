package loop

import "github.com/gannet-io/gannet/internal/paged"

const (
	// maxSlots is what 24 bits can name.
	maxSlots = 1 << 24

	// slotReserve is how many free slots wait before one is used again.
	slotReserve = 1024
)

// Slots is a dense table of what a loop owns, with late reuse: 8 bytes for
// each entry.
type Slots[T any] struct {
	// Immutable after NewSlots.
	loop *Loop

	// Owned by the loop goroutine.
	owners paged.List[*T]
	free   []uint32 // from index first on: first freed, first used
	first  int
}

// NewSlots returns an empty table of l. It may be called from any goroutine.
func NewSlots[T any](l *Loop) *Slots[T] { return &Slots[T]{loop: l} }

// Alloc returns a slot that Get maps to owner until Free. Slots are never
// zero and fit into 24 bits; zero means that the table is full. A freed slot
// is used again as late as possible.
func (s *Slots[T]) Alloc(owner *T) uint32 {
	s.loop.guard.check()
	if s.owners.Len() == 0 {
		s.owners.Append(nil) // slot 0
	}
	waiting := len(s.free) - s.first
	if waiting <= slotReserve && s.owners.Len() < maxSlots {
		s.owners.Append(owner)
		return uint32(s.owners.Len() - 1)
	}
	if waiting == 0 {
		return 0
	}
	slot := s.free[s.first]
	s.first++
	*s.owners.At(int(slot)) = owner
	return slot
}

// Free forgets the owner of slot.
func (s *Slots[T]) Free(slot uint32) {
	if s.Get(slot) == nil {
		return
	}
	*s.owners.At(int(slot)) = nil
	if s.first > slotReserve && s.first > len(s.free)/2 {
		n := copy(s.free, s.free[s.first:])
		s.free, s.first = s.free[:n], 0
	}
	s.free = append(s.free, slot)
}

// Get returns the owner of slot, or nil.
func (s *Slots[T]) Get(slot uint32) *T {
	s.loop.guard.check()
	if int(slot) >= s.owners.Len() {
		return nil
	}
	return *s.owners.At(int(slot))
}

// End returns the number that is one more than the highest slot in use ever.
func (s *Slots[T]) End() uint32 { return uint32(max(s.owners.Len(), 1)) }
