package parity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a script of text, as testdata/NAME.txt would have it.
func write(t *testing.T, text string) (*script, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "inline.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "do"), os.DirFS(filepath.Join("testdata", "do"))); err != nil {
		t.Fatal(err)
	}
	return loadScript(dir, "inline")
}

func TestScriptErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":           {"# only a comment\n", "no steps"},
		"late directive":    {"c > fin\nrow 1.3/x\n", "row behind the first step"},
		"unknown sign":      {"c ! fin\n", "neither a directive nor a step"},
		"no sign":           {"nonsense\n", "neither a directive nor a step"},
		"other sign":        {"c > text a\n  < text b\n", "goes on with nothing"},
		"goes on first":     {"  > text b\n", "goes on with nothing"},
		"only without why":  {"only gannet\n", "and why"},
		"only somebody":     {"only nobody because\n", "want gannet or reference"},
		"set without value": {"set pingInterval\n", "want NAME=VALUE"},
		"no such do":        {"c do nothing\n", "no such file"},
	} {
		_, err := write(t, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	s, err := write(t, "row 1.3/a b\nset x={\"y\": 1}\nset z=2\nc.two > GET /\n  >\n  > body\nc.two do websocket\n")
	if err != nil {
		t.Fatal(err)
	}
	if s.server() != "x={\"y\": 1}\nz=2" || len(s.rows) != 1 || s.rows[0] != "1.3/a b" {
		t.Errorf("server %q, rows %q", s.server(), s.rows)
	}
	first := s.steps[0]
	if first.client() != "c" || strings.Join(first.lines, "|") != "GET /||body" || first.at != "inline.txt:4" {
		t.Errorf("first step %+v", first)
	}
	if last := s.steps[len(s.steps)-1]; last.conn != "c.two" || last.sign != "<" || !strings.HasPrefix(last.at, "websocket.txt:") {
		t.Errorf("last step %+v", last)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const id, other = "AAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBB_"
	for _, c := range []struct {
		pattern, got string
		want         bool
	}{
		{`40{"sid":"{sid}"}`, `40{"sid":"` + id + `"}`, true},
		{`40{"sid":"{sid}"}`, `40{"sid":"` + id[1:] + `"}`, false},
		{`40{"sid":"{sid}"}`, `40{"sid":"` + id[1:] + `+"}`, false},
		{`{a}{b}`, id + other, true},
		{`{a}{a}`, id + id, true},
		{`{a}{a}`, id + other, false},
		{`{known}`, other, true},
		{`{known}`, id, false},
		{`{c/known}`, other, true},
		{`{d/known}`, id, true},
		{`a{any}c`, "abcbc", true},
		{`a{any}c`, "ac", true},
		{`a{any}c`, "acb", false},
		{`{any}{n}.`, "x12.", true},
		{`{n}.`, ".", false},
		{`{x*3}{}`, "xxx{}", true},
		{`\x1e\xff`, "\x1e\xff", true},
		{`\ud800{"a":{}}`, `\ud800{"a":{}}`, true},
		{`a`, "ab", false},
		{`ab`, "a", false},
	} {
		v := vars{"c/known": other}
		if err := v.match("c", c.pattern, c.got); (err == nil) != c.want {
			t.Errorf("match(%q, %q) = %v, want %v", c.pattern, c.got, err, c.want)
		}
	}
	v := vars{}
	if err := v.match("c", "{any}{sid},{sid2}", "x"+id+","+other); err != nil || v["c/sid"] != id || v["c/sid2"] != other {
		t.Errorf("captured %v, %v", v, err)
	}
	if got, err := v.expand("d", `{c/sid2}\x00{-*2}`); err != nil || got != other+"\x00--" {
		t.Errorf("expand: %q, %v", got, err)
	}
	if _, err := v.expand("d", "{sid}"); err == nil {
		t.Error("expand makes something of a placeholder that nobody has captured")
	}
}

// TestPlayFails makes sure that a script notices what differs.
func TestPlayFails(t *testing.T) {
	t.Parallel()
	srv, err := startLocal(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct{ text, want string }{
		"status": {"c > GET /socket.io/?EIO=4\nc < error 1 Transport unknown\n", `want {"code":1`},
		"header": {"c > GET /elsewhere\nc < HTTP/1.1 404 Not Found\n  <\n", "Content-Length: 0"},
		"order of headers": {
			"c do polling\nc > POST /socket.io/?EIO=4&transport=polling&sid={sid}\n  >\n  > 3\nc < HTTP/1.1 200 OK\n" +
				"  < Content-Type: text/html\n  < Access-Control-Allow-Origin: *\n  < Content-Length: 2\n  < cache-control: no-store\n  <\n  < ok\n",
			"Access-Control-Allow-Origin",
		},
		"frame":            {"c do joined\nc > text 420[\"echo\"]\nc < text 430[1]\n", "text 430[]"},
		"something more":   {"c do joined\nc > ping x\n", "unexpected: pong x"},
		"close":            {"c do joined\nc > text 2\nc < closed 1002\n", `got "close"`},
		"nothing at all":   {"c do joined\nc > text 2\n", "unexpected: close"},
		"no end":           {"c do joined\nc > ping x\nc > fin\nc < eof\n", "in front of the end"},
		"too many packets": {"c do connected\nc > POST /socket.io/?EIO=4&transport=polling&sid={sid}\n  >\n  > 451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\\x1eb\nc < ok\nc * {any}\n", "one packet too many"},
		"reason":           {"c do joined\nc > text 41\nc ~ disconnect transport close\n", `got "client namespace disconnect"`},
		"time":             {"c ~ mark\nc do websocket\nc ~ waited 1h\n", "only"},
		"nothing to send":  {"c > nonsense\n", "nothing to send"},
		"no expectation":   {"c > bytes x\nc < nonsense\n", "no expectation"},
		"nothing to see":   {"c ~ nonsense\n", "nothing to observe"},
		"unknown value":    {"c > text {sid}\n", "nothing is known"},
		"bad frame":        {"c > text(soft) a\n", "no such option"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := write(t, c.text)
			if err != nil {
				t.Fatal(err)
			}
			if err := play(t.Context(), s, srv); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
