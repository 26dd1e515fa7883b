package engine

import "github.com/gannet-io/gannet/internal/bufpool"

// A backlog holds the packets that a client cannot be sent yet: its connection
// has refused bytes, or no GET is pending. Nothing of them has been written, so
// each can still be dropped, whole, or make way for a newer one.
//
//	list   ┌──────┬─────┬───────┬─────┬─────┬───────┬─────┐
//	       │ gone │  a  │ key x │  -  │  b  │ key y │  …  │
//	       └──────┴─────┴───────┴─────┴─────┴───────┴─────┘
//	               next ▲           dropped   ▲ fence
//
// A newer value of a key takes the place of the older one, so that a key that
// changes all the time does not wait longer than one that does not. If a packet
// without a key came in between, the newer value goes to the end instead: it
// was sent later than that packet and is not seen before it.
type backlog struct {
	// Owned by the loop goroutine.
	list  []waiting
	next  int // list[:next] has left
	count int // packets that wait
	bytes int // their length, in the form of the transport
	loose int // the part of bytes that may be dropped
	// looseCount is the part of count that may be dropped.
	looseCount int
	fence      int // index behind the last packet without a key
	oldest     int // no packet in front of it is of PolicyDropOldest
	polled     bool
	keys       map[keyName]*keyed
}

// A waiting is one packet of a backlog, with a reference.
type waiting struct {
	buf  *bufpool.Buf // nil if it was dropped
	flow *Flow        // nil if it may not be dropped
	key  *keyed       // nil if it has no key
}

// A keyName is a key of one flow.
type keyName struct {
	flow *Flow
	key  string
}

// A keyed tells where the newest value of a key is.
type keyed struct {
	name keyName
	at   int // index in backlog.list
}

// waitingSize is what a packet costs a backlog besides its bytes.
const waitingSize = 24

// minCompact is the length from which a list is worth being made shorter.
const minCompact = 32

// size returns how much a packet adds to bytes: on polling, its length in
// polling form and a separator.
func (q *backlog) size(b *bufpool.Buf) int {
	if q.polled {
		return pollingSize(b.B) + 1
	}
	return len(b.B)
}

// growth returns how much longer a packet makes the backlog, or a value that
// takes the place of an older one.
func (q *backlog) growth(b *bufpool.Buf, name keyName, replace bool) int {
	n := q.size(b)
	if replace {
		if k := q.keys[name]; k != nil {
			n -= q.size(q.list[k.at].buf)
		}
	}
	return n
}

// put adds a packet and takes a reference. A flow other than nil says that it
// may be dropped.
func (q *backlog) put(b *bufpool.Buf, flow *Flow) {
	q.add(b, flow, nil)
	q.fence = len(q.list)
}

// putKeyed adds a value of a key and takes a reference. With replace an older
// value is dropped, which it reports.
func (q *backlog) putKeyed(b *bufpool.Buf, flow *Flow, name keyName, replace bool) (replaced bool) {
	k := q.keys[name]
	switch {
	case k == nil:
		if q.keys == nil {
			q.keys = map[keyName]*keyed{}
		}
		k = &keyed{name: name}
		q.keys[name] = k
	case replace && k.at >= q.fence:
		w := &q.list[k.at]
		q.weigh(w, -1)
		w.buf.Release()
		b.Retain()
		w.buf, w.flow = b, flow
		q.weigh(w, 1)
		return true
	case replace:
		q.drop(k.at)
		replaced = true
	}
	q.add(b, flow, k)
	k.at = len(q.list) - 1
	return replaced
}

// pop takes the next packet out; its reference is the caller's. There must be
// one.
func (q *backlog) pop() *bufpool.Buf {
	w := &q.list[q.next]
	b := w.buf
	q.forget(w, q.next)
	*w = waiting{}
	q.next++
	q.skip()
	return b
}

// dropOldest drops the oldest packet of a flow with PolicyDropOldest and
// returns the flow, or nil if there is none.
func (q *backlog) dropOldest() *Flow {
	for i := max(q.oldest, q.next); i < len(q.list); i++ {
		w := &q.list[i]
		if w.buf == nil || w.flow == nil || w.flow.Policy() != PolicyDropOldest {
			continue
		}
		f, k := w.flow, w.key
		q.oldest = i + 1
		if k != nil && k.at == i {
			delete(q.keys, k.name)
		}
		q.drop(i)
		return f
	}
	q.oldest = len(q.list)
	return nil
}

// recount measures the packets again, for another transport.
func (q *backlog) recount(polled bool) {
	q.polled, q.bytes, q.loose, q.looseCount = polled, 0, 0, 0
	for i := range q.list {
		if w := &q.list[i]; w.buf != nil {
			q.weigh(w, 1)
		}
	}
}

// each calls f with every packet, oldest first.
func (q *backlog) each(f func(*bufpool.Buf)) {
	for i := q.next; i < len(q.list); i++ {
		if b := q.list[i].buf; b != nil {
			f(b)
		}
	}
}

// add appends a packet.
func (q *backlog) add(b *bufpool.Buf, flow *Flow, k *keyed) {
	if len(q.list) == cap(q.list) && len(q.list) >= minCompact && q.count <= len(q.list)/2 {
		q.compact()
	}
	b.Retain()
	q.list = append(q.list, waiting{b, flow, k})
	q.count++
	q.weigh(&q.list[len(q.list)-1], 1)
}

// drop releases the packet at i and leaves its place empty.
func (q *backlog) drop(i int) {
	w := &q.list[i]
	q.weigh(w, -1)
	q.count--
	w.buf.Release()
	*w = waiting{}
	q.skip()
}

// forget takes the packet w, which is at i, out of the figures.
func (q *backlog) forget(w *waiting, i int) {
	q.weigh(w, -1)
	q.count--
	if w.key != nil && w.key.at == i {
		delete(q.keys, w.key.name)
	}
}

// weigh adds the size of a packet to the figures, or takes it off.
func (q *backlog) weigh(w *waiting, sign int) {
	n := sign * q.size(w.buf)
	q.bytes += n
	if w.flow != nil {
		q.loose += n
		q.looseCount += sign
	}
}

// skip goes to the next packet that was not dropped.
func (q *backlog) skip() {
	for q.next < len(q.list) && q.list[q.next].buf == nil {
		q.next++
	}
}

// compact closes the gaps of the list.
func (q *backlog) compact() {
	kept := q.list[:0]
	fence := 0
	for i := q.next; i < len(q.list); i++ {
		w := q.list[i]
		if w.buf == nil {
			continue
		}
		if w.key != nil && w.key.at == i {
			w.key.at = len(kept)
		}
		kept = append(kept, w)
		if i < q.fence {
			fence = len(kept)
		}
	}
	clear(q.list[len(kept):])
	q.list, q.next, q.fence, q.oldest = kept, 0, fence, 0
}

// maxBacklogRoom is the size of the lists worth keeping, and maxFreeBacklogs
// how many of them a shard keeps.
const (
	maxBacklogRoom  = 64
	maxFreeBacklogs = 1024
)

// takeBacklog returns an empty backlog.
func (sh *Shard) takeBacklog(polled bool) *backlog {
	n := len(sh.backlogs)
	if n == 0 {
		return &backlog{polled: polled}
	}
	q := sh.backlogs[n-1]
	sh.backlogs[n-1] = nil
	sh.backlogs = sh.backlogs[:n-1]
	q.polled = polled
	return q
}

// giveBacklog keeps a backlog for the next client that needs one. Packets that
// wait in it are released.
func (sh *Shard) giveBacklog(q *backlog) {
	q.each((*bufpool.Buf).Release)
	if cap(q.list) > maxBacklogRoom || len(sh.backlogs) >= maxFreeBacklogs {
		return
	}
	clear(q.list)
	*q = backlog{list: q.list[:0]}
	sh.backlogs = append(sh.backlogs, q)
}
