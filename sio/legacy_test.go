package sio_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// script matches the response to a poll of JSONP.
var script = regexp.MustCompile(`^___eio\[(\d*)\]\((".*")\);$`)

// jsonp polls until a script with the given text has come, and returns the
// payload.
func jsonp(t *testing.T, url, text string) string {
	t.Helper()
	for range 10 {
		_, body := request(t, "GET", url, "")
		m := script.FindStringSubmatch(body)
		var payload string
		if len(m) != 3 || m[1] != "12" || json.Unmarshal([]byte(m[2]), &payload) != nil {
			t.Fatalf("got %q, want a script that calls ___eio[12]", body)
		}
		if strings.Contains(payload, text) {
			return payload
		}
	}
	t.Fatalf("no poll brought %q", text)
	return ""
}

// TestJSONP sends events through JSONP and back (PARITY 1.13).
func TestJSONP(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, &sio.Options{AllowEIO3: true}, func(srv *sio.Server) {
		srv.Handle("echo", func(e *sio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	})
	base := "http://" + addr + "/socket.io/?EIO=3&transport=polling&b64=1&j=12"
	_, rest, _ := strings.Cut(jsonp(t, base, `"sid":`), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	base += "&sid=" + sid
	packet := "42[\"echo\",\"é \u2028 \\n +&=%\"]"
	escaped := strings.ReplaceAll(packet, `\n`, `\\n`) // as the official client does
	form := "d=" + url.QueryEscape(fmt.Sprintf("%d:%s", len([]rune(packet)), escaped))
	if _, body := request(t, "POST", base, form); body != "ok" {
		t.Fatalf("POST: %q", body)
	}
	if got := jsonp(t, base, "echo"); !strings.HasSuffix(got, ":"+packet) {
		t.Errorf("got %q, want %q", got, packet)
	}
	binary := `451-["echo",{"_placeholder":true,"num":0}]`
	form = "d=" + url.QueryEscape(fmt.Sprintf("%d:%s6:b4AQID", len(binary), binary))
	if _, body := request(t, "POST", base, form); body != "ok" {
		t.Fatalf("POST: %q", body)
	}
	if got := jsonp(t, base, "451-"); got != fmt.Sprintf("%d:%s6:b4AQID", len(binary), binary) {
		t.Errorf("got %q", got)
	}
}

// TestLegacyIDs uses the ids of clients of Socket.IO 2 as rooms, from any loop.
func TestLegacyIDs(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{AllowEIO3: true, Loops: 3}, func(srv *sio.Server) {
		for _, name := range []string{"/", "/chat"} {
			srv.Of(name).Handle("rooms", func(e *sio.Event) error { return e.Ack(e.Socket().Rooms()) })
			srv.Of(name).Handle("leave", func(e *sio.Event) error { return e.Socket().Leave(e.Socket().ID()) })
			srv.Of(name).Handle("shout", func(e *sio.Event) error { return e.Socket().Broadcast().Emit("heard") })
		}
	})
	var clients []*wsClient
	var sids []string
	for range 4 {
		c := dialWS(t, addr, "&EIO=3", nil) // the last one counts
		open := c.wantPrefix(`0{"sid":"`)
		sid, _, _ := strings.Cut(strings.TrimPrefix(open, `0{"sid":"`), `"`)
		c.want("40")
		c.send("40/chat")
		c.want("40/chat,")
		clients, sids = append(clients, c), append(sids, sid)
	}
	for i, c := range clients {
		if err := srv.To(sids[i]).Emit("you", i); err != nil {
			t.Fatal(err)
		}
		c.want(fmt.Sprintf(`42["you",%d]`, i))
		if err := srv.Of("/chat").To("/chat#"+sids[i]).Emit("you", i); err != nil {
			t.Fatal(err)
		}
		c.want(fmt.Sprintf(`42/chat,["you",%d]`, i))
		c.send(`420["rooms"]`)
		c.want(`430[["` + sids[i] + `"]]`)
	}
	clients[0].send(`42["shout"]`)
	for _, c := range clients[1:] {
		c.want(`42["heard"]`)
	}
	clients[0].wantSilence(`421["rooms"]`, `431[["`+sids[0]+`"]]`)
	clients[1].send(`42["leave"]`)
	clients[1].wantSilence(`422["rooms"]`, `432[null]`)
	if err := srv.To(sids[1]).Emit("you"); err != nil {
		t.Fatal(err)
	}
	clients[1].wantSilence(`423["rooms"]`, `433[null]`)
}
