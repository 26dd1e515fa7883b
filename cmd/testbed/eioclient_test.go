package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// A polled is a session of profile eio-client over polling.
type polled struct {
	t      *testing.T
	s      *server
	target string
}

// poll opens a session, whose first message is "hi".
func poll(t *testing.T, s *server) (p *polled, cookies []string) {
	t.Helper()
	const path = "/engine.io/?EIO=4&transport=polling"
	res := fetch(t, s, path)
	var open struct {
		SID                                   string
		Upgrades                              []string
		PingInterval, PingTimeout, MaxPayload int
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(res.body, "0")), &open); err != nil {
		t.Fatalf("handshake: %v in %q", err, res.body)
	}
	equal(t, "upgrades", open.Upgrades, []string{"websocket"})
	equal(t, "intervals and limit", []int{open.PingInterval, open.PingTimeout, open.MaxPayload}, []int{500, 20_000, 100})
	p = &polled{t, s, path + "&sid=" + open.SID}
	p.want("4hi")
	return p, res.header.Values("Set-Cookie")
}

// next returns the next payload, without the pings of a machine that is busy.
func (p *polled) next() string {
	p.t.Helper()
	for {
		_, body := get(p.t, p.s, p.target)
		packets := slices.DeleteFunc(strings.Split(body, "\x1e"), func(packet string) bool { return packet == "2" })
		if len(packets) > 0 {
			return strings.Join(packets, "\x1e")
		}
		post(p.t, p.s, p.target, "3")
	}
}

func (p *polled) want(payload string) {
	p.t.Helper()
	if got := p.next(); got != payload {
		p.t.Errorf("poll: got %q, want %q", got, payload)
	}
}

func (p *polled) post(body string) {
	p.t.Helper()
	equal(p.t, "POST", post(p.t, p.s, p.target, body), "ok")
}

// A response is what fetch got.
type response struct {
	status int
	header http.Header
	body   string
}

// fetch is get with the headers of the request, in pairs, and of the response.
func fetch(t *testing.T, s *server, target string, headers ...string) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := httpClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(b)}
}

func TestEngineClient(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio-client")
	p, cookies := poll(t, s)
	if len(cookies) != 4 || !strings.HasPrefix(cookies[3], "4=4; Expires=") || !strings.HasSuffix(cookies[3], " GMT") {
		t.Fatalf("cookies: got %q", cookies)
	}
	equal(t, "cookies", cookies[:3], []string{"1=1; Max-Age=86400", "2=2; Path=/; HttpOnly; Secure; SameSite=Strict", "3=3; Max-Age=0"})
	p.post("4give utf8\x1e4give binary\x1ebAQI=\x1e4€")
	p.want("4пойду спать всем спокойной ночи\x1ebAAECAwQ=\x1ebAQI=\x1e4€")
	p.post("b" + "Z2l2ZSB1dGY4") // the bytes of "give utf8" are no text
	p.want("bZ2l2ZSB1dGY4")
	res := fetch(t, s, p.target)
	equal(t, "cookies of another response", res.header.Values("Set-Cookie"), []string{})
}

func TestEngineClientHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio-client")
	p, _ := poll(t, s)
	for _, cookie := range []string{"1=1; 2=2", ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+p.target, strings.NewReader("4sendHeaders"))
		if err != nil {
			t.Fatal(err)
		}
		if req.Header.Set("X-Mine", "é"); cookie != "" {
			req.Header.Set("Cookie", cookie)
		}
		res, err := httpClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		answer := p.next()
		var headers map[string]string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(answer, "4")), &headers); err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
		equal(t, "cookie", headers["cookie"], cookie)
		equal(t, "others", headers["x-mine"]+" "+headers["host"]+" "+headers["content-length"], "é "+s.addr+" 12")
	}
	c := open(t, s, "/engine.io/")
	c.want("4hi")
	c.send("4sendHeaders") // there is no POST that carries it
	c.want("4")
}

func TestEngineClientRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio-client")
	for _, query := range []string{"&deny=1", "&deny", "&deny="} {
		status, body := get(t, s, "/engine.io/?EIO=4&transport=polling"+query)
		equal(t, query, status, http.StatusForbidden)
		equal(t, query, body, `{"code":4,"message":"Forbidden"}`)
	}
	p, _ := poll(t, s)
	equal(t, "101 bytes and the type", post(t, s, p.target, "4"+strings.Repeat("a", 101)), "")
	p.post("4" + strings.Repeat("a", 99))
	p.want("4" + strings.Repeat("a", 99))
	c := open(t, s, "/engine.io/")
	c.want("4hi")
	c.send("4" + strings.Repeat("a", 100))
	if _, _, err := c.receive(); err == nil || err.(wsutil.ClosedError).Code != ws.StatusMessageTooBig { //nolint:errorlint // it is not wrapped
		t.Errorf("a byte too many: got %v, want close 1009", err)
	}
}
