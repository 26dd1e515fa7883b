//go:build !gannetdebug

package mount_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

const patience = 30 * time.Second

// TestExamples builds each program and speaks to it over long-polling, over
// WebSocket, and through the upgrade from one to the other.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nethttp", "chi", "gin", "echo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := start(t, name)
			c := newClient(t, addr)
			c.page()
			c.post("40")
			c.poll(`40{"sid":"`)
			c.page() // on the connection that has polled
			c.post(`420["echo","over polling"]`)
			c.poll(`430["over polling"]`)

			w := dial(t, addr, "&sid="+c.sid)
			w.send("2probe")
			w.want("3probe")
			c.poll("6") // the last one: it is answered so that the client can upgrade
			w.send("5")
			w.send(`421["echo","upgraded"]`)
			w.want(`431["upgraded"]`)

			w = dial(t, addr, "")
			w.want(`0{"sid":"`)
			w.send("40")
			w.want(`40{"sid":"`)
			w.send(`420["echo","over WebSocket"]`)
			w.want(`430["over WebSocket"]`)
		})
	}
}

// start builds a program, runs it until the test ends, and returns its address.
func start(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = name
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "-addr", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		defer late.Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v\n%s", err, stderr.String())
		}
		if strings.Contains(stderr.String(), "panic") {
			t.Errorf("its log:\n%s", stderr.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !ok {
		t.Fatalf("it said %q, %v", line, err)
	}
	return addr
}

// A client polls, on as few connections as it can.
type client struct {
	t    *testing.T
	http *http.Client
	root string
	sid  string
}

func newClient(t *testing.T, addr string) *client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	c := &client{t: t, http: &http.Client{Transport: tr, Timeout: patience}, root: "http://" + addr}
	open := c.get(c.session())
	rest, ok := strings.CutPrefix(open, `0{"sid":"`)
	if !ok {
		t.Fatalf("handshake: %q", open)
	}
	c.sid, _, _ = strings.Cut(rest, `"`)
	return c
}

func (c *client) session() string {
	url := c.root + "/socket.io/?EIO=4&transport=polling"
	if c.sid != "" {
		url += "&sid=" + c.sid
	}
	return url
}

func (c *client) get(url string) string {
	return c.body(c.http.Get(url)) //nolint:bodyclose // body closes it
}

func (c *client) body(res *http.Response, err error) string {
	c.t.Helper()
	if err != nil {
		c.t.Error(err)
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Errorf("%d %q, %v", res.StatusCode, b, err)
	}
	return string(b)
}

func (c *client) page() {
	c.t.Helper()
	if got := c.get(c.root + "/"); got != "a page of the application\n" {
		c.t.Fatalf("page: %q", got)
	}
}

func (c *client) post(packet string) {
	c.t.Helper()
	//nolint:bodyclose // body closes it
	if got := c.body(c.http.Post(c.session(), "text/plain", strings.NewReader(packet))); got != "ok" {
		c.t.Fatalf("POST %q: %q", packet, got)
	}
}

func (c *client) poll(prefix string) {
	c.t.Helper()
	if got := c.get(c.session()); !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("GET: %q, want %q…", got, prefix)
	}
}

// A socket is a WebSocket.
type socket struct {
	t *testing.T
	io.ReadWriter
}

func dial(t *testing.T, addr, query string) *socket {
	t.Helper()
	d := ws.Dialer{Timeout: patience}
	c, br, _, err := d.Dial(context.Background(), fmt.Sprintf("ws://%s/socket.io/?EIO=4&transport=websocket%s", addr, query))
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if br == nil {
		br = bufio.NewReader(c)
	}
	return &socket{t, struct {
		io.Reader
		io.Writer
	}{br, c}}
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := wsutil.WriteClientText(s, []byte(text)); err != nil {
		s.t.Fatalf("send %q: %v", text, err)
	}
}

func (s *socket) want(prefix string) {
	s.t.Helper()
	got, err := wsutil.ReadServerText(s)
	if err != nil || !strings.HasPrefix(string(got), prefix) {
		s.t.Fatalf("got %q, %v, want %q…", got, err, prefix)
	}
}
