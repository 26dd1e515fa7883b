package load_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/sio"
)

// patience bounds every wait; it is never the measure of anything.
const patience = 20 * time.Second

// serve starts a Socket.IO server and returns its address.
func serve(tb testing.TB, o sio.Options, setup func(*sio.Server)) string {
	tb.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	if o.Loops == 0 {
		o.Loops = 1
	}
	srv, err := sio.NewServer(&o)
	if err != nil {
		tb.Fatal(err)
	}
	if setup != nil {
		setup(srv)
	}
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	return addr.String()
}

// echoes answers "echo" with what it was given, by an acknowledgement if one
// was asked for.
func echoes(n *sio.Namespace) {
	n.Handle("echo", func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})
}

// newPool starts a client that is closed with the test.
func newPool(tb testing.TB, o load.Options) *load.Pool {
	tb.Helper()
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	p, err := load.NewPool(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			tb.Errorf("close: %v", err)
		}
		if err := p.Err(); err != nil {
			tb.Errorf("client: %v", err)
		}
	})
	return p
}

// receive returns what comes next, or fails.
func receive[T any](tb testing.TB, ch <-chan T, what string) T {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		tb.Fatalf("never came: %s", what)
		panic("unreachable")
	}
}

// on runs f on the loop of c and waits for it.
func on(tb testing.TB, c *load.Conn, f func()) {
	tb.Helper()
	done := make(chan struct{})
	if err := c.Pool().DoOn(c.LoopID(), func() { f(); close(done) }); err != nil {
		tb.Fatal(err)
	}
	receive(tb, done, "a turn of the loop")
}

// text is a packet as a line: "ack 7 [..] binary,binary".
func text(p *load.Packet) string {
	kind := "event"
	if p.Ack {
		kind = "ack"
	}
	s := fmt.Sprintf("%s %d %s", kind, p.ID, p.Data)
	for _, a := range p.Attachments {
		s += fmt.Sprintf(" %q", a)
	}
	return s
}

// A raw server answers every connection the same.
func raw(tb testing.TB, handle func(net.Conn)) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	var live atomic.Int64
	ended := make(chan struct{}, 64)
	go func() { // stops when the listener is closed
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			live.Add(1)
			go func() { // stops when handle has closed the connection
				defer func() { _ = c.Close(); ended <- struct{}{} }()
				handle(c)
			}()
		}
	}()
	tb.Cleanup(func() {
		_ = l.Close()
		<-done
		for range live.Load() {
			<-ended
		}
	})
	return l.Addr().String()
}

// readHead reads a request up to its empty line.
func readHead(c net.Conn) string {
	var b strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		if n, err := c.Read(one); n == 0 || err != nil {
			break
		}
		b.Write(one)
	}
	return b.String()
}
