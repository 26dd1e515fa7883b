package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

// pool connects the scenario's clients, which are told about each event
// whether it is msg.
func pool(ctx context.Context, sc *scenario, s *server, msg *message, got func(c *load.Conn, same bool)) (*load.Pool, error) {
	o := s.options()
	msg.awaited(&o, got)
	return dial(ctx, sc, &o)
}

func dial(ctx context.Context, sc *scenario, o *load.Options) (*load.Pool, error) {
	if sc.kind == kindPolling {
		o.Transport = load.Polling
	}
	p, err := load.NewPool(*o)
	if err != nil {
		return nil, err
	}
	if err := p.Dial(ctx, sc.conns, parallelDials); err != nil {
		closePool(p)
		return nil, err
	}
	return p, nil
}

// parallelDials is how many connections are opened at a time.
const parallelDials = 64

func closePool(p *load.Pool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = p.Close(ctx)
}

// stride is the distance of the connections whose latencies are taken: reading
// the clock for each delivery would slow the client down.
func stride(conns int) int { return min(max(1, conns/16), 64) }

// runEcho has every connection keep depth messages under way.
func runEcho(ctx context.Context, b *bench, sc *scenario, s *server) (measure, error) {
	msg, err := newMessage(sc, s, "echo")
	if err != nil {
		return measure{}, err
	}
	m, every, depth := newMeter(s), stride(sc.conns), sc.depth
	sent := make([]int64, sc.conns/every*depth+depth) // when, by sampled connection and place in flight
	p, err := pool(ctx, sc, s, msg, func(c *load.Conn, same bool) {
		if !same {
			m.bad++
			return
		}
		m.count++
		m.boundary()
		if c.Index%every == 0 {
			t := &sent[c.Index/every*depth+int(c.User)]
			m.took(*t)
			*t = now()
			if c.User++; int(c.User) == depth {
				c.User = 0
			}
		}
		msg.send(c)
	})
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	if err := p.Do(func() {
		t := now()
		for i := range sent {
			sent[i] = t
		}
		for _, c := range p.Conns() {
			for range depth {
				msg.send(c)
			}
		}
	}); err != nil {
		return measure{}, err
	}
	return m.run(ctx, b.length, p)
}

// runBroadcast has one connection send to all. The next message leaves when
// the oldest has been delivered to everybody.
func runBroadcast(ctx context.Context, b *bench, sc *scenario, s *server) (measure, error) {
	type flight struct {
		at  int64
		got int
	}
	msg, err := newMessage(sc, s, "broadcast")
	if err != nil {
		return measure{}, err
	}
	m, every := newMeter(s), stride(sc.conns)
	flights := make([]flight, sc.depth) // nobody is ahead of the slowest by more
	var sender *load.Conn
	p, err := pool(ctx, sc, s, msg, func(c *load.Conn, same bool) {
		if !same {
			m.bad++
			return
		}
		m.count++
		f := &flights[c.User]
		if c.User++; int(c.User) == len(flights) {
			c.User = 0
		}
		if c.Index%every == 0 {
			m.took(f.at)
		}
		if f.got++; f.got == sc.conns {
			m.boundary()
			*f = flight{at: now()}
			msg.send(sender)
		}
	})
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	if err := p.Do(func() {
		sender = p.Conns()[0]
		for i := range flights {
			flights[i].at = now()
			msg.send(sender)
		}
	}); err != nil {
		return measure{}, err
	}
	return m.run(ctx, b.length, p)
}

// runRooms has one member of a room send to it, in depth rooms at a time. When
// a room has got its message, it is the next room's turn.
func runRooms(ctx context.Context, b *bench, sc *scenario, s *server) (measure, error) {
	type flight struct {
		at  int64
		got int
	}
	rooms := sc.conns / perRoom
	depth := min(sc.depth, rooms)
	text, _ := sc.payload()
	want := fmt.Appendf(nil, `2["room",%s]`, text)
	m, every := newMeter(s), min(stride(sc.conns), 8)
	flights := make([]flight, rooms)
	msgs := make([][]byte, rooms)
	for i := range msgs {
		msgs[i] = fmt.Appendf(nil, `42["room","r%d",%s]`, i, text)
	}
	var conns []*load.Conn
	turn := 0
	next := func() {
		room, member := turn%rooms, turn/rooms%perRoom
		turn++
		flights[room] = flight{at: now()}
		conns[room+member*rooms].Send(msgs[room])
	}
	joined, speech := newGate(rooms*perRoom), s.dialect()
	o := s.options()
	o.OnEvent = func(c *load.Conn, packet []byte) {
		if bytes.HasPrefix(packet, speech.joined) {
			joined.pass()
			return
		}
		if !bytes.Equal(packet, want) {
			m.bad++
			return
		}
		m.count++
		f := &flights[c.Index%rooms]
		if c.Index%every == 0 {
			m.took(f.at)
		}
		if f.got++; f.got == perRoom {
			m.boundary()
			next()
		}
	}
	p, err := dial(ctx, sc, &o)
	if err != nil {
		return measure{}, err
	}
	defer closePool(p)
	conns = p.Conns()[:rooms*perRoom]
	if err := p.Do(func() {
		for i, c := range conns {
			c.Send(speech.join(i % rooms))
		}
	}); err != nil {
		return measure{}, err
	}
	if err := joined.wait(ctx); err != nil {
		return measure{}, fmt.Errorf("joining: %w", err)
	}
	if err := p.Do(func() {
		for range depth {
			next()
		}
	}); err != nil {
		return measure{}, err
	}
	return m.run(ctx, b.length, p)
}

// A dialect is how a server is asked to join and leave so that it answers: by
// an acknowledgement, or by an event where there are none.
type dialect struct {
	ask          [2]string // the packet's start: to join, to leave
	joined, left []byte    // how the answers begin, without the "4"
}

func (s *server) dialect() dialect {
	if s.plain {
		return dialect{[2]string{"42", "42"}, []byte(`2["joined",`), []byte(`2["left",`)}
	}
	return dialect{[2]string{"420", "421"}, []byte("30["), []byte("31[")}
}

func (d *dialect) join(room int) []byte { return fmt.Appendf(nil, `%s["join","r%d"]`, d.ask[0], room) }

func (d *dialect) leave(room int) []byte {
	return fmt.Appendf(nil, `%s["leave","r%d"]`, d.ask[1], room)
}

// A gate opens when n have passed.
type gate struct {
	left int // owned by the loop goroutine
	open chan struct{}
}

func newGate(n int) *gate { return &gate{n, make(chan struct{})} }

// pass is called by the loop.
func (g *gate) pass() {
	if g.left--; g.left == 0 {
		close(g.open)
	}
}

func (g *gate) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
