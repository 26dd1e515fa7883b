package rooms

import (
	"errors"
	"fmt"
	"math"
)

// The bounds of what is kept for reuse.
const (
	MaxSpare  = maxSpare
	MinShrink = minShrink
)

// TightCap exposes the growth policy.
func TightCap(n int) int { return tightCap(n) }

// Spare returns how many empty rooms ix keeps, the capacity of their members
// arrays together, and the length of its room table.
func (ix *Index[M]) Spare() (rooms, members, table int) {
	for _, r := range ix.spare {
		members += cap(r.members)
	}
	return len(ix.spare), members, len(ix.table)
}

// Marked returns how many members the last Each marked.
func (ix *Index[M]) Marked() int {
	n := 0
	for _, mark := range ix.passes[0].marks {
		if mark == ix.passes[0].epoch {
			n++
		}
	}
	return n
}

// Capacity returns how many members a room has space for.
func (ix *Index[M]) Capacity(name string) int { return cap(ix.byName[name].members) }

// Peak returns how many rooms the map of names has space for, about.
func (ix *Index[M]) Peak() int { return ix.peak }

// ExhaustEpochs makes the next epochs of all passes wrap around.
func (ix *Index[M]) ExhaustEpochs() {
	for i := range ix.passes {
		ix.passes[i].epoch = math.MaxUint32
	}
}

// Check verifies every cross index in O(n).
func (ix *Index[M]) Check() error {
	if ix.depth != 0 {
		return fmt.Errorf("depth %d outside Each", ix.depth)
	}
	memberships := 0
	for i, e := range ix.all.All() {
		if e == nil || int(e.slot) != i+1 {
			return fmt.Errorf("entry at %d does not know its place", i)
		}
		memberships += int(e.n)
		if e.more != nil && len(e.more.list) != max(int(e.n), inlined)-inlined {
			return fmt.Errorf("entry %d: %d memberships, %d of them beyond the inline ones", i, e.n, len(e.more.list))
		}
		for mi := range e.n {
			m := e.at(mi)
			if int(m.room) >= len(ix.table) || ix.table[m.room] == nil {
				return fmt.Errorf("entry %d membership %d: no room %d", i, mi, m.room)
			}
			r := ix.table[m.room]
			if int(m.pos) >= len(r.members) || r.members[m.pos] != (member[M]{entry: e, slot: uint32(i), mi: mi}) {
				return fmt.Errorf("entry %d membership %d: room %q does not point back", i, mi, r.name)
			}
		}
	}
	return ix.checkRooms(memberships)
}

func (ix *Index[M]) checkRooms(memberships int) error {
	for name, r := range ix.byName {
		if r.name != name || len(r.members) == 0 || ix.table[r.id] != r {
			return fmt.Errorf("room %q: called %q, %d members, id %d", name, r.name, len(r.members), r.id)
		}
		memberships -= len(r.members)
	}
	if memberships != 0 {
		return fmt.Errorf("%d more memberships in the entries than in the rooms", memberships)
	}
	for _, r := range ix.spare {
		if len(r.members) != 0 || r.name != "" || ix.table[r.id] != r {
			return fmt.Errorf("spare room %d is %q with %d members", r.id, r.name, len(r.members))
		}
	}
	if len(ix.table) != len(ix.byName)+len(ix.spare)+len(ix.freeIDs) {
		return fmt.Errorf("table of %d for %d rooms, %d spare, %d free", len(ix.table), len(ix.byName), len(ix.spare), len(ix.freeIDs))
	}
	for _, id := range ix.freeIDs {
		if ix.table[id] != nil {
			return fmt.Errorf("free id %d is in use", id)
		}
	}
	if len(ix.spare) > maxSpare {
		return errors.New("too many spare rooms")
	}
	return nil
}
