//go:build unix

package attack_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/goid"
	"github.com/gannet-io/gannet/internal/testleak"
	"github.com/gannet-io/gannet/sio"
)

// patience bounds every wait; it is never the measure of anything.
const patience = 30 * time.Second

// loops is how many loops every server has.
const loops = 2

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("4") // most of them wait: for deadlines, and for what must not come
	}
	testleak.Main(m)
}

// A site is a server under attack, with a bystander on each of its loops.
type site struct {
	t          testing.TB
	addr       string
	stats      func() any // a struct with the figures
	base       any        // what they were when the bystanders were there
	bystanders []*bystander

	srv *sio.Server // nil where the engine is attacked alone

	mu      sync.Mutex // guards following
	reasons []string   // of sockets that disconnected
	errors  []string   // that handlers met
	logged  []string   // messages of the log, with the origin that they name
}

// serve starts a server. setup may register handlers.
func serve(t testing.TB, o *sio.Options, setup ...func(*sio.Server)) *site {
	t.Helper()
	s := &site{t: t}
	var opts sio.Options
	if o != nil {
		opts = *o
	}
	opts.Loops = loops
	if opts.Logger == nil {
		opts.Logger = slog.New(logRecorder{s})
	}
	if opts.Trace == nil {
		opts.Trace = &sio.Trace{HandlerError: func(_ *sio.Socket, _ string, err error) { s.note(&s.errors, err.Error()) }}
	}
	srv, err := sio.NewServer(&opts)
	if err != nil {
		t.Fatal(err)
	}
	handlers(srv)
	srv.Root().OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { s.note(&s.reasons, string(r)) })
	for _, f := range setup {
		f(srv)
	}
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.srv, s.addr = srv, a.String()
	s.stats = func() any { return srv.Stats() }
	count := enterServer()
	t.Cleanup(func() {
		stop(t, srv.Shutdown)
		count(t)
	})
	if opts.Parser == sio.ParserMsgpack {
		s.invite(packedBystander)
	} else {
		s.invite(sioBystander)
	}
	return s
}

// handlers are what bystanders and attackers use.
func handlers(srv *sio.Server) {
	echo := func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	}
	srv.Handle("echo", echo)
	srv.Root().Inline().Handle("inline", echo)
	srv.Root().Inline().Handle("where", func(e *sio.Event) error { return e.Ack(strconv.Itoa(int(goid.ID()))) })
}

func stop(t testing.TB, shutdown func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// running counts the servers of this process, because packets are counted by
// the process too.
var running struct {
	mu   sync.Mutex // guards following
	n    int
	live int64
}

// enterServer counts a server in. What it returns counts it out, once it has
// stopped: when it was the last one, no packet may be left.
func enterServer() func(testing.TB) {
	r := &running
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == 0 {
		r.live = bufpool.Live()
	}
	r.n++
	return func(t testing.TB) {
		t.Helper()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.n--; r.n > 0 {
			return
		}
		if !poll(func() bool { return bufpool.Live() == r.live }) {
			t.Errorf("%d packets are alive and there were %d: run with -parallel 1 to see whose they are", bufpool.Live(), r.live)
		}
	}
}

// exclusive reports whether no other server runs in this process.
func exclusive() bool {
	running.mu.Lock()
	defer running.mu.Unlock()
	return running.n == 1
}

func (s *site) note(list *[]string, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*list = append(*list, text)
}

// noted returns what is on a list.
func (s *site) noted(list *[]string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), *list...)
}

// A logRecorder keeps the messages of a log.
type logRecorder struct{ s *site }

func (logRecorder) Enabled(context.Context, slog.Level) bool { return true }

func (l logRecorder) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	l.s.note(&l.s.logged, text)
	return nil
}

func (l logRecorder) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l logRecorder) WithGroup(string) slog.Handler      { return l }

// figure reads one of the figures, such as "Sessions" or "RequestsRefused[4]".
func figure(stats any, name string) int64 {
	name, index, indexed := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	v := reflect.ValueOf(stats).FieldByName(name)
	if !v.IsValid() {
		panic("no such figure: " + name)
	}
	if indexed {
		i, err := strconv.Atoi(index)
		if err != nil {
			panic(err)
		}
		v = v.Index(i)
	}
	if v.CanInt() {
		return v.Int()
	}
	return int64(v.Uint())
}

func (s *site) figure(name string) int64 { return figure(s.stats(), name) }

// grown returns by how much a counter has grown since the bystanders came.
func (s *site) grown(counter string) int64 { return s.figure(counter) - figure(s.base, counter) }

// wantCounted shows that each of the counters has grown, by want if that is
// positive.
func (s *site) wantCounted(want int64, counters ...string) {
	s.t.Helper()
	for _, c := range counters {
		s.eventually("counted in "+c, func() bool { n := s.grown(c); return n > 0 && (want <= 0 || n >= want) })
		if n := s.grown(c); want > 0 && n != want {
			s.t.Errorf("%s has grown by %d, want %d", c, n, want)
		}
	}
}

// wantCalm shows that the attack is over and nobody else has noticed it: every
// bystander is served, and nothing is left but what the bystanders need.
func (s *site) wantCalm() {
	s.t.Helper()
	for _, b := range s.bystanders {
		b.roundTrip()
	}
	n := int64(len(s.bystanders))
	for _, f := range []string{"Connections", "Sessions"} {
		s.eventually(f+" as before", func() bool { return s.figure(f) == n })
	}
	if s.srv != nil {
		s.eventually("Sockets as before", func() bool { return s.figure("Sockets") == n })
	}
	if p := s.figure("Panics"); p != 0 {
		s.t.Errorf("%d panics: %q", p, s.noted(&s.logged))
	}
	if exclusive() {
		s.eventually("LivePackets as before", func() bool { return !exclusive() || bufpool.Live() == running.live })
	}
	for _, b := range s.bystanders {
		b.roundTrip()
	}
}

// wantReason shows that a socket has disconnected for the reason.
func (s *site) wantReason(reason string) {
	s.t.Helper()
	s.eventually("disconnect: "+reason, func() bool { return slices.Contains(s.noted(&s.reasons), reason) })
}

func (s *site) eventually(what string, cond func() bool) {
	s.t.Helper()
	if !poll(cond) {
		s.t.Fatalf("never happened: %s; figures %+v, reasons %q", what, s.stats(), s.noted(&s.reasons))
	}
}

// poll waits until cond holds and reports whether it does.
func poll(cond func() bool) bool {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			return false
		}
		<-tick.C
	}
	return true
}

// invite connects bystanders until there is one on each loop.
func (s *site) invite(open func(*site) *bystander) {
	s.t.Helper()
	seen := map[string]bool{}
	for len(seen) < loops {
		b := open(s)
		if seen[b.loop] {
			b.leave()
			continue
		}
		seen[b.loop] = true
		s.bystanders = append(s.bystanders, b)
	}
	s.eventually("only bystanders", func() bool {
		return s.figure("Connections") == loops && s.figure("Sessions") == loops
	})
	s.base = s.stats()
}

// A bystander is a client that wants to be served whatever others do. It
// answers the heartbeat by itself.
type bystander struct {
	s       *site
	conn    net.Conn
	op      byte   // of its questions and answers
	id      string // of its socket
	loop    string
	answers chan string
	gone    chan struct{}
	ask     func(n int) (question, answer string)
	asked   int
	writes  sync.Mutex
}

// sioBystander joins the namespace "/".
func sioBystander(s *site) *bystander {
	s.t.Helper()
	w := openWS(s, "", bystanderHeader)
	w.wantPrefix(`0{"sid":"`)
	id := w.join()
	w.text(`420["where"]`)
	loop := w.wantPrefix(`430["`)
	b := newBystander(s, w, loop, opText, func(n int) (string, string) {
		name := []string{"echo", "inline"}[n%2]
		return fmt.Sprintf(`42%d[%q,%d]`, n, name, n), fmt.Sprintf(`43%d[%d]`, n, n)
	})
	b.id = id
	return b
}

// bystanderHeader tells the hooks of a server who is a bystander.
const bystanderHeader = "X-Bystander: yes\r\n"

func newBystander(s *site, w *ws, loop string, op byte, ask func(int) (string, string)) *bystander {
	b := &bystander{s: s, conn: w.c, loop: loop, op: op, ask: ask, answers: make(chan string, 16), gone: make(chan struct{})}
	_ = w.c.SetReadDeadline(time.Time{})
	go b.read(w) // stops when the connection is closed, at the end of the test at the latest
	s.t.Cleanup(b.leave)
	return b
}

func (b *bystander) read(w *ws) {
	defer close(b.gone)
	for {
		op, p, err := w.frame()
		switch {
		case err != nil:
			return
		case op == opText && string(p) == "2":
			b.send(opText, "3")
		case op == b.op:
			b.answers <- string(p)
		}
	}
}

func (b *bystander) send(op byte, payload string) {
	b.writes.Lock()
	defer b.writes.Unlock()
	_, _ = b.conn.Write(frame(fin|op, payload)) // a connection that is gone shows when the answer stays away
}

// roundTrip shows that the bystander is served.
func (b *bystander) roundTrip() {
	b.s.t.Helper()
	question, want := b.ask(b.asked)
	b.asked++
	b.send(b.op, question)
	select {
	case got := <-b.answers:
		if got != want {
			b.s.t.Fatalf("a bystander asked %q and got %q, want %q", question, got, want)
		}
	case <-b.gone:
		b.s.t.Fatalf("a bystander was cut off: figures %+v, log %q", b.s.stats(), b.s.noted(&b.s.logged))
	case <-time.After(patience):
		b.s.t.Fatalf("a bystander is not served: figures %+v", b.s.stats())
	}
}

func (b *bystander) leave() {
	_ = b.conn.Close()
	<-b.gone
}
