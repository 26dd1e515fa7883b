package scenario

import "slices"

// verdict is what a number says about a message.
type verdict uint8

const (
	inOrder   verdict = iota // the next one, maybe behind a gap
	late                     // one of a gap
	duplicate                // had already
)

// maxMissing bounds what a track remembers of gaps; what is older counts as
// lost.
const maxMissing = 4096

// A track is what one receiver has had of one sender.
type track struct {
	next    uint64   // number of the message that is due
	missing []uint64 // numbers below next that have not come, ascending
	dropped uint64   // numbers that missing had no room for
}

// see takes the number of a message that came.
func (t *track) see(seq uint64) verdict {
	switch {
	case seq == t.next:
		t.next++
		return inOrder
	case seq > t.next:
		for n := t.next; n < seq; n++ {
			if len(t.missing) >= maxMissing {
				t.dropped += seq - n
				break
			}
			t.missing = append(t.missing, n)
		}
		t.next = seq + 1
		return inOrder
	}
	if i, found := slices.BinarySearch(t.missing, seq); found {
		t.missing = slices.Delete(t.missing, i, i+1)
		return late
	}
	return duplicate
}

// lost returns how many of the first sent messages have not come, and the
// number of the first of them.
func (t *track) lost(sent uint64) (n, first uint64) {
	n, first = uint64(len(t.missing))+t.dropped, t.next
	if len(t.missing) > 0 {
		first = t.missing[0]
	}
	if sent > t.next {
		n += sent - t.next
	}
	return n, first
}
