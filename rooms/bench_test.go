package rooms_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gannet-io/gannet/rooms"
)

// queue is the part of a socket that an emit touches.
type queue struct {
	entry  rooms.Entry[*queue]
	queued int
	_      [176]byte // the size of a socket
}

// city is n members in one giant room and in small rooms of 10, which have
// shuffled members if shuffle is set.
func city(b *testing.B, n int, shuffle bool) (*rooms.Index[*queue], []*queue, []string) {
	b.Helper()
	ix, qs, small := new(rooms.Index[*queue]), make([]*queue, n), make([]string, n/10)
	for i := range small {
		small[i] = fmt.Sprintf("small-%d", i)
	}
	for i := range qs {
		qs[i] = new(queue)
		qs[i].entry.Value = qs[i]
		ix.Add(&qs[i].entry)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if shuffle {
		order = rand.New(rand.NewPCG(1, 2)).Perm(n)
	}
	for k, i := range order {
		ix.Join(&qs[i].entry, "giant")
		ix.Join(&qs[i].entry, small[k/10])
	}
	return ix, qs, small
}

// warm has a visitor pass through all rooms, so that they have grown.
func warm(ix *rooms.Index[*queue], names []string) {
	visitor := new(queue)
	ix.Add(&visitor.entry)
	for _, name := range names {
		ix.Join(&visitor.entry, name)
		ix.Leave(&visitor.entry, name)
	}
	ix.Remove(&visitor.entry)
}

const cityPeople = 500_000

func BenchmarkEach(b *testing.B) {
	for _, shuffle := range []bool{false, true} {
		ix, _, small := city(b, cityPeople, shuffle)
		suffix := map[bool]string{false: "", true: "/shuffled"}[shuffle]
		emit := func(q *queue) { q.queued++ }
		b.Run("everyone"+suffix, func(b *testing.B) {
			perTarget(b, cityPeople, func(int) { ix.Each(nil, nil, emit) })
		})
		b.Run("giant"+suffix, func(b *testing.B) {
			perTarget(b, cityPeople, func(int) { ix.Each([]string{"giant"}, nil, emit) })
		})
		b.Run("100 rooms"+suffix, func(b *testing.B) {
			perTarget(b, 1000, func(i int) {
				at := i * 100 % (len(small) - 100)
				ix.Each(small[at:at+100], nil, emit)
			})
		})
		b.Run("100 rooms except 10"+suffix, func(b *testing.B) {
			perTarget(b, 900, func(i int) {
				at := i * 100 % (len(small) - 100)
				ix.Each(small[at:at+100], small[at:at+10], emit)
			})
		})
		b.Run("1 room"+suffix, func(b *testing.B) {
			perTarget(b, 10, func(i int) { at := i * 7919 % len(small); ix.Each(small[at:at+1], nil, emit) })
		})
		b.Run("1 room except giant"+suffix, func(b *testing.B) {
			perTarget(b, 10, func(i int) {
				at := i * 7919 % len(small)
				ix.Each(small[at:at+1], []string{"giant"}, emit)
			})
		})
		b.Run("everyone except 1 room"+suffix, func(b *testing.B) {
			perTarget(b, cityPeople, func(i int) { at := i % len(small); ix.Each(nil, small[at:at+1], emit) })
		})
	}
}

// perTarget runs f and reports the time for each of its n targets.
func perTarget(b *testing.B, n int, f func(i int)) {
	b.Helper()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		f(i)
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/target")
}

func BenchmarkJoinLeave(b *testing.B) {
	ix, qs, small := city(b, cityPeople, true)
	warm(ix, small)
	b.Run("small room", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			e, name := &qs[i*7919%len(qs)].entry, small[i*104729%len(small)]
			if joined, _ := ix.Join(e, name); joined {
				ix.Leave(e, name)
			}
			i++
		}
	})
	b.Run("new room", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			e := &qs[i*7919%len(qs)].entry
			ix.Join(e, "new")
			ix.Leave(e, "new")
			i++
		}
	})
	b.Run("giant room", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			e := &qs[i*7919%len(qs)].entry
			ix.Leave(e, "giant")
			ix.Join(e, "giant")
			i++
		}
	})
	b.Run("connect and disconnect", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			e := &qs[i*7919%len(qs)].entry
			ix.Remove(e)
			ix.Add(e)
			ix.Join(e, "giant")
			ix.Join(e, small[i*104729%len(small)])
			i++
		}
	})
}

// BenchmarkMillionRoomsEmpty includes what gives their memory back.
func BenchmarkMillionRoomsEmpty(b *testing.B) {
	const n = 1_000_000
	ix, names := new(rooms.Index[*queue]), make([]string, n)
	qs := make([]queue, n)
	for i := range qs {
		names[i] = fmt.Sprintf("room-%d", i)
		ix.Add(&qs[i].entry)
	}
	for b.Loop() {
		b.StopTimer()
		for i := range qs {
			ix.Join(&qs[i].entry, names[i])
		}
		b.StartTimer()
		for i := range qs {
			ix.Leave(&qs[i].entry, names[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leave")
}
