//go:build gannetdebug

package loop

import (
	"sync/atomic"

	"github.com/gannet-io/gannet/internal/goid"
)

const poisonByte = 0xDB

// guard panics when somebody else than the loop's goroutine touches what the
// loop owns.
type guard struct {
	// Atomic: written by the loop when it starts and stops, read by check.
	owner atomic.Uintptr
}

// own makes the calling goroutine the owner.
func (g *guard) own() { g.owner.Store(goid.ID()) }

// disable lets every goroutine pass: driven and stopped loops.
func (g *guard) disable() { g.owner.Store(0) }

func (g *guard) check() {
	if id := g.owner.Load(); id != 0 && id != goid.ID() {
		panic("loop: called from a goroutine that does not own the loop")
	}
}

// poison overwrites bytes whose loan has ended.
func poison(b []byte) {
	for i := range b {
		b[i] = poisonByte
	}
}
