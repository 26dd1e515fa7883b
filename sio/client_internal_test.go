package sio

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestManySocketsOfAClient compares what finds the socket of a namespace with a
// search through all of them, while sockets come and go.
func TestManySocketsOfAClient(t *testing.T) {
	t.Parallel()
	srv, err := newServer(&Options{Loops: 1}, driven)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{shard: srv.shards[0]}
	names := make([]string, 4*manySockets)
	for i := range names {
		names[i] = fmt.Sprintf("/n%d", i)
	}
	check := func() {
		t.Helper()
		for _, name := range names {
			var want *Socket
			for s := range c.sockets() {
				if s.nsp.name == name {
					want = s
				}
			}
			if got := c.listed([]byte(name)); got != want {
				t.Fatalf("%s: found %p, want %p, among %d", name, got, want, c.joinedCount())
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	most := 0
	for range 3000 {
		name := names[r.IntN(len(names))]
		if s := c.listed([]byte(name)); s != nil {
			c.remove(s)
		} else {
			s = &c.first
			if s.client != nil {
				s = new(Socket)
			}
			s.nsp, s.client = bareNamespace(srv, name), c
			c.add(s)
		}
		check()
		most = max(most, c.joinedCount())
		if r.IntN(500) == 0 {
			for s := range c.sockets() {
				s.state.Store(stateClosed)
			}
			c.closeSockets(ReasonForcedClose, nil)
			check()
		}
	}
	if most <= 2*manySockets {
		t.Errorf("there were never more than %d sockets", most)
	}
}
