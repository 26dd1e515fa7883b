package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// party joins n sockets to one server of profile parity.
func party(t *testing.T, n int, flags ...string) (clients []*client, ids []string) {
	t.Helper()
	s := start(t, append([]string{"-profile", "parity"}, flags...)...)
	for range n {
		c, w := greeted(t, s, "/", "")
		clients, ids = append(clients, c), append(ids, w.ID)
	}
	return clients, ids
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "parity")
	_, w := greeted(t, s, "/", `{"user":{"n":1},"join":["b","a"]}`)
	want := []string{"a", "b", w.ID}
	slices.Sort(want)
	equal(t, "rooms", w.Rooms, want)
	equal(t, "auth", string(w.Auth), `{"user":{"n":1},"join":["b","a"]}`)
	equal(t, "query", w.Query, map[string]any{"EIO": "4", "transport": "websocket", "x": "1"})
	if w.Recovered || w.HeadersCount < 5 {
		t.Errorf("welcome: got %+v", w)
	}
	for _, nsp := range []string{"/", "/custom"} {
		_, w = greeted(t, s, nsp, "")
		equal(t, "auth without a payload", string(w.Auth), "{}")
	}
}

func TestMiddlewares(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "parity")
	for _, c := range []struct{ packet, want string }{
		{`40{"fail":"no"}`, `44{"message":"no"}`},
		{`40{"fail":"no","data":{"a":[1]}}`, `44{"message":"no","data":{"a":[1]}}`},
		{`40/guarded,`, `44/guarded,{"message":"unauthorized","data":{"code":401}}`},
		{`40/guarded,{"fail":"first"}`, `44/guarded,{"message":"first"}`},
		{`40/dyn-x,`, `44/dyn-x,{"message":"Invalid namespace"}`},
		{`40/fn-one,`, `44/fn-one,{"message":"Invalid namespace"}`},
		{`40/fn-,{"open":true}`, `44/fn-,{"message":"Invalid namespace"}`},
	} {
		open := open(t, s, "/socket.io/")
		open.send(c.packet)
		open.want(c.want)
	}
	greeted(t, s, "/guarded", `{"token":"secret"}`)
	greeted(t, s, "/dyn-1", "")
	greeted(t, s, "/fn-one", `{"open":true}`)
	c := open(t, s, "/socket.io/")
	c.send(`40{"hello":{"x":1}}`)
	c.want(`42["from-middleware",{"x":1}]`)
	if p := c.next(); !strings.HasPrefix(p, `40{"sid":`) {
		t.Errorf("CONNECT: got %s", p)
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 1)
	c := clients[0]
	equal(t, "ack", c.call("echo", 1, "two", nil, map[string]any{"b": 1}), `1,"two",null,{"b":1}`)
	equal(t, "ack of nothing", c.call("echo"), "")
	c.emit("echo", 1, "<&>")
	c.want(`42["echo",1,"\u003c\u0026\u003e"]`)
	c.emit("echo")
	c.want(`42["echo"]`)
}

func TestEmitTargets(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 3)
	clients[1].ctl(`{"op":"join","rooms":["a","b"]}`)
	clients[2].ctl(`{"op":"join","rooms":["b"]}`)
	for _, c := range []struct {
		target string
		want   [3]int
	}{
		{`{}`, [3]int{1, 0, 0}},
		{`{"from":"socket"}`, [3]int{1, 0, 0}},
		{`{"from":"server"}`, [3]int{1, 1, 1}},
		{`{"from":"broadcast"}`, [3]int{0, 1, 1}},
		{`{"to":["b"]}`, [3]int{0, 1, 1}},
		{`{"to":["a","b"]}`, [3]int{0, 1, 1}},
		{`{"to":["unknown"]}`, [3]int{}},
		{`{"to":["` + ids[2] + `"]}`, [3]int{0, 0, 1}},
		{`{"except":["a"]}`, [3]int{0, 0, 1}},
		{`{"from":"server","except":["a"]}`, [3]int{1, 0, 1}},
		{`{"from":"server","to":["b"],"except":["a","unknown"]}`, [3]int{0, 0, 1}},
		{`{"from":"broadcast","to":["b","` + ids[0] + `"]}`, [3]int{0, 1, 1}},
		{`{"from":"server","local":true,"compress":false,"timeout":100}`, [3]int{1, 1, 1}},
		{`{"from":"server","to":["b"],"compress":true}`, [3]int{0, 1, 1}},
	} {
		settle(clients...)
		answer := clients[0].ctl(`{"op":"emit","event":"e","args":[1,{"z":1,"a":"é"}],"target":` + c.target + `}`)
		equal(t, c.target, answer, "true")
		for i, got := range settle(clients...) {
			want := slices.Repeat([]string{`42["e",1,{"z":1,"a":"é"}]`}, c.want[i])
			equal(t, fmt.Sprintf("%s: socket %d", c.target, i), got, want)
		}
	}
}

func TestEmitVolatile(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 1)
	c := clients[0]
	c.emit("ctl", json.RawMessage(`{"op":"emit","event":"now","target":{"volatile":true}}`))
	c.want(`42["now"]`)
	equal(t, "ack", c.ctl(`{"op":"emit","event":"later","target":{"volatile":true,"from":"server"}}`), "true")
}

func TestEmitBinary(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 2)
	clients[0].send(`451-["ctl",{"op":"emit","event":"e","args":["x",[{"_placeholder":true,"num":0}]],"target":{"from":"broadcast"}}]`)
	clients[0].sendBinary(1, 2)
	clients[1].want(`451-["e","x",[{"_placeholder":true,"num":0}]]`)
	equal(t, "attachment", clients[1].nextBinary(), "\x01\x02")
	clients[0].emit("ctl", json.RawMessage(`{"op":"flood","n":3,"size":5}`))
	for i := range 3 {
		clients[0].want(fmt.Sprintf(`451-["flood",%d,{"_placeholder":true,"num":0}]`, i))
		equal(t, "attachment", clients[0].nextBinary(), "\x00\x00\x00\x00\x00")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 1)
	for command, want := range map[string]string{
		`{"op":"nonsense"}`:               `unknown op "nonsense"`,
		`{}`:                              `unknown op ""`,
		`5`:                               "ctl",
		`{"op":"emit","event":"connect"}`: "reserved event name",
		`{"op":"emit","event":"disconnecting","target":{"from":"server"}}`: "reserved event name",
		`{"op":"emitWithAck","event":"newListener"}`:                       "reserved event name",
		`{"op":"emit","event":"e","target":{"from":"nowhere"}}`:            "unknown target",
		`{"op":"flood","n":-1}`:                                            "negative",
		`{"op":"join","rooms":["` + strings.Repeat("x", 257) + `"]}`:       "room name",
		`{"op":"serverSideEmit","event":"connection"}`:                     "reserved event name",
	} {
		var answer struct{ Error string }
		text := clients[0].ctl(command)
		if err := json.Unmarshal([]byte(text), &answer); err != nil || !strings.Contains(answer.Error, want) {
			t.Errorf("%s: got %s, want an error with %q", command, text, want)
		}
	}
	if text := clients[0].call("ctl"); !strings.HasPrefix(text, `{"error":`) {
		t.Errorf("no argument: got %s", text)
	}
}

func TestAcksOfOne(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 1)
	c := clients[0]
	for _, a := range []struct{ answer, want string }{
		{`[{"a":1},2]`, `{"responses":{"a":1}}`},
		{`[null]`, `{"responses":null}`},
		{`[]`, `{}`},
	} {
		id := c.ask("ctl", json.RawMessage(`{"op":"emitWithAck","event":"q","args":[1]}`))
		asked := c.next()
		c.send("43" + strings.TrimSuffix(strings.TrimPrefix(asked, "42"), `["q",1]`) + a.answer)
		c.want("43" + id + "[" + a.want + "]")
	}
	equal(t, "no answer in time", c.ctl(`{"op":"emitWithAck","event":"q","target":{"timeout":50}}`), `{"error":"operation has timed out","responses":[]}`)
	// While one waits for its ack, others are handled.
	c.ask("ctl", json.RawMessage(`{"op":"emitWithAck","event":"never"}`))
	c.ask("ctl", json.RawMessage(`{"op":"emitWithAck","event":"never","target":{"from":"server"}}`))
	equal(t, "echo meanwhile", c.call("echo", 1), "1")
}

func TestAcksOfAll(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 3)
	ask := json.RawMessage(`{"op":"emitWithAck","event":"q","target":{"from":"server","timeout":10000}}`)
	id := clients[0].ask("ctl", ask)
	for i, c := range clients {
		asked := c.next()
		c.send("43" + strings.TrimSuffix(strings.TrimPrefix(asked, "42"), `["q"]`) + fmt.Sprintf(`[%d,"more"]`, i))
	}
	var answer struct {
		Error     string
		Responses []int
	}
	text := strings.TrimPrefix(clients[0].next(), "43"+id)
	if err := json.Unmarshal([]byte(text[1:len(text)-1]), &answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	slices.Sort(answer.Responses)
	equal(t, "responses", answer.Responses, []int{0, 1, 2})
	equal(t, "error", answer.Error, "")

	id = clients[0].ask("ctl", json.RawMessage(`{"op":"emitWithAck","event":"q","target":{"from":"server","timeout":200}}`))
	asked := clients[1].next()
	clients[1].send("43" + strings.TrimSuffix(strings.TrimPrefix(asked, "42"), `["q"]`) + `["only me"]`)
	clients[0].next()
	clients[0].want("43" + id + `[{"error":"operation has timed out","responses":["only me"]}]`)
	equal(t, "nobody", clients[0].ctl(`{"op":"emitWithAck","event":"q","target":{"to":["empty"],"timeout":10000}}`), `{"responses":[]}`)
}

func TestRooms(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 3)
	rooms := func(i int, names ...string) string {
		names = append(names, ids[i])
		slices.Sort(names)
		return asJSON(t, names)
	}
	equal(t, "join", clients[0].ctl(`{"op":"join","rooms":["b","a","b"]}`), rooms(0, "a", "b"))
	equal(t, "leave", clients[0].ctl(`{"op":"leave","rooms":["b","unknown"]}`), rooms(0, "a"))
	equal(t, "socketsJoin", clients[2].ctl(`{"op":"socketsJoin","target":{"to":["a"]},"rooms":["x","y"]}`), "true")
	equal(t, "rooms", clients[0].ctl(`{"op":"rooms"}`), rooms(0, "a", "x", "y"))
	equal(t, "rooms of another", clients[1].ctl(`{"op":"rooms"}`), rooms(1))
	equal(t, "socketsJoin itself", clients[1].ctl(`{"op":"socketsJoin","rooms":["own"]}`), "true")
	equal(t, "rooms", clients[1].ctl(`{"op":"rooms"}`), rooms(1, "own"))
	equal(t, "socketsLeave", clients[2].ctl(`{"op":"socketsLeave","target":{"from":"server","except":["own"]},"rooms":["x"]}`), "true")
	equal(t, "rooms", clients[0].ctl(`{"op":"rooms"}`), rooms(0, "a", "y"))
	equal(t, "leave the own id", clients[0].ctl(`{"op":"leave","rooms":["`+ids[0]+`"]}`), `["a","y"]`)
}

func TestFetchSockets(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 2)
	equal(t, "setData", clients[0].ctl(`{"op":"setData","data":{"k":[1]}}`), "true")
	clients[0].ctl(`{"op":"join","rooms":["r"]}`)
	keys := `["address","auth","headers","issued","query","secure","time","url","xdomain"]`
	entry := func(i int, data string, rooms ...string) string {
		rooms = append(rooms, ids[i])
		slices.Sort(rooms)
		return `{"data":` + data + `,"handshakeKeys":` + keys + `,"id":"` + ids[i] + `","rooms":` + asJSON(t, rooms) + `}`
	}
	first, second := entry(0, `{"k":[1]}`, "r"), entry(1, "{}")
	want := "[" + first + "," + second + "]"
	if ids[1] < ids[0] {
		want = "[" + second + "," + first + "]"
	}
	equal(t, "all", clients[1].ctl(`{"op":"fetchSockets","target":{"from":"server"}}`), want)
	equal(t, "others", clients[1].ctl(`{"op":"fetchSockets","target":{"from":"broadcast"}}`), "["+first+"]")
	equal(t, "itself", clients[1].ctl(`{"op":"fetchSockets"}`), "["+second+"]")
	equal(t, "none", clients[1].ctl(`{"op":"fetchSockets","target":{"to":["empty"]}}`), "[]")
	equal(t, "setData of nothing", clients[0].ctl(`{"op":"setData"}`), "true")
	equal(t, "without data", clients[0].ctl(`{"op":"fetchSockets"}`), "["+entry(0, "{}", "r")+"]")
}

func TestUserData(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "parity")
	c, _ := greeted(t, s, "/", `{"user":"ann"}`)
	if got := c.ctl(`{"op":"fetchSockets"}`); !strings.Contains(got, `"data":{"user":"ann"}`) {
		t.Errorf("got %s", got)
	}
}

func TestDisconnects(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 5)
	watcher := clients[0]
	watcher.ctl(`{"op":"log"}`)
	clients[1].ctl(`{"op":"join","rooms":["z","a"]}`)
	clients[1].emit("ctl", json.RawMessage(`{"op":"disconnect"}`))
	clients[1].want("41")
	clients[1].send("40")
	if p := clients[1].next(); !strings.HasPrefix(p, `40{"sid":"`) {
		t.Errorf("the connection after the disconnect: got %s", p)
	}
	clients[2].emit("ctl", json.RawMessage(`{"op":"disconnect","close":true}`))
	clients[2].ended()
	equal(t, "before the end", clients[2].skipped, []string{"41"})
	equal(t, "disconnectSockets", watcher.ctl(`{"op":"disconnectSockets","target":{"to":["`+ids[3]+`"]},"close":true}`), "true")
	clients[3].ended()
	clients[4].send("41")
	var reasons [][2]string
	eventually(t, "four reasons", func() bool {
		decode(t, watcher.ctl(`{"op":"reasons"}`), &reasons)
		return len(reasons) == 4
	})
	for i, id := range ids[1:] {
		want := "server namespace disconnect"
		if i == 3 {
			want = "client namespace disconnect"
		}
		if !slices.Contains(reasons, [2]string{id, want}) {
			t.Errorf("reasons: got %v, want %s of %s", reasons, want, id)
		}
	}
	var log [][4]any
	decode(t, watcher.ctl(`{"op":"log"}`), &log)
	rooms := []string{"a", "z", ids[1]}
	slices.Sort(rooms)
	of := slices.DeleteFunc(slices.Clone(log), func(e [4]any) bool { return e[1] != ids[1] || e[0] == "in" || e[0] == "out" })
	equal(t, "log", of, [][4]any{
		{"disconnecting", ids[1], "server namespace disconnect", rooms},
		{"disconnect", ids[1], "server namespace disconnect", []string{}},
	})
	equal(t, "log again", watcher.ctl(`{"op":"log"}`), `[["in","`+ids[0]+`","ctl",[{"op":"log"}]]]`)
}

func TestErrorLog(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 2)
	clients[1].send("4abc")
	clients[1].ended()
	var log [][4]any
	eventually(t, "three entries", func() bool {
		var more [][4]any
		decode(t, clients[0].ctl(`{"op":"log"}`), &more)
		log = append(log, slices.DeleteFunc(more, func(e [4]any) bool { return e[0] == "in" || e[0] == "out" })...)
		return len(log) == 3
	})
	kinds := []any{log[0][0], log[1][0], log[2][0]}
	slices.SortFunc(kinds, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	equal(t, "log", kinds, []any{"disconnect", "disconnecting", "error"})
	for _, e := range log {
		equal(t, "id", e[1], any(ids[1]))
	}
}

// Without a cluster nobody answers.
func TestServerSideEmits(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 1)
	equal(t, "serverSideEmit", clients[0].ctl(`{"op":"serverSideEmit","event":"told","args":[1]}`), "true")
	equal(t, "serverSideEmitWithAck", clients[0].ctl(`{"op":"serverSideEmitWithAck","event":"ask","args":[1]}`), `{"responses":[]}`)
	want := `{"error":"\"connect\": reserved event name","responses":[]}`
	equal(t, "a reserved name", clients[0].ctl(`{"op":"serverSideEmitWithAck","event":"connect"}`), want)
}

func TestGuardAndLog(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 1)
	c := clients[0]
	c.ctl(`{"op":"log"}`)
	equal(t, "guard", c.ctl(`{"op":"guard"}`), "true")
	c.emit("bad", 1)
	c.emit("bad too", strings.Repeat("x", 2000))
	equal(t, "unguard", c.ctl(`{"op":"unguard"}`), "true")
	c.ctl(`{"op":"emit","event":"e","args":[1,{"a":null}]}`)
	c.send(`451-["unknown",{"_placeholder":true,"num":0}]`)
	c.sendBinary(7)
	var log []json.RawMessage
	decode(t, c.ctl(`{"op":"log"}`), &log)
	x := `"` + strings.Repeat("x", 1023) + ``
	quoted, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range log {
		if !strings.Contains(string(e), `"ctl"`) {
			got = append(got, string(e))
		}
	}
	id := `"` + ids[0] + `"`
	equal(t, "log", got, []string{
		`["in",` + id + `,"bad",[1]]`, `["error",` + id + `,"refused",null]`,
		`["in",` + id + `,"bad too",[` + string(quoted) + `]]`, `["error",` + id + `,"refused",null]`,
		`["out",` + id + `,"e",[1,{"a":null}]]`,
		`["in",` + id + `,"unknown",[{"data":[7],"type":"Buffer"}]]`,
	})
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// eventually waits for what other goroutines are about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 2)
	clients[1].connect("/custom", "")
	equal(t, "count", clients[0].ctl(`{"op":"count"}`), `{"clients":2,"sockets":2}`)
	clients[1].event("/custom", "welcome")
	clients[1].send(`42/custom,1["ctl",{"op":"count"}]`)
	clients[1].want(`43/custom,1[{"clients":2,"sockets":1}]`)
}

func TestHang(t *testing.T) {
	t.Parallel()
	clients, _ := party(t, 2)
	hang := clients[0].ask("ctl", json.RawMessage(`{"op":"hang","ms":200}`))
	behind := clients[0].ask("echo", "behind")
	equal(t, "another", clients[1].call("echo", 1), "1")
	clients[0].want("43"+hang+"[true]", "43"+behind+`["behind"]`)
	// A handler that would hang for long does not hold up the end.
	clients[0].ask("ctl", json.RawMessage(`{"op":"hang","ms":600000}`))
	settle(clients[1])
}

func TestPanic(t *testing.T) {
	t.Parallel()
	clients, ids := party(t, 2)
	clients[0].emit("ctl", json.RawMessage(`{"op":"panic"}`))
	clients[0].ended()
	eventually(t, "the reason", func() bool {
		return strings.Contains(clients[1].ctl(`{"op":"reasons"}`), ids[0])
	})
	equal(t, "another", clients[1].call("echo", 1), "1")
}

func TestSet(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "parity",
		"-set", "pingInterval=5000", "-set", "pingTimeout=4000", "-set", "maxHttpBufferSize=1e3",
		"-set", "connectTimeout=0", "-set", "upgradeTimeout=500", "-set", "path=/x", "-set", "allowUpgrades=false",
		"-set", `transports=["polling"]`, "-set", "allowRequest=true", "-set", "cookie=false", "-set", "serveClient=false",
		"-set", `cors={"origin":["https://a.example","https://b.example"],"methods":"GET,POST","maxAge":0}`)
	_, body := get(t, s, "/x/?EIO=4&transport=polling")
	if !strings.HasSuffix(body, `"upgrades":[],"pingInterval":5000,"pingTimeout":4000,"maxPayload":1000}`) {
		t.Errorf("handshake: got %s", body)
	}
	for target, want := range map[string]string{
		"/x/?EIO=4&transport=websocket":            `400 {"code":0,"message":"Transport unknown"}`,
		"/x/?EIO=4&transport=polling&deny=not+now": `403 {"code":4,"message":"not now"}`,
		"/x/?EIO=4&transport=polling&deny":         `403 {"code":4,"message":"Forbidden"}`,
		"/x/socket.io.js":                          `400 {"code":0,"message":"Transport unknown"}`,
	} {
		status, body := get(t, s, target)
		equal(t, target, fmt.Sprint(status, " ", body), want)
	}
}

func TestSetNoTrailingSlash(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "parity", "-set", "addTrailingSlash=false", "-set", "allowRequest=false", "-set", "cors=false")
	status, _ := get(t, s, "/socket.io?EIO=4&transport=polling")
	equal(t, "status", status, 200)
}

// TestOperationsAreComplete finds operations that no test here asks for.
func TestOperationsAreComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("parity_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for op := range operations {
		if !strings.Contains(string(text), `{"op":"`+op+`"`) {
			t.Errorf("no test asks for %s", op)
		}
	}
}
