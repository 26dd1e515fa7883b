package wsframe_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/wsframe"
)

// TestInflatedSizes has messages around every size at which a buffer is full,
// and around the limit, from payloads that are small, and that are as large as
// what is in them.
func TestInflatedSizes(t *testing.T) {
	t.Parallel()
	const limit = 300_000
	shared := inflating(limit)
	var noise bytes.Buffer
	for noise.Len() < limit+1 {
		noise.Write(messages()["noise"])
		noise.WriteByte(byte(noise.Len() >> 12))
	}
	for _, size := range []int{
		1<<16 - 1, 1 << 16, 1<<16 + 1, 1<<17 + 1, 200_000, limit - 1, limit, limit + 1,
	} {
		for name, data := range map[string][]byte{
			"zeros":         make([]byte, size),
			"half and half": append(bytes.Clone(noise.Bytes()[:size/2]), make([]byte, size-size/2)...),
		} {
			want := result{code: wsframe.CloseTooBig}
			if size <= limit {
				want = result{events: []string{event(wsframe.OpBinary, data)}}
			}
			payload := squeeze(t, data)
			for _, n := range []int{1 << 20, 60_000} {
				if got := feed(t, shared, chunks(frame(fin|rsv1|bin, payload), n)); !got.equal(want) {
					t.Errorf("%s, %d bytes in reads of %d: %v", name, size, n, got)
				}
			}
			for end, broken := range map[string]string{"cut": payload[:len(payload)-1], "garbage": payload[:len(payload)-1] + "\xff\xff\xff\xff"} {
				// What is broken may look too long before it looks broken.
				if got := feed(t, shared, chunks(frame(fin|rsv1|bin, broken), 1<<20)); len(got.events) > 0 || got.code == 0 {
					t.Errorf("%s, %d bytes, %s: %v", name, size, end, got)
				}
			}
		}
	}
}

// bomb returns a payload of nearly n bytes that becomes a thousand times as much.
func bomb(tb testing.TB, n int) string {
	tb.Helper()
	mega := squeeze(tb, make([]byte, 1<<20)) + "\x00\x00\xff\xff"
	return strings.Repeat(mega, n/len(mega)-1) + strings.TrimSuffix(mega, "\x00\x00\xff\xff")
}

// TestBombLeavesNothing refuses a bomb and reads on with the same Inflater.
func TestBombLeavesNothing(t *testing.T) {
	before := bufpool.Live()
	cfg := inflating(wsframe.DefaultMaxMessage)
	in := frame(fin|rsv1|bin, bomb(t, wsframe.DefaultMaxMessage))
	for range 3 {
		if got := feed(t, cfg, chunks(in, 1448)); got.code != wsframe.CloseTooBig {
			t.Fatalf("a bomb: %v", got)
		}
		if got := feed(t, cfg, chunks(frame(fin|rsv1|text, squeeze(t, []byte("next"))), 100)); !got.equal(result{events: []string{"text:next"}}) {
			t.Fatalf("behind a bomb: %v", got)
		}
	}
	if n := bufpool.Live() - before; n != 0 {
		t.Errorf("%d buffers were not released", n)
	}
}
