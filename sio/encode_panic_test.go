package sio_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/sio"
)

// A bomb cannot be encoded.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("boom") }

// TestPanicWhileEncoding has MarshalJSON panic in everything that encodes, on
// the loop and off it: no pooled packet is lost. It is not parallel: it counts
// them.
func TestPanicWhileEncoding(t *testing.T) {
	for name, emit := range map[string]func(e *sio.Event) error{
		"Emit":        func(e *sio.Event) error { return e.Socket().Emit("x", bomb{}) },
		"Emit behind": func(e *sio.Event) error { _ = e.Socket().Emit("a", 1); return e.Socket().Emit("x", bomb{}) },
		"broadcast":   func(e *sio.Event) error { return e.Socket().Namespace().Emit("x", bomb{}) },
		"EmitAck":     func(e *sio.Event) error { return e.Socket().EmitAck("x", func(*sio.Reply, error) {}, bomb{}) },
		"Encode":      func(*sio.Event) error { _, err := sio.Encode("x", bomb{}); return err },
		"Ack":         func(e *sio.Event) error { return e.Ack(bomb{}) },
	} {
		t.Run(name, func(t *testing.T) {
			before := bufpool.Live()
			srv, l := drivenServer(t, &sio.Options{})
			srv.Root().Inline().Handle("go", func(e *sio.Event) error {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				return emit(e)
			})
			c := newTap(t, srv, l, "/")
			c.say(`27["go"]`)
			l.Drive()
			c.read()
			if got := bufpool.Live(); got != before {
				t.Errorf("%d live packets, want %d", got, before)
			}
			if err := srv.LocalSockets()[0].Emit("after"); err != nil {
				t.Error(err)
			}
			if got := c.read(); len(got) != 1 || got[0] != `42["after"]` {
				t.Errorf("after the panic it gets %q", got)
			}
		})
	}
}
