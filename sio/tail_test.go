package sio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// A nested argument emits while it is encoded.
type nested struct{ f func() }

func (n nested) MarshalJSON() ([]byte, error) {
	n.f()
	return []byte(`"outer"`), nil
}

// burst runs f in an inline handler of the only client, and returns what it
// was sent in that turn.
func burst(t *testing.T, f func(srv *sio.Server, s *sio.Socket) (want []string)) {
	t.Helper()
	srv, l, clients := receivers(t, 1)
	var want []string
	srv.Root().Inline().Handle("go", func(e *sio.Event) error {
		want = f(srv, e.Socket())
		return nil
	})
	clients[0].conn.Inject(masked(`42["go"]`))
	l.Drive()
	if got := clients[0].take(t); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if st := srv.Stats(); st.EventsOut != uint64(len(want)) {
		t.Errorf("%d events were counted, want %d", st.EventsOut, len(want))
	}
}

func TestBurstOfRepliesInOneBuffer(t *testing.T) {
	t.Parallel()
	burst(t, func(_ *sio.Server, s *sio.Socket) (want []string) {
		for i := range 500 { // through several buffers
			_ = s.Emit("e", i)
			want = append(want, fmt.Sprintf(`42["e",%d]`, i))
		}
		return want
	})
}

func TestBurstWithABroadcastInBetween(t *testing.T) {
	t.Parallel()
	burst(t, func(srv *sio.Server, s *sio.Socket) []string {
		_ = s.Emit("a")
		_ = srv.Emit("b")
		_ = s.Emit("c")
		_ = s.Emit("d")
		return []string{`42["a"]`, `42["b"]`, `42["c"]`, `42["d"]`}
	})
}

func TestBurstWithAnEventThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	burst(t, func(_ *sio.Server, s *sio.Socket) []string {
		_ = s.Emit("a")
		if err := s.Emit("b", make(chan int)); err == nil {
			t.Error("a channel was encoded")
		}
		_ = s.Emit("c")
		return []string{`42["a"]`, `42["c"]`}
	})
}

func TestBurstWithEmitsWhileEncoding(t *testing.T) {
	t.Parallel()
	burst(t, func(srv *sio.Server, s *sio.Socket) []string {
		_ = s.Emit("a")
		_ = s.Emit("b", nested{func() {
			_ = s.Emit("inner 1")
			_ = s.Emit("inner 2")
		}})
		_ = s.Emit("c", nested{func() { _ = srv.Emit("to all") }})
		_ = s.Emit("d")
		return []string{
			`42["a"]`, `42["inner 1"]`, `42["inner 2"]`, `42["b","outer"]`,
			`42["to all"]`, `42["c","outer"]`, `42["d"]`,
		}
	})
}

func TestBurstWithAFlushWhileEncoding(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 1)
	large := strings.Repeat("x", 300<<10)
	srv.Root().Inline().Handle("go", func(e *sio.Event) error {
		_ = e.Socket().Emit("a")
		_ = e.Socket().Emit("b", nested{func() { _ = e.Socket().Emit("large", large) }})
		return e.Socket().Emit("c")
	})
	clients[0].conn.Inject(masked(`42["go"]`))
	l.Drive()
	got := string(clients[0].input)
	rest, found := strings.CutPrefix(got, "\x81\x07"+`42["a"]`)
	if !found || !strings.HasSuffix(rest, large+`"]`+"\x81\x0f"+`42["b","outer"]`+"\x81\x07"+`42["c"]`) {
		t.Errorf("got %d bytes that end in %q", len(got), got[max(0, len(got)-60):])
	}
}

func TestBurstsOfTwoSocketsDoNotMix(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 2)
	srv.Root().Inline().Handle("go", func(e *sio.Event) error {
		for i := range 10 {
			_ = clients[i%2].socket.Emit("e", i)
			_ = clients[i%2].socket.Emit("f", i)
		}
		return nil
	})
	clients[0].conn.Inject(masked(`42["go"]`))
	l.Drive()
	for i, r := range clients {
		var want []string
		for j := i; j < 10; j += 2 {
			want = append(want, fmt.Sprintf(`42["e",%d]`, j), fmt.Sprintf(`42["f",%d]`, j))
		}
		if got := r.take(t); !slices.Equal(got, want) {
			t.Errorf("client %d got %v, want %v", i, got, want)
		}
	}
}
