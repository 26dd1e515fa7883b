package sio_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestRecoveryOrderOnTheLoop: an inline handler's event is in front of its
// acknowledgement.
func TestRecoveryOrderOnTheLoop(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.Root().Inline().Handle("both", func(e *sio.Event) error {
			if err := e.Socket().Emit("event"); err != nil {
				return err
			}
			return e.Ack()
		})
	})
	c, _, k := joinWS(t, addr, "")
	c.send(`421["both"]`)
	if got := k.event(c); got != `42["event"]` {
		t.Errorf("got %q", got)
	}
	c.want("431[]")
}

// TestRecoveryPlace: an event that waits for a loop when a socket connects there
// is replayed to one that has missed it, and is nothing to a new one.
func TestRecoveryPlace(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.Loops, o.Logger = 1, discard
	srv, loops, err := sio.NewDriven(o)
	if err != nil {
		t.Fatal(err)
	}
	connect := func(auth string) *strings.Builder {
		out := new(strings.Builder)
		c := srv.OpenFake(0, func(b []byte) (int, error) { return out.Write(b) })
		c.Inject([]byte(upgradeRequest))
		c.Inject(masked("40" + auth))
		return out
	}
	first := connect("")
	loops[0].Drive()
	_, pid, _ := strings.Cut(first.String(), `"pid":"`)
	emitted := make(chan error)
	go func() { emitted <- srv.Emit("waits") }() // once
	if err := <-emitted; err != nil {
		t.Fatal(err)
	}
	again := connect(`{"pid":"` + pid[:20] + `"}`)
	fresh := connect("")
	loops[0].Drive()
	if n := strings.Count(again.String(), `["waits"`); n != 1 || !strings.Contains(again.String(), pid[:20]) {
		t.Errorf("the recovered client got it %d times: %q", n, again)
	}
	if strings.Contains(fresh.String(), `["waits"`) {
		t.Errorf("a new client got an older event: %q", fresh)
	}
}
