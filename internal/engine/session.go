package engine

import (
	"errors"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// ReasonSlowConsumer is the close reason of a session that does not read what
// it is sent. It has no counterpart in the Node server, which queues for ever.
const ReasonSlowConsumer = "slow consumer"

var (
	errCloseTimeout   = errors.New("engine: the peer did not answer the close in time")
	errWriteStall     = errors.New("engine: the peer has stopped reading")
	errMessageTimeout = errors.New("engine: a message was begun and not finished in time")
	errHeartbeat      = errors.New("invalid heartbeat direction")
	errGetLost        = errors.New("poll connection closed prematurely")
	errPostLost       = errors.New("data request connection closed prematurely")
	errGetOverlap     = errors.New("overlap from client")
	errPostOverlap    = errors.New("data request overlap from client")
	errContentType    = errors.New("invalid content")
)

// A Session is one Engine.IO session. The layer above embeds it by value in
// its own per-connection object.
//
// All methods must be called on the goroutine of the session's loop, unless
// they say otherwise.
type Session struct {
	// Immutable after open.
	shard *Shard
	sid   [SIDLen]byte
	slot  uint32

	// Atomic: the packed handshake; written by open and DropHandshake.
	hs atomic.Pointer[byte]

	// Owned by the loop goroutine.
	eio   eio.Session
	conn  *loop.Conn
	poll  *pollTransport // nil on WebSocket
	input *input         // the message that is being received; borrowed from the shard
	rare  *rare          // what few sessions need; immutable after open where named is set
	timer loop.Timer
	upper instant // deadline of the layer above

	// Atomic: written by the loop, read by everyone. The client is behind, and
	// more than SoftQueue waits for it.
	congested atomic.Bool

	// Tag is for the use of the layer above.
	Tag uint8

	// Immutable after open.
	form  form
	named bool // the id is rare.id

	// Owned by the loop goroutine.
	window  uint8 // of permessage-deflate on conn; 0 if it was not agreed on
	doomed  bool  // listed in Shard.doomed
	watched bool  // listed in pressure.behind
	paused  bool  // reading is paused by the layer above
	reading bool  // frames is on the stack: the reader's bytes are in use
}

// An input is what a session needs while a message of its WebSocket is being
// received: for most of them only as long as the bytes of one read are looked
// at, so that one does for all sessions of a loop.
type input struct {
	// Owned by the loop goroutine.
	reader   wsframe.Reader
	deadline int64 // when the message must be complete; 0 none
}

// rare is what a session needs whose client sends control frames, or has once
// been behind, or whose id is the user's.
type rare struct {
	// Immutable after open.
	id string // made by Config.GenerateID

	// Owned by the loop goroutine.
	ctl   controlBudget
	stall stall
	late  *backlog // what a client that is behind waits for; nil if it is not
	// base64 says that binary is text on the session's WebSocket.
	base64 bool
	// muted says that what the client sends is of no interest any more.
	muted bool
}

// An instant is a time of the loop's clock in 4 bytes: exact while it is less
// than 24 days away. 0 means never.
type instant uint32

// longest is how far away an instant may be, in milliseconds.
const longest = 1<<31 - 1

func instantAt(at int64) instant { return instant(max(uint32(at), 1)) }

// near returns the time that is meant, given one that is not far from it.
func (i instant) near(now int64) int64 { return now + int64(int32(uint32(i)-uint32(now))) }

// Shard returns the shard that owns the session. It may be called from any
// goroutine.
func (s *Session) Shard() *Shard { return s.shard }

// SID returns the session's id. It may be called from any goroutine.
func (s *Session) SID() string { return strings.Clone(s.sidView()) }

// Slot returns the session's place in its loop's table. It may be called from
// any goroutine.
func (s *Session) Slot() uint32 { return s.slot }

// Handshake returns the first request of the session. It may be called from
// any goroutine.
func (s *Session) Handshake() Handshake { return Handshake{s.hs.Load()} }

// Revision returns the protocol revision of the session. It may be called from
// any goroutine.
func (s *Session) Revision() eio.Revision {
	if s.form&formRev3 != 0 {
		return eio.Revision3
	}
	return eio.Revision4
}

// Transport returns what carries the session now.
func (s *Session) Transport() eio.Transport { return s.eio.Transport() }

// IsOpen tells whether packets flow.
func (s *Session) IsOpen() bool { return s.eio.State() == eio.StateOpen }

// Queued returns the bytes that wait to be sent.
func (s *Session) Queued() int {
	n := 0
	if s.conn != nil {
		n = s.conn.Queued()
	}
	if s.behind() != nil {
		n += s.behind().bytes
	}
	return n
}

// Writable tells whether a volatile packet may be sent: nothing is queued,
// this turn included, and on polling a GET waits for an answer.
func (s *Session) Writable() bool {
	if s.eio.State() != eio.StateOpen || s.behind() != nil {
		return false
	}
	if s.conn != nil {
		return s.conn.Queued() == 0
	}
	return s.poll.ex.Parked()
}

// Send queues the frames in b, which are one packet. b must live until the
// end of the turn, for which Loop.Defer is the usual means; the session takes
// references of its own where it needs b for longer. It reports whether the
// packet was queued: a session that is not open takes none, nor does one that
// is about to be closed for not reading.
func (s *Session) Send(b *bufpool.Buf) bool {
	return s.SendEvent(b, nil, "") == SentQueued
}

// Direct returns the session's WebSocket if joined packets may be given to it
// by SendJoined, as far as the session knows: the connection must not be
// blocked either. It is nil if they are to be sent one by one, as they are where
// permessage-deflate was agreed on and one of them deflates.
func (s *Session) Direct(deflates bool) *loop.Conn {
	if s.behind() != nil || s.form != 0 || s.base64() || deflates && s.window != 0 || s.doomed || s.eio.State() != eio.StateOpen {
		return nil
	}
	return s.conn
}

// SendJoined queues the packets whose frames are joined in b on the connection
// that Direct has returned in this turn. With now they are written at once where
// nothing waits in front of them, for which this must be the end of the turn. b
// must live as long as that of Send.
func (s *Session) SendJoined(c *loop.Conn, b *bufpool.Buf, packets int, now bool) {
	s.shard.stats.PacketsOut += uint64(packets)
	if now {
		c.SendNow(b)
	} else {
		c.Send(b)
	}
	if c.Queued() > 0 {
		s.sent(len(b.B))
	}
}

// Tail returns the packets that the session's WebSocket will be sent last in
// this turn, or nil if there are none that more could follow in the same
// buffer.
func (s *Session) Tail() *bufpool.Buf {
	if c := s.Direct(false); c != nil {
		return c.Tail()
	}
	return nil
}

// Fits tells whether a packet of n bytes may be appended to what Tail has
// returned: one that is compressed may not.
func (s *Session) Fits(n int) bool { return s.window == 0 || !s.shard.deflates(n) }

// Lengthened notes that a packet of n bytes was appended to what Tail has
// returned.
func (s *Session) Lengthened(n int) {
	s.shard.stats.PacketsOut++
	s.conn.Lengthened(n)
	s.sent(n)
}

// SetDeadline asks for SessionHandler.Deadline at the given time of the
// loop's clock; 0 takes it back. It is at most 24 days away.
func (s *Session) SetDeadline(at int64) {
	s.upper = 0
	if at != 0 {
		s.upper = instantAt(min(at, s.shard.loop.Now()+longest))
	}
	s.arm()
}

// Pause stops reading from the client until Resume: its WebSocket is not read,
// or its POST is not answered. Heartbeats are suspended meanwhile, because
// their answers are not read either.
func (s *Session) Pause() {
	s.paused = true
	if s.conn != nil {
		s.conn.PauseRead()
	}
}

// Resume undoes Pause.
func (s *Session) Resume() {
	if s.paused {
		s.paused = false
		s.eio.Resume(&s.shard.cfg.EIO, s.shard.loop.Now())
		s.arm()
		switch {
		case s.conn != nil:
			s.conn.ResumeRead()
		case s.poll != nil:
			s.poll.releasePost()
		}
	}
}

// DropHandshake frees the memory of the first request. It may be called from
// any goroutine.
func (s *Session) DropHandshake() { s.hs.Store(nil) }

// Mute has everything ignored that the client sends from now on, except that it
// closes the session: which is about to be closed in any case.
func (s *Session) Mute() { s.ensureRare().muted = true }

// Receiving tells whether messages are being delivered that have arrived
// together; SessionHandler.Received follows.
func (s *Session) Receiving() bool { return s.reading }

// Overflowed tells whether the session is about to be closed because it does
// not read.
func (s *Session) Overflowed() bool { return s.doomed }

// Close ends the session. On WebSocket, and on polling with a GET pending, it
// is over at once; otherwise the client learns of it with its next GET, or
// the session ends after 30 s. What was sent before is delivered first. A
// reason other than eio.ReasonForcedClose ends it at once in any case.
func (s *Session) Close(reason eio.Reason, err error) {
	if s.eio.State() != eio.StateOpen {
		return
	}
	if reason == eio.ReasonForcedClose && s.poll != nil && !s.closePolling() {
		s.arm()
		return
	}
	s.end(reason, err)
}

// Discard ends the session at once: what is queued is dropped, and a pending
// GET is answered that the session is closed.
func (s *Session) Discard() {
	if st := s.eio.State(); st == eio.StateOpen || st == eio.StateClosing {
		s.end(eio.ReasonForcedClose, nil)
	}
}

// sendFrames gives a packet to a connection that is not blocked.
func (s *Session) sendFrames(b *bufpool.Buf) {
	b = s.onWebSocket(b)
	s.conn.Send(b)
	s.sent(len(b.B))
}

// sent looks at the queue of the connection after n bytes more.
func (s *Session) sent(n int) {
	c := s.conn
	queued := c.Queued()
	switch {
	case c.Blocked():
		s.watchStall()
		s.weigh()
	case queued > s.shard.cfg.SoftQueue && queued-n <= s.shard.cfg.SoftQueue:
		s.shard.heavy = append(s.shard.heavy, s)
		s.shard.loop.RequestFlush()
	}
	s.checkQueue(queued)
}

// checkQueue puts a session over its limit on the list of those that are
// closed at the end of the turn: not now, because whoever sends may be going
// through a room that the close would change.
func (s *Session) checkQueue(bytes int) {
	if bytes > s.shard.cfg.MaxQueue {
		s.doom()
	}
}

// doom has the session closed at the end of the turn because it does not read.
func (s *Session) doom() {
	if s.doomed {
		return
	}
	s.doomed = true
	s.shard.stats.SlowConsumers++
	s.shard.doomed = append(s.shard.doomed, s)
	s.shard.loop.RequestFlush()
}

// firstPing spreads the first pings of sessions that connect together: only
// downwards, by at most a fifth, and only where the interval is long. 64
// neighbours, which are neighbours in memory too, are pinged together: that halves
// the cost of a million heartbeats.
func (sh *Shard) firstPing(slot uint32) int64 {
	interval := sh.cfg.EIO.PingInterval
	if interval < 5000 {
		return interval
	}
	hash := slot >> 6 * 2654435761 // multiplicative: the next 64 are far away
	return interval - interval/5*int64(hash)>>32
}

// base64 tells whether binary is text on the session's WebSocket.
func (s *Session) base64() bool { return s.rare != nil && s.rare.base64 }

// setBase64 takes over what the request for a transport says about binary.
func (s *Session) setBase64(f form) {
	if asked := f&formBase64 != 0; asked != s.base64() {
		s.ensureRare().base64 = asked
	}
}

// ensureRare returns the rare part of the session.
func (s *Session) ensureRare() *rare {
	if s.rare == nil {
		s.rare = new(rare)
	}
	return s.rare
}

// behind returns what a client that is behind waits for, or nil.
func (s *Session) behind() *backlog {
	if s.rare == nil {
		return nil
	}
	return s.rare.late
}

// handler returns the object that the session is in.
func (s *Session) handler() SessionHandler { return s.shard.upper.Handler(s) }

// sidView returns the session's id. It is valid as long as the session.
func (s *Session) sidView() string {
	if s.named {
		return s.rare.id
	}
	return borrow(s.sid[:])
}

// open makes s a session of the shard that starts on t.
func (s *Session) open(sh *Shard, t eio.Transport, a *admission) {
	s.shard, s.form = sh, a.form&formRev3
	s.timer.Kind = timerSession
	s.hs.Store(a.hs.packed)
	if a.id != "" {
		s.named, s.rare = true, &rare{id: a.id}
		sh.srv.named.settle(a.id, sh, s.slot)
	} else {
		sh.srv.ids.New(&sh.random, uint8(sh.loop.ID()), s.slot, &s.sid)
	}
	s.setBase64(a.form)
	sh.sessions++
	sh.stats.Opened++
	if t == eio.Polling {
		sh.onPoll++
		s.poll = &pollTransport{form: a.form, index: a.index}
	}
	sh.watchPauses()
	if a.form&formRev3 != 0 {
		s.eio.OpenRevision3(&sh.cfg.EIO, t, sh.loop.Now())
	} else {
		s.eio.Open(&sh.cfg.EIO, t, sh.firstPing(s.slot), sh.loop.Now())
	}
	s.arm()
}

// sessionOf returns the session that a timer of kind timerSession is in.
func sessionOf(t *loop.Timer) *Session {
	return (*Session)(unsafe.Add(unsafe.Pointer(t), -int(unsafe.Offsetof(Session{}.timer))))
}

// arm sets the timer to the earliest of the session's deadlines.
func (s *Session) arm() {
	at := s.eio.Deadline()
	if s.upper != 0 {
		if upper := s.upper.near(s.shard.loop.Now()); at == 0 || upper < at {
			at = upper
		}
	}
	if s.input != nil && s.input.deadline != 0 && (at == 0 || s.input.deadline < at) {
		at = s.input.deadline
	}
	if at != s.shard.loop.Due(&s.timer) {
		s.timer.Lazy = s.shard.lazyPings && at == s.eio.PingAt()
		s.shard.loop.SetTimer(&s.timer, at)
	}
}

// expire does what has become due.
func (s *Session) expire() {
	s.shard.forgivePause()
	now := s.shard.loop.Now()
	if in := s.input; in != nil && in.deadline != 0 && now >= in.deadline {
		s.messageTimeout()
		return
	}
	if s.upper != 0 && now >= s.upper.near(now) {
		s.upper = 0
		s.handler().Deadline()
	}
	if s.paused {
		s.eio.Resume(&s.shard.cfg.EIO, now)
	}
	for {
		a := s.eio.Expire(&s.shard.cfg.EIO, now)
		if a == eio.ActNone || !s.timedAction(a) {
			break
		}
	}
	if st := s.eio.State(); st == eio.StateOpen || st == eio.StateClosing {
		s.arm()
	}
}

// timedAction carries an action of the clock out. It reports whether the
// session lives on.
func (s *Session) timedAction(a eio.Action) bool {
	switch a {
	case eio.ActPing:
		s.Send(framePing)
	case eio.ActNoop:
		if h, ok := s.poll.ex.TakeGet(); ok {
			h.answerPoll(s.poll, textNoop)
		}
	case eio.ActUpgradeTimeout:
		s.dropProbe()
	default:
		if a.Closes() {
			s.end(a.Reason(), nil)
			return false
		}
	}
	return true
}

// end takes the session down. Everything it held is free afterwards.
func (s *Session) end(reason eio.Reason, err error) {
	sh := s.shard
	s.eio.Closed()
	s.upper = 0
	sh.loop.SetTimer(&s.timer, 0)
	sh.table.Free(s.slot)
	if s.named {
		sh.srv.named.release(s.rare.id)
	}
	sh.sessions--
	sh.stats.Closed++
	s.dropProbe()
	if s.poll != nil {
		sh.onPoll--
		s.poll.end(reason)
		s.poll = nil
	}
	if c := s.conn; c != nil {
		s.conn = nil
		s.endConn(c, reason)
	}
	s.dropBacklog()
	if !s.reading {
		s.giveInput()
	}
	s.handler().Closed(reason, err)
}

// packet takes one text packet that arrived on the current transport.
func (s *Session) packet(p []byte) {
	switch {
	case len(p) == 0:
		s.fail(eio.ReasonParseError, nil)
	case s.form&formRev3 != 0:
		s.packet3(polling.DecodePacket3(p))
	case p[0] == 'b':
		s.base64Message(p)
	default:
		s.decoded(eio.PacketType(p[0]), p[1:], false)
	}
}

// packet3 takes a packet of revision 3.
func (s *Session) packet3(typ eio.PacketType, data []byte, binary bool, err error) {
	if err != nil {
		s.fail(eio.ReasonParseError, err)
		return
	}
	s.decoded(typ, data, binary)
}

// binary takes one binary message of a WebSocket.
func (s *Session) binary(p []byte) {
	if s.form&formRev3 != 0 {
		typ, data, err := polling.DecodeBinaryPacket3(p)
		s.packet3(typ, data, true, err)
		return
	}
	s.decoded(eio.Message, p, true)
}

// decoded does what a packet asks for.
func (s *Session) decoded(typ eio.PacketType, data []byte, binary bool) {
	if s.rare != nil && s.rare.muted && typ != eio.Close {
		return
	}
	s.shard.stats.PacketsIn++
	s.shard.forgivePause()
	a := s.eio.Packet(&s.shard.cfg.EIO, s.shard.loop.Now(), typ, string(data) == "probe")
	s.arm()
	switch {
	case a == eio.ActMessage:
		s.handler().Message(data, binary)
	case a == eio.ActPong:
		s.Send(framePong)
	case a == eio.ActTransportError:
		s.end(a.Reason(), errHeartbeat)
	case a.Closes():
		s.end(a.Reason(), nil)
	}
}

// fail ends an open session for something the client did.
func (s *Session) fail(reason eio.Reason, err error) {
	if st := s.eio.State(); st == eio.StateOpen || st == eio.StateClosing {
		s.end(reason, err)
	}
}
