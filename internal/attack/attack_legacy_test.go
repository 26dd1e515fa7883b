//go:build unix

package attack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// eio3 changes a request to revision 3.
func eio3(request string) string { return strings.Replace(request, "EIO=4", "EIO=3", 1) }

// openLegacy opens a long-polling session of revision 3, which is in "/" at once,
// and leaves a GET pending.
func openLegacy(s *site, query string) *poller {
	s.t.Helper()
	p := &poller{s: s, gets: s.dial(), posts: s.dial()}
	p.gets.write(eio3(get(query)))
	res, body, err := p.gets.response("GET")
	if err != nil || res.StatusCode != 200 {
		s.t.Fatalf("handshake: %v %q, %v", res, body, err)
	}
	if p.sid = between(body, `"sid":"`, `"`); p.sid == "" {
		p.sid = between(body, `\"sid\":\"`, `\"`)
	}
	p.gets.write(eio3(get(query + p.query())))
	if body := p.body(); !strings.Contains(body, "2:40") {
		s.t.Fatalf("CONNECT: %q", body)
	}
	n := s.figure("Requests")
	p.gets.write(eio3(get(query + p.query())))
	s.eventually("a pending GET", func() bool { return s.figure("Requests") > n })
	return p
}

// TestA65Revision3Payloads posts payloads whose lengths lie.
func TestA65Revision3Payloads(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{AllowEIO3: true})
	const binary = "Content-Type: application/octet-stream\r\n"
	n := 0
	digits := func(b byte, n int) string { return strings.Repeat(string(rune(b)), n) }
	for _, x := range []struct{ body, header string }{
		{"", ""},
		{":40", ""},
		{"-1:40", ""},
		{"+2:40", ""},
		{"0x2:40", ""},
		{"2.0:40", ""},
		{"1e1:4", ""},
		{"3:40", ""}, // short
		{"2:401", ""},
		{"2:40:", ""},
		{"99999999999999999999:4", ""},
		{"18446744073709551618:40", ""}, // 2 modulo 2^64
		{digits('9', 400) + ":4", ""},
		{digits('1', 900_000), ""}, // no colon at all
		{strings.Repeat("0:", 400_000), ""},
		{"6:b4!!!!", ""},
		{"\x00\x02\xff4", binary},                   // short
		{"\x00\xff40", binary},                      // no length
		{"\x00\x0a\xff4", binary},                   // not a digit
		{"\x02\x02\xff40", binary},                  // neither text nor binary
		{"\x00" + digits(9, 311) + "\xff4", binary}, // longer than a number
		{"\x00\x01\x08\x04\x04\x06\x07\x04\x04\x00\x07\x03\x07\x00\x09\x05\x05\x01\x06\x01\x08\xff40", binary}, // 2 modulo 2^64
		{"\x00" + digits(1, 900_000), binary},             // no end of the length
		{strings.Repeat("\x00\x00\xff", 300_000), binary}, // empty packets
		{"\x01\x02\xff\x09x", binary},                     // a binary packet of no type
	} {
		p := openLegacy(s, "")
		var header []string
		if x.header != "" {
			header = append(header, x.header)
		}
		p.posts.write(eio3(post(p.query(), x.body, header...)))
		p.posts.want(200, "ok")
		if got := p.body(); got != "1:1" {
			t.Errorf("%.40q: got %q, want a close", x.body, got)
		}
		w := s.dial()
		w.write(eio3(get(p.query(), "Connection: close\r\n")))
		w.wantCode(1)
		_ = w.c.Close()
		p.leave()
		n++
		s.eventually("a parse error", func() bool {
			errors := slices.DeleteFunc(s.noted(&s.reasons), func(reason string) bool { return reason != "parse error" })
			return len(errors) == n
		})
	}
	s.wantCalm()
}

// TestA80JSONP asks for scripts in revision 4, which has none, and with indices
// that are programs.
func TestA80JSONP(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{AllowEIO3: true})
	p := &poller{s: s, gets: s.dial(), posts: s.dial()}
	p.gets.write(get("&j=0"))
	p.sid = p.gets.wantOpen()
	p.posts.write(post(p.query()+"&j=0", "d=40")) // a form is no packet
	p.posts.want(200, "ok")
	p.wantUnknown()
	p.leave()
	for j, index := range map[string]string{
		"7":                            "7",
		"alert(1)":                     "1",
		"5%5D%3Balert(1)%2F%2F":        "51",
		"%3C/script%3E":                "",
		strings.Repeat("9", 2000):      strings.Repeat("9", 10),
		"%E2%80%A8%0D%0AX-Header:%203": "3",
	} {
		p := openLegacy(s, "&j="+j)
		p.posts.write(eio3(post(p.query(), "d="+`4%3A42%5B%5D`, "Content-Type: application/x-www-form-urlencoded\r\n")))
		p.posts.want(200, "ok")
		if got, want := p.body(), fmt.Sprintf(`___eio[%s]("1:1");`, index); got != want {
			t.Errorf("j=%.30s: got %q, want %q", j, got, want)
		}
		p.leave()
	}
	s.wantCalm()
}
