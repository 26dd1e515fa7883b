package sio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// A lineParser has packets as lines "TYPE NAMESPACE ID DATA" in which - is
// nothing, and attachments as binary messages behind a line that ends in their
// number.
type lineParser struct {
	encoded atomic.Int64 // events
	fail    func(p *sio.Packet) error
	decode  func(m sio.WireMessage) (*sio.Packet, error) // nil: lines
}

func (l *lineParser) Encode(p *sio.Packet) ([]sio.WireMessage, error) {
	if l.fail != nil {
		if err := l.fail(p); err != nil {
			return nil, err
		}
	}
	if p.Type == sio.PacketEvent {
		l.encoded.Add(1)
	}
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	line := []string{string('0' + byte(p.Type)), p.Namespace, or(p.ID), string('0' + byte(len(p.Attachments))), or(string(p.Data))}
	list := []sio.WireMessage{{Data: []byte(strings.Join(line, " "))}}
	for _, a := range p.Attachments {
		list = append(list, sio.WireMessage{Data: a, Binary: true})
	}
	return list, nil
}

func (l *lineParser) NewDecoder() sio.PacketDecoder { return &lineDecoder{parser: l} }

type lineDecoder struct {
	parser  *lineParser
	packet  *sio.Packet
	missing int
}

func (d *lineDecoder) Decode(m sio.WireMessage) (*sio.Packet, error) {
	if d.parser.decode != nil {
		if p, err := d.parser.decode(m); p != nil || err != nil {
			return p, err
		}
	}
	if m.Binary {
		d.missing--
		d.packet.Attachments = append(d.packet.Attachments, bytes.Clone(m.Data))
	} else {
		f := strings.SplitN(string(m.Data), " ", 5)
		if len(f) != 5 {
			return nil, errors.New("not five fields")
		}
		d.missing = int(f[3][0] - '0')
		d.packet = &sio.Packet{Type: sio.PacketType(f[0][0] - '0'), Namespace: f[1], ID: strings.Trim(f[2], "-")}
		if f[4] != "-" {
			d.packet.Data = json.RawMessage(f[4])
		}
	}
	if d.missing > 0 {
		return nil, nil
	}
	return d.packet, nil
}

// connectLine joins "/" over a new WebSocket.
func connectLine(t *testing.T, addr string) *wsClient {
	t.Helper()
	c := dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40 / - 0 -")
	c.wantPrefix(`40 / - 0 {"sid":"`)
	return c
}

func TestPacketParser(t *testing.T) {
	t.Parallel()
	parser := &lineParser{}
	srv, addr := newServer(t, &sio.Options{PacketParser: parser}, func(s *sio.Server) {
		echo(s)
		s.Of("/n")
	})
	c := connectLine(t, addr)
	c.send(`42 / - 0 ["echo","é",{"a":[1.50]}]`)
	c.want(`42 / - 0 ["echo","é",{"a":[1.50]}]`)
	c.send(`42 / 99999999999999999999 0 ["echo",1]`)
	c.want(`43 / 100000000000000000000 0 [1]`)
	c.send(`42 / 7 2 ["echo",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`)
	c.sendBinary([]byte{1, 2})
	c.sendBinary([]byte{3})
	c.want(`43 / 7 2 [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.wantBinary([]byte{3})
	c.wantBinary([]byte{1, 2})
	c.send(`40 /none - 0 -`)
	c.want(`44 /none - 0 {"message":"Invalid namespace"}`)
	c.send(`40 /n - 0 {"token":1}`)
	c.wantPrefix(`40 /n - 0 {"sid":"`)

	p := newPollClient(t, addr)
	p.post("40 / - 0 -")
	if got := p.get(); !strings.HasPrefix(got, `40 / - 0 {"sid":"`) {
		t.Fatalf("got %q", got)
	}
	p.post("42 / - 1 [\"echo\",{\"_placeholder\":true,\"num\":0}]\x1ebAQI=")
	if got, want := p.get(), "42 / - 1 [\"echo\",{\"_placeholder\":true,\"num\":0}]\x1ebAQI="; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}

	// A broadcast is encoded once, a Message once for each namespace.
	before := parser.encoded.Load()
	others := []*wsClient{c, connectLine(t, addr), connectLine(t, addr)}
	if err := srv.Emit("all", []byte{9}); err != nil {
		t.Fatal(err)
	}
	m, err := sio.Encode("kept", 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, n := range []*sio.Namespace{srv.Root(), srv.Of("/n")} {
			if err := n.Send(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, o := range others {
		o.want(`42 / - 1 ["all",{"_placeholder":true,"num":0}]`)
		o.wantBinary([]byte{9})
		for range 2 {
			o.want(`42 / - 0 ["kept",1]`)
			if i == 0 {
				o.want(`42 /n - 0 ["kept",1]`)
			}
		}
	}
	if n := parser.encoded.Load() - before; n != 3 {
		t.Errorf("%d events were encoded, want 3", n)
	}
}

// TestPacketParserOutgoing has the listeners see what was encoded.
func TestPacketParserOutgoing(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 2)
	_, addr := newServer(t, &sio.Options{PacketParser: &lineParser{}}, func(s *sio.Server) {
		echo(s)
		s.OnConnection(func(s *sio.Socket) {
			s.OnAnyOutgoing(func(e *sio.Event) { seen <- e.Name() + string(e.Arg(0)) + string(e.Binary(1)) })
		})
	})
	c := connectLine(t, addr)
	c.send(`42 / - 1 ["echo",5,{"_placeholder":true,"num":0}]`)
	c.sendBinary([]byte("bytes"))
	if got := recv(t, "the listener", seen); got != "echo5bytes" {
		t.Errorf("the listener saw %q", got)
	}
}

// TestPacketParserRules has decoders return what must not get through.
func TestPacketParserRules(t *testing.T) {
	t.Parallel()
	event := func(data string, atts ...[]byte) sio.Packet {
		return sio.Packet{Type: sio.PacketEvent, Namespace: "/", Data: json.RawMessage(data), Attachments: atts}
	}
	bad := map[string]sio.Packet{
		"type":                     {Type: 5, Namespace: "/"},
		"connect-error":            {Type: sio.PacketConnectError, Namespace: "/", Data: json.RawMessage(`{"message":"x"}`)},
		"id":                       {Type: sio.PacketEvent, Namespace: "/", ID: `7["echo"]`},
		"digits in front":          event(`1["echo"]`),
		"namespace":                {Type: sio.PacketEvent, Namespace: "n", Data: json.RawMessage(`["echo"]`)},
		"comma":                    {Type: sio.PacketConnect, Namespace: "/n,1"},
		"not joined":               {Type: sio.PacketEvent, Namespace: "/n", Data: json.RawMessage(`["echo"]`)},
		"attachments of a CONNECT": {Type: sio.PacketConnect, Namespace: "/n", Attachments: [][]byte{{1}}},
		"JSON":                     event(`["echo"`),
		"reserved":                 event(`["disconnect"]`),
		"object":                   event(`{"a":1}`),
		"placeholder":              event(`["echo",{"_placeholder":true,"num":1}]`, []byte{1}),
		"too many":                 event(`["echo"]`, make([][]byte, 11)...),
		"deep":                     event(`["echo",` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `]`),
		"large CONNECT":            {Type: sio.PacketConnect, Namespace: "/n", Data: json.RawMessage(`{"a":"` + strings.Repeat("x", 70_000) + `"}`)},
	}
	parser := &lineParser{decode: func(m sio.WireMessage) (*sio.Packet, error) {
		if p, ok := bad[string(m.Data)]; ok {
			return &p, nil
		}
		switch string(m.Data) {
		case "error":
			return nil, errors.New("no")
		case "panic":
			panic("a decoder of the user's")
		}
		return nil, nil
	}}
	srv, addr := newServer(t, &sio.Options{PacketParser: parser}, func(s *sio.Server) {
		echo(s)
		s.Of("/n")
	})
	witness := connectLine(t, addr)
	refuse := func(message string) {
		t.Helper()
		c := connectLine(t, addr)
		c.send("4" + message)
		c.wantClose(0)
	}
	for message := range bad {
		refuse(message)
	}
	refuse("error")
	if got, want := srv.Stats().PacketErrors, uint64(len(bad)+1); got != want {
		t.Errorf("%d packet errors, want %d", got, want)
	}
	c := connectLine(t, addr)
	c.send("4panic")
	eventually(t, "the panic ends its connection", func() bool { return srv.Stats().Sessions == 1 && srv.Stats().Panics == 1 })
	witness.send(`42 / - 0 ["echo",1]`)
	witness.want(`42 / - 0 ["echo",1]`)
}

// TestPacketParserEncodeFails has the encoder refuse packets.
func TestPacketParserEncodeFails(t *testing.T) {
	t.Parallel()
	errFull := errors.New("the encoder is full")
	parser := &lineParser{fail: func(p *sio.Packet) error {
		if p.Namespace == "/n" || strings.Contains(string(p.Data), "full") {
			return errFull
		}
		return nil
	}}
	srv, addr := newServer(t, &sio.Options{PacketParser: parser}, func(s *sio.Server) {
		echo(s)
		s.Of("/n")
	})
	c := connectLine(t, addr)
	if err := srv.Emit("full"); !errors.Is(err, errFull) {
		t.Errorf("Emit: %v", err)
	}
	c.send(`42 / - 0 ["echo",1]`)
	c.want(`42 / - 0 ["echo",1]`)
	c.send(`40 /n - 0 -`)
	c.wantClose(0)
}

// TestPacketParserWaitsNotForever sends the beginning of a packet with the CONNECT in
// front of it, or behind that: the rest must come in time in both cases.
func TestPacketParserWaitsNotForever(t *testing.T) {
	t.Parallel()
	const begun = `42 / - 1 ["echo",{"_placeholder":true,"num":0}]`
	for name, together := range map[string]bool{"at once": true, "later": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, loops, err := sio.NewDriven(&sio.Options{Loops: 1, Logger: discard, PacketParser: &lineParser{}})
			if err != nil {
				t.Fatal(err)
			}
			srv.Root().Inline()
			l, c := loops[0], srv.OpenFake(0, nil)
			c.Inject([]byte(upgradeRequest))
			in := masked("40 / - 0 -")
			if !together {
				c.Inject(in)
				l.Drive()
				in = nil
			}
			c.Inject(append(in, masked(begun)...))
			l.Drive()
			if st := srv.Stats(); st.Sockets != 1 {
				t.Fatalf("%d sockets connected, want 1", st.Sockets)
			}
			l.SetNow(l.Now() + 31_000)
			l.Drive()
			l.Drive()
			if st := srv.Stats(); st.Sockets != 0 {
				t.Error("half a packet is waited for after 31 seconds")
			}
		})
	}
}
