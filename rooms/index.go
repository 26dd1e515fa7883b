package rooms

import "github.com/gannet-io/gannet/internal/paged"

// inlined is how many memberships an Entry holds without a second object.
const inlined = 2

// membership is one side of a member being in a room, kept by the member.
type membership struct {
	room uint32 // id of the room
	pos  uint32 // place in the room's members
}

// member is the other side, kept by the room. It repeats the place of the
// entry so that skipping one that is marked does not touch the entry.
type member[M any] struct {
	entry *Entry[M]
	slot  uint32 // place of the entry in Index.all
	mi    uint32 // place in the entry's memberships
}

// Entry is what a member embeds to be put in an Index. Set Value before Add
// and leave it alone while the entry is in the index. An Entry must not be
// copied after Add, and is in at most one Index at a time.
type Entry[M any] struct {
	// Value is what Each hands out: usually a pointer to the struct that
	// embeds the Entry.
	Value M

	first [inlined]membership
	more  *overflow // memberships beyond the first two; nil for most members
	n     uint32    // memberships in all
	slot  uint32    // place in Index.all, plus one; 0 means in no index
}

// overflow holds further memberships: the next three in the same object.
type overflow struct {
	list  []membership
	first [3]membership
}

// at returns membership i, which must exist.
func (e *Entry[M]) at(i uint32) *membership {
	if i < inlined {
		return &e.first[i]
	}
	return &e.more.list[i-inlined]
}

// push appends a membership and returns its place.
func (e *Entry[M]) push(m membership) uint32 {
	i := e.n
	e.n++
	if i < inlined {
		e.first[i] = m
		return i
	}
	if e.more == nil {
		e.more = new(overflow)
		e.more.list = e.more.first[:0]
	}
	e.more.list = appendTight(e.more.list, m)
	return i
}

// pop drops the last membership.
func (e *Entry[M]) pop() {
	e.n--
	if e.n >= inlined {
		e.more.list = shrink(e.more.list[:e.n-inlined])
	}
}

// Index knows the members and the rooms. The zero value is empty and ready.
//
// Owned by the loop goroutine.
type Index[M any] struct {
	// Lookup, if set, returns the member that a room name denotes by itself, or
	// nil: the room of a Socket.IO socket's own id, which then costs nothing.
	// Such a room exists beside one that members join by the same name, cannot
	// be left, and is not listed by AppendRooms and AppendNames. Set it before
	// the first use. An entry that is not in the index is ignored.
	Lookup func(room string) *Entry[M]

	all    paged.List[*Entry[M]]
	byName map[string]*room[M]
	peak   int // the most rooms that byName has held since it was made

	// Storage of rooms.
	table   []*room[M] // by id; nil for an unused id
	freeIDs []uint32   // unused ids in table
	spare   []*room[M] // empty rooms that keep their id and their members array

	// State of Each.
	passes []pass[M] // by depth of nesting
	depth  int
}

// Add puts e in the index, in no room yet. Adding it again does nothing.
func (ix *Index[M]) Add(e *Entry[M]) {
	ix.mutate()
	if e.slot != 0 {
		if !ix.owns(e) {
			panic("rooms: Entry is in another Index")
		}
		return
	}
	ix.all.Append(e)
	e.slot = uint32(ix.all.Len())
}

// Remove takes e out of all its rooms and out of the index. It may be added
// again. Removing an entry that is not in the index does nothing.
func (ix *Index[M]) Remove(e *Entry[M]) {
	ix.LeaveAll(e)
	if !ix.owns(e) {
		return
	}
	// The last entry takes the free place, so that all stays dense.
	last := *ix.all.At(ix.all.Len() - 1)
	slot := e.slot - 1
	*ix.all.At(int(slot)), last.slot = last, e.slot
	for i := range last.n {
		m := last.at(i)
		ix.table[m.room].members[m.pos].slot = slot
	}
	ix.all.Pop()
	e.slot, e.more = 0, nil
}

// Join puts e in a room, which is created if need be. Joined is false if e is
// in the room already or is not in the index. The name is kept as long as the
// room exists: a view of a larger string should be cloned first.
func (ix *Index[M]) Join(e *Entry[M], name string) (joined, created bool) {
	ix.mutate()
	if !ix.owns(e) || ix.own(name) == e {
		return false, false
	}
	r := ix.byName[name]
	if r == nil {
		r = ix.create(name)
		created = true
	} else if _, ok := find(e, r); ok {
		return false, false
	}
	mi := e.push(membership{room: r.id, pos: uint32(len(r.members))})
	r.members = appendTight(r.members, member[M]{entry: e, slot: e.slot - 1, mi: mi})
	return true, created
}

// Leave takes e out of a room, which is deleted if nobody is left in it. Left
// is false if e was not in the room.
func (ix *Index[M]) Leave(e *Entry[M], name string) (left, deleted bool) {
	ix.mutate()
	r := ix.byName[name]
	if r == nil || !ix.owns(e) {
		return false, false
	}
	mi, ok := find(e, r)
	if !ok {
		return false, false
	}
	return true, ix.unlink(e, mi)
}

// LeaveAll takes e out of all its rooms. It stays in the index.
func (ix *Index[M]) LeaveAll(e *Entry[M]) {
	ix.mutate()
	if !ix.owns(e) {
		return
	}
	for e.n > 0 {
		ix.unlink(e, e.n-1)
	}
}

// In reports whether e is in a room, its own included.
func (ix *Index[M]) In(e *Entry[M], name string) bool {
	if !ix.owns(e) {
		return false
	}
	if r := ix.byName[name]; r != nil {
		if _, ok := find(e, r); ok {
			return true
		}
	}
	return ix.own(name) == e
}

// Count returns how many rooms e has joined.
func (ix *Index[M]) Count(e *Entry[M]) int { return int(e.n) }

// AppendRooms appends the names of the rooms that e has joined, in no
// particular order.
func (ix *Index[M]) AppendRooms(dst []string, e *Entry[M]) []string {
	if !ix.owns(e) {
		return dst
	}
	for i := range e.n {
		dst = append(dst, ix.table[e.at(i).room].name)
	}
	return dst
}

// Has reports whether a room has a member.
func (ix *Index[M]) Has(name string) bool {
	return ix.byName[name] != nil || ix.own(name) != nil
}

// Len returns how many members a room has.
func (ix *Index[M]) Len(name string) int {
	n := 0
	r, e := ix.byName[name], ix.own(name)
	if r != nil {
		n = len(r.members)
	}
	if e != nil {
		if r == nil {
			return 1
		}
		if _, ok := find(e, r); !ok {
			n++
		}
	}
	return n
}

// Size returns how many members the index has.
func (ix *Index[M]) Size() int { return ix.all.Len() }

// Rooms returns how many rooms exist, rooms by Lookup not counted.
func (ix *Index[M]) Rooms() int { return len(ix.byName) }

// AppendNames appends the names of all rooms, rooms by Lookup excepted, in no
// particular order.
func (ix *Index[M]) AppendNames(dst []string) []string {
	for name := range ix.byName {
		dst = append(dst, name)
	}
	return dst
}

// owns reports whether e is in this index.
func (ix *Index[M]) owns(e *Entry[M]) bool {
	i := int(e.slot) - 1
	return i >= 0 && i < ix.all.Len() && *ix.all.At(i) == e
}

// own returns the member that name denotes by itself, if any.
func (ix *Index[M]) own(name string) *Entry[M] {
	if ix.Lookup == nil {
		return nil
	}
	if e := ix.Lookup(name); e != nil && ix.owns(e) {
		return e
	}
	return nil
}

// find returns the place of r among the memberships of e. It looks through the
// shorter of the two lists, so that neither a giant room nor a member of a
// great many rooms makes joining slow.
func find[M any](e *Entry[M], r *room[M]) (mi uint32, ok bool) {
	if int(e.n) > len(r.members) {
		for _, m := range r.members {
			if m.entry == e {
				return m.mi, true
			}
		}
		return 0, false
	}
	for i := range min(e.n, inlined) {
		if e.first[i].room == r.id {
			return i, true
		}
	}
	if e.n > inlined {
		for i, m := range e.more.list {
			if m.room == r.id {
				return uint32(i) + inlined, true
			}
		}
	}
	return 0, false
}

// unlink takes e out of the room of membership mi by two swap-removes, and
// reports whether that deleted the room.
func (ix *Index[M]) unlink(e *Entry[M], mi uint32) (deleted bool) {
	m := *e.at(mi)
	r := ix.table[m.room]
	end := uint32(len(r.members)) - 1
	if m.pos != end {
		moved := r.members[end]
		r.members[m.pos] = moved
		moved.entry.at(moved.mi).pos = m.pos
	}
	r.members[end] = member[M]{}
	r.members = r.members[:end]
	if last := e.n - 1; mi != last {
		moved := *e.at(last)
		*e.at(mi) = moved
		ix.table[moved.room].members[moved.pos].mi = mi
	}
	e.pop()
	if end == 0 {
		ix.discard(r)
		return true
	}
	r.members = shrink(r.members)
	return false
}

// mutate panics if the index is being iterated: the change would make Each
// miss members or visit them twice.
func (ix *Index[M]) mutate() {
	if ix.depth != 0 {
		panic("rooms: Index changed from within Each")
	}
}
