package sio_test

import (
	"log/slog"
	"testing"

	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
	"github.com/gannet-io/gannet/wsframe"
)

// An echoer has one client on WebSocket, whose event "echo" is sent back by an
// inline handler, and no goroutine and no kernel.
type echoer struct {
	srv  *sio.Server
	loop *loop.Loop
	conn *loop.Conn
	// in is a scratch for a copy of frame: what is read is unmasked in place.
	frame, in []byte
}

func newEchoer(tb testing.TB, p sio.Parser, args []any) *echoer {
	tb.Helper()
	srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, Parser: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	srv.Root().Inline().Handle("echo", func(e *sio.Event) error {
		return e.Socket().Emit("echo", e.Args()...)
	})
	r := &echoer{srv: srv, loop: loops[0], conn: srv.OpenFake(0, nil)}
	r.conn.Inject([]byte(upgradeRequest))
	op, mask := wsframe.OpText, [4]byte{1, 2, 3, 4}
	join := []byte("40")
	if p == sio.ParserMsgpack {
		op, join = wsframe.OpBinary, unhex("82 a474797065 00 a36e7370 a12f")
	}
	r.conn.Inject(wsframe.AppendMaskedFrame(nil, op, mask, join))
	r.loop.Drive()
	if n := srv.Stats().Sockets; n != 1 {
		tb.Fatalf("%d sockets, want 1", n)
	}
	if p == sio.ParserMsgpack {
		r.frame = wsframe.AppendMaskedFrame(nil, op, mask, event(tb, "/", -1, "echo", args...))
	} else {
		text, atts, err := packet.AppendEvent([]byte("4"), "/", -1, "echo", args, nil, nil)
		if err != nil {
			tb.Fatal(err)
		}
		r.frame = wsframe.AppendMaskedFrame(nil, op, mask, text)
		for _, a := range atts {
			r.frame = wsframe.AppendMaskedFrame(r.frame, wsframe.OpBinary, mask, a)
		}
	}
	r.in = make([]byte, len(r.frame))
	return r
}

func (r *echoer) echo() {
	copy(r.in, r.frame)
	r.conn.Inject(r.in)
	r.loop.Drive()
}

// echoPayloads are what both parsers are measured with.
var echoPayloads = []struct {
	name string
	args []any
}{
	{"text", []any{"hello there, how are you?"}},
	{"numbers", []any{48123, 103.25, -47.5, 1763755200123}},
	{"object", []any{map[string]any{
		"room": "lobby", "text": "hello there, how are you?", "ts": 1763755200123, "tags": []any{"a", "b", "c"}, "ok": true,
	}}},
	{"binary", []any{make([]byte, 1024)}},
}

// BenchmarkEcho is what a server does for an event and its echo, without the
// kernel: frame, packet, handler, packet, frame.
func BenchmarkEcho(b *testing.B) {
	for _, p := range []sio.Parser{sio.ParserJSON, sio.ParserMsgpack} {
		for _, payload := range echoPayloads {
			b.Run(p.String()+"/"+payload.name, func(b *testing.B) {
				r := newEchoer(b, p, payload.args)
				b.ReportAllocs()
				for b.Loop() {
					r.echo()
				}
				b.ReportMetric(float64(len(r.frame)), "wire-bytes")
			})
		}
	}
}
