package rooms

// pass is the scratch memory of one Each. A mark that equals the epoch says
// that the member was visited or is excepted; starting a new epoch therefore
// clears all marks at once.
type pass[M any] struct {
	marks []uint32 // by place in Index.all
	epoch uint32
	rooms []*room[M] // excepted rooms that are asked instead of marked
}

// Each calls f once for every member that is in any of the rooms include and
// in none of the rooms except. No include at all means everyone. f must not
// change the index; it may call Each.
func (ix *Index[M]) Each(include, except []string, f func(M)) {
	ix.depth++
	defer ix.leave()
	switch {
	case len(include) == 0 && len(except) == 0:
		for _, e := range ix.all.All() {
			f(e.Value)
		}
	case len(include) == 0:
		p := ix.begin()
		ix.exceptMembers(p, except)
		for i, e := range ix.all.All() {
			if p.marks[i] != p.epoch {
				f(e.Value)
			}
		}
	case len(include) == 1 && len(except) == 0:
		ix.eachOf(include[0], f)
	default:
		ix.eachUnion(include, except, f)
	}
}

func (ix *Index[M]) leave() { ix.depth-- }

// eachOf visits one room, in which nobody is twice.
func (ix *Index[M]) eachOf(name string, f func(M)) {
	r, own := ix.byName[name], ix.own(name)
	if own != nil {
		f(own.Value)
	}
	if r == nil {
		return
	}
	for _, m := range r.members {
		if m.entry != own {
			f(m.entry.Value)
		}
	}
}

// eachUnion visits several rooms, or one with exceptions.
func (ix *Index[M]) eachUnion(include, except []string, f func(M)) {
	p := ix.begin()
	// To except large rooms from small ones, ask each target whether it is in
	// them instead of marking all their members.
	var excepted []*room[M]
	if ix.total(except) > 4*len(except)*ix.total(include) {
		excepted = ix.exceptRooms(p, except)
	} else {
		ix.exceptMembers(p, except)
	}
	for _, name := range include {
		if own := ix.own(name); own != nil {
			p.visit(own, own.slot-1, excepted, f)
		}
		r := ix.byName[name]
		if r == nil {
			continue
		}
		for _, m := range r.members {
			p.visit(m.entry, m.slot, excepted, f)
		}
	}
}

func (p *pass[M]) visit(e *Entry[M], slot uint32, excepted []*room[M], f func(M)) {
	if p.marks[slot] == p.epoch {
		return
	}
	p.marks[slot] = p.epoch
	for _, r := range excepted {
		if _, ok := find(e, r); ok {
			return
		}
	}
	f(e.Value)
}

// exceptMembers marks the members of rooms.
func (ix *Index[M]) exceptMembers(p pass[M], names []string) {
	for _, name := range names {
		if own := ix.own(name); own != nil {
			p.marks[own.slot-1] = p.epoch
		}
		if r := ix.byName[name]; r != nil {
			for _, m := range r.members {
				p.marks[m.slot] = p.epoch
			}
		}
	}
}

// exceptRooms marks the members that names denote by themselves and returns
// the rooms, in the scratch memory of the pass.
func (ix *Index[M]) exceptRooms(p pass[M], names []string) []*room[M] {
	list := p.rooms[:0]
	for _, name := range names {
		if own := ix.own(name); own != nil {
			p.marks[own.slot-1] = p.epoch
		}
		if r := ix.byName[name]; r != nil {
			list = append(list, r)
		}
	}
	ix.passes[ix.depth-1].rooms = list
	return list
}

// total returns how many memberships rooms have together.
func (ix *Index[M]) total(names []string) int {
	n := 0
	for _, name := range names {
		if r := ix.byName[name]; r != nil {
			n += len(r.members)
		} else {
			n++ // may be a member's own room
		}
	}
	return n
}

// begin starts a new epoch at the present depth.
func (ix *Index[M]) begin() pass[M] {
	for len(ix.passes) < ix.depth {
		ix.passes = append(ix.passes, pass[M]{})
	}
	p := &ix.passes[ix.depth-1]
	if n, all := len(p.marks), ix.all.Len(); n < all || n > 8*all+minShrink {
		p.marks = make([]uint32, all+all/4)
	}
	p.epoch++
	if p.epoch == 0 { // the epochs are used up
		clear(p.marks)
		p.epoch = 1
	}
	return *p
}
