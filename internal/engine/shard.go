package engine

import (
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/loop"
)

// Message kinds of the engine; those of the layer above start at KindUser.
const (
	msgAdmitted = iota + 1
	msgDrain
	msgCall
	msgPassed
)

// The kinds of the engine's timers; those of the layer above start at
// TimerUser.
const (
	timerSession = iota
	timerPressure
	timerPulse
)

// TimerUser is the first kind of timer that the layer above may use.
const TimerUser = 16

// A Shard is the part of a Server that belongs to one loop. Its methods run
// on that loop's goroutine unless they say otherwise.
type Shard struct {
	// Immutable after newHandler.
	srv   *Server
	cfg   *Config
	loop  *loop.Loop
	upper UpperShard
	// lazyPings says that a ping may come a second late: the client, who waits for
	// PingInterval and PingTimeout together, does not mind.
	lazyPings bool

	// Owned by the loop goroutine.
	table   *loop.Slots[Session] // by slot
	req     http1.Request        // scratch: views of the request being handled
	spare   *input               // for the next session that reads
	open    []byte               // scratch of open packets
	rawHead []byte               // the head that req was parsed from
	escaped [64]byte             // scratch: a value of its query
	random  randomSource

	compression compression

	pulse    pulse
	pressure pressure
	held     int64       // bytes of the queues, as measured last
	dirty    []*Session  // polling sessions with something to send
	doomed   []*Session  // sessions over MaxQueue, ended at the end of the turn
	heavy    []*Session  // sessions with more than SoftQueue of this turn
	backlogs []*backlog  // for the next ones
	http     []*httpConn // every connection that speaks HTTP
	free     []*httpConn // for the next ones
	sessions int
	onPoll   int // sessions whose current transport is polling
	stats    Stats
}

// Stats counts what a shard has done. The fields are owned by the loop
// goroutine; others get a copy through Collect.
type Stats struct {
	Sessions      int
	Polling       int
	Opened        uint64
	Closed        uint64
	Upgrades      uint64
	Requests      uint64
	Refused       [6]uint64 // handshakes and requests refused, by error code
	BadRequests   uint64    // heads and bodies that are not HTTP
	FrameErrors   uint64    // WebSocket protocol violations
	PacketsIn     uint64
	PacketsOut    uint64
	Deflated      uint64 // packets compressed for WebSockets, each once for all receivers
	SlowConsumers uint64
	WriteStalls   uint64
	NewestDrops   uint64 // packets dropped by PolicyDropNewest, or because nothing older could be
	OldestDrops   uint64 // packets dropped by PolicyDropOldest
	Conflated     uint64 // packets that made way for a newer one with the same key
	LostPackets   uint64 // packets that waited for a session when it ended
}

// Loop returns the loop of the shard. It may be called from any goroutine.
func (sh *Shard) Loop() *loop.Loop { return sh.loop }

// Server returns the server of the shard. It may be called from any goroutine.
func (sh *Shard) Server() *Server { return sh.srv }

// Stats returns the counters of the shard.
func (sh *Shard) Stats() Stats {
	st := sh.stats
	st.Sessions, st.Polling = sh.sessions, sh.onPoll
	return st
}

// MakeID writes a fresh id for an object that lives in the given slot of this
// loop.
func (sh *Shard) MakeID(codec *IDCodec, slot uint32, id *[SIDLen]byte) {
	codec.New(&sh.random, uint8(sh.loop.ID()), slot, id)
}

// Call runs f on the shard's loop. It may be called from any goroutine and
// does not wait.
func (sh *Shard) Call(f func()) error {
	if sh.loop.OnLoop() {
		f()
		return nil
	}
	return sh.loop.Post(loop.Message{Kind: msgCall, Obj: f})
}

// Open implements loop.Handler.
func (sh *Shard) Open(c *loop.Conn) { sh.newHTTPConn(c).secure = c.Secure() }

// Moved implements loop.Handler: a connection came from another loop, or back
// from net/http, with bytes that nobody has read yet.
func (sh *Shard) Moved(c *loop.Conn, unread []byte, note any) {
	h := sh.newHTTPConn(c)
	h.secure = note == noteSecure || c.Secure()
	h.home, _ = note.(*home)
	if h.home != nil && sh.srv.draining.Load() {
		h.leave()
		c.Close(nil) // Shutdown may have looked for it already
		return
	}
	if len(unread) > 0 {
		sh.Data(c, unread)
	}
}

// Data implements loop.Handler.
func (sh *Shard) Data(c *loop.Conn, b []byte) {
	switch o := c.Ctx.(type) {
	case *Session:
		o.frames(c, b)
	case *httpConn:
		o.data(b)
	case *probe:
		o.data(b)
	case *rawSocket:
		o.data(b)
	}
}

// Closed implements loop.Handler.
func (sh *Shard) Closed(c *loop.Conn, err error) {
	switch o := c.Ctx.(type) {
	case *Session:
		o.connLost(c, err)
	case *httpConn:
		o.lost(err)
	case *probe:
		o.lost()
	case *rawSocket:
		o.reader.Release()
	}
	c.Ctx = nil
}

// Drained implements loop.Handler.
func (sh *Shard) Drained(c *loop.Conn) {
	switch o := c.Ctx.(type) {
	case *Session:
		c.SetDeadline(0)
		if o.rare != nil {
			sh.latePong(c, &o.rare.ctl)
		}
		o.feed()
	case *probe:
		sh.latePong(c, &o.ctl)
	case *httpConn:
		o.drained()
	}
}

// Deadline implements loop.Handler.
func (sh *Shard) Deadline(c *loop.Conn) {
	switch o := c.Ctx.(type) {
	case *httpConn:
		o.deadline()
	case *Session:
		o.stalled()
	default:
		c.Close(errCloseTimeout)
	}
}

// Timer implements loop.Handler.
func (sh *Shard) Timer(t *loop.Timer) {
	switch t.Kind {
	case timerSession:
		sessionOf(t).expire()
	case timerPressure:
		sh.relieve()
	case timerPulse:
		sh.beat()
	default:
		sh.upper.Timer(t)
	}
}

// Message implements loop.Handler.
func (sh *Shard) Message(m *loop.Message) {
	switch m.Kind {
	case msgAdmitted:
		m.Obj.(*admission).done()
	case msgDrain:
		sh.drain()
	case msgPassed:
		m.Obj.(*passage).done()
	case msgCall:
		m.Obj.(func())()
	default:
		sh.upper.Message(m)
	}
}

// Dropped implements loop.Handler.
func (sh *Shard) Dropped(m *loop.Message) {
	if m.Kind >= KindUser {
		sh.upper.Dropped(m)
	}
}

// BeforeFlush implements loop.Handler.
func (sh *Shard) BeforeFlush() {
	sh.upper.BeforeFlush()
	sh.flushHeavy()
	for i := 0; i < len(sh.doomed); i++ { // a close may doom others
		sh.doomed[i].Close(ReasonSlowConsumer, errWriteStall)
		sh.doomed[i] = nil
	}
	sh.doomed = sh.doomed[:0]
	for i := 0; i < len(sh.dirty); i++ { // an answer may let a pipelined request in
		if s := sh.dirty[i]; s.poll != nil {
			s.poll.dirty = false
			s.answerPoll()
		}
		sh.dirty[i] = nil
	}
	sh.dirty = sh.dirty[:0]
}

// Panicked implements loop.Handler.
func (sh *Shard) Panicked(_ *loop.Conn, v any, stack []byte) {
	sh.cfg.Logger.Error("engine: panic on a loop; its connection is closed",
		"loop", sh.loop.ID(), "panic", v, "stack", string(stack))
}

// EachSession calls f with the handler of every session; f may end it.
func (sh *Shard) EachSession(f func(SessionHandler)) {
	sh.eachSession(func(s *Session) { f(s.handler()) })
}

// SessionAt returns the handler of the session in a slot, or nil.
func (sh *Shard) SessionAt(slot uint32) SessionHandler {
	if s := sh.table.Get(slot); s != nil {
		return s.handler()
	}
	return nil
}

// drain closes every session of the shard and every HTTP connection, behind
// the responses that are on their way.
func (sh *Shard) drain() {
	sh.eachSession((*Session).Discard)
	for len(sh.http) > 0 {
		sh.http[len(sh.http)-1].finish()
	}
}

// eachSession calls f with every session; f may end it.
func (sh *Shard) eachSession(f func(*Session)) {
	for slot := uint32(1); slot < sh.table.End(); slot++ {
		if s := sh.table.Get(slot); s != nil {
			f(s)
		}
	}
}

// now returns the wall clock, for what is shown to users; deadlines use the
// clock of the loop.
func (sh *Shard) now() time.Time { return time.Now() } //nolint:forbidigo // the wall clock is wanted

// sendBytes queues bytes that only this connection needs.
func (sh *Shard) sendBytes(c *loop.Conn, p ...[]byte) {
	n := 0
	for _, part := range p {
		n += len(part)
	}
	b := bufpool.Get(n)
	for _, part := range p {
		b.B = append(b.B, part...)
	}
	c.Send(b)
	sh.loop.Defer(b)
}
