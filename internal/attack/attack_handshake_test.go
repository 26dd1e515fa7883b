//go:build unix

package attack_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// wantForbidden sends a handshake over both transports with further headers:
// 403 over HTTP and 400 in place of a 101.
func wantForbidden(s *site, header string) {
	s.t.Helper()
	w := s.dial()
	w.write(get("", header))
	res := w.want(403, `{"code":4,"message":"Forbidden"}`)
	if v := res.Header.Get("Access-Control-Allow-Origin"); v != "" {
		s.t.Fatalf("%q is told that it is allowed: %q", header, v)
	}
	_ = w.c.Close()
	w = s.dial()
	w.write(upgrade("", header))
	w.want(400, "Forbidden")
	w.wantEOF()
}

// wantAllowed opens a session over both transports.
func wantAllowed(s *site, header string) {
	s.t.Helper()
	w := s.dial()
	w.write(get("", header))
	s.drop(w.wantOpen())
	_ = w.c.Close()
	_ = openWS(s, "", header).c.Close()
}

func TestA20AnotherSite(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const cookie = "Cookie: session=secret\r\n"
	for range 10 {
		wantForbidden(s, "Origin: http://evil.example\r\n"+cookie)
		wantForbidden(s, "Origin: https://evil.example:8443\r\n"+cookie)
	}
	// Nothing of a session that exists is open to another site either.
	p := s.joined()
	w := s.dial()
	w.write(get(p.query(), "Origin: http://evil.example\r\n") + post(p.query(), "41", "Origin: http://evil.example\r\n"))
	w.wantCode(4)
	w.wantCode(4)
	w.wantEOF()
	w = s.dial()
	w.write(upgrade(p.query(), "Origin: http://evil.example\r\n"))
	w.want(400, "Forbidden")
	w.wantEOF()
	p.wantAlive()
	p.end()
	s.wantCounted(43, "RequestsRefused[4]")
	for _, origin := range []string{"http://evil.example", "https://evil.example:8443"} {
		n := 0
		for _, line := range s.noted(&s.logged) {
			if strings.Contains(line, "origin="+origin+" ") && strings.Contains(line, "host=example.com") && strings.Contains(line, "Options.CORS") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was logged %d times, want once: %q", origin, n, s.noted(&s.logged))
		}
	}
	s.wantCalm()
}

func TestA21Origins(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, origin := range []string{
		"null", "NULL", "", "http://example.com.evil.example", "http://evil-example.com", "http://example.com:81", "https://example.com:80",
		"http://example.com@evil.example", "http://user@example.com", "http://example.com/", "http://example.com/path", "example.com",
		"http://", "://example.com", "http:example.com", "http://example.com http://evil.example", "http://sub.example.com", "http://exämple.com",
		"http://example.com\t.evil.example", "http://example.com:", "http://[::1]", "file://",
	} {
		wantForbidden(s, "Origin: "+origin+"\r\n")
	}
	for _, origin := range []string{
		"http://example.com", "http://example.com:80", "https://example.com", "https://example.com:443", "HTTP://EXAMPLE.COM", "ws://example.com",
	} {
		wantAllowed(s, "Origin: "+origin+"\r\n")
	}
	w := s.dial()
	w.write(get("", "Origin: http://a\x01b\r\n"))
	w.want(400, "")
	w.wantEOF()
	s.wantCounted(0, "RequestsRefused[4]", "BadRequests")
	s.wantCalm()

	t.Run("proxy", func(t *testing.T) {
		s := serve(t, &sio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		wantAllowed(s, "Origin: https://public.example\r\nX-Forwarded-Host: public.example\r\n")
		wantForbidden(s, "Origin: https://example.com\r\nX-Forwarded-Host: public.example\r\n")
		s.wantCalm()
	})
	t.Run("no proxy", func(t *testing.T) {
		s := serve(t, nil)
		wantForbidden(s, "Origin: https://public.example\r\nX-Forwarded-Host: public.example\r\n")
		s.wantCalm()
	})
}

func TestA22WildcardWithCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []*sio.CORS{
		{Origin: "*", Credentials: true},
		{Credentials: true},
		{Origins: []string{"https://good.example", "*"}, Credentials: true},
	} {
		_, err := sio.NewServer(&sio.Options{CORS: c})
		var oe *sio.OptionError
		if !errors.As(err, &oe) || !strings.HasPrefix(oe.Field, "CORS") {
			t.Errorf("NewServer(%+v): %v, want an OptionError about CORS", c, err)
		}
	}
}

func TestA23OriginReflected(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{CORS: &sio.CORS{
		Origins:        []string{"https://good.example"},
		OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`^https://[a-z]+\.good\.example$`)},
		Credentials:    true,
	}})
	check := func(res *http.Response, origin string, allowed bool) {
		t.Helper()
		got, want := res.Header.Get("Access-Control-Allow-Origin"), ""
		if allowed {
			want = origin
		}
		if got != want {
			t.Errorf("status %d for origin %q: Access-Control-Allow-Origin %q, want %q", res.StatusCode, origin, got, want)
		}
		if !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("status %d for origin %q: Vary %q, want Origin", res.StatusCode, origin, res.Header.Values("Vary"))
		}
	}
	for origin, allowed := range map[string]bool{
		"https://good.example": true, "https://a.good.example": true,
		"https://evil.example": false, "https://good.example.evil.example": false, "http://good.example": false, "null": false, "": false,
		"https://a.good.example\thttps://evil.example": false,
	} {
		header := "Origin: " + origin + "\r\n"
		w := s.dial()
		w.write(get("", header) + get("&sid=unknown", header) + request("OPTIONS", path, header))
		res, body, err := w.response("GET")
		if err != nil {
			t.Fatal(err)
		}
		check(res, origin, allowed)
		s.drop(between(body, `"sid":"`, `"`))
		check(w.want(400, ""), origin, allowed)
		check(w.want(204, ""), origin, allowed)
		_ = w.c.Close()
		up := &ws{*s.dial()}
		up.write(upgrade("", header))
		check(up.wantSwitch(), origin, allowed)
		_ = up.c.Close()
	}
	s.wantCounted(0, "Requests")
	s.wantCalm()
}

func TestA24Preflight(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{CORS: &sio.CORS{Origins: []string{"https://good.example"}}})
	w := s.dial()
	for _, query := range []string{"", "&sid=unknown", "&sid=" + strings.Repeat("x", 4000), "&transport=tobi"} {
		w.write(request("OPTIONS", path+"?EIO=4&transport=polling"+query, "Origin: https://good.example\r\nAccess-Control-Request-Method: POST\r\n"))
		w.want(204, "")
	}
	_ = w.c.Close()
	if n := s.grown("RequestsRefused[1]"); n != 0 {
		t.Errorf("%d preflights were looked up", n)
	}
	s.wantCounted(4, "Requests")
	s.wantCalm()

	t.Run("without CORS", func(t *testing.T) {
		s := serve(t, nil)
		p := s.joined()
		w := s.dial()
		w.write(request("OPTIONS", path+"?EIO=4&transport=polling") + request("OPTIONS", path+"?EIO=4&transport=polling&sid=unknown") +
			request("OPTIONS", path+"?EIO=4&transport=polling"+p.query()))
		w.wantCode(2)
		w.wantCode(1)
		w.want(405, "")
		_ = w.c.Close()
		p.wantAlive()
		p.end()
		s.wantCounted(1, "RequestsRefused[1]", "RequestsRefused[2]")
		s.wantCalm()
	})
}

// wantCodes sends handshakes over HTTP, and those that ask for an upgrade as
// one: each is refused with the code.
func wantCodes(s *site, code int, queries ...string) {
	s.t.Helper()
	for _, q := range queries {
		w := s.dial()
		w.write(request("GET", path+"?"+q))
		w.wantCode(code)
		w.write(request("GET", path+"?"+q, upgradeHeader))
		res := w.want(400, messages[code])
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			s.t.Fatalf("headers %v of a refused upgrade", res.Header)
		}
		w.wantEOF()
	}
	s.wantCounted(int64(2*len(queries)), fmt.Sprintf("RequestsRefused[%d]", code))
}

func TestA25Transports(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	wantCodes(s, 0,
		"EIO=4", "EIO=4&transport=", "EIO=4&transport", "EIO=4&transport=__proto__", "EIO=4&transport=constructor", "EIO=4&transport=toString",
		"EIO=4&transport=webtransport", "EIO=4&transport=Polling", "EIO=4&transport=polling%00", "EIO=4&transport=polling+", "EIO=4&transport[]=polling",
		"EIO=4&transport=polling,websocket", "EIO=4&transport=polling&transport=constructor", "EIO=4&transport=polling&transport=", "EIO=4&Transport=polling",
		"EIO=4&transport="+strings.Repeat("x", 8000), "EIO=4&transport=%ff", "EIO=4;transport=polling", "", "&&&===&",
	)
	w := s.dial()
	w.write(request("GET", path+"?EIO=4&transport=constructor&transport=polling") + request("GET", path+"?EIO=4&transport="+strings.Repeat("x", 1<<20)))
	s.drop(w.wantOpen())
	w.want(414, "") // a megabyte does not even become a parameter
	w.wantEOF()
	// A transport that exists is no way into a session that has another one.
	p := s.joined()
	w = s.dial()
	w.write(request("GET", path+"?EIO=4&transport=__proto__"+p.query(), upgradeHeader))
	w.want(400, messages[0])
	w.wantEOF()
	p.wantAlive()
	p.end()
	s.wantCalm()
}

func TestA26Revisions(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, transport := range []string{"polling", "websocket"} {
		for _, eio := range []string{"EIO=2", "EIO=3", "EIO=5", "x=y", "EIO", "EIO=", "EIO=4abc", "EIO=04", "EIO=4&EIO=3", "EIO=+4", "EIO=4.0", "EIO=%344"} {
			w := s.dial()
			if transport == "polling" {
				w.write(request("GET", path+"?transport=polling&"+eio))
				w.wantCode(5)
				_ = w.c.Close()
				continue
			}
			w.write(request("GET", path+"?transport=websocket&"+eio, upgradeHeader))
			w.want(400, messages[5])
			w.wantEOF()
		}
	}
	s.wantCounted(24, "RequestsRefused[5]")
	w := s.dial()
	w.write(request("GET", path+"?transport=polling&EIO=3&EIO=4"))
	s.drop(w.wantOpen())
	_ = w.c.Close()
	// A session stays with the revision that it began with.
	p := s.joined()
	w = s.dial()
	w.write(request("GET", path+"?EIO=3&transport=polling"+p.query()))
	w.wantCode(3)
	w.write(request("GET", path+"?EIO=3&transport=websocket"+p.query(), upgradeHeader))
	w.want(400, messages[3])
	w.wantEOF()
	p.wantAlive()
	p.end()
	s.wantCounted(2, "RequestsRefused[3]")
	s.wantCalm()
}

func TestA27SessionIDs(t *testing.T) {
	t.Parallel()
	s, other := serve(t, nil), serve(t, nil)
	foreign, mine := other.joined(), s.joined()
	mine.post("40/nope,")
	mine.get()
	if got := mine.body(); got != `44/nope,{"message":"Invalid namespace"}` {
		t.Fatalf("got %q", got)
	}
	socketID := between(func() string { mine.post("41\x1e40"); mine.get(); return mine.body() }(), `40{"sid":"`, `"`)
	wantCodes(s, 1,
		"EIO=4&transport=polling&sid="+foreign.sid, "EIO=4&transport=polling&sid="+socketID, "EIO=4&transport=polling&sid=__proto__",
		"EIO=4&transport=polling&sid=constructor", "EIO=4&transport=polling&sid="+mine.sid+"A", "EIO=4&transport=polling&sid="+mine.sid[:19],
		"EIO=4&transport=polling&sid="+strings.Repeat("A", 20), "EIO=4&transport=polling&sid="+strings.Repeat("A", 8000),
		"EIO=4&transport=polling&sid=%00%ff%0d%0a", "EIO=4&transport=polling&sid="+strings.ToLower(mine.sid)+"%00", "EIO=4&transport=polling&sid=../../etc",
		"EIO=4&transport=polling&sid="+mine.sid+"&sid=x", "EIO=4&transport=polling&sid=%2b%2f%2b%2f%2b%2f%2b%2f%2b%2f%2b%2f%2b%2f%2b%2f%2b%2f%2b%2f",
	)
	w := s.dial()
	_ = w.try(get("&sid=" + strings.Repeat("A", 10<<10)))
	w.want(414, "")
	w.wantEOF()
	w = s.dial()
	w.write(request("GET", path+"?EIO=4&transport=polling&sid=\xff\xfe"))
	w.want(400, "")
	w.wantEOF()
	mine.wantAlive()
	mine.end()
	foreign.end()
	s.wantCalm()
	other.wantCalm()
}

func TestA28Methods(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	methods := []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "get", "G"}
	for _, method := range methods {
		w := s.dial()
		w.write(request(method, path+"?EIO=4&transport=polling"))
		w.wantCode(2)
		if method == "POST" {
			_ = w.c.Close()
			continue
		}
		w.write(request(method, path+"?EIO=4&transport=polling"+p.query()))
		if res := w.want(405, ""); res.Header.Get("Allow") == "" {
			t.Errorf("%s: 405 without Allow: %v", method, res.Header)
		}
		w.write(request(method, path+"?EIO=4&transport=polling"+p.query(), "Content-Length: 5\r\n") + "hello")
		w.want(405, "")
		w.wantEOF() // the body is not read
	}
	w := s.dial()
	w.write(request("POST", path+"?EIO=4&transport=websocket"+p.query(), upgradeHeader))
	w.want(405, "")
	w.wantEOF()
	p.wantAlive()
	p.end()
	s.wantCounted(int64(len(methods)), "RequestsRefused[2]")
	s.wantCalm()
}

func TestA29UpgradeHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	cases := []struct{ name, header string }{
		{"no key", strings.Replace(upgradeHeader, key, "", 1)},
		{"short key", strings.Replace(upgradeHeader, key, "Sec-WebSocket-Key: dGhlIA==\r\n", 1)},
		{"long key", strings.Replace(upgradeHeader, key, "Sec-WebSocket-Key: "+strings.Repeat("A", 1000)+"\r\n", 1)},
		{"malformed key", strings.Replace(upgradeHeader, key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n", 1)},
		{"two keys", upgradeHeader + key},
		{"no version", strings.Replace(upgradeHeader, "Sec-WebSocket-Version: 13\r\n", "", 1)},
		{"version 12", strings.Replace(upgradeHeader, "Version: 13", "Version: 12", 1)},
		{"version 14", strings.Replace(upgradeHeader, "Version: 13", "Version: 14", 1)},
		{"another protocol", strings.Replace(upgradeHeader, "Upgrade: websocket", "Upgrade: h2c", 1)},
		{"two upgrades", upgradeHeader + "Upgrade: websocket\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := dial(t, s.addr)
			w.write(request("GET", path+"?EIO=4&transport=websocket", c.header))
			res := w.want(400, "")
			if v := res.Header.Get("Sec-WebSocket-Version"); strings.Contains(c.name, "version") != strings.Contains(v, "13") {
				t.Errorf("Sec-WebSocket-Version %q", v)
			}
			w.wantEOF()
		})
	}
	s.wantCounted(int64(len(cases)), "BadRequests")
	for _, header := range []string{ // these do not ask for an upgrade
		strings.Replace(upgradeHeader, "Connection: Upgrade", "Connection: keep-alive", 1),
		strings.Replace(upgradeHeader, "Connection: Upgrade\r\n", "", 1),
		strings.Replace(upgradeHeader, "Upgrade: websocket\r\n", "", 1),
	} {
		w := s.dial()
		w.write(request("GET", path+"?EIO=4&transport=websocket", header))
		w.wantCode(3)
		_ = w.c.Close()
	}
	s.wantCounted(3, "RequestsRefused[3]")
	s.wantCalm()
}

func TestA30ProtocolsAndExtensions(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	spaces := strings.Repeat(" ", 15<<10)
	refused := []string{
		"Sec-WebSocket-Protocol: a," + spaces + ",b", "Sec-WebSocket-Protocol: " + strings.Repeat("a,", 7<<10), "Sec-WebSocket-Protocol: a, a",
		"Sec-WebSocket-Extensions: x; a=\"b", "Sec-WebSocket-Extensions: x; a=\"" + strings.Repeat("\\", 8<<10), "Sec-WebSocket-Extensions: ;",
		"Sec-WebSocket-Extensions: x;" + spaces + ";", "Sec-WebSocket-Extensions: x; a=",
	}
	for _, line := range refused {
		w := s.dial()
		w.write(upgrade("", line+"\r\n"))
		w.want(400, "")
		w.wantEOF()
	}
	s.wantCounted(int64(len(refused)), "BadRequests")
	w := s.dial()
	w.write(upgrade("", "Sec-WebSocket-Protocol: a,"+strings.Repeat(" ", 32<<10)+"b\r\n"))
	w.want(431, "")
	w.wantEOF()
	for _, c := range []struct{ line, protocol string }{
		{"Sec-WebSocket-Protocol: a," + spaces + "b", "a"},
		{"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; a=1; a=\"2\"", ""},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99999999999999999999", ""},
		{"Sec-WebSocket-Extensions: " + strings.Repeat("x; a=b, ", 1000) + "x", ""},
	} {
		w := &ws{*s.dial()}
		w.write(upgrade("", c.line+"\r\n"))
		res := w.wantSwitch()
		if p, e := res.Header.Get("Sec-WebSocket-Protocol"), res.Header.Get("Sec-WebSocket-Extensions"); p != c.protocol || e != "" {
			t.Errorf("%.80q: protocol %q and extensions %q, want %q and none", c.line, p, e, c.protocol)
		}
		_ = w.c.Close()
	}
	s.wantCalm()
}

func TestA31EchoedValues(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{CORS: &sio.CORS{ReflectOrigin: true, Credentials: true}})
	refused := 0
	for _, value := range []string{"a\rSet-Cookie: x=y", "a\x00b", "a\x0bb", "a\x1fb", "a\x7fb"} {
		for _, name := range []string{"Origin", "Sec-WebSocket-Protocol", "Access-Control-Request-Headers"} {
			for _, raw := range []string{upgrade("", name+": "+value+"\r\n"), request("OPTIONS", path, "Origin: http://a\r\n"+name+": "+value+"\r\n")} {
				w := s.dial()
				w.write(raw)
				w.want(400, "")
				w.wantEOF()
				refused++
			}
		}
	}
	s.wantCounted(int64(refused), "BadRequests")
	for _, raw := range []string{
		upgrade("", "Origin: http://a%0d%0aSet-Cookie:%20x=y\r\nSec-WebSocket-Protocol: a\r\n"),
		get("&x=%0d%0aSet-Cookie:%20x=y", "Origin: http://a\\r\\nSet-Cookie: x=y\r\n"),
		request("OPTIONS", path, "Origin: http://a\r\nAccess-Control-Request-Headers: a, Set-Cookie: x, b\r\n"),
		request("OPTIONS", path, "Origin: http://a\r\nAccess-Control-Request-Headers: a\tb, \xc3\xa5\xe5\x98\x8d\xe5\x98\x8a\r\n"),
	} {
		w := s.dial()
		w.write(raw)
		res, body, err := w.response("GET")
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if v := res.Header.Values("Set-Cookie"); len(v) > 0 {
			t.Errorf("%q set a cookie: %q", raw, v)
		}
		if sid := between(body, `"sid":"`, `"`); sid != "" {
			s.drop(sid)
		}
		_ = w.c.Close()
	}
	s.wantCalm()
}

func TestA32AuthPayloads(t *testing.T) {
	t.Parallel()
	const limit = 4 << 10
	s := serve(t, &sio.Options{MaxConnectSize: limit}, func(srv *sio.Server) { srv.Of("/a") })
	auth := func(n int) string { return `0{"a":"` + strings.Repeat("x", n-9) + `"}` } // n bytes
	closes := []string{
		auth(limit + 1), auth(500_000), `0{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", `0{"a":` + strings.Repeat("[", 3000),
		`0[]`, `0"x"`, `0null`, `0true`, `01.5`, `0{`, `0{}{}`, `0{"a":}`, `0/a,[]`, `0/a,` + auth(limit)[1:], "0/" + strings.Repeat("n", 300) + ",", "0/a\x00,",
	}
	for _, text := range closes {
		w := s.open()
		w.text("4" + text)
		w.wantClose(0)
	}
	s.wantCounted(int64(len(closes)), "PacketErrors")
	w := s.open()
	w.text("4" + auth(limit))
	w.wantPrefix(`40{"sid":"`)
	w.text(`40/a,{"__proto__":{"x":1},"constructor":1}`)
	w.wantPrefix(`40/a,{"sid":"`)
	_ = w.c.Close()
	p := s.poller()
	p.parked()
	p.post("4" + auth(limit+1))
	if got := p.body(); got != "1" {
		t.Fatalf("got %q, want a close", got)
	}
	p.wantUnknown()
	p.leave()
	s.wantCalm()
}

func TestA33Middlewares(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	s := serve(t, &sio.Options{
		ConnectTimeout: 1500 * time.Millisecond,
		AllowRequest: func(r *http.Request) error {
			switch r.URL.Query().Get("admit") {
			case "panic":
				panic("in AllowRequest")
			case "block":
				<-release
			case "no":
				return &sio.Error{Message: "not you"}
			}
			return nil
		},
	}, func(srv *sio.Server) {
		srv.Of("/panic").Use(func(*sio.Socket) error { panic("in a middleware") })
		srv.Of("/block").Use(func(*sio.Socket) error { <-release; return nil })
		srv.Of("/error").Use(func(*sio.Socket) error { return errors.New("database password is hunter2") })
	})
	w := s.dial()
	w.write(get("&admit=panic"))
	w.wantCode(4)
	w.write(get("&admit=no"))
	w.want(403, `{"code":4,"message":"not you"}`)
	w.write(upgrade("&admit=panic"))
	w.want(400, "Forbidden")
	w.wantEOF()
	s.wantCounted(3, "RequestsRefused[4]")

	blocked := s.dial() // pipelines behind a handshake that waits, and leaves
	blocked.write(get("&admit=block") + get("") + strings.Repeat(get("&sid=unknown"), 5000))
	up := s.dial()
	up.write(upgrade("&admit=block") + string(frame(fin|opText, "40")))
	for _, b := range s.bystanders {
		b.roundTrip()
	}
	blocked.reset()
	up.reset()

	c := s.open()
	c.text("40/panic,")
	c.want(`44/panic,{"message":"internal error"}`)
	c.text("40/error,")
	c.want(`44/error,{"message":"internal error"}`)
	c.text("40/block,")
	c.text("42/block,[\"x\"]") // it is not connected yet
	c.wantClose(0)
	s.wantCounted(1, "PacketErrors")
	s.wantCounted(2, "ConnectsRefused")
	c = s.open()
	c.text("40/block,")
	c.wantClose(0) // by ConnectTimeout
	s.wantCalm()
}

func TestA34NoConnect(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{ConnectTimeout: 1500 * time.Millisecond})
	idle, busy, refused, p, away := s.open(), s.open(), s.open(), s.poller(), s.poller()
	p.parked()
	away.leave()
	refused.text("40/nope,")
	refused.want(`44/nope,{"message":"Invalid namespace"}`)
	done := make(chan struct{})
	go func() { // packets do not put it off
		defer close(done)
		for busy.try(string(frame(fin|opText, "3"))+string(frame(fin|opPing, ""))) == nil {
			<-time.After(5 * time.Millisecond)
		}
	}()
	idle.wantClose(0)
	refused.wantClose(0)
	_, _ = io.Copy(io.Discard, busy.r)
	_ = busy.c.Close()
	<-done
	if got := p.body(); got != "1" {
		t.Fatalf("got %q, want a close", got)
	}
	p.wantUnknown()
	p.leave()
	away.gets = s.dial() // who was not there learns of it with the next GET
	away.get()
	if got := away.body(); got != "6\x1e1" && got != "1" { // its loop may be a moment behind
		t.Errorf("got %q, want a close", got)
	}
	away.leave()
	s.wantCounted(5, "SessionsClosed") // there is no counter of its own
	s.wantCalm()
}
