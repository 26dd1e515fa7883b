package chat

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	var b bucket
	now := time.Unix(1000, 0)
	count := func() (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	if n := count(); n != burst {
		t.Errorf("%d at once, want %v", n, burst)
	}
	now = now.Add(time.Second)
	if n := count(); n != perSec {
		t.Errorf("%d a second later, want %v", n, perSec)
	}
	now = now.Add(time.Hour)
	if n := count(); n != burst {
		t.Errorf("%d an hour later, want %v", n, burst)
	}
}

func TestRoomsAreForgottenOldestFirst(t *testing.T) {
	t.Parallel()
	c := &Chat{rooms: map[string]*room{}, closed: true}
	stay := &member{}
	c.room("kept").add(stay, "Ada")
	passer := &member{}
	for i := range maxRooms + 5 {
		r := c.room(string(rune('a'+i%26)) + time.Duration(i).String())
		if r == nil {
			t.Fatalf("no room number %d", i)
		}
		r.add(passer, "Bob")
		c.leave(passer)
	}
	if len(c.rooms) != maxRooms {
		t.Errorf("%d rooms, want %d", len(c.rooms), maxRooms)
	}
	if c.rooms["kept"] == nil || c.rooms["a0s"] != nil {
		t.Error("the room with a member was forgotten, or the oldest empty one was not")
	}
	for _, r := range c.rooms {
		if len(r.members) == 0 {
			r.add(&member{}, "Cid")
		}
	}
	if r := c.room("one more"); r != nil {
		t.Error("a room was made although all are in use")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	r := &room{names: map[string]bool{}}
	for range historySize + 10 {
		r.say(Member{}, "m", 0)
	}
	if len(r.history) != historySize || r.history[0].Seq != 11 {
		t.Errorf("%d messages from %d, want %d from 11", len(r.history), r.history[0].Seq, historySize)
	}
}

func TestManyOfOneName(t *testing.T) {
	t.Parallel()
	r := &room{names: map[string]bool{}}
	seen := map[string]bool{}
	for range 100 {
		m := &member{}
		r.add(m, "Ada")
		if seen[m.who.Name] {
			t.Fatalf("%q twice", m.who.Name)
		}
		seen[m.who.Name] = true
	}
	if _, each := r.peers(r.members[0]); each {
		t.Error("100 members are asked for receipts")
	}
	for len(r.members) > 0 {
		r.remove(r.members[0])
	}
	if len(r.names) != 0 {
		t.Errorf("%d names left", len(r.names))
	}
}
