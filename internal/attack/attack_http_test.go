//go:build unix

package attack_test

import (
	"fmt"
	"strings"
	"testing"
)

// An httpCase is what is sent on a fresh connection and the status that it is
// answered with before the connection is closed.
type httpCase struct {
	name   string
	raw    string
	status int
}

// wantRefused sends every case to a server of its own and counts the refusals.
func wantRefused(t *testing.T, cases []httpCase) {
	t.Helper()
	t.Parallel()
	s := serve(t, nil)
	refuse(t, s, cases)
	s.wantCounted(int64(len(cases)), "BadRequests")
	s.wantCalm()
}

func refuse(t *testing.T, s *site, cases []httpCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := dial(t, s.addr)
			_ = w.try(c.raw) // the refusal may come before the last byte is sent
			w.want(c.status, "")
			w.wantEOF()
		})
	}
}

// heads makes cases of handshakes that have one header line more each.
func heads(status int, lines ...string) []httpCase {
	cases := make([]httpCase, len(lines))
	for i, line := range lines {
		cases[i] = httpCase{fmt.Sprintf("%.40q", line), get("", line+"\r\n"), status}
	}
	return cases
}

// chunkedPost is a POST of a session with a body that is in chunks already.
func chunkedPost(query, body string, header ...string) string {
	return request("POST", path+"?EIO=4&transport=polling"+query,
		append(header, "Transfer-Encoding: chunked\r\n")...) + body
}

// wantBodiesRefused posts each body to a session of its own: it is refused, and
// the session ends as if the connection had been lost.
func wantBodiesRefused(t *testing.T, status int, bodies ...string) {
	t.Helper()
	t.Parallel()
	s := serve(t, nil)
	for _, body := range bodies {
		p := s.joined()
		p.posts.write(chunkedPost(p.query(), body))
		p.posts.want(status, "")
		p.posts.wantEOF()
		p.wantUnknown()
		p.leave()
	}
	s.wantReason("transport error")
	s.wantCounted(int64(len(bodies)), "BadRequests")
	s.wantCounted(int64(len(bodies)), "RequestsRefused[1]")
	s.wantCalm()
}

func TestA01LengthAndEncoding(t *testing.T) {
	both := "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"
	wantRefused(t, []httpCase{
		{"on a handshake", get("", both) + "0\r\n\r\n", 400},
		{"on a POST", request("POST", path+"?EIO=4&transport=polling&sid=x", both) + "0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n", 400},
		{"the other way round", get("", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400},
	})
}

func TestA02TwoLengths(t *testing.T) {
	wantRefused(t, heads(400,
		"Content-Length: 5\r\nContent-Length: 6",
		"Content-Length: 5\r\nContent-Length: 5",
		"Content-Length: 5, 6",
		"Content-Length: 5, 5",
	))
}

func TestA03MalformedLength(t *testing.T) {
	wantRefused(t, heads(400,
		"Content-Length: +5", "Content-Length: -5", "Content-Length: -0", "Content-Length: 1 2", "Content-Length: 0x5",
		"Content-Length: 1_0", "Content-Length: ", "Content-Length: 5.0", "Content-Length: 5a", "Content-Length: 1e3",
		"Content-Length: 9223372036854775808", "Content-Length: 18446744073709551616", "Content-Length: 18446744073709551621",
		"Content-Length: 00000000000000000005", "Content-Length: 99999999999999999999999999999999",
	))
}

func TestA04TransferCodings(t *testing.T) {
	wantRefused(t, append(heads(501,
		"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: gzip, chunked",
		"Transfer-Encoding: identity", "Transfer-Encoding: chunked;a=b", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: ",
	), heads(400,
		"Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x00", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"Transfer-Encoding : chunked",
	)...))
}

func TestA05BareLF(t *testing.T) {
	t.Parallel()
	t.Run("heads", func(t *testing.T) {
		target := "GET " + path + "?EIO=4&transport=polling HTTP/1.1"
		wantRefused(t, []httpCase{
			{"request line", target + "\nHost: a\r\n\r\n", 400},
			{"header", target + "\r\nHost: a\nX: y\r\n\r\n", 400},
			{"end of the head", target + "\r\nHost: a\r\n\n", 400},
			{"everywhere", target + "\nHost: a\n\n", 400},
		})
	})
	t.Run("chunk size", func(t *testing.T) {
		wantBodiesRefused(t, 400, "2\n41\r\n0\r\n\r\n", "2\r\n41\n0\r\n\r\n", "2\r\n41\r\n0\n\n")
	})
}

func TestA06ControlBytes(t *testing.T) {
	wantRefused(t, heads(400,
		"X: a\rb", "X: a\x00b", "X\r: a", "X\x00: a", "X: \x7f", "X: \x01", "\x00: a", "X: a\r\r",
	))
}

func TestA07ChunkExtensions(t *testing.T) {
	wantBodiesRefused(t, 400,
		"2;a\nb\r\n41\r\n0\r\n\r\n",
		"2;a\rb\r\n41\r\n0\r\n\r\n",
		"2;"+strings.Repeat("a", 257)+"\r\n41\r\n0\r\n\r\n",
		strings.Repeat("1;"+strings.Repeat("a", 60)+"\r\n6\r\n", 5)+"0\r\n\r\n",
	)
}

func TestA08ChunkSizes(t *testing.T) {
	wantBodiesRefused(t, 400,
		"FFFFFFFFFFFFFFFFF\r\n", "FFFFFFFFFFFFFFFF\r\n", "8000000000000000\r\n", "+2\r\n41\r\n0\r\n\r\n", "0x2\r\n41\r\n0\r\n\r\n",
		"-1\r\n", " 2\r\n41\r\n0\r\n\r\n", "2 \r\n41\r\n0\r\n\r\n", "\r\n41\r\n", "g\r\n",
	)
}

func TestA09ChunkEndsAndTrailers(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		wantBodiesRefused(t, 400,
			"2\r\n41X\r\n0\r\n\r\n",
			"2\r\n41\r\n0\r\nContent-Length: 5\r\n\r\n",
			"2\r\n41\r\n0\r\ntransfer-encoding: chunked\r\n\r\n",
			"2\r\n41\r\n0\r\nHOST: evil\r\n\r\n",
		)
	})
	t.Run("others are discarded", func(t *testing.T) {
		t.Parallel()
		s := serve(t, nil)
		p := s.joined()
		p.posts.write(chunkedPost(p.query(), "6\r\n420[\"e\r\n6\r\ncho\",1\r\n1\r\n]\r\n0\r\nX-Checksum: 1\r\n\r\n"))
		p.posts.want(200, "ok")
		p.get()
		if got := p.body(); got != "430[1]" {
			t.Fatalf("got %q, want the answer", got)
		}
		p.posts.write(chunkedPost(p.query(), "1\r\n3\r\n0\r\n"+strings.Repeat("X: 1234567890\r\n", 1000)))
		p.posts.want(431, "")
		p.posts.wantEOF()
		p.leave()
		s.wantCounted(1, "BadRequests")
		s.wantCalm()
	})
}

func TestA10SpaceAndFolding(t *testing.T) {
	wantRefused(t, heads(400,
		"X : a", "X\t: a", "X: a\r\n folded", "X: a\r\n\tfolded", " X: a", "Host : evil", ": a", "X",
	))
}

func TestA11Underscores(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w := s.dial()
	// If any of these meant what they look like, the second request would be
	// taken for a body or the connection would close.
	w.write(get("", "Content_Length: 400\r\nTransfer_Encoding: chunked\r\nSec_WebSocket_Key: x\r\nConnection_: close\r\n") + get(""))
	s.drop(w.wantOpen(), w.wantOpen())
	_ = w.c.Close()
	s.wantCounted(2, "SessionsOpened")
	if n := s.grown("BadRequests"); n != 0 {
		t.Errorf("%d bad requests, want 0", n)
	}
	s.wantCalm()
}

func TestA12ManyHeaders(t *testing.T) {
	many := func(n int) string { return strings.Repeat("X: y\r\n", n) }
	wantRefused(t, []httpCase{
		{"101 headers", get("", many(100)), 431},
		{"block of 16 KiB", get("", "A: "+strings.Repeat("a", 8<<10)+"\r\nB: "+strings.Repeat("b", 8<<10)+"\r\n"), 431},
		{"one header of 16 KiB", get("", "A: "+strings.Repeat("a", 16<<10)+"\r\n"), 431},
		{"endless header", "GET " + path + " HTTP/1.1\r\nA: " + strings.Repeat("a", 64<<10), 431},
		{"2,000 headers on an upgrade", upgrade("", many(2000)), 431},
	})
}

func TestA13RequestLine(t *testing.T) {
	wantRefused(t, []httpCase{
		{"8 KiB", get("&a=" + strings.Repeat("a", 8<<10)), 414},
		{"endless target", "GET " + path + "?" + strings.Repeat("a", 64<<10), 414},
		{"endless method", strings.Repeat("A", 8<<10), 400},
		{"no method", " " + path + " HTTP/1.1\r\n\r\n", 400},
		{"endless version", "GET " + path + " " + strings.Repeat("H", 16<<10), 414},
	})
}

func TestA14Host(t *testing.T) {
	head := "GET " + path + "?EIO=4&transport=polling HTTP/1.1\r\n"
	cases := []httpCase{{"none", head + "\r\n", 400}}
	for _, h := range []string{
		"a\r\nHost: a", "a b", "a/b", "a@b", "[::1", "a:port", "a:123456", "a,b", "a\tb", "http://a", "é",
	} {
		if h == "a,b" {
			continue // a legal registered name
		}
		cases = append(cases, httpCase{fmt.Sprintf("%q", h), head + "Host: " + h + "\r\n\r\n", 400})
	}
	wantRefused(t, cases)
}

func TestA15OtherVersions(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	target := "GET " + path + "?EIO=4&transport=polling"
	cases := []httpCase{
		{"HTTP/0.9", target + "\r\n\r\n", 400},
		{"HTTP/2.0", target + " HTTP/2.0\r\nHost: a\r\n\r\n", 400},
		{"HTTP/1.2", target + " HTTP/1.2\r\nHost: a\r\n\r\n", 400},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		{"TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xab", 512), 400},
		{"SSH", "SSH-2.0-OpenSSH_9.9\r\n", 400},
		{"upgrade over HTTP/1.0", strings.Replace(upgrade(""), "HTTP/1.1", "HTTP/1.0", 1), 400},
	}
	refuse(t, s, cases)
	s.wantCounted(int64(len(cases)), "BadRequests")

	w := s.dial()
	w.write(target + " HTTP/1.0\r\n\r\n")
	sid := w.wantOpen()
	w.wantEOF()
	w = s.dial()
	w.write("POST " + path + "?EIO=4&transport=polling&sid=" + sid + " HTTP/1.0\r\nContent-Length: 1\r\n\r\n1")
	w.want(200, "ok")
	w.wantEOF()
	s.wantCalm()
}

func TestA16Paths(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	query := "?EIO=4&transport=polling"
	forms := []httpCase{ // these are not requests for a path at all
		{"absolute-form", request("GET", "http://example.com"+path+query), 404},
		{"asterisk-form", request("OPTIONS", "*"), 404},
		{"authority-form", request("CONNECT", "example.com:80"), 404},
	}
	refuse(t, s, forms)
	refuse(t, s, []httpCase{{"broken percent-encoding", request("GET", path+"%zz"+query), 400}})
	s.wantCounted(int64(len(forms)+1), "BadRequests")
	for _, target := range []string{
		"/", "/socket.io", "/socket.iox/", "//socket.io/", "/SOCKET.IO/", "/%73ocket.io/", "/socket%2eio/", "/socket.io%2f",
		"/a/../socket.io/", "/./socket.io/", "/socket.io;x/", "/socket.io\\/",
	} {
		w := s.dial()
		w.write(request("GET", target+query))
		w.want(404, "")
		w.write(get("")) // and the connection is still good
		s.drop(w.wantOpen())
		_ = w.c.Close()
	}
	// The match is a prefix, in front of which nothing is decoded and behind
	// which nothing is looked at.
	w := s.dial()
	w.write(request("GET", path+"../../etc/passwd"+query))
	s.drop(w.wantOpen())
	_ = w.c.Close()

	w = s.dial() // an upgrade that nobody serves gets no byte (PARITY 1.2)
	w.write(request("GET", "/elsewhere"+query, upgradeHeader))
	w.wantEOF()
	s.wantCounted(0, "Requests")
	s.wantCalm()
}

func TestA17Pipelining(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	p.parked()
	// Everything below is sent while the GET is parked, and answered in order
	// behind it.
	var script strings.Builder
	script.WriteString(post(p.query(), `420["echo",0]`))
	script.WriteString(get("&sid=unknown"))
	script.WriteString(request("PUT", path+"?EIO=4&transport=polling"+p.query()))
	script.WriteString(get(""))
	p.gets.write(script.String())
	if got := p.body(); got != "430[0]" {
		t.Fatalf("got %q, want the answer to the pipelined event", got)
	}
	p.gets.want(200, "ok")
	p.gets.wantCode(1)
	p.gets.want(405, "")
	s.drop(p.gets.wantOpen())

	// A flood behind a parked GET is read up to a bound and then left to TCP.
	p.parked()
	before := s.figure("BytesIn")
	flood := strings.Repeat(get("&sid=unknown"), 1000)
	done := make(chan error, 1)
	const rounds = 40
	go func() {
		for range rounds {
			if err := p.gets.try(flood); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 100 { // as many turns, each of which would read 64 KiB
		for _, b := range s.bystanders {
			b.roundTrip()
		}
	}
	if n := s.figure("BytesIn") - before; n > 1<<20 {
		t.Errorf("%d bytes were read behind a parked GET", n)
	}
	p.post(`421["echo",1]`)
	if got := p.body(); got != "431[1]" {
		t.Fatalf("got %q, want the answer", got)
	}
	for range 1000 * rounds {
		p.gets.wantCode(1)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.wantCounted(0, "RequestsRefused[1]")
	p.end()
	s.wantCalm()
}

func TestA18BehindARefusedUpgrade(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	smuggled := get("") + upgrade("") + string(frame(fin|opText, "40"))
	for _, c := range []struct{ name, raw string }{
		{"unknown sid", upgrade("&sid=unknown")},
		{"unknown transport", request("GET", path+"?EIO=4&transport=tobi", upgradeHeader)},
		{"another revision", request("GET", path+"?EIO=3&transport=websocket", upgradeHeader)},
		{"another site", upgrade("", "Origin: http://evil.example\r\n")},
		{"no key", request("GET", path+"?EIO=4&transport=websocket", strings.Replace(upgradeHeader, "Sec-WebSocket-Key", "X", 1))},
		{"with a body", upgrade("", "Content-Length: 5\r\n") + "GET /"},
		{"with chunks", upgrade("", "Transfer-Encoding: chunked\r\n") + "5\r\nGET /\r\n0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := dial(t, s.addr)
			w.write(c.raw + smuggled)
			w.want(400, "")
			w.wantEOF()
		})
	}
	if n := s.grown("SessionsOpened"); n != 0 {
		t.Errorf("%d sessions were smuggled in", n)
	}
	s.wantCounted(3, "BadRequests")
	for _, code := range []string{"0", "1", "4", "5"} {
		s.wantCounted(1, "RequestsRefused["+code+"]")
	}
	s.wantCalm()
}

// TestA19EverySplit sends a session split at every byte. A part is sent when
// the one before it has been read.
func TestA19EverySplit(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	event := post(p.query(), `42["echo","é€😀"]`, "X-Long: "+strings.Repeat("x", 40)+"\r\n")
	chunked := chunkedPost(p.query(), "5;x=y\r\n42[\"e\r\n0011\r\ncho\",\"é€😀\"]\r\n0\r\nX: y\r\n\r\n")
	for _, raw := range []string{event, chunked} {
		for at := 1; at < len(raw); at++ {
			n := s.figure("BytesIn")
			p.posts.write(raw[:at])
			s.eventually("the first part", func() bool { return s.figure("BytesIn") >= n+int64(at) })
			p.posts.write(raw[at:])
			p.posts.want(200, "ok")
			p.get()
			if got, want := p.body(), `42["echo","é€😀"]`; got != want {
				t.Fatalf("split at %d of %q: got %q, want %q", at, raw, got, want)
			}
		}
	}
	// Byte by byte, and coalesced with the next.
	for i := range len(event) {
		n := s.figure("BytesIn")
		p.posts.write(event[i : i+1])
		s.eventually("a byte", func() bool { return s.figure("BytesIn") >= n+1 })
	}
	p.posts.want(200, "ok")
	p.posts.write(event + chunked + event)
	for range 3 {
		p.posts.want(200, "ok")
	}
	want, got := strings.Repeat(`42["echo","é€😀"]`+"\x1e", 4), ""
	for len(got) < len(want) {
		p.get()
		got += p.body() + "\x1e"
	}
	if got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	s.wantCounted(0, "Requests")
	if n := s.grown("BadRequests"); n != 0 {
		t.Errorf("%d bad requests, want 0", n)
	}
	p.end()
	s.wantCalm()
}

func TestA59EncodedBody(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	for _, coding := range []string{"gzip", "br", "deflate", "GZIP", "identity, gzip", "x"} {
		w := s.dial()
		w.write(post(p.query(), "\x1f\x8b\x08", "Content-Encoding: "+coding+"\r\n"))
		w.want(415, "")
		w.wantEOF()
	}
	p.posts.write(post(p.query(), `427["echo",1]`, "Content-Encoding: identity\r\n"))
	p.posts.want(200, "ok")
	p.get()
	if got := p.body(); got != "437[1]" {
		t.Fatalf("got %q", got)
	}
	s.wantCounted(0, "Requests") // there is no counter of its own
	p.end()
	s.wantCalm()
}
