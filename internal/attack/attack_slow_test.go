//go:build unix

package attack_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// shortWrites are options with which a client that does not read is given up
// soon.
func shortWrites() *sio.Options { return &sio.Options{WriteTimeout: 300 * time.Millisecond} }

// setReadBuffer makes the window of a connection small.
func setReadBuffer(c net.Conn) error { return c.(*net.TCPConn).SetReadBuffer(4 << 10) }

// wake makes the window of a slow client large, which is about to read.
func (w *wire) wake() { _ = w.c.(*net.TCPConn).SetReadBuffer(4 << 20) }

// slow connects a client with a small window to the namespace "/". It is slow
// as long as the test does not read.
func (s *site) slow() (w *ws, id string) {
	s.t.Helper()
	w = openWS(s, "")
	if err := setReadBuffer(w.c); err != nil {
		s.t.Fatal(err)
	}
	w.wantPrefix(`0{"sid":"`)
	id = w.join()
	return w, id
}

// filler is what a client that does not read is sent.
var filler = strings.Repeat("x", 64<<10)

// block emits to a socket until its connection takes no more, and returns how
// many times.
func (s *site) block(id string) int {
	s.t.Helper()
	drops := s.figure("VolatileDrops")
	for n := 1; ; n++ {
		if err := s.srv.To(id).Emit("fill", filler); err != nil {
			s.t.Fatal(err)
		}
		s.turn()
		if err := s.srv.To(id).Volatile().Emit("probe"); err != nil {
			s.t.Fatal(err)
		}
		s.turn()
		if s.figure("VolatileDrops") > drops {
			return n
		}
		if n > 1000 {
			s.t.Fatal("the connection takes everything although nobody reads")
		}
	}
}

// turn waits until every loop has ended the turn that it is in.
func (s *site) turn() {
	s.t.Helper()
	for _, b := range s.bystanders {
		b.roundTrip()
	}
}

// socket returns the socket with the id.
func (s *site) socket(id string) *sio.Socket {
	s.t.Helper()
	list, err := s.srv.To(id).Sockets(s.t.Context())
	if err != nil || len(list) != 1 {
		s.t.Fatalf("%d sockets with the id %s, %v", len(list), id, err)
	}
	return list[0]
}

// TestA83StalledWebSocket blocks a connection with less than MaxQueue: it is
// given up when it has taken nothing for WriteTimeout.
func TestA83StalledWebSocket(t *testing.T) {
	t.Parallel()
	s := serve(t, shortWrites())
	w, id := s.slow()
	s.block(id)
	_ = s.srv.To(id).Emit("one more") // somebody goes on sending
	s.wantReason("slow consumer")
	s.wantCounted(1, "WriteStalls")
	if n := s.grown("SlowConsumers"); n != 0 {
		t.Errorf("%d slow consumers although MaxQueue was not reached", n)
	}
	w.wantGone()
	s.wantCalm()
}

// TestA110EmitsNobodyReads emits without an end to a client that does not read.
func TestA110EmitsNobodyReads(t *testing.T) {
	t.Parallel()
	const limit = 512 << 10
	s := serve(t, &sio.Options{MaxQueue: limit})
	w, id := s.slow()
	socket := s.socket(id)
	var err error
	sent := 0
	for ; err == nil && sent < 1<<30; sent += len(filler) {
		if err = socket.Emit("fill", filler); err == nil {
			s.turn()
		}
		if n := s.figure("LivePackets"); exclusive() && n > 2*limit/int64(len(filler)) {
			t.Fatalf("%d packets wait for one client", n)
		}
	}
	if !errors.Is(err, sio.ErrSlowConsumer) && !errors.Is(err, sio.ErrSocketClosed) {
		t.Errorf("Emit: %v after %d bytes", err, sent)
	}
	s.wantReason("slow consumer")
	s.wantCounted(1, "SlowConsumers")
	_ = w.c.Close()

	// Many at once, from a handler that does not look at the error.
	w, id = s.slow()
	for range 1000 {
		_ = s.srv.To(id).Emit("fill", filler)
	}
	s.wantCounted(2, "SlowConsumers")
	_ = w.c.Close()

	// On polling: nobody polls.
	p := s.joined()
	ids := s.bystanderRooms()
	for range 16 {
		_ = s.srv.Root().Except(ids...).Emit("fill", filler)
	}
	s.wantCounted(3, "SlowConsumers")
	p.wantUnknown()
	p.leave()
	s.wantCalm()
}

// TestA110ManyQueues has many clients, none of which is over MaxQueue, hold more
// than MaxTotalQueue together: some of them go.
func TestA110ManyQueues(t *testing.T) {
	t.Parallel()
	const total = 1 << 20
	s := serve(t, &sio.Options{MaxTotalQueue: total, PingInterval: time.Hour}) // a ping would be a second packet
	pollers := make([]*poller, 8)
	for i := range pollers {
		pollers[i] = s.joined() // and polls no more
	}
	everyone := s.srv.Root().Except(s.bystanderRooms()...)
	sockets, err := everyone.Sockets(t.Context())
	if err != nil || len(sockets) != len(pollers) {
		t.Fatalf("%d sockets, %v", len(sockets), err)
	}
	for _, socket := range sockets { // one packet each, of their own
		if err := socket.Emit("fill", strings.Repeat(filler, 8)); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually("relief", func() bool { return s.figure("Sockets") <= loops+2 })
	s.wantReason("slow consumer")
	s.turn()
	if err := everyone.Disconnect(true); err != nil {
		t.Fatal(err)
	}
	s.wantCounted(0, "SlowConsumers")
	s.eventually("the end of those that were left", func() bool {
		for _, p := range pollers { // who is asked to go learns of it with its GETs
			w := s.dial()
			w.write(get(p.query(), "Connection: close\r\n"))
			_, _, _ = w.response("GET")
			_ = w.c.Close()
		}
		return s.figure("Sessions") == loops
	})
	for _, p := range pollers {
		p.leave()
	}
	s.wantCalm()
}

func TestA111VolatileToAStalledClient(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	w, id := s.slow()
	sent := s.block(id)
	before := s.stats()
	const n = 500
	for range n {
		if err := s.srv.To(id).Volatile().Emit("volatile", filler); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually("all of them dropped", func() bool { return s.figure("VolatileDrops") == figure(before, "VolatileDrops")+n })
	if got, want := s.figure("PacketsOut"), figure(before, "PacketsOut"); got != want {
		t.Errorf("%d packets were queued", got-want)
	}
	_ = s.srv.To(id).Emit("end") // the queue is what it was, and this
	w.wake()
	for {
		op, p := w.next()
		if p == `42["end"]` {
			break
		}
		if strings.HasPrefix(p, `42["fill",`) {
			sent--
		} else if op != opText || p != `42["probe"]` {
			t.Fatalf("got opcode %d %.80q", op, p)
		}
	}
	if sent != 0 {
		t.Errorf("%d packets are missing", sent)
	}
	w.wantServed()
	_ = w.c.Close()
	p := s.joined() // on polling: no GET waits
	drops := s.figure("VolatileDrops")
	_ = s.srv.Root().Except(s.bystanderRooms()...).Volatile().Emit("volatile")
	s.eventually("a drop", func() bool { return s.figure("VolatileDrops") == drops+1 })
	p.wantAlive()
	p.end()
	s.wantCalm()
}

// TestA112HalfAPacket cuts a client off in the middle of packets with
// attachments. What arrived is whole packets in order, but for the last, which
// the end of the stream cuts.
func TestA112HalfAPacket(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{MaxQueue: 256 << 10})
	w, id := s.slow()
	attachment := []byte(strings.Repeat("a", 30_000))
	for i := range 400 {
		_ = s.srv.To(id).Emit("n", i, attachment, []byte("b"))
		if i%10 == 0 {
			s.turn()
		}
	}
	s.wantCounted(1, "SlowConsumers")
	w.wake()
	next, state := 0, 0 // state is what of the packet is there: its head, one attachment
	for {
		op, p, err := w.frame()
		if err != nil {
			break // the stream ends, maybe in the middle of a frame
		}
		var good bool
		switch state {
		case 0:
			good = op == opText && string(p) == fmt.Sprintf(`452-["n",%d,{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, next)
		case 1:
			good = op == opBinary && len(p) == len(attachment)
		case 2:
			good = op == opBinary && string(p) == "b"
			next++
		}
		if !good {
			t.Fatalf("packet %d, part %d: got opcode %d %.100q", next, state, op, p)
		}
		state = (state + 1) % 3
	}
	if next == 0 || next == 400 {
		t.Errorf("%d packets arrived: the test tests nothing", next)
	}
	s.wantReason("slow consumer")
	_ = w.c.Close()

	// Volatile packets are dropped whole.
	w, id = s.slow()
	s.block(id)
	for i := range 100 {
		_ = s.srv.To(id).Volatile().Emit("n", i, attachment)
	}
	s.turn()
	_ = s.srv.To(id).Emit("end")
	w.wake()
	for {
		op, p := w.next()
		if p == `42["end"]` {
			break
		}
		if op != opText || strings.HasPrefix(p, "45") {
			t.Fatalf("got opcode %d %.100q of a volatile packet", op, p)
		}
	}
	_ = w.c.Close()
	s.wantCalm()
}

// TestA96SlowMembersOfARoom broadcasts to a room of which some do not read.
func TestA96SlowMembersOfARoom(t *testing.T) {
	t.Parallel()
	const fast, deaf, rounds = 20, 4, 100
	s := serve(t, &sio.Options{MaxQueue: 1 << 20}, func(srv *sio.Server) {
		srv.OnConnection(func(socket *sio.Socket) {
			if socket.Handshake().Headers.Get("X-Bystander") == "" {
				_ = socket.Join("room")
			}
		})
	})
	var slow []*ws
	for range deaf {
		w, _ := s.slow()
		slow = append(slow, w)
	}
	got := make(chan int, fast)
	for range fast {
		w := s.connect()
		go func() { // ends when everything has come, or the connection breaks
			n := 0
			for n < rounds {
				op, p, err := w.frame()
				if err != nil {
					break
				}
				if op == opText && strings.HasPrefix(string(p), `42["round",`) {
					n++
				}
			}
			_ = w.c.Close()
			got <- n
		}()
	}
	s.eventually("the room", func() bool { return s.grown("SocketsOpened") == fast+deaf })
	s.turn()
	for range rounds {
		if err := s.srv.To("room").Emit("round", filler); err != nil {
			t.Fatal(err)
		}
		s.turn()
	}
	for range fast {
		if n := receive(t, got); n != rounds {
			t.Errorf("a member of the room got %d of %d packets", n, rounds)
		}
	}
	s.wantCounted(deaf, "SlowConsumers")
	s.eventually("the end of who does not read", func() bool { return s.figure("Sockets") == loops })
	for _, w := range slow {
		_ = w.c.Close()
	}
	s.wantCalm()
}

// TestFINFreesDescriptors closes connections of every kind with a bare FIN.
func TestFINFreesDescriptors(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	idle, partial, open, joined, p, probing := s.dial(), s.dial(), s.open(), s.connect(), s.joined(), s.joined()
	partial.write("GET " + path)
	inFrame := s.connect()
	inFrame.write("\x81\xfe")
	p.parked()
	probe := probing.upgradeTo()
	paused, release := s.paused()
	defer close(release)
	for _, c := range []net.Conn{idle.c, partial.c, open.c, joined.c, inFrame.c, p.gets.c, p.posts.c, probe.c, probing.gets.c, probing.posts.c} {
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, c) // the server closes too
	}
	s.eventually("only who is paused", func() bool { return s.figure("Connections") == loops+1 })
	s.drop(probing.sid)
	paused.reset()
	s.wantCounted(0, "SessionsClosed")
	s.wantReason("transport close")
	s.wantReason("transport error")
	s.wantCalm()
}

// paused connects a client whose events wait for a handler, so that it is not
// read any more.
func (s *site) paused() (*ws, chan struct{}) {
	s.t.Helper()
	release := make(chan struct{})
	w := s.open()
	id := w.join()
	started := make(chan struct{})
	s.socket(id).On("wait", func(*sio.Event) error {
		select {
		case started <- struct{}{}:
		default:
		}
		<-release
		return nil
	})
	go func() { _ = w.try(strings.Repeat(frames(fin|opText, `42["wait"]`), 1500)) }() // ends when it is read or cut off
	receive(s.t, started)
	return w, release
}

// TestSilentClients vanish without a FIN: nothing comes from them any more.
func TestSilentClients(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 2 * time.Second})
	w, _ := s.slow()
	blocked, id := s.slow()
	_ = s.srv.To(id).Emit("fill", strings.Repeat(filler, 30)) // more than it can be sent
	p := s.joined()
	p.parked()
	away := s.joined()
	away.leave()
	probed := s.joined()
	probe := probed.upgradeTo()
	probe.text("2probe")
	probe.want("3probe")
	probed.leave()
	s.wantCounted(5, "SocketsClosed")
	s.wantReason("ping timeout")
	w.wantPrefix("2")
	w.wantClose(0)
	if got := p.body(); got != "2" { // its GET was answered by the ping, and none followed
		t.Errorf("got %q, want a ping", got)
	}
	_ = blocked.c.Close()
	probe.wantClose(0)
	p.leave()
	s.wantCalm()
}
