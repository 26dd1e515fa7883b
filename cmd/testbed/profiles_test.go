package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func TestBench(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-inline"}, {"-drop-handshake"}, {"-inline", "-loops", "1"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"-profile", "bench"}, flags...)...)
			a, _ := join(t, s, "/", "")
			b, _ := join(t, s, "/", "")
			benchText(t, a, b)
			benchBinary(a)
		})
	}
}

// TestBenchSettings has profile bench take what benchmarks vary.
func TestBenchSettings(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "bench", "-set", "perMessageDeflate=true", "-set", "connectionStateRecovery={}")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/socket.io/?EIO=4&transport=websocket", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions": "permessage-deflate",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		t.Errorf("status %d with extensions %q, want permessage-deflate", resp.StatusCode, got)
	}
	a, _ := join(t, s, "/", "")
	a.emit("echo", "y")
	if got := a.next(); !strings.HasPrefix(got, `42["echo","y","`) {
		t.Errorf("got %s, want an echo with an offset", got)
	}
	m := start(t, "-profile", "bench", "-set", "parser=msgpack")
	c := open(t, m, "/socket.io/")
	c.sendBinary([]byte("\x82\xa4type\x00\xa3nsp\xa1/")...)
	if got := c.nextBinary(); !strings.Contains(got, "\xa3sid") {
		t.Errorf("got %q, want the answer to a CONNECT in MessagePack", got)
	}
}

func benchText(t *testing.T, a, b *client) {
	t.Helper()
	equal(t, "echo with ack", a.call("echo", map[string]int{"x": 1}), `{"x":1}`)
	a.emit("echo", "y")
	a.want(`42["echo","y"]`)
	a.emit("broadcast", []int{1, 2})
	a.want(`42["broadcast",[1,2]]`)
	b.want(`42["broadcast",[1,2]]`)
	b.emit("volatile", 3)
	a.want(`42["broadcast",3]`)
	b.want(`42["broadcast",3]`)
	equal(t, "join", a.call("join", "r"), "true")
	b.emit("room", "r", "z")
	a.want(`42["room","z"]`)
	equal(t, "join", b.call("join", "r"), "true")
	equal(t, "leave", a.call("leave", "r"), "true")
	a.emit("room", "r", "only b")
	b.want(`42["room","only b"]`)
	equal(t, "what else came", settle(a, b), [][]string{{}, {}})
}

func benchBinary(a *client) {
	a.t.Helper()
	for _, event := range []string{"echo", "broadcast"} {
		a.send(fmt.Sprintf(`451-[%q,{"_placeholder":true,"num":0}]`, event))
		a.sendBinary(1, 2, 3)
		a.want(fmt.Sprintf(`451-[%q,{"_placeholder":true,"num":0}]`, event))
		equal(a.t, "attachment", a.nextBinary(), "\x01\x02\x03")
	}
	a.send(`451-7["echo",{"_placeholder":true,"num":0}]`)
	a.sendBinary(4)
	a.want(`461-7[{"_placeholder":true,"num":0}]`)
	equal(a.t, "attachment", a.nextBinary(), "\x04")
}

func TestPath(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "bench", "-path", "/other/")
	c := open(t, s, "/other/")
	c.connect("/", "")
	equal(t, "echo", c.call("echo", 1), "1")
	for path, want := range map[string]int{"/other/socket.io.js": 404, "/socket.io/?EIO=4&transport=polling": 404, "/other/?EIO=4&transport=polling": 200} {
		status, _ := get(t, s, path)
		equal(t, path, status, want)
	}
}

// TestPathMovesTheClient serves the browser client below the path, wherever that
// is, and -path of a profile that takes -set comes first.
func TestPathMovesTheClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "socket.io.js"), []byte("the client"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-profile", "bench", "-path", "/moved"},
		{"-profile", "sio-client", "-path", "/moved/"},
		{"-profile", "parity", "-set", "path=/elsewhere", "-path", "/moved"},
		{"-profile", "parity", "-set", "path=/moved"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"-client-dir", dir}, args...)...)
			for path, want := range map[string]string{
				"/moved/socket.io.js":     "200 the client",
				"/socket.io/socket.io.js": "404 ",
				"/elsewhere/socket.io.js": "404 ",
				"/moved/socket.io.ts":     `400 {"code":0,"message":"Transport unknown"}`,
			} {
				res := fetch(t, s, path)
				equal(t, path, fmt.Sprint(res.status, " ", res.body), want)
			}
			res := fetch(t, s, "/moved/socket.io.js", "Accept-Encoding", "br")
			equal(t, "content coding", res.header.Get("Content-Encoding"), "br")
		})
	}
	bare := start(t, "-profile", "bench", "-path", "/moved")
	if res := fetch(t, bare, "/moved/socket.io.js"); res.status != 404 || !strings.Contains(res.body, "npm package socket.io-client") {
		t.Errorf("without -client-dir: got %d %q", res.status, res.body)
	}
}

func TestTicker(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-volatile"}, {"-conflate"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"-profile", "ticker", "-hz", "200", "-payload", "10"}, flags...)...)
			c, _ := join(t, s, "/", "")
			var last, lastTime int64
			for i := range 5 {
				args := c.event("/", "tick")
				var sequence, nanos int64
				var payload string
				for j, v := range []any{&sequence, &nanos, &payload} {
					if err := json.Unmarshal(args[j], v); err != nil {
						t.Fatal(err)
					}
				}
				missed := i > 0 && sequence > last+1 && flags == nil // others may be missed
				if missed || i > 0 && sequence <= last || nanos <= lastTime || payload != "xxxxxxxxxx" {
					t.Errorf("tick %s after %d at %d", args, last, lastTime)
				}
				last, lastTime = sequence, nanos
			}
			if p := c.call("echo", "bench too"); p != `"bench too"` {
				t.Errorf("echo: got %s", p)
			}
		})
	}
}

func TestEngine(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio-protocol")
	c := open(t, s, "/engine.io/")
	c.send("4hello é")
	c.want("4hello é")
	c.sendBinary(1, 0, 255)
	equal(t, "binary", c.nextBinary(), "\x01\x00\xff")
	c.send("4")
	c.want("4")

	status, body := get(t, s, "/engine.io/?EIO=4&transport=polling")
	var opening struct {
		SID                                   string
		PingInterval, PingTimeout, MaxPayload int
	}
	if err := json.Unmarshal([]byte(body[1:]), &opening); err != nil || status != 200 {
		t.Fatalf("handshake: got %d %s", status, body)
	}
	equal(t, "intervals and limit", []int{opening.PingInterval, opening.PingTimeout, opening.MaxPayload}, []int{300, 200, 1_000_000})
	target := "/engine.io/?EIO=4&transport=polling&sid=" + opening.SID
	equal(t, "POST", post(t, s, target, "4text\x1ebAQID"), "ok")
	_, body = get(t, s, target)
	equal(t, "GET", body, "4text\x1ebAQID")
}

func TestEngine3(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio3-protocol")
	for revision, packets := range map[string]string{"3": "6:4text€6:b4AQID", "4": "4text€\x1ebAQID"} {
		status, body := get(t, s, "/engine.io/?b64=1&transport=polling&EIO="+revision)
		_, opening, _ := strings.Cut(body, "{")
		opening = "{" + opening
		var v struct {
			SID                                   string
			PingInterval, PingTimeout, MaxPayload int
		}
		if err := json.Unmarshal([]byte(opening), &v); err != nil || status != 200 {
			t.Fatalf("handshake: got %d %s", status, body)
		}
		equal(t, "intervals and limit", []int{v.PingInterval, v.PingTimeout, v.MaxPayload}, []int{300, 200, 1_000_000})
		framed := map[string]string{"3": strconv.Itoa(len(opening)+1) + ":0", "4": "0"}
		equal(t, "handshake of revision "+revision, body, framed[revision]+opening)
		target := "/engine.io/?b64=1&transport=polling&sid=" + v.SID + "&EIO=" + revision
		equal(t, "POST", post(t, s, target, packets), "ok")
		_, body = get(t, s, target)
		equal(t, "GET", body, packets)
	}
}

// TestEngineJSONP is a browser that knows nothing else: payloads are calls of a
// function, and come in a form.
func TestEngineJSONP(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio3-protocol")
	want, err := json.Marshal("8:4a\nb\"€<>")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(strings.TrimSuffix(string(want), `"`))
	body := ""
	eventually(t, "three requests within the heartbeat of half a second", func() bool {
		body = jsonp(t, s, `8:4a\nb"€<>6:b4AQID`)
		return !strings.Contains(body, "Session ID unknown")
	})
	equal(t, "GET", body, "___eio[5]("+text+`6:b4AQID");`)
}

// jsonp opens a session, posts a payload and returns what a poll gets.
func jsonp(t *testing.T, s *server, payload string) string {
	t.Helper()
	const target = "/engine.io/?EIO=3&transport=polling&j=5"
	_, body := get(t, s, target)
	call, ok := strings.CutPrefix(body, "___eio[5](")
	var opening string
	if err := json.Unmarshal([]byte(strings.TrimSuffix(call, ");")), &opening); err != nil || !ok {
		t.Fatalf("handshake: got %q (%v)", body, err)
	}
	var v struct{ SID string }
	_, opening, _ = strings.Cut(opening, ":0")
	decode(t, opening, &v)
	res, err := httpClient.PostForm("http://"+s.addr+target+"&sid="+v.SID, url.Values{"d": {payload}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer, _ := io.ReadAll(res.Body); string(answer) != "ok" {
		return string(answer)
	}
	_, body = get(t, s, target+"&sid="+v.SID)
	return body
}

func TestEnginePath(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "eio-protocol", "-path", "other")
	open(t, s, "/other/")
	status, _ := get(t, s, "/engine.io/?EIO=4&transport=polling")
	equal(t, "the usual path", status, 404)
}

// httpClient keeps no connection, so that none outlives its test.
var httpClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

func get(t *testing.T, s *server, target string) (status int, body string) {
	t.Helper()
	return request(t, http.MethodGet, s, target, "")
}

func post(t *testing.T, s *server, target, body string) string {
	t.Helper()
	_, answer := request(t, http.MethodPost, s, target, body)
	return answer
}

func request(t *testing.T, method string, s *server, target, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
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
	return res.StatusCode, string(b)
}

func TestSIOProtocol(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-inline"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"-profile", "sio-protocol"}, flags...)...)
			c, _ := join(t, s, "/", "")
			c.want(`42["auth",{}]`)
			c.connect("/custom", `{"token":"123"}`)
			c.want(`42/custom,["auth",{"token":"123"}]`)
			c.send(`42["message",1,"2",{"3":[true]}]`)
			c.want(`42["message-back",1,"2",{"3":[true]}]`)
			c.send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
			c.want(`43456[1,"2",{"3":[false]}]`)
			c.send(`452-["message",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]`)
			c.sendBinary(1)
			c.sendBinary(2, 3)
			c.want(`452-["message-back",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]`)
			equal(t, "attachments", c.nextBinary()+c.nextBinary(), "\x01\x02\x03")
			c.send(`40/random`)
			c.want(`44/random,{"message":"Invalid namespace"}`)
		})
	}
}

// TestMsgpackProtocol says in MessagePack what TestSIOProtocol says in text.
func TestMsgpackProtocol(t *testing.T) {
	t.Parallel()
	const connect = "\x82\xa4type\x00\xa3nsp\xa1/"
	const event = "\xa4type\x02\xa3nsp\xa1/\xa4data"
	for _, flags := range [][]string{nil, {"-inline"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"-profile", "sio-protocol-msgpack"}, flags...)...)
			c := open(t, s, "/socket.io/")
			for _, step := range []struct{ send, want string }{
				{connect, "\xa3sid\xb4"},
				{"", "\xa4auth\x80"},
				{"\x83" + event + "\x93\xa7message\xa1x\xc4\x01\x07", "\xacmessage-back\xa1x\xc4\x01\x07"},
				{"\x84" + event + "\x92\xb0message-with-ack\xc4\x02\x01\x02\xa2id\x05", "\x91\xc4\x02\x01\x02"},
				{strings.Replace(connect, "\xa1/", "\xa7/random", 1), "\xb1Invalid namespace"},
			} {
				if step.send != "" {
					c.sendBinary([]byte(step.send)...)
				}
				if got := c.nextBinary(); !strings.Contains(got, step.want) {
					t.Errorf("%q: got %q, want it to contain %q", step.send, got, step.want)
				}
			}
			c.send("40") // there is no text in this dialect
			c.ended()
		})
	}
}

func TestSIOClient(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "sio-client")
	c, id := join(t, s, "/", `{"a":"b"}`)
	c.recovers = true
	equal(t, "getId", c.call("getId"), `"`+id+`"`)
	equal(t, "echo", c.call("echo", 1), "1")
	c.emit("hi")
	c.want(`42["hi"]`)
	c.emit("false")
	c.want(`42["false",false]`)
	c.emit("getUtf8")
	for _, text := range []string{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"} {
		c.want(`42["takeUtf8","` + text + `"]`)
	}
	for event, want := range map[string]string{"getAckDate": c.call("getAckDate", 0), "getDate": "", "getDateObj": ""} {
		if want == "" {
			c.emit(event)
			want = string(c.event("/", "take"+strings.TrimPrefix(event, "get"))[0])
		}
		if !strings.Contains(want, "Z\"") {
			t.Errorf("%s: got %s", event, want)
		}
	}
	sioClientAcks(c)
	sioClientBinary(c)
	sioClientHandshake(t, c)
	sioClientNamespaces(t, s, c)
}

func sioClientAcks(c *client) {
	c.t.Helper()
	for _, answer := range []string{`[5,{"test":false}]`, `[4,{"test":true}]`, `["x"]`, `[5,{"test":true}]`} {
		c.emit("ack")
		asked := c.next()
		c.send("43" + strings.TrimSuffix(strings.TrimPrefix(asked, "42"), `["ack"]`) + answer)
	}
	c.want(`42["got it"]`)
	equal(c.t, "what else came", settle(c)[0], []string{})
}

func sioClientBinary(c *client) {
	c.t.Helper()
	for event, answer := range map[string]string{"doge": "doge", "getbin": "takebin"} {
		c.emit(event)
		c.want(`451-["` + answer + `",{"_placeholder":true,"num":0}]`)
		equal(c.t, event, c.nextBinary(), "asdfasdf")
	}
	binary := func(event string) {
		c.send(fmt.Sprintf(`451-[%q,{"_placeholder":true,"num":0}]`, event))
		c.sendBinary(1)
	}
	for event, answer := range map[string]string{"buffa": "buffack", "blob": "back"} {
		c.emit(event, "no binary")
		binary(event)
		c.want(`42["` + answer + `"]`)
	}
	for _, event := range []string{"jsonbuff", "jsonblob"} {
		c.send(`451-["` + event + `",{"hello":"lol","message":{"_placeholder":true,"num":0},"goodbye":"gotcha"}]`)
		c.sendBinary(1)
		c.want(`42["` + event + `-ack"]`)
	}
	c.emit("abuff2", "too early")
	binary("abuff1")
	c.emit("abuff2", "now")
	c.want(`42["abuff2-ack"]`)
	binary("blob1")
	binary("blob3") // not its turn
	binary("blob1")
	c.emit("blob2", "second")
	binary("blob3")
	c.want(`42["blob3-ack"]`)
	equal(c.t, "what else came", settle(c)[0], []string{})
}

func sioClientHandshake(t *testing.T, c *client) {
	t.Helper()
	var h struct {
		Headers, Query  map[string]string
		Time, Address   string
		URL             string
		Issued          int64
		XDomain, Secure *bool
		Auth            map[string]string
	}
	text := c.call("getHandshake")
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	equal(t, "query", h.Query, map[string]string{"EIO": "4", "transport": "websocket", "x": "1"})
	equal(t, "auth", h.Auth, map[string]string{"a": "b"})
	if h.Headers["upgrade"] != "websocket" || h.Address != "127.0.0.1" || h.Issued == 0 || *h.XDomain || *h.Secure ||
		!strings.HasSuffix(h.Time, "GMT+0000 (Coordinated Universal Time)") || !strings.HasPrefix(h.URL, "/socket.io/?EIO=4") {
		t.Errorf("handshake: got %s", text)
	}
}

func sioClientNamespaces(t *testing.T, s *server, c *client) {
	t.Helper()
	id := c.connect("/foo", "")
	c.send(`42/foo,1["getId"]`)
	c.want(`43/foo,1["` + id + `"]`)
	c.connect("/abc", "")
	if args := c.event("/abc", "handshake"); !bytes.Contains(args[0], []byte(`"issued":`)) {
		t.Errorf("handshake of /abc: got %s", args)
	}
	for _, nsp := range []string{"/timeout_socket", "/valid", "/asd"} {
		c.connect(nsp, "")
	}
	c.send("40/no,")
	c.want(`44/no,{"message":"Auth failed (custom namespace)"}`)
	failing := dial(t, s, "/socket.io/?EIO=4&transport=websocket&fail=1")
	failing.next()
	failing.send("40")
	failing.want(`44{"message":"Auth failed (main namespace)"}`)
}

func TestWSEcho(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "ws-echo")
	c := dial(t, s, "/any/path")
	c.send("hello")
	c.want("hello")
	c.sendBinary(1, 2)
	equal(t, "binary", c.nextBinary(), "\x01\x02")
	large := strings.Repeat("x", echoLimit)
	c.send(large)
	if got := c.next(); got != large {
		t.Errorf("16 MiB: got %d bytes", len(got))
	}
	if err := ws.WriteHeader(c.conn, ws.Header{Fin: true, OpCode: ws.OpText, Masked: true, Length: echoLimit + 1}); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.receive()
	if closed, ok := err.(wsutil.ClosedError); !ok || closed.Code != ws.StatusMessageTooBig { //nolint:errorlint // it is not wrapped
		t.Errorf("a byte too many: got %v, want close 1009", err)
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "chat")
	ann, annID := join(t, s, "/", "")
	ben, benID := join(t, s, "/", "")
	both := `{"room":"r","members":[{"id":"` + annID + `","name":"ann"},{"id":"` + benID + `","name":"ben"}]}`
	equal(t, "message without a room", ann.call("message", "x"), `{"error":"join a room first"}`)
	equal(t, "join without a name", ann.call("join", map[string]string{"room": "r"}), `{"error":"name and room must be given"}`)
	equal(t, "join", ann.call("join", map[string]string{"room": "r", "name": "ann"}), `{"room":"r","members":[{"id":"`+annID+`","name":"ann"}]}`)
	equal(t, "join", ben.call("join", map[string]string{"room": "r", "name": "ben"}), both)
	ann.want(`42["presence",` + both + `]`)
	equal(t, "message", ben.call("message", "hi <b>"), "true")
	ann.want(`42["message",{"from":{"id":"` + benID + `","name":"ben"},"text":"hi <b>"}]`)
	ben.emit("typing", true)
	ann.want(`42["typing",{"from":{"id":"` + benID + `","name":"ben"},"on":true}]`)
	equal(t, "move", ben.call("join", map[string]string{"room": "other", "name": "ben"}), `{"room":"other","members":[{"id":"`+benID+`","name":"ben"}]}`)
	ann.want(`42["presence",{"room":"r","members":[{"id":"` + annID + `","name":"ann"}]}]`)
	equal(t, "move back", ben.call("join", map[string]string{"room": "r", "name": "ben"}), both)
	ann.want(`42["presence",` + both + `]`)
	ben.send("41")
	ann.want(`42["presence",{"room":"r","members":[{"id":"` + annID + `","name":"ann"}]}]`)
}
