package main

import (
	"math/bits"
	"time"
)

// latencies is a histogram of nanoseconds whose buckets are 3 % wide.
type latencies struct {
	counts [64 * 32]uint64
	total  uint64
}

func (l *latencies) add(d time.Duration) {
	l.counts[bucket(uint64(max(d, 0)))]++
	l.total++
}

func bucket(v uint64) int {
	shift := max(bits.Len64(v)-6, 0)
	return 32*shift + int(v>>shift)
}

// quantile returns the middle of the bucket that has quantile q, in
// microseconds; 0 if there are none.
func (l *latencies) quantile(q float64) float64 {
	if l.total == 0 {
		return 0
	}
	rank := uint64(q * float64(l.total-1))
	for i, n := range &l.counts {
		if rank < n {
			return middle(i) / 1000
		}
		rank -= n
	}
	return 0
}

func middle(bucket int) float64 {
	shift := max(bucket/32-1, 0)
	low := uint64(bucket-32*shift) << shift
	return float64(low) + float64(uint64(1)<<shift-1)/2
}
