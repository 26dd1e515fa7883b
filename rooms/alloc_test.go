//go:build !race

package rooms_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/gannet-io/gannet/rooms"
)

// The hot paths allocate nothing once the lists have grown.
func TestAllocationBudgets(t *testing.T) {
	ix, ps := crowd(300)
	for i := range ps {
		for r := range 4 {
			ix.Join(&ps[i].entry, fmt.Sprintf("r%d", (i+r)%10))
		}
	}
	ix.Join(&ps[0].entry, "tiny")
	sum := 0
	add := func(p *person) { sum += p.id }
	e := &ps[42].entry
	two, one, big, tiny := []string{"r1", "r2"}, []string{"r3"}, []string{"r4", "r5", "r6"}, []string{"tiny"}
	budgets := []struct {
		name string
		do   func()
	}{
		{"Each everyone", func() { ix.Each(nil, nil, add) }},
		{"Each room", func() { ix.Each(one, nil, add) }},
		{"Each union", func() { ix.Each(two, nil, add) }},
		{"Each union except", func() { ix.Each(two, one, add) }},
		{"Each everyone except", func() { ix.Each(nil, two, add) }},
		{"Each small except large", func() { ix.Each(tiny, big, add) }},
		{"Join and Leave", func() { ix.Join(e, "r7"); ix.Leave(e, "r7") }},
		{"Join and Leave a new room", func() { ix.Join(e, "mine"); ix.Leave(e, "mine") }},
		{"many rooms, LeaveAll", func() {
			for _, r := range [...]string{"r1", "r2", "r3", "r4", "x", "y"} {
				ix.Join(e, r)
			}
			ix.LeaveAll(e)
		}},
		{"Remove and Add, two rooms", func() {
			ix.Remove(e)
			ix.Add(e)
			ix.Join(e, "r1")
			ix.Join(e, "r2")
		}},
		{"In, Len, Has, Count", func() { _ = ix.In(e, "r1") && ix.Has("r2") && ix.Len("r3") > ix.Count(e) }},
	}
	for _, b := range budgets {
		b.do() // grows what has to grow
		if got := testing.AllocsPerRun(200, b.do); got != 0 {
			t.Errorf("%s: %v allocations, want 0", b.name, got)
		}
	}
}

// BenchmarkShorterList shows that joining and leaving look through the shorter
// of two lists: neither a giant room nor a member of a great many rooms makes
// them slow.
func BenchmarkShorterList(b *testing.B) {
	const n = 50_000
	ix, ps := crowd(n)
	heavy, light := &ps[0].entry, &ps[1].entry
	for i := range ps {
		ix.Join(&ps[i].entry, "giant")
	}
	for i := range n {
		ix.Join(heavy, fmt.Sprintf("r%d", i))
	}
	ix.Join(&ps[2].entry, "small")
	for name, f := range map[string]func(){
		"light member, small room": func() { ix.Join(light, "small"); ix.Leave(light, "small") },
		"light member, giant room": func() { ix.Leave(light, "giant"); ix.Join(light, "giant") },
		"heavy member, small room": func() { ix.Join(heavy, "small"); ix.Leave(heavy, "small") },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
}

// TestMemoryOfManyRooms measures rooms of 10: 100,000 of them here, 1,000,000
// in BenchmarkMemory.
func TestMemoryOfManyRooms(t *testing.T) {
	f := measure(100_000, 10)
	if f.room > 400 {
		t.Errorf("a room of 10 takes %.1f bytes, want at most 400", f.room)
	}
	if f.single > 150 {
		t.Errorf("a room of 1 takes %.1f bytes, want at most 150", f.single)
	}
	if f.kept > 3 {
		t.Errorf("%.1f bytes per former room are kept after all have left, want at most 3", f.kept)
	}
}

func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		f := measure(1_000_000, 10)
		b.ReportMetric(f.member, "B/member")
		b.ReportMetric(f.single, "B/room-of-1")
		b.ReportMetric(f.membership, "B/further-membership")
		b.ReportMetric(f.room, "B/room-of-10")
		b.ReportMetric(f.kept, "B/former-room")
	}
}

// footprint is bytes of heap, names and the entries themselves not counted.
type footprint struct {
	member     float64 // a member in no room
	single     float64 // a room with one member
	membership float64 // one more membership
	room       float64 // a room of the full size, with all its memberships
	kept       float64 // per room, after all members have left
}

func measure(count, size int) (f footprint) {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("room-%09d", i)
	}
	ps := make([]person, count)
	n, base := float64(count), heap()

	ix := new(rooms.Index[*person])
	for i := range ps {
		ps[i].entry.Value = &ps[i]
		ix.Add(&ps[i].entry)
	}
	added := heap()
	for i := range ps {
		ix.Join(&ps[i].entry, names[i])
	}
	alone := heap()
	for k := 1; k < size; k++ {
		for i := range ps {
			ix.Join(&ps[i].entry, names[(i+k*7919)%count])
		}
	}
	full := heap()
	for i := range ps {
		ix.Remove(&ps[i].entry)
	}
	left := heap()
	runtime.KeepAlive(ix)
	runtime.KeepAlive(names)
	runtime.KeepAlive(ps)
	return footprint{
		member:     float64(added-base) / n,
		single:     float64(alone-added) / n,
		membership: float64(full-alone) / n / float64(size-1),
		room:       float64(full-added) / n,
		kept:       float64(left-base) / n,
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
