package polling_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/polling"
)

func TestAppendPoll(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: "
	const rest = "\r\ncache-control: no-store\r\n\r\n"
	for _, c := range []struct {
		name, want string
		pieces     [][]byte
	}{
		{"nothing", head + "0" + rest, nil},
		{"one", head + "2" + rest + "4a", [][]byte{[]byte("4a")}},
		{"three", head + "6" + rest + "4a\x1e6\x1e1", [][]byte{[]byte("4a"), []byte("6"), []byte("1")}},
		{"bytes, not characters", head + "4" + rest + "4€", [][]byte{[]byte("4€")}},
	} {
		if got := string(polling.AppendPoll([]byte("…"), nil, c.pieces...)); got != "…"+c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, "…"+c.want)
		}
	}
}

// TestResponseOptions checks the places of what is added: CORS in front, what
// listeners add behind the rest, and neither of the latter on errors.
func TestResponseOptions(t *testing.T) {
	t.Parallel()
	o := &polling.ResponseOptions{
		Close: true, HTTP10KeepAlive: true, NoXSS: true, Extra: []byte("A: 1\r\n"), Behind: []byte("B: 2\r\n"),
	}
	for what, c := range map[string]struct{ got, want string }{
		"poll": {
			string(polling.AppendPoll(nil, o, []byte("6"))),
			"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 1\r\n" +
				"X-XSS-Protection: 0\r\ncache-control: no-store\r\nB: 2\r\nConnection: close\r\n\r\n6",
		},
		"ok": {
			string(polling.AppendOK(nil, o)),
			"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Type: text/html\r\nContent-Length: 2\r\n" +
				"X-XSS-Protection: 0\r\ncache-control: no-store\r\nB: 2\r\nConnection: close\r\n\r\nok",
		},
		"empty": {
			string(polling.AppendEmpty(nil, 413, o)),
			"HTTP/1.1 413 Payload Too Large\r\nA: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		},
		"405 (A28)": {
			string(polling.AppendEmpty(nil, 405, nil)),
			"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nAllow: GET, POST, OPTIONS\r\n\r\n",
		},
		"415 (A59)": {
			string(polling.AppendEmpty(nil, 415, &polling.ResponseOptions{HTTP10KeepAlive: true})),
			"HTTP/1.1 415 Unsupported Media Type\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
		},
		"error": {
			string(polling.AppendError(nil, eio.CodeForbidden, "", o)),
			"HTTP/1.1 403 Forbidden\r\nA: 1\r\nContent-Type: application/json\r\nContent-Length: 32\r\n" +
				"Connection: close\r\n\r\n{\"code\":4,\"message\":\"Forbidden\"}",
		},
		"upgrade error without a message": {
			string(polling.AppendUpgradeError(nil, "")),
			"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: 11\r\n\r\nBad Request",
		},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", what, c.got, c.want)
		}
	}
}

// TestErrorMessageIsJSON checks that no message breaks out of the body.
func TestErrorMessageIsJSON(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for c := range rune(0x250) {
		all.WriteRune(c)
	}
	for _, message := range []string{`"`, `\`, "\n", "a\"},{\"code\":9", all.String(), "\xff\xc3", strings.Repeat("x", 500)} {
		res := string(polling.AppendError(nil, eio.CodeForbidden, message, nil))
		_, body, _ := strings.Cut(res, "\r\n\r\n")
		var got struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%q: %v in %q", message, err, body)
		}
		if want := strings.ToValidUTF8(message, "\uFFFD"); got.Code != 4 || got.Message != want && message != "\xff\xc3" {
			t.Errorf("got %q, want %q", got.Message, want)
		}
	}
}

func TestNeedsNoXSS(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]bool{
		"": false, "Mozilla/5.0 (compatible;MSIE 9.0)": true, "Mozilla/5.0 (compatible; MSIE 9.0)": false,
		"Trident/7.0; rv:11.0": true, "trident/7.0": false, "MSIE": false,
	} {
		if got := polling.NeedsNoXSS([]byte(agent)); got != want {
			t.Errorf("NeedsNoXSS(%q) = %v", agent, got)
		}
	}
}

// TestCheckPost is A69 and A59.
func TestCheckPost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		want        int
	}{
		{"Content-Type", "", 0},
		{"Content-Type", "text/plain;charset=UTF-8", 0},
		{"Content-Type", "application/octet-stream", 400},
		{"content-type", "application/octet-stream", 400},
		{"Content-Type", "application/octet-stream; x=1", 0},
		{"Content-Type", "Application/Octet-Stream", 0},
		{"Content-Encoding", "identity", 0},
		{"Content-Encoding", "gzip", 415},
		{"content-encoding", "br", 415},
		{"Content-Encoding", "deflate", 415},
		{"Content-Encoding", "identity, gzip", 415},
		{"Accept-Encoding", "gzip", 0},
	} {
		if got := polling.CheckPost(request("POST", c.name, c.value)); got != c.want {
			t.Errorf("%s: %s: %d, want %d", c.name, c.value, got, c.want)
		}
	}
	two := request("POST", "Content-Encoding", "identity", "Content-Encoding", "gzip")
	if got := polling.CheckPost(two); got != 415 {
		t.Errorf("gzip in a second header: %d", got)
	}
	two.Headers[1].Value = []byte{}
	if got := polling.CheckPost(two); got != 0 {
		t.Errorf("empty Content-Encoding: %d", got)
	}
}
