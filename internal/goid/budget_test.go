//go:build !race

package goid_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/goid"
)

func TestIDDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(1000, func() { goid.ID() }); n != 0 {
		t.Errorf("allocs = %v, want 0", n)
	}
}
