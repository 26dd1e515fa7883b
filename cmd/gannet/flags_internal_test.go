package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/testcert"
)

const (
	pollPath = "/socket.io/?EIO=4&transport=polling"
	webPath  = "/socket.io/?EIO=4&transport=websocket"
)

// ask sends a request with the given lines of a head and returns the answer.
func (p *process) ask(method, path, body string, head ...string) (status int, header http.Header, answer string) {
	p.t.Helper()
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, line := range head {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	res, err := client.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v; stderr: %s", method, path, err, p.stderr)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// A web is a WebSocket of which every frame is seen.
type web struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// dial opens a WebSocket with the given lines in its head.
func (p *process) dial(path string, head ...string) (*web, http.Header) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	lines := append([]string{
		"GET " + path + " HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, head...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		p.t.Fatal(err)
	}
	w := &web{t: p.t, conn: conn, r: bufio.NewReader(conn)}
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		p.t.Fatalf("%s: %s", path, res.Status)
	}
	return w, res.Header
}

func (w *web) send(op ws.OpCode, payload string) {
	w.t.Helper()
	if err := ws.WriteFrame(w.conn, ws.MaskFrameInPlace(ws.NewFrame(op, true, []byte(payload)))); err != nil {
		w.t.Fatal(err)
	}
}

// until returns the first frame whose payload begins with a text.
func (w *web) until(prefix string) ws.Frame {
	w.t.Helper()
	for {
		f, err := ws.ReadFrame(w.r)
		if err != nil {
			w.t.Fatalf("no frame with %q: %v", prefix, err)
		}
		if bytes.HasPrefix(f.Payload, []byte(prefix)) {
			return f
		}
	}
}

// ended expects the server to close the WebSocket, without a sleep of ours.
func (w *web) ended() {
	w.t.Helper()
	for {
		f, err := ws.ReadFrame(w.r)
		if err != nil {
			w.t.Fatalf("no close frame: %v", err)
		}
		if f.Header.OpCode == ws.OpClose {
			return
		}
	}
}

// socketID returns the id in the answer to a CONNECT.
func socketID(f ws.Frame) string {
	_, rest, _ := strings.Cut(string(f.Payload), `"sid":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// handshake returns a check of the handshake over polling, whose body must match.
func handshake(pattern string) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		if _, _, body := p.ask("GET", pollPath, ""); !regexp.MustCompile(pattern).MatchString(body) {
			t.Errorf("got %q, want %s", body, pattern)
		}
	}
}

// coding returns a check of how a response of 2000 bytes is encoded.
func coding(want string) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		_, header, body := p.ask("GET", pollPath, "", "Accept-Encoding: gzip")
		if got := header.Get("Content-Encoding"); got != want {
			t.Errorf("Content-Encoding %q, want %q; %d bytes", got, want, len(body))
		}
	}
}

// deflates returns a check of the frames that a client gets which offers
// permessage-deflate: a short one, and the refusal of a namespace with a long
// name.
func deflates(agreed, compressed bool) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		w, head := p.dial(webPath, "Sec-WebSocket-Extensions: permessage-deflate")
		if got := head.Get("Sec-WebSocket-Extensions") != ""; got != agreed {
			t.Errorf("agreed %v, want %v", got, agreed)
		}
		if got := w.until("").Header.Rsv1(); got {
			t.Error("a short frame is compressed")
		}
		w.send(ws.OpText, "40/"+strings.Repeat("nowhere", 30)+",")
		if got := w.until("").Header.Rsv1(); got != compressed {
			t.Errorf("compressed %v, want %v", got, compressed)
		}
	}
}

// closes returns a check that packets of a client end its WebSocket.
func closes(packets ...string) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		w, _ := p.dial(webPath)
		w.until(`0{"sid":`)
		for _, packet := range packets {
			w.send(ws.OpText, packet)
		}
		w.ended()
	}
}

// setsCookie returns a check of the cookie.
func setsCookie(pattern string) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		_, header, _ := p.ask("GET", pollPath, "")
		if got := header.Get("Set-Cookie"); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("Set-Cookie %q, want %s", got, pattern)
		}
	}
}

// answers returns a check of the status that a request gets.
func answers(status int, method, path, body string, head ...string) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		if got, _, answer := p.ask(method, path, body, head...); got != status {
			t.Errorf("%s %s: %d %q, want %d", method, path, got, answer, status)
		}
	}
}

// comesBack returns a check whether a client that was lost is recovered.
func comesBack(want bool) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		t.Helper()
		connect := func(auth string) ws.Frame {
			w, _ := p.dial(webPath)
			w.until(`0{"sid":`)
			w.send(ws.OpText, "40/chat,"+auth)
			f := w.until(`40/chat,{"sid":`)
			_ = w.conn.Close()
			return f
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for ; ; <-tick.C { // the server must notice the loss
			first := connect("")
			_, rest, _ := strings.Cut(string(first.Payload), `"pid":"`)
			pid, _, _ := strings.Cut(rest, `"`)
			again := connect(`{"pid":"` + pid + `"}`)
			if (socketID(again) == socketID(first)) == want {
				return
			}
			if ctx.Err() != nil {
				t.Fatalf("recovered %v, want %v: %s and then %s", !want, want, first.Payload, again.Payload)
			}
		}
	}
}

// TestFlags has each flag of what clients see change that, and its default not.
func TestFlags(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2000)
	const eio3 = "/socket.io/?EIO=3&transport=polling"
	foreign := []string{"Origin: https://a.example", "X-Forwarded-Host: a.example"}
	for _, tt := range []struct {
		args  []string
		check func(*testing.T, *process)
	}{
		{[]string{"--path=/ws"}, answers(200, "GET", "/ws/?EIO=4&transport=polling", "")},
		{nil, answers(404, "GET", "/socket.iofoo?EIO=4&transport=polling", "")},
		{[]string{"--add-trailing-slash=false"}, answers(200, "GET", "/socket.iofoo?EIO=4&transport=polling", "")},
		{[]string{"--transports=websocket"}, answers(400, "GET", pollPath, "")},
		{[]string{"--stats=false"}, answers(404, "GET", "/stats", "")},
		{nil, handshake(`"upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}$`)},
		{[]string{"--allow-upgrades=false"}, handshake(`"upgrades":\[\]`)},
		{[]string{"--ping-interval=3s"}, handshake(`"pingInterval":3000,`)},
		{[]string{"--ping-timeout=4s"}, handshake(`"pingTimeout":4000,`)},
		{[]string{"--max-http-buffer-size=50kB"}, handshake(`"maxPayload":50000`)},
		{[]string{"--initial-packet=hello"}, handshake("}\x1e4hello$")},
		{nil, answers(400, "GET", eio3, "")},
		{[]string{"--allow-eio3"}, answers(200, "GET", eio3, "")},
		{[]string{"--connect-timeout=50ms"}, closes()},

		{nil, deflates(false, false)},
		{[]string{"--per-message-deflate"}, deflates(true, false)},
		{[]string{"--per-message-deflate", "--per-message-deflate-threshold=200"}, deflates(true, true)},
		{[]string{"--initial-packet=" + long}, coding("gzip")},
		{[]string{"--initial-packet=" + long, "--http-compression=false"}, coding("")},
		{[]string{"--initial-packet=" + long, "--http-compression-threshold=3000"}, coding("")},
		{[]string{"--http-compression-threshold=0"}, coding("gzip")},

		{nil, comesBack(false)},
		{[]string{"--connection-state-recovery"}, comesBack(true)},
		{[]string{"--connection-state-recovery", "--max-disconnection-duration=1ms"}, comesBack(false)},
		{[]string{"--connection-state-recovery", "--max-recovery-bytes=1"}, comesBack(false)},

		{nil, setsCookie("^$")},
		{[]string{"--cookie=io"}, setsCookie("^io=[^;]{20}; Path=/; HttpOnly; SameSite=Lax$")},
		{[]string{"--cookie=id", "--cookie-same-site=none", "--cookie-secure"}, setsCookie("^id=.*; Secure; SameSite=None$")},
		{[]string{"--cookie=id", "--cookie-max-age=1h"}, setsCookie("; Max-Age=3600; ")},
		{nil, answers(403, "GET", pollPath, "", foreign...)},
		{[]string{"--cors-origin=https://a.example"}, answers(200, "GET", pollPath, "", foreign...)},
		{[]string{"--trusted-proxy=127.0.0.1"}, answers(200, "GET", pollPath, "", foreign...)},

		{[]string{"--max-connect-size=50"}, closes(`40/chat,{"a":"` + long + `"}`)},
		{[]string{"--max-attachments=1"}, closes("40/chat,", `452-/chat,["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)},
		{[]string{"--max-namespaces=1"}, closes("40/chat,", "40/stats-feed,")},
	} {
		name := strings.Join(tt.args, " ")
		t.Run(name[:min(len(name), 60)], func(t *testing.T) {
			t.Parallel()
			tt.check(t, start(t, tt.args...))
		})
	}
}

// TestFlagParser has the pages and their clients speak MessagePack.
func TestFlagParser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "socket.io.js")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := fails(t, child(t, nil, "serve", "--parser", "msgpack", "--client-dir", dir)); !strings.Contains(got, "client-dir: there is no socket.io.msgpack.min.js") {
		t.Errorf("without the client of that parser: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "socket.io.msgpack.min.js"), []byte("the other client"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--parser", "msgpack", "--client-dir", dir)
	const script = "/socket.io/socket.io.msgpack.min.js"
	for _, page := range []string{"/", "/stats"} {
		if _, body := p.get(page); !strings.Contains(body, `src="`+script+`"`) {
			t.Errorf("%s does not load %s", page, script)
		}
	}
	if status, body := p.get(script); status != http.StatusOK || body != "the other client" {
		t.Errorf("%s: %d %q", script, status, body)
	}
	w, _ := p.dial(webPath)
	w.until(`0{"sid":`)
	w.send(ws.OpBinary, "\x82\xa4type\x00\xa3nsp\xa5/chat")
	if f := w.until("\x83\xa4type\x00"); f.Header.OpCode != ws.OpBinary || !bytes.Contains(f.Payload, []byte("\xa3sid\xb4")) {
		t.Errorf("answer to CONNECT: %v %q", f.Header.OpCode, f.Payload)
	}
}

// TestFlagServeClient leaves the browser client out.
func TestFlagServeClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "socket.io.js"), []byte("the client"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--client-dir", dir, "--serve-client=false")
	if status, body := p.get("/socket.io/socket.io.js"); status == http.StatusOK {
		t.Errorf("served: %q", body)
	}
	if _, body := p.get("/"); strings.Contains(body, "socket.io.js\"") {
		t.Error("the page loads what is not there")
	}
}

// TestFlagCredentials lets other sites send cookies.
func TestFlagCredentials(t *testing.T) {
	t.Parallel()
	p := start(t, "--cors-origin", "https://a.example", "--cors-credentials")
	_, header, _ := p.ask("GET", pollPath, "", "Origin: https://a.example")
	if got := header.Get("Access-Control-Allow-Credentials"); got != "true" {
		t.Errorf("Access-Control-Allow-Credentials %q", got)
	}
}

// TestFlagUpgradeTimeout closes a probe that does not go on.
func TestFlagUpgradeTimeout(t *testing.T) {
	t.Parallel()
	p := start(t, "--upgrade-timeout", "50ms")
	_, _, open := p.ask("GET", pollPath, "")
	sid, _, _ := strings.Cut(strings.TrimPrefix(open, `0{"sid":"`), `"`)
	w, _ := p.dial(webPath + "&sid=" + sid)
	w.send(ws.OpText, "2probe")
	w.until("3probe")
	w.ended()
}

// TestFlagTLSHandshakeTimeout closes a connection that says nothing.
func TestFlagTLSHandshakeTimeout(t *testing.T) {
	t.Parallel()
	certFile, keyFile := testcert.New(t, "gannet.example").Write(t, t.TempDir())
	p := start(t, "--tls-cert", certFile, "--tls-key", keyFile, "--tls-handshake-timeout", "50ms")
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v; want EOF", n, err)
	}
}

// TestFlagMaxConns refuses what is too much.
func TestFlagMaxConns(t *testing.T) {
	t.Parallel()
	p := start(t, "--max-conns", "1")
	w, _ := p.dial(webPath)
	w.until(`0{"sid":`)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if got, err := io.ReadAll(conn); !bytes.HasPrefix(got, []byte("HTTP/1.1 503 ")) || err != nil {
		t.Errorf("got %q, %v; want a refusal", got, err)
	}
}
