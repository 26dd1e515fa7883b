package mpsc_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/internal/mpsc"
)

func TestSizeIsRoundedUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ size, want int }{{-1, 2}, {0, 2}, {1, 2}, {2, 2}, {3, 4}, {8192, 8192}, {8193, 16384}} {
		if got := mpsc.NewRing[int](tc.size).Cap(); got != tc.want {
			t.Errorf("NewRing(%d).Cap() = %d, want %d", tc.size, got, tc.want)
		}
	}
}

func TestFullRefuses(t *testing.T) {
	t.Parallel()
	r := mpsc.NewRing[int](4)
	for round := range 3 {
		for i := range 4 {
			if !r.TryPush(i) {
				t.Fatalf("round %d: push %d refused", round, i)
			}
		}
		if r.TryPush(4) {
			t.Fatalf("round %d: push into a full ring succeeded", round)
		}
		if r.Len() != 4 {
			t.Fatalf("round %d: Len = %d", round, r.Len())
		}
		for i := range 4 {
			if v, ok := r.Pop(); !ok || v != i {
				t.Fatalf("round %d: Pop = %d, %v, want %d", round, v, ok, i)
			}
		}
		if _, ok := r.Pop(); ok {
			t.Fatalf("round %d: Pop of an empty ring succeeded", round)
		}
	}
}

// TestPopForgets shows that a popped value is no longer reachable through the
// ring.
func TestPopForgets(t *testing.T) {
	t.Parallel()
	r := mpsc.NewRing[*[1 << 10]byte](2)
	collected := make(chan struct{})
	func() {
		v := new([1 << 10]byte)
		runtime.AddCleanup(v, func(c chan struct{}) { close(c) }, collected)
		r.TryPush(v)
		r.Pop()
	}()
	for {
		runtime.GC()
		select {
		case <-collected:
			runtime.KeepAlive(r)
			return
		default:
			runtime.Gosched()
		}
	}
}

// TestProducersAreFIFO pushes from several goroutines through small rings and
// checks the order of each.
func TestProducersAreFIFO(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("procs=%d", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for _, size := range []int{2, 4, 64} {
				fifo(t, size, 4, 5000)
			}
		})
	}
}

func fifo(t *testing.T, size, producers, count int) {
	t.Helper()
	type item struct{ producer, seq int }
	r := mpsc.NewRing[item](size)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for seq := range count {
				for !r.TryPush(item{p, seq}) {
					runtime.Gosched()
				}
			}
		})
	}
	next := make([]int, producers)
	for got := 0; got < producers*count; {
		v, ok := r.Pop()
		if !ok {
			runtime.Gosched()
			continue
		}
		if v.seq != next[v.producer] {
			t.Errorf("size %d: producer %d: got %d, want %d", size, v.producer, v.seq, next[v.producer])
		}
		next[v.producer]++
		got++
	}
	wg.Wait()
	if r.Len() != 0 {
		t.Errorf("size %d: Len = %d at the end", size, r.Len())
	}
}

// TestCloseStrandsNothing closes the ring while producers push: everything
// that was accepted is popped, nothing else.
func TestCloseStrandsNothing(t *testing.T) {
	t.Parallel()
	for range 200 {
		r := mpsc.NewRing[int](1024)
		var accepted atomic.Int64
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for range 3 {
			wg.Go(func() {
				<-begin
				for r.TryPush(1) {
					accepted.Add(1)
				}
			})
		}
		close(begin)
		for range 20 {
			runtime.Gosched()
		}
		r.Close()
		got := int64(0)
		r.Drain(func(v int) { got += int64(v) })
		wg.Wait()
		if got != accepted.Load() {
			t.Fatalf("drained %d, accepted %d", got, accepted.Load())
		}
		if !r.Closed() || r.TryPush(1) || r.Len() != 0 {
			t.Fatalf("closed ring: Closed %v, Len %d", r.Closed(), r.Len())
		}
	}
}

// FuzzModel compares the ring with a slice: even bytes push, odd bytes pop.
func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 1, 1, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0})
	f.Add([]byte{1, 2, 255, 2, 2, 2, 1, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		r := mpsc.NewRing[int](4)
		var model []int
		closed := false
		for i, op := range ops {
			switch {
			case op == 255:
				r.Close()
				closed = true
			case op%2 == 0:
				want := !closed && len(model) < 4
				if got := r.TryPush(i); got != want {
					t.Fatalf("op %d: push = %v, want %v", i, got, want)
				}
				if want {
					model = append(model, i)
				}
			default:
				v, ok := r.Pop()
				if ok != (len(model) > 0) || ok && v != model[0] {
					t.Fatalf("op %d: pop = %d, %v; model %v", i, v, ok, model)
				}
				if ok {
					model = model[1:]
				}
			}
			if r.Len() != len(model) {
				t.Fatalf("op %d: Len = %d, want %d", i, r.Len(), len(model))
			}
		}
	})
}

func BenchmarkPushPop(b *testing.B) {
	r := mpsc.NewRing[[7]uint64](1024)
	b.ReportAllocs()
	for b.Loop() {
		r.TryPush([7]uint64{})
		r.Pop()
	}
}

// BenchmarkProducers is the time for one item on its way from producers that
// do nothing else to a consumer that does nothing else.
func BenchmarkProducers(b *testing.B) {
	for _, producers := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			r := mpsc.NewRing[[7]uint64](1024)
			var wg sync.WaitGroup
			b.ReportAllocs()
			for p := range producers {
				share := b.N / producers
				if p == 0 {
					share += b.N % producers
				}
				wg.Go(func() { // stops when its share is in
					for range share {
						for !r.TryPush([7]uint64{}) {
							runtime.Gosched()
						}
					}
				})
			}
			for got := 0; got < b.N; {
				if _, ok := r.Pop(); !ok {
					runtime.Gosched()
					continue
				}
				got++
			}
			wg.Wait()
		})
	}
}
