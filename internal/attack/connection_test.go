//go:build unix

package attack_test

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

// TestTwoSessionsOnOneConnection pipelines the GETs and POSTs of several
// sessions on one connection: each gets what is its own, in order.
func TestTwoSessionsOnOneConnection(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for range 16 { // sessions of the same loop and of different ones
		a, b := s.joined(), s.joined()
		w := s.dial()
		w.write(get(a.query()) + get(b.query()) + get("&sid=unknown"))
		b.post(`42["echo","b"]`)
		a.post(`42["echo","a"]`)
		w.want(200, `42["echo","a"]`)
		w.want(200, `42["echo","b"]`)
		w.wantCode(1)
		// The connection goes while one GET is parked: only its session ends.
		n := s.figure("SessionsClosed")
		w.write(get(b.query()) + get(a.query()))
		_ = w.c.Close()
		s.eventually("the end of a session", func() bool { return s.figure("SessionsClosed") > n })
		b.wantUnknown()
		b.leave()
		a.wantAlive()
		a.end()
	}
	s.wantReason("transport error")
	s.wantCalm()
}

// TestBehindConnectionClose sends requests behind one that ends the connection:
// they are not handled.
func TestBehindConnectionClose(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	p.gets.write(get(p.query(), "Connection: close\r\n") + post(p.query(), `42["echo","behind"]`) +
		post(p.query(), "40")[:len(post(p.query(), "40"))-1])
	p.post(`42["echo","beside"]`)
	p.gets.want(200, `42["echo","beside"]`)
	p.gets.wantEOF()
	p.gets = s.dial()
	p.wantAlive()
	w := s.dial()
	w.write(get("&sid=unknown", "Connection: close\r\n") + get(""))
	w.wantCode(1)
	w.wantEOF()
	if n := s.grown("SessionsOpened"); n != 1 {
		t.Errorf("%d sessions opened, want 1", n)
	}
	p.end()
	s.wantCalm()
}

// TestPercentEncodedParameters has every parameter in need of decoding: none
// may get in the way of another.
func TestPercentEncodedParameters(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.joined()
	encoded := func(text string) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			b.WriteString("%" + strconv.FormatUint(uint64(c), 16))
		}
		return b.String()
	}
	p.posts.write(request("GET", path+"?"+encoded("sid")+"="+encoded(p.sid)+"&EIO="+encoded("4")+
		"&transport="+encoded("polling")+"&b64="+encoded("1")) + post(p.query(), `421["echo",1]`))
	p.posts.want(200, `431[1]`)
	p.posts.want(200, "ok")
	p.end()
	s.wantCalm()
}

// TestHeadHasNoBody sends requests behind a HEAD: a body in the answer to it
// would be taken for the next one.
func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w := s.dial()
	w.write(request("HEAD", path+"?EIO=4&transport=polling") + request("HEAD", path+"?EIO=4&transport=x") +
		request("HEAD", "/") + get("&sid=unknown"))
	for _, status := range []int{400, 400, 404} {
		res, body, err := w.response("HEAD")
		if err != nil || res.StatusCode != status || body != "" {
			t.Fatalf("got %v %q %v, want %d", res, body, err, status)
		}
	}
	w.wantCode(1)
	_ = w.c.Close()
	s.wantCounted(1, "RequestsRefused[2]")
	s.wantCalm()
}

// TestResponsesNobodyReads pipelines requests without reading any answer. The
// server stops reading, and gives the connection up when WriteTimeout is over.
func TestResponsesNobodyReads(t *testing.T) {
	t.Parallel()
	s := serve(t, shortWrites())
	w := s.dial()
	_ = setReadBuffer(w.c)
	flood := strings.Repeat(get("&sid=unknown"), 1000)
	for {
		if _, err := io.WriteString(w.c, flood); err != nil {
			break // the server has closed it
		}
		if n := s.grown("BytesIn"); n > 4<<20 {
			t.Fatalf("%d bytes of requests were read and %d packets wait", n, s.figure("LivePackets"))
		}
	}
	s.wantCounted(1, "WriteStalls")
	_ = w.c.Close()
	s.wantCalm()
}
