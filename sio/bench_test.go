package sio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// BenchmarkPolling is one message and its echo by a POST and a GET: on
// connections that only carry one session, and on few that carry all sessions
// in turn, as behind a proxy that pools its connections. There, half of the
// requests arrive on the wrong one of two loops, and their connection moves.
func BenchmarkPolling(b *testing.B) {
	const sessions, pooled = 64, 8
	for _, bm := range []struct {
		name  string
		conns int
	}{{"own", sessions}, {"shared", pooled}} {
		b.Run(bm.name, func(b *testing.B) {
			_, addr := newServer(b, &sio.Options{Loops: 2}, func(s *sio.Server) {
				s.Root().Inline().Handle("echo", func(e *sio.Event) error {
					return e.Socket().Emit("echo", e.Args()...)
				})
			})
			conns := make([]*rawClient, bm.conns)
			for i := range conns {
				conns[i] = dialRaw(b, addr)
			}
			sids := make([]string, sessions)
			for i := range sids {
				sids[i] = conns[i%len(conns)].handshake()
			}
			b.ResetTimer()
			for i := range b.N {
				// The step is prime to both counts, so that a shared connection
				// meets all sessions.
				c, sid := conns[i%len(conns)], sids[i*13%sessions]
				if bm.conns == sessions {
					sid = sids[i%sessions]
				}
				c.post(sid, `42["echo","0123456789abcdef0123456789abcdef"]`)
				if got := c.get(sid); !strings.HasPrefix(got, `42["echo"`) {
					b.Fatalf("got %q", got)
				}
			}
		})
	}
}

// A rawClient speaks HTTP on one connection.
type rawClient struct {
	tb   testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func dialRaw(tb testing.TB, addr string) *rawClient {
	tb.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return &rawClient{tb, conn, bufio.NewReader(conn)}
}

func (c *rawClient) do(method, sid, body string) string {
	if sid != "" {
		sid = "&sid=" + sid
	}
	_, err := fmt.Fprintf(c.conn, "%s /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		method, sid, len(body), body)
	if err != nil {
		c.tb.Fatal(err)
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.tb.Fatalf("%s: %s %q %v", method, res.Status, got, err)
	}
	return string(got)
}

func (c *rawClient) get(sid string) string { return c.do(http.MethodGet, sid, "") }

func (c *rawClient) post(sid, body string) { c.do(http.MethodPost, sid, body) }

// handshake opens a session and joins the namespace "/".
func (c *rawClient) handshake() (sid string) {
	_, rest, _ := strings.Cut(c.get(""), `"sid":"`)
	sid, _, _ = strings.Cut(rest, `"`)
	c.post(sid, "40")
	c.get(sid)
	return sid
}
