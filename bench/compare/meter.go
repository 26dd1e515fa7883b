package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

// A measure is the result of one run: what one unit of work cost the server,
// how many were done each second, and how long they took.
type measure struct {
	Cost        float64 `json:"cost"`           // in the scenario's unit
	Rate        float64 `json:"rate,omitempty"` // per second
	Count       int64   `json:"count"`
	P50         float64 `json:"p50,omitempty"` // µs
	P99         float64 `json:"p99,omitempty"` // µs
	ServerShare float64 `json:"serverShare,omitempty"`
	ClientShare float64 `json:"clientShare,omitempty"` // of its core
}

// A snapshot is where everything stands at one moment.
type snapshot struct {
	at             time.Time
	count          int64
	server, client time.Duration
}

// A meter measures a server between two moments at which work is complete, so
// that what is counted and what was paid for are the same.
type meter struct {
	// Immutable.
	server  *server
	reached [wantLast + 1]chan struct{} // by what it is asked for; closed by the loop

	// Atomic: written by the measuring goroutine, read by the loop.
	want atomic.Int32

	// Owned by the client's loop; read by the measuring goroutine after reached.
	phase       int32
	count, bad  int64
	first, last snapshot
	latencies   latencies
}

// What a meter is asked for, in order.
const (
	wantNothing = iota
	wantFirst
	wantLast
)

func newMeter(s *server) *meter {
	m := &meter{server: s}
	for i := range m.reached {
		m.reached[i] = make(chan struct{})
	}
	return m
}

func (m *meter) snapshot() snapshot {
	return snapshot{time.Now(), m.count, cpuTime(m.server.cmd.Process.Pid), cpuTime(0)}
}

// boundary is called by the client's loop when a piece of work is complete.
func (m *meter) boundary() {
	if m.phase == m.want.Load() {
		return
	}
	m.phase++
	if m.phase == wantFirst {
		m.first, m.latencies = m.snapshot(), latencies{}
	} else {
		m.last = m.snapshot()
	}
	close(m.reached[m.phase])
}

// took notes a latency.
func (m *meter) took(since int64) { m.latencies.add(time.Duration(now() - since)) }

// run measures for a while after a warm-up as long, which compilers at run time
// need.
func (m *meter) run(ctx context.Context, length time.Duration, p *load.Pool) (measure, error) {
	// A slow server may take long to complete anything.
	limit := 2*length + time.Minute + 8*m.server.warm // it may not have its core for itself
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !m.server.isWarm() {
		if err := pause(ctx, length/2); err != nil {
			return measure{}, fmt.Errorf("warming up: %w", err)
		}
	}
	for _, step := range []struct {
		pause time.Duration
		want  int32
	}{{length, wantFirst}, {length, wantLast}} {
		if err := pause(ctx, step.pause); err != nil {
			return measure{}, err
		}
		m.want.Store(step.want)
		select {
		case <-m.reached[step.want]:
		case <-ctx.Done():
			return measure{}, fmt.Errorf("nothing was completed within %v", limit)
		}
	}
	var r measure
	var err error
	if posted := do(ctx, p, func() { r, err = m.result() }); posted != nil {
		return measure{}, posted
	}
	if p.Lost() > 0 {
		return measure{}, fmt.Errorf("%d connections were lost", p.Lost())
	}
	return r, err
}

// result is called by the loop, or when no connection has anything to do any
// more.
func (m *meter) result() (measure, error) {
	if m.bad > 0 {
		return measure{}, fmt.Errorf("%d messages were not those that were sent", m.bad)
	}
	n, wall := m.last.count-m.first.count, m.last.at.Sub(m.first.at)
	if n <= 0 {
		return measure{}, errors.New("nothing came back")
	}
	cpu := m.last.server - m.first.server
	return measure{
		Cost: float64(cpu.Nanoseconds()) / 1000 / float64(n), Rate: float64(n) / wall.Seconds(), Count: n,
		P50: m.latencies.quantile(0.5), P99: m.latencies.quantile(0.99),
		ServerShare: cpu.Seconds() / wall.Seconds(), ClientShare: (m.last.client - m.first.client).Seconds() / wall.Seconds(),
	}, nil
}

var begin = time.Now()

// now is a cheap clock in nanoseconds.
func now() int64 { return int64(time.Since(begin)) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// do runs f on the client's loop and waits for it.
func do(ctx context.Context, p *load.Pool, f func()) error {
	done := make(chan struct{})
	if err := p.Do(func() { f(); close(done) }); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
