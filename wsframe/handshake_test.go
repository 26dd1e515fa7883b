package wsframe_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/wsframe"
)

// sampleKey and sampleAccept are those of RFC 6455, section 1.3.
const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

var baseHeaders = []string{
	"Host: example.com",
	"Upgrade: websocket",
	"Connection: keep-alive, Upgrade",
	"Sec-WebSocket-Key: " + sampleKey,
	"Sec-WebSocket-Version: 13",
}

// head renders a handshake in which the given lines replace those of the same
// name; a line that ends with a colon removes, a line that begins with a plus
// is added.
func head(lines ...string) string {
	headers := append([]string(nil), baseHeaders...)
	for _, l := range lines {
		if add, ok := strings.CutPrefix(l, "+"); ok {
			headers = append(headers, add)
			continue
		}
		name, _, _ := strings.Cut(l, ":")
		found := false
		for i, h := range headers {
			if strings.HasPrefix(h, name+":") {
				headers[i], found = l, true
			}
		}
		if !found {
			headers = append(headers, l)
		}
	}
	var b strings.Builder
	b.WriteString("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n")
	for _, h := range headers {
		if !strings.HasSuffix(h, ":") {
			b.WriteString(h + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

func parseHead(tb testing.TB, s string) *http1.Request {
	tb.Helper()
	var p http1.HeadParser
	var req http1.Request
	lim := http1.Limits{HeaderBytes: 1 << 20, Headers: 1000}
	if n, err := p.Parse([]byte(s), &lim, &req); n == 0 || err != nil {
		tb.Fatalf("%q: %d, %v", s, n, err)
	}
	return &req
}

func TestCheckUpgradeRefuses(t *testing.T) {
	t.Parallel()
	const proto, ext = "Sec-WebSocket-Protocol: ", "Sec-WebSocket-Extensions: "
	for _, c := range []struct {
		name string
		in   string
		want *wsframe.HandshakeError
	}{
		{"POST", "POST" + strings.TrimPrefix(head(), "GET"), wsframe.ErrMethod},
		{"HEAD", "HEAD" + strings.TrimPrefix(head(), "GET"), wsframe.ErrMethod},
		{"HTTP/1.0", strings.Replace(head(), "HTTP/1.1", "HTTP/1.0", 1), wsframe.ErrRequest},
		{"body by length", head("Content-Length: 1"), wsframe.ErrRequest},
		{"body by chunks", head("Transfer-Encoding: chunked"), wsframe.ErrRequest},
		{"A29 no Upgrade", head("Upgrade:"), wsframe.ErrUpgrade},
		{"A29 another Upgrade", head("Upgrade: h2c"), wsframe.ErrUpgrade},
		{"A29 a list in Upgrade", head("Upgrade: websocket, h2c"), wsframe.ErrUpgrade},
		{"A29 two Upgrade", head("+Upgrade: websocket"), wsframe.ErrUpgrade},
		{"A29 no Connection", head("Connection:"), wsframe.ErrConnection},
		{"A29 Connection without upgrade", head("Connection: keep-alive"), wsframe.ErrConnection},
		{"A29 Connection with upgrades", head("Connection: upgrades, noupgrade"), wsframe.ErrConnection},
		{"A29 no key", head("Sec-WebSocket-Key:"), wsframe.ErrKey},
		{"A29 short key", head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), wsframe.ErrKey},
		{"A29 key of 15 bytes", head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a"), wsframe.ErrKey},
		{"A29 key of 17 bytes", head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA="), wsframe.ErrKey},
		{"A29 long key", head("Sec-WebSocket-Key: " + sampleKey + sampleKey), wsframe.ErrKey},
		{"A29 key of another alphabet", head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_-=="), wsframe.ErrKey},
		{"A29 key with a space", head("Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jQ=="), wsframe.ErrKey},
		{"A29 two keys", head("+Sec-WebSocket-Key: " + sampleKey), wsframe.ErrKey},
		{"A29 two keys in one line", head("Sec-WebSocket-Key: " + sampleKey + ", " + sampleKey), wsframe.ErrKey},
		{"A29 no version", head("Sec-WebSocket-Version:"), wsframe.ErrVersion},
		{"A29 version 0", head("Sec-WebSocket-Version: 0"), wsframe.ErrVersion},
		{"A29 version 12", head("Sec-WebSocket-Version: 12"), wsframe.ErrVersion},
		{"A29 version 14", head("Sec-WebSocket-Version: 14"), wsframe.ErrVersion},
		{"A29 version 013", head("Sec-WebSocket-Version: 013"), wsframe.ErrVersion},
		{"A29 version 13, 8", head("Sec-WebSocket-Version: 13, 8"), wsframe.ErrVersion},
		{"A29 version abc", head("Sec-WebSocket-Version: abc"), wsframe.ErrVersion},
		{"A29 two versions", head("+Sec-WebSocket-Version: 13"), wsframe.ErrVersion},
		{"A30 no protocol", head(proto + ","), wsframe.ErrProtocol},
		{"A30 empty protocol at the end", head(proto + "a,"), wsframe.ErrProtocol},
		{"A30 empty protocol in the middle", head(proto + "a,,b"), wsframe.ErrProtocol},
		{"A30 space in a protocol", head(proto + "a b"), wsframe.ErrProtocol},
		{"A30 slash in a protocol", head(proto + "a/b"), wsframe.ErrProtocol},
		{"A30 quoted protocol", head(proto + `"a"`), wsframe.ErrProtocol},
		{"A30 repeated protocol", head(proto + "a, b, a"), wsframe.ErrProtocol},
		{"A30 protocol repeated in another line", head("+"+proto+"a", "+"+proto+"a"), wsframe.ErrProtocol},
		{"A30 32 KB of spaces and a comma", head(proto + "a" + strings.Repeat(" ", 32<<10) + ","), wsframe.ErrProtocol},
		{"A30 65 protocols", head(proto + strings.Join(names(65), ",")), wsframe.ErrProtocol},
		{"A31 byte above ASCII in a protocol", head(proto + "a\xe5\x98\x8d"), wsframe.ErrProtocol},
		{"A31 TAB in a protocol", head(proto + "a\tb"), wsframe.ErrProtocol},
		{"A30 no extension", head(ext + ","), wsframe.ErrExtensions},
		{"A30 empty extension", head(ext + "foo,"), wsframe.ErrExtensions},
		{"A30 semicolon first", head(ext + "; a"), wsframe.ErrExtensions},
		{"A30 empty parameter", head(ext + "foo;"), wsframe.ErrExtensions},
		{"A30 parameter without a value", head(ext + "foo; a="), wsframe.ErrExtensions},
		{"A30 value without a parameter", head(ext + "foo; =b"), wsframe.ErrExtensions},
		{"A30 space before the value", head(ext + "foo; a= b"), wsframe.ErrExtensions},
		{"A30 two values", head(ext + "foo; a=b=c"), wsframe.ErrExtensions},
		{"A30 open quote", head(ext + `foo; a="b`), wsframe.ErrExtensions},
		{"A30 open escape", head(ext + `foo; a="b\`), wsframe.ErrExtensions},
		{"A30 escaped end", head(ext + `foo; a="b\"`), wsframe.ErrExtensions},
		{"A30 empty quotes", head(ext + `foo; a=""`), wsframe.ErrExtensions},
		{"A30 quoted comma", head(ext + `foo; a="b,c"`), wsframe.ErrExtensions},
		{"A30 letter behind the quotes", head(ext + `foo; a="b"c`), wsframe.ErrExtensions},
		{"A30 quoted name", head(ext + `"foo"`), wsframe.ErrExtensions},
		{"A30 two names", head(ext + "foo bar"), wsframe.ErrExtensions},
		{"A30 second line malformed", head("+"+ext+"foo", "+"+ext+";"), wsframe.ErrExtensions},
		{"the order is that of the reference server", head("Upgrade: x", "Sec-WebSocket-Key:", "Sec-WebSocket-Version: 9"), wsframe.ErrUpgrade},
		{"key before version", head("Sec-WebSocket-Key:", "Sec-WebSocket-Version: 9"), wsframe.ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if u, err := wsframe.CheckUpgrade(parseHead(t, c.in)); err != c.want {
				t.Errorf("%.300q\n got %v %v\nwant %v", c.in, u, err, c.want)
			}
		})
	}
}

// names returns n different tokens.
func names(n int) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = "p" + strings.Repeat("x", i)
	}
	return s
}

func TestCheckUpgradeAccepts(t *testing.T) {
	t.Parallel()
	const proto, ext = "Sec-WebSocket-Protocol: ", "Sec-WebSocket-Extensions: "
	for _, c := range []struct {
		name, in, protocol string
	}{
		{"plain", head(), ""},
		{"any case", head("Upgrade:", "Connection:", "+upgrade: WebSocket", "+CONNECTION: UPGRADE"), ""},
		{"Connection in two lines", head("Connection: keep-alive", "+Connection: upgrade"), ""},
		{"version 8", head("Sec-WebSocket-Version: 8"), ""},
		{"no body", head("Content-Length: 0"), ""},
		{"key with unused bits", head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="), ""},
		{"one protocol", head(proto + "chat"), "chat"},
		{"the first protocol", head(proto + "v2.chat, v1.chat ,x"), "v2.chat"},
		{"the first protocol of two lines", head("+"+proto+"b", "+"+proto+"a"), "b"},
		{"protocols differ by case", head(proto + "a,A"), "a"},
		{"every token byte", head(proto + "!#$%&'*+-.^_`|~09azAZ"), "!#$%&'*+-.^_`|~09azAZ"},
		{"64 protocols", head(proto + strings.Join(names(64), ",")), "p"},
		{"A30 32 KB of spaces", head(proto + "a," + strings.Repeat(" ", 32<<10) + "b"), "a"},
		{"extension declined", head(ext + "permessage-deflate; client_max_window_bits"), ""},
		{"A30 repeated parameters declined", head(ext + `permessage-deflate; a; a="1"; a=2, permessage-deflate`), ""},
		{"A30 escapes declined", head(ext + `x; a="\b\c"`), ""},
		{"A57 bad window bits declined", head(ext + "permessage-deflate; server_max_window_bits=abc"), ""},
		{"extensions in two lines", head("+"+ext+"a", "+"+ext+"b ; c"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u, err := wsframe.CheckUpgrade(parseHead(t, c.in))
			if err != nil || string(u.Protocol) != c.protocol || (c.protocol == "") != (u.Protocol == nil) {
				t.Fatalf("%.300q: protocol %q, %v", c.in, u.Protocol, err)
			}
			checkResponse(t, c.in, wsframe.AppendAccept(nil, &u, nil), c.protocol)
		})
	}
}

// checkResponse reads a 101 response with net/http.
func checkResponse(tb testing.TB, in string, out []byte, protocol string) {
	tb.Helper()
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(in)))
	if err != nil {
		tb.Fatalf("%q: %v", in, err)
	}
	r := bufio.NewReader(bytes.NewReader(out))
	res, err := http.ReadResponse(r, req)
	if err != nil {
		tb.Fatalf("%q: %v", out, err)
	}
	defer func() { _ = res.Body.Close() }()
	var want [28]byte
	accept(want[:], req.Header.Get("Sec-WebSocket-Key"))
	if res.StatusCode != 101 || res.Header.Get("Upgrade") != "websocket" || res.Header.Get("Connection") != "Upgrade" ||
		res.Header.Get("Sec-WebSocket-Accept") != string(want[:]) || res.Header.Get("Sec-WebSocket-Protocol") != protocol ||
		res.Header["Sec-Websocket-Extensions"] != nil {
		tb.Fatalf("%q", out)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		tb.Fatalf("%q behind the head", rest)
	}
}

// accept computes Sec-WebSocket-Accept with gobwas: its Upgrader answers a
// request with that key.
func accept(dst []byte, key string) {
	c := &duplex{in: strings.NewReader(head("Sec-WebSocket-Key: " + key))}
	if _, err := (ws.Upgrader{}).Upgrade(c); err != nil {
		panic(err)
	}
	_, v, _ := strings.Cut(c.out.String(), "Sec-WebSocket-Accept: ")
	copy(dst, v)
}

// duplex is the two directions of a connection.
type duplex struct {
	in  io.Reader
	out bytes.Buffer
}

func (d *duplex) Read(p []byte) (int, error)  { return d.in.Read(p) }
func (d *duplex) Write(p []byte) (int, error) { return d.out.Write(p) }

func TestAppendAcceptBytes(t *testing.T) {
	t.Parallel()
	const first = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + sampleAccept + "\r\n"
	for _, c := range []struct{ name, protocol, extra, want string }{
		{"plain", "", "", first + "\r\n"},
		{"protocol", "chat", "", first + "Sec-WebSocket-Protocol: chat\r\n\r\n"},
		{"extra lines", "chat", "X-A: 1\r\nX-B: 2\r\n", first + "Sec-WebSocket-Protocol: chat\r\nX-A: 1\r\nX-B: 2\r\n\r\n"},
		{"A31 CRLF in a protocol that was not checked", "a\r\nSet-Cookie: b", "", first + "\r\n"},
	} {
		u := wsframe.Upgrade{Protocol: []byte(c.protocol)}
		copy(u.Key[:], sampleKey)
		if got := wsframe.AppendAccept([]byte("dst"), &u, []byte(c.extra)); string(got) != "dst"+c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHandshakeErrorBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  *wsframe.HandshakeError
		want string
	}{
		{wsframe.ErrKey, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 43\r\n\r\nMissing or invalid Sec-WebSocket-Key header"},
		{wsframe.ErrVersion, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 47\r\nSec-WebSocket-Version: 13, 8\r\n\r\nMissing or invalid Sec-WebSocket-Version header"},
		{wsframe.ErrMethod, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 19\r\nAllow: GET\r\n\r\nInvalid HTTP method"},
	} {
		if got := c.err.Append([]byte("dst")); string(got) != "dst"+c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

// hostileLists are the lists of row A30, each of about n bytes.
func hostileLists(n int) []struct{ name, header, value string } {
	return []struct{ name, header, value string }{
		{"spaces", "Sec-WebSocket-Protocol: ", "a" + strings.Repeat(" ", n) + "b"},
		{"commas", "Sec-WebSocket-Protocol: ", "a" + strings.Repeat(",", n)},
		{"tabs and commas", "Sec-WebSocket-Protocol: ", strings.Repeat("a\t,", n/3)},
		{"short names", "Sec-WebSocket-Protocol: ", "a" + strings.Repeat(",b", n/2)},
		{"long names", "Sec-WebSocket-Protocol: ", strings.Join(names(n/128), ",")},
		{"quotes", "Sec-WebSocket-Extensions: ", "a;b=" + strings.Repeat(`"`, n)},
		{"open quote", "Sec-WebSocket-Extensions: ", `a;b="` + strings.Repeat("c", n)},
		{"escapes", "Sec-WebSocket-Extensions: ", `a;b="` + strings.Repeat(`\\`, n/2)},
		{"escaped letters", "Sec-WebSocket-Extensions: ", `a;b="` + strings.Repeat(`\c`, n/2) + `"`},
		{"parameters", "Sec-WebSocket-Extensions: ", "a" + strings.Repeat(";a", n/2)},
		{"extensions", "Sec-WebSocket-Extensions: ", "a" + strings.Repeat(",a", n/2)},
		{"spaces in extensions", "Sec-WebSocket-Extensions: ", "a" + strings.Repeat(" ", n) + "b"},
	}
}

// TestHostileListsAreRefused is row A30: each list is answered, with the error
// of its header. BenchmarkHostileLists shows that the time is linear.
func TestHostileListsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range hostileLists(32 << 10) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := wsframe.CheckUpgrade(parseHead(t, head(c.header+c.value)))
			if err != nil && err != wsframe.ErrProtocol && err != wsframe.ErrExtensions {
				t.Errorf("got %v", err)
			}
			if err == nil && c.name != "extensions" && c.name != "parameters" && c.name != "escaped letters" && c.name != "long names" {
				t.Error("accepted")
			}
		})
	}
}

// BenchmarkHostileLists compares 4 KB with 32 KB: eight times, not sixty-four.
func BenchmarkHostileLists(b *testing.B) {
	for _, n := range []int{4 << 10, 32 << 10} {
		for _, c := range hostileLists(n) {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				req := parseHead(b, head(c.header+c.value))
				for b.Loop() {
					_, _ = wsframe.CheckUpgrade(req)
				}
			})
		}
	}
}

// TestHandshakeWithGobwas has the Dialer of gobwas accept our answer.
func TestHandshakeWithGobwas(t *testing.T) {
	t.Parallel()
	d := ws.Dialer{Protocols: []string{"chat", "other"}, Timeout: time.Minute}
	hs := &answering{t: t}
	_, got, err := d.Upgrade(hs, &url.URL{Scheme: "ws", Host: "example.com", Path: "/socket.io/"})
	if err != nil || got.Protocol != "chat" || len(got.Extensions) != 0 {
		t.Errorf("%+v, %v\n%s\n%s", got, err, hs.req.String(), hs.res)
	}
}

// answering is a connection to a server that has only CheckUpgrade and
// AppendAccept.
type answering struct {
	t   testing.TB
	req bytes.Buffer
	res []byte
	off int
}

func (a *answering) Write(p []byte) (int, error) { return a.req.Write(p) }

func (a *answering) Read(p []byte) (int, error) {
	if a.res == nil {
		u, err := wsframe.CheckUpgrade(parseHead(a.t, a.req.String()))
		if err != nil {
			return 0, err
		}
		a.res = wsframe.AppendAccept(nil, &u, nil)
	}
	if a.off == len(a.res) {
		return 0, io.EOF
	}
	n := copy(p, a.res[a.off:])
	a.off += n
	return n, nil
}

// FuzzCheckUpgrade gives any head that the parser accepts. What we accept,
// gobwas accepts with the same answer, and nothing but a token is echoed.
func FuzzCheckUpgrade(f *testing.F) {
	f.Add(head())
	f.Add(head("Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"))
	f.Add(head("Sec-WebSocket-Extensions: a; b=\"c\\d\", e"))
	f.Add(head("Sec-WebSocket-Version: 8"))
	f.Add(head("+Sec-WebSocket-Key: x"))
	f.Fuzz(func(t *testing.T, s string) {
		var p http1.HeadParser
		var req http1.Request
		n, err := p.Parse([]byte(s), &http1.Limits{}, &req)
		if n == 0 || err != nil {
			return
		}
		u, bad := wsframe.CheckUpgrade(&req)
		if bad != nil {
			if bad.Status < 400 || !bytes.Contains(bad.Append(nil), []byte("\r\n\r\n"+bad.Body)) {
				t.Fatalf("%v", bad)
			}
			return
		}
		if u.Protocol != nil && !http1.ValidToken(u.Protocol) {
			t.Fatalf("protocol %q", u.Protocol)
		}
		if !bytes.Equal(u.Key[:], req.Get("sec-websocket-key")) {
			t.Fatalf("key %q", u.Key)
		}
		out := wsframe.AppendAccept(nil, &u, nil)
		if bytes.Count(out, []byte("\n")) != bytes.Count(out, []byte("\r\n")) || bytes.Index(out, []byte("\r\n\r\n")) != len(out)-4 {
			t.Fatalf("%q", out)
		}
		if string(req.Get("sec-websocket-version")) == "8" {
			return // gobwas knows 13 only
		}
		c := &duplex{in: strings.NewReader(s[:n])}
		if _, err := (ws.Upgrader{}).Upgrade(c); err != nil {
			t.Fatalf("gobwas refuses %q: %v", s[:n], err)
		}
		const name = "Sec-WebSocket-Accept: "
		_, ours, _ := bytes.Cut(out, []byte(name))
		_, theirs, _ := bytes.Cut(c.out.Bytes(), []byte(name))
		if len(ours) < 28 || len(theirs) < 28 || !bytes.Equal(ours[:28], theirs[:28]) {
			t.Fatalf("%q: accept %.28q, gobwas says %.28q", s, ours, theirs)
		}
	})
}
