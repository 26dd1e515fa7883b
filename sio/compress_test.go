package sio_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/gannet-io/gannet/sio"
)

// offerDeflate opens a WebSocket that offers permessage-deflate, and tells what
// the server says to that. gobwas's dialer takes no parameters but its own.
func offerDeflate(t *testing.T, addr, query string) (c *wsClient, answer string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	req := strings.Replace(upgradeRequest, "EIO=4", "EIO=4"+query, 1)
	req = strings.Replace(req, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n", 1)
	if _, err := io.WriteString(conn, req); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d, want 101", res.StatusCode)
	}
	return &wsClient{t: t, conn: conn, r: r}, res.Header.Get("Sec-WebSocket-Extensions")
}

// dialDeflate opens a WebSocket session that offers permessage-deflate and joins
// "/".
func dialDeflate(t *testing.T, addr string) *wsClient {
	t.Helper()
	c, _ := offerDeflate(t, addr, "")
	c.wantPrefix(`0{"sid":"`)
	c.send("40")
	c.wantPrefix(`40{"sid":"`)
	return c
}

// message returns the text of the next frame, and whether it was compressed.
func (c *wsClient) message() (text string, compressed bool) {
	c.t.Helper()
	return textOf(c.t, c.frame())
}

// textOf returns the text of a frame, and whether it was compressed.
func textOf(tb testing.TB, f ws.Frame) (text string, compressed bool) {
	tb.Helper()
	if f.Header.OpCode != ws.OpText {
		tb.Fatalf("got %v frame %q, want text", f.Header.OpCode, f.Payload)
	}
	if !f.Header.Rsv1() {
		return string(f.Payload), false
	}
	all, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(f.Payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	if err != nil {
		tb.Fatal(err)
	}
	return string(all), true
}

// inflated returns the text of all frames in b.
func inflated(tb testing.TB, b []byte) string {
	tb.Helper()
	var all strings.Builder
	for r := bytes.NewReader(b); r.Len() > 0; {
		f, err := ws.ReadFrame(r)
		if err != nil {
			tb.Fatal(err)
		}
		text, _ := textOf(tb, f)
		all.WriteString(text)
	}
	return all.String()
}

// sendDeflated sends a compressed text message.
func (c *wsClient) sendDeflated(text []byte) {
	c.t.Helper()
	f, err := wsflate.CompressFrame(ws.NewTextFrame(text))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := ws.WriteFrame(c.conn, ws.MaskFrameInPlace(f)); err != nil {
		c.t.Fatal(err)
	}
}

// TestPerMessageDeflate compresses what is long enough, and only for clients
// that have offered it; a broadcast is compressed once for all of them.
func TestPerMessageDeflate(t *testing.T) {
	t.Parallel()
	const n = 20
	srv, addr := newServer(t, &sio.Options{Loops: 3, PerMessageDeflate: &sio.PerMessageDeflate{}}, func(srv *sio.Server) {
		srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
	})
	plain, _ := connectWS(t, addr, "/")
	var clients []*wsClient
	for range n {
		clients = append(clients, dialDeflate(t, addr))
	}
	long := strings.Repeat("gannet ", 1000)
	want := `42["news","` + long + `"]`
	for round := range 3 {
		if err := srv.Emit("news", long); err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			if got, compressed := c.message(); got != want || !compressed {
				t.Fatalf("got %.40q, compressed %v", got, compressed)
			}
		}
		plain.want(want)
		if got := srv.Stats().PacketsDeflated; got != uint64(round+1) {
			t.Fatalf("%d compressions for %d broadcasts to %d clients", got, round+1, n)
		}
	}
	for _, x := range []struct {
		what       string
		emit       func() error
		want       string
		compressed bool
	}{
		{"below the threshold", func() error { return srv.Emit("short", "x") }, `42["short","x"]`, false},
		{"Compress(false)", func() error { return srv.Root().Compress(false).Emit("news", long) }, want, false},
		{"Compress(true)", func() error { return srv.Root().Compress(false).Compress(true).Emit("news", long) }, want, true},
	} {
		if err := x.emit(); err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			if got, compressed := c.message(); got != x.want || compressed != x.compressed {
				t.Errorf("%s: got %.40q, compressed %v", x.what, got, compressed)
			}
		}
		plain.want(x.want)
	}
	m, err := sio.Encode("news", long)
	if err != nil {
		t.Fatal(err)
	}
	before := srv.Stats().PacketsDeflated
	for _, on := range []bool{true, false, true} {
		if err := srv.Root().Compress(on).Send(m); err != nil {
			t.Fatal(err)
		}
		if got, compressed := clients[0].message(); got != want || compressed != on {
			t.Errorf("a Message, Compress(%v): got %.40q, compressed %v", on, got, compressed)
		}
	}
	if got := srv.Stats().PacketsDeflated - before; got != 1 {
		t.Errorf("a Message was compressed %d times", got)
	}
	m.Release()
	c := dialDeflate(t, addr)
	c.sendDeflated([]byte(`420["echo","` + long + `"]`))
	if got, compressed := c.message(); got != `430["`+long+`"]` || !compressed {
		t.Errorf("echo: got %.40q, compressed %v", got, compressed)
	}
}

// TestPerMessageDeflateInitialPacket compresses what follows the handshake if it is
// long enough; a client without the extension gets it as it is.
func TestPerMessageDeflateInitialPacket(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("gannet ", 300)
	_, addr := newServer(t, &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}, InitialPacket: long}, nil)
	c, _ := offerDeflate(t, addr, "")
	plain := dialWS(t, addr, "", nil)
	for i, c := range []*wsClient{c, plain} {
		if open, compressed := c.message(); !strings.HasPrefix(open, `0{"sid":"`) || compressed {
			t.Errorf("client %d: got %.40q, compressed %v", i, open, compressed)
		}
		if got, compressed := c.message(); got != "4"+long || compressed != (i == 0) {
			t.Errorf("client %d: got %.40q, compressed %v", i, got, compressed)
		}
	}
}

// TestPerMessageDeflateOff ignores the offer without the option.
func TestPerMessageDeflateOff(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	c := dialDeflate(t, addr)
	if err := srv.Emit("news", strings.Repeat("x", 5000)); err != nil {
		t.Fatal(err)
	}
	if _, compressed := c.message(); compressed {
		t.Error("compressed without agreement")
	}
	c.sendDeflated([]byte("42" + strings.Repeat(" ", 2000)))
	c.wantClose(1002)
}

// TestPerMessageDeflateBomb sends few bytes that become many (ATTACKS A54).
func TestPerMessageDeflateBomb(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}, MaxHTTPBufferSize: 10_000}, nil)
	c := dialDeflate(t, addr)
	c.sendDeflated(bytes.Repeat([]byte{'4'}, 5_000_000))
	c.wantClose(1009)
	c = dialDeflate(t, addr)
	f := ws.NewTextFrame([]byte("no deflate stream"))
	f.Header.Rsv = ws.Rsv(true, false, false)
	if err := ws.WriteFrame(c.conn, ws.MaskFrameInPlace(f)); err != nil {
		t.Fatal(err)
	}
	c.wantClose(1007)
}

// TestPerMessageDeflateUpgrade has a session agree on it when it upgrades.
func TestPerMessageDeflateUpgrade(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{Threshold: 100}}, nil)
	p := newPollClient(t, addr)
	p.post("40")
	p.get()
	c, answer := offerDeflate(t, addr, "&sid="+p.sid)
	if answer != "permessage-deflate; server_no_context_takeover; client_no_context_takeover" {
		t.Errorf("the server agrees on %q", answer)
	}
	c.send("2probe")
	c.want("3probe")
	c.send("5")
	c.wantSilence("40/none,", `44/none,{"message":"Invalid namespace"}`)
	text := strings.Repeat("x", 200)
	if err := srv.Emit("news", text); err != nil {
		t.Fatal(err)
	}
	if got, compressed := c.message(); got != `42["news","`+text+`"]` || !compressed {
		t.Errorf("got %q, compressed %v", got, compressed)
	}
}

// TestHTTPCompression compresses the responses to polls (PARITY 1.8).
func TestHTTPCompression(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("gannet ", 300)
	for _, x := range []struct {
		accept, coding string
		threshold      int
		text           string
		off            bool
	}{
		{"gzip, deflate", "gzip", 0, long, false},
		{"deflate, gzip", "deflate", 0, long, false},
		{"gzip;q=0.5, deflate;q=0.8", "deflate", 0, long, false},
		{"br", "", 0, long, false},
		{"", "", 0, long, false},
		{"gzip", "", 0, "short", false},
		{"gzip", "", -1, long, false},
		{"gzip", "", 5000, long, false},
		{"gzip", "gzip", 10, "short", false},
		{"gzip", "", 0, long, true},
	} {
		name := fmt.Sprintf("%s, %d bytes, threshold %d, off %v", x.accept, len(x.text), x.threshold, x.off)
		srv, addr := newServer(t, &sio.Options{HTTPCompressionThreshold: x.threshold}, nil)
		p := newPollClient(t, addr)
		p.post("40")
		p.get()
		if err := srv.Root().Compress(!x.off).Emit("news", x.text); err != nil {
			t.Fatal(err)
		}
		accept := ""
		if x.accept != "" {
			accept = "Accept-Encoding: " + x.accept + "\r\n"
		}
		raw := rawHTTP(t, addr, "GET "+pollURL+"&sid="+p.sid+" HTTP/1.1\r\nHost: x\r\n"+accept+"\r\n")
		head, body, _ := strings.Cut(raw, "\r\n\r\n")
		coding := ""
		for line := range strings.SplitSeq(head, "\r\n") {
			if v, ok := strings.CutPrefix(line, "Content-Encoding: "); ok {
				coding = v
			}
		}
		if coding != x.coding {
			t.Errorf("%s: coding %q, want %q", name, coding, x.coding)
			continue
		}
		var r io.Reader = strings.NewReader(body)
		var err error
		switch coding {
		case "gzip":
			r, err = gzip.NewReader(r)
		case "deflate":
			r, err = zlib.NewReader(r)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(r)
		if want := `42["news","` + x.text + `"]`; err != nil || string(got) != want {
			t.Errorf("%s: got %.60q, %v", name, got, err)
		}
	}
}

// An emission is a way to send an event that Compress has a say in.
type emission struct {
	name string
	emit func(s *sio.Socket, all sio.Target, on bool, arg any) error
}

// emissions are the ways for a socket, and for a target that has it.
var emissions = []emission{
	{"Socket.Emit", func(s *sio.Socket, _ sio.Target, on bool, arg any) error {
		return s.Compress(on).Emit("news", arg)
	}},
	{"Socket.EmitAck", func(s *sio.Socket, _ sio.Target, on bool, arg any) error {
		err := make(chan error, 1)
		if err := s.Compress(on).EmitAck("news", func(_ *sio.Reply, e error) { err <- e }, arg); err != nil {
			return err
		}
		return <-err
	}},
	{"Socket.EmitWithAck", func(s *sio.Socket, _ sio.Target, on bool, arg any) error {
		_, err := s.Compress(on).EmitWithAck(s.Context(), "news", arg)
		return err
	}},
	{"Target.Emit", func(_ *sio.Socket, all sio.Target, on bool, arg any) error {
		return all.Compress(on).Emit("news", arg)
	}},
	{"Target.Send", func(_ *sio.Socket, all sio.Target, on bool, arg any) error {
		m, err := sio.Encode("news", arg)
		if err != nil {
			return err
		}
		defer m.Release()
		return all.Compress(on).Send(m)
	}},
	{"Target.EmitWithAck", func(s *sio.Socket, all sio.Target, on bool, arg any) error {
		_, err := all.Compress(on).EmitWithAck(s.Context(), "news", arg)
		return err
	}},
	{"Target.Gather", func(s *sio.Socket, all sio.Target, on bool, arg any) error {
		for _, err := range all.Compress(on).Gather(s.Context(), "news", arg) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"Target.GatherMessage", func(s *sio.Socket, all sio.Target, on bool, arg any) error {
		m, err := sio.Encode("news", arg)
		if err != nil {
			return err
		}
		for _, err := range all.Compress(on).GatherMessage(s.Context(), m, nil) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"Target.EmitAcks", func(_ *sio.Socket, all sio.Target, on bool, arg any) error {
		done := make(chan error, 1)
		err := all.Compress(on).EmitAcks("news", func(_ []*sio.Reply, e error) { done <- e }, arg)
		if err != nil {
			return err
		}
		return <-done
	}},
}

// TestCompressFlag has every way to emit obey Compress, on both transports
// (PARITY 1.8 and row 21 of its oddities; on WebSocket Node ignores the flag):
// on one server, with recovery, and from another server of a cluster.
func TestCompressFlag(t *testing.T) {
	t.Parallel()
	h := &hub{}
	for name, o := range map[string]sio.Options{
		"one server": {},
		"recovery":   {ConnectionStateRecovery: &sio.RecoveryOptions{}},
		"cluster":    {Adapter: h.adapter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.PerMessageDeflate = &sio.PerMessageDeflate{}
			sockets := make(chan *sio.Socket, 1)
			srv, addr := newServer(t, &o, func(srv *sio.Server) { srv.OnConnection(func(s *sio.Socket) { sockets <- s }) })
			from := srv
			if o.Adapter != nil {
				from, _ = newServer(t, &sio.Options{Adapter: o.Adapter}, nil)
			}
			poll := newPollClient(t, addr)
			poll.post("40")
			poll.get()
			onPoll := recv(t, "a socket on polling", sockets)
			web := dialDeflate(t, addr)
			onWeb := recv(t, "a socket on WebSocket", sockets)
			if err := errors.Join(onPoll.Join("room"), onWeb.Join("room2")); err != nil {
				t.Fatal(err)
			}
			for _, e := range emissions {
				// GatherMessage is what an adapter does at the far end.
				of := func(room string) sio.Target {
					if e.name == "Target.GatherMessage" {
						return srv.To(room)
					}
					return from.To(room)
				}
				for _, on := range []bool{false, true} {
					what := fmt.Sprintf("%s with Compress(%v) on ", e.name, on)
					checkFlag(t, what+"polling", on, func(arg any) error { return e.emit(onPoll, of("room"), on, arg) }, poll.coded, poll.post)
					checkFlag(t, what+"WebSocket", on, func(arg any) error { return e.emit(onWeb, of("room2"), on, arg) }, web.message, web.send)
				}
			}
		})
	}
}

// checkFlag emits something long, and answers it if that is wanted.
func checkFlag(t *testing.T, what string, on bool, emit func(any) error, receive func() (string, bool), send func(string)) {
	t.Helper()
	long := strings.Repeat("gannet ", 300)
	done := make(chan error, 1)
	go func() { done <- emit(long) }()
	got, compressed := receive()
	id, rest, _ := strings.Cut(strings.TrimPrefix(got, "42"), "[")
	if !strings.HasPrefix(rest, `"news","`+long) {
		t.Fatalf("%s: got %.60q", what, got)
	}
	if compressed != on {
		t.Errorf("%s: compressed %v", what, compressed)
	}
	if id != "" {
		send("43" + id + "[1]")
	}
	if err := recv(t, "the end of "+what, done); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// coded is get, and tells whether the response was compressed.
func (c *pollClient) coded() (body string, compressed bool) {
	c.t.Helper()
	res, err := c.http.Get(c.url())
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("GET: %v, %d %q", err, res.StatusCode, b)
	}
	return string(b), res.Uncompressed
}

// TestHTTPCompressionOfFlush has one packet that may be compressed decide about
// all that leave in one response, also one of the server's own (row 21 of the
// oddities of PARITY).
func TestHTTPCompressionOfFlush(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("gannet ", 300)
	srv, addr := newServer(t, &sio.Options{InitialPacket: long}, nil)
	p := &pollClient{t: t, base: "http://" + addr + "/socket.io/?EIO=4&transport=polling", http: &http.Client{Timeout: patience}}
	body, compressed := p.coded()
	if !strings.HasSuffix(body, "\x1e4"+long) || !compressed {
		t.Errorf("handshake: got %.60q, compressed %v", body, compressed)
	}
	p.sid, _, _ = strings.Cut(strings.TrimPrefix(body, `0{"sid":"`), `"`)
	p.post("40")
	p.get()
	plain := srv.Root().Compress(false)
	for i, x := range []struct {
		name       string
		second     sio.Target
		compressed bool
	}{
		{"none may be", plain, false},
		{"one may be", srv.Root().Compress(true), true},
	} {
		if err := plain.Emit("news", long); err != nil {
			t.Fatal(err)
		}
		if err := x.second.Emit("x"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "both packets are queued", func() bool { return srv.Stats().EventsOut == uint64(2*i+2) })
		body, compressed := p.coded()
		if want := `42["news","` + long + "\"]\x1e42[\"x\"]"; body != want || compressed != x.compressed {
			t.Errorf("%s: got %.60q, compressed %v", x.name, body, compressed)
		}
	}
}
