//go:build linux && !race

package sio

import (
	"reflect"
	"runtime/metrics"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gannet-io/gannet/internal/engine"
)

// pongFlag returns where in a client the flag is that says that a pong is
// awaited: of the engine and nobody's business but this measurement's.
func pongFlag(t *testing.T) (offset uintptr, mask uint8) {
	t.Helper()
	eio, ok := reflect.TypeFor[engine.Session]().FieldByName("eio")
	if !ok {
		t.Fatal("engine.Session has no eio")
	}
	flags, ok := eio.Type.FieldByName("flags")
	if !ok || flags.Type.Size() != 1 {
		t.Fatal("eio.Session has no flags of one byte")
	}
	return eio.Offset + flags.Offset, 1
}

func threadTime() time.Duration { return cpuClock(unix.CLOCK_THREAD_CPUTIME_ID) }

func processTime() time.Duration { return cpuClock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func cpuClock(id int32) time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts)
	return time.Duration(ts.Nano())
}

// longestPause returns the upper bound of the longest stop of the world for a
// collection since the process started.
func longestPause() time.Duration {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	h := s[0].Value.Float64Histogram()
	for i, n := range slices.Backward(h.Counts) {
		if n > 0 {
			return time.Duration(h.Buckets[i+1] * 1e9)
		}
	}
	return 0
}

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
