package rooms_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/rooms"
)

// model is the naive index: sets in maps.
type model struct {
	lookup bool                    // names like own3 denote members
	in     map[int]bool            // members of the index
	rooms  map[string]map[int]bool // explicit rooms
}

func (m *model) set(name string) map[int]bool {
	set := maps.Clone(m.rooms[name])
	if set == nil {
		set = map[int]bool{}
	}
	if id, ok := ownID(name); ok && m.lookup && m.in[id] {
		set[id] = true
	}
	return set
}

func (m *model) join(id int, name string) (joined, created bool) {
	if own, ok := ownID(name); !m.in[id] || m.rooms[name][id] || (ok && m.lookup && own == id) {
		return false, false
	}
	if m.rooms[name] == nil {
		m.rooms[name] = map[int]bool{}
		created = true
	}
	m.rooms[name][id] = true
	return true, created
}

func (m *model) leave(id int, name string) (left, deleted bool) {
	if !m.rooms[name][id] {
		return false, false
	}
	delete(m.rooms[name], id)
	if len(m.rooms[name]) == 0 {
		delete(m.rooms, name)
		return true, true
	}
	return true, false
}

func (m *model) leaveAll(id int) {
	for name := range m.rooms {
		m.leave(id, name)
	}
}

func (m *model) of(id int) []string {
	var names []string
	for name, set := range m.rooms {
		if set[id] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *model) each(include, except []string) []int {
	set := map[int]bool{}
	if len(include) == 0 {
		maps.Copy(set, m.in)
	}
	for _, name := range include {
		maps.Copy(set, m.set(name))
	}
	for _, name := range except {
		for id := range m.set(name) {
			delete(set, id)
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// person is a member as sio has them.
type person struct {
	id    int
	entry rooms.Entry[*person]
}

func ownID(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "own")
	id, err := strconv.Atoi(digits)
	return id, ok && err == nil
}

const (
	people    = 12
	roomCount = 10
)

// roomName maps a byte to an ordinary room or to a member's own room.
func roomName(b byte) string {
	if b&0x80 != 0 {
		return fmt.Sprintf("own%d", int(b&0x7f)%people)
	}
	return fmt.Sprintf("room%d", int(b)%roomCount)
}

// world is an index and its model side by side.
type world struct {
	t      testing.TB
	ix     rooms.Index[*person]
	people [people]person
	model  model
	step   int
}

func newWorld(tb testing.TB, lookup bool) *world {
	tb.Helper()
	w := &world{t: tb, model: model{lookup: lookup, in: map[int]bool{}, rooms: map[string]map[int]bool{}}}
	for i := range w.people {
		w.people[i].id = i
		w.people[i].entry.Value = &w.people[i]
	}
	if lookup {
		w.ix.Lookup = func(name string) *rooms.Entry[*person] {
			if id, ok := ownID(name); ok && id < people {
				return &w.people[id].entry // whether it is in the index or not
			}
			return nil
		}
	}
	return w
}

// run interprets data as operations, each an opcode, a member and a room.
func (w *world) run(data []byte) {
	w.t.Helper()
	for w.step = 0; len(data) >= 3; w.step++ {
		op, who, where := data[0], int(data[1])%people, data[2]
		data = data[3:]
		switch op % 10 {
		case 0, 1, 2:
			w.join(who, roomName(where))
		case 3, 4:
			w.leave(who, roomName(where))
		case 5:
			w.ix.Add(&w.people[who].entry)
			w.model.in[who] = true
		case 6:
			w.ix.Remove(&w.people[who].entry)
			w.model.leaveAll(who)
			delete(w.model.in, who)
		case 7:
			w.ix.LeaveAll(&w.people[who].entry)
			w.model.leaveAll(who)
		case 8:
			if where == 0xff {
				w.ix.ExhaustEpochs()
			}
			k := min(int(op/10)%4, len(data))
			l := min(int(where)%4, len(data)-k)
			w.each(names(data[:k]), names(data[k:k+l]))
			data = data[k+l:]
		case 9:
			w.look(who, roomName(where))
		}
		if err := w.ix.Check(); err != nil {
			w.t.Fatalf("step %d, op %d: %v", w.step, op%10, err)
		}
	}
	w.compare()
}

func names(bs []byte) []string {
	var list []string
	for _, b := range bs {
		list = append(list, roomName(b))
	}
	return list
}

func (w *world) join(who int, name string) {
	w.t.Helper()
	joined, created := w.ix.Join(&w.people[who].entry, name)
	wantJoined, wantCreated := w.model.join(who, name)
	if joined != wantJoined || created != wantCreated {
		w.t.Fatalf("step %d: Join(%d, %q) = %v, %v, want %v, %v", w.step, who, name, joined, created, wantJoined, wantCreated)
	}
}

func (w *world) leave(who int, name string) {
	w.t.Helper()
	left, deleted := w.ix.Leave(&w.people[who].entry, name)
	wantLeft, wantDeleted := w.model.leave(who, name)
	if left != wantLeft || deleted != wantDeleted {
		w.t.Fatalf("step %d: Leave(%d, %q) = %v, %v, want %v, %v", w.step, who, name, left, deleted, wantLeft, wantDeleted)
	}
}

// each also checks that a nested Each disturbs neither.
func (w *world) each(include, except []string) {
	w.t.Helper()
	var got, inner []int
	w.ix.Each(include, except, func(p *person) {
		if len(got) == 0 {
			w.ix.Each(except, include, func(p *person) { inner = append(inner, p.id) })
		}
		got = append(got, p.id)
	})
	slices.Sort(got)
	slices.Sort(inner)
	if want := w.model.each(include, except); !slices.Equal(got, want) {
		w.t.Fatalf("step %d: Each(%v, %v) = %v, want %v", w.step, include, except, got, want)
	}
	if want := w.model.each(except, include); len(got) > 0 && !slices.Equal(inner, want) {
		w.t.Fatalf("step %d: nested Each(%v, %v) = %v, want %v", w.step, except, include, inner, want)
	}
}

func (w *world) look(who int, name string) {
	w.t.Helper()
	e, set := &w.people[who].entry, w.model.set(name)
	if got, want := w.ix.In(e, name), set[who]; got != want {
		w.t.Fatalf("step %d: In(%d, %q) = %v, want %v", w.step, who, name, got, want)
	}
	if got, want := w.ix.Len(name), len(set); got != want {
		w.t.Fatalf("step %d: Len(%q) = %d, want %d", w.step, name, got, want)
	}
	if got, want := w.ix.Has(name), len(set) > 0; got != want {
		w.t.Fatalf("step %d: Has(%q) = %v, want %v", w.step, name, got, want)
	}
	got := w.ix.AppendRooms(nil, e)
	slices.Sort(got)
	if want := w.model.of(who); !slices.Equal(got, want) || w.ix.Count(e) != len(want) {
		w.t.Fatalf("step %d: rooms of %d = %v (Count %d), want %v", w.step, who, got, w.ix.Count(e), want)
	}
}

// compare looks at everything.
func (w *world) compare() {
	w.t.Helper()
	got := w.ix.AppendNames(nil)
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(w.model.rooms)); !slices.Equal(got, want) || w.ix.Rooms() != len(want) {
		w.t.Fatalf("rooms = %v (Rooms %d), want %v", got, w.ix.Rooms(), want)
	}
	if w.ix.Size() != len(w.model.in) {
		w.t.Fatalf("Size = %d, want %d", w.ix.Size(), len(w.model.in))
	}
	for who := range people {
		w.look(who, roomName(byte(who)))
		w.look(who, roomName(0x80|byte(who)))
	}
	w.each(nil, nil)
	for a := range byte(roomCount) {
		w.each([]string{roomName(a)}, nil)
		w.each([]string{roomName(a)}, []string{roomName(a + 1)})
		w.each([]string{roomName(a), roomName(a + 3)}, []string{roomName(0x80 | a)})
		w.each(nil, []string{roomName(a), roomName(0x80 | a)})
	}
}

// FuzzIndex compares the index with sets in maps, and checks all cross indices
// after each operation.
func FuzzIndex(f *testing.F) {
	f.Add(false, []byte{5, 0, 0, 0, 0, 1, 8, 0, 0})
	f.Add(true, []byte{5, 0, 0, 5, 1, 0, 0, 0, 0x81, 18, 0, 1, 0x80, 0x81, 9, 0, 0x81})
	f.Fuzz(func(t *testing.T, lookup bool, data []byte) {
		newWorld(t, lookup).run(data)
	})
}
