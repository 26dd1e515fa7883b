package load_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/sio"
)

// wantError checks kind and text of a failed Open.
func wantError(t *testing.T, err error, kind load.Kind, part string) {
	t.Helper()
	var e *load.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want a *load.Error", err, err)
	}
	if e.Kind != kind || !strings.Contains(e.Error(), part) {
		t.Errorf("got kind %d: %s\nwant kind %d with %q", e.Kind, e, kind, part)
	}
	if strings.ContainsRune(e.Error(), '\n') {
		t.Errorf("more than a line: %q", e)
	}
}

// TestRefusals checks what is said about servers that do not want the
// connection, over each transport where it can happen.
func TestRefusals(t *testing.T) {
	t.Parallel()
	plain := serve(t, sio.Options{}, nil)
	nowhere := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}()
	guarded := serve(t, sio.Options{}, func(s *sio.Server) {
		s.Of("/vip").Use(func(*sio.Socket) error { return &sio.Error{Message: "no ticket"} })
	})
	for _, c := range []struct {
		name string
		o    load.Options
		only load.Transport // with once
		once bool
		kind load.Kind
		part string
	}{
		{name: "nobody listens", o: load.Options{Addr: nowhere}, kind: load.Unreachable, part: "connection refused"},
		{name: "no such host", o: load.Options{Addr: "no.such.host.invalid:80"}, kind: load.Unreachable, part: "cannot reach no.such.host.invalid:80"},
		{name: "wrong path", o: load.Options{Addr: plain, Path: "/elsewhere/"}, kind: load.WrongPath, part: "is "},
		{name: "no such namespace", o: load.Options{Addr: plain, Namespace: "/x"}, kind: load.Refused, part: "refused namespace /x: Invalid namespace"},
		{name: "middleware", o: load.Options{Addr: guarded, Namespace: "/vip"}, kind: load.Refused, part: "no ticket"},
		{
			name: "no WebSocket", o: load.Options{Addr: serve(t, sio.Options{Transports: []string{"polling"}}, nil)},
			once: true, only: load.WebSocket, kind: load.Refused, part: "does not offer this transport",
		},
		{
			name: "no polling", o: load.Options{Addr: serve(t, sio.Options{Transports: []string{"websocket"}}, nil)},
			once: true, only: load.Polling, kind: load.Refused, part: "does not offer this transport",
		},
		{
			name: "no upgrade", o: load.Options{Addr: serve(t, sio.Options{DisableUpgrades: true}, nil)},
			once: true, only: load.Upgrade, kind: load.Refused, part: "no upgrade",
		},
	} {
		for _, transport := range transports {
			if c.once && c.only != transport {
				continue
			}
			t.Run(c.name+"/"+transport.String(), func(t *testing.T) {
				t.Parallel()
				_, err := newPool(t, c.o).Open(t.Context(), transport, 0, nil)
				wantError(t, err, c.kind, c.part)
			})
		}
	}
}

func answer(status, body string) func(net.Conn) {
	return func(c net.Conn) {
		readHead(c)
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
		_, _ = io.Copy(io.Discard, c) // until the client closes
	}
}

// switches agrees to WebSocket with the given header lines, and goes on as if all
// were well.
func switches(lines string) func(net.Conn) {
	return func(c net.Conn) {
		readHead(c)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+lines+"\r\n")
		_ = wsutil.WriteServerText(c, []byte(`0{"sid":"s","upgrades":[],"pingInterval":1000,"pingTimeout":1000,"maxPayload":1000}`))
		_ = wsutil.WriteServerText(c, []byte(`40{"sid":"t"}`))
		_, _ = io.Copy(io.Discard, c) // until the client closes
	}
}

func chunked(c net.Conn) {
	readHead(c)
	_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"8\r\n{\"code\":\r\n21\r\n5,\"message\":\"Unsupported protocol\r\nA\r\n version\"}\r\n0\r\n\r\n"))
	_, _ = io.Copy(io.Discard, c)
}

// TestAnswers checks what is said about servers that answer something else.
func TestAnswers(t *testing.T) {
	t.Parallel()
	type row struct {
		name      string
		transport load.Transport
		handle    func(net.Conn)
		kind      load.Kind
		part      string
	}
	rows := []row{
		{"code 5, chunked", load.Polling, chunked, load.WrongVersion, "does not speak Engine.IO 4"},
		{"200 of a web page", load.Polling, answer("200 OK", "<html>"), load.WrongPath, "is the path right"},
		{"empty 200", load.Polling, answer("200 OK", ""), load.WrongPath, "is the path right"},
		{"revision 3", load.Polling, answer("200 OK", `96:0{"sid":"x"}2:40`), load.WrongVersion, "Engine.IO 3"},
		{"no sid", load.Polling, answer("200 OK", `0{}`), load.WrongVersion, "not Engine.IO 4"},
		{"redirect", load.WebSocket, answer("302 Found", ""), load.WrongPath, "answered 302"},
		{"no HTTP", load.WebSocket, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-x\r\n\r\n")); readHead(c) }, load.WrongPath, "no HTTP"},
		{"silent close", load.WebSocket, func(c net.Conn) { readHead(c) }, load.WrongPath, "without an answer"},
		{"101 without Accept", load.WebSocket, switches(""), load.WrongPath, "Sec-WebSocket-Accept is wrong"},
		{"101 with another Accept", load.WebSocket, switches("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n"), load.WrongPath, "Sec-WebSocket-Accept is wrong"},
		{"500 without length", load.Polling, func(c net.Conn) {
			readHead(c)
			_, _ = c.Write([]byte("HTTP/1.1 500 Oops\r\n\r\nbroken"))
		}, load.Refused, `answered 500 "broken"`},
	}
	for code, message := range []string{
		"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version",
	} {
		kind := load.Refused
		if code == 5 {
			kind = load.WrongVersion
		}
		body := fmt.Sprintf(`{"code":%d,"message":%q}`, code, message)
		rows = append(rows,
			row{"code " + message, load.Polling, answer("400 Bad Request", body), kind, message},
			row{"upgrade " + message, load.WebSocket, answer("400 Bad Request", message), kind, message})
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, load.Options{Addr: raw(t, r.handle)})
			_, err := p.Open(t.Context(), r.transport, 0, nil)
			wantError(t, err, r.kind, r.part)
		})
	}
}

// TestTimeouts checks that a timeout says what was awaited.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	wait := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	silent := raw(t, func(c net.Conn) { readHead(c); wait(c) })
	opens := raw(t, func(c net.Conn) {
		answer("200 OK", `0{"sid":"s","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1000}`)(c)
	})
	for _, r := range []struct {
		name, addr string
		transport  load.Transport
		part       string
	}{
		{"first request", silent, load.WebSocket, "the first request"},
		{"CONNECT", opens, load.Polling, "the CONNECT of /"},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, load.Options{Addr: r.addr, Timeout: 200 * time.Millisecond})
			_, err := p.Open(t.Context(), r.transport, 0, nil)
			wantError(t, err, load.Timeout, r.part)
		})
	}
}

// TestBadOptions checks that what cannot be sent is refused before.
func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		o    load.Options
		part string
	}{
		{load.Options{Addr: "localhost"}, "want host:port"},
		{load.Options{Addr: "a:1", Path: "x"}, "Path: want it to begin"},
		{load.Options{Addr: "a:1", Auth: []byte("{")}, "Auth: it is not JSON"},
		{load.Options{Addr: "a:1", Namespace: "x"}, "Namespace: want it to begin"},
		{load.Options{Addr: "a:1", Header: map[string][]string{"A": {"b\r\nc"}}}, "Header: the value of A has a line end"},
		{load.Options{Addr: "a:1", Header: map[string][]string{"A B": {"b"}}}, `Header: "A B" is no name`},
	} {
		if _, err := load.NewPool(r.o); err == nil || !strings.Contains(err.Error(), r.part) {
			t.Errorf("%+v: got %v, want %q", r.o, err, r.part)
		}
	}
}
