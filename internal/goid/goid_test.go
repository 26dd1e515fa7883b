package goid_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/gannet-io/gannet/internal/goid"
	"github.com/gannet-io/gannet/internal/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

func TestLiveGoroutinesDiffer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		id   func() uintptr
	}{{"ID", goid.ID}, {"stack", goid.FromStack}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			const n = 64
			ids := make([]uintptr, n)
			release := make(chan struct{})
			var known, done sync.WaitGroup
			known.Add(n)
			for i := range n {
				done.Go(func() {
					ids[i] = tc.id()
					known.Done()
					<-release
					if again := tc.id(); again != ids[i] {
						t.Errorf("goroutine %d: %x, then %x", i, ids[i], again)
					}
				})
			}
			known.Wait()
			seen := map[uintptr]bool{0: true, tc.id(): true}
			for i, id := range ids {
				if seen[id] {
					t.Errorf("goroutine %d: %x is zero or not its own", i, id)
				}
				seen[id] = true
			}
			close(release)
			done.Wait()
		})
	}
}

// TestSurvivesStackGrowth moves the stack and the thread under the goroutine.
func TestSurvivesStackGrowth(t *testing.T) {
	t.Parallel()
	before := goid.ID()
	var grow func(n int) int
	grow = func(n int) int {
		var pad [1024]byte
		if n == 0 {
			return int(pad[0])
		}
		return grow(n-1) + int(pad[n%1024])
	}
	grow(2000)
	for range 100 {
		runtime.Gosched()
	}
	if after := goid.ID(); after != before {
		t.Errorf("%x became %x", before, after)
	}
}

func BenchmarkID(b *testing.B) {
	for b.Loop() {
		goid.ID()
	}
}
