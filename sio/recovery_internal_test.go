package sio

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/internal/bufpool"
)

// fill adds n events to a log that somebody can miss.
func (g *eventLog) fill(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owners["somebody"] = &recoverable{}
	for range n {
		op := newCast(castEmit, &Target{nsp: g.nsp})
		op.buf = bufpool.Get(1)
		g.append(op)
		op.release()
	}
}

func TestSweepsFreeALog(t *testing.T) {
	t.Parallel()
	srv, err := newServer(&Options{ConnectionStateRecovery: &RecoveryOptions{}}, driven)
	if err != nil {
		t.Fatal(err)
	}
	g := srv.root.log
	const events = 5 * inOneGo
	g.fill(events)
	for now := range int64(1000) {
		g.sweep(now)
	}
	if g.count != events || len(g.marks) != 1 {
		t.Fatalf("%d events and %d marks, want %d and 1", g.count, len(g.marks), events)
	}
	g.fill(events)
	g.sweep(1000)
	g.sweep(g.keep + 999)
	if g.count != events {
		t.Errorf("%d events, want the newer %d", g.count, events)
	}
	g.sweep(g.keep + 1001)
	if g.count != 0 || g.bytes != 0 || g.budget.events.Load() != 0 || g.events != nil || g.marks != nil {
		t.Errorf("after the time of all: %d events, %d bytes, room for %d, %d marks", g.count, g.bytes, len(g.events), len(g.marks))
	}
}

// TestSweepsStopNoLoop: a log that is in use for long, or many logs, keep no loop
// from its work.
func TestSweepsStopNoLoop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	srv, err := NewServer(&Options{
		Loops: 1, Logger: slog.New(slog.DiscardHandler),
		ConnectionStateRecovery: &RecoveryOptions{MaxDisconnectionDuration: 100 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	busy := srv.Of("/busy").log
	srv.Root().Inline().Handle("ask", func(e *Event) error { return e.Ack(true) })
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, br, _, err := ws.Dial(ctx, fmt.Sprintf("ws://%s/socket.io/?EIO=4&transport=websocket", addr))
	if err != nil {
		t.Fatal(err)
	}
	if br == nil {
		br = bufio.NewReader(c)
	}
	at, _ := ctx.Deadline()
	_ = c.SetDeadline(at)
	ask := func(packet string) {
		if err := wsutil.WriteClientText(c, []byte(packet)); err != nil {
			t.Fatal(err)
		}
		read(t, c, br)
	}
	read(t, c, br) // the open packet
	ask("40")
	busy.mu.Lock()
	for !srv.swept.Load() { // a sweep has begun and waits
		ask(`420["ask"]`)
	}
	for range 3 {
		ask(`421["ask"]`)
	}
	busy.mu.Unlock()
	_ = c.Close()
	if err := srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func read(tb testing.TB, c net.Conn, br *bufio.Reader) {
	tb.Helper()
	if _, err := ws.ReadFrame(br); err != nil {
		tb.Fatalf("read from %s: %v", c.RemoteAddr(), err)
	}
}

// BenchmarkCollect looks through all that 16 MiB hold for what a client has missed,
// which is nothing: what a storm of reconnecting clients costs for each of them.
func BenchmarkCollect(b *testing.B) {
	srv, err := newServer(&Options{ConnectionStateRecovery: &RecoveryOptions{}}, driven)
	if err != nil {
		b.Fatal(err)
	}
	g := srv.root.log
	g.owners["somebody"] = &recoverable{}
	for i := range 70_000 {
		op := newCast(castEmit, &Target{nsp: g.nsp, include: names{}.with([]string{fmt.Sprintf("room-of-%012d", i)})})
		op.buf = bufpool.Get(1)
		g.append(op)
		op.release()
	}
	p := &pending{rooms: map[string]struct{}{}}
	for _, room := range []string{"its-own-id-0123456789", "lobby"} {
		p.rooms[room] = struct{}{}
		p.bits |= 1 << roomBit(room)
	}
	b.ResetTimer()
	for b.Loop() {
		p.until = g.lost()
		for p.until < g.head {
			if !g.collect(p, inOneGo) || len(p.missed) > 0 {
				b.Fatal("collected what nobody has missed")
			}
		}
	}
}
