package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

// A measure is the result of one run: what one unit of work cost the server,
// and how many were done each second.
type measure struct {
	cost float64
	rate float64
}

type scenario struct {
	name, title, unit string
	run               func(context.Context, *bench, *server) (measure, error)
}

var scenarios = []scenario{
	{"idle", "idle WebSocket connection", "B", runIdle},
	{"handshake", "WebSocket handshake and CONNECT", "µs CPU", runHandshake},
	{"echo", "echo, 100 sockets, 32 B, 1 in flight", "µs CPU", echo(100, 32, 1)},
	{"echo16", "echo, 100 sockets, 32 B, 16 in flight", "µs CPU", echo(100, 32, 16)},
	{"echo1k", "echo, 1,000 sockets, 1 KB, 1 in flight", "µs CPU", echo(1000, 1024, 1)},
	{"broadcast", "broadcast to 1,000, 128 B, 1 in flight", "µs CPU", broadcast(1000, 128, 1)},
	{"broadcast20", "broadcast to 5,000, 128 B, 20 in flight", "µs CPU", broadcast(5000, 128, 20)},
}

func scenarioNames() []string {
	var list []string
	for _, s := range scenarios {
		list = append(list, s.name)
	}
	return list
}

func runIdle(ctx context.Context, b *bench, s *server) (measure, error) {
	p, err := load.NewPool(load.Options{Addr: s.addr, OnEvent: func(*load.Conn, []byte) {}})
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	if err := p.Dial(ctx, 100, 64); err != nil { // what the first connections alone cause
		return measure{}, err
	}
	before, begin := s.rss(), time.Now()
	if err := p.Dial(ctx, b.idle, 256); err != nil {
		return measure{}, err
	}
	took := time.Since(begin)
	return measure{float64(s.rss()-before) / float64(b.idle), float64(b.idle) / took.Seconds()}, nil
}

func runHandshake(ctx context.Context, _ *bench, s *server) (measure, error) {
	p, err := load.NewPool(load.Options{Addr: s.addr, OnEvent: func(*load.Conn, []byte) {}})
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	const warm, n = 500, 4000
	if err := p.Dial(ctx, warm, 64); err != nil {
		return measure{}, err
	}
	before, begin := s.cpu(), time.Now()
	if err := p.Dial(ctx, n, 64); err != nil {
		return measure{}, err
	}
	return perUnit(s.cpu()-before, time.Since(begin), n), nil
}

// echo has every connection keep depth messages under way.
func echo(conns, size, depth int) func(context.Context, *bench, *server) (measure, error) {
	return func(ctx context.Context, b *bench, s *server) (measure, error) {
		var done atomic.Int64
		msg := fmt.Appendf(nil, `42["echo","%s"]`, strings.Repeat("x", size))
		p, err := load.NewPool(load.Options{Addr: s.addr, OnEvent: func(c *load.Conn, _ []byte) {
			done.Add(1)
			c.Send(msg)
		}})
		if err != nil {
			return measure{}, err
		}
		defer closePool(p)
		if err := p.Dial(ctx, conns, 64); err != nil {
			return measure{}, err
		}
		if err := p.Do(func() {
			for _, c := range p.Conns() {
				for range depth {
					c.Send(msg)
				}
			}
		}); err != nil {
			return measure{}, err
		}
		return b.timed(ctx, s, &done)
	}
}

// broadcast has one connection send to all, depth messages under way.
func broadcast(conns, size, depth int) func(context.Context, *bench, *server) (measure, error) {
	return func(ctx context.Context, b *bench, s *server) (measure, error) {
		var done atomic.Int64
		var pending int // deliveries of the message that is under way longest
		msg := fmt.Appendf(nil, `42["broadcast","%s"]`, strings.Repeat("x", size))
		var sender *load.Conn
		p, err := load.NewPool(load.Options{Addr: s.addr, OnEvent: func(*load.Conn, []byte) {
			done.Add(1)
			if pending++; pending == conns {
				pending = 0
				sender.Send(msg)
			}
		}})
		if err != nil {
			return measure{}, err
		}
		defer closePool(p)
		if err := p.Dial(ctx, conns, 64); err != nil {
			return measure{}, err
		}
		if err := p.Do(func() {
			sender = p.Conns()[0]
			for range depth {
				sender.Send(msg)
			}
		}); err != nil {
			return measure{}, err
		}
		return b.timed(ctx, s, &done)
	}
}

// timed measures the server for a while after a short warm-up.
func (b *bench) timed(ctx context.Context, s *server, done *atomic.Int64) (measure, error) {
	if err := pause(ctx, b.length/4); err != nil {
		return measure{}, err
	}
	before, from, begin := s.cpu(), done.Load(), time.Now()
	if err := pause(ctx, b.length); err != nil {
		return measure{}, err
	}
	n := done.Load() - from
	if n == 0 {
		return measure{}, fmt.Errorf("no message came back in %v", b.length)
	}
	return perUnit(s.cpu()-before, time.Since(begin), int(n)), nil
}

func perUnit(cpu, wall time.Duration, n int) measure {
	return measure{float64(cpu.Nanoseconds()) / 1000 / float64(n), float64(n) / wall.Seconds()}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func closePool(p *load.Pool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = p.Close(ctx)
}
