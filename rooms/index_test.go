package rooms_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"
	"weak"

	"github.com/gannet-io/gannet/rooms"
)

// crowd is an index of n members without a Lookup.
func crowd(n int) (*rooms.Index[*person], []person) {
	ix, ps := new(rooms.Index[*person]), make([]person, n)
	for i := range ps {
		ps[i].id = i
		ps[i].entry.Value = &ps[i]
		ix.Add(&ps[i].entry)
	}
	return ix, ps
}

func check(t *testing.T, ix *rooms.Index[*person]) {
	t.Helper()
	if err := ix.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestRandomOperationsAgreeWithModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, 3000)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		newWorld(t, seed%2 == 0).run(data)
	}
}

func TestZeroIndex(t *testing.T) {
	t.Parallel()
	var ix rooms.Index[*person]
	p := person{}
	p.entry.Value = &p
	ix.Each(nil, nil, func(*person) { t.Error("Each visits somebody in an empty index") })
	ix.Each([]string{"a", "b"}, []string{"c"}, func(*person) { t.Error("Each visits somebody in an empty index") })
	if ix.Has("a") || ix.Len("a") != 0 || ix.Size() != 0 || ix.Rooms() != 0 || ix.AppendNames(nil) != nil {
		t.Error("the zero Index is not empty")
	}
	if left, deleted := ix.Leave(&p.entry, "a"); left || deleted {
		t.Errorf("Leave = %v, %v before Add", left, deleted)
	}
	ix.Remove(&p.entry)
	ix.LeaveAll(&p.entry)
	check(t, &ix)
}

// A socket's join after its disconnect must be inert (PARITY 8, 50).
func TestJoinOutsideTheIndexIsInert(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(2)
	gone := &ps[1].entry
	ix.Join(gone, "a")
	ix.Remove(gone)
	if joined, created := ix.Join(gone, "a"); joined || created {
		t.Errorf("Join after Remove = %v, %v, want false, false", joined, created)
	}
	if ix.Has("a") || ix.In(gone, "a") || ix.Count(gone) != 0 || len(ix.AppendRooms(nil, gone)) != 0 {
		t.Error("Join after Remove left a trace")
	}
	ix.Add(gone)
	ix.Add(gone)
	if joined, created := ix.Join(gone, "a"); !joined || !created || ix.Size() != 2 {
		t.Errorf("Join after a second Add = %v, %v with %d members", joined, created, ix.Size())
	}
	check(t, ix)
}

func TestResultsTellCreationAndDeletion(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(2)
	a, b := &ps[0].entry, &ps[1].entry
	type result struct{ done, edge bool }
	steps := []struct {
		name string
		do   func() (bool, bool)
		want result
	}{
		{"first joins", func() (bool, bool) { return ix.Join(a, "r") }, result{true, true}},
		{"first joins again", func() (bool, bool) { return ix.Join(a, "r") }, result{false, false}},
		{"second joins", func() (bool, bool) { return ix.Join(b, "r") }, result{true, false}},
		{"first leaves", func() (bool, bool) { return ix.Leave(a, "r") }, result{true, false}},
		{"first leaves again", func() (bool, bool) { return ix.Leave(a, "r") }, result{false, false}},
		{"second leaves", func() (bool, bool) { return ix.Leave(b, "r") }, result{true, true}},
		{"second leaves again", func() (bool, bool) { return ix.Leave(b, "r") }, result{false, false}},
		{"empty name joins", func() (bool, bool) { return ix.Join(a, "") }, result{true, true}},
		{"empty name leaves", func() (bool, bool) { return ix.Leave(a, "") }, result{true, true}},
	}
	for _, s := range steps {
		done, edge := s.do()
		if got := (result{done, edge}); got != s.want {
			t.Fatalf("%s: %+v, want %+v", s.name, got, s.want)
		}
		check(t, ix)
	}
}

func TestEntryInAnotherIndexPanics(t *testing.T) {
	t.Parallel()
	_, ps := crowd(1)
	var other rooms.Index[*person]
	e := &ps[0].entry
	if joined, _ := other.Join(e, "a"); joined || other.In(e, "a") || other.AppendRooms(nil, e) != nil {
		t.Error("an entry of another index can join")
	}
	other.Remove(e)
	other.LeaveAll(e)
	defer func() {
		if recover() == nil {
			t.Error("Add of an entry that is in another index did not panic")
		}
	}()
	other.Add(e)
}

func TestChangingFromWithinEachPanics(t *testing.T) {
	t.Parallel()
	changes := map[string]func(ix *rooms.Index[*person], e *rooms.Entry[*person]){
		"Add":      func(ix *rooms.Index[*person], e *rooms.Entry[*person]) { ix.Add(e) },
		"Remove":   func(ix *rooms.Index[*person], e *rooms.Entry[*person]) { ix.Remove(e) },
		"Join":     func(ix *rooms.Index[*person], e *rooms.Entry[*person]) { ix.Join(e, "x") },
		"Leave":    func(ix *rooms.Index[*person], e *rooms.Entry[*person]) { ix.Leave(e, "x") },
		"LeaveAll": func(ix *rooms.Index[*person], e *rooms.Entry[*person]) { ix.LeaveAll(e) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ix, ps := crowd(3)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				ix.Each(nil, nil, func(p *person) { change(ix, &p.entry) })
			}()
			ix.Join(&ps[0].entry, "after") // the panic has not left the index locked
			check(t, ix)
		})
	}
}

// A panic in f, which the loop recovers, must not spoil the next Each.
func TestPanicInEachIsForgotten(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(8)
	for i := range ps {
		ix.Join(&ps[i].entry, fmt.Sprintf("r%d", i%3))
	}
	func() {
		defer func() { _ = recover() }()
		ix.Each([]string{"r0", "r1"}, []string{"r2"}, func(p *person) { panic(p) })
	}()
	if got := visited(ix, []string{"r0", "r1"}, []string{"r2"}); !slices.Equal(got, []int{0, 1, 3, 4, 6, 7}) {
		t.Errorf("Each after a panic visits %v", got)
	}
}

func visited(ix *rooms.Index[*person], include, except []string) []int {
	var ids []int
	ix.Each(include, except, func(p *person) { ids = append(ids, p.id) })
	slices.Sort(ids)
	return ids
}

func TestEach(t *testing.T) {
	t.Parallel()
	// Members 0…9; "even", "odd", "low" (0…4); Lookup knows "own<i>"; member 3
	// has joined the room called own7.
	w := newWorld(t, true)
	for i := range 10 {
		e := &w.people[i].entry
		w.ix.Add(e)
		w.ix.Join(e, [...]string{"even", "odd"}[i%2])
		if i < 5 {
			w.ix.Join(e, "low")
		}
	}
	w.ix.Join(&w.people[3].entry, "own7")
	tests := []struct {
		name            string
		include, except []string
		want            []int
	}{
		{"everyone", nil, nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"empty include is everyone", []string{}, nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"one room", []string{"even"}, nil, []int{0, 2, 4, 6, 8}},
		{"unknown room", []string{"nobody"}, nil, nil},
		{"union", []string{"even", "low"}, nil, []int{0, 1, 2, 3, 4, 6, 8}},
		{"a room twice", []string{"odd", "odd"}, nil, []int{1, 3, 5, 7, 9}},
		{"everyone except", nil, []string{"low"}, []int{5, 6, 7, 8, 9}},
		{"everyone except unknown", nil, []string{"nobody"}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"room except room", []string{"low"}, []string{"odd"}, []int{0, 2, 4}},
		{"room except itself", []string{"low"}, []string{"low"}, nil},
		{"own id", []string{"own2"}, nil, []int{2}},
		{"own id of nobody", []string{"own11"}, nil, nil},
		{"own id and a room of that name", []string{"own7"}, nil, []int{3, 7}},
		{"own id beside its room", []string{"even", "own2"}, nil, []int{0, 2, 4, 6, 8}},
		{"except own id", []string{"even"}, []string{"own2"}, []int{0, 4, 6, 8}},
		{"everyone except own id", nil, []string{"own0"}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"except own id and a room of that name", nil, []string{"own7"}, []int{0, 1, 2, 4, 5, 6, 8, 9}},
		{"own id except own id", []string{"own2"}, []string{"own2"}, nil},
		{"large except, small include", []string{"own7"}, []string{"even", "odd", "low"}, nil},
		{"large except that misses", []string{"own7"}, []string{"even"}, []int{3, 7}},
		{"large except, own id", []string{"own2"}, []string{"odd", "low"}, nil},
	}
	for _, tt := range tests {
		var got []int
		w.ix.Each(tt.include, tt.except, func(p *person) { got = append(got, p.id) })
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: Each(%v, %v) = %v, want %v", tt.name, tt.include, tt.except, got, tt.want)
		}
	}
	if n := w.ix.Len("own7"); n != 2 {
		t.Errorf("Len(own7) = %d, want 2", n)
	}
	if joined, _ := w.ix.Join(&w.people[7].entry, "own7"); joined {
		t.Error("a member joined its own room, which it is in by Lookup")
	}
	if left, _ := w.ix.Leave(&w.people[2].entry, "own2"); left {
		t.Error("a member left its own room, which is implicit")
	}
	check(t, &w.ix)
}

func TestEpochsWrapAround(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(6)
	for i := range ps {
		ix.Join(&ps[i].entry, fmt.Sprintf("r%d", i%3))
	}
	want := []int{0, 3}
	for range 3 {
		if got := visited(ix, []string{"r0", "r1"}, []string{"r1"}); !slices.Equal(got, want) {
			t.Fatalf("Each = %v, want %v", got, want)
		}
		ix.ExhaustEpochs()
	}
}

// One client joins as many rooms as a server would ever allow (ATTACKS A93):
// neither the last join nor leaving is slower per room for it, whatever the
// size of the rooms, and the memory comes back.
func TestMemberOfManyRooms(t *testing.T) {
	t.Parallel()
	const n = 1 << 16
	ix, ps := crowd(2)
	a := &ps[0].entry
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("room-%d", i)
		if joined, created := ix.Join(a, names[i]); !joined || !created {
			t.Fatalf("Join %d = %v, %v", i, joined, created)
		}
	}
	if ix.Count(a) != n || ix.Rooms() != n || len(ix.AppendRooms(nil, a)) != n {
		t.Fatalf("Count %d, Rooms %d, want %d", ix.Count(a), ix.Rooms(), n)
	}
	check(t, ix)
	for _, name := range names[:n/2] {
		if left, deleted := ix.Leave(a, name); !left || !deleted {
			t.Fatalf("Leave(%s) = %v, %v", name, left, deleted)
		}
	}
	check(t, ix)
	ix.Remove(a)
	check(t, ix)
	if spare, members, table := ix.Spare(); spare > rooms.MaxSpare || members > rooms.MaxSpare*rooms.MinShrink || table > 8*rooms.MaxSpare {
		t.Errorf("after everybody left: %d spare rooms, %d members' places, table of %d", spare, members, table)
	}
}

func TestEmptyRoomsAreReusedWithinABound(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(1)
	e := &ps[0].entry
	for round := range 3 {
		for i := range 5000 {
			ix.Join(e, fmt.Sprintf("%d/%d", round, i))
		}
		ix.LeaveAll(e)
		check(t, ix)
		if got, _, table := ix.Spare(); got != rooms.MaxSpare || table > 5000 {
			t.Fatalf("round %d: %d spare rooms and a table of %d, want %d and at most 5000", round, got, table, rooms.MaxSpare)
		}
	}
}

// What the index keeps for reuse holds no member back.
func TestRemovedMembersAreCollected(t *testing.T) {
	t.Parallel()
	ix := new(rooms.Index[*person])
	stay := &person{}
	ix.Add(&stay.entry)
	var gone []weak.Pointer[person]
	for i := range 100 {
		p := &person{id: i}
		p.entry.Value = p
		ix.Add(&p.entry)
		for r := range 1 + i%5 {
			ix.Join(&p.entry, fmt.Sprintf("r%d", r))
		}
		gone = append(gone, weak.Make(p))
	}
	for _, name := range []string{"r0", "r4"} { // these rooms live on
		ix.Join(&stay.entry, name)
	}
	visited(ix, []string{"r1"}, []string{"r0"})
	for _, p := range gone {
		ix.Remove(&p.Value().entry)
	}
	runtime.GC()
	for i, p := range gone {
		if p.Value() != nil {
			t.Errorf("member %d is still reachable", i)
		}
	}
	check(t, ix)
}

func TestRemoveKeepsTheOthers(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(1000)
	for i := range ps {
		for r := range i % 7 {
			ix.Join(&ps[i].entry, fmt.Sprintf("r%d", r))
		}
	}
	order := rand.New(rand.NewPCG(7, 7)).Perm(len(ps))
	for k, i := range order {
		ix.Remove(&ps[i].entry)
		if k%50 == 0 {
			check(t, ix)
		}
	}
	check(t, ix)
	if ix.Size() != 0 || ix.Rooms() != 0 {
		t.Errorf("%d members and %d rooms are left", ix.Size(), ix.Rooms())
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(rooms.Entry[*person]{}); got > 40 {
		t.Errorf("an Entry takes %d bytes, want at most 40", got)
	}
	for n, want := range map[int]int{0: 1, 1: 2, 2: 4, 4: 6, 8: 10, 16: 20, 100: 126} {
		if got := rooms.TightCap(n); got != want {
			t.Errorf("a list of %d grows to %d, want %d", n, got, want)
		}
	}
}

// Excepting a giant room from a small one must not cost a visit to everybody
// in the giant one, nor the other way round.
func TestExceptMarksTheShorterSide(t *testing.T) {
	t.Parallel()
	ix, ps := crowd(1000)
	ix.Lookup = func(name string) *rooms.Entry[*person] {
		if id, ok := ownID(name); ok {
			return &ps[id].entry
		}
		return nil
	}
	for i := range ps {
		if i < 990 {
			ix.Join(&ps[i].entry, "giant")
		}
		if i%2 == 0 && i > 980 {
			ix.Join(&ps[i].entry, "small")
		}
	}
	tests := []struct {
		include, except []string
		want            []int
		marked          int // at most
	}{
		{[]string{"small"}, []string{"giant"}, []int{990, 992, 994, 996, 998}, 9},
		{[]string{"small"}, []string{"giant", "own992"}, []int{990, 994, 996, 998}, 9},
		{[]string{"small"}, []string{"own992"}, []int{990, 994, 996, 998, 982, 984, 986, 988}, 9},
		{[]string{"own7"}, []string{"giant"}, nil, 1},
		{[]string{"own7", "own995"}, []string{"giant", "small"}, []int{995}, 2},
		{nil, []string{"small"}, nil, 9},
	}
	for _, tt := range tests {
		got := visited(ix, tt.include, tt.except)
		slices.Sort(tt.want)
		if tt.include != nil && !slices.Equal(got, tt.want) {
			t.Errorf("Each(%v, %v) = %v, want %v", tt.include, tt.except, got, tt.want)
		}
		if n := ix.Marked(); n > tt.marked {
			t.Errorf("Each(%v, %v) marked %d members, want at most %d", tt.include, tt.except, n, tt.marked)
		}
	}
}

func TestListsShrink(t *testing.T) {
	t.Parallel()
	const n = 20_000
	ix, ps := crowd(n)
	for i := range ps {
		ix.Join(&ps[i].entry, "giant")
		ix.Join(&ps[i].entry, fmt.Sprintf("r%d", i))
	}
	if ix.Peak() != n+1 || ix.Capacity("giant") < n {
		t.Fatalf("peak %d, capacity %d", ix.Peak(), ix.Capacity("giant"))
	}
	for i := range ps[10:] {
		ix.Remove(&ps[10+i].entry)
	}
	if c := ix.Capacity("giant"); c >= rooms.MinShrink {
		t.Errorf("a room of 10 keeps space for %d", c)
	}
	if p := ix.Peak(); p > n/8 {
		t.Errorf("an index of 11 rooms has space for about %d", p)
	}
	check(t, ix)
}
