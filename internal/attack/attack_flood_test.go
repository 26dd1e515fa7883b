//go:build unix

package attack_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gannet-io/gannet/sio"
)

// childEnv makes the test binary a server: see child.
const childEnv = "GANNET_ATTACK_CHILD"

// files is the limit of open files of a child.
const files = 300

// child is a server in a process of its own. It obeys lines on its standard
// input and answers each with its figures, until the input ends.
func child() int {
	err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: files})
	if err != nil {
		return fail(err)
	}
	srv, err := sio.NewServer(&sio.Options{Loops: loops, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fail(err)
	}
	handlers(srv)
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(a.String())
	var hoard []int
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "hoard": // take every descriptor but a few
			for fd, err := unix.Dup(0); err == nil; fd, err = unix.Dup(0) {
				hoard = append(hoard, fd)
			}
			for range 3 {
				_ = unix.Close(hoard[len(hoard)-1])
				hoard = hoard[:len(hoard)-1]
			}
		case "free":
			for _, fd := range hoard {
				_ = unix.Close(fd)
			}
			hoard = nil
		}
		_ = out.Encode(srv.Stats())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fail(err)
	}
	if st := srv.Stats(); st.Connections != 0 || st.Sessions != 0 || st.LivePackets != 0 {
		return fail(fmt.Errorf("after the shutdown: %+v", st))
	}
	return 0
}

func fail(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, "child:", err)
	return 1
}

// limited starts a child and invites bystanders to it.
func limited(t *testing.T) (s *site, command func(string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the child ended: %v", err)
		}
	})
	s = &site{t: t}
	answers := json.NewDecoder(out)
	if err := answers.Decode(&s.addr); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	ask := func(line string) sio.Stats {
		mu.Lock()
		defer mu.Unlock()
		var st sio.Stats
		if _, err := fmt.Fprintln(in, line); err != nil {
			t.Error(err)
		} else if err := answers.Decode(&st); err != nil {
			t.Error(err)
		}
		return st
	}
	s.stats = func() any { return ask("stats") }
	s.invite(sioBystander)
	return s, func(line string) { ask(line) }
}

// TestA85DescriptorFlood connects to a server that may have 300 descriptors
// until it refuses, and then takes all that are left away from it.
func TestA85DescriptorFlood(t *testing.T) {
	t.Parallel()
	s, command := limited(t)
	var in []*ws
	refused := int64(0)
	for range files {
		w := &ws{*s.dial()}
		w.write(upgrade("") + frames(fin|opText, "40"))
		if b, err := w.r.Peek(12); err == nil && string(b) == "HTTP/1.1 503" {
			w.wire.want(503, "")
			w.wantEOF()
			refused++
			continue
		}
		w.wantSwitch()
		w.wantPrefix(`0{"sid":"`)
		w.wantPrefix(`40{"sid":"`)
		in = append(in, w)
	}
	if want := files - 64 - len(s.bystanders); len(in) != want {
		t.Errorf("%d clients got in, want %d: all but 64 descriptors", len(in), want)
	}
	s.wantCounted(refused, "ConnectionsRefused")
	everybody := func() {
		t.Helper()
		for _, w := range in {
			w.wantServed()
		}
		s.turn()
	}
	everybody()
	for _, w := range in[50:] { // room again
		_ = w.c.Close()
	}
	in = in[:50]
	s.eventually("room", func() bool { return s.figure("Connections") == int64(50+len(s.bystanders)) })
	in = append(in, s.connect())

	// Now accept fails. Those who are in do not notice, and those who wait get
	// in as soon as there are descriptors again.
	command("hoard")
	var waiting []*ws
	for range 20 {
		w := &ws{*s.dial()} // the kernel takes them
		w.write(upgrade("") + frames(fin|opText, "40"))
		waiting = append(waiting, w)
	}
	s.wantCounted(0, "AcceptPauses")
	everybody()
	command("free")
	for _, w := range waiting {
		w.wantSwitch()
		w.wantPrefix(`0{"sid":"`)
		w.wantPrefix(`40{"sid":"`)
	}
	in = append(in, waiting...)
	everybody()
	for _, w := range in {
		_ = w.c.Close()
	}
	s.wantCalm()
}

func TestA87MoreThanMaxConns(t *testing.T) {
	t.Parallel()
	const limit = 20
	s := serve(t, &sio.Options{MaxConns: limit})
	var in []*ws
	for range limit - loops {
		in = append(in, s.connect())
	}
	const flood = 200
	for range flood {
		w := s.dial()
		_ = w.try(get(""))
		w.want(503, "")
		w.wantEOF()
	}
	for _, w := range in {
		w.wantServed()
		_ = w.c.Close()
	}
	s.wantCounted(flood, "ConnectionsRefused")
	s.wantCalm()
	_ = s.connect().c.Close() // there is room again
	s.wantCalm()
}

// TestCrowd has many clients connect as fast as they can: each gets its answer.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const n = 1500
	s := serve(t, nil)
	script := upgrade("") + frames(fin|opText, "40", `427["echo","here"]`)
	conns := make([]net.Conn, n)
	var crowd sync.WaitGroup
	var served atomic.Int64
	const dialers = 50
	for d := range dialers {
		crowd.Go(func() {
			for i := d; i < n; i += dialers {
				c, err := tryDial(s.addr)
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				conns[i] = c
				_ = c.SetDeadline(time.Now().Add(2 * patience))
				if _, err := io.WriteString(c, script); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
			}
			for i := d; i < n; i += dialers {
				w := &ws{wire{t, conns[i], bufio.NewReader(conns[i])}}
				head, err := w.r.ReadString('\n')
				for err == nil && head != "\r\n" {
					head, err = w.r.ReadString('\n')
				}
				var last []byte
				for k := 0; k < 3 && err == nil; k++ {
					_, last, err = w.frame()
				}
				if err != nil || string(last) != `437["here"]` {
					t.Errorf("client %d: got %q, %v", i, last, err)
					return
				}
				served.Add(1)
			}
		})
	}
	crowd.Wait()
	if got := served.Load(); got != n {
		t.Errorf("%d of %d clients were served", got, n)
	}
	if got := s.figure("Sockets"); got != n+loops {
		t.Errorf("%d sockets, want %d", got, n+loops)
	}
	s.turn()
	for _, c := range conns {
		if c != nil {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}
	s.wantCounted(n, "SocketsClosed")
	s.wantCalm()
}

// TestA90Churn has clients come and go in every way.
func TestA90Churn(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	ways := []func(c net.Conn){
		func(net.Conn) {},
		func(c net.Conn) { _, _ = io.WriteString(c, "GET ") },
		func(c net.Conn) { _, _ = io.WriteString(c, upgrade("")) },
		func(c net.Conn) { _, _ = io.WriteString(c, upgrade("")+frames(fin|opText, "40", `42["echo",1]`)) },
		func(c net.Conn) { _, _ = io.WriteString(c, upgrade("")+frames(fin|opText, "40", "41", "40", "4")) },
		func(c net.Conn) { _, _ = io.WriteString(c, upgrade("")+frames(fin|opClose, "\x03\xe8")) },
		func(c net.Conn) { _, _ = io.WriteString(c, "\xff\xff") },
		func(c net.Conn) { // a polling session, gone with its GET
			w := &wire{t, c, bufio.NewReader(c)}
			w.write(get(""))
			_, body, _ := w.response("GET")
			_, _ = io.WriteString(c, get("&sid="+between(body, `"sid":"`, `"`)))
		},
	}
	const rounds, clients = 40, 8
	var churn sync.WaitGroup
	for k := range clients {
		churn.Go(func() {
			for i := range rounds {
				c, err := tryDial(s.addr)
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				ways[(i+k)%len(ways)](c)
				if (i/len(ways)+k)%2 == 0 {
					_ = c.(*net.TCPConn).SetLinger(0)
				}
				_ = c.Close()
			}
		})
	}
	churn.Wait()
	// A GET that was never parked leaves its session to the heartbeat: it may
	// have been reset before it was read.
	s.eventually("no stray connection", func() bool { return s.figure("Connections") == loops })
	s.turn()
	if err := s.srv.Root().Except(s.bystanderRooms()...).Disconnect(true); err != nil {
		t.Fatal(err)
	}
	s.wantCounted(0, "SessionsOpened", "SessionsClosed")
	if n := s.figure("Polling"); n > rounds*clients/int64(len(ways)) {
		t.Errorf("%d polling sessions are left", n)
	}
	if ws := s.figure("WebSocket"); ws != loops {
		t.Errorf("%d WebSockets are left, want %d", ws, loops)
	}
}

// TestA91EventFlood floods the loops with events. The bystanders are served all
// the while, and so is everybody else.
func TestA91EventFlood(t *testing.T) {
	t.Parallel()
	var events atomic.Int64
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Root().Inline().Handle("tiny", func(*sio.Event) error { events.Add(1); return nil })
		srv.Handle("work", func(*sio.Event) error { events.Add(1); return nil })
	})
	stop := make(chan struct{})
	var floods sync.WaitGroup
	for i := range 3 {
		w := s.connect()
		flood := strings.Repeat(frames(fin|opText, []string{`42["tiny"]`, `42["work"]`, "3"}[i%3]), 5000)
		floods.Go(func() {
			for {
				select {
				case <-stop:
					_ = w.c.Close()
					return
				default:
				}
				if w.try(flood) != nil {
					t.Error("a flood of good events was cut off")
					return
				}
			}
		})
	}
	before := events.Load()
	for range 10 {
		s.turn()
	}
	during := events.Load() - before
	p := s.joined()
	p.wantAlive()
	p.end()
	close(stop)
	floods.Wait()
	if during == 0 {
		t.Error("no event was handled while the bystanders were: the test tests nothing")
	}
	s.wantCounted(0, "EventsIn")
	s.wantCalm()
}

// TestA92BlockedHandlers has the handlers of some sockets hang while their
// clients go on sending: they are read up to a bound.
func TestA92BlockedHandlers(t *testing.T) {
	t.Parallel()
	const pending = 64
	release := make(chan struct{})
	var handled atomic.Int64
	s := serve(t, &sio.Options{MaxPending: pending}, func(srv *sio.Server) {
		srv.Handle("heavy", func(*sio.Event) error { <-release; handled.Add(1); return nil })
	})
	const events, clients = 20_000, 4
	flood := strings.Repeat(frames(fin|opText, `42["heavy"]`), events)
	all := make([]*ws, clients)
	var writers sync.WaitGroup
	for i := range all {
		w := s.connect()
		all[i] = w
		writers.Go(func() { _ = w.try(flood) })
	}
	s.wantCounted(0, "EventsIn")
	for range 50 {
		s.turn()
	}
	// A read of 64 KiB that had begun is handled to its end.
	if n, most := s.grown("EventsIn"), int64(clients*(pending+(64<<10)/len(frames(fin|opText, `42["heavy"]`)))+200); n > most {
		t.Errorf("%d events were taken from clients whose handlers hang, want at most %d", n, most)
	}
	p := s.joined()
	p.wantAlive()
	p.end()
	close(release)
	s.eventually("every event", func() bool { return handled.Load() == events*clients })
	writers.Wait()
	for _, w := range all {
		w.wantServed()
		_ = w.c.Close()
	}
	s.wantCalm()
}

func TestA93ManyRoomsAndNamespaces(t *testing.T) {
	t.Parallel()
	const rooms, namespaces = 1000, 16
	results := make(chan error, 1)
	s := serve(t, &sio.Options{MaxRooms: rooms, MaxNamespaces: namespaces}, func(srv *sio.Server) {
		srv.Handle("join", func(e *sio.Event) error {
			var err error
			for i := 0; err == nil && i < 100*rooms; i++ {
				err = e.Socket().Join(fmt.Sprint("room ", i))
			}
			results <- err
			return e.Ack(len(e.Socket().Rooms()))
		})
		for i := range 2 * namespaces {
			srv.Of(fmt.Sprint("/n", i))
		}
	})
	w := s.connect()
	w.text(`421["join"]`)
	if err := receive(t, results); !errors.Is(err, sio.ErrTooManyRooms) {
		t.Errorf("Join: %v, want ErrTooManyRooms", err)
	}
	w.want(fmt.Sprintf("431[%d]", rooms+1)) // and that of its own id
	for i := range namespaces - 1 {
		w.text(fmt.Sprintf("40/n%d,", i))
		w.wantPrefix(fmt.Sprintf(`40/n%d,{"sid":"`, i))
	}
	w.text(fmt.Sprintf("40/n%d,", namespaces))
	w.wantClose(0)
	s.wantCounted(1, "PacketErrors")
	if n := s.figure("Sockets"); n > int64(loops+namespaces) {
		t.Errorf("%d sockets", n)
	}
	s.wantCalm()
}

// Names that a pattern allows are bounded in all, and those that a function
// refuses leave nothing.
func TestA93DynamicNamespaces(t *testing.T) {
	t.Parallel()
	const most, asked = 100, 5000
	s := serve(t, &sio.Options{MaxDynamicNamespaces: most, MaxNamespaces: 2 * asked}, func(srv *sio.Server) {
		srv.OfRegexp(regexp.MustCompile(`^/room-\d+$`))
		srv.OfFunc(func(string, json.RawMessage) (bool, error) { return false, nil })
	})
	w := s.connect()
	for _, name := range []string{"room", "no"} {
		go func() {
			var b strings.Builder
			for i := range asked {
				b.Write(frame(fin|opText, fmt.Sprintf("40/%s-%d,", name, i)))
			}
			_ = w.try(b.String())
		}()
		joined := 0
		for range asked { // refusals overtake answers, and the function decides in any order
			if _, text := w.next(); strings.HasPrefix(text, "40/room-") {
				joined++
			} else if !strings.HasPrefix(text, "44/"+name+"-") {
				t.Fatalf("got %q", text)
			}
		}
		if want := map[string]int{"room": most}[name]; joined != want {
			t.Errorf("%d namespaces of /%s-* were joined, want %d", joined, name, want)
		}
	}
	s.wantCounted(asked-most, "NamespacesRefused")
	s.wantCounted(2*asked-most, "ConnectsRefused")
	if n := s.figure("DynamicNamespaces"); n != most {
		t.Errorf("%d dynamic namespaces, want %d", n, most)
	}
	_ = w.c.Close()
	s.wantCalm()
}

func TestA94LongNames(t *testing.T) {
	t.Parallel()
	results := make(chan error, 1)
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Of("/" + strings.Repeat("n", 255))
		srv.Handle(strings.Repeat("e", 256), func(e *sio.Event) error { return e.Ack() })
		srv.Handle("join", func(e *sio.Event) error {
			var n int
			if err := e.Decode(&n); err != nil {
				return err
			}
			results <- errors.Join(e.Socket().Join("a", strings.Repeat("r", n)), srv.To(e.Socket().ID()).Join(strings.Repeat("r", n)))
			return e.Ack(len(e.Socket().Rooms()))
		})
	})
	for _, text := range []string{
		"40/" + strings.Repeat("n", 256) + ",", "40/" + strings.Repeat("n", 60_000) + ",", "42/" + strings.Repeat("n", 900_000) + `,["echo"]`,
		"40/" + strings.Repeat("n", 900_000), `42["` + strings.Repeat("e", 257) + `"]`, `42["` + strings.Repeat("e", 900_000) + `"]`,
		`42["` + strings.Repeat(`\u0065`, 257) + `"]`,
	} {
		w := s.connect()
		w.text(text)
		w.wantClose(0)
	}
	s.wantCounted(7, "PacketErrors")
	w := s.connect()
	w.text("40/" + strings.Repeat("n", 255) + ",")
	w.wantPrefix("40/" + strings.Repeat("n", 255) + ",")
	w.text(`421["` + strings.Repeat("e", 256) + `"]`)
	w.want("431[]")
	w.text(`421["join",257]`)
	if err := receive(t, results); !errors.Is(err, sio.ErrRoomName) {
		t.Errorf("Join: %v, want ErrRoomName", err)
	}
	w.want("431[1]") // not even the first of them
	w.text(`421["join",10000000]`)
	if err := receive(t, results); !errors.Is(err, sio.ErrRoomName) {
		t.Errorf("Join: %v, want ErrRoomName", err)
	}
	w.want("431[1]")
	w.text(`421["join",256]`)
	if err := receive(t, results); err != nil {
		t.Errorf("Join: %v", err)
	}
	w.want("431[3]")
	_ = w.c.Close()
	s.wantCalm()
}

// TestA95CollidingNames uses names that collide in the hash functions that are
// known from elsewhere, as rooms and as keys: all of them end in the same
// sums. Go's maps are seeded, and there is no table of our own.
func TestA95CollidingNames(t *testing.T) {
	t.Parallel()
	names := []string{""}
	for range 13 { // Aa and BB have the same hash in base 31
		var next []string
		for _, n := range names {
			next = append(next, n+"Aa", n+"BB")
		}
		names = next
	}
	decoded := make(chan int, 1)
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Handle("rooms", func(e *sio.Event) error {
			var list map[string]int
			if err := e.Decode(&list); err != nil {
				return err
			}
			for n := range list {
				if err := e.Socket().Join(n); err != nil {
					return err
				}
			}
			decoded <- len(list)
			return e.Ack(len(e.Socket().Rooms()))
		})
	})
	w := s.connect()
	w.text(`421["rooms",{"` + strings.Join(names, `":1,"`) + `":1}]`)
	if n := receive(t, decoded); n != len(names) {
		t.Errorf("%d keys, want %d", n, len(names))
	}
	w.want(fmt.Sprintf("431[%d]", len(names)+1))
	_ = w.c.Close()
	s.wantCounted(1, "EventsIn")
	s.wantCalm()
}

// TestA97Pause stops every loop for longer than a client may take to answer:
// nobody who answers is disconnected.
func TestA97Pause(t *testing.T) {
	t.Parallel()
	const interval = time.Second
	s := serve(t, &sio.Options{PingInterval: interval, PingTimeout: interval}, func(srv *sio.Server) {
		srv.Root().Inline().Handle("stop the loop", func(*sio.Event) error {
			<-time.After(3 * interval)
			return nil
		})
	})
	for _, b := range s.bystanders {
		b.send(opText, `42["stop the loop"]`)
	}
	s.turn()
	w := s.connect() // who does not answer is still found
	s.wantReason("ping timeout")
	_ = w.c.Close()
	timeouts := 0
	for _, r := range s.noted(&s.reasons) {
		if r == "ping timeout" {
			timeouts++
		}
	}
	if timeouts != 1 {
		t.Errorf("disconnected: %q, want one ping timeout", s.noted(&s.reasons))
	}
	s.wantCounted(0, "SlowTurns")
	s.wantCalm()
}
