package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/internal/testleak"
)

// patience is how long anything may take that should come at once.
const patience = 20 * time.Second

// childEnv makes the test binary the command itself.
const childEnv = "GANNET_TESTBED_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		return
	}
	testleak.Main(m)
}

// A server is a testbed that runs in this process.
type server struct {
	addr    string
	stop    func() int // ends it, once, and returns the exit status
	failing bool       // the test has stopped it, and not with status 0

	mu     sync.Mutex // guards following
	stderr bytes.Buffer
}

// Write takes what the server says on its standard error.
func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.Write(p)
}

func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.String()
}

// start runs a testbed on a port of its own and ends it after the test.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() { // stops when ctx ends
		code <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), w, s)
		_ = w.Close()
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		_ = r.Close()
		return within(t, code)
	})
	t.Cleanup(func() {
		if s.failing {
			return // what it fails with is the test's business
		}
		if got := s.stop(); got != exitOK {
			t.Errorf("testbed %q: exit status %d, want 0; it said %q", args, got, s.said())
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("testbed %q: no line on standard output: %v; it said %q", args, err, s.said())
	}
	s.addr = listening(t, line)
	return s
}

// listening returns the address in the line that says it.
func listening(t *testing.T, line string) string {
	t.Helper()
	for _, scheme := range []string{"http", "https"} {
		if addr, ok := strings.CutPrefix(line, "listening on "+scheme+"://"); ok && strings.HasSuffix(addr, "\n") {
			return strings.TrimSuffix(addr, "\n")
		}
	}
	t.Fatalf("the line on standard output: got %q, want \"listening on http://ADDR\"", line)
	return ""
}

func within[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing happened within %v", patience)
		panic("unreachable")
	}
}

// A client is a WebSocket that speaks Engine.IO and Socket.IO by hand.
type client struct {
	t       *testing.T
	conn    net.Conn
	in      io.ReadWriter
	nextID  int
	skipped []string // what call read while it waited for its ack
	// recovers says that events have an offset, which next takes off.
	recovers bool
}

// offset is the last argument of an event that is kept.
var offset = regexp.MustCompile(`^(4[25].*),"[\w-]{12}"\]$`)

// dial opens a WebSocket.
func dial(t *testing.T, s *server, target string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, br, _, err := ws.Dialer{}.Dial(ctx, "ws://"+s.addr+target)
	if err != nil {
		t.Fatalf("dial %s: %v", target, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t: t, conn: conn, in: conn}
	if br != nil {
		c.in = struct {
			io.Reader
			io.Writer
		}{io.MultiReader(io.LimitReader(br, int64(br.Buffered())), conn), conn}
	}
	return c
}

// open starts a session and reads the open packet.
func open(t *testing.T, s *server, path string) *client {
	t.Helper()
	c := dial(t, s, path+"?EIO=4&transport=websocket&x=1")
	if p := c.next(); !strings.HasPrefix(p, `0{"sid":"`) {
		t.Fatalf("open packet: got %q", p)
	}
	return c
}

// join is open and CONNECT; auth is JSON or empty.
func join(t *testing.T, s *server, nsp, auth string) (c *client, id string) {
	t.Helper()
	c = open(t, s, "/socket.io/")
	id = c.connect(nsp, auth)
	return c, id
}

// greeted is join of profile parity: it returns the welcome.
func greeted(t *testing.T, s *server, nsp, auth string) (c *client, w welcome) {
	t.Helper()
	c, id := join(t, s, nsp, auth)
	args := c.event(nsp, "welcome")
	if err := json.Unmarshal(args[0], &w); err != nil || w.ID != id {
		t.Fatalf("welcome: got %s, want the id %s (%v)", args, id, err)
	}
	return c, w
}

func prefix(nsp string) string {
	if nsp == "/" {
		return ""
	}
	return nsp + ","
}

func (c *client) connect(nsp, auth string) (id string) {
	c.t.Helper()
	c.send("40" + prefix(nsp) + auth)
	var answer struct{ SID string }
	p := c.next()
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p, "40"+prefix(nsp))), &answer); err != nil || answer.SID == "" {
		c.t.Fatalf("CONNECT of %s: got %q", nsp, p)
	}
	return answer.SID
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(text)); err != nil {
		c.t.Fatalf("send %q: %v", text, err)
	}
}

func (c *client) sendBinary(b ...byte) {
	c.t.Helper()
	if err := wsutil.WriteClientBinary(c.conn, b); err != nil {
		c.t.Fatalf("send %x: %v", b, err)
	}
}

// receive returns the next message that is not a ping, which it answers.
func (c *client) receive() (string, ws.OpCode, error) {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		b, op, err := wsutil.ReadServerData(c.in)
		if err != nil || op != ws.OpText || string(b) != "2" {
			return string(b), op, err
		}
		if err := wsutil.WriteClientText(c.conn, []byte("3")); err != nil {
			return "", 0, err
		}
	}
}

// next returns the next text.
func (c *client) next() string {
	c.t.Helper()
	text, op, err := c.receive()
	if err != nil || op != ws.OpText {
		c.t.Fatalf("next text: got %q (opcode %d), error %v", text, op, err)
	}
	if c.recovers {
		text = offset.ReplaceAllString(text, "$1]")
	}
	return text
}

func (c *client) nextBinary() string {
	c.t.Helper()
	b, op, err := c.receive()
	if err != nil || op != ws.OpBinary {
		c.t.Fatalf("next binary: got %q (opcode %d), error %v", b, op, err)
	}
	return b
}

func (c *client) want(packets ...string) {
	c.t.Helper()
	for _, want := range packets {
		if got := c.next(); got != want {
			c.t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// event reads the next packet, which must be this event, and returns its
// arguments.
func (c *client) event(nsp, name string) []json.RawMessage {
	c.t.Helper()
	p := c.next()
	var args []json.RawMessage
	err := json.Unmarshal([]byte(strings.TrimPrefix(p, "42"+prefix(nsp))), &args)
	if err != nil || len(args) == 0 || string(args[0]) != strconv.Quote(name) {
		c.t.Fatalf("got %s, want the event %s", p, name)
	}
	return args[1:]
}

// call emits an event in "/" and waits for its ack. What comes before is kept
// in skipped.
func (c *client) call(event string, args ...any) string {
	c.t.Helper()
	id := c.ask(event, args...)
	for {
		p := c.next()
		if rest, ok := strings.CutPrefix(p, "43"+id+"["); ok {
			return strings.TrimSuffix(rest, "]")
		}
		c.skipped = append(c.skipped, p)
	}
}

// ask emits an event that wants an ack and returns the ack's id.
func (c *client) ask(event string, args ...any) string {
	c.t.Helper()
	c.nextID++
	id := strconv.Itoa(c.nextID)
	c.send("42" + id + list(c.t, event, args))
	return id
}

func (c *client) emit(event string, args ...any) {
	c.t.Helper()
	c.send("42" + list(c.t, event, args))
}

func list(t *testing.T, event string, args []any) string {
	t.Helper()
	b, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ctl sends a command of profile parity and returns what it acknowledges.
func (c *client) ctl(command string) string {
	c.t.Helper()
	return c.call("ctl", json.RawMessage(command))
}

// settle makes sure that what was sent to these clients before has arrived,
// and returns it for each.
func settle(clients ...*client) [][]string {
	var got [][]string
	for _, c := range clients {
		c.t.Helper()
		c.call("echo")
		got = append(got, append([]string{}, c.skipped...))
		c.skipped = nil
	}
	return got
}

// ended waits for the server to close the WebSocket, and closes it as well.
func (c *client) ended() {
	c.t.Helper()
	defer func() { _ = c.conn.Close() }()
	for {
		p, _, err := c.receive()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // it is not wrapped
				c.t.Fatal("the server did not close the WebSocket")
			}
			return
		}
		c.skipped = append(c.skipped, p)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}
