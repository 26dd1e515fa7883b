package sio_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// A lazyClient is a client of a driven server that reads when the test says so.
type lazyClient interface {
	// say sends a packet, such as `2["event"]`.
	say(packet string)
	// stall has it take nothing any more.
	stall()
	// read has it take everything, until nothing is left, and returns the
	// packets, each `4…` or, for an attachment, `b…` in base64.
	read() []string
}

// drivenServer returns a server with one loop that the test drives.
func drivenServer(tb testing.TB, o *sio.Options) (*sio.Server, *loop.Loop) {
	tb.Helper()
	o.Loops, o.Logger = 1, slog.New(slog.DiscardHandler)
	srv, loops, err := sio.NewDriven(o)
	if err != nil {
		tb.Fatal(err)
	}
	return srv, loops[0]
}

// A tap is a lazyClient on WebSocket.
type tap struct {
	tb     testing.TB
	l      *loop.Loop
	conn   *loop.Conn
	budget int // bytes that the kernel takes; negative: any number
	in     []byte
	closed bool // a close frame was read
}

// newTap connects a client to namespaces.
func newTap(tb testing.TB, srv *sio.Server, l *loop.Loop, namespaces ...string) *tap {
	tb.Helper()
	c := &tap{tb: tb, l: l, budget: -1}
	c.conn = srv.OpenFake(0, c.write)
	c.conn.Inject([]byte(upgradeRequest))
	for _, n := range namespaces {
		c.say("0" + n + ",")
	}
	l.Drive()
	_, frames, ok := bytes.Cut(c.in, []byte("\r\n\r\n"))
	if !ok {
		tb.Fatalf("no upgrade: %q", c.in)
	}
	c.in = frames
	if got := c.parse(); len(got) != 1+len(namespaces) {
		tb.Fatalf("connecting: %q", got)
	}
	return c
}

func (c *tap) say(packet string) { c.conn.Inject(masked("4" + packet)) }

func (c *tap) stall() { c.budget = 0 }

// write is the kernel.
func (c *tap) write(b []byte) (int, error) {
	n := len(b)
	if c.budget >= 0 {
		if n = min(n, c.budget); n == 0 {
			return 0, syscall.EAGAIN
		}
		c.budget -= n
	}
	c.in = append(c.in, b[:n]...)
	return n, nil
}

func (c *tap) read() []string {
	c.budget = -1
	c.conn.FakeWritable()
	c.l.Drive()
	return c.parse()
}

// some has the kernel take n bytes more.
func (c *tap) some(n int) {
	c.budget = n
	c.conn.FakeWritable()
	c.l.Drive()
}

// parse takes the whole frames that have arrived.
func (c *tap) parse() []string {
	c.tb.Helper()
	var list []string
	for r := bytes.NewReader(c.in); ; {
		f, err := ws.ReadFrame(r)
		if err != nil {
			return list
		}
		c.in = c.in[len(c.in)-r.Len():]
		switch f.Header.OpCode {
		case ws.OpText:
			list = append(list, string(f.Payload))
		case ws.OpBinary:
			list = append(list, "b"+base64.StdEncoding.EncodeToString(f.Payload))
		case ws.OpClose:
			c.closed = true
		default:
			c.tb.Fatalf("frame %v", f.Header)
		}
	}
}

// A pollTap is a lazyClient on long-polling.
type pollTap struct {
	tb          testing.TB
	l           *loop.Loop
	gets, posts *recorder
	sid         string
	parked      bool // a GET is pending
}

// newPollTap connects a client to namespaces.
func newPollTap(tb testing.TB, srv *sio.Server, l *loop.Loop, namespaces ...string) *pollTap {
	tb.Helper()
	c := &pollTap{tb: tb, l: l, gets: openRecorder(srv), posts: openRecorder(srv)}
	c.gets.Inject(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", c.target()))
	l.Drive()
	open, ok := c.response(c.gets)
	_, rest, _ := strings.Cut(open, `"sid":"`)
	if !ok || len(rest) < 20 {
		tb.Fatalf("opening: %q", open)
	}
	c.sid = "&sid=" + rest[:20]
	for _, n := range namespaces {
		c.say("0" + n + ",")
	}
	if got := c.read(); len(got) != len(namespaces) {
		tb.Fatalf("connecting: %q", got)
	}
	return c
}

func (c *pollTap) target() string { return "/socket.io/?EIO=4&transport=polling" + c.sid }

func (c *pollTap) say(packet string) {
	c.tb.Helper()
	c.posts.Inject(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n4%s", c.target(), 1+len(packet), packet))
	c.l.Drive()
	if got, ok := c.response(c.posts); !ok || got != "ok" {
		c.tb.Fatalf("POST: %q", got)
	}
}

// poll sends a GET, unless one is pending.
func (c *pollTap) poll() {
	if !c.parked {
		c.parked = true
		c.gets.Inject(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", c.target()))
	}
}

// stall has no effect: it does not poll unless told to.
func (c *pollTap) stall() {}

func (c *pollTap) read() []string {
	c.tb.Helper()
	var list []string
	for {
		c.poll()
		c.l.Drive()
		got, ok := c.response(c.gets)
		if !ok { // nothing is left; what is sent next answers the GET
			return list
		}
		c.parked = false
		list = append(list, strings.Split(got, "\x1e")...)
		if got == "1" || strings.HasSuffix(got, "\x1e1") {
			return list
		}
	}
}

// response takes one response, if it is there.
func (c *pollTap) response(r *recorder) (body string, ok bool) {
	c.tb.Helper()
	if r.Len() == 0 {
		return "", false
	}
	res, err := http.ReadResponse(bufio.NewReader(&r.Buffer), nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.tb.Fatal(err)
	}
	_ = res.Body.Close()
	r.Reset()
	return string(b), true
}

// transports are what a client may be on.
var transports = []struct {
	name    string
	connect func(tb testing.TB, srv *sio.Server, l *loop.Loop, namespaces ...string) lazyClient
}{
	{"websocket", func(tb testing.TB, srv *sio.Server, l *loop.Loop, namespaces ...string) lazyClient {
		tb.Helper()
		return newTap(tb, srv, l, namespaces...)
	}},
	{"polling", func(tb testing.TB, srv *sio.Server, l *loop.Loop, namespaces ...string) lazyClient {
		tb.Helper()
		return newPollTap(tb, srv, l, namespaces...)
	}},
}
