//go:build !race

package mpsc_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/mpsc"
)

func TestPushAndPopDoNotAllocate(t *testing.T) {
	r := mpsc.NewRing[[7]uint64](8)
	if n := testing.AllocsPerRun(1000, func() { r.TryPush([7]uint64{}); r.Pop() }); n != 0 {
		t.Errorf("allocs = %v, want 0", n)
	}
}
