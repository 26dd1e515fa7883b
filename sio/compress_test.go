package sio_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
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
	f := c.frame()
	if f.Header.OpCode != ws.OpText {
		c.t.Fatalf("got %v frame %q, want text", f.Header.OpCode, f.Payload)
	}
	if !f.Header.Rsv1() {
		return string(f.Payload), false
	}
	all, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(f.Payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(all), true
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
