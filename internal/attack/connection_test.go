//go:build unix

package attack_test

import (
	"testing"
)

// TestTwoSessionsOnOneConnection pipelines the GETs and POSTs of several
// sessions on one connection: each gets what is its own, in order.
func TestTwoSessionsOnOneConnection(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for range 16 { // sessions of the same loop and of different ones
		a, b := s.joined(), s.joined()
		w := s.dial()
		w.write(get(a.query()) + get(b.query()) + get("&sid=unknown"))
		b.post(`42["echo","b"]`)
		a.post(`42["echo","a"]`)
		w.want(200, `42["echo","a"]`)
		w.want(200, `42["echo","b"]`)
		w.wantCode(1)
		// The connection goes while one GET is parked: only its session ends.
		n := s.figure("SessionsClosed")
		w.write(get(b.query()) + get(a.query()))
		_ = w.c.Close()
		s.eventually("the end of a session", func() bool { return s.figure("SessionsClosed") > n })
		b.wantUnknown()
		b.leave()
		a.wantAlive()
		a.end()
	}
	s.wantReason("transport error")
	s.wantCalm()
}
