package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/sio"
)

var transports = []load.Transport{load.WebSocket, load.Polling, load.Upgrade}

// TestTransports sends events, acknowledgements and binary over each transport,
// in "/" and in a namespace of its own.
func TestTransports(t *testing.T) {
	t.Parallel()
	addr := serve(t, sio.Options{}, func(s *sio.Server) {
		echoes(s.Root())
		echoes(s.Of("/chat"))
	})
	for _, transport := range transports {
		for _, nsp := range []string{"", "/chat"} {
			t.Run(transport.String()+nsp, func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 8)
				p := newPool(t, load.Options{
					Addr: addr, Namespace: nsp,
					OnPacket: func(_ *load.Conn, p *load.Packet) { got <- text(p) },
				})
				c, err := p.Open(t.Context(), transport, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				prefix := string(p.Prefix())
				on(t, c, func() {
					c.Send([]byte("42" + prefix + `["echo","a\u001eb",1]`))
					c.Send([]byte("42" + prefix + `17["echo","x"]`))
					c.Send([]byte("451-" + prefix + `18["echo",{"_placeholder":true,"num":0}]`))
					c.SendBinary([]byte("\x00\x1e\xff"))
					c.Send([]byte("451-" + prefix + `["echo",{"_placeholder":true,"num":0}]`))
					c.SendBinary([]byte("second"))
				})
				for _, want := range []string{
					`event -1 ["echo","a\u001eb",1]`,
					`ack 17 ["x"]`,
					`ack 18 [{"_placeholder":true,"num":0}] "\x00\x1e\xff"`,
					`event -1 ["echo",{"_placeholder":true,"num":0}] "second"`,
				} {
					if s := receive(t, got, want); s != want {
						t.Errorf("got %s, want %s", s, want)
					}
				}
				if took := c.UpgradeTook() > 0; took != (transport == load.Upgrade) {
					t.Errorf("upgrade took %d ns over %v", c.UpgradeTook(), transport)
				}
				if c.Took() <= 0 {
					t.Errorf("took %d ns", c.Took())
				}
			})
		}
	}
}

// TestHandshakeCarries checks that auth, headers, cookies, query and path reach
// the server over each transport.
func TestHandshakeCarries(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			addr := serve(t, sio.Options{Path: "/rt"}, func(s *sio.Server) {
				s.OnConnection(func(s *sio.Socket) {
					h := s.Handshake()
					got <- fmt.Sprintf("%s %s %s %s", h.Auth, h.Headers.Get("X-Team"), h.Headers.Get("Cookie"), h.Query.Get("room"))
				})
			})
			p := newPool(t, load.Options{
				Addr: addr, Path: "/rt/", Auth: json.RawMessage(`{"token":"secret"}`),
				Header: http.Header{"X-Team": {"sea"}, "Cookie": {"a=1; b=2"}},
				Query:  url.Values{"room": {"a b"}},
			})
			if _, err := p.Open(t.Context(), transport, 0, nil); err != nil {
				t.Fatal(err)
			}
			if s, want := receive(t, got, "the connection"), `{"token":"secret"} sea a=1; b=2 a b`; s != want {
				t.Errorf("got %q, want %q", s, want)
			}
		})
	}
}

// TestHeartbeat has the server ping every 20 ms, with a timeout that a client
// that does not answer would not survive.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			ticks := make(chan struct{}, 1024)
			addr := serve(t, sio.Options{PingInterval: 20 * time.Millisecond, PingTimeout: 5 * time.Second}, func(s *sio.Server) {
				s.Handle("tick", func(e *sio.Event) error { return e.Ack() })
			})
			var lost atomic.Int64
			p := newPool(t, load.Options{
				Addr:     addr,
				OnPacket: func(*load.Conn, *load.Packet) { ticks <- struct{}{} },
				OnClose:  func(*load.Conn, error) { lost.Add(1) },
			})
			c, err := p.Open(t.Context(), transport, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				on(t, c, func() { c.Send([]byte(`421["tick"]`)) })
				receive(t, ticks, "an acknowledgement")
			}
			if lost.Load() != 0 || p.Connected() != 1 {
				t.Errorf("%d lost, %d connected", lost.Load(), p.Connected())
			}
		})
	}
}

// TestLargePayload sends more in one turn than the server takes in one POST,
// and receives what no single read holds.
func TestLargePayload(t *testing.T) {
	t.Parallel()
	addr := serve(t, sio.Options{MaxHTTPBufferSize: 20_000}, func(s *sio.Server) { echoes(s.Root()) })
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 64)
			p := newPool(t, load.Options{Addr: addr, OnPacket: func(_ *load.Conn, p *load.Packet) { got <- text(p) }})
			c, err := p.Open(t.Context(), transport, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			body := strings.Repeat("é", 3000)
			on(t, c, func() {
				for i := range 30 {
					c.Send(fmt.Appendf(nil, `42%d["echo","%s"]`, i, body))
				}
			})
			for i := range 30 {
				want := fmt.Sprintf(`ack %d [%q]`, i, body)
				if s := receive(t, got, "an echo"); s != want {
					t.Fatalf("got %.60q, want %.60q", s, want)
				}
			}
		})
	}
}

// TestPlain speaks to a server that knows no Engine.IO.
func TestPlain(t *testing.T) {
	t.Parallel()
	addr := raw(t, plainEcho)
	got := make(chan string, 4)
	p := newPool(t, load.Options{
		Addr: addr, Path: "/chat", Plain: true,
		OnPacket: func(_ *load.Conn, p *load.Packet) { got <- text(p) },
	})
	if err := p.Dial(t.Context(), 2, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Conns() {
		on(t, c, func() { c.Send([]byte(`42["echo","x"]`)) })
		if s, want := receive(t, got, "the echo"), `event -1 ["echo","x"]`; s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
}

// TestLoops spreads connections over several loops.
func TestLoops(t *testing.T) {
	t.Parallel()
	addr := serve(t, sio.Options{}, func(s *sio.Server) { echoes(s.Root()) })
	got := make(chan int, 8)
	p := newPool(t, load.Options{Addr: addr, Loops: 3, OnEvent: func(c *load.Conn, b []byte) {
		if string(b) != `2["echo",1]` {
			t.Errorf("OnEvent got %q", b)
		}
		got <- c.LoopID()
	}})
	if err := p.Dial(t.Context(), 6, 2); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Conns() {
		on(t, c, func() { c.Send([]byte(`42["echo",1]`)) })
		if id := receive(t, got, "an echo"); id != c.LoopID() || id != c.Index%3 {
			t.Errorf("connection %d is on loop %d and was called on %d", c.Index, c.LoopID(), id)
		}
	}
}

// TestHangup closes connections from the client and tells it so, and opens
// others from the next source addresses.
func TestHangup(t *testing.T) {
	t.Parallel()
	sources := make(chan string, 8)
	addr := serve(t, sio.Options{}, func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) { sources <- s.Handshake().Address.String() })
	})
	closed := make(chan error, 1)
	p := newPool(t, load.Options{Addr: addr, PerSource: 1, OnClose: func(_ *load.Conn, err error) { closed <- err }})
	for i := range 3 {
		c, err := p.Open(t.Context(), load.WebSocket, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := receive(t, sources, "a connection"), fmt.Sprintf("127.0.0.%d", i+1); !strings.HasPrefix(got, want) {
			t.Errorf("connection %d came from %s, want %s", i, got, want)
		}
		on(t, c, c.Hangup)
		if err := receive(t, closed, "OnClose"); err != load.ErrHangup { //nolint:errorlint // the very value is promised
			t.Errorf("OnClose got %v", err)
		}
	}
	if p.Connected() != 0 || p.Lost() != 3 {
		t.Errorf("%d connected, %d lost", p.Connected(), p.Lost())
	}
}

// TestOpenIsCancelled gives a handshake up that nobody answers.
func TestOpenIsCancelled(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	addr := raw(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		asked <- struct{}{}
		<-release
	})
	p := newPool(t, load.Options{Addr: addr})
	go func() { // stops when the request has come
		<-asked
		cancel()
	}()
	if _, err := p.Open(ctx, load.WebSocket, 0, nil); err != context.Canceled { //nolint:errorlint // the very value is promised
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	close(release)
}

// plainEcho answers an upgrade and then every message with itself.
func plainEcho(c net.Conn) {
	readHead(c)
	_, _ = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"))
	for {
		m, op, err := wsutil.ReadClientData(c)
		if err != nil {
			return
		}
		if err := wsutil.WriteServerMessage(c, op, m); err != nil {
			return
		}
	}
}
