package sio_test

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// TestTotalQueueLimit has clients that do not read: as long as they wait for
// the same packets they may stay, whatever their queues add up to; when the
// packets are too many, the longest queues go first and the others stay.
func TestTotalQueueLimit(t *testing.T) {
	t.Parallel()
	const clients, limit = 40, 1 << 20
	srv, loops, err := sio.NewDriven(&sio.Options{
		Loops: 1, MaxTotalQueue: limit, WriteTimeout: time.Hour, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	l := loops[0]
	blocked := false
	refuse := func(b []byte) (int, error) {
		if blocked {
			return 0, syscall.EAGAIN
		}
		return len(b), nil
	}
	conns := make([]*loop.Conn, clients)
	for i := range conns {
		conns[i] = srv.OpenFake(0, refuse)
		conns[i].Inject([]byte(upgradeRequest))
		conns[i].Inject(masked("40"))
	}
	l.Drive()
	sockets := func() int {
		l.SetNow(l.Now() + 1000)
		l.Drive()
		l.Drive()
		return srv.Stats().Sockets
	}
	blocked = true
	big := strings.Repeat("x", 64<<10)
	emit := func(to sio.Emitter) {
		if err := to.Emit("big", big); err != nil {
			t.Fatal(err)
		}
		l.Drive()
	}
	for range 8 { // half a megabyte that 40 clients wait for: 20 MB, counted once
		emit(srv)
	}
	if n := sockets(); n != clients {
		t.Fatalf("%d of %d clients stayed while they shared what they wait for", n, clients)
	}
	all := srv.LocalSockets()
	greedy, modest := all[:8], all[8:]
	for _, s := range greedy {
		emit(s)
		emit(s)
	}
	n := sockets()
	if n >= clients || n < len(modest) {
		t.Fatalf("%d of %d clients stayed above the limit", n, clients)
	}
	for _, s := range modest {
		if !s.Connected() {
			t.Error("a client with a short queue had to go before one with a long queue")
		}
	}
	if st := srv.Stats(); st.SlowConsumers != uint64(clients-n) {
		t.Errorf("%d slow consumers counted, want %d", st.SlowConsumers, clients-n)
	}
}

// TestPauseDisconnectsNobody is row A97: clients whose pongs could not be read
// because the process stood still are not timed out for it, and those that are
// really gone are, later.
func TestPauseDisconnectsNobody(t *testing.T) {
	t.Parallel()
	for _, pause := range []int64{20_000, 25_000, 44_000, 3_600_000} {
		srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		l := loops[0]
		const clients = 100
		conns := make([]*loop.Conn, clients)
		for i := range conns {
			conns[i] = srv.OpenFake(0, nil)
			conns[i].Inject([]byte(upgradeRequest))
			conns[i].Inject(masked("40"))
			run(l, 300) // so that their pings are spread
		}
		run(l, 10_000)
		l.SetNow(l.Now() + pause)
		l.Drive()
		if n := srv.Stats().Sockets; n != clients {
			t.Errorf("%d of %d clients survived a pause of %d ms", n, clients, pause)
		}
		run(l, 60_000) // nobody answers
		if n := srv.Stats().Sockets; n != 0 {
			t.Errorf("%d clients that are gone were never timed out", n)
		}
	}
}

// run lets time go by on a driven loop.
func run(l *loop.Loop, ms int64) {
	for end := l.Now() + ms; l.Now() < end; {
		l.SetNow(l.Now() + 100)
		l.Drive()
	}
}

// TestWriteStall has two clients that refuse bytes while the server stands
// still for longer than WriteTimeout. The one that takes them as soon as the
// server looks stays; the other is given up.
func TestWriteStall(t *testing.T) {
	t.Parallel()
	srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, PingInterval: time.Hour, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l := loops[0]
	blocked := [2]bool{}
	var conns [2]*loop.Conn
	for i := range conns {
		conns[i] = srv.OpenFake(0, func(b []byte) (int, error) {
			if blocked[i] {
				return 0, syscall.EAGAIN
			}
			return len(b), nil
		})
		conns[i].Inject([]byte(upgradeRequest))
		conns[i].Inject(masked("40"))
	}
	l.Drive()
	blocked = [2]bool{true, true}
	for range 2 {
		if err := srv.Emit("x"); err != nil {
			t.Fatal(err)
		}
		l.Drive()
	}
	l.SetNow(l.Now() + 60_000)
	l.Drive()
	blocked[0] = false
	conns[0].FakeWritable()
	run(l, 5_000)
	if st := srv.Stats(); st.Sockets != 1 || st.WriteStalls != 1 {
		t.Errorf("%d sockets are left and %d stalls counted, want 1 and 1", st.Sockets, st.WriteStalls)
	}
}
