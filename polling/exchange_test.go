package polling_test

import (
	"testing"

	"github.com/gannet-io/gannet/polling"
)

// TestExchange is A67, A68 and A70, and the rows about overlaps and dropped
// requests of PARITY 1.3. Connections are small numbers here.
func TestExchange(t *testing.T) {
	t.Parallel()
	const none, park, accept, overlap = polling.None, polling.Park, polling.Accept, polling.Overlap
	type step struct {
		do   string
		conn int
		want polling.Outcome
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"A67 second GET", []step{{"get", 1, park}, {"get", 2, overlap}, {"take", 1, 0}, {"take", 0, 0}}},
		{"A67 second GET on the same connection", []step{{"get", 1, park}, {"get", 1, overlap}}},
		{"GET after GET", []step{{"get", 1, park}, {"take", 1, 0}, {"get", 2, park}}},
		{"A68 second POST", []step{{"post", 1, accept}, {"post", 2, overlap}, {"end", 1, 1}, {"post", 2, accept}}},
		{"POST while a GET waits", []step{{"get", 1, park}, {"post", 2, accept}, {"end", 2, 1}, {"take", 1, 0}}},
		{"POST on the connection of the GET", []step{{"get", 1, park}, {"post", 1, accept}, {"end", 1, 1}, {"take", 1, 0}}},
		{"A70 GET lost", []step{{"get", 1, park}, {"lost", 1, polling.LostGet}, {"take", 0, 0}, {"lost", 1, none}}},
		{"A70 GET answered, then lost", []step{{"get", 1, park}, {"take", 1, 0}, {"lost", 1, none}}},
		{"A70 POST lost", []step{{"post", 1, accept}, {"lost", 1, polling.LostPost}, {"post", 2, accept}}},
		{"POST ended, then lost", []step{{"post", 1, accept}, {"end", 1, 1}, {"lost", 1, none}}},
		{"both lost at once", []step{{"get", 1, park}, {"post", 1, accept}, {"lost", 1, polling.LostGet}, {"post", 2, accept}}},
		{"another connection lost", []step{{"get", 1, park}, {"post", 2, accept}, {"lost", 3, none}, {"lost", 2, polling.LostPost}}},
		{"refused POST ends", []step{{"post", 1, accept}, {"post", 2, overlap}, {"end", 2, 0}, {"post", 3, overlap}}},
		{"connection zero", []step{{"lost", 0, none}, {"end", 0, 0}, {"get", 0, park}, {"lost", 0, polling.LostGet}}},
	} {
		var x polling.Exchange[int]
		for i, s := range c.steps {
			var got polling.Outcome
			switch s.do {
			case "get":
				got = x.StartGet(s.conn)
			case "post":
				got = x.StartPost(s.conn)
			case "end":
				if x.EndPost(s.conn) {
					got = 1
				}
			case "lost":
				got = x.Lost(s.conn)
			case "take":
				if conn, ok := x.TakeGet(); conn != s.conn || ok != (s.conn != 0) {
					t.Errorf("%s, step %d: TakeGet = %d, %v", c.name, i, conn, ok)
				}
			}
			if got != s.want {
				t.Errorf("%s, step %d (%s %d): %d, want %d", c.name, i, s.do, s.conn, got, s.want)
			}
		}
	}
}

// FuzzExchange compares with a model that keeps two maps of who waits.
func FuzzExchange(f *testing.F) {
	f.Add([]byte{0x00, 0x11, 0x20, 0x32, 0x40, 0x51, 0x62})
	f.Add([]byte{0x01, 0x02, 0x42, 0x01, 0x51})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var x polling.Exchange[*int]
		conns := make([]int, 16)
		gets, posts := map[*int]bool{}, map[*int]bool{}
		for i, op := range ops {
			c := &conns[op&15]
			var got, want polling.Outcome
			switch op >> 4 % 7 {
			case 0:
				got, want = x.StartGet(c), polling.Overlap
				if len(gets) == 0 {
					want, gets[c] = polling.Park, true
				}
			case 1:
				got, want = x.StartPost(c), polling.Overlap
				if len(posts) == 0 {
					want, posts[c] = polling.Accept, true
				}
			case 2:
				if conn, ok := x.TakeGet(); ok != (len(gets) == 1) || ok && !gets[conn] || !ok && conn != nil {
					t.Fatalf("step %d: TakeGet = %v, %v", i, conn, ok)
				}
				clear(gets)
			case 3:
				if conn, ok := x.TakePost(); ok != (len(posts) == 1) || ok && !posts[conn] || !ok && conn != nil {
					t.Fatalf("step %d: TakePost = %v, %v", i, conn, ok)
				}
				clear(posts)
			case 4:
				if x.EndPost(c) != posts[c] {
					t.Fatalf("step %d: EndPost", i)
				}
				delete(posts, c)
			default:
				got = x.Lost(c)
				if posts[c] {
					want = polling.LostPost
				}
				if gets[c] {
					want = polling.LostGet
				}
				delete(gets, c)
				delete(posts, c)
			}
			if got != want || x.Parked() != (len(gets) == 1) || x.Posting() != (len(posts) == 1) {
				t.Fatalf("step %d (%#x): %d, want %d; parked %v, posting %v", i, op, got, want, x.Parked(), x.Posting())
			}
		}
	})
}
