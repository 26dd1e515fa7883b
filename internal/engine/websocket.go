package engine

import (
	"errors"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// maxPongs is how many pongs may wait for a client that does not read them.
// Beyond, only the answer to its latest ping is kept.
const maxPongs = 64

// A controlBudget bounds what control frames may cost.
type controlBudget struct {
	second int64 // the second that count belongs to
	count  int32 // control frames in that second
	pongs  int32 // pongs queued since the connection last took everything
	late   *pong // the latest that is beyond maxPongs
}

// A pong is the answer to a ping.
type pong struct {
	size    uint8
	payload [125]byte
}

// spend counts one control frame and reports whether it is within the limit.
func (b *controlBudget) spend(nowMS int64, limit int) bool {
	if sec := nowMS / 1000; sec != b.second {
		b.second, b.count = sec, 0
	}
	b.count++
	return limit <= 0 || int(b.count) <= limit
}

// frames takes bytes that arrived on the session's WebSocket.
func (s *Session) frames(c *loop.Conn, b []byte) {
	s.reading = true
	in := s.takeInput()
	for s.conn == c {
		m, rest, ok, err := in.reader.Next(s.shard.frameConfig(s.window), b)
		if err != nil {
			s.frameError(c, err)
			break
		}
		if !ok {
			s.watchPartial()
			break
		}
		b = rest
		if !m.Op.Control() {
			in.deadline = 0 // which was about this message; the next has its own
		}
		s.frame(c, m)
	}
	s.reading = false
	if s.conn != c || !in.reader.Partial() {
		s.giveInput()
	}
	s.handler().Received()
}

// takeInput returns the input of the session, an idle one if there is none.
func (s *Session) takeInput() *input {
	if s.input == nil {
		if s.input = s.shard.spare; s.input == nil {
			s.input = new(input)
		}
		s.shard.spare = nil
	}
	return s.input
}

// giveInput gives the input back: nothing is being received.
func (s *Session) giveInput() {
	if in := s.input; in != nil {
		in.reader.Release()
		in.deadline = 0
		s.shard.spare, s.input = in, nil
	}
}

func (s *Session) frame(c *loop.Conn, m wsframe.Message) {
	switch m.Op {
	case wsframe.OpText:
		s.packet(m.Payload)
	case wsframe.OpBinary:
		s.binary(m.Payload)
	case wsframe.OpPing, wsframe.OpPong:
		s.control(c, m)
	case wsframe.OpClose:
		s.peerClose(c, m.Payload)
	default: // Reader.Next returns no other
	}
}

// control answers a ping and ignores a pong.
func (s *Session) control(c *loop.Conn, m wsframe.Message) {
	sh := s.shard
	ctl := &s.ensureRare().ctl
	if !ctl.spend(sh.loop.Now(), sh.cfg.MaxControl) {
		s.frameError(c, errTooManyControls)
		return
	}
	if m.Op == wsframe.OpPing {
		sh.pong(c, ctl, m.Payload)
	}
}

// errTooManyControls closes with 1008, policy violation (RFC 6455, 7.4.1).
var errTooManyControls = &wsframe.CloseError{Code: 1008, Reason: "too many control frames"}

// pong answers a ping. While the connection is blocked at most maxPongs wait.
func (sh *Shard) pong(c *loop.Conn, ctl *controlBudget, payload []byte) {
	if !c.Blocked() {
		ctl.pongs = 0
	}
	if ctl.pongs++; ctl.pongs > maxPongs {
		if ctl.late == nil {
			ctl.late = new(pong)
		}
		ctl.late.size = uint8(copy(ctl.late.payload[:], payload))
		return
	}
	b := bufpool.Get(2 + len(payload))
	b.B = wsframe.AppendFrame(b.B, wsframe.OpPong, payload)
	c.Send(b)
	sh.loop.Defer(b)
}

// latePong sends the pong that was kept while the connection was blocked.
func (sh *Shard) latePong(c *loop.Conn, ctl *controlBudget) {
	if p := ctl.late; p != nil {
		ctl.late = nil
		sh.pong(c, ctl, p.payload[:p.size])
	}
}

// frameError closes a WebSocket that broke the protocol with the code of the
// violation, and its session with it.
func (s *Session) frameError(c *loop.Conn, err error) {
	s.shard.stats.FrameErrors++
	s.conn = nil
	s.surrender(c)
	s.shard.closeFrames(c, err)
	s.fail(eio.ReasonTransportError, err)
}

// closeFrames sends the close frame for err and lets the connection go.
func (sh *Shard) closeFrames(c *loop.Conn, err error) {
	sh.hangUp(c, closeFrame(err), err)
}

// closeFrame returns the close frame for err. As with the reference a violation
// of the protocol has a code and no reason; closes that only this server knows
// say why.
func closeFrame(err error) []byte {
	ce, ok := errors.AsType[*wsframe.CloseError](err)
	switch {
	case !ok:
		return wsframe.AppendClose(nil, 0, "")
	case ce.Code == wsframe.ClosePolicy:
		return wsframe.AppendClose(nil, ce.Code, ce.Reason)
	}
	return wsframe.AppendClose(nil, ce.Code, "")
}

// hangUp writes a last frame and closes the connection when the peer has
// closed its side, or after CloseTimeout.
func (sh *Shard) hangUp(c *loop.Conn, last []byte, err error) {
	c.Ctx = nil
	sh.sendBytes(c, last)
	c.CloseAfterFlush(err)
	c.SetDeadline(sh.loop.Now() + sh.cfg.CloseTimeout)
}

// peerClose answers the peer's close frame in kind and ends the session.
func (s *Session) peerClose(c *loop.Conn, payload []byte) {
	s.conn = nil
	s.surrender(c)
	s.shard.hangUp(c, closeReply(payload), nil)
	s.fail(eio.ReasonTransportClose, nil)
}

// closeReply returns the answer to a close frame: the same code and reason,
// which the reader has checked.
func closeReply(payload []byte) []byte {
	return wsframe.AppendFrame(nil, wsframe.OpClose, payload)
}

// endConn closes the WebSocket of a session that is over.
func (s *Session) endConn(c *loop.Conn, reason eio.Reason) {
	if reason == ReasonSlowConsumer {
		c.Ctx = nil
		c.Close(errWriteStall)
		return
	}
	s.surrender(c)
	s.shard.hangUp(c, wsframe.AppendClose(nil, 0, ""), nil)
}

// connLost is called when the session's WebSocket is gone.
func (s *Session) connLost(c *loop.Conn, err error) {
	if s.conn != c {
		return
	}
	s.conn = nil
	reason := eio.ReasonTransportClose
	if _, ok := errors.AsType[*loop.WriteError](err); ok {
		reason = eio.ReasonTransportError
	}
	s.fail(reason, err)
}

// watchPartial gives a message that was begun its deadline.
func (s *Session) watchPartial() {
	in := s.input
	if !in.reader.Partial() {
		if in.deadline != 0 {
			in.deadline = 0
			s.arm()
		}
		return
	}
	if in.deadline == 0 && s.shard.cfg.MessageTimeout > 0 {
		in.deadline = s.shard.loop.Now() + s.shard.cfg.MessageTimeout
		s.arm()
	}
}

func (s *Session) messageTimeout() {
	s.input.deadline = 0
	if s.paused {
		s.watchPartial()
		return
	}
	c := s.conn
	s.conn = nil
	if c != nil {
		s.surrender(c)
		s.shard.closeFrames(c, &wsframe.CloseError{Code: 1008, Reason: errMessageTimeout.Error()})
	}
	s.fail(eio.ReasonTransportError, errMessageTimeout)
}

// watchStall gives a connection that refuses bytes its deadline.
func (s *Session) watchStall() {
	s.watchQueue()
	if since := s.conn.StalledSince(); since != 0 && s.shard.cfg.WriteStall > 0 {
		s.conn.SetDeadline(since + s.shard.cfg.WriteStall)
	}
}

// A stall remembers for which standstill of its connection it gave more time.
type stall struct {
	// Owned by the loop goroutine.
	since int64
}

// stallGrace is how much longer a connection is waited for when its time is
// up, in milliseconds: the server itself may have been held up, and the news
// that the connection takes bytes again may be waiting.
const stallGrace = 1000

// next returns when to look at a blocked connection again; 0 means that it is
// to be given up.
func (w *stall) next(c *loop.Conn, sh *Shard) int64 {
	since, now := c.StalledSince(), sh.loop.Now()
	switch at := since + sh.cfg.WriteStall; {
	case at > now:
		return at // it made progress meanwhile
	case w.since != since:
		w.since = since
		return now + stallGrace
	}
	return 0
}

// stalled is called when that deadline has passed.
func (s *Session) stalled() {
	c := s.conn
	if c == nil || !c.Blocked() {
		return
	}
	if at := s.ensureRare().stall.next(c, s.shard); at != 0 {
		c.SetDeadline(at)
		return
	}
	s.shard.stats.WriteStalls++
	s.Close(ReasonSlowConsumer, errWriteStall)
}
