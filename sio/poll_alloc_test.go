//go:build !race

package sio_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// A pollPair is a polling session of a driven server, on a connection for its
// GETs and one for its POSTs.
type pollPair struct {
	get, post *loop.Conn
	got       []byte // what the GETs were answered last
	answers   int
	path      string
}

func openPollPair(tb testing.TB, srv *sio.Server, l *loop.Loop) *pollPair {
	tb.Helper()
	p := &pollPair{}
	p.get = srv.OpenFake(0, func(b []byte) (int, error) {
		p.got = append(p.got[:0], b...)
		p.answers++
		return len(b), nil
	})
	p.post = srv.OpenFake(0, nil)
	p.get.Inject([]byte("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n"))
	l.Drive()
	_, rest, _ := strings.Cut(string(p.got), `"sid":"`)
	sid, _, ok := strings.Cut(rest, `"`)
	if !ok {
		tb.Fatalf("no handshake: %q", p.got)
	}
	p.path = "/socket.io/?EIO=4&transport=polling&sid=" + sid
	p.post.Inject(p.postRequest("40"))
	l.Drive()
	p.get.Inject(p.getRequest())
	l.Drive()
	if !strings.Contains(string(p.got), "40{") {
		tb.Fatalf("not connected: %q", p.got)
	}
	return p
}

func (p *pollPair) getRequest() []byte {
	return []byte("GET " + p.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
}

func (p *pollPair) postRequest(body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
		p.path, len(body), body)
}

func TestPollAllocatesNothing(t *testing.T) {
	srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l := loops[0]
	srv.Root().Inline().Handle("echo", func(e *sio.Event) error {
		return e.Socket().Emit("echo", e.Args()...)
	})
	p := openPollPair(t, srv, l)
	get, post := p.getRequest(), p.postRequest(`42["echo","some text"]`)
	getIn, postIn := make([]byte, len(get)), make([]byte, len(post))
	before := p.answers
	const runs = 1000
	n := testing.AllocsPerRun(runs, func() {
		copy(getIn, get)
		p.get.Inject(getIn)
		l.Drive()
		copy(postIn, post)
		p.post.Inject(postIn)
		l.Drive()
	})
	if n != 0 {
		t.Errorf("%v allocations for a POST, an inline echo and the GET that takes it, want 0", n)
	}
	if p.answers-before != runs+1 || !strings.HasSuffix(string(p.got), `42["echo","some text"]`) {
		t.Errorf("%d polls were answered, the last with %q", p.answers-before, p.got)
	}
}

// TestPollBatchesATurn: what is sent within one turn is one response.
func TestPollBatchesATurn(t *testing.T) {
	srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p := openPollPair(t, srv, loops[0])
	p.get.Inject(p.getRequest())
	loops[0].Drive()
	before := p.answers
	var want []string
	for i := range 20 {
		_ = srv.Emit("tick", i)
		want = append(want, fmt.Sprintf(`42["tick",%d]`, i))
	}
	loops[0].Drive()
	if p.answers != before+1 || !strings.HasSuffix(string(p.got), "\r\n\r\n"+strings.Join(want, "\x1e")) {
		t.Errorf("%d answers, the last %q", p.answers-before, p.got)
	}
}
