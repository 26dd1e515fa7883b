package load_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/sio"
)

// TestMsgpack sends what TestTransports does to a server with the msgpack
// parser: events, acknowledgements, binary, and an auth payload, over each
// transport and in a namespace of its own.
func TestMsgpack(t *testing.T) {
	t.Parallel()
	auths := make(chan string, 16)
	addr := serve(t, sio.Options{Parser: sio.ParserMsgpack}, func(s *sio.Server) {
		for _, n := range []*sio.Namespace{s.Root(), s.Of("/chat")} {
			echoes(n)
			n.OnConnection(func(s *sio.Socket) { auths <- string(s.Handshake().Auth) })
		}
	})
	for _, transport := range transports {
		for _, nsp := range []string{"/", "/chat"} {
			t.Run(transport.String()+nsp, func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 8)
				p := newPool(t, load.Options{
					Addr: addr, Namespace: nsp, Msgpack: true, Auth: []byte(`{"token":"secret"}`),
					OnPacket: func(_ *load.Conn, p *load.Packet) { got <- text(p) },
				})
				c, err := p.Open(t.Context(), transport, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				if s := receive(t, auths, "the auth payload"); s != `{"token":"secret"}` {
					t.Errorf("auth is %s", s)
				}
				prefix := string(p.Prefix())
				on(t, c, func() {
					c.Send([]byte("42" + prefix + `["echo","é",1.5,{"a":[null,true]}]`))
					c.Send([]byte("42" + prefix + `17["echo","x"]`))
					c.Send([]byte("452-" + prefix + `18["echo",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]`))
					c.SendBinary([]byte("\x00\x1e\xff"))
					c.SendBinary([]byte("second"))
				})
				for _, want := range []string{
					`event -1 ["echo","é",1.5,{"a":[null,true]}]`,
					`ack 17 ["x"]`,
					`ack 18 [{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}] "\x00\x1e\xff" "second"`,
				} {
					if s := receive(t, got, want); s != want {
						t.Errorf("got %s, want %s", s, want)
					}
				}
			})
		}
	}
}

// TestMsgpackRaw has OnEvent get the message as it came.
func TestMsgpackRaw(t *testing.T) {
	t.Parallel()
	addr := serve(t, sio.Options{Parser: sio.ParserMsgpack}, func(s *sio.Server) { echoes(s.Root()) })
	got := make(chan string, 8)
	p := newPool(t, load.Options{Addr: addr, Msgpack: true, OnEvent: func(_ *load.Conn, b []byte) { got <- string(b) }})
	c, err := p.Open(t.Context(), load.WebSocket, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	packet := "\x83\xa4type\x02\xa4data\x92\xa4echo\x07\xa3nsp\xa1/"
	on(t, c, func() { c.SendBinary([]byte(packet)) })
	if s := receive(t, got, "the echo"); s != packet {
		t.Errorf("got %q, want %q", s, packet)
	}
}

// TestMsgpackMismatch has client and server disagree about the parser, and
// packets that cannot be sent.
func TestMsgpackMismatch(t *testing.T) {
	t.Parallel()
	json := serve(t, sio.Options{}, nil)
	msgpack := serve(t, sio.Options{Parser: sio.ParserMsgpack}, func(s *sio.Server) {
		s.Of("/closed").Use(func(*sio.Socket) error { return &sio.Error{Message: "closed today"} })
	})
	for name, tc := range map[string]struct {
		o    load.Options
		want string
	}{
		"JSON server":  {load.Options{Addr: json, Msgpack: true}, "closed the WebSocket: does it use the msgpack parser?"},
		"JSON client":  {load.Options{Addr: msgpack}, "closed the WebSocket"},
		"refused":      {load.Options{Addr: msgpack, Msgpack: true, Namespace: "/closed"}, "closed today"},
		"no namespace": {load.Options{Addr: msgpack, Msgpack: true, Namespace: "/nothing"}, "Invalid namespace"},
	} {
		p := newPool(t, tc.o)
		_, err := p.Open(t.Context(), load.WebSocket, 0, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, tc.want)
		}
	}
	closed := make(chan error, 1)
	p := newPool(t, load.Options{Addr: msgpack, Msgpack: true, OnClose: func(_ *load.Conn, err error) { closed <- err }})
	c, err := p.Open(t.Context(), load.WebSocket, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	on(t, c, func() { c.Send([]byte(`42["echo"`)) })
	if err := receive(t, closed, "the end"); !strings.Contains(err.Error(), "cannot send") {
		t.Errorf("closed with %v", err)
	}
	if err := (&load.Options{Addr: "127.0.0.1:1", Plain: true, Msgpack: true}).Check(); err == nil {
		t.Error("plain and msgpack together are taken")
	}
}

// TestDeflate has a server compress what it sends, over WebSocket at once and
// through an upgrade.
func TestDeflate(t *testing.T) {
	t.Parallel()
	for _, transport := range []load.Transport{load.WebSocket, load.Upgrade} {
		addr := serve(t, sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}}, func(s *sio.Server) { echoes(s.Root()) })
		got := make(chan string, 8)
		p := newPool(t, load.Options{Addr: addr, Deflate: true, OnPacket: func(_ *load.Conn, p *load.Packet) { got <- text(p) }})
		c, err := p.Open(t.Context(), transport, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := p.Counters().BytesIn
		const messages, size = 20, 50_000
		body := strings.Repeat("gannet ", size/7)
		for range messages {
			on(t, c, func() { c.Send([]byte(`42["echo","` + body + `"]`)) })
			if s, want := receive(t, got, "an echo"), `event -1 ["echo","`+body+`"]`; s != want {
				t.Fatalf("%v: got %.40q, %d bytes", transport, s, len(s))
			}
		}
		if n := p.Counters().BytesIn - before; n > messages*size/10 {
			t.Errorf("%v: %d bytes came for %d: they were not compressed", transport, n, messages*size)
		}
	}
}

// TestDeflateRefused wants compression of a server that has none.
func TestDeflateRefused(t *testing.T) {
	t.Parallel()
	addr := serve(t, sio.Options{}, nil)
	p := newPool(t, load.Options{Addr: addr, Deflate: true})
	_, err := p.Open(t.Context(), load.WebSocket, 0, nil)
	if err == nil || !strings.Contains(err.Error(), "does not compress") {
		t.Errorf("error %v", err)
	}
}
