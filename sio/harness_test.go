package sio_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/sio"
	"github.com/gannet-io/gannet/wsframe"
)

// patience bounds every wait of a test; it is never the measure of anything.
const patience = 10 * time.Second

// newServer starts a server on a free port and stops it when the test ends.
// setup may register handlers before the first client comes.
func newServer(tb testing.TB, o *sio.Options, setup func(*sio.Server)) (srv *sio.Server, addr string) {
	tb.Helper()
	if o == nil {
		o = &sio.Options{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Loops == 0 {
		o.Loops = 2
	}
	srv, err := sio.NewServer(o)
	if err != nil {
		tb.Fatal(err)
	}
	if setup != nil {
		setup(srv)
	}
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			tb.Errorf("Shutdown: %v", err)
		}
	})
	return srv, a.String()
}

// A wsClient is a raw WebSocket client: it sees frames, not events.
type wsClient struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

// dialWS opens a WebSocket to the server's path with the given query behind
// EIO=4&transport=websocket.
func dialWS(tb testing.TB, addr, query string, header http.Header) *wsClient {
	tb.Helper()
	return dialTarget(tb, "ws://"+addr+"/socket.io/?EIO=4&transport=websocket"+query, header)
}

func dialTarget(tb testing.TB, url string, header http.Header) *wsClient {
	tb.Helper()
	d := ws.Dialer{Header: ws.HandshakeHeaderHTTP(header), Timeout: patience}
	c, br, _, err := d.Dial(context.Background(), url)
	if err != nil {
		tb.Fatalf("dial: %v", err)
	}
	if br == nil {
		br = bufio.NewReader(c)
	}
	w := &wsClient{t: tb, conn: c, r: br}
	tb.Cleanup(func() { _ = c.Close() })
	return w
}

// connectWS opens a WebSocket session and joins a namespace. It returns the
// socket's id.
func connectWS(tb testing.TB, addr, namespace string) (c *wsClient, id string) {
	tb.Helper()
	c = dialWS(tb, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	prefix := "40"
	if namespace != "/" {
		prefix += namespace + ","
	}
	c.send(prefix)
	got := c.wantPrefix(prefix + `{"sid":"`)
	id, _, _ = strings.Cut(strings.TrimPrefix(got, prefix+`{"sid":"`), `"`)
	return c, id
}

func (c *wsClient) send(text string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(text)); err != nil {
		c.t.Fatalf("send %q: %v", text, err)
	}
}

func (c *wsClient) sendBinary(b []byte) {
	c.t.Helper()
	if err := wsutil.WriteClientBinary(c.conn, b); err != nil {
		c.t.Fatalf("send binary: %v", err)
	}
}

func (c *wsClient) frame() ws.Frame {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return f
}

// next returns the next text message; pings of the heartbeat are answered.
func (c *wsClient) next() string {
	c.t.Helper()
	for {
		f := c.frame()
		if f.Header.OpCode != ws.OpText {
			c.t.Fatalf("got %v frame %q, want text", f.Header.OpCode, f.Payload)
		}
		if string(f.Payload) == "2" {
			c.send("3")
			continue
		}
		return string(f.Payload)
	}
}

func (c *wsClient) want(text string) {
	c.t.Helper()
	if got := c.next(); got != text {
		c.t.Fatalf("got %q, want %q", got, text)
	}
}

func (c *wsClient) wantPrefix(prefix string) string {
	c.t.Helper()
	got := c.next()
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("got %q, want %q…", got, prefix)
	}
	return got
}

func (c *wsClient) wantBinary(b []byte) {
	c.t.Helper()
	f := c.frame()
	if f.Header.OpCode != ws.OpBinary || !bytes.Equal(f.Payload, b) {
		c.t.Fatalf("got %v %q, want binary %q", f.Header.OpCode, f.Payload, b)
	}
}

// wantClose expects a close frame with the given code, 0 for an empty one,
// and the end of the connection once it was answered.
func (c *wsClient) wantClose(code uint16) {
	c.t.Helper()
	for {
		f := c.frame()
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		var got uint16
		if len(f.Payload) >= 2 {
			got = uint16(f.Payload[0])<<8 | uint16(f.Payload[1])
		}
		if got != code {
			c.t.Fatalf("close code %d, want %d", got, code)
		}
		break
	}
	_ = ws.WriteFrame(c.conn, ws.MaskFrameInPlace(ws.NewCloseFrame(nil)))
	if _, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("after the close frame: %v, want EOF", err)
	}
}

// wantSilence shows that nothing was sent before the answer to an echo.
func (c *wsClient) wantSilence(echo, answer string) {
	c.t.Helper()
	c.send(echo)
	c.want(answer)
}

// A pollClient is a raw long-polling client on keep-alive connections.
type pollClient struct {
	t    testing.TB
	base string
	sid  string
	http *http.Client
}

func newPollClient(tb testing.TB, addr string) *pollClient {
	tb.Helper()
	tr := &http.Transport{}
	tb.Cleanup(tr.CloseIdleConnections)
	c := &pollClient{t: tb, base: "http://" + addr + "/socket.io/?EIO=4&transport=polling", http: &http.Client{Transport: tr, Timeout: patience}}
	status, body := c.do("GET", "")
	if status != 200 || !strings.HasPrefix(body, `0{"sid":"`) {
		tb.Fatalf("handshake: %d %q", status, body)
	}
	c.sid, _, _ = strings.Cut(strings.TrimPrefix(body, `0{"sid":"`), `"`)
	return c
}

func (c *pollClient) url() string {
	if c.sid == "" {
		return c.base
	}
	return c.base + "&sid=" + c.sid
}

func (c *pollClient) do(method, body string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url(), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	return res.StatusCode, string(b)
}

func (c *pollClient) post(body string) {
	c.t.Helper()
	if status, got := c.do("POST", body); status != 200 || got != "ok" {
		c.t.Fatalf("POST %q: %d %q, want 200 ok", body, status, got)
	}
}

func (c *pollClient) get() string {
	c.t.Helper()
	status, body := c.do("GET", "")
	if status != 200 {
		c.t.Fatalf("GET: %d %q, want 200", status, body)
	}
	return body
}

// upgradeRequest is what a client sends to open a WebSocket session.
const upgradeRequest = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n" +
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func masked(text string) []byte {
	return wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, []byte(text))
}

// eventually waits until cond holds.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			tb.Fatalf("never happened: %s", what)
		}
		<-tick.C
	}
}

// recv returns what arrives on a channel.
func recv[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		tb.Fatalf("never came: %s", what)
		panic("unreachable")
	}
}

// rawHTTP sends bytes on a fresh connection and returns everything that comes
// back until the server closes or the response is whole.
func rawHTTP(tb testing.TB, addr, request string) string {
	tb.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		tb.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var all bytes.Buffer
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &all)), nil)
	if err != nil {
		tb.Fatalf("%q: %v after %q", request, err, all.String())
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		tb.Fatalf("%q: %v after %q", request, err, all.String())
	}
	_ = res.Body.Close()
	return all.String()
}

var discard = slog.New(slog.DiscardHandler)
