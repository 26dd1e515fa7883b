//go:build unix

package attack_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestSlowClientsOfFiles attacks what net/http serves below the path: a body
// that never comes, and a file that nobody reads.
func TestSlowClientsOfFiles(t *testing.T) {
	t.Parallel()
	for name, through := range map[string]bool{"on a loop": false, "through net/http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testSlowClientsOfFiles(t, through)
		})
	}
}

func testSlowClientsOfFiles(t *testing.T, through bool) {
	t.Helper()
	var begun, ended atomic.Int64
	cfg := engineConfig()
	cfg.ThroughHTTP = through
	cfg.HTTPTimeout = 1500 // also what a test that is held up may take
	cfg.Static = func(target []byte) bool { return strings.HasPrefix(string(target), path+"file") }
	cfg.StaticHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun.Add(1)
		defer ended.Add(1)
		_, _ = w.Write([]byte(strings.Repeat("x", 20<<20)))
	})
	s := serveEngine(t, cfg)
	body := s.dial()
	body.write(request("POST", path+"file", "Content-Length: 100\r\n") + "x")
	behind := s.dial() // the same behind a request that is served
	behind.write(request("GET", path+"file"))
	behind.want(200, "")
	behind.write(request("POST", path+"file", "Transfer-Encoding: chunked\r\n") + "1\r\n")
	file := s.dial()
	_ = setReadBuffer(file.c)
	file.write(request("GET", path+"file"))
	half := s.dial()
	half.write(request("GET", path+"file")[:30])
	s.eventually("the end of all of them", func() bool {
		return begun.Load() == 4 && ended.Load() == 4 && s.figure("Connections") == loops
	})
	s.wantCalm()
}

// TestBetweenServers has one connection go back and forth between the loops
// and net/http, with everything sent at once.
func TestBetweenServers(t *testing.T) {
	t.Parallel()
	for name, fallback := range map[string]http.Handler{
		"without a fallback": nil,
		"with a fallback":    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.RequestURI)) }),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &sio.Options{Fallback: fallback})
			p := s.joined()
			w := &ws{*s.dial()}
			file := path + "socket.io.js"
			w.write(request("GET", file) + request("GET", file, "Content-Length: 5\r\n") + "01234" + post(p.query(), `427["echo",1]`) +
				request("GET", file) + get("&sid=unknown") + request("GET", file, "Transfer-Encoding: chunked\r\n") + "3\r\nGET\r\n0\r\n\r\n" +
				get(p.query()) + request("GET", file) + upgrade("") + frames(fin|opText, "40", `427["echo",2]`))
			for range 2 {
				w.wire.want(404, "")
			}
			w.wire.want(200, "ok")
			w.wire.want(404, "")
			w.wantCode(1)
			w.wire.want(404, "")
			w.wire.want(200, "437[1]")
			w.wire.want(404, "")
			w.wantSwitch()
			w.wantPrefix(`0{"sid":"`)
			w.wantPrefix(`40{"sid":"`)
			w.want("437[2]")
			_ = w.c.Close()
			p.end()

			// Nobody can tell where these end: nothing behind them is handled.
			for _, framing := range []string{"Content-Length: 5\r\nContent-Length: 6\r\n", "Transfer-Encoding: xchunked\r\n", "Content-Length: +5\r\n"} {
				w := s.dial()
				w.write(request("GET", file) + request("POST", file, framing) + "0\r\n\r\n" + get(""))
				w.want(404, "")
				if res, _, err := w.response("POST"); err != nil || res.StatusCode/100 == 2 {
					t.Errorf("%q: %v, %v", framing, res, err)
				}
				w.wantGone()
			}
			if n := s.grown("SessionsOpened"); n != 2 {
				t.Errorf("%d sessions opened, want 2", n)
			}
			s.wantCounted(1, "RequestsRefused[1]")
			s.wantCalm()
		})
	}
}
