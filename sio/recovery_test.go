package sio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

func recovering() *sio.Options {
	return &sio.Options{ConnectionStateRecovery: &sio.RecoveryOptions{}}
}

// A known is what a client remembers of its socket in "/".
type known struct {
	SID, PID string
	offset   string // of the last event that it was sent
}

// auth is what the client shows to be recovered.
func (k *known) auth() string {
	if k.offset == "" {
		return fmt.Sprintf(`{"pid":%q}`, k.PID)
	}
	return fmt.Sprintf(`{"pid":%q,"offset":%q}`, k.PID, k.offset)
}

// joinWS opens a WebSocket session and joins "/" with an auth payload. It
// returns what came in front of the answer, and the answer.
func joinWS(tb testing.TB, addr, auth string) (c *wsClient, missed []string, k known) {
	tb.Helper()
	c = dialWS(tb, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40" + auth)
	for {
		got := c.next()
		if body, ok := strings.CutPrefix(got, "40"); ok {
			if err := json.Unmarshal([]byte(body), &k); err != nil {
				tb.Fatalf("%q: %v", got, err)
			}
			return c, missed, k
		}
		missed = append(missed, got)
	}
}

// event reads an event, remembers its offset and returns the packet without it.
func (k *known) event(c *wsClient) string {
	c.t.Helper()
	return k.strip(c.t, c.next())
}

func (k *known) strip(tb testing.TB, packet string) string {
	tb.Helper()
	i := strings.LastIndex(packet, `,"`)
	if i < 0 || len(packet)-i != len(`,""]`)+12 {
		tb.Fatalf("%q has no offset", packet)
	}
	k.offset = packet[i+2 : len(packet)-2]
	return packet[:i] + "]"
}

// lose closes the connection and waits until the server has noticed.
func lose(tb testing.TB, srv *sio.Server, c *wsClient) {
	tb.Helper()
	closed := srv.Stats().SocketsClosed
	_ = c.conn.Close()
	eventually(tb, "the server notices", func() bool { return srv.Stats().SocketsClosed > closed })
}

func wantPackets(tb testing.TB, what string, got []string, want ...string) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

// stripAll takes the offsets off.
func (k *known) stripAll(tb testing.TB, packets []string) []string {
	tb.Helper()
	list := []string{}
	for _, p := range packets {
		list = append(list, k.strip(tb, p))
	}
	return list
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	sockets := make(chan *sio.Socket, 10)
	srv, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) {
			if !s.Recovered() {
				s.SetData("remembered")
				_ = s.Join("room", "other")
			}
			sockets <- s
		})
		s.Use(func(s *sio.Socket) error {
			if s.Recovered() {
				t.Error("the middlewares were asked about a recovered socket")
			}
			return nil
		})
	})
	c, _, k := joinWS(t, addr, "")
	first := recv(t, "the socket", sockets)
	if err := first.Emit("hello", 1, "x"); err != nil {
		t.Fatal(err)
	}
	if got := k.event(c); got != `42["hello",1,"x"]` {
		t.Fatalf("got %q", got)
	}
	if err := srv.Root().Volatile().Emit("gone", "a"); err != nil {
		t.Fatal(err)
	}
	c.want(`42["gone","a"]`) // not kept: no offset

	lose(t, srv, c)
	for _, err := range []error{
		srv.Emit("all"),
		srv.To("room").Emit("room", []byte{1, 2}),
		srv.To("elsewhere").Emit("not for it"),
		srv.Root().Except("other").Emit("not for it"),
		srv.Root().Volatile().Emit("not kept"),
		srv.To(k.SID).Emit("id"),
		first.Emit("socket"),
		first.Send(message(t, "message", "m")),
		srv.To("room", "other").Emit("both", map[string]any{"a": 1}),
		first.Volatile().Broadcast().Emit("not for it"),
		first.To("room").Emit("not for it"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}

	c = dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40" + k.auth())
	if got := k.event(c); got != `42["all"]` {
		t.Fatalf("got %q", got)
	}
	if got := k.event(c); got != `451-["room",{"_placeholder":true,"num":0}]` {
		t.Fatalf("got %q", got)
	}
	c.wantBinary([]byte{1, 2})
	for _, want := range []string{`42["id"]`, `42["socket"]`, `42["message","m"]`, `42["both",{"a":1}]`} {
		if got := k.event(c); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	c.want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, k.SID, k.PID))

	second := recv(t, "the recovered socket", sockets)
	rooms := second.Rooms()
	slices.Sort(rooms)
	want := []string{k.SID, "other", "room"}
	slices.Sort(want)
	if !second.Recovered() || second.ID() != k.SID || second.Data() != "remembered" || !slices.Equal(rooms, want) {
		t.Errorf("recovered %v, id %q, data %v, rooms %q", second.Recovered(), second.ID(), second.Data(), rooms)
	}
	// By its id, its rooms, itself, and the socket that it was.
	for _, emit := range []func(string, ...any) error{
		srv.To(k.SID).Emit, srv.To("room").Emit, second.Emit, first.Emit, srv.Emit,
	} {
		if err := emit("live"); err != nil {
			t.Fatal(err)
		}
		if got := k.event(c); got != `42["live"]` {
			t.Fatalf("got %q", got)
		}
	}
	st := srv.Stats()
	if st.Recoveries != 1 || st.RecoveriesRefused != 0 || st.RecoveryReplays != 6 || st.RecoveryEvents == 0 || st.RecoveryBytes == 0 {
		t.Errorf("%+v", st)
	}
}

func message(tb testing.TB, event string, args ...any) *sio.Message {
	tb.Helper()
	m, err := sio.Encode(event, args...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(m.Release)
	return m
}

func TestRecoveryOfAClientThatHasReceivedNothing(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, recovering(), nil)
	_ = srv.Emit("before anybody came")
	w, _, _ := joinWS(t, addr, "")
	_ = srv.Emit("before it came")
	w.wantPrefix(`42["before it came"`)
	c, _, k := joinWS(t, addr, "")
	for range 2 {
		lose(t, srv, c)
		var missed []string
		var again known
		c, missed, again = joinWS(t, addr, k.auth())
		if again.SID != k.SID || again.PID != k.PID || len(missed) != 0 {
			t.Fatalf("got %+v and %q, want %+v", again, missed, k)
		}
	}
	_ = srv.Emit("sent")
	k.event(c)
	lose(t, srv, c)
	_ = srv.Emit("missed")
	// It says that it never got what was sent: that is sent again.
	k.offset = ""
	_, missed, again := joinWS(t, addr, k.auth())
	wantPackets(t, "missed", k.stripAll(t, missed), `42["sent"]`, `42["missed"]`)
	if again.SID != k.SID {
		t.Errorf("not recovered: %+v", again)
	}
}

func TestRecoveryIsRefused(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.Handle("leave", func(e *sio.Event) error { e.Socket().Disconnect(false); return nil })
		s.Handle("hi", func(e *sio.Event) error { return e.Socket().Emit("hi") })
	})
	refused := uint64(0)
	for _, tc := range []struct {
		name string
		end  func(*wsClient)
		auth func(*known) string
	}{
		{"left by itself", func(c *wsClient) { c.send("41") }, nil},
		{"disconnected by the server", func(c *wsClient) { c.send(`42["leave"]`); c.want("41") }, nil},
		{"unparsable packet", func(c *wsClient) { c.send("x") }, nil},
		{"unknown pid", nil, func(k *known) string { return `{"pid":"abcdefghijabcdefghij","offset":"` + k.offset + `"}` }},
		{"the pid is not the sid", nil, func(k *known) string { return `{"pid":"` + k.SID + `","offset":"` + k.offset + `"}` }},
		{"offset of nobody", nil, func(k *known) string { return `{"pid":"` + k.PID + `","offset":"AAAAAAAAAAAA"}` }},
		{"no offset", nil, func(k *known) string { return `{"pid":"` + k.PID + `","offset":"x"}` }},
		{"offset of another type", nil, func(k *known) string { return `{"pid":"` + k.PID + `","offset":1}` }},
		{"pid of another type", nil, func(*known) string { return `{"pid":1,"offset":"AAAAAAAAAAAA"}` }},
		{"null", nil, func(k *known) string { return `{"pid":"` + k.PID + `","offset":null}` }},
	} {
		c, _, k := joinWS(t, addr, "")
		c.send(`42["hi"]`)
		k.event(c)
		if tc.end != nil {
			closed := srv.Stats().SocketsClosed
			tc.end(c)
			eventually(t, "the socket closes", func() bool { return srv.Stats().SocketsClosed > closed })
			_ = c.conn.Close()
		} else {
			lose(t, srv, c)
		}
		auth := k.auth()
		if tc.auth != nil {
			auth = tc.auth(&k)
		}
		_, missed, again := joinWS(t, addr, auth)
		if again.SID == k.SID || again.PID == k.PID || again.PID == "" || len(missed) != 0 {
			t.Errorf("%s: got %+v with %q after %+v", tc.name, again, missed, k)
		}
	}
	if st := srv.Stats(); st.Recoveries != 0 || st.RecoveriesRefused == refused {
		t.Errorf("%d recovered, %d refused", st.Recoveries, st.RecoveriesRefused)
	}
}

// TestRecoveryIsForOne: what was recovered is not there any more for another
// claim; that one takes the live socket over.
func TestRecoveryIsForOne(t *testing.T) {
	t.Parallel()
	reasons := make(chan sio.DisconnectReason, 10)
	srv, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.Root().OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { reasons <- r })
	})
	c, _, k := joinWS(t, addr, "")
	_ = srv.Emit("one")
	k.event(c)
	lose(t, srv, c)
	recv(t, "the end of the first", reasons)
	_ = srv.Emit("two")

	second, missed, again := joinWS(t, addr, k.auth())
	wantPackets(t, "second", k.stripAll(t, missed), `42["two"]`)
	third, missed, last := joinWS(t, addr, k.auth())
	wantPackets(t, "third", missed)
	if again.SID != k.SID || last.SID != k.SID {
		t.Errorf("recovered %+v and %+v from %+v", again, last, k)
	}
	if r := recv(t, "the end of the second", reasons); r != sio.ReasonTransportClose {
		t.Errorf("taken over: %q", r)
	}
	second.wantClose(0)
	_ = srv.Emit("three")
	if got := k.event(third); got != `42["three"]` {
		t.Errorf("got %q", got)
	}
	if st := srv.Stats(); st.Sockets != 1 {
		t.Errorf("%d sockets, want 1", st.Sockets)
	}
}

// TestRecoveryBeforeTheLossIsNoticed takes over from whatever loop to whatever.
func TestRecoveryBeforeTheLossIsNoticed(t *testing.T) {
	t.Parallel()
	var order orderBook
	srv, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) { order.add("connection") })
		s.Root().OnDisconnect(func(s *sio.Socket, _ sio.DisconnectReason) { order.add("disconnect") })
	})
	c, _, k := joinWS(t, addr, "")
	const rounds = 40
	for i := range rounds {
		_ = srv.Emit("seen", i)
		if got := k.event(c); got != fmt.Sprintf(`42["seen",%d]`, i) {
			t.Fatalf("got %q", got)
		}
		_ = srv.Emit("lost on the way", i) // sent to a connection that nobody reads
		next, missed, again := joinWS(t, addr, k.auth())
		wantPackets(t, "missed", k.stripAll(t, missed), fmt.Sprintf(`42["lost on the way",%d]`, i))
		if again.SID != k.SID || again.PID != k.PID {
			t.Fatalf("round %d: %+v, want %+v", i, again, k)
		}
		c = next
	}
	eventually(t, "the last connection", func() bool { return order.len() == 2*rounds+1 })
	for i, what := range order.list() {
		if want := [2]string{"connection", "disconnect"}[i%2]; what != want {
			t.Fatalf("event %d is %s: a socket was connected before its forerunner was gone", i, what)
		}
	}
	if st := srv.Stats(); st.Sockets != 1 || st.Recoveries != rounds {
		t.Errorf("%d sockets, %d recoveries", st.Sockets, st.Recoveries)
	}
}

// TestRecoveryWaitsForHooks: the data that hooks leave is what the next socket
// finds.
func TestRecoveryWaitsForHooks(t *testing.T) {
	t.Parallel()
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	data := make(chan any, 2)
	srv, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) { data <- s.Data() })
		s.Root().OnDisconnect(func(s *sio.Socket, _ sio.DisconnectReason) {
			select {
			case held <- struct{}{}:
			default:
			}
			<-hold
			s.SetData("late")
		})
	})
	t.Cleanup(func() {
		select {
		case <-hold:
		default:
			close(hold)
		}
	})
	c, _, k := joinWS(t, addr, "")
	recv(t, "the first", data)
	lose(t, srv, c)
	recv(t, "the hook", held)
	rival := dialWS(t, addr, "", nil)
	rival.wantPrefix(`0{"sid":"`)
	rival.send("40" + k.auth())
	// A later claim goes before an earlier one, which is told to begin anew.
	c = dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	refused := srv.Stats().RecoveriesRefused
	c.send("40" + k.auth())
	rival.wantPrefix(`40{"sid":"`)
	if got := recv(t, "the rival's data", data); got != nil {
		t.Errorf("the rival has %v", got)
	}
	close(hold)
	c.want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, k.SID, k.PID))
	if got := recv(t, "the data", data); got != "late" {
		t.Errorf("recovered %v", got)
	}
	if st := srv.Stats(); st.RecoveriesRefused != refused+1 || st.Recoveries != 1 {
		t.Errorf("%d refused, %d recovered", st.RecoveriesRefused, st.Recoveries)
	}
}

func TestRecoveryWithMiddlewares(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.ConnectionStateRecovery.RunMiddlewares = true
	inside, goOn := make(chan *sio.Socket), make(chan error)
	srv, addr := newServer(t, o, func(s *sio.Server) {
		s.Use(func(s *sio.Socket) error {
			if !s.Recovered() {
				return s.Join("kept", "left")
			}
			inside <- s
			_ = s.Leave("left")
			return <-goOn
		})
	})
	c, _, k := joinWS(t, addr, "")
	lose(t, srv, c)
	_ = srv.To("kept").Emit("missed")
	_ = srv.To("left").Emit("missed, and not for it any more")

	c = dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40" + k.auth())
	if s := recv(t, "the middleware", inside); s.ID() != k.SID || s.Connected() {
		t.Errorf("id %q, connected %v", s.ID(), s.Connected())
	}
	_ = srv.To("kept").Emit("meanwhile")
	goOn <- nil
	for _, want := range []string{`42["missed"]`, `42["meanwhile"]`} {
		if got := k.event(c); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	c.want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, k.SID, k.PID))

	// A client that goes away meanwhile can come back.
	lose(t, srv, c)
	c = dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40" + k.auth())
	recv(t, "the middleware", inside)
	_ = c.conn.Close()
	eventually(t, "the connection ends", func() bool { return srv.Stats().Sessions == 0 })
	goOn <- nil
	_ = srv.To("kept").Emit("later")
	c = dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.send("40" + k.auth())
	recv(t, "the middleware", inside)
	goOn <- &sio.Error{Message: "no more"}
	c.want(`44{"message":"no more"}`)
	// One that was refused cannot.
	_, _, again := joinWS(t, addr, k.auth())
	if again.SID == k.SID {
		t.Error("a client that was refused was recovered")
	}
}

func TestRecoveryOfEmitsInMiddlewares(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.Use(func(s *sio.Socket) error { return s.Emit("welcome") })
	})
	_, early, _ := joinWS(t, addr, "")
	wantPackets(t, "in front of the CONNECT", early, `42["welcome"]`)
}

func TestRecoveryExpires(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.ConnectionStateRecovery.MaxDisconnectionDuration = 100 * time.Millisecond
	o.PingInterval, o.PingTimeout = 100*time.Millisecond, 100*time.Millisecond
	srv, addr := newServer(t, o, nil)
	c, _, k := joinWS(t, addr, "")
	_ = srv.Emit("event")
	k.event(c)
	lose(t, srv, c)
	eventually(t, "the lost socket is forgotten", func() bool { return srv.Stats().RecoverySockets == 0 })
	_, _, again := joinWS(t, addr, k.auth())
	if again.SID == k.SID {
		t.Error("recovered after the time was up")
	}
	_ = srv.Emit("event")
	eventually(t, "the events are forgotten", func() bool {
		st := srv.Stats()
		return st.RecoveryEvents == 0 && st.RecoveryBytes == 0
	})
	if st := srv.Stats(); st.RecoveryEvictions != 0 {
		t.Errorf("%d evictions", st.RecoveryEvictions)
	}
}

// TestRecoveryOfAnIdleClient: it does not matter how old the last event is that
// a client has received, nor what others were sent since.
func TestRecoveryOfAnIdleClient(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.ConnectionStateRecovery.MaxBytes = 20_000
	srv, addr := newServer(t, o, nil)
	c, _, k := joinWS(t, addr, "")
	_ = srv.Emit("event")
	k.event(c)
	for range 100 {
		_ = srv.To("others").Emit("event", strings.Repeat("x", 500))
	}
	if st := srv.Stats(); st.RecoveryEvictions == 0 || st.RecoveryBytes > 20_000 {
		t.Fatalf("%d evictions, %d bytes", st.RecoveryEvictions, st.RecoveryBytes)
	}
	lose(t, srv, c)
	_ = srv.Emit("missed")
	_, missed, again := joinWS(t, addr, k.auth())
	wantPackets(t, "missed", k.stripAll(t, missed), `42["missed"]`)
	if again.SID != k.SID {
		t.Error("not recovered")
	}
}

func TestRecoveryIsBounded(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.ConnectionStateRecovery.MaxBytes = 50_000
	srv, addr := newServer(t, o, func(s *sio.Server) {
		s.OnConnection(func(s *sio.Socket) { _ = s.Join("a room with a rather long name, of " + s.ID()) })
	})
	c, _, k := joinWS(t, addr, "")
	_ = srv.Emit("event")
	k.event(c)
	lose(t, srv, c)
	_ = srv.Emit("missed")
	for range 200 {
		_ = srv.To("others").Emit("event", strings.Repeat("x", 1000))
	}
	st := srv.Stats()
	if st.RecoveryBytes > 100_000 || st.RecoveryEvictions < 100 || st.RecoveryEvents > 50 {
		t.Errorf("%d bytes, %d evictions, %d events", st.RecoveryBytes, st.RecoveryEvictions, st.RecoveryEvents)
	}
	_, missed, again := joinWS(t, addr, k.auth())
	if again.SID == k.SID || len(missed) > 0 {
		t.Errorf("recovered with %q though what it has missed is gone", missed)
	}
	// An event that is too large to be kept at all.
	_ = srv.Emit("large", strings.Repeat("x", 60_000))
	if st := srv.Stats(); st.RecoveryEvents != 0 {
		t.Errorf("%d events are kept", st.RecoveryEvents)
	}
	// Sockets.
	evictions := srv.Stats().RecoveryEvictions
	for range 150 {
		c, _, _ := joinWS(t, addr, "")
		_ = c.conn.Close()
	}
	eventually(t, "lost sockets make way", func() bool {
		st := srv.Stats()
		return st.Sockets <= 1 && st.RecoveryEvictions > evictions && st.RecoverySockets < 100 && st.RecoveryBytes < 100_000
	})
}

// TestRecoveryOfMoreThanMaxQueue: what is more than a connection may be sent is
// not sent.
func TestRecoveryOfMoreThanMaxQueue(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.MaxQueue = 10_000
	srv, addr := newServer(t, o, nil)
	c, _, k := joinWS(t, addr, "")
	lose(t, srv, c)
	for range 30 {
		_ = srv.Emit("event", strings.Repeat("x", 500))
	}
	_, missed, again := joinWS(t, addr, k.auth())
	if again.SID == k.SID || len(missed) > 0 {
		t.Errorf("recovered with %d events", len(missed))
	}
}

func TestRecoveryOfKeyedEvents(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, recovering(), nil)
	c, _, k := joinWS(t, addr, "")
	_ = srv.Root().Latest("price").Emit("price", 1)
	c.want(`42["price",1]`)
	srv.Root().SetSlowConsumer(sio.SlowConflate)
	_ = srv.Emit("price", 2)
	c.want(`42["price",2]`)
	srv.Root().SetSlowConsumer(sio.SlowDropOldest)
	_ = srv.Emit("price", 3)
	if got := k.event(c); got != `42["price",3]` {
		t.Errorf("got %q", got)
	}
}

func TestRecoveryIsOff(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, nil)
	c, _, k := joinWS(t, addr, `{"pid":"abcdefghijabcdefghij","offset":"AAAAAAAAAAAA"}`)
	if k.PID != "" {
		t.Errorf("pid %q", k.PID)
	}
	_ = srv.Emit("event")
	c.want(`42["event"]`)
}

func TestRecoveryOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []sio.RecoveryOptions{{MaxBytes: -1}, {MaxDisconnectionDuration: -1}} {
		if _, err := sio.NewServer(&sio.Options{ConnectionStateRecovery: &o}); err == nil || !strings.Contains(err.Error(), "ConnectionStateRecovery.") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestRecoveryOverPolling also shows that a recovered session without a poll
// keeps what it missed.
func TestRecoveryOverPolling(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, recovering(), nil)
	c, _, k := joinWS(t, addr, "")
	_ = srv.Emit("one")
	k.event(c)
	lose(t, srv, c)
	_ = srv.Emit("two")
	_ = srv.Emit("three", []byte("x"))
	p := newPollClient(t, addr)
	p.post("40" + k.auth())
	packets := strings.Split(p.get(), "\x1e")
	if len(packets) != 4 || k.strip(t, packets[0]) != `42["two"]` ||
		k.strip(t, packets[1]) != `451-["three",{"_placeholder":true,"num":0}]` || packets[2] != "beA==" ||
		packets[3] != fmt.Sprintf(`40{"sid":%q,"pid":%q}`, k.SID, k.PID) {
		t.Errorf("got %q", packets)
	}
}

// TestRecoveryOrderOfOneGoroutine: what a goroutine asks for happens in its
// order, events or not, while others emit all the time.
func TestRecoveryOrderOfOneGoroutine(t *testing.T) {
	t.Parallel()
	sockets := make(chan *sio.Socket, 1)
	srv, addr := newServer(t, recovering(), func(s *sio.Server) {
		s.Root().Inline().Handle("noise", func(e *sio.Event) error { return s.Emit("noise") })
		s.OnConnection(func(s *sio.Socket) {
			select {
			case sockets <- s:
			default:
			}
		})
	})
	c, _ := connectWS(t, addr, "/")
	s := recv(t, "the socket", sockets)
	ctx, stop := context.WithCancel(t.Context())
	noise := make(chan struct{})
	loud, _ := connectWS(t, addr, "/")
	go func() { // stops with ctx
		defer close(noise)
		for ctx.Err() == nil {
			loud.send(`42["noise"]`)
			_ = srv.Emit("noise")
			loud.next()
			loud.next()
		}
	}()
	for i := range 300 {
		room := fmt.Sprint("room ", i)
		_ = s.Join(room)
		_ = srv.To(room).Emit("joined", i)
		_ = s.EmitAck("acked", func(*sio.Reply, error) {}, i)
		_ = s.Emit("plain", i)
		_ = srv.Root().Latest("key").Emit("keyed", i)
		_ = s.Leave(room)
		_ = srv.To(room).Emit("left", i)
		_ = srv.To(s.ID()).Emit("last", i)
	}
	for i := range 300 {
		for _, want := range []string{
			fmt.Sprintf(`42["joined",%d,`, i), fmt.Sprintf(`42%d["acked",%d]`, i, i), fmt.Sprintf(`42["plain",%d,`, i),
			fmt.Sprintf(`42["keyed",%d]`, i), fmt.Sprintf(`42["last",%d,`, i),
		} {
			got := c.next()
			for strings.HasPrefix(got, `42["noise"`) {
				got = c.next()
			}
			if !strings.HasPrefix(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	}
	stop()
	_ = loud.conn.SetDeadline(time.Now().Add(patience))
	_ = srv.Emit("noise")
	<-noise
}

// TestRecoveryInMsgpack: the offset is the last argument there, too.
func TestRecoveryInMsgpack(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.Parser = sio.ParserMsgpack
	srv, addr := newServer(t, o, nil)
	c := dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.sendBinary([]byte("\x82\xa4type\x00\xa3nsp\xa1/"))
	answer := string(c.frame().Payload)
	_, pid, ok := strings.Cut(answer, "\xa3pid\xb4")
	if !ok {
		t.Fatalf("%q has no pid", answer)
	}
	_ = srv.Emit("a", "x")
	_ = srv.Root().Send(message(t, "a", "x"))
	var offset string
	for range 2 {
		got := string(c.frame().Payload)
		if !strings.HasPrefix(got, "\x83\xa4type\x02\xa4data\x93\xa1a\xa1x\xac") || !strings.HasSuffix(got, "\xa3nsp\xa1/") {
			t.Fatalf("got %q", got)
		}
		offset = got[len(got)-18 : len(got)-6]
	}
	lose(t, srv, c)
	_ = srv.Emit("missed")
	c = dialWS(t, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	c.sendBinary([]byte("\x83\xa4type\x00\xa4data\x82\xa3pid\xb4" + pid[:20] + "\xa6offset\xac" + offset + "\xa3nsp\xa1/"))
	if got := string(c.frame().Payload); !strings.Contains(got, "\xa6missed\xac") {
		t.Errorf("got %q", got)
	}
	if got := string(c.frame().Payload); got != answer {
		t.Errorf("got %q, want %q", got, answer)
	}
}
