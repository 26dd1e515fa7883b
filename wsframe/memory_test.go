package wsframe_test

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/wsframe"
)

// The tests of this file run before the parallel ones, so that the count of
// live buffers is theirs alone.

func TestReaderIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(wsframe.Reader{}); n > 64 {
		t.Errorf("a Reader has %d bytes, the budget is 64", n)
	}
}

// TestBuffersComeBack reads, cuts and abandons every script and expects that
// no buffer stays out.
func TestBuffersComeBack(t *testing.T) {
	before := bufpool.Live()
	for _, s := range allScripts() {
		cfg := &wsframe.Config{MaxMessage: s.limit, FromServer: s.client}
		for _, n := range []int{1, 3, 1 << 20} {
			var r wsframe.Reader
			for p := range chunks(bytes.Clone(s.in), n) {
				for ok := true; ok; {
					var err error
					if _, p, ok, err = r.Next(cfg, p); err != nil && bufpool.Live() != before {
						t.Fatalf("%s: %d buffers after the error", s.name, bufpool.Live()-before)
					}
				}
				if !r.Partial() && bufpool.Live() != before {
					t.Fatalf("%s: an idle reader keeps %d buffers", s.name, bufpool.Live()-before)
				}
			}
			r.Release()
			if bufpool.Live() != before {
				t.Fatalf("%s: %d buffers after Release", s.name, bufpool.Live()-before)
			}
		}
	}
}

// allScripts returns the streams of all tables.
func allScripts() []script {
	var s []script
	for _, f := range []func() []script{headerScripts, messageScripts, fragmentScripts, limitScripts, closeScripts, textScripts} {
		s = append(s, f()...)
	}
	return s
}

// TestDeclaredLengthAllocatesNothing is row A37, and its neighbour: a length
// within the limit is not believed either until the bytes arrive.
func TestDeclaredLengthAllocatesNothing(t *testing.T) {
	cfg := &wsframe.Config{MaxMessage: 100 << 20}
	before := bufpool.Live()
	var r wsframe.Reader
	if _, _, ok, err := r.Next(cfg, length64(bin, 90<<20)); ok || err != nil || r.Held() != 0 || bufpool.Live() != before {
		t.Fatalf("header alone: ok %v, err %v, %d bytes held", ok, err, r.Held())
	}
	if _, _, ok, err := r.Next(cfg, []byte("x")); ok || err != nil || r.Held() > 512 {
		t.Fatalf("one byte: ok %v, err %v, %d bytes held", ok, err, r.Held())
	}
	r.Release()
	for _, n := range []uint64{1 << 34, 1 << 62, 1 << 63} {
		if _, _, _, err := r.Next(cfg, length64(bin, n)); err == nil || r.Held() != 0 || bufpool.Live() != before {
			t.Errorf("%d declared: err %v, %d bytes held", n, err, r.Held())
		}
		r.Release()
	}
}

// TestHeldFollowsTheBytes checks after every piece that the buffer is bounded
// by the bytes that arrived and by what the message can still become.
func TestHeldFollowsTheBytes(t *testing.T) {
	const limit = 1_000_000
	for _, c := range []struct {
		name  string
		in    []byte
		piece int
	}{
		{"A43 one-byte fragments", fragments(1024, 1), 7},
		{"A43 small fragments", fragments(20_000, 48), 1000},
		{"A45 single bytes", frame(fin|text, strings.Repeat("x", 70_000)), 1},
		{"segments", frame(fin|bin, strings.Repeat("x", limit)), 1448},
		{"reads of 64 KiB", frame(bin, strings.Repeat("x", limit)), 64 << 10},
	} {
		cfg := &wsframe.Config{MaxMessage: limit}
		var r wsframe.Reader
		got := 0
		for p := range chunks(c.in, c.piece) {
			if _, _, ok, err := r.Next(cfg, p); err != nil {
				t.Fatalf("%s: ok %v, err %v", c.name, ok, err)
			}
			got += len(p)
			most := max(2*got, 64<<10)
			if got > 128 {
				most = min(most, limit+64<<10)
			}
			if r.Held() > most {
				t.Fatalf("%s: %d bytes held after %d", c.name, r.Held(), got)
			}
		}
		r.Release()
	}
}
