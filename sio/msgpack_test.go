package sio_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/sio"
)

func msgpack() *sio.Options { return &sio.Options{Parser: sio.ParserMsgpack} }

// unhex returns what is written in hexadecimal, blanks aside.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// event returns an event as a client with the msgpack parser sends it; id is
// negative for none.
func event(tb testing.TB, nsp string, id int64, name string, args ...any) []byte {
	tb.Helper()
	b, _, err := packet.Msgpack.AppendEvent(nil, nsp, id, name, args, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// nextPacked returns the next packet, which must be one binary frame.
func (c *wsClient) nextPacked() *packet.Packet {
	c.t.Helper()
	f := c.frame()
	for f.Header.OpCode == ws.OpText && string(f.Payload) == "2" {
		c.send("3")
		f = c.frame()
	}
	if f.Header.OpCode != ws.OpBinary {
		c.t.Fatalf("got %v %q, want a binary frame", f.Header.OpCode, f.Payload)
	}
	return unpacked(c.t, f.Payload)
}

func unpacked(tb testing.TB, b []byte) *packet.Packet {
	tb.Helper()
	var p packet.Packet
	if err := packet.Msgpack.Parse(b, nil, &p); err != nil {
		tb.Fatalf("%x: %v", b, err)
	}
	return &p
}

// wantPacked expects a packet whose data is, as JSON, the given one; in it
// binary is {"_placeholder":true,"num":0} and so on, and atts is what they are.
func (c *wsClient) wantPacked(typ packet.Type, nsp, data string, atts ...string) *packet.Packet {
	c.t.Helper()
	p := c.nextPacked()
	wantPacket(c.t, p, typ, nsp, data, atts...)
	return p
}

func wantPacket(tb testing.TB, p *packet.Packet, typ packet.Type, nsp, data string, atts ...string) {
	tb.Helper()
	var got [][]byte
	text, err := packet.Msgpack.AppendJSON(nil, p.Data, &got)
	if err != nil {
		tb.Fatal(err)
	}
	if p.Type != typ || string(p.Namespace) != nsp || string(text) != data || len(got) != len(atts) {
		tb.Fatalf("got %s of %s %s with %q, want %s of %s %s with %q", p.Type, p.Namespace, text, got, typ, nsp, data, atts)
	}
	for i, a := range atts {
		if string(got[i]) != a {
			tb.Fatalf("binary %d of %s is %q, want %q", i, text, got[i], a)
		}
	}
}

// connectPacked opens a WebSocket session and joins "/".
func connectPacked(tb testing.TB, addr string) (c *wsClient, id string) {
	tb.Helper()
	c = dialWS(tb, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.sendBinary(unhex("82 a474797065 00 a36e7370 a12f")) // what the official client sends
	p := c.nextPacked()
	var data struct{ SID string }
	if err := packet.Msgpack.Decode(p.Data, nil, nil, &data); err != nil || p.Type != packet.Connect || len(data.SID) != 20 {
		tb.Fatalf("got %s %x, want a CONNECT with a sid: %v", p.Type, p.Data, err)
	}
	return c, data.SID
}

func echo(s *sio.Server) {
	s.Root().Handle("echo", func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})
}

func TestMsgpackConnect(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, msgpack(), nil)
	c := dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.sendBinary(unhex("82 a474797065 00 a36e7370 a12f"))
	f := c.frame()
	// As the official server answers, but for the pid, which it writes as
	// undefined where there is none.
	head, tail := unhex("83 a474797065 00 a464617461 81 a3736964 b4"), unhex("a36e7370 a12f")
	if got := f.Payload; f.Header.OpCode != ws.OpBinary || len(got) != len(head)+20+len(tail) ||
		!bytes.HasPrefix(got, head) || !bytes.HasSuffix(got, tail) {
		t.Fatalf("got %v %x, want binary %x, 20 bytes, %x", f.Header.OpCode, got, head, tail)
	}
}

func TestMsgpackEcho(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, msgpack(), echo)
	c, _ := connectPacked(t, addr)
	for _, data := range []string{
		"92 a46563686f a3666f6f",                                    // text
		"92 a46563686f c403 010203",                                 // a Buffer
		"92 a46563686f 81 a161 92 c401 01 81 a162 c402 0203",        // nested ones
		"92 a46563686f c70300 010203",                               // an ArrayBuffer
		"93 a46563686f d40000 81 a161 d40000",                       // undefined
		"92 a46563686f d700 0000019abcdef012",                       // a Date
		"95 a46563686f c0 c3 cb3ff8000000000000 d3ffffffff00000000", // nil, true, 1.5, a large negative number
	} {
		raw := unhex(data)
		c.sendBinary(append(unhex("83 a474797065 02 a36e7370 a12f a464617461"), raw...))
		if p := c.nextPacked(); p.Type != packet.Event || p.HasID || !bytes.Equal(p.Data, raw) {
			t.Errorf("got %s %x, want an event with %x", p.Type, p.Data, raw)
		}
		c.sendBinary(append(unhex("84 a474797065 02 a36e7370 a12f a26964 07 a464617461"), raw...))
		p := c.nextPacked()
		if want := append([]byte{raw[0] - 1}, raw[6:]...); p.Type != packet.Ack || p.ID != 7 || !bytes.Equal(p.Data, want) {
			t.Errorf("got %s %d %x, want ack 7 with %x", p.Type, p.ID, p.Data, want)
		}
	}
}

func TestMsgpackOnPolling(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, msgpack(), echo)
	c := newPollClient(t, addr)
	encode := func(b []byte) string { return "b" + base64.StdEncoding.EncodeToString(b) }
	decode := func(s string) *packet.Packet {
		b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "b"))
		if err != nil || !strings.HasPrefix(s, "b") {
			t.Fatalf("got %q, want one binary packet in base64", s)
		}
		return unpacked(t, b)
	}
	c.post(encode(unhex("82 a474797065 00 a36e7370 a12f")))
	if p := decode(c.get()); p.Type != packet.Connect {
		t.Fatalf("got %s, want CONNECT", p.Type)
	}
	c.post(encode(event(t, "/", -1, "echo", "one", []byte("binary"))) + "\x1e" + encode(event(t, "/", 1, "echo", 2)))
	var got []string
	for len(got) < 2 {
		got = append(got, strings.Split(c.get(), "\x1e")...)
	}
	wantPacket(t, decode(got[0]), packet.Event, "/", `["echo","one",{"_placeholder":true,"num":0}]`, "binary")
	wantPacket(t, decode(got[1]), packet.Ack, "/", `[2]`)
}

// TestMsgpackDecode has what handlers get to see.
func TestMsgpackDecode(t *testing.T) {
	t.Parallel()
	type seen struct {
		len    int
		arg    json.RawMessage
		beyond json.RawMessage
		binary []byte
		text   []byte
		err    error
		object struct {
			Name string    `json:"name"`
			Data []byte    `json:"data"`
			At   time.Time `json:"at"`
			None *int      `json:"none"`
		}
		missing any
		wrong   error
	}
	ch := make(chan seen, 1)
	_, addr := newServer(t, msgpack(), func(s *sio.Server) {
		s.Root().Handle("look", func(e *sio.Event) error {
			v := seen{len: e.Len(), arg: e.Arg(0), beyond: e.Arg(5), binary: append([]byte(nil), e.Binary(1)...), text: e.Binary(0)}
			v.missing = 1
			v.err = e.Decode(&v.object, nil, &v.missing)
			v.object.Data = append([]byte(nil), v.object.Data...)
			v.wrong = e.Decode(new(int))
			ch <- v
			return nil
		})
	})
	c, _ := connectPacked(t, addr)
	at := time.UnixMilli(1763755200123).UTC()
	c.sendBinary(event(t, "/", -1, "look",
		map[string]any{"at": at, "data": []byte("inside"), "name": "x", "none": nil}, []byte("whole")))
	v := recv(t, "the event", ch)
	if want := `{"at":"2025-11-21T20:00:00.123Z","data":{"_placeholder":true,"num":0},"name":"x","none":null}`; string(v.arg) != want {
		t.Errorf("Arg: %s, want %s", v.arg, want)
	}
	if v.len != 2 || v.beyond != nil || string(v.binary) != "whole" || v.text != nil {
		t.Errorf("Len %d, Arg beyond %s, Binary %q and %q", v.len, v.beyond, v.binary, v.text)
	}
	if v.err != nil || v.object.Name != "x" || string(v.object.Data) != "inside" || !v.object.At.Equal(at) || v.missing != nil {
		t.Errorf("Decode: %+v, missing %v, %v", v.object, v.missing, v.err)
	}
	var de *sio.DecodeError
	if !errors.As(v.wrong, &de) || de.Index != 0 || de.Event != "look" {
		t.Errorf("Decode of an object into an int: %v, want a DecodeError", v.wrong)
	}
}

func TestMsgpackAuth(t *testing.T) {
	t.Parallel()
	type auth struct {
		Token []byte    `json:"token"`
		At    time.Time `json:"at"`
	}
	ch := make(chan any, 2)
	_, addr := newServer(t, msgpack(), func(s *sio.Server) {
		s.Use(func(s *sio.Socket) error {
			var a auth
			if err := s.Auth(&a); err != nil {
				return err
			}
			ch <- auth{append([]byte(nil), a.Token...), a.At}
			ch <- string(s.Handshake().Auth)
			return &sio.Error{Message: "no", Data: map[string]any{"code": 7, "raw": []byte{1}}}
		})
	})
	c := dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.sendBinary(unhex("83 a474797065 00 a464617461 82 a5746f6b656e c402 0102 a26174 d700 0000000000000000 a36e7370 a12f"))
	if got := recv(t, "auth", ch); !reflect.DeepEqual(got, auth{[]byte{1, 2}, time.UnixMilli(0).UTC()}) {
		t.Errorf("Auth: %+v", got)
	}
	if got, want := recv(t, "auth", ch), `{"token":null,"at":"1970-01-01T00:00:00.000Z"}`; got != want {
		t.Errorf("Handshake().Auth: %s, want %s", got, want)
	}
	c.wantPacked(packet.ConnectError, "/", `{"message":"no","data":{"code":7,"raw":{"_placeholder":true,"num":0}}}`, "\x01")
	c.sendBinary(unhex("82 a474797065 00 a36e7370 a5 2f6e6f6e65"))
	c.wantPacked(packet.ConnectError, "/none", `{"message":"Invalid namespace"}`)
	c.sendBinary(unhex("82 a474797065 00 a36e7370 a0")) // a name that the other parser cannot write
	c.wantPacked(packet.ConnectError, "", `{"message":"Invalid namespace"}`)
}

func TestMsgpackAcksOfTheClient(t *testing.T) {
	t.Parallel()
	type reply struct {
		n      int
		text   string
		binary []byte
		err    error
	}
	replies := make(chan reply, 2)
	_, addr := newServer(t, msgpack(), func(s *sio.Server) {
		s.Root().Handle("ask", func(e *sio.Event) error {
			return e.Socket().EmitAck("question", func(r *sio.Reply, err error) {
				if err != nil {
					replies <- reply{err: err}
					return
				}
				v := reply{n: r.Len(), binary: r.Binary(1)}
				v.err = r.Decode(&v.text)
				replies <- v
				_ = r.Socket().Emit("forward", r.Args()...)
			}, []byte("q"))
		})
	})
	c, _ := connectPacked(t, addr)
	c.sendBinary(event(t, "/", -1, "ask"))
	p := c.wantPacked(packet.Event, "/", `["question",{"_placeholder":true,"num":0}]`, "q")
	if !p.HasID {
		t.Fatal("the question has no id")
	}
	ack, _, err := packet.Msgpack.AppendAck(nil, "/", p.ID, "", []any{"yes", []byte{9}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.sendBinary(ack)
	if r := recv(t, "the reply", replies); r.n != 2 || r.text != "yes" || string(r.binary) != "\x09" || r.err != nil {
		t.Errorf("got %+v", r)
	}
	c.wantPacked(packet.Event, "/", `["forward","yes",{"_placeholder":true,"num":0}]`, "\x09")
}

// TestMsgpackBroadcast sends to a room, to all, and what was encoded before any
// parser was known, in two namespaces.
func TestMsgpackBroadcast(t *testing.T) {
	t.Parallel()
	m, err := sio.Encode("prepared", map[string]any{"b": []byte("xyz"), "n": 1.5}, "text")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	srv, addr := newServer(t, msgpack(), func(s *sio.Server) {
		s.Of("/other")
		s.Root().Handle("join", func(e *sio.Event) error {
			_ = e.Socket().Join("room")
			return e.Ack()
		})
	})
	var clients []*wsClient
	for range 3 {
		c, _ := connectPacked(t, addr)
		c.sendBinary(event(t, "/", 1, "join"))
		c.wantPacked(packet.Ack, "/", "[]")
		clients = append(clients, c)
	}
	clients[0].sendBinary(unhex("82 a474797065 00 a36e7370 a6 2f6f74686572"))
	if p := clients[0].nextPacked(); p.Type != packet.Connect || string(p.Namespace) != "/other" {
		t.Fatalf("got %s of %s", p.Type, p.Namespace)
	}
	if err := errors.Join(srv.To("room").Emit("a", []byte("1")), srv.Emit("b"), srv.Root().Send(m), srv.Of("/other").Send(m)); err != nil {
		t.Fatal(err)
	}
	prepared := `["prepared",{"b":{"_placeholder":true,"num":0},"n":1.5},"text"]`
	for _, c := range clients {
		c.wantPacked(packet.Event, "/", `["a",{"_placeholder":true,"num":0}]`, "1")
		c.wantPacked(packet.Event, "/", `["b"]`)
		c.wantPacked(packet.Event, "/", prepared, "xyz")
	}
	clients[0].wantPacked(packet.Event, "/other", prepared, "xyz")
	if err := srv.Root().All().Disconnect(false); err != nil {
		t.Fatal(err)
	}
	clients[1].wantPacked(packet.Disconnect, "/", "null")
}

// TestMessageOfTwoParsers sends one Message on servers that differ, and what one
// of them has got to a client of the other.
func TestMessageOfTwoParsers(t *testing.T) {
	t.Parallel()
	m, err := sio.Encode("m", []byte("att"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	var servers [2]*sio.Server
	relay := func(to int) func(*sio.Server) {
		return func(s *sio.Server) {
			s.Root().Handle("relay", func(e *sio.Event) error { return servers[to].Emit("relayed", e.Args()...) })
		}
	}
	var textAddr, packedAddr string
	servers[0], textAddr = newServer(t, nil, relay(1))
	servers[1], packedAddr = newServer(t, msgpack(), relay(0))
	text, _ := connectWS(t, textAddr, "/")
	packed, _ := connectPacked(t, packedAddr)
	for range 2 { // the second time from what is prepared
		if err := errors.Join(servers[0].Root().Send(m), servers[1].Root().Send(m)); err != nil {
			t.Fatal(err)
		}
		text.want(`451-["m",{"_placeholder":true,"num":0}]`)
		text.wantBinary([]byte("att"))
		packed.wantPacked(packet.Event, "/", `["m",{"_placeholder":true,"num":0}]`, "att")
	}
	text.send(`452-["relay",{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`)
	text.sendBinary([]byte("0"))
	text.sendBinary([]byte("1"))
	packed.wantPacked(packet.Event, "/", `["relayed",{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]`, "1", "0")
	packed.sendBinary(event(t, "/", -1, "relay", map[string]any{"a": []byte("x")}, "y"))
	text.want(`451-["relayed",{"a":{"_placeholder":true,"num":0}},"y"]`)
	text.wantBinary([]byte("x"))
}

func TestMsgpackOutgoingListener(t *testing.T) {
	t.Parallel()
	ch := make(chan string, 4)
	_, addr := newServer(t, msgpack(), func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) {
			s.OnAnyOutgoing(func(e *sio.Event) { ch <- e.Name() + " " + string(e.Arg(0)) + " " + string(e.Binary(1)) })
			_ = s.Emit("one", map[string]any{"a": 1}, []byte("b"))
		})
	})
	c, _ := connectPacked(t, addr)
	c.wantPacked(packet.Event, "/", `["one",{"a":1},{"_placeholder":true,"num":0}]`, "b")
	if got, want := recv(t, "the listener", ch), `one {"a":1} b`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMsgpackRefuses sends what the parser of the other dialect would write, and
// what no parser does: the connection is closed.
func TestMsgpackRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(c *wsClient){
		"text":          func(c *wsClient) { c.send(`42["echo"]`) },
		"attachments":   func(c *wsClient) { c.send(`451-["echo",{"_placeholder":true,"num":0}]`) },
		"not a map":     func(c *wsClient) { c.sendBinary(unhex("93 01 02 03")) },
		"cut off":       func(c *wsClient) { b := event(t, "/", -1, "echo"); c.sendBinary(b[:len(b)-1]) },
		"empty":         func(c *wsClient) { c.sendBinary(nil) },
		"binary event":  func(c *wsClient) { c.sendBinary(unhex("83 a474797065 05 a36e7370 a12f a464617461 91 a46563686f")) },
		"reserved name": func(c *wsClient) { c.sendBinary(event(t, "/", -1, "disconnect")) },
		"negative id": func(c *wsClient) {
			c.sendBinary(unhex("84 a474797065 02 a36e7370 a12f a26964 ff a464617461 91 a46563686f"))
		},
		"unknown namespace": func(c *wsClient) { c.sendBinary(event(t, "/none", -1, "echo")) },
		"too deep": func(c *wsClient) {
			c.sendBinary(append(unhex("83 a474797065 02 a36e7370 a12f a464617461 92 a46563686f"), append([]byte(strings.Repeat("\x91", 200)), 0xc0)...))
		},
		"a huge CONNECT": func(c *wsClient) {
			data := append(unhex("83 a474797065 00 a36e7370 a5 2f6e6f6e65 a464617461 81 a161 c6 00010000"), make([]byte, 1<<16)...)
			c.sendBinary(data)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, addr := newServer(t, msgpack(), echo)
			c, _ := connectPacked(t, addr)
			c.t = t
			test(c)
			c.wantClose(0)
			if n := srv.Stats().PacketErrors; n != 1 {
				t.Errorf("%d packet errors were counted, want 1", n)
			}
		})
	}
}
