//go:build unix

package attack_test

import (
	"net"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// shortWrites are options with which a client that does not read is given up
// soon.
func shortWrites() *sio.Options { return &sio.Options{WriteTimeout: 300 * time.Millisecond} }

// setReadBuffer makes the window of a connection small.
func setReadBuffer(c net.Conn) error { return c.(*net.TCPConn).SetReadBuffer(4 << 10) }

// slow connects a client with a small window to the namespace "/". It is slow
// as long as the test does not read.
func (s *site) slow() (w *ws, id string) {
	s.t.Helper()
	w = openWS(s, "")
	if err := setReadBuffer(w.c); err != nil {
		s.t.Fatal(err)
	}
	w.wantPrefix(`0{"sid":"`)
	w.text("40")
	return w, strings.TrimSuffix(w.wantPrefix(`40{"sid":"`), `"}`)
}

// filler is what a client that does not read is sent.
var filler = strings.Repeat("x", 64<<10)

// block emits to a socket until its connection takes no more, and returns how
// many times.
func (s *site) block(id string) int {
	s.t.Helper()
	drops := s.figure("VolatileDrops")
	for n := 1; ; n++ {
		if err := s.srv.To(id).Emit("fill", filler); err != nil {
			s.t.Fatal(err)
		}
		s.turn()
		if err := s.srv.To(id).Volatile().Emit("probe"); err != nil {
			s.t.Fatal(err)
		}
		s.turn()
		if s.figure("VolatileDrops") > drops {
			return n
		}
		if n > 1000 {
			s.t.Fatal("the connection takes everything although nobody reads")
		}
	}
}

// turn waits until every loop has ended the turn that it is in.
func (s *site) turn() {
	s.t.Helper()
	for _, b := range s.bystanders {
		b.roundTrip()
	}
}
