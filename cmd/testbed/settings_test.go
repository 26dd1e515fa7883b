package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/sio"
)

// moment is how long a server is watched that is to do nothing for seconds.
const moment = 200 * time.Millisecond

// shorter is how long one is watched that is to do something sooner than it would
// by default, which is in ten seconds.
const shorter = 5 * time.Second

// A settingCase is a setting and what is seen of it. A server without the
// setting shows something else, so that a setting without effect is noticed.
type settingCase struct {
	set     string
	with    string // a setting of both servers
	see     func(t *testing.T, s *server, wait time.Duration) string
	without string
	want    string

	// How long it is watched, at most; moment and patience if they are zero.
	waitWithout, wait time.Duration
}

var settingCases = []settingCase{
	{set: "path=/x", see: status("/x/?EIO=4&transport=polling"), without: "404", want: "200"},
	{set: "addTrailingSlash=false", see: status("/socket.io?EIO=4&transport=polling"), without: "404", want: "200"},
	{set: "serveClient=false", see: status("/socket.io/socket.io.js"), without: "404", want: "400"},
	{set: "allowEIO3=true", see: status("/socket.io/?EIO=3&transport=polling"), without: "400", want: "200"},
	{set: "allowRequest=true", see: seeDenied, without: "200", want: `403 {"code":4,"message":"no"}`},
	{set: `transports=["polling"]`, see: refusal("websocket"), without: "3", want: "0"},
	{set: `transports=["websocket"]`, see: refusal("polling"), without: "-1", want: "0"},
	{set: "allowUpgrades=false", see: opening("upgrades"), without: `["websocket"]`, want: "[]"},

	{set: "pingInterval=150", see: opening("pingInterval"), without: "25000", want: "150"},
	{set: "pingInterval=150", see: seeFirst, without: "nothing", want: "2"},
	{set: "pingTimeout=150", see: opening("pingTimeout"), without: "20000", want: "150"},
	{set: "pingTimeout=50", with: "pingInterval=50", see: seeEnd, without: "open", want: "closed 1005"},
	{set: "connectTimeout=100", see: seeEnd, without: "open", want: "closed 1005"},
	{set: "upgradeTimeout=100", see: seeProbeEnd, without: "open", want: "closed 1005", wait: shorter},
	{set: "destroyUpgradeTimeout=60000", see: seeStrayUpgrade, without: "EOF", want: "nothing", waitWithout: patience, wait: 2 * time.Second},

	{set: "maxHttpBufferSize=1e3", see: opening("maxPayload"), without: "1000000", want: "1000"},
	{set: "maxHttpBufferSize=1000", see: seeLongMessage, without: "it came back", want: "closed 1009"},
	{set: "maxHttpBufferSize=1000", see: seeLongPost, without: "200 ok", want: "413 "},
	{set: `initialPacket="hello"`, see: seeFirst, without: "nothing", want: "4hello"},
	{set: "initialPacket=hello", see: seeFirst, without: "nothing", want: "4hello"},

	{set: "cookie=true", see: seeCookie, without: "", want: "io=ID; Path=/; HttpOnly; SameSite=Lax"},
	{
		set: `cookie={"name":"n","path":false,"maxAge":60,"httpOnly":false,"secure":true,"sameSite":true}`,
		see: seeCookie, without: "", want: "n=ID; Max-Age=60; Secure; SameSite=Strict",
	},
	{set: "cookie=false", with: "cookie=true", see: seeCookie, without: "io=ID; Path=/; HttpOnly; SameSite=Lax", want: ""},
	{set: "cors=false", see: seeCORS("https://page.example"), without: "200 *  ", want: "403   "},
	{set: `cors={"origin":false}`, see: seeCORS("https://page.example"), without: "200 *  ", want: "403   "},
	{set: "cors=true", with: "cors=false", see: seeCORS("https://page.example"), without: "403   ", want: "200 *  "},
	{
		set: `cors={"origin":["https://page.example"],"credentials":true}`,
		see: seeCORS("https://page.example"), without: "200 *  ", want: "200 https://page.example true Origin",
	},
	{
		set: `cors={"origin":["https://page.example"]}`,
		see: seeCORS("https://other.example"), without: "200 *  ", want: "200   Origin",
	},

	{set: "perMessageDeflate=true", see: seeDeflate(2000), without: "false", want: "permessage-deflate true"},
	{set: "perMessageDeflate={}", see: seeDeflate(2000), without: "false", want: "permessage-deflate true"},
	{
		set: `perMessageDeflate={"threshold":10}`, with: "perMessageDeflate=true",
		see: seeDeflate(100), without: "permessage-deflate false", want: "permessage-deflate true",
	},
	{set: "perMessageDeflate=false", with: "perMessageDeflate=true", see: seeDeflate(2000), without: "permessage-deflate true", want: "false"},
	{set: "httpCompression=false", see: seeHTTPCompression(3000), without: "gzip", want: ""},
	{set: `httpCompression={"threshold":2000}`, see: seeHTTPCompression(1500), without: "gzip", want: ""},
	{set: `httpCompression={"threshold":10}`, see: seeHTTPCompression(100), without: "", want: "gzip"},
	{set: "httpCompression=true", see: seeHTTPCompression(100), without: "", want: "gzip"},

	{set: `parser="msgpack"`, see: seeMsgpack, without: "closed 1005", want: "binary"},
	{set: "parser=msgpack", see: seeMsgpack, without: "closed 1005", want: "binary"},
	{set: "connectionStateRecovery={}", see: seeRecovery, without: "new", want: "recovered"},
	{set: "connectionStateRecovery=true", see: seeRecovery, without: "new", want: "recovered"},
	{
		set: `connectionStateRecovery={"skipMiddlewares":false}`, with: "connectionStateRecovery={}",
		see: seeRefusedRecovery, without: "recovered", want: `44{"message":"asked again"}`,
	},
	{
		set: `connectionStateRecovery={"maxDisconnectionDuration":1}`, with: "connectionStateRecovery={}",
		see: seeLateRecovery, without: "recovered", want: "new",
	},
	{set: "cleanupEmptyChildNamespaces=true", see: seeEmptyChild, without: "still there", want: "gone"},
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, c := range settingCases {
		t.Run(c.with+" "+c.set, func(t *testing.T) {
			t.Parallel()
			args := []string{"-profile", "parity", "-client-dir", os.TempDir()}
			if c.with != "" {
				args = append(args, "-set", c.with)
			}
			equal(t, "without it", c.see(t, start(t, args...), cmp.Or(c.waitWithout, moment)), c.without)
			equal(t, "with it", c.see(t, start(t, append(args, "-set", c.set)...), cmp.Or(c.wait, patience)), c.want)
			if c.want == c.without {
				t.Error("the setting makes no difference that is looked at")
			}
		})
	}
}

// TestSettingsAreComplete finds settings that no case looks at.
func TestSettingsAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"destroyUpgrade": true} // true is what is done anyway, and false is refused
	for _, c := range settingCases {
		name, _, _ := strings.Cut(c.set, "=")
		seen[name] = true
	}
	for name := range setters {
		if !seen[name] {
			t.Errorf("no case looks at -set %s", name)
		}
	}
	// Null is what false is, where there is something to switch off.
	for _, set := range []string{"destroyUpgrade=true", "connectTimeout=0", "cookie=null", "cors=null", "connectionStateRecovery=null", "httpCompression=null", "perMessageDeflate=null"} {
		var o settings
		_ = o.Set(set)
		equal(t, set, o.apply(&sio.Options{}), nil)
	}
}

func status(target string) func(*testing.T, *server, time.Duration) string {
	return func(t *testing.T, s *server, _ time.Duration) string {
		t.Helper()
		return fmt.Sprint(fetch(t, s, target).status)
	}
}

const pollingTarget = "/socket.io/?EIO=4&transport=polling"

func seeDenied(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	res := fetch(t, s, pollingTarget+"&deny=no")
	if res.status == http.StatusOK {
		return "200"
	}
	return fmt.Sprint(res.status, " ", res.body)
}

// refusal returns the code with which a GET for a transport is refused.
func refusal(transport string) func(*testing.T, *server, time.Duration) string {
	return func(t *testing.T, s *server, _ time.Duration) string {
		t.Helper()
		v := struct{ Code int }{-1}
		_ = json.Unmarshal([]byte(fetch(t, s, "/socket.io/?EIO=4&transport="+transport).body), &v) // or it is a session
		return fmt.Sprint(v.Code)
	}
}

// session opens a session over polling.
func session(t *testing.T, s *server, headers ...string) (open map[string]json.RawMessage, target string, res response) {
	t.Helper()
	res = fetch(t, s, pollingTarget, headers...)
	text, _, _ := strings.Cut(strings.TrimPrefix(res.body, "0"), "\x1e")
	if err := json.Unmarshal([]byte(text), &open); err != nil {
		t.Fatalf("handshake: %d %q: %v", res.status, res.body, err)
	}
	return open, pollingTarget + "&sid=" + strings.Trim(string(open["sid"]), `"`), res
}

func opening(field string) func(*testing.T, *server, time.Duration) string {
	return func(t *testing.T, s *server, _ time.Duration) string {
		t.Helper()
		open, _, _ := session(t, s)
		return string(open[field])
	}
}

// seeFirst returns the first message behind the open packet.
func seeFirst(t *testing.T, s *server, wait time.Duration) string {
	t.Helper()
	c := open(t, s, "/socket.io/")
	_ = c.conn.SetReadDeadline(time.Now().Add(wait))
	b, _, err := wsutil.ReadServerData(c.in)
	if err != nil {
		return ended(err, "nothing")
	}
	return string(b)
}

// ended says how a WebSocket came to its end, if it did.
func ended(err error, not string) string {
	var closed wsutil.ClosedError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return not
	case errors.As(err, &closed):
		return fmt.Sprint("closed ", int(closed.Code))
	}
	return err.Error()
}

// end watches a WebSocket that answers nothing.
func (c *client) end(wait time.Duration) string {
	_ = c.conn.SetReadDeadline(time.Now().Add(wait))
	for {
		if _, _, err := wsutil.ReadServerData(c.in); err != nil {
			return ended(err, "open")
		}
	}
}

func seeEnd(t *testing.T, s *server, wait time.Duration) string {
	t.Helper()
	return open(t, s, "/socket.io/").end(wait)
}

func seeProbeEnd(t *testing.T, s *server, wait time.Duration) string {
	t.Helper()
	_, target, _ := session(t, s)
	c := dial(t, s, strings.Replace(target, "polling", "websocket", 1))
	c.send("2probe")
	c.want("3probe")
	return c.end(wait)
}

// seeStrayUpgrade asks for a WebSocket where there is none.
func seeStrayUpgrade(t *testing.T, s *server, wait time.Duration) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(wait))
	switch _, err := bufio.NewReader(conn).ReadByte(); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	case err != nil:
		return err.Error()
	}
	return "an answer"
}

func seeLongMessage(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	c, _ := greeted(t, s, "/", "")
	c.emit("echo", strings.Repeat("x", 1000))
	p, _, err := c.receive()
	if err != nil {
		return ended(err, "open")
	}
	if strings.HasPrefix(p, `42["echo","xxx`) {
		return "it came back"
	}
	return p
}

func seeLongPost(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	_, target, _ := session(t, s)
	status, answer := request(t, http.MethodPost, s, target, "4"+strings.Repeat("x", 1000))
	return fmt.Sprint(status, " ", answer)
}

func seeCookie(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	open, _, res := session(t, s)
	return strings.Replace(res.header.Get("Set-Cookie"), strings.Trim(string(open["sid"]), `"`), "ID", 1)
}

func seeCORS(origin string) func(*testing.T, *server, time.Duration) string {
	return func(t *testing.T, s *server, _ time.Duration) string {
		t.Helper()
		res := fetch(t, s, pollingTarget, "Origin", origin)
		h := res.header
		return fmt.Sprint(res.status, " ", h.Get("Access-Control-Allow-Origin"), " ", h.Get("Access-Control-Allow-Credentials"), " ", h.Get("Vary"))
	}
}

// seeDeflate offers permessage-deflate and returns what was agreed on, and
// whether an event of some bytes was compressed.
func seeDeflate(size int) func(*testing.T, *server, time.Duration) string {
	return func(t *testing.T, s *server, _ time.Duration) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		d := ws.Dialer{}
		d.Extensions = append(d.Extensions, wsflate.Parameters{}.Option())
		conn, br, agreed, err := d.Dial(ctx, "ws://"+s.addr+"/socket.io/?EIO=4&transport=websocket")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if br == nil {
			br = bufio.NewReader(conn)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		var last ws.Header
		// What is sent when a number of frames has come: the open packet, CONNECT
		// and welcome, echo.
		for i, text := range []string{"40", "", `42["echo","` + strings.Repeat("x", size) + `"]`, ""} {
			f, err := ws.ReadFrame(br)
			if err != nil {
				t.Fatal(err)
			}
			last = f.Header
			if text == "" {
				continue
			}
			if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		text := fmt.Sprint(last.Rsv1())
		for i := range agreed.Extensions {
			text = string(agreed.Extensions[i].Name) + " " + text
		}
		return text
	}
}

// seeHTTPCompression returns how a poll of some bytes is encoded.
func seeHTTPCompression(size int) func(*testing.T, *server, time.Duration) string {
	return func(t *testing.T, s *server, _ time.Duration) string {
		t.Helper()
		_, target, _ := session(t, s)
		equal(t, "POST", post(t, s, target, "40"), "ok")
		fetch(t, s, target) // CONNECT, and maybe the welcome
		equal(t, "POST", post(t, s, target, `42["echo","`+strings.Repeat("x", size)+`"]`), "ok")
		for {
			res := fetch(t, s, target, "Accept-Encoding", "gzip")
			if coding := res.header.Get("Content-Encoding"); coding != "" || strings.Contains(res.body, `42["echo"`) {
				return coding
			}
		}
	}
}

func seeMsgpack(t *testing.T, s *server, wait time.Duration) string {
	t.Helper()
	c := open(t, s, "/socket.io/")
	c.sendBinary([]byte("\x82\xa4type\x00\xa3nsp\xa1/")...)
	_ = c.conn.SetReadDeadline(time.Now().Add(max(wait, patience)))
	if _, op, err := wsutil.ReadServerData(c.in); err != nil {
		return ended(err, "nothing")
	} else if op == ws.OpBinary {
		return "binary"
	}
	return "text"
}

// seeRecovery loses a connection and comes back.
func seeRecovery(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	return comeBack(t, s, `{"x":1`, func(*client) {})
}

// seeRefusedRecovery comes back with a payload that a middleware refuses.
func seeRefusedRecovery(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	return comeBack(t, s, `{"fail":"asked again"`, func(*client) {})
}

// seeLateRecovery comes back some milliseconds later.
func seeLateRecovery(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	return comeBack(t, s, `{"x":1`, func(watcher *client) { watcher.ctl(`{"op":"hang","ms":50}`) })
}

// comeBack returns what a client is told that comes back. auth is its payload
// without the end.
func comeBack(t *testing.T, s *server, auth string, meanwhile func(watcher *client)) string {
	t.Helper()
	watcher, _ := join(t, s, "/", "")
	c := open(t, s, "/socket.io/")
	c.send("40")
	var answer struct{ SID, PID string }
	decode(t, strings.TrimPrefix(c.next(), "40"), &answer)
	welcome := c.event("/", "welcome") // with an offset behind it
	if answer.PID != "" {
		auth += `,"pid":"` + answer.PID + `","offset":` + string(welcome[1])
	}
	_ = c.conn.Close()
	eventually(t, "the server notices", func() bool {
		return strings.Contains(watcher.ctl(`{"op":"reasons"}`), answer.SID)
	})
	meanwhile(watcher)
	again := open(t, s, "/socket.io/")
	again.send("40" + auth + "}")
	p := again.next()
	if !strings.HasPrefix(p, "40{") {
		return p
	}
	if strings.Contains(p, answer.SID) {
		return "recovered"
	}
	return "new"
}

// seeEmptyChild leaves a dynamic namespace that only those may create whose
// auth payload says so.
func seeEmptyChild(t *testing.T, s *server, _ time.Duration) string {
	t.Helper()
	c := open(t, s, "/socket.io/")
	c.connect("/fn-a", `{"open":true}`)
	c.event("/fn-a", "welcome")
	c.send("41/fn-a,")
	c.send("40/fn-a,")
	if p := c.next(); !strings.HasPrefix(p, "40/fn-a,") {
		equal(t, "CONNECT", p, `44/fn-a,{"message":"Invalid namespace"}`)
		return "gone"
	}
	return "still there"
}
