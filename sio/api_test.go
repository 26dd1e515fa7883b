package sio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gannet-io/gannet/sio"
)

func TestVolatileDropsWhatCannotLeaveAtOnce(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, func(s *sio.Server) {
		s.Root().Inline().Handle("go", func(e *sio.Event) error {
			s := e.Socket()
			return errors.Join(
				s.Emit("first"),
				dropped(s.Volatile().Emit("second")),
				dropped(s.Volatile().Emit("third")),
			)
		})
		s.Root().Inline().Handle("alone", func(e *sio.Event) error {
			return errors.Join(e.Socket().Volatile().Emit("kept"), dropped(e.Socket().Volatile().Emit("not kept")))
		})
		echoServer(s)
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`42["go"]`)
	c.want(`42["first"]`)
	c.wantSilence(`420["echo"]`, `430[]`)
	c.send(`42["alone"]`)
	c.want(`42["kept"]`)
	c.wantSilence(`421["echo"]`, `431[]`)
	if st := srv.Stats(); st.VolatileDrops != 3 {
		t.Errorf("%d volatile drops counted, want 3", st.VolatileDrops)
	}
}

// dropped turns the expected ErrDropped into nil, and nil into an error.
func dropped(err error) error {
	if errors.Is(err, sio.ErrDropped) {
		return nil
	}
	return fmt.Errorf("got %w, want ErrDropped", err)
}

func TestTypedHandlers(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y int }
	failed := make(chan error, 1)
	_, addr := newServer(t, &sio.Options{Trace: &sio.Trace{HandlerError: func(_ *sio.Socket, _ string, err error) { failed <- err }}},
		func(s *sio.Server) {
			sio.OnCall(s, "norm1", func(_ *sio.Event, p point) (int, error) {
				if p.X < 0 {
					return 0, &sio.Error{Message: "negative", Data: p.X}
				}
				return p.X + p.Y, nil
			})
			sio.On(s, "blob", func(e *sio.Event, v struct{ B []byte }) error { return e.Socket().Emit("blob", v.B) })
		})
	c, _ := connectWS(t, addr, "/")
	c.send(`420["norm1",{"x":1,"y":2}]`)
	c.want(`430[3]`)
	c.send(`421["norm1",{"x":-1}]`)
	c.want(`431[{"data":-1,"error":"negative"}]`)
	if err := recv(t, "error", failed); err == nil {
		t.Error("no error was reported")
	}
	c.send(`422["norm1","no point"]`)
	c.want(`432[{"error":"invalid arguments"}]`)
	if err := recv(t, "error", failed); !strings.Contains(err.Error(), `"norm1": argument 0`) {
		t.Errorf("got %v, want a DecodeError", err)
	}
	c.send(`451-["blob",{"b":{"_placeholder":true,"num":0}}]`)
	c.sendBinary([]byte("bytes"))
	c.want(`451-["blob",{"_placeholder":true,"num":0}]`)
	c.wantBinary([]byte("bytes"))
}

func TestAckTimeoutContextAndDisconnect(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	c, id := connectWS(t, addr, "/")
	sockets, err := srv.To(id).Sockets(context.Background())
	if err != nil || len(sockets) != 1 {
		t.Fatal(len(sockets), err)
	}
	s := sockets[0]
	if _, err := s.Timeout(time.Millisecond).EmitWithAck(context.Background(), "q"); !errors.Is(err, sio.ErrAckTimeout) {
		t.Errorf("timeout: got %v", err)
	}
	c.want(`420["q"]`)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { c.want(`421["q"]`); cancel() }()
	if _, err := s.EmitWithAck(ctx, "q"); !errors.Is(err, context.Canceled) {
		t.Errorf("context: got %v", err)
	}
	answers := make(chan error, 2)
	if err := s.EmitAck("q", func(_ *sio.Reply, err error) { answers <- err }); err != nil {
		t.Fatal(err)
	}
	c.want(`422["q"]`)
	c.send(`430["late"]`) // the one that timed out
	c.send(`432["in time"]`)
	c.send(`432["twice"]`)
	if err := recv(t, "answer", answers); err != nil {
		t.Errorf("answer: got %v", err)
	}
	if err := s.EmitAck("q", func(_ *sio.Reply, err error) { answers <- err }); err != nil {
		t.Fatal(err)
	}
	c.want(`423["q"]`)
	_ = c.conn.Close()
	if err := recv(t, "disconnect", answers); !errors.Is(err, sio.ErrSocketClosed) {
		t.Errorf("disconnect: got %v", err)
	}
	<-s.Context().Done()
	if err := s.Emit("x"); !errors.Is(err, sio.ErrSocketClosed) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Emit after the disconnect: got %v", err)
	}
}

func TestOrderOfInlineAndWorkerEvents(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	_, addr := newServer(t, nil, func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) { <-release; _ = s.Emit("ready") })
		s.Handle("slow", func(e *sio.Event) error { return e.Socket().Emit("slow", e.Args()...) })
		s.Root().Inline().Handle("fast", func(e *sio.Event) error { return e.Socket().Emit("fast", e.Args()...) })
	})
	c, _ := connectWS(t, addr, "/")
	for i := range 50 {
		c.send(fmt.Sprintf(`42["slow",%d]`, 2*i))
		c.send(fmt.Sprintf(`42["fast",%d]`, 2*i+1))
	}
	close(release)
	c.want(`42["ready"]`)
	for i := range 50 {
		c.want(fmt.Sprintf(`42["slow",%d]`, 2*i))
		c.want(fmt.Sprintf(`42["fast",%d]`, 2*i+1))
	}
}

func TestHandlersThatOnConnectionRegisters(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv, addr := newServer(t, nil, func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) {
			<-release
			s.On("mine", func(e *sio.Event) error { return e.Ack("worker") })
			s.Inline().Handle("fast", func(e *sio.Event) error { return e.Ack("loop") })
		})
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`421["mine"]`)
	c.send(`422["nobody's"]`)
	c.send(`423["fast"]`)
	c.send(`424["mine"]`)
	eventually(t, "the events have arrived", func() bool { return srv.Stats().PacketsIn == 5 })
	close(release)
	c.want(`431["worker"]`)
	c.want(`433["loop"]`)
	c.want(`434["worker"]`)
	if st := srv.Stats(); st.EventsIn != 3 || st.EventsUnhandled != 1 {
		t.Errorf("%d events handled and %d not, want 3 and 1", st.EventsIn, st.EventsUnhandled)
	}
}

func TestInlineHandlerEndsItsSocket(t *testing.T) {
	t.Parallel()
	order := make(chan string, 2)
	_, addr := newServer(t, nil, func(s *sio.Server) {
		s.Root().OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { order <- "disconnect" })
		s.Root().Inline().Handle("bye", func(e *sio.Event) error {
			e.Socket().Disconnect(true)
			order <- "handler"
			return nil
		})
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`42["bye"]`)
	c.want("41")
	c.wantClose(0)
	if first := recv(t, "first", order); first != "handler" {
		t.Errorf("%s came first", first)
	}
	recv(t, "second", order)
}

func TestCallsThatWaitAreRefusedOnTheLoop(t *testing.T) {
	t.Parallel()
	got := make(chan error, 3)
	_, addr := newServer(t, nil, func(s *sio.Server) {
		s.Root().Inline().Handle("wait", func(e *sio.Event) error {
			_, err := e.Socket().EmitWithAck(context.Background(), "x")
			got <- err
			_, err = s.Root().FetchSockets(context.Background())
			got <- err
			_, err = s.Root().All().EmitWithAck(context.Background(), "x")
			got <- err
			return nil
		})
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`42["wait"]`)
	for range 3 {
		if err := recv(t, "error", got); !errors.Is(err, sio.ErrOnLoop) {
			t.Errorf("got %v, want ErrOnLoop", err)
		}
	}
}

func TestSlowHandlersPauseTheirClient(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			const limit, n = 8, 200
			block := make(chan struct{})
			done := make(chan int, n)
			_, addr := newServer(t, &sio.Options{MaxPending: limit}, func(s *sio.Server) {
				s.Handle("work", func(e *sio.Event) error {
					<-block
					var i int
					err := e.Decode(&i)
					done <- i
					return err
				})
			})
			if transport == "websocket" {
				c, _ := connectWS(t, addr, "/")
				for i := range n {
					c.send(fmt.Sprintf(`42["work",%d]`, i))
				}
			} else {
				c := newPollClient(t, addr)
				c.post("40")
				c.get()
				held := make(chan bool, 1)
				go func() {
					for i := range n / limit {
						var events []string
						for j := range limit {
							events = append(events, fmt.Sprintf(`42["work",%d]`, i*limit+j))
						}
						c.post(strings.Join(events, "\x1e"))
					}
					held <- true
				}()
				defer recv(t, "the last POST", held)
			}
			close(block)
			for i := range n {
				if got := recv(t, "event", done); got != i {
					t.Fatalf("event %d came in place of %d", got, i)
				}
			}
		})
	}
}

func TestFallbackSharesThePort(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"socket.io.min.js": {Data: []byte("the client")}}
	_, addr := newServer(t, &sio.Options{
		ClientFiles: files,
		Fallback:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) }),
	}, echoServer)
	c := newPollClient(t, addr) // its keep-alive connection goes back and forth
	fetch := func(path string) (int, string) {
		res, err := c.http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	c.post("40")
	for range 5 {
		if status, body := fetch("/index.html"); status != 200 || body != "page /index.html" {
			t.Fatalf("page: %d %q", status, body)
		}
		if status, body := fetch("/socket.io/socket.io.min.js?v=1"); status != 200 || body != "the client" {
			t.Fatalf("client: %d %q", status, body)
		}
		c.post(`420["echo",1]`)
		if got := c.get(); !strings.HasSuffix(got, `430[1]`) && !strings.HasPrefix(got, "40{") {
			t.Fatalf("poll: %q", got)
		}
	}
	if status, body := fetch("/socket.io/socket.io.js"); status != 404 || !strings.Contains(body, "npm") {
		t.Errorf("missing client file: %d %q", status, body)
	}
}

func TestAllowRequest(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, &sio.Options{AllowRequest: func(r *http.Request) error {
		switch r.URL.Query().Get("as") {
		case "friend":
			return nil
		case "panic":
			panic("in AllowRequest")
		}
		return &sio.Error{Message: "nope"}
	}}, echoServer)
	for query, want := range map[string]string{
		"&as=friend": "HTTP/1.1 200 OK",
		"&as=foe":    `{"code":4,"message":"nope"}`,
		"&as=panic":  `{"code":4,"message":"Forbidden"}`,
	} {
		got := rawHTTP(t, addr, "GET /socket.io/?EIO=4&transport=polling"+query+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", query, got, want)
		}
	}
	c := dialWS(t, addr, "&as=friend", nil)
	c.wantPrefix("0")
}

func TestHandshakeData(t *testing.T) {
	t.Parallel()
	shakes := make(chan sio.Handshake, 1)
	later := make(chan sio.Handshake, 1)
	_, addr := newServer(t, &sio.Options{DropHandshake: true}, func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) { shakes <- s.Handshake() })
		s.Handle("again", func(e *sio.Event) error { later <- e.Socket().Handshake(); return nil })
	})
	c := dialWS(t, addr, "&token=a%20b", http.Header{"X-Thing": {"1"}, "Origin": {"http://" + addr}})
	c.wantPrefix("0")
	c.send(`40{"user":"ann"}`)
	c.wantPrefix("40")
	h := recv(t, "handshake", shakes)
	if h.Headers.Get("X-Thing") != "1" || h.Query.Get("token") != "a b" || h.Query.Get("EIO") != "4" ||
		string(h.Auth) != `{"user":"ann"}` || !h.Address.Addr().IsLoopback() || !h.XDomain || h.Secure ||
		!strings.HasPrefix(h.URL, "/socket.io/?EIO=4") || time.Since(h.Issued) > time.Minute {
		t.Errorf("got %+v", h)
	}
	c.send(`42["again"]`)
	if h := recv(t, "handshake", later); h.Headers != nil || string(h.Auth) != `{"user":"ann"}` {
		t.Errorf("after DropHandshake: %+v", h)
	}
}

func TestEncodeOnceSendToMany(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, func(s *sio.Server) { s.Of("/other") })
	a, _ := connectWS(t, addr, "/")
	b, id := connectWS(t, addr, "/other")
	m, err := sio.Encode("news", "text", []byte{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	for range 3 {
		if err := errors.Join(srv.Root().Send(m), srv.Of("other").To(id).Send(m)); err != nil {
			t.Fatal(err)
		}
		a.want(`451-["news","text",{"_placeholder":true,"num":0}]`)
		a.wantBinary([]byte{1, 2})
		b.want(`451-/other,["news","text",{"_placeholder":true,"num":0}]`)
		b.wantBinary([]byte{1, 2})
	}
}

func TestJoinThenEmitFromOneGoroutine(t *testing.T) {
	t.Parallel()
	const n = 200
	srv, addr := newServer(t, nil, nil)
	c, id := connectWS(t, addr, "/")
	sockets, err := srv.To(id).Sockets(context.Background())
	if err != nil || len(sockets) != 1 {
		t.Fatal(len(sockets), err)
	}
	for i := range n {
		room := fmt.Sprint("room", i)
		err := errors.Join(sockets[0].Join(room), srv.To(room).Emit("n", i), sockets[0].Leave(room), srv.To(room).Emit("never"))
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		c.want(fmt.Sprintf(`42["n",%d]`, i))
	}
	if got := sockets[0].Rooms(); !slices.Equal(got, []string{id}) {
		t.Errorf("rooms in the end: %q", got)
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	srv, err := sio.NewServer(&sio.Options{Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(chan sio.DisconnectReason, 2)
	srv.Root().OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { reasons <- r })
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Wait() }()
	c, _ := connectWS(t, a.String(), "/")
	p := newPollClient(t, a.String())
	p.post("40")
	p.get()
	answer := make(chan string, 1)
	go func() { answer <- p.get() }()
	eventually(t, "the poll is parked", func() bool { return srv.Stats().Requests >= 5 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(ctx) }()
	c.wantClose(0) // no DISCONNECT in front of it: clients reconnect
	_ = c.conn.Close()
	if got := recv(t, "the poll's answer", answer); got != "1" {
		t.Errorf("the pending poll got %q, want 1", got)
	}
	if err := recv(t, "Shutdown", stopped); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for range 2 {
		if r := recv(t, "disconnect", reasons); r != sio.ReasonServerShutdown {
			t.Errorf("reason %q", r)
		}
	}
	if err := recv(t, "Wait", served); !errors.Is(err, sio.ErrServerClosed) {
		t.Errorf("Wait: %v", err)
	}
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, sio.ErrServerClosed) {
		t.Errorf("Listen after Shutdown: %v", err)
	}
	if st := srv.Stats(); st.SocketsClosed != 2 || st.Connections != 0 {
		t.Errorf("final stats: %+v", st)
	}
}

func TestCloseDoesNotWaitForHandlers(t *testing.T) {
	t.Parallel()
	block, entered := make(chan struct{}), make(chan struct{})
	defer close(block)
	srv, err := sio.NewServer(&sio.Options{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("hang", func(*sio.Event) error { close(entered); <-block; return nil })
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := connectWS(t, a.String(), "/")
	c.send(`42["hang"]`)
	recv(t, "handler", entered)
	if err := srv.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, nil, nil)
	srv, err := sio.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Listen("tcp", addr); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("taken port: got %v", err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}
