package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
)

// A modelPacket is a packet of the naive backlog that the real one is compared
// with.
type modelPacket struct {
	id    int
	size  int
	flow  *Flow
	key   string
	loose bool
	place int // that of the packet it took the place of, or when it came
}

// A modelBacklog is a list, searched from one end to the other.
type modelBacklog struct {
	list   []modelPacket
	places int
	fence  int // place of the last packet without a key
}

func (m *modelBacklog) put(p modelPacket, replace bool) (replaced bool) {
	if p.key != "" && replace {
		for i := len(m.list) - 1; i >= 0; i-- {
			old := m.list[i]
			if old.key != p.key || old.flow != p.flow {
				continue
			}
			if old.place > m.fence {
				p.place = old.place
				m.list[i] = p
				return true
			}
			m.list = slices.Delete(m.list, i, i+1)
			replaced = true
			break
		}
	}
	m.places++
	p.place = m.places
	if p.key == "" {
		m.fence = p.place
	}
	m.list = append(m.list, p)
	return replaced
}

func (m *modelBacklog) dropOldest() *Flow {
	i := slices.IndexFunc(m.list, func(p modelPacket) bool {
		return p.loose && p.flow.Policy() == PolicyDropOldest
	})
	if i < 0 {
		return nil
	}
	f := m.list[i].flow
	m.list = slices.Delete(m.list, i, i+1)
	return f
}

func (m *modelBacklog) figures() (bytes, loose int) {
	for _, p := range m.list {
		bytes += p.size
		if p.loose {
			loose += p.size
		}
	}
	return bytes, loose
}

// FuzzBacklog does random things to a backlog and to a list. What leaves, in
// which order, and all figures must be the same, and every packet be released.
func FuzzBacklog(f *testing.F) {
	f.Add([]byte{0, 16, 0, 1, 17, 2, 18, 0, 17, 3, 3, 3, 3})
	f.Add([]byte("\x10\x00\x20\x00\x30\x00\x10\x04\x04\x04\x10\x05\x10"))
	long := make([]byte, 600)
	for i := range long {
		long[i] = byte(i*7 + i/13)
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, ops []byte) {
		var oldest, newest, solid Flow
		oldest.SetPolicy(PolicyDropOldest)
		newest.SetPolicy(PolicyDropNewest)
		flows := [...]*Flow{&oldest, &newest, &solid}
		live := bufpool.Live()
		q, m := &backlog{}, &modelBacklog{}
		for id, op := range ops {
			switch {
			case op&15 < 10: // a packet: flow, key and length from the operation
				flow := flows[int(op&15)%3]
				key := ""
				if op>>4 > 4 {
					key = fmt.Sprint("k", op>>4)
				}
				b := packetOf(id, int(op))
				p := modelPacket{id: id, size: q.size(b), flow: flow, key: key, loose: flow.droppable() != nil}
				grow := q.growth(b, keyName{flow, key}, key != "" && op&15 != 9)
				before := q.bytes
				got := false
				if key == "" {
					q.put(b, flow.droppable())
				} else {
					got = q.putKeyed(b, flow.droppable(), keyName{flow, key}, op&15 != 9)
				}
				b.Release()
				if q.bytes != before+grow {
					t.Fatalf("operation %d: %d bytes, want %d and %d more", id, q.bytes, before, grow)
				}
				if want := m.put(p, op&15 != 9); got != want {
					t.Fatalf("operation %d: replaced %t, want %t", id, got, want)
				}
			case op&15 < 13 && q.count > 0:
				checkPop(t, q, m)
			case op&15 == 13 && op>>4 == 1: // another transport
				for q.count > 0 {
					checkPop(t, q, m)
				}
				q.recount(!q.polled)
			case op&15 == 14:
				got := q.dropOldest()
				if want := m.dropOldest(); got != want {
					t.Fatalf("operation %d: dropped one of %p, want %p", id, got, want)
				}
			}
			bytes, loose := m.figures()
			if q.count != len(m.list) || q.bytes != bytes || q.loose != loose {
				t.Fatalf("operation %d: %d packets, %d bytes, %d of them loose; want %d, %d and %d",
					id, q.count, q.bytes, q.loose, len(m.list), bytes, loose)
			}
		}
		for q.count > 0 {
			checkPop(t, q, m)
		}
		if len(q.keys) != 0 {
			t.Fatalf("%d keys of an empty backlog", len(q.keys))
		}
		if n := bufpool.Live(); n != live {
			t.Fatalf("%d packets were not released", n-live)
		}
	})
}

func checkPop(t *testing.T, q *backlog, m *modelBacklog) {
	t.Helper()
	b := q.pop()
	_, payload, _ := SplitFrame(b.B)
	var id int
	if _, err := fmt.Sscanf(string(payload), "4%d ", &id); err != nil {
		t.Fatal(err)
	}
	b.Release()
	if want := m.list[0].id; id != want {
		t.Fatalf("packet %d left, want %d", id, want)
	}
	m.list = m.list[1:]
}

// packetOf makes a packet that says who it is.
func packetOf(id, size int) *bufpool.Buf {
	b := bufpool.Get(128)
	b.B = AppendTextMessage(b.B, fmt.Appendf(nil, "%d %*s", id, size, ""))
	return b
}

// TestBacklogStaysShort keeps one packet at the head and drops all that come
// behind it: the list does not grow with what was dropped.
func TestBacklogStaysShort(t *testing.T) {
	t.Parallel()
	var oldest, conflated Flow
	oldest.SetPolicy(PolicyDropOldest)
	q := &backlog{}
	b := packetOf(0, 10)
	defer b.Release()
	q.put(b, nil)
	for range 100_000 {
		q.put(b, oldest.droppable())
		q.putKeyed(b, nil, keyName{&conflated, "k"}, true)
		if q.count > 4 && q.dropOldest() == nil {
			t.Fatal("nothing to drop")
		}
	}
	if len(q.list) > 4*minCompact {
		t.Errorf("a list of %d for %d packets", len(q.list), q.count)
	}
	(&Shard{}).giveBacklog(q)
}

// TestRecount measures the same packets for both transports.
func TestRecount(t *testing.T) {
	t.Parallel()
	var f Flow
	f.SetPolicy(PolicyDropOldest)
	q := &backlog{polled: true}
	b := bufpool.Get(200)
	defer b.Release()
	b.B = AppendBinaryMessage(AppendTextMessage(b.B, []byte("head")), make([]byte, 100))
	q.put(b, nil)
	q.putKeyed(b, f.droppable(), keyName{&f, "k"}, true)
	polled := len("4head") + 1 + len("b") + 136 + 1 // with a separator in front of each
	frames := 2 + len("4head") + 2 + 100
	for _, onPolling := range []bool{true, false, true} {
		q.recount(onPolling)
		want := frames
		if onPolling {
			want = polled
		}
		if q.bytes != 2*want || q.loose != want {
			t.Errorf("polled %t: %d bytes, %d of them loose, want %d and %d", onPolling, q.bytes, q.loose, 2*want, want)
		}
	}
	(&Shard{}).giveBacklog(q)
}
