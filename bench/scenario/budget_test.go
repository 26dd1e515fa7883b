//go:build !race

package scenario_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/bench/scenario"
)

// TestNoAllocationPerMessage counts what the whole process allocates while
// messages go around. Client and server share it, so the server is one that
// allocates nothing either: the bytes of a TCP connection, sent back.
func TestNoAllocationPerMessage(t *testing.T) {
	if os.Getenv("GODEBUG") != "" {
		t.Skip("GODEBUG changes what is allocated")
	}
	for name, change := range map[string]func(*scenario.Config){
		"text":   func(*scenario.Config) {},
		"binary": func(c *scenario.Config) { c.Binary = true },
	} {
		t.Run(name, func(t *testing.T) {
			c := small(t, "echo", "ws://"+mirror(t)+"/")
			c.Plain, c.Ack, c.Connections, c.Depth = true, false, 4, 8
			change(c)
			var before, after runtime.MemStats
			var first, messages int64
			c.Until(func(p report.Phase, s report.Sample) bool {
				if p != report.Measuring {
					return false
				}
				messages += s.Received
				if first == 0 {
					first = messages
					runtime.ReadMemStats(&before)
				}
				if messages < first+50_000 {
					return false
				}
				runtime.ReadMemStats(&after)
				return true
			})
			wantPassed(t, run(t, c))
			n := after.Mallocs - before.Mallocs
			each := float64(n) / float64(messages-first)
			// The samples of some dozen looks allocate too.
			if each > 0.1 {
				t.Errorf("%.3f allocations for each of %d messages", each, messages-first)
			}
		})
	}
}
