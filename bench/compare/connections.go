package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

// warmConns are connected before connections are measured: the first ones
// cause what is not theirs.
const warmConns = 100

// runHandshake connects clients, some at a time, and keeps them.
func runHandshake(ctx context.Context, _ *bench, sc *scenario, s *server) (measure, error) {
	if err := warmed(ctx, s); err != nil {
		return measure{}, err
	}
	m := newMeter(s)
	p, err := load.NewPool(s.options())
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	if _, err := openMany(ctx, p, sc.conns/2+1, nil); err != nil {
		return measure{}, err
	}
	m.first = m.snapshot()
	m.latencies, err = openMany(ctx, p, sc.conns, nil)
	if err != nil {
		return measure{}, err
	}
	m.count = int64(sc.conns)
	m.last = m.snapshot()
	return m.result()
}

// warmed has clients come and go until the server has been busy for as long as
// it wants to be.
func warmed(ctx context.Context, s *server) error {
	for !s.isWarm() {
		p, err := load.NewPool(s.options())
		if err != nil {
			return err
		}
		_, err = openMany(ctx, p, warmConns, nil)
		closePool(p)
		if err != nil {
			return fmt.Errorf("warming up: %w", err)
		}
	}
	return nil
}

// openMany opens n connections and returns how long each took. What is to
// happen with one before the next is opened is done by each.
func openMany(ctx context.Context, p *load.Pool, n int, each func(*load.Conn) error) (latencies, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg      sync.WaitGroup
		left    atomic.Int64
		mu      sync.Mutex // guards following
		times   latencies
		failure error
	)
	left.Store(int64(n))
	for range parallelDials {
		wg.Go(func() { // stops when there are n, or at the first failure
			for left.Add(-1) >= 0 {
				c, err := p.Open(ctx, load.WebSocket, 0, make(chan struct{}))
				took := time.Duration(0)
				if err == nil {
					took = time.Duration(c.Took())
					if each != nil {
						err = each(c)
					}
				}
				mu.Lock()
				times.add(took)
				if failure == nil && err != nil {
					failure = err
					cancel()
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return times, failure
}

// runChurn has clients come, join a room, leave it, each when the last has been
// answered, and go.
func runChurn(ctx context.Context, _ *bench, sc *scenario, s *server) (measure, error) {
	if err := warmed(ctx, s); err != nil {
		return measure{}, err
	}
	m, speech := newMeter(s), s.dialect()
	join, leave := speech.join(1), speech.leave(1)
	o := s.options()
	o.OnOpen = func(c *load.Conn) { c.Send(join) }
	o.OnEvent = func(c *load.Conn, packet []byte) {
		switch {
		case bytes.HasPrefix(packet, speech.joined):
			c.Send(leave)
		case bytes.HasPrefix(packet, speech.left):
			c.Hangup()
			close(c.Owner.(chan struct{}))
		default:
			m.bad++
		}
	}
	p, err := load.NewPool(o)
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	gone := func(c *load.Conn) error {
		select {
		case <-c.Owner.(chan struct{}):
			return nil
		case <-time.After(30 * time.Second):
			return errors.New("leaving is not answered")
		}
	}
	if _, err := openMany(ctx, p, sc.conns/2+1, gone); err != nil {
		return measure{}, err
	}
	if err := settled(ctx, s, 0); err != nil {
		return measure{}, err
	}
	open := s.descriptors()
	m.first = m.snapshot()
	if m.latencies, err = openMany(ctx, p, sc.conns, gone); err != nil {
		return measure{}, err
	}
	if err := settled(ctx, s, open); err != nil {
		return measure{}, err
	}
	m.count = int64(sc.conns)
	m.last = m.snapshot()
	return m.result()
}

// settled waits until the server has no more descriptors than most or, if that
// is 0, until their number rests.
func settled(ctx context.Context, s *server, most int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for last := -1; ; {
		n := s.descriptors()
		if n <= most || most == 0 && n == last {
			return nil
		}
		last = n
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("it keeps %d descriptors: %w", n, err)
		}
	}
}

// runIdle measures what resident memory grows by for each connection.
func runIdle(ctx context.Context, _ *bench, sc *scenario, s *server) (measure, error) {
	return growth(ctx, sc, s, func() (int64, error) { return s.rss(), nil })
}

// runObjects does so with live heap objects.
func runObjects(ctx context.Context, _ *bench, sc *scenario, s *server) (measure, error) {
	return growth(ctx, sc, s, func() (int64, error) { return s.heap(ctx, "HeapObjects") })
}

// runHeap does so with the bytes of live heap objects.
func runHeap(ctx context.Context, _ *bench, sc *scenario, s *server) (measure, error) {
	return growth(ctx, sc, s, func() (int64, error) { return s.heap(ctx, "HeapAlloc") })
}

// settle is how long a server has to become idle.
const settle = 500 * time.Millisecond

func growth(ctx context.Context, sc *scenario, s *server, read func() (int64, error)) (measure, error) {
	warm := *sc
	warm.conns = min(warmConns, sc.conns)
	msg, err := newMessage(sc, s, "echo")
	if err != nil {
		return measure{}, err
	}
	came := newExchange(msg)
	p, err := pool(ctx, &warm, s, msg, came.got)
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	if err := came.run(ctx, &warm, p); err != nil {
		return measure{}, err
	}
	if err := pause(ctx, settle); err != nil {
		return measure{}, err
	}
	before, err := read()
	if err != nil {
		return measure{}, err
	}
	from := time.Now()
	if err := p.Dial(ctx, sc.conns, parallelDials); err != nil {
		return measure{}, err
	}
	took := time.Since(from)
	if err := came.run(ctx, sc, p); err != nil {
		return measure{}, err
	}
	if err := pause(ctx, settle); err != nil {
		return measure{}, err
	}
	after, err := read()
	if err != nil {
		return measure{}, err
	}
	if got := p.Connected(); got != int64(sc.conns+warm.conns) {
		return measure{}, fmt.Errorf("%d of %d connections are alive", got, sc.conns+warm.conns)
	}
	if before == 0 || after == 0 {
		return measure{}, errors.New("its memory cannot be read")
	}
	n := float64(sc.conns)
	return measure{Cost: float64(after-before) / n, Rate: n / took.Seconds(), Count: int64(sc.conns)}, nil
}

// An exchange has connections send a message, some at a time, and waits until
// each has it back.
type exchange struct {
	// Immutable.
	msg *message

	// Owned by the client's loop.
	used, bad int // connections that have sent, messages that were not right
	all       []*load.Conn
	done      *gate
}

func newExchange(msg *message) *exchange { return &exchange{msg: msg} }

// got is called by the loop for each event.
func (e *exchange) got(_ *load.Conn, same bool) {
	if !same {
		e.bad++
	}
	e.next()
	e.done.pass()
}

func (e *exchange) next() {
	if e.used < len(e.all) {
		e.msg.send(e.all[e.used])
		e.used++
	}
}

// run has those connections of p use the message that have not, if the scenario
// wants that.
func (e *exchange) run(ctx context.Context, sc *scenario, p *load.Pool) error {
	if !sc.used {
		return nil
	}
	done := newGate(sc.conns)
	err := do(ctx, p, func() {
		e.all, e.done = p.Conns(), done
		for range parallelDials {
			e.next()
		}
	})
	if err == nil {
		err = done.wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("using the connections: %w", err)
	}
	bad := 0
	if err := do(ctx, p, func() { bad = e.bad }); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d messages were not those that were sent", bad)
	}
	return nil
}
