//go:build (linux || darwin || dragonfly || freebsd || netbsd || openbsd) && gannetdebug

package loop_test

import (
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// TestGuard calls owned methods from a foreign goroutine.
func TestGuard(t *testing.T) {
	t.Parallel()
	p := connect(t, "tcp")
	for name, f := range map[string]func(){
		"Send":        func() { p.c.Send(nil) },
		"Queued":      func() { p.c.Queued() },
		"Close":       func() { p.c.Close(nil) },
		"SetDeadline": func() { p.c.SetDeadline(1) },
		"Now":         func() { p.l.Now() },
		"SetTimer":    func() { p.l.SetTimer(new(loop.Timer), 1) },
		"Due":         func() { p.l.Due(new(loop.Timer)) },
		"Slots":       func() { loop.NewSlots[int](p.l).Alloc(nil) },
		"Defer":       func() { p.l.Defer(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s from a foreign goroutine did not panic", name)
				}
			}()
			f()
		}()
	}
}

// TestReadBufferDies shows that borrowed bytes are overwritten after Data.
func TestReadBufferDies(t *testing.T) {
	t.Parallel()
	var kept []byte
	h := &hooks{data: func(_ *loop.Conn, b []byte) { kept = b }}
	l := driven(h)
	l.NewFake(nil).Inject([]byte("secret"))
	for i, b := range kept {
		if b != 0xDB {
			t.Errorf("byte %d is still %q", i, b)
		}
	}
}
