//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

func TestEchoAndClose(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 2}, func(*loop.Loop) *hooks {
		return &hooks{data: reply, closed: func(_ *loop.Conn, err error) { closed <- err }}
	})
	nc := dial(t, listen(t, r))
	for _, size := range []int{1, 100, 64 << 10, 300_000} {
		p := bytes.Repeat([]byte{byte(size)}, size)
		go func() { _, _ = nc.Write(p) }()
		if got := mustRead(t, nc, size); !bytes.Equal(got, p) {
			t.Fatalf("echo of %d bytes differs", size)
		}
	}
	_ = nc.Close()
	if err := recv(t, closed); !errors.Is(err, io.EOF) {
		t.Errorf("Closed got %v, want EOF", err)
	}
	until(t, "no connection is left", func() bool { return r.Conns() == 0 })
}

func TestPostOrder(t *testing.T) {
	t.Parallel()
	got := make(chan uint32, 100)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{message: func(m *loop.Message) { got <- m.Arg }}
	})
	for i := range uint32(100) {
		if err := r.Loops()[0].Post(loop.Message{Kind: 1, Arg: i}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint32(100) {
		if v := recv(t, got); v != i {
			t.Fatalf("message %d: got %d", i, v)
		}
	}
}
