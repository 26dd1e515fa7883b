//go:build !race

package rooms_test

import (
	"fmt"
	"testing"
	"unsafe"
)

// mapRooms is the obvious index, sets in maps on both sides, to compare with.
type mapRooms struct {
	rooms map[string]map[*queue]struct{}
	in    map[*queue]map[string]struct{}
}

func (m *mapRooms) join(q *queue, name string) {
	if m.rooms[name] == nil {
		m.rooms[name] = map[*queue]struct{}{}
	}
	m.rooms[name][q] = struct{}{}
	if m.in[q] == nil {
		m.in[q] = map[string]struct{}{}
	}
	m.in[q][name] = struct{}{}
}

func (m *mapRooms) leave(q *queue, name string) {
	delete(m.in[q], name)
	delete(m.rooms[name], q)
	if len(m.rooms[name]) == 0 {
		delete(m.rooms, name)
	}
}

func (m *mapRooms) union(include []string, f func(*queue)) {
	if len(include) == 1 {
		for q := range m.rooms[include[0]] {
			f(q)
		}
		return
	}
	seen := map[*queue]struct{}{}
	for _, name := range include {
		for q := range m.rooms[name] {
			if _, ok := seen[q]; !ok {
				seen[q] = struct{}{}
				f(q)
			}
		}
	}
}

// BenchmarkVersusMaps does the same work with the index and with maps, in
// turn: 100,000 members, each in a giant room and in one of 10.
func BenchmarkVersusMaps(b *testing.B) {
	const n = 100_000
	before := heap()
	ix, qs, small := city(b, n, true)
	between := heap()
	m := &mapRooms{rooms: map[string]map[*queue]struct{}{}, in: map[*queue]map[string]struct{}{}}
	for _, q := range qs {
		for _, name := range ix.AppendRooms(nil, &q.entry) {
			m.join(q, name)
		}
	}
	after := heap()
	warm(ix, small)
	emit := func(q *queue) { q.queued++ }
	step := func(i int) (*queue, string) { return qs[i*7919%n], small[i*104729%len(small)] }
	for _, c := range []struct {
		name        string
		index, maps func(i int)
	}{
		{
			"giant",
			func(int) { ix.Each([]string{"giant"}, nil, emit) },
			func(int) { m.union([]string{"giant"}, emit) },
		},
		{
			"100 rooms",
			func(i int) { ix.Each(small[i%9000:i%9000+100], nil, emit) },
			func(i int) { m.union(small[i%9000:i%9000+100], emit) },
		},
		{
			"join and leave",
			func(i int) { q, name := step(i); ix.Join(&q.entry, name); ix.Leave(&q.entry, name) },
			func(i int) { q, name := step(i); m.join(q, name); m.leave(q, name) },
		},
	} {
		for _, side := range []struct {
			name string
			do   func(i int)
		}{{"index", c.index}, {"maps", c.maps}} {
			b.Run(fmt.Sprintf("%s/%s", c.name, side.name), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					side.do(i)
					i++
				}
			})
		}
	}
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			_ = len(qs)
		}
		entry := unsafe.Sizeof(qs[0].entry)
		members := float64(unsafe.Sizeof(*qs[0]) - entry)
		b.ReportMetric(float64(between-before)/n-members, "index-B/member") // names included on this side only
		b.ReportMetric(float64(after-between)/n, "maps-B/member")
	})
}
