package rooms

import "maps"

const (
	// maxSpare is how many empty rooms are kept for the next ones.
	maxSpare = 1024
	// minShrink is the capacity from which a list gives memory back.
	minShrink = 64
)

// room is a named list of members: 48 bytes.
type room[M any] struct {
	name    string
	members []member[M]
	id      uint32 // place in Index.table
}

// create makes an empty room.
func (ix *Index[M]) create(name string) *room[M] {
	r := ix.takeRoom()
	r.name = name
	if ix.byName == nil {
		ix.byName = make(map[string]*room[M])
	}
	ix.byName[name] = r
	ix.peak = max(ix.peak, len(ix.byName))
	return r
}

func (ix *Index[M]) takeRoom() *room[M] {
	if n := len(ix.spare); n > 0 {
		r := ix.spare[n-1]
		ix.spare[n-1] = nil
		ix.spare = ix.spare[:n-1]
		return r
	}
	if n := len(ix.freeIDs); n > 0 {
		r := &room[M]{id: ix.freeIDs[n-1]}
		ix.freeIDs = ix.freeIDs[:n-1]
		ix.table[r.id] = r
		return r
	}
	r := &room[M]{id: uint32(len(ix.table))}
	ix.table = append(ix.table, r)
	return r
}

// discard deletes a room that nobody is in. A bounded number of them waits for
// reuse with its members array, which shrink has left with less than minShrink
// places; the rest goes to the garbage collector and leaves only its id.
func (ix *Index[M]) discard(r *room[M]) {
	delete(ix.byName, r.name)
	r.name = "" // lets go of the caller's bytes
	if len(ix.spare) < maxSpare {
		ix.spare = append(ix.spare, r)
	} else {
		ix.table[r.id] = nil
		ix.freeIDs = append(ix.freeIDs, r.id)
	}
	ix.trim()
}

// trim gives back what a peak of rooms has left behind. A map does not shrink
// by itself, so it is copied when it has become an eighth of what it was; the
// table of ids, 12 bytes for each room of the peak, goes when no room is left.
func (ix *Index[M]) trim() {
	if len(ix.byName) == 0 && len(ix.table) > 8*maxSpare {
		ix.byName, ix.table, ix.freeIDs, ix.spare = nil, nil, nil, nil
		ix.peak = 0
		return
	}
	if ix.peak <= 8*maxSpare || len(ix.byName) > ix.peak/8 {
		return
	}
	names := make(map[string]*room[M], len(ix.byName))
	maps.Copy(names, ix.byName)
	ix.byName, ix.peak = names, len(names)
}

// appendTight is append with small steps: most rooms are small, and a doubling
// array would waste a third of all memory in them.
func appendTight[T any](list []T, v T) []T {
	if n := len(list); n == cap(list) {
		grown := make([]T, n, tightCap(n))
		copy(grown, list)
		list = grown
	}
	return append(list, v)
}

// tightCap returns the capacity for a list of n that grows: 1, 2, 4, 6, 8, 10
// and so on, later by a quarter, always even.
func tightCap(n int) int {
	if n < 2 {
		return n + 1
	}
	return (n + max(2, n/4) + 1) &^ 1
}

// shrink halves the capacity of a list that is three quarters empty.
func shrink[T any](list []T) []T {
	if cap(list) < minShrink || len(list) > cap(list)/4 {
		return list
	}
	small := make([]T, len(list), cap(list)/2)
	copy(small, list)
	return small
}
