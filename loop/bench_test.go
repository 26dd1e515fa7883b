//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// BenchmarkFakeEcho is the cost of one message without the kernel.
func BenchmarkFakeEcho(b *testing.B) {
	l := driven(&hooks{data: reply})
	c := l.NewFake(nil)
	msg := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		c.Inject(msg)
	}
}

// BenchmarkFakeBroadcast is the cost of one delivery without the kernel, alone
// and merged with others: the queue and the flush.
func BenchmarkFakeBroadcast(b *testing.B) {
	for _, tc := range []struct {
		name   string
		frames int
	}{{"single", 1}, {"pair", 2}, {"merged", 20}} {
		b.Run(tc.name, func(b *testing.B) {
			const members = 5000
			l := driven(&hooks{})
			conns := make([]*loop.Conn, members)
			for i := range conns {
				conns[i] = l.NewFake(nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				for range tc.frames {
					f := bufpool.Get(66)
					f.B = f.B[:66]
					for _, c := range conns {
						c.Send(f)
					}
					l.Defer(f)
				}
				l.Drive()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members*tc.frames), "ns/deliv")
		})
	}
}

// BenchmarkSocketEcho is the round trip of one message over loopback, the
// client included.
func BenchmarkSocketEcho(b *testing.B) {
	nc := benchServer(b, echo)
	msg := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nc.Write(msg); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(nc, msg); err != nil {
			b.Fatal(err)
		}
	}
}

func benchServer(b *testing.B, f func(*loop.Loop) *hooks) net.Conn {
	b.Helper()
	r, err := loop.New(&loop.Options{Loops: 1, Logger: quiet, NewHandler: func(l *loop.Loop) loop.Handler { return f(l) }})
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Shutdown(b.Context()) })
	addr, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = nc.Close() })
	return nc
}

// BenchmarkPost is the cost of a message to a running loop, waking included.
func BenchmarkPost(b *testing.B) {
	var got atomic.Int64
	r, err := loop.New(&loop.Options{Loops: 1, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler {
		return &hooks{message: func(*loop.Message) { got.Add(1) }}
	}})
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Shutdown(b.Context()) }()
	l := r.Loops()[0]
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Post(loop.Message{Kind: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTimerRearm moves a deadline that is far away, as every message of a
// heartbeat does.
func BenchmarkTimerRearm(b *testing.B) {
	l := driven(&hooks{})
	var tm loop.Timer
	l.SetTimer(&tm, 25_000)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		l.SetTimer(&tm, 25_000+i&1023)
	}
}

// BenchmarkSweep is the cost per armed timer of one second of ticks.
func BenchmarkSweep(b *testing.B) {
	const n = 500_000
	l := driven(&hooks{})
	timers := make([]loop.Timer, n)
	for i := range timers {
		l.SetTimer(&timers[i], 1<<40)
	}
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		for range 10 {
			now += 100
			l.SetNow(now)
			l.Drive()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/timer")
}
