//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// TestPostFIFO pushes from goroutines and from loops through rings of four
// cells: every producer's messages arrive in order, and nobody waits for ever.
func TestPostFIFO(t *testing.T) {
	t.Parallel()
	const loops, outside, count = 3, 4, 3000
	type origin struct{ loop, producer int }
	type tally struct{ next map[origin]uint32 }
	tallies := make([]*tally, loops)
	var got atomic.Int64
	var r *loop.Reactor
	r = start(t, &loop.Options{Loops: loops, RingSize: 4}, func(l *loop.Loop) *hooks {
		ty := &tally{next: map[origin]uint32{}}
		tallies[l.ID()] = ty
		flooded := 0
		return &hooks{message: func(m *loop.Message) {
			if m.Kind == 2 { // flood everybody, myself included
				for range 10 {
					for _, dst := range r.Loops() {
						o := origin{l.ID(), -1}
						if err := dst.Post(loop.Message{Kind: 1, Arg: uint32(flooded), Obj: o}); err != nil {
							t.Errorf("Post: %v", err)
						}
					}
					flooded++
				}
				if flooded < count {
					if err := l.Post(loop.Message{Kind: 2}); err != nil {
						t.Errorf("Post: %v", err)
					}
				}
				return
			}
			o, _ := m.Obj.(origin)
			if want := ty.next[o]; m.Arg != want {
				t.Errorf("loop %d from %v: got %d, want %d", l.ID(), o, m.Arg, want)
			}
			ty.next[o] = m.Arg + 1
			got.Add(1)
		}}
	})
	var wg sync.WaitGroup
	for p := range outside {
		wg.Go(func() {
			for i := range uint32(count) {
				for _, l := range r.Loops() {
					if err := l.Post(loop.Message{Kind: 1, Arg: i, Obj: origin{-1, p}}); err != nil {
						t.Errorf("Post: %v", err)
					}
				}
			}
		})
	}
	for _, l := range r.Loops() {
		if err := l.Post(loop.Message{Kind: 2}); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	until(t, "all messages", func() bool { return got.Load() == loops*count*(outside+loops) })
	if r.Counters().RingFull == 0 {
		t.Error("the ring was never full: the test tests nothing")
	}
}

// TestTwoLoopsFloodEachOther must make progress although both rings are full.
func TestTwoLoopsFloodEachOther(t *testing.T) {
	t.Parallel()
	var left [2]atomic.Int64
	r := start(t, &loop.Options{Loops: 2, RingSize: 2}, func(l *loop.Loop) *hooks {
		return &hooks{message: func(*loop.Message) {
			if left[l.ID()].Add(-1) < 0 {
				return
			}
			other := l.Reactor().Loops()[1-l.ID()]
			for range 2 {
				if err := other.Post(loop.Message{Kind: 1}); err != nil {
					t.Errorf("Post: %v", err)
				}
			}
		}}
	})
	left[0].Store(20_000)
	left[1].Store(20_000)
	if err := r.Loops()[0].Post(loop.Message{Kind: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, "both are through", func() bool { return left[0].Load() < 0 && left[1].Load() < 0 })
}

// TestNoLostWakeup posts to sleeping loops one message at a time.
func TestNoLostWakeup(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("procs=%d", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			ack := make(chan uint32, 1)
			r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
				return &hooks{message: func(m *loop.Message) { ack <- m.Arg }}
			})
			l := r.Loops()[0]
			for i := range uint32(10_000) {
				if err := l.Post(loop.Message{Kind: 1, Arg: i}); err != nil {
					t.Fatal(err)
				}
				if got := recv(t, ack); got != i {
					t.Fatalf("got %d, want %d", got, i)
				}
			}
		})
	}
}

func TestPostErrors(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1, RingSize: 2}, func(*loop.Loop) *hooks { return &hooks{} })
	l := r.Loops()[0]
	if err := l.Post(loop.Message{Kind: 0x100}); err == nil {
		t.Error("a reserved kind was taken")
	}
	if err := l.TryPost(loop.Message{Kind: 0x100}); err == nil {
		t.Error("a reserved kind was taken")
	}
	busy, release := make(chan struct{}), make(chan struct{})
	if err := l.Post(loop.Message{Kind: kindRun, Obj: func() { close(busy); <-release }}); err != nil {
		t.Fatal(err)
	}
	recv(t, busy)
	for range 2 {
		if err := l.TryPost(loop.Message{Kind: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.TryPost(loop.Message{Kind: 1}); !errors.Is(err, loop.ErrFull) {
		t.Errorf("full ring: %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- l.Post(loop.Message{Kind: 1}) }() // ends when there is room
	until(t, "somebody waits", func() bool { return r.Counters().RingFull >= 2 })
	close(release)
	if err := recv(t, waited); err != nil {
		t.Errorf("Post after waiting: %v", err)
	}
	shutdown(t, r)
	if err := l.Post(loop.Message{Kind: 1}); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Post after Shutdown: %v", err)
	}
	if err := l.TryPost(loop.Message{Kind: 1}); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("TryPost after Shutdown: %v", err)
	}
}

func TestPostBeforeStart(t *testing.T) {
	t.Parallel()
	got := make(chan uint32, 10)
	r, err := loop.New(&loop.Options{Loops: 1, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler {
		return &hooks{message: func(m *loop.Message) { got <- m.Arg }}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(3) {
		if err := r.Loops()[0].Post(loop.Message{Kind: 1, Arg: i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(3) {
		if v := recv(t, got); v != i {
			t.Errorf("got %d, want %d", v, i)
		}
	}
	shutdown(t, r)
}

func TestOnLoop(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 2}, func(*loop.Loop) *hooks { return &hooks{} })
	a, b := r.Loops()[0], r.Loops()[1]
	if a.ID() != 0 || b.ID() != 1 || a.Reactor() != r {
		t.Error("ID or Reactor is wrong")
	}
	if a.OnLoop() {
		t.Error("the test is on the loop")
	}
	on(t, a, func() {
		if !a.OnLoop() || b.OnLoop() {
			t.Errorf("on a: %v, %v", a.OnLoop(), b.OnLoop())
		}
	})
}

// FuzzSlots compares the slot table with a map.
func FuzzSlots(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 1, 1, 2, 9})
	f.Fuzz(func(t *testing.T, ops []byte) {
		s := loop.NewSlots[int](driven(&hooks{}))
		model := map[uint32]*int{}
		var live []uint32
		for i, op := range ops {
			switch {
			case op%3 == 0 || len(live) == 0:
				slot := s.Alloc(&i)
				if _, used := model[slot]; used || slot == 0 || slot >= 1<<24 {
					t.Fatalf("op %d: Alloc = %d, used %v", i, slot, used)
				}
				model[slot] = &i
				live = append(live, slot)
			case op%3 == 1:
				at := int(op) % len(live)
				slot := live[at]
				live = append(live[:at], live[at+1:]...)
				delete(model, slot)
				s.Free(slot)
				s.Free(slot) // harmless
				if s.Get(slot) != nil {
					t.Fatalf("op %d: slot %d has an owner", i, slot)
				}
			default:
				s.Get(uint32(op) << 16)
			}
			for slot, want := range model {
				if s.Get(slot) != want {
					t.Fatalf("op %d: Get(%d) = %p, want %p", i, slot, s.Get(slot), want)
				}
			}
		}
	})
}

// TestSlotsAreReusedLate frees one slot and counts the allocations until it
// comes back.
func TestSlotsAreReusedLate(t *testing.T) {
	t.Parallel()
	s := loop.NewSlots[int](driven(&hooks{}))
	owner := new(int)
	first := s.Alloc(owner)
	s.Free(first)
	for i := range loop.SlotReserve {
		slot := s.Alloc(owner)
		if slot == first {
			t.Fatalf("slot %d came back after %d", first, i)
		}
		s.Free(slot)
	}
	if slot := s.Alloc(owner); slot != first {
		t.Errorf("slot %d, want %d: freed slots are not reused in order", slot, first)
	}
}
