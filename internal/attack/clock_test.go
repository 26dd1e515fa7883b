//go:build unix

package attack_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

const errAgain = syscall.EAGAIN

// drip sends a byte every few milliseconds until the server has closed the
// connection: a deadline that each byte moved would never come.
func drip(w *wire, text string) {
	for i := 0; ; i++ {
		if w.try(text[i%len(text):i%len(text)+1]) != nil {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// TestA43MessageDeadline has a message that never ends although it grows and
// pings come in between.
func TestA43MessageDeadline(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.MessageTimeout = 1000
	s := serveEngine(t, cfg)
	for name, raw := range map[string]string{
		"fragments":   string(frame(opCont, strings.Repeat("x", 40))) + string(frame(fin|opPing, "")),
		"one frame":   "x",
		"header only": "",
	} {
		w := s.open()
		switch name {
		case "fragments":
			w.write(string(frame(opText, "4")))
		case "one frame":
			w.write(string(frame(fin|opBinary, strings.Repeat("x", 1000))[:20]))
		default:
			w.write("\x81")
		}
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for raw != "" && w.try(raw) == nil {
				<-time.After(20 * time.Millisecond)
			}
		}()
		op, p := w.next()
		for op == opPong {
			op, p = w.next()
		}
		if op != opClose || p != "\x03\xf0engine: a message was begun and not finished in time" {
			t.Errorf("%s: got opcode %d %q, want a close frame with 1008", name, op, p)
		}
		w.wantGone()
		<-stop
	}
	s.wantCalm()
}

// TestMessageDeadlineIsOfOneMessage streams messages for much longer than the
// deadline. Every read ends inside a message, but none takes long.
func TestMessageDeadlineIsOfOneMessage(t *testing.T) {
	t.Parallel()
	k := newClockwork(t, engineConfig())
	c := k.open()
	c.inject(upgrade(""))
	c.take()
	one := string(frame(fin|opText, "4hello"))
	c.inject(one[:5])
	for range 200 {
		k.run(1000)
		c.inject(one[5:] + string(frame(fin|opText, "3")) + one[:5])
		if got := c.take(); !strings.Contains(got, "4hello") {
			t.Fatalf("after %d ms: got %q, want the echo", k.now, got)
		}
	}
	c.inject(one[5:] + string(frame(opText, "4"))) // the last one is not finished
	began := k.now
	for !c.conn.Closing() && k.now < began+60_000 {
		k.run(500)
		c.inject(string(frame(fin|opPing, "")))
	}
	if took := k.now - began; took < 29_000 || took > 32_000 {
		t.Errorf("an unfinished message was given %d ms, want 30,000", took)
	}
	if got := c.take(); !strings.HasSuffix(got, "not finished in time") {
		t.Errorf("got %q, want a close frame", got)
	}
}

// TestA50BehindTheClose has clients that do not close properly: they are gone
// after CloseTimeout at the latest.
func TestA50BehindTheClose(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.CloseTimeout = 300
	s := serveEngine(t, cfg)
	closeFrame := string(frame(fin|opClose, "\x03\xe8"))
	left := func() bool { return s.figure("Connections") == loops }

	w := s.open() // data and a second close frame follow
	w.write(closeFrame + frames(fin|opText, "4x", "4y") + closeFrame + "\xff\xff\xff")
	w.wantFrame(opClose, "\x03\xe8")
	if b, err := w.r.ReadByte(); err != io.EOF {
		t.Fatalf("got %q %v behind the close frame", b, err)
	}
	s.eventually("the end of who keeps its side open", left)

	w = s.open() // it goes on sending for ever
	w.write(closeFrame)
	for w.try(string(frame(fin|opText, "4x"))) == nil {
		<-time.After(time.Millisecond)
	}
	s.eventually("the end of who goes on sending", left)

	w = s.open() // it ignores our close
	w.write("\xff")
	w.wantFrame(opClose, "\x03\xea")
	s.eventually("the end of who ignores our close", left)
	_ = w.c.Close()

	w = s.open() // a reset during the close
	w.write(closeFrame)
	w.reset()
	s.eventually("the end of who resets", left)

	w = s.open() // half a connection: the last answers are still delivered
	w.write(frames(fin|opText, "4a", "4b"))
	if err := w.c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	w.want("4a")
	w.want("4b")
	w.wantGone()
	s.eventually("the end of who closes its half", left)

	s.wantCounted(1, "FrameErrors")
	s.wantCounted(5, "SessionsClosed")
	s.wantCalm()
}

// TestA81Slowloris drips heads into many connections.
func TestA81Slowloris(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.HTTPTimeout, cfg.CloseTimeout = 1500, 300
	s := serveEngine(t, cfg)
	const n = 100
	done := make(chan struct{}, n)
	for i := range n {
		w := s.dial()
		switch i % 4 {
		case 0:
			w.write("GET " + path + "?EIO=4 HTTP/1.1\r\nX: ")
		case 1:
			w.write("GE")
		case 2: // behind a request that is complete
			w.write(get("&sid=unknown") + "GET " + path)
		case 3: // nothing at all
		}
		go func() {
			defer func() { done <- struct{}{} }()
			if i%4 == 3 {
				_, _ = io.Copy(io.Discard, w.c)
				return
			}
			drip(w, "x")
		}()
	}
	for range n {
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatalf("%d connections are still open", s.figure("Connections"))
		}
	}
	s.wantCounted(n/4*3, "BadRequests")
	s.wantCalm()
}

// TestA82SlowBody drips bodies: what declares its length, what is in chunks,
// and what stops.
func TestA82SlowBody(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.HTTPTimeout = 1500
	s := serveEngine(t, cfg)
	for name, start := range map[string]string{
		"length":     "Content-Length: 100000\r\n\r\n4",
		"chunk":      "Transfer-Encoding: chunked\r\n\r\n10000\r\n4",
		"extension":  "Transfer-Encoding: chunked\r\n\r\n1;",
		"expecting":  "Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n4",
		"it is over": "Content-Length: 100000\r\n\r\n4",
	} {
		p := s.poller()
		p.posts.write("POST " + path + "?EIO=4&transport=polling" + p.query() + " HTTP/1.1\r\nHost: a\r\n" + start)
		if name == "it is over" { // the session, while its body drips
			p.parked()
			p.get()
			if got := p.body(); got != "1" {
				t.Fatalf("got %q, want a close", got)
			}
		}
		drip(p.posts, "x")
		p.wantUnknown()
		p.leave()
	}
	s.wantCounted(5, "BadRequests")
	s.wantCalm()
}

// TestBodyAtTheRate uploads slowly, but not too slowly, for minutes.
func TestBodyAtTheRate(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.EIO.PingInterval = 1e9 // its answer would have to wait for the body
	k := newClockwork(t, cfg)
	c := k.open()
	c.inject(get(""))
	sid := between(c.take(), `"sid":"`, `"`)
	c.inject(fmt.Sprintf("POST %s?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n4", path, sid, 1+20*17_000))
	for range 20 {
		k.run(9_000)
		c.inject(strings.Repeat("x", 17_000))
		if c.conn.Closing() {
			t.Fatalf("closed after %d ms", k.now)
		}
	}
	if got := c.take(); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("got %q, want 200", got)
	}
	c.inject(post("&sid="+sid, "1"))
}

// TestA110FallingBehindAgain has a client catch up and then hold more than
// MaxTotalQueue: it is measured again.
func TestA110FallingBehindAgain(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.EIO.PingInterval, cfg.WriteStall, cfg.MaxTotalQueue = 1e9, 1e9, 1<<20
	k := newClockwork(t, cfg)
	c := k.open()
	c.inject(upgrade(""))
	for _, messages := range []int{2, 2, 5} {
		c.deaf = true
		for range messages {
			c.inject(string(frame(fin|opText, "4"+strings.Repeat("x", 300_000))))
		}
		k.run(1000)
		if want := messages == 5; c.conn.Closing() != want {
			t.Fatalf("with %d bytes queued the connection is closed: %t, want %t", 300_000*messages, !want, want)
		}
		c.deaf = false
		c.conn.FakeWritable()
		k.run(1000)
		c.take()
	}
}

// TestA83ResponseNobodyReads takes nothing of the response to a poll.
func TestA83ResponseNobodyReads(t *testing.T) {
	t.Parallel()
	cfg := engineConfig()
	cfg.WriteStall = 300
	s := serveEngine(t, cfg)
	p := s.poller()
	_ = setReadBuffer(p.gets.c)
	for range 4 {
		p.post("4" + strings.Repeat("x", 999_000))
	}
	p.get()
	s.wantCounted(1, "WriteStalls")
	p.leave()
	p = &poller{s: s, sid: p.sid, gets: s.dial(), posts: s.dial()}
	for range 3 { // the session lives on, and so does what is queued
		p.get()
		if got := len(p.body()); got != 999_001 {
			t.Fatalf("a response of %d bytes", got)
		}
	}
	p.end()
	s.wantCalm()
}
