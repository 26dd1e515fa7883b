package sio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/sio"
)

// An orderBook notes what happens.
type orderBook struct {
	mu    sync.Mutex // guards following
	notes []string
}

func (o *orderBook) add(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, what)
}

func (o *orderBook) len() int { return len(o.list()) }

func (o *orderBook) list() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.notes)
}

// A flaky client loses its connection again and again, and comes back.
type flaky struct {
	t    *testing.T
	addr string
	rnd  *rand.Rand

	k         known
	seen      [][2]int // source and number of the events for all, in their order
	own       int      // the number of the last event for it alone
	recovered int
	anew      int
	over      bool
}

// run reads until it has seen the end. Each connection lives for a random
// number of packets, and sometimes is left open without being read.
func (f *flaky) run(ctx context.Context) error {
	for !f.over {
		if err := f.connection(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *flaky) connection(ctx context.Context) error {
	d := ws.Dialer{Timeout: patience}
	conn, br, _, err := d.Dial(ctx, "ws://"+f.addr+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return err
	}
	if f.rnd.IntN(3) > 0 {
		defer func() { _ = conn.Close() }()
	} else {
		f.t.Cleanup(func() { _ = conn.Close() }) // the server has not noticed when it comes back
	}
	if br == nil {
		br = bufio.NewReader(conn)
	}
	auth := ""
	if f.k.PID != "" {
		auth = f.k.auth()
	}
	if err := wsutil.WriteClientText(conn, []byte("40"+auth)); err != nil {
		return err
	}
	var early []string // official clients keep those until the CONNECT, too
	joined := false
	for left := 1 + f.rnd.IntN(300); left > 0 && !f.over; {
		if joined {
			left--
		}
		_ = conn.SetReadDeadline(time.Now().Add(3 * patience))
		frame, err := ws.ReadFrame(br)
		if err != nil {
			return err
		}
		text := string(frame.Payload)
		switch {
		case strings.HasPrefix(text, "40"):
			if err := f.join(text[2:]); err != nil {
				return err
			}
			joined = true
			for _, text := range early {
				if err := f.packet(conn, text); err != nil {
					return err
				}
			}
		case !strings.HasPrefix(text, "42"):
		case !joined:
			early = append(early, text)
		default:
			if err := f.packet(conn, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *flaky) join(body string) error {
	var k known
	if err := json.Unmarshal([]byte(body), &k); err != nil {
		return err
	}
	switch {
	case k.PID == f.k.PID && k.SID == f.k.SID:
		f.recovered++
	case k.PID == f.k.PID || k.SID == f.k.SID:
		return fmt.Errorf("%+v after %+v", k, f.k)
	default:
		if f.k.PID != "" {
			f.anew++
		}
		f.k, f.seen, f.own = k, nil, 0
	}
	return nil
}

func (f *flaky) packet(conn net.Conn, text string) error {
	var args []any
	if err := json.Unmarshal([]byte(text[2:]), &args); err != nil {
		return err
	}
	f.k.offset, _ = args[len(args)-1].(string)
	number := func(i int) int { n, _ := args[i].(float64); return int(n) }
	switch args[0] {
	case "all":
		f.seen = append(f.seen, [2]int{number(1), number(2)})
		if f.rnd.IntN(10) == 0 {
			_ = wsutil.WriteClientText(conn, []byte(`42["shout"]`))
		}
	case "own":
		if n := number(1); n != f.own+1 && f.own != 0 {
			return fmt.Errorf("own event %d after %d", n, f.own)
		} else {
			f.own = n
		}
	case "end":
		f.over = true
	}
	return nil
}

// check compares what the client has seen since it came anew with what was
// emitted.
func (f *flaky) check(last []int64) error {
	next := map[int]int{}
	for _, e := range f.seen {
		if want, ok := next[e[0]]; ok && e[1] != want {
			return fmt.Errorf("source %d: event %d, want %d", e[0], e[1], want)
		}
		next[e[0]] = e[1] + 1
	}
	for source, n := range next {
		if int64(n) != last[source]+1 {
			return fmt.Errorf("source %d: ends at %d, want %d", source, n-1, last[source])
		}
	}
	return nil
}

// TestRecoveryStress has clients lose their connections at random while
// goroutines and loops emit: to all, and to each client by the socket that it
// had at first.
func TestRecoveryStress(t *testing.T) {
	for _, tc := range []struct {
		name     string
		maxBytes int
	}{{"roomy", 0}, {"tight", 20_000}} {
		t.Run(tc.name, func(t *testing.T) { stress(t, tc.maxBytes) })
	}
}

func stress(t *testing.T, maxBytes int) {
	t.Helper()
	const (
		clients  = 8
		emitters = 3
		rounds   = 600
		shouts   = emitters // the sources of the loops
	)
	o := recovering()
	o.ConnectionStateRecovery.MaxBytes = maxBytes
	var last [emitters + 2]atomic.Int64
	var owned sync.Map // *sio.Socket → *atomic.Int64, by the sockets that came anew
	shoutMu := make(chan struct{}, 1)
	srv, addr := newServer(t, o, func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) {
			if !s.Recovered() {
				owned.Store(s, new(atomic.Int64))
			}
		})
		s.Root().Inline().Handle("shout", func(e *sio.Event) error {
			select {
			case shoutMu <- struct{}{}: // numbers of one source are emitted in their order
				defer func() { <-shoutMu }()
				return s.Emit("all", shouts, last[shouts].Add(1))
			default:
				return nil
			}
		})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	list := make([]*flaky, clients)
	results := make(chan error, clients)
	for i := range list {
		list[i] = &flaky{t: t, addr: addr, rnd: rand.New(rand.NewPCG(1, uint64(i)))}
		go func() { results <- list[i].run(ctx) }() // ends with the event "end", or with ctx
	}
	eventually(t, "all have come", func() bool { return srv.Stats().SocketsOpened >= clients })

	var wg sync.WaitGroup
	for i := range emitters {
		wg.Go(func() {
			for range rounds {
				if err := srv.Emit("all", i, last[i].Add(1)); err != nil {
					t.Error(err)
				}
				if i == 0 {
					owned.Range(func(s, n any) bool {
						_ = s.(*sio.Socket).Emit("own", n.(*atomic.Int64).Add(1))
						return true
					})
				}
			}
		})
	}
	wg.Wait()
	if maxBytes == 0 { // nobody may have shouted yet on a busy machine
		eventually(t, "a loop emits", func() bool {
			_ = srv.Emit("all", 0, last[0].Add(1))
			return last[shouts].Load() > 0
		})
	}
	// The loops are silent when nobody shouts any more.
	shoutMu <- struct{}{}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for done := 0; done < clients; {
		select {
		case err := <-results:
			if err != nil {
				t.Fatal(err)
			}
			done++
		case <-tick.C:
			_ = srv.Emit("end")
		}
	}
	totals := make([]int64, len(last))
	for i := range last {
		totals[i] = last[i].Load()
	}
	recovered, anew := 0, 0
	for i, f := range list {
		if err := f.check(totals); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
		recovered += f.recovered
		anew += f.anew
	}
	agree(t, list)
	st := srv.Stats()
	t.Logf("%d recovered, %d not; the server says %d and %d, %d evictions, %d events replayed",
		recovered, anew, st.Recoveries, st.RecoveriesRefused, st.RecoveryEvictions, st.RecoveryReplays)
	if maxBytes == 0 && (recovered == 0 || anew > 0) || maxBytes > 0 && anew == 0 {
		t.Errorf("%d recovered, %d anew", recovered, anew)
	}
}

// agree checks that all clients have seen the events in one order, as far as
// they go back.
func agree(t *testing.T, list []*flaky) {
	t.Helper()
	longest := list[0]
	for _, f := range list {
		if len(f.seen) > len(longest.seen) {
			longest = f
		}
	}
	for i, f := range list {
		tail := longest.seen[len(longest.seen)-len(f.seen):]
		if !slices.Equal(tail, f.seen) {
			t.Errorf("client %d has seen another order", i)
		}
	}
}
