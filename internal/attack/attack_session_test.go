//go:build unix

package attack_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

func TestA61SessionIDs(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w := s.dial()
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`)
	const n = 1500
	seen := map[string]bool{}
	var chars [20]map[rune]bool
	for range n {
		w.write(get(""))
		sid := w.wantOpen()
		if !shape.MatchString(sid) || seen[sid] {
			t.Fatalf("session id %q: malformed, or the second of its kind", sid)
		}
		seen[sid] = true
		for i, c := range sid {
			if chars[i] == nil {
				chars[i] = map[rune]bool{}
			}
			chars[i][c] = true
		}
	}
	for i := range chars {
		if len(chars[i]) < 60 { // 64 are possible; a guess of one in 1,500 is missing with 5e-11
			t.Errorf("character %d takes %d values in %d ids", i, len(chars[i]), n)
		}
	}
	// The neighbours of an id that exists, each character changed in turn.
	p := s.joined()
	guesses := int64(0)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range p.sid {
		var batch strings.Builder
		for _, c := range alphabet {
			if byte(c) != p.sid[i] {
				batch.WriteString(get("&sid=" + p.sid[:i] + string(c) + p.sid[i+1:]))
			}
		}
		w.write(batch.String())
		for range len(alphabet) - 1 {
			w.wantCode(1)
			guesses++
		}
	}
	_ = w.c.Close()
	s.wantCounted(guesses, "RequestsRefused[1]")
	p.wantAlive()
	p.end()
	w = s.dial()
	for sid := range seen {
		w.write(post("&sid="+sid, "1"))
		w.want(200, "ok")
	}
	_ = w.c.Close()
	s.wantCalm()
}

func TestA63BodySize(t *testing.T) {
	t.Parallel()
	const limit = 20_000
	s := serve(t, &sio.Options{MaxHTTPBufferSize: limit})
	p := s.joined()
	text := func(n int) string { return `42["echo","` + strings.Repeat("x", n-13) + `"]` } // n bytes
	head := func(n int, more string) string {
		return request("POST", path+"?EIO=4&transport=polling"+p.query(), fmt.Sprintf("Content-Length: %d\r\n%s", n, more))
	}
	refused := 0
	for name, raw := range map[string]string{ // without a byte of the body
		"length":           head(limit+1, ""),
		"huge length":      head(1<<62, ""),
		"expecting":        head(limit+1, "Expect: 100-continue\r\n"),
		"one chunk":        chunkedPost(p.query(), fmt.Sprintf("%x\r\n", limit+1)),
		"sum of chunks":    chunkedPost(p.query(), fmt.Sprintf("%x\r\n%s\r\n1\r\n", limit, text(limit))),
		"sum would wrap":   chunkedPost(p.query(), "1\r\n4\r\n7fffffffffffffff\r\n"),
		"with all of body": head(100_000, "") + text(100_000),
	} {
		w := s.dial()
		w.write(raw)
		if res := w.want(413, ""); !res.Close {
			t.Errorf("%s: 413 without Connection: close: %v", name, res.Header)
		}
		w.wantEOF()
		refused++
		p.wantAlive() // the session lives
	}
	s.wantCounted(int64(refused), "BadRequests")

	p.post(text(limit)) // exactly the limit
	p.get()
	if got := p.body(); got != text(limit) {
		t.Fatalf("got %d bytes back, want %d", len(got), limit)
	}
	p.posts.write(chunkedPost(p.query(), fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", limit, text(limit))))
	p.posts.want(200, "ok")
	p.get()
	if got := p.body(); got != text(limit) {
		t.Fatalf("got %d bytes back, want %d", len(got), limit)
	}

	w := s.dial() // the length is too short: the rest is a bad request
	w.write(head(2, "") + "43" + "0[]\x00\r\n\r\n")
	w.want(200, "ok")
	w.want(400, "")
	w.wantEOF()
	p.wantAlive()

	w = s.dial() // too long, and the client goes
	w.write(head(100, "") + `42["echo"]`)
	_ = w.c.Close()
	s.wantReason("transport error")
	p.wantUnknown()
	p.leave()
	s.wantCalm()
}

func TestA64ManyPackets(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, body := range map[string]string{
		"500,000 empty packets":   strings.Repeat("\x1e", 999_999),
		"500,000 noops":           strings.TrimSuffix(strings.Repeat("6\x1e", 500_000), "\x1e"),
		"20,001 noops":            strings.Repeat("6\x1e", 20_000) + "6",
		"20,001, one of them bad": strings.Repeat("6\x1e", 20_000) + "x",
	} {
		p := s.joined()
		p.parked()
		p.posts.write(post(p.query(), body))
		p.posts.want(200, "ok") // as the reference answers what it cannot decode
		if got := p.body(); got != "1" {
			t.Errorf("%s: got %q, want a close", name, got)
		}
		p.wantUnknown()
		p.leave()
	}
	s.wantReason("parse error")
	p := s.joined() // 20,000 are fine
	p.post(strings.Repeat("6\x1e", 19_999) + `427["echo",1]`)
	p.get()
	if got := p.body(); got != "437[1]" {
		t.Fatalf("got %q", got)
	}
	p.post(strings.TrimSuffix(strings.Repeat("42[\"nobody\"]\x1e", 20_000), "\x1e"))
	p.wantAlive()
	p.end()
	s.wantCounted(4, "RequestsRefused[1]")
	s.wantCalm()
}

func TestA66Base64(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const header = `451-["echo",{"_placeholder":true,"num":0}]` + "\x1e"
	for _, packet := range []string{"b!", "bA", "bAQI=x", "bAQ=ID", "bAQID=", "b====", "bAQ\x00D", "bAQ I", "b\xff\xfe\xfd\xfc", "bA===", "b4AQ=I"} {
		p := s.joined()
		p.parked()
		p.posts.write(post(p.query(), header+packet))
		p.posts.want(200, "ok")
		if got := p.body(); got != "1" {
			t.Errorf("%q: got %q, want a close", packet, got)
		}
		p.wantUnknown()
		p.leave()
	}
	s.wantReason("parse error")
	p := s.joined()
	for packet, want := range map[string]string{
		"bAQID": "bAQID", "bAQI=": "bAQI=", "bAQI": "bAQI=", "b-_-_": "b+/+/", "b": "b", "bAQ==": "bAQ==", "bAQ": "bAQ==", "b4AQI": "b4AQI",
	} {
		p.post(header + packet)
		p.get()
		if got := p.body(); got != header+want {
			t.Errorf("%q: got %q, want %q", packet, got, header+want)
		}
	}
	p.end()
	w := s.connect() // and as text on a WebSocket
	w.text(strings.TrimSuffix(header, "\x1e"))
	w.text("bAQID")
	w.want(strings.TrimSuffix(header, "\x1e"))
	w.wantFrame(opBinary, "\x01\x02\x03")
	w.text("b!")
	w.wantClose(0)
	s.wantCounted(0, "PacketsIn")
	s.wantCalm()
}

func TestA67OverlappingGETs(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, pipelined := range []bool{false, true} {
		p := s.joined()
		p.parked()
		if pipelined {
			p.get()
			if got := p.body(); got != "1" {
				t.Fatalf("the first GET got %q, want a close", got)
			}
			p.gets.want(400, "")
		} else {
			w := s.dial()
			w.write(get(p.query()))
			w.want(400, "")
			_ = w.c.Close()
			if got := p.body(); got != "1" {
				t.Fatalf("the first GET got %q, want a close", got)
			}
		}
		p.wantUnknown()
		p.leave()
	}
	s.wantReason("transport error")
	s.wantCounted(2, "SessionsClosed") // there is no counter of its own
	s.wantCalm()
}

func TestA68OverlappingPOSTs(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	p.posts.write(request("POST", path+"?EIO=4&transport=polling"+p.query(), "Content-Length: 10\r\n") + "42[")
	n := s.figure("Requests")
	s.eventually("the first POST", func() bool { return s.figure("BytesIn") > 0 && s.figure("Requests") == n })
	s.turn()
	w := s.dial()
	w.write(post(p.query(), `42["echo"]`))
	w.want(400, "")
	w.wantEOF() // its body is not read
	p.wantUnknown()
	p.posts.write(`"echo"]`) // the first learns that its session is gone
	p.posts.wantCode(1)
	p.posts.write(get(""))
	s.drop(p.posts.wantOpen()) // and its connection is still good
	p.leave()
	s.wantReason("transport error")
	s.wantCounted(0, "SessionsClosed")
	s.wantCalm()
}

func TestA69OctetStream(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	p.posts.write(post(p.query(), `427["echo",1]`, "Content-Type: application/octet-stream; x=1\r\n"))
	p.posts.want(200, "ok")
	p.get()
	if got := p.body(); got != "437[1]" {
		t.Fatalf("got %q", got)
	}
	p.parked()
	p.posts.write(post(p.query(), `427["echo",1]`, "Content-Type: application/octet-stream\r\n"))
	p.posts.want(400, "")
	p.posts.wantEOF()
	if got := p.body(); got != "1" {
		t.Fatalf("got %q, want a close", got)
	}
	p.wantUnknown()
	p.leave()
	s.wantReason("transport error")
	s.wantCounted(1, "SessionsClosed") // there is no counter of its own
	s.wantCalm()
}

func TestA70AbandonedRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, leave := range map[string]func(p *poller){
		"GET, reset":  func(p *poller) { p.parked(); p.gets.reset() },
		"GET, closed": func(p *poller) { p.parked(); _ = p.gets.c.Close() },
		"POST, reset": func(p *poller) { p.posts.write(post(p.query(), "4xx")[:100]); p.posts.reset() },
		"POST, closed": func(p *poller) {
			p.posts.write(post(p.query(), strings.Repeat("4x", 100))[:200])
			_ = p.posts.c.Close()
		},
		"both, reset": func(p *poller) {
			p.parked()
			p.gets.write(post(p.query(), strings.Repeat("4x", 100))[:200])
			p.gets.reset()
		},
		"GET, with a post": func(p *poller) { p.parked(); p.posts.write(post(p.query(), `42["nobody"]`)); p.gets.reset() },
	} {
		n, ends := s.figure("SessionsClosed"), len(s.noted(&s.reasons))
		p := s.joined()
		leave(p)
		if name != "POST, reset" { // whose head was cut: nothing of the session was under way
			s.eventually(name, func() bool { return s.figure("SessionsClosed") == n+1 && len(s.noted(&s.reasons)) == ends+1 })
			p.wantUnknown()
			p.leave()
			continue
		}
		_ = p.gets.c.Close()
		s.drop(p.sid)
	}
	s.wantReason("transport error")
	s.wantCounted(6, "SessionsClosed")
	s.wantCalm()
}

func TestA71UnclaimedSessions(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{PingInterval: 200 * time.Millisecond, PingTimeout: 2 * time.Second})
	const n = 2000
	w := s.dial()
	for range 20 {
		w.write(strings.Repeat(get(""), n/20))
		for range n / 20 {
			w.wantOpen()
		}
	}
	_ = w.c.Close()
	s.wantCounted(n, "SessionsOpened")
	s.eventually("the end of all sessions", func() bool { return s.grown("SessionsClosed") == n })
	s.wantCalm()
}

// upgradeTo opens a WebSocket for a session.
func (p *poller) upgradeTo() *ws {
	p.s.t.Helper()
	w := &ws{*p.s.dial()}
	w.write(upgrade(p.query()))
	w.wantSwitch()
	return w
}

// upgraded moves the session to a WebSocket.
func (p *poller) upgraded() *ws {
	p.s.t.Helper()
	w := p.upgradeTo()
	w.text("2probe")
	w.want("3probe")
	w.text("5")
	w.wantServed()
	return w
}

func TestA72OtherTransport(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	w := p.upgraded()
	p.gets.write(get(p.query()))
	p.gets.wantCode(3)
	p.posts.write(post(p.query(), "1"))
	p.posts.wantCode(3)
	p.posts.wantEOF()
	p.upgradeTo().wantClose(0)
	w.wantServed()

	born := openWS(s, "") // a session that was born on WebSocket
	sid := between(born.wantPrefix(`0{`), `"sid":"`, `"`)
	born.text("40")
	born.wantPrefix(`40{"sid":"`)
	second := &poller{s: s, sid: sid, gets: s.dial()}
	second.gets.write(get(second.query()))
	second.gets.wantCode(3)
	up := second.upgradeTo()
	_ = up.try(frames(fin|opText, "2probe", "5", `42["echo","stolen"]`))
	up.wantClose(0)
	born.wantServed()
	_ = w.c.Close()
	_ = born.c.Close()
	_ = second.gets.c.Close()
	p.leave()
	s.wantCounted(3, "RequestsRefused[3]")
	s.wantCounted(1, "Upgrades")
	s.wantCalm()
}

func TestA73NoProbe(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{UpgradeTimeout: 1500 * time.Millisecond, PingInterval: 100 * time.Millisecond})
	p := s.joined()
	mute, half, probed := p.upgradeTo(), s.joined(), s.joined()
	halfWS, probedWS := half.upgradeTo(), probed.upgradeTo()
	halfWS.write(string(frame(fin|opText, "2probe")[:4])) // not even a frame
	probedWS.text("2probe")
	probedWS.want("3probe")
	// The heartbeat goes on meanwhile.
	for range 2 {
		p.get()
		if got := p.body(); got != "2" {
			t.Fatalf("got %q, want a ping", got)
		}
		p.post("3")
	}
	for _, x := range []struct {
		p *poller
		w *ws
	}{{p, mute}, {half, halfWS}, {probed, probedWS}} {
		x.w.wantClose(0)
		x.p.post(`427["echo","still"]`)
		for {
			x.p.get()
			body := x.p.body()
			if strings.Contains(body, `437["still"]`) {
				break
			}
			if body != "6" && body != "2" {
				t.Fatalf("got %q from a session whose upgrade has timed out", body)
			}
		}
		x.p.end()
	}
	if n := s.grown("Upgrades"); n != 0 {
		t.Errorf("%d upgrades, want 0", n)
	}
	s.wantCounted(3, "SessionsClosed") // there is no counter of its own
	s.wantCalm()
}

func TestA74ProbePackets(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	for name, raw := range map[string]string{
		"wrong text": frames(fin|opText, "2prob"), "probe in capitals": frames(fin|opText, "2PROBE"), "ping": frames(fin|opText, "2"),
		"message": frames(fin|opText, `42["echo","stolen"]`), "pong": frames(fin|opText, "3probe"), "noop": frames(fin|opText, "6"),
		"close": frames(fin|opText, "1"), "open": frames(fin|opText, "0"), "nothing": frames(fin|opText, ""), "unknown": frames(fin|opText, "x"),
		"binary": frames(fin|opBinary, "2probe"), "base64": frames(fin|opText, "bMnByb2Jl"),
		"data behind the probe": frames(fin|opText, "2probe", `42["echo","stolen"]`, "5"),
	} {
		w := p.upgradeTo()
		_ = w.try(raw)
		if strings.HasPrefix(name, "data behind") {
			w.want("3probe")
		}
		w.wantClose(0)
		p.wantAlive()
		w = p.upgradeTo() // the next one may try
		w.write("\xff")
		w.wantClose(1002)
		p.wantAlive()
	}
	s.wantCounted(13, "FrameErrors")
	w := p.upgradeTo()
	w.write(strings.Repeat(frames(fin|opText, "2probe"), 1000))
	for range 1000 {
		w.want("3probe")
	}
	w.write(frames(fin|opText, "5", `427["echo",1]`))
	w.want("437[1]")
	_ = w.c.Close()
	p.leave()

	p = s.joined() // `5` without a probe, in the segment of the upgrade
	w = &ws{*s.dial()}
	w.write(upgrade(p.query()) + frames(fin|opText, "5", `427["echo",1]`, "5", "6", `428["echo",2]`))
	w.wantSwitch()
	w.want("437[1]")
	w.want("438[2]")
	_ = w.c.Close()
	p.leave()

	// A flood of probes whose answers nobody reads is bounded.
	p = s.joined()
	w = p.upgradeTo()
	_ = setReadBuffer(w.c)
	flood := strings.Repeat(frames(fin|opText, "2probe"), 5000)
	before := s.figure("BytesIn")
	for w.try(flood) == nil {
		if n := s.figure("BytesIn") - before; n > 64<<20 {
			t.Fatalf("%d bytes of probes were read", n)
		}
	}
	p.wantAlive()
	p.end()
	s.wantCounted(14, "FrameErrors")
	s.wantCounted(2, "Upgrades")
	s.wantCalm()
}

func TestA75RacingUpgrades(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for range 20 {
		p := s.joined()
		a, b := &ws{*s.dial()}, &ws{*s.dial()}
		script := upgrade(p.query()) + frames(fin|opText, "2probe", "5", `427["echo","once"]`)
		a.write(script)
		b.write(script)
		won := 0
		for _, w := range []*ws{a, b} {
			w.wantSwitch()
			op, got := w.next()
			switch {
			case op == opText && got == "3probe":
				w.want(`437["once"]`)
				w.wantServed()
				won++
			case op == opClose && got == "":
				w.wantEOF()
			default:
				t.Fatalf("got opcode %d %q", op, got)
			}
		}
		if won != 1 {
			t.Fatalf("%d upgrades have won", won)
		}
		p.leave()
		_ = a.c.Close()
		_ = b.c.Close()
	}
	s.wantCounted(20, "Upgrades")
	s.wantCounted(40, "EventsIn")
	s.wantCalm()
}

// TestA76EmitsDuringUpgrade emits before, during and after an upgrade: all of
// it arrives once and in order.
func TestA76EmitsDuringUpgrade(t *testing.T) {
	t.Parallel()
	const each = 1000
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Handle("burst", func(e *sio.Event) error {
			var from int
			if err := e.Decode(&from); err != nil {
				return err
			}
			for i := range each {
				if err := e.Socket().Emit("n", from+i, []byte{1}); err != nil {
					return err
				}
			}
			return e.Ack(from)
		})
	})
	for _, parked := range []bool{true, false} {
		p := s.joined()
		var got []string
		add := func(body string) {
			for packet := range strings.SplitSeq(body, "\x1e") {
				if packet != "6" && packet != "1" && packet != "bAQ==" {
					got = append(got, packet)
				}
			}
		}
		p.post(`420["burst",0]`)
		if parked {
			p.parked()
		}
		w := p.upgradeTo()
		p.post(fmt.Sprintf(`420["burst",%d]`, each))
		w.text("2probe")
		w.want("3probe")
		if parked { // a client's poll ends before it sends `5`
			add(p.body())
		}
		w.text("5")
		w.text(fmt.Sprintf(`420["burst",%d]`, 2*each))
		for len(got) < 3*each+3 {
			op, text := w.next()
			if op == opText {
				add(text)
			}
		}
		for i, acks := 0, 0; i < len(got); i++ {
			want := fmt.Sprintf(`451-["n",%d,{"_placeholder":true,"num":0}]`, i-acks)
			if (i+1)%(each+1) == 0 {
				want = fmt.Sprintf(`430[%d]`, acks*each)
				acks++
			}
			if got[i] != want {
				t.Fatalf("packet %d is %q, want %q", i, got[i], want)
			}
		}
		p.leave()
		w.wantServed()
		_ = w.c.Close()
	}
	// The server closes the session while it is being upgraded.
	p := s.joined()
	p.parked()
	w := p.upgradeTo()
	w.text("2probe")
	w.want("3probe")
	if err := s.srv.Root().Except(s.bystanderRooms()...).Disconnect(true); err != nil {
		t.Fatal(err)
	}
	body := p.body()
	for body == "6" {
		p.get()
		body = p.body()
	}
	if body != "41" {
		t.Fatalf("got %q, want the disconnect", body)
	}
	w.text("5") // the upgrade completes, and the session is over
	w.wantClose(0)
	p.wantUnknown()
	p.leave()
	s.wantCounted(3, "Upgrades")
	s.wantCalm()
}

// bystanderRooms are the ids of all bystanders.
func (s *site) bystanderRooms() []string {
	s.t.Helper()
	var ids []string
	for _, b := range s.bystanders {
		ids = append(ids, b.id)
	}
	return ids
}

func TestA77PollingAfterTheUpgrade(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	w := p.upgradeTo()
	w.text("2probe")
	w.want("3probe")
	p.parked()
	w.text("5")
	if got := p.body(); got != "1" {
		t.Fatalf("a GET that was pending got %q, want a close", got)
	}
	p.posts.write(post(p.query(), `42["echo","ignored"]`))
	p.posts.wantCode(3)
	p.posts.wantEOF()
	w.wantServed() // and nothing came before
	_ = w.c.Close()
	p.leave()
	s.wantCounted(1, "RequestsRefused[3]", "Upgrades")

	// A POST that was under way when `5` came is answered, and its packets
	// come from a transport that is gone.
	p = s.joined()
	raw := post(p.query(), `42["echo","late"]`)
	p.posts.write(raw[:len(raw)-5])
	s.turn()
	w = p.upgraded()
	p.posts.write(raw[len(raw)-5:])
	if _, _, err := p.posts.response("POST"); err != nil {
		t.Errorf("a POST behind the upgrade: %v", err)
	}
	w.wantServed()
	_ = w.c.Close()
	p.leave()
	s.wantCalm()
}

func TestA78Heartbeats(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, ping := range []string{"2", "2probe", "2x"} {
		w := s.connect()
		w.text(ping)
		w.wantClose(0)
		p := s.joined()
		p.parked()
		p.post(ping)
		if got := p.body(); got != "1" {
			t.Errorf("%q: got %q, want a close", ping, got)
		}
		p.wantUnknown()
		p.leave()
	}
	s.wantReason("transport error")
	s.wantCounted(6, "SessionsClosed") // there is no counter of its own
	w := s.connect()                   // pongs that nobody asked for
	w.write(strings.Repeat(frames(fin|opText, "3", "3probe", "3x"), 10_000))
	w.wantServed()
	_ = w.c.Close()
	p := s.joined()
	p.post(strings.TrimSuffix(strings.Repeat("3\x1e", 19_000), "\x1e"))
	p.wantAlive()
	p.end()
	s.wantCalm()

	t.Run("they do not replace an answer", func(t *testing.T) {
		s := serve(t, &sio.Options{PingInterval: 200 * time.Millisecond, PingTimeout: 2 * time.Second})
		w := s.connect()
		done := make(chan struct{})
		go func() { // anything but a pong
			defer close(done)
			for w.try(frames(fin|opText, "6", "42[\"nobody\"]")+frames(fin|opPong, "")) == nil {
				<-time.After(10 * time.Millisecond)
			}
		}()
		w.wantClose(0)
		<-done
		s.wantReason("ping timeout")
		s.wantCalm()
	})
}

func TestA79PacketsOfTheServer(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	ignored := []string{"0", `0{"sid":"x"}`, "5", "5probe", "6", "6x"}
	w := s.connect()
	p := s.joined()
	for range 100 {
		w.write(frames(fin|opText, ignored...) + frames(fin|opText, "1")) // a close is nothing on a WebSocket
	}
	w.wantServed()
	_ = w.c.Close()
	p.post(strings.Join(ignored, "\x1e"))
	p.wantAlive()
	p.parked()
	p.post(`6` + "\x1e" + `1` + "\x1e" + `42["echo","behind"]`)
	if got := p.body(); got != "6" {
		t.Errorf("got %q, want a noop", got)
	}
	p.wantUnknown()
	p.leave()
	s.wantReason("transport close")
	for _, packet := range []string{"7", "x", "", "\x00", "é", " 4"} { // no packet at all
		w := s.connect()
		w.text(packet)
		w.wantClose(0)
	}
	s.wantReason("parse error")
	s.wantCounted(8, "SessionsClosed")
	s.wantCalm()
}
