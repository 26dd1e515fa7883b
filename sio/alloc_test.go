//go:build !race

package sio_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// drivenClients returns a server without goroutines and n clients in "/".
func drivenClients(tb testing.TB, n int, setup func(*sio.Server)) (*sio.Server, *loop.Loop, []*loop.Conn) {
	tb.Helper()
	return drivenWith(tb, &sio.Options{}, upgradeRequest, n, setup)
}

// drivenWith is drivenClients with options and another request.
func drivenWith(tb testing.TB, o *sio.Options, request string, n int, setup func(*sio.Server)) (*sio.Server, *loop.Loop, []*loop.Conn) {
	tb.Helper()
	o.Loops, o.Logger = 1, slog.New(slog.DiscardHandler)
	srv, loops, err := sio.NewDriven(o)
	if err != nil {
		tb.Fatal(err)
	}
	setup(srv)
	conns := make([]*loop.Conn, n)
	for i := range conns {
		conns[i] = srv.OpenFake(0, nil)
		conns[i].Inject([]byte(request))
		conns[i].Inject(masked("40"))
	}
	loops[0].Drive()
	if st := srv.Stats(); st.Sockets != n {
		tb.Fatalf("%d sockets connected, want %d", st.Sockets, n)
	}
	return srv, loops[0], conns
}

func TestInlineEchoAllocatesNothing(t *testing.T) {
	_, l, conns := drivenClients(t, 1, func(s *sio.Server) {
		s.Root().Inline().Handle("echo", func(e *sio.Event) error {
			return e.Socket().Emit("echo", e.Args()...)
		})
	})
	frame := masked(`42["echo","some text",{"and":[1,2,3]}]`)
	input := make([]byte, len(frame))
	before := l.Reactor().Counters().BytesOut
	n := testing.AllocsPerRun(1000, func() {
		copy(input, frame)
		conns[0].Inject(input)
		l.Drive()
	})
	if n != 0 {
		t.Errorf("%v allocations for an inline echo, want 0", n)
	}
	if sent := l.Reactor().Counters().BytesOut - before; sent < 1000*int64(len(frame)-4) {
		t.Errorf("only %d bytes were echoed", sent)
	}
}

func TestBroadcastAllocatesNothingPerRecipient(t *testing.T) {
	var perRun [2]float64
	for i, clients := range []int{10, 1000} {
		srv, l, _ := drivenClients(t, clients, func(*sio.Server) {})
		payload := fmt.Sprintf("%0100d", 1)
		perRun[i] = testing.AllocsPerRun(200, func() {
			if err := srv.Emit("tick", payload); err != nil {
				t.Error(err)
			}
			l.Drive()
		})
	}
	if perRun[1] > perRun[0] {
		t.Errorf("%v allocations for 1000 recipients and %v for 10: they grow with the recipients", perRun[1], perRun[0])
	}
}

// TestWideEventsAreForgotten has a loop handle an event with very many arguments:
// what it has taken for them it gives back.
func TestWideEventsAreForgotten(t *testing.T) {
	_, l, conns := drivenClients(t, 1, func(s *sio.Server) {
		s.Root().Inline().Handle("echo", func(e *sio.Event) error {
			return e.Socket().Emit("echo", e.Args()...)
		})
	})
	held := func() int64 {
		var ms runtime.MemStats
		for range 3 { // pools are emptied by the second
			runtime.GC()
		}
		runtime.ReadMemStats(&ms)
		return int64(ms.HeapAlloc)
	}
	before, sent := held(), l.Reactor().Counters().BytesOut
	conns[0].Inject(masked(`42["echo"` + strings.Repeat(",1", 130_000) + `]`))
	l.Drive()
	if sent = l.Reactor().Counters().BytesOut - sent; sent < 260_000 {
		t.Fatalf("only %d bytes were echoed", sent)
	}
	if more := held() - before; more > 1<<20 {
		t.Errorf("%d bytes are held", more)
	}
	runtime.KeepAlive(conns)
}

func TestABurstOfRepliesAllocatesNothing(t *testing.T) {
	_, l, conns := drivenClients(t, 1, func(s *sio.Server) {
		s.Root().Inline().Handle("echo", func(e *sio.Event) error {
			return e.Socket().Emit("echo", e.Args()...)
		})
	})
	var frames []byte
	for range 16 {
		frames = append(frames, masked(`42["echo","0123456789abcdef0123456789abcdef"]`)...)
	}
	input := make([]byte, len(frames))
	if n := testing.AllocsPerRun(1000, func() {
		copy(input, frames)
		conns[0].Inject(input)
		l.Drive()
	}); n != 0 {
		t.Errorf("%v allocations for 16 inline echoes, want 0", n)
	}
}

func TestALargeEchoAllocatesNothing(t *testing.T) {
	_, l, conns := drivenClients(t, 1, func(s *sio.Server) {
		s.Root().Inline().Handle("echo", func(e *sio.Event) error {
			return e.Socket().Emit("echo", e.Args()...)
		})
	})
	frame := masked(`42["echo","` + strings.Repeat("x", 3000) + `"]`)
	input := make([]byte, len(frame))
	if n := testing.AllocsPerRun(1000, func() {
		copy(input, frame)
		conns[0].Inject(input)
		l.Drive()
	}); n != 0 {
		t.Errorf("%v allocations for an inline echo of 3 KB, want 0", n)
	}
}

func TestLatestAllocatesNothingPerRecipient(t *testing.T) {
	var perRun [2]float64
	for i, clients := range []int{10, 1000} {
		srv, l, _ := drivenClients(t, clients, func(*sio.Server) {})
		payload := fmt.Sprintf("%0100d", 1)
		perRun[i] = testing.AllocsPerRun(200, func() {
			if err := srv.Root().Latest("key").Emit("tick", payload); err != nil {
				t.Error(err)
			}
			l.Drive()
		})
	}
	if perRun[1] > perRun[0] {
		t.Errorf("%v allocations for 1000 recipients and %v for 10: they grow with the recipients", perRun[1], perRun[0])
	}
}

func TestAMsgpackEchoAllocatesNothing(t *testing.T) {
	for _, payload := range echoPayloads {
		r := newEchoer(t, sio.ParserMsgpack, payload.args)
		before := r.loop.Reactor().Counters().BytesOut
		if n := testing.AllocsPerRun(1000, r.echo); n != 0 {
			t.Errorf("%s: %v allocations for an inline echo, want 0", payload.name, n)
		}
		if sent := r.loop.Reactor().Counters().BytesOut - before; sent < 1000*int64(len(r.frame)-4) {
			t.Errorf("%s: only %d bytes were echoed", payload.name, sent)
		}
	}
}
