//go:build !race

package sio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// BenchmarkRecovery is what a message costs with recovery and without: an inline
// echo of 64 bytes, an event from elsewhere to one socket, and a broadcast to a
// hundred sockets, without descriptors.
func BenchmarkRecovery(b *testing.B) {
	payload := strings.Repeat("x", 64)
	for _, recovery := range []*sio.RecoveryOptions{nil, {}} {
		name := "off"
		if recovery != nil {
			name = "on"
		}
		start := func(clients int) (*sio.Server, func(), func()) {
			srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, Logger: discard, ConnectionStateRecovery: recovery})
			if err != nil {
				b.Fatal(err)
			}
			srv.Root().Inline().Handle("echo", func(e *sio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
			frame := masked(fmt.Sprintf(`42["echo",%q]`, payload))
			input := make([]byte, len(frame))
			c := srv.OpenFake(0, nil)
			c.Inject([]byte(upgradeRequest))
			c.Inject(masked("40"))
			for range clients - 1 {
				c := srv.OpenFake(0, nil)
				c.Inject([]byte(upgradeRequest))
				c.Inject(masked("40"))
			}
			loops[0].Drive()
			return srv, func() { copy(input, frame); c.Inject(input); loops[0].Drive() }, loops[0].Drive
		}
		b.Run("echo/"+name, func(b *testing.B) {
			_, echo, _ := start(1)
			b.ReportAllocs()
			for b.Loop() {
				echo()
			}
		})
		b.Run("broadcast/"+name, func(b *testing.B) {
			srv, _, drive := start(100)
			b.ReportAllocs()
			for b.Loop() {
				if err := srv.Emit("tick", payload); err != nil {
					b.Fatal(err)
				}
				drive()
			}
		})
	}
}
