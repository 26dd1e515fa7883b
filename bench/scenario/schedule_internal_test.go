package scenario

import (
	"math"
	"testing"

	"github.com/gannet-io/gannet/bench/load"
)

// TestSchedule checks when messages are due, and that a loop that comes late
// finds each with the time at which it was due, not that at which it is sent.
func TestSchedule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rate    float64
		seconds int64
		looks   int64 // ms between two looks
	}{
		{1000, 3, 1},
		{1500, 2, 1},
		{1500, 2, 700},
		{3, 10, 1},
		{0.5, 10, 3},
		{123_456, 1, 1},
	} {
		sc := &schedule{senders: []*sender{{number: 0}, {number: 1}, {number: 2}}, rate: tt.rate}
		var n, last int64
		for ms := int64(0); ; ms = min(ms+tt.looks, tt.seconds*1000) {
			for {
				s, at, ok := sc.next(ms)
				if !ok {
					break
				}
				if exact := float64(n+1) / tt.rate * 1000; float64(at) < exact-1e-3 || float64(at) >= exact+1 || at < last {
					t.Fatalf("rate %g: message %d is due at %d ms, want the first millisecond from %.3f on", tt.rate, n, at, exact)
				}
				if s.number != int(n%3) {
					t.Fatalf("message %d is sent by %d", n, s.number)
				}
				last = at
				n++
			}
			if ms == tt.seconds*1000 {
				break
			}
		}
		if want := int64(math.Round(tt.rate * float64(tt.seconds))); n != want {
			t.Errorf("rate %g: %d messages in %d s, want %d", tt.rate, n, tt.seconds, want)
		}
	}
}

// TestUnsentAreCounted has senders without a connection: what is due within the
// measured time counts as unsent, and nothing before and after it.
func TestUnsentAreCounted(t *testing.T) {
	t.Parallel()
	r := &run{}
	r.from.Store(1_000_000_000)
	r.to.Store(3_000_000_000)
	w := &worker{run: r, began: 0}
	sc := &schedule{senders: []*sender{{client: &client{conn: new(load.Conn)}}}, rate: 100}
	w.due(sc, 5000, 5_000_000_000)
	if sc.done != 500 || w.counts.unsent != 200 || w.counts.sent != 0 {
		t.Errorf("%d due, %d unsent, %d sent; want 500, 200, 0", sc.done, w.counts.unsent, w.counts.sent)
	}
}
