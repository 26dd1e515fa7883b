//go:build unix

package attack_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The bits and opcodes of RFC 6455, section 5.2.
const (
	fin      = 0x80
	opCont   = 0x0
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA
)

// mask is the masking key of all frames that are sent.
var mask = [4]byte{0x5A, 0x00, 0xC3, 0x7F}

// frame is a client's frame.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// header is the header of a frame whose length is announced in 64 bits.
func header(first byte, length uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length)
}

// A wire is a raw connection.
type wire struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func (s *site) dial() *wire {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func dial(t testing.TB, addr string) *wire {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t: t, c: c, r: bufio.NewReader(c)}
}

func (w *wire) write(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w.c, text); err != nil {
		w.t.Fatalf("write %.80q: %v", text, err)
	}
}

// try writes although the server may have hung up.
func (w *wire) try(text string) error {
	_, err := io.WriteString(w.c, text)
	return err
}

// response reads one response to a request with the given method.
func (w *wire) response(method string) (*http.Response, string, error) {
	res, err := http.ReadResponse(w.r, &http.Request{Method: method})
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res, string(b), err
}

// want reads one response and checks its status. An empty body fits any.
func (w *wire) want(status int, body string) *http.Response {
	w.t.Helper()
	res, got, err := w.response("GET")
	if err != nil {
		w.t.Fatalf("response: %v, want %d %q", err, status, body)
	}
	if res.StatusCode != status || (body != "" && got != body) {
		w.t.Fatalf("got %d %q, want %d %q", res.StatusCode, got, status, body)
	}
	return res
}

// wantCode reads the refusal of a request over HTTP.
func (w *wire) wantCode(code int) {
	w.t.Helper()
	status := 400
	if code == 4 {
		status = 403
	}
	res := w.want(status, fmt.Sprintf(`{"code":%d,"message":%q}`, code, messages[code]))
	if ct := res.Header.Get("Content-Type"); ct != "application/json" {
		w.t.Fatalf("Content-Type %q of an error, want application/json", ct)
	}
}

// messages are those of the error codes.
var messages = []string{
	"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version",
}

// wantOpen reads the answer to a handshake and returns the session id.
func (w *wire) wantOpen() (sid string) {
	w.t.Helper()
	res, body, err := w.response("GET")
	if err != nil || res.StatusCode != 200 || !strings.HasPrefix(body, `0{"sid":"`) {
		w.t.Fatalf("handshake: %v %q, %v", res, body, err)
	}
	return between(body, `"sid":"`, `"`)
}

// wantEOF shows that the server has closed its side and sent nothing before.
func (w *wire) wantEOF() {
	w.t.Helper()
	if b, err := w.r.ReadByte(); !errors.Is(err, io.EOF) {
		rest, _ := io.ReadAll(io.LimitReader(w.r, 200))
		w.t.Fatalf("got %q and %v, want the end", append([]byte{b}, rest...), err)
	}
	_ = w.c.Close()
}

// wantGone reads until the end, or until the connection is reset.
func (w *wire) wantGone() {
	w.t.Helper()
	var timeout net.Error
	if _, err := io.Copy(io.Discard, w.r); errors.As(err, &timeout) && timeout.Timeout() {
		w.t.Fatalf("the connection is still open: %v", err)
	}
	_ = w.c.Close()
}

// reset closes the connection with a TCP reset.
func (w *wire) reset() {
	_ = w.c.(*net.TCPConn).SetLinger(0)
	_ = w.c.Close()
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// path is where the server is found.
const path = "/socket.io/"

// Requests. query stands behind the fixed parameters, and header lines end with CRLF.

func get(query string, header ...string) string {
	return request("GET", path+"?EIO=4&transport=polling"+query, header...)
}

func post(query, body string, header ...string) string {
	return request("POST", path+"?EIO=4&transport=polling"+query,
		append(header, fmt.Sprintf("Content-Length: %d\r\n", len(body)))...) + body
}

func upgrade(query string, header ...string) string {
	return request("GET", path+"?EIO=4&transport=websocket"+query, append(header, upgradeHeader)...)
}

func request(method, target string, header ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: example.com\r\n" + strings.Join(header, "") + "\r\n"
}

const upgradeHeader = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// A ws is a raw WebSocket.
type ws struct{ wire }

// openWS opens a WebSocket, which is not connected to a namespace yet.
func openWS(s *site, query string, header ...string) *ws {
	s.t.Helper()
	w := &ws{*s.dial()}
	w.write(upgrade(query, header...))
	w.wantSwitch()
	return w
}

// wantSwitch reads the 101.
func (w *ws) wantSwitch() *http.Response {
	w.t.Helper()
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		w.t.Fatalf("got %v, want 101", res)
	}
	return res
}

// open opens a WebSocket session without a namespace.
func (s *site) open() *ws {
	s.t.Helper()
	w := openWS(s, "")
	w.wantPrefix(`0{"sid":"`)
	return w
}

// connect opens a WebSocket session and joins the namespace "/".
func (s *site) connect() *ws {
	s.t.Helper()
	w := s.open()
	w.join()
	return w
}

// join joins the namespace "/" and returns the id of the socket.
func (w *ws) join() (id string) {
	w.t.Helper()
	w.text("40")
	return strings.TrimSuffix(w.wantPrefix(`40{"sid":"`), `"}`)
}

// frame reads one frame of the server.
func (w *ws) frame() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(w.r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0]&0xF0 != fin || head[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("a frame of the server starts with % x", head)
	}
	n := uint64(head[1])
	if n >= 126 {
		ext := make([]byte, []int{2, 8}[n-126])
		if _, err := io.ReadFull(w.r, ext); err != nil {
			return 0, nil, err
		}
		n = 0
		for _, c := range ext {
			n = n<<8 | uint64(c)
		}
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(w.r, payload)
	return head[0] & 0x0F, payload, err
}

func (w *ws) send(first byte, payload string) {
	w.t.Helper()
	w.write(string(frame(first, payload)))
}

func (w *ws) text(payload string) {
	w.t.Helper()
	w.send(fin|opText, payload)
}

// next reads one frame that must come.
func (w *ws) next() (op byte, payload string) {
	w.t.Helper()
	op, p, err := w.frame()
	if err != nil {
		w.t.Fatalf("no frame came: %v", err)
	}
	return op, string(p)
}

// wantFrame reads one frame and checks it.
func (w *ws) wantFrame(op byte, payload string) {
	w.t.Helper()
	if gotOp, got := w.next(); gotOp != op || got != payload {
		w.t.Fatalf("got opcode %d %.200q, want %d %.200q", gotOp, got, op, payload)
	}
}

func (w *ws) want(text string) {
	w.t.Helper()
	w.wantFrame(opText, text)
}

// wantPrefix reads a text and returns what stands behind the prefix.
func (w *ws) wantPrefix(prefix string) string {
	w.t.Helper()
	op, got := w.next()
	rest, ok := strings.CutPrefix(got, prefix)
	if op != opText || !ok {
		w.t.Fatalf("got opcode %d %.200q, want %q…", op, got, prefix)
	}
	return rest
}

// wantClose expects a close frame with the code, 0 for one without, and the end
// of the connection behind it. Nothing but pings may come before.
func (w *ws) wantClose(code int) {
	w.t.Helper()
	op, p := w.next()
	for op == opText && p == "2" {
		op, p = w.next()
	}
	if op != opClose {
		w.t.Fatalf("got opcode %d %.200q, want a close frame with %d", op, p, code)
	}
	got := 0
	if len(p) >= 2 {
		got = int(binary.BigEndian.Uint16([]byte(p)))
	}
	if got != code {
		w.t.Fatalf("close code %d %q, want %d", got, p, code)
	}
	w.wantEOF()
}

// wantServed shows that the connection works: an event comes back.
func (w *ws) wantServed() {
	w.t.Helper()
	w.text(`427["echo","still"]`)
	w.want(`437["still"]`)
}

// A poller is a long-polling session with one connection for its GETs and one
// for its POSTs.
type poller struct {
	s     *site
	sid   string
	gets  *wire
	posts *wire
}

// poller opens a long-polling session without a namespace.
func (s *site) poller() *poller {
	s.t.Helper()
	p := &poller{s: s, gets: s.dial(), posts: s.dial()}
	p.gets.write(get(""))
	p.sid = p.gets.wantOpen()
	return p
}

// joined opens a long-polling session and joins the namespace "/".
func (s *site) joined() *poller {
	s.t.Helper()
	p := s.poller()
	p.post("40")
	p.get()
	if body := p.body(); !strings.HasPrefix(body, `40{"sid":"`) {
		s.t.Fatalf("CONNECT: %q", body)
	}
	return p
}

func (p *poller) query() string { return "&sid=" + p.sid }

// get sends a GET and leaves the response to be read.
func (p *poller) get() { p.s.t.Helper(); p.gets.write(get(p.query())) }

// body reads the response to a GET.
func (p *poller) body() string {
	p.s.t.Helper()
	res, body, err := p.gets.response("GET")
	if err != nil || res.StatusCode != 200 {
		p.s.t.Fatalf("GET: %v %q, %v", res, body, err)
	}
	return body
}

// post sends a POST that is accepted.
func (p *poller) post(body string) {
	p.s.t.Helper()
	p.posts.write(post(p.query(), body))
	p.posts.want(200, "ok")
}

// parked sends a GET and waits until the server has it.
func (p *poller) parked() {
	p.s.t.Helper()
	n := p.s.figure("Requests")
	p.get()
	p.s.eventually("a pending GET", func() bool { return p.s.figure("Requests") > n })
}

// wantAlive shows that the session works.
func (p *poller) wantAlive() {
	p.s.t.Helper()
	p.post(`427["echo","still"]`)
	p.get()
	if body := p.body(); body != `437["still"]` {
		p.s.t.Fatalf("got %q from a session that should live", body)
	}
}

// wantUnknown shows that the session is gone.
func (p *poller) wantUnknown() {
	p.s.t.Helper()
	w := p.s.dial()
	w.write(get(p.query(), "Connection: close\r\n"))
	w.wantCode(1)
	_ = w.c.Close()
}

// leave closes the connections of the session.
func (p *poller) leave() {
	_ = p.gets.c.Close()
	_ = p.posts.c.Close()
}

// end closes the session in the client's way, and its connections.
func (p *poller) end() {
	p.s.t.Helper()
	p.post("1")
	p.leave()
}

// drop ends long-polling sessions whose connections are gone.
func (s *site) drop(sids ...string) {
	s.t.Helper()
	for _, sid := range sids {
		w := s.dial()
		w.write(post("&sid="+sid, "1", "Connection: close\r\n"))
		w.want(200, "ok")
		_ = w.c.Close()
	}
}

// tryDial connects to a server that may be gone.
func tryDial(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, patience) }
