package sio_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/sio"
)

// A tally checks that the numbered events of several emitters arrive exactly
// once and in the order of each emitter.
type tally struct {
	next []int
	left int
}

func newTally(emitters, each int) *tally {
	return &tally{next: make([]int, emitters), left: emitters * each}
}

// take counts one packet such as `42["n",emitter,number]`.
func (y *tally) take(packet string) error {
	body, ok := strings.CutPrefix(packet, "42")
	if !ok {
		return nil
	}
	var args []any
	if err := json.Unmarshal([]byte(body), &args); err != nil {
		return err
	}
	if len(args) != 3 || args[0] != "n" {
		return nil // another event
	}
	from, number := int(args[1].(float64)), int(args[2].(float64))
	if number != y.next[from] {
		return fmt.Errorf("emitter %d: got %d, want %d", from, number, y.next[from])
	}
	y.next[from]++
	y.left--
	return nil
}

// receiveWS reads events until the tally is complete.
func receiveWS(c *wsClient, y *tally) error {
	for y.left > 0 {
		if err := y.take(c.next()); err != nil {
			return err
		}
	}
	return nil
}

// receivePolls does so over polling; with upgradeAt >= 0 it goes on over a
// WebSocket once that many polls are answered.
func receivePolls(c *pollClient, addr string, y *tally, upgradeAt int) error {
	for polls := 0; y.left > 0; polls++ {
		if polls == upgradeAt {
			return receiveUpgraded(c, addr, y)
		}
		if err := takePayload(c.get(), y, c.post); err != nil {
			return err
		}
	}
	return nil
}

func takePayload(payload string, y *tally, pong func(string)) error {
	for packet := range strings.SplitSeq(payload, "\x1e") {
		if packet == "2" {
			pong("3")
		}
		if err := y.take(packet); err != nil {
			return err
		}
	}
	return nil
}

// receiveUpgraded takes the session over by a WebSocket while a poll is
// pending, as the official client does.
func receiveUpgraded(c *pollClient, addr string, y *tally) error {
	last := make(chan string, 1)
	go func() { last <- c.get() }() // answered with events or, at the latest, by the upgrade's noop
	w := dialWS(c.t, addr, "&sid="+c.sid, nil)
	w.send("2probe")
	w.want("3probe")
	if err := takePayload(<-last, y, c.post); err != nil {
		return err
	}
	w.send("5")
	return receiveWS(w, y)
}

// TestOrderUnderChurn has several goroutines emit to one room while clients on
// all transports stay in it and others come, join, and vanish without a word.
func TestOrderUnderChurn(t *testing.T) {
	t.Parallel()
	const emitters, each, stay, churners = 4, 150, 12, 6
	srv, addr := newServer(t, nil, func(s *sio.Server) {
		s.Use(func(s *sio.Socket) error { return s.Join("all") })
	})

	var receivers, others sync.WaitGroup
	failed := make(chan error, stay)
	for i := range stay {
		y := newTally(emitters, each)
		if i%3 == 0 {
			c, _ := connectWS(t, addr, "/")
			receivers.Go(func() { failed <- receiveWS(c, y) })
			continue
		}
		c := newPollClient(t, addr)
		c.post("40")
		if got := c.get(); !strings.HasPrefix(got, "40") {
			t.Fatalf("CONNECT: %q", got)
		}
		upgradeAt := -1
		if i%3 == 1 {
			upgradeAt = i
		}
		receivers.Go(func() { failed <- receivePolls(c, addr, y, upgradeAt) })
	}

	stop := make(chan struct{})
	for range churners {
		others.Go(func() { churn(t, addr, stop) })
	}
	for e := range emitters {
		others.Go(func() {
			for n := range each {
				if err := srv.To("all", "nobody").Except("none").Emit("n", e, n); err != nil {
					t.Errorf("emit: %v", err)
				}
			}
		})
	}
	receivers.Wait()
	close(stop)
	others.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
	eventually(t, "only the receivers are left", func() bool { return srv.Stats().Sockets <= stay })
}

// churn connects, joins and vanishes until stop is closed.
func churn(t *testing.T, addr string, stop <-chan struct{}) {
	t.Helper()
	for {
		select {
		case <-stop:
			return
		default:
		}
		c, _, _, err := ws.Dial(t.Context(), "ws://"+addr+"/socket.io/?EIO=4&transport=websocket")
		if err != nil {
			t.Errorf("churn: %v", err)
			return
		}
		_ = wsutil.WriteClientText(c, []byte("40"))
		if rand.IntN(2) == 0 {
			_, _ = c.Read(make([]byte, 512))
		}
		_ = c.Close()
	}
}
