//go:build !race

package wsframe_test

import (
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/wsframe"
)

// heap returns how many bytes of the heap are in use, after a collection, and
// how many have ever been allocated.
func heap() (inUse, ever int) {
	runtime.GC()
	runtime.GC() // the pools keep what they hold through the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), int(m.TotalAlloc)
}

// TestBombPeak is row A54: a payload that becomes a thousand times as much, and
// some that begin harmlessly, take no more memory than the largest message and
// 64 KiB. What is in use is measured before the last byte of the payload, and
// then everything is counted that its last byte has allocated: nothing of that
// is assumed to have been collected.
func TestBombPeak(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const limit = wsframe.DefaultMaxMessage
	big := bomb(t, limit)
	stored := func(n int) string { // blocks that are not compressed
		return strings.Repeat("\x00\xff\xff\x00\x00"+strings.Repeat("x", 1<<16-1), n>>16)
	}
	for _, tt := range []struct {
		name, payload string
	}{
		{"1 MB to 1 GB", big},
		{"500 KB to 500 MB", bomb(t, limit/2)},
		{"100 KB to 100 MB", bomb(t, limit/10)},
		{"10 KB to 10 MB", bomb(t, limit/100)},
		{"900 KB as they are, then 90 MB", stored(900_000) + bomb(t, 90_000)},
		{"500 KB as they are, then 100 MB", stored(500_000) + bomb(t, 100_000)},
	} {
		fragments := frame(rsv1|bin, tt.payload[:1000])
		for p := range chunks([]byte(tt.payload[1000:]), 4000) {
			fragments = join(fragments, frame(cont, string(p)))
		}
		for how, in := range map[string][]byte{"one frame": frame(fin|rsv1|bin, tt.payload), "fragments": join(fragments, frame(fin|cont, "\x00"))} {
			cfg := inflating(limit)
			feed(t, cfg, chunks(frame(fin|rsv1|bin, squeeze(t, messages()["json"])), 1000)) // the inflater has what it keeps
			before, _ := heap()
			var r wsframe.Reader
			for p := range chunks(in[:len(in)-1], 60_000) {
				if _, _, ok, err := r.Next(cfg, p); ok || err != nil {
					t.Fatalf("%s, %s: ok %v, %v", tt.name, how, ok, err)
				}
			}
			held, start := heap()
			_, _, _, err := r.Next(cfg, in[len(in)-1:])
			_, end := heap()
			var ce *wsframe.CloseError
			if !errors.As(err, &ce) || ce.Code != wsframe.CloseTooBig {
				t.Errorf("%s, %s: %v, want 1009", tt.name, how, err)
			}
			peak := held - before + end - start
			t.Logf("%s, %s: %d bytes held, then at most %d", tt.name, how, held-before, peak)
			if over := peak - limit - 64<<10; over > 0 {
				t.Errorf("%s, %s: at most %d bytes in use, that is %d too many", tt.name, how, peak, over)
			}
			runtime.KeepAlive(in)
		}
	}
}
