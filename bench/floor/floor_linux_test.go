//go:build amd64 || arm64

package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// start serves in this process until the test ends.
func start(tb testing.TB) string {
	tb.Helper()
	s, err := listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var stop atomic.Bool
	s.timeout, s.stop = 1, stop.Load
	done := make(chan error, 1)
	go func() { done <- s.run() }() // stops when stop is set
	tb.Cleanup(func() {
		stop.Store(true)
		if err := <-done; !errors.Is(err, errStopped) {
			tb.Errorf("run: %v", err)
		}
		for fd := range s.conns {
			if s.conns[fd].state != gone {
				s.close(fd)
			}
		}
		sysClose(s.ln)
		sysClose(s.ep)
	})
	return s.addr
}

type peer struct {
	tb testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func dial(tb testing.TB, addr string) *peer {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	nc, br, _, err := ws.Dial(ctx, "ws://"+addr+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = nc.Close() })
	if br == nil {
		br = bufio.NewReader(nc)
	}
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	return &peer{tb, nc, br}
}

func (p *peer) send(text string) {
	p.tb.Helper()
	if err := wsutil.WriteClientText(p.nc, []byte(text)); err != nil {
		p.tb.Fatal(err)
	}
}

// want expects text as the next message, alone in a frame.
func (p *peer) want(text string) {
	p.tb.Helper()
	h, err := ws.ReadHeader(p.r)
	if err != nil {
		p.tb.Fatalf("want %.60q: %v", text, err)
	}
	b := make([]byte, h.Length)
	if _, err := readFull(p.r, b); err != nil {
		p.tb.Fatal(err)
	}
	if h.OpCode != ws.OpText || h.Masked || !h.Fin || string(b) != text {
		p.tb.Fatalf("got %+v %.60q, want %.60q", h, b, text)
	}
}

func readFull(r *bufio.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

func TestEcho(t *testing.T) {
	t.Parallel()
	p := dial(t, start(t))
	for _, n := range []int{0, 1, 32, 110, 111, 112, 113, 114, 115, 1024, 60_000} {
		text := `42["echo","` + strings.Repeat("x", n) + `"]`
		p.send(text)
		p.want(text)
	}
}

// TestPieces sends a request and its frames byte by byte, and many frames at
// once.
func TestPieces(t *testing.T) {
	t.Parallel()
	p := dial(t, start(t))
	text := `42["echo","` + strings.Repeat("ab", 100) + `"]`
	f := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(text))))
	for _, b := range f {
		if _, err := p.nc.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	p.want(text)
	var many []byte
	for range 2000 {
		many = append(many, ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(text))))...)
	}
	go func() { _, _ = p.nc.Write(many) }() // stops when all is read
	for range 2000 {
		p.want(text)
	}
}

func TestBroadcastAndRooms(t *testing.T) {
	t.Parallel()
	addr := start(t)
	var peers []*peer
	for range 5 {
		peers = append(peers, dial(t, addr))
	}
	gone := dial(t, addr)
	gone.send(`42["join","odd"]`)
	gone.want(`42["joined","odd"]`)
	for i, p := range peers {
		room := []string{"even", "odd"}[i%2]
		p.send(`42["join","` + room + `"]`)
		p.send(`42["join","both"]`)
		p.want(`42["joined","` + room + `"]`)
		p.want(`42["joined","both"]`)
	}
	_ = gone.nc.Close()
	peers[0].send(`42["broadcast","all"]`)
	for _, p := range peers {
		p.want(`42["broadcast","all"]`)
	}
	peers[0].send(`42["room","odd","` + strings.Repeat("y", 300) + `"]`)
	peers[1].want(`42["room","` + strings.Repeat("y", 300) + `"]`)
	peers[3].want(`42["room","` + strings.Repeat("y", 300) + `"]`)
	peers[3].send(`42["leave","odd"]`)
	peers[3].want(`42["left","odd"]`)
	peers[3].send(`42["room","odd",2]`)
	peers[1].want(`42["room",2]`)
	peers[3].send(`42["room","both",3]`)
	for _, p := range peers {
		p.want(`42["room",3]`)
	}
}
