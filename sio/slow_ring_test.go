package sio_test

import (
	"errors"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestVolatileAndAFullRing emits more than the ring of a loop that does not run
// can hold: nothing waits, and everything is accounted for.
func TestVolatileAndAFullRing(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*sio.Options{
		"plain":         {},
		"with recovery": {ConnectionStateRecovery: &sio.RecoveryOptions{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, l, clients := receiversWith(t, 1, opts)
			const broadcasts, events = 10_000, 100
			before, refused := srv.Stats(), 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range broadcasts {
					_ = srv.Root().Volatile().Emit("all")
				}
				for range events {
					if errors.Is(clients[0].socket.Volatile().Emit("one"), sio.ErrDropped) {
						refused++
					}
				}
			}()
			<-done
			for l.Pending() {
				l.Drive()
			}
			st := srv.Stats()
			sent, dropped := st.EventsOut-before.EventsOut, st.VolatileDrops-before.VolatileDrops
			if sent == 0 || refused == 0 || sent+dropped != broadcasts+events {
				t.Errorf("%d sent, %d dropped, of these %d refused with an error; want %d in all", sent, dropped, refused, broadcasts+events)
			}
		})
	}
}
