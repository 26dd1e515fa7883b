//go:build unix

package attack_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
)

// engineConfig is what sio makes of its defaults, for tests that shorten what
// is no option there.
func engineConfig() *engine.Config {
	cfg := &engine.Config{
		EIO:    eio.Config{PingInterval: 25_000, PingTimeout: 20_000, UpgradeTimeout: 10_000, MaxPayload: 1_000_000},
		Path:   path,
		Logger: slog.New(slog.DiscardHandler),
	}
	engine.SetDefaults(cfg)
	return cfg
}

// serveEngine starts the engine alone, below an echo of messages.
func serveEngine(t testing.TB, cfg *engine.Config) *site {
	t.Helper()
	s := &site{t: t}
	srv, err := engine.New(cfg, echoUpper{}, &loop.Options{Loops: loops, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	a, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = a.String()
	s.stats = func() any { return collect(srv) }
	count := enterServer()
	t.Cleanup(func() {
		stop(t, srv.Shutdown)
		count(t)
	})
	s.invite(func(s *site) *bystander {
		w := s.open()
		w.text("4where")
		return newBystander(s, w, w.wantPrefix("4"), opText, func(n int) (string, string) {
			text := fmt.Sprint("4", n)
			return text, text
		})
	})
	return s
}

// engineFigures are the figures of an engine, with the names that sio gives
// them.
type engineFigures struct {
	Connections, Sessions                    int
	SessionsOpened, SessionsClosed, Requests uint64
	BadRequests, FrameErrors, WriteStalls    uint64
	BytesIn, Panics                          int64
	LivePackets                              int64
}

// collect asks every loop.
func collect(srv *engine.Server) engineFigures {
	k := srv.Reactor().Counters()
	f := engineFigures{Connections: srv.Reactor().Conns(), BytesIn: k.BytesIn, Panics: k.Panics, LivePackets: bufpool.Live()}
	for _, sh := range srv.Shards() {
		done := make(chan struct{})
		err := sh.Call(func() {
			st := sh.Stats()
			f.Sessions += st.Sessions
			f.SessionsOpened += st.Opened
			f.SessionsClosed += st.Closed
			f.Requests += st.Requests
			f.BadRequests += st.BadRequests
			f.FrameErrors += st.FrameErrors
			f.WriteStalls += st.WriteStalls
			close(done)
		})
		if err != nil {
			return f
		}
		<-done
	}
	return f
}

// echoUpper is the layer above the engine: every message comes back.
type echoUpper struct{}

func (echoUpper) NewShard(sh *engine.Shard) engine.UpperShard { return echoShard{sh.Loop()} }

type echoShard struct{ loop *loop.Loop }

func (sh echoShard) NewSession() *engine.Session { return &(&echoSession{loop: sh.loop}).Session }

// Handler finds the session by its first field.
func (echoShard) Handler(s *engine.Session) engine.SessionHandler {
	return (*echoSession)(unsafe.Pointer(s))
}

func (echoShard) KeepsHandshake() bool  { return false }
func (echoShard) Timer(*loop.Timer)     {}
func (echoShard) Message(*loop.Message) {}
func (echoShard) Dropped(*loop.Message) {}
func (echoShard) BeforeFlush()          {}

type echoSession struct {
	engine.Session
	loop *loop.Loop
}

func (s *echoSession) Message(data []byte, binary bool) {
	if string(data) == "where" {
		data = []byte("loop " + strconv.Itoa(s.loop.ID()))
	}
	b := bufpool.Get(len(data) + 16)
	if binary {
		b.B = engine.AppendBinaryMessage(b.B, data)
	} else {
		b.B = engine.AppendTextMessage(b.B, data)
	}
	s.Send(b)
	s.loop.Defer(b)
}

func (s *echoSession) Opened() {}

// Received implements engine.SessionHandler.
func (s *echoSession) Received() {}

func (s *echoSession) Upgraded()                          {}
func (s *echoSession) Drained()                           {}
func (s *echoSession) Dropped(*engine.Flow, engine.Cause) {}
func (s *echoSession) Deadline()                          {}
func (s *echoSession) Closed(eio.Reason, error)           {}

// A clockwork is an engine without descriptors whose time the test sets.
type clockwork struct {
	t     *testing.T
	srv   *engine.Server
	loop  *loop.Loop
	now   int64
	fakes []*fake
}

func newClockwork(t *testing.T, cfg *engine.Config) *clockwork {
	t.Helper()
	cfg.Driven = true
	srv, err := engine.New(cfg, echoUpper{}, &loop.Options{Loops: 1, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	k := &clockwork{t: t, srv: srv, loop: srv.Reactor().Loops()[0], now: 1_000}
	count := enterServer()
	t.Cleanup(func() {
		for _, f := range k.fakes {
			f.conn.InjectEOF(nil)
		}
		k.loop.Drive()
		stop(t, srv.Shutdown)
		count(t)
	})
	k.run(0)
	return k
}

// run lets time pass, with as many turns as a loop would run.
func (k *clockwork) run(ms int64) {
	for end := k.now + ms; ; k.now = min(k.now+50, end) {
		k.loop.SetNow(k.now)
		for range 4 {
			k.loop.Drive()
		}
		if k.now == end {
			return
		}
	}
}

// A fake is a connection of a clockwork, and what it was sent.
type fake struct {
	k    *clockwork
	conn *loop.Conn
	out  []byte
	deaf bool // it takes nothing
}

func (k *clockwork) open() *fake {
	f := &fake{k: k}
	f.conn = k.loop.NewFake(func(b []byte) (int, error) {
		if f.deaf {
			return 0, errAgain
		}
		f.out = append(f.out, b...)
		return len(b), nil
	})
	k.srv.Shards()[0].Open(f.conn)
	k.fakes = append(k.fakes, f)
	return f
}

// inject is what the client sends.
func (f *fake) inject(text string) {
	f.conn.Inject([]byte(text))
	f.k.loop.Drive()
}

// take returns what the client was sent since the last call.
func (f *fake) take() string {
	out := string(f.out)
	f.out = nil
	return out
}
