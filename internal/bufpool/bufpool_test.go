package bufpool_test

import (
	"sync"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
)

func TestGetCapacity(t *testing.T) {
	for _, n := range []int{0, 1, 128, 129, 512, 513, 4096, 4097, 64 << 10, 64<<10 + 1} {
		b := bufpool.Get(n)
		if len(b.B) != 0 || cap(b.B) < n {
			t.Errorf("Get(%d): len %d cap %d", n, len(b.B), cap(b.B))
		}
		b.Release()
	}
}

func TestReferencesReturnToBaseline(t *testing.T) {
	before := bufpool.Live()
	b := bufpool.Get(64)
	b.B = append(b.B, "hello"...)
	var wg sync.WaitGroup
	for range 8 {
		b.Retain()
		wg.Go(func() {
			if string(b.B) != "hello" {
				t.Errorf("shared bytes = %q", b.B)
			}
			b.Release()
		})
	}
	wg.Wait()
	if got := bufpool.Live(); got != before+1 {
		t.Errorf("live = %d, want %d while one reference is held", got, before+1)
	}
	b.Release()
	if got := bufpool.Live(); got != before {
		t.Errorf("live = %d, want %d", got, before)
	}
}

func TestReleaseWithoutReferencePanics(t *testing.T) {
	b := bufpool.Get(1 << 20)
	b.Release()
	defer func() {
		if recover() == nil {
			t.Error("second Release did not panic")
		}
	}()
	b.Release()
}

func TestPart(t *testing.T) {
	b := bufpool.Get(100)
	defer b.Release()
	whole := int64(cap(b.B)) * bufpool.PartsOfByte
	if got := b.Part(); got != whole {
		t.Errorf("the only reference has %d, want all %d", got, whole)
	}
	for range 999 {
		b.Retain()
	}
	if sum := 1000 * b.Part(); sum > whole || sum < whole-1000 {
		t.Errorf("1000 references have %d, want %d", sum, whole)
	}
	for range 999 {
		b.Release()
	}
}
