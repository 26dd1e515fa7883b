package scenario

import (
	"slices"
	"testing"
)

// TestStamp writes and reads stamps, with values at both ends.
func TestStamp(t *testing.T) {
	t.Parallel()
	for _, want := range []stamp{
		{kind: kindEcho},
		{kind: kindRoom, run: 1<<12 - 1, sender: 1<<24 - 1, seq: 1<<36 - 1, time: 1<<48 - 1, room: 1<<24 - 1},
		{kind: kindBroadcast, run: 77, sender: 123456, seq: 987654321, time: 12_345_678_901, room: 42},
	} {
		for _, size := range []int{stampSize, 33, 1000} {
			b := pad(size, size == 1000)
			want.seal(b)
			var got stamp
			if !got.read(b) || got != want {
				t.Errorf("%d bytes: got %+v, want %+v", size, got, want)
			}
		}
	}
}

// TestStampSeesEveryByte changes each byte of a payload in turn.
func TestStampSeesEveryByte(t *testing.T) {
	t.Parallel()
	s := stamp{kind: kindEcho, run: 5, sender: 9, seq: 17, time: 1e9, room: 3}
	for _, size := range []int{stampSize, 80} {
		good := pad(size, false)
		s.seal(good)
		for i := range good {
			for _, flip := range []byte{1, 0x20, 0x80} {
				b := slices.Clone(good)
				b[i] ^= flip
				var got stamp
				if got.read(b) {
					t.Fatalf("byte %d of %d was changed by %#x and nobody noticed", i, size, flip)
				}
			}
		}
		var got stamp
		if got.read(good[:size-1]) || got.read(append(slices.Clone(good), 'A')) {
			t.Error("a payload that was cut or grew is taken for whole")
		}
	}
}

// FuzzTrack compares a track with a list of all that came.
func FuzzTrack(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{0, 2, 1, 1, 9, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		var tr track
		had := map[uint64]bool{}
		highest := -1
		for _, b := range in {
			want := inOrder
			switch {
			case had[uint64(b)]:
				want = duplicate
			case int(b) < highest:
				want = late
			}
			if got := tr.see(uint64(b)); got != want {
				t.Fatalf("%v: number %d is %d, want %d", in, b, got, want)
			}
			had[uint64(b)] = true
			highest = max(highest, int(b))
		}
		const sent = 300
		if n, _ := tr.lost(sent); n != uint64(sent-len(had)) {
			t.Fatalf("%v: %d of %d lost, want %d", in, n, sent, sent-len(had))
		}
	})
}

// TestTrackIsBounded loses more than a track remembers.
func TestTrackIsBounded(t *testing.T) {
	t.Parallel()
	var tr track
	tr.see(10 * maxMissing)
	if n, _ := tr.lost(10*maxMissing + 1); n != 10*maxMissing || len(tr.missing) != maxMissing {
		t.Errorf("%d lost with %d remembered", n, len(tr.missing))
	}
}
