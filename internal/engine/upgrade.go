package engine

import (
	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// A probe is a WebSocket that wants to take a polling session over
// (Engine.IO protocol, "Upgrade").
type probe struct {
	// Immutable.
	shard *Shard
	conn  *loop.Conn

	// Owned by the loop goroutine.
	session *Session // nil when the upgrade was abandoned
	reader  wsframe.Reader
	ctl     controlBudget
	window  uint8 // of permessage-deflate; 0 if it was not agreed on
	form    form  // what the request for it has asked for
}

// startProbe registers a WebSocket whose 101 has been queued. A session that
// cannot be upgraded lets it go with an empty close frame.
func (s *Session) startProbe(c *loop.Conn, window uint8, f form) {
	if !s.eio.StartUpgrade(&s.shard.cfg.EIO, s.shard.loop.Now()) {
		s.shard.hangUp(c, wsframe.AppendClose(nil, 0, ""), nil)
		return
	}
	p := &probe{shard: s.shard, conn: c, session: s, window: window, form: f}
	s.poll.probe = p
	c.Ctx = p
	s.arm()
}

// data takes bytes that arrived on the probing WebSocket.
func (p *probe) data(b []byte) {
	for p.session != nil {
		m, rest, ok, err := p.reader.Next(p.shard.frameConfig(p.window), b)
		if err != nil {
			p.violated(err)
			return
		}
		if !ok {
			return
		}
		b = rest
		if s := p.frame(m); s != nil {
			s.frames(p.conn, b)
			return
		}
	}
}

// frame takes one message. It returns the session when the probe has become
// its transport.
func (p *probe) frame(m wsframe.Message) *Session {
	s := p.session
	switch m.Op {
	case wsframe.OpPing, wsframe.OpPong:
		if !p.ctl.spend(p.shard.loop.Now(), p.shard.cfg.MaxControl) {
			p.violated(errTooManyControls)
		} else if m.Op == wsframe.OpPing {
			p.shard.pong(p.conn, &p.ctl, m.Payload)
		}
		return nil
	case wsframe.OpText:
		if len(m.Payload) > 0 {
			return p.packet(s, m.Payload)
		}
	case wsframe.OpClose:
		p.leave(closeReply(m.Payload), nil)
		return nil
	default: // a probing client has nothing else to say
	}
	p.abandon(nil)
	return nil
}

func (p *probe) packet(s *Session, text []byte) *Session {
	a := s.eio.UpgradePacket(&p.shard.cfg.EIO, p.shard.loop.Now(), eio.PacketType(text[0]), text[1:])
	s.arm()
	switch a {
	case eio.ActProbe:
		if p.conn.Queued() >= maxPipelined {
			p.violated(errTooManyProbes)
			return nil
		}
		p.conn.Send(frameProbe)
	case eio.ActUpgrade, eio.ActUpgradeClose:
		s.takeOver(p)
		if a == eio.ActUpgradeClose {
			s.end(eio.ReasonForcedClose, nil)
			return nil
		}
		return s
	default:
		p.abandon(nil)
	}
	return nil
}

// takeOver makes the probing WebSocket the transport of the session: a GET
// that is still pending is answered `1`, and what waits for a GET goes out on
// the WebSocket.
func (s *Session) takeOver(p *probe) {
	poll := s.poll
	s.poll, p.session = nil, nil
	s.conn, s.input, s.window = p.conn, &input{reader: p.reader}, p.window
	s.setBase64(p.form)
	if p.ctl != (controlBudget{}) {
		s.ensureRare().ctl = p.ctl
	}
	if s.paused {
		p.conn.PauseRead()
	}
	p.conn.Ctx = s
	s.shard.onPoll--
	s.shard.stats.Upgrades++
	if h, ok := poll.ex.TakeGet(); ok {
		h.answerPoll(poll, textClose)
	}
	poll.detachPost()
	if s.behind() != nil {
		s.behind().recount(false)
	}
	s.feed()
	s.handler().Upgraded()
}

// errTooManyProbes closes a WebSocket that probes and reads no answer.
var errTooManyProbes = &wsframe.CloseError{Code: wsframe.ClosePolicy, Reason: "too many probes"}

// violated is abandon for what the protocol does not allow.
func (p *probe) violated(err error) {
	p.shard.stats.FrameErrors++
	p.abandon(err)
}

// abandon closes the probing WebSocket; the session goes on where it is.
func (p *probe) abandon(err error) { p.leave(closeFrame(err), err) }

// leave is abandon with the last frame given.
func (p *probe) leave(last []byte, err error) {
	s := p.session
	p.session = nil
	p.reader.Release()
	p.shard.hangUp(p.conn, last, err)
	if s != nil {
		s.poll.probe = nil
		s.eio.UpgradeLost()
		s.arm()
	}
}

// lost is called when the probing WebSocket is gone.
func (p *probe) lost() {
	p.reader.Release()
	if s := p.session; s != nil {
		p.session, s.poll.probe = nil, nil
		s.eio.UpgradeLost()
		s.arm()
	}
}

// dropProbe closes the probing WebSocket, if there is one.
func (s *Session) dropProbe() {
	if s.poll == nil {
		return
	}
	if p := s.poll.probe; p != nil {
		s.poll.probe, p.session = nil, nil
		p.reader.Release()
		p.shard.closeFrames(p.conn, nil)
	}
}

// A rawSocket is a bare WebSocket that echoes: Config.RawWebSocket.
type rawSocket struct {
	// Immutable.
	shard  *Shard
	conn   *loop.Conn
	window uint8 // of permessage-deflate; 0 if it was not agreed on

	// Owned by the loop goroutine.
	reader wsframe.Reader
}

func (r *rawSocket) data(b []byte) {
	for r.conn.Ctx == r {
		m, rest, ok, err := r.reader.Next(r.shard.frameConfig(r.window), b)
		if err != nil {
			r.reader.Release()
			r.shard.closeFrames(r.conn, err)
			return
		}
		if !ok {
			return
		}
		b = rest
		r.frame(m)
	}
}

func (r *rawSocket) frame(m wsframe.Message) {
	switch m.Op {
	case wsframe.OpText, wsframe.OpBinary:
		r.echo(m.Op, m.Payload)
	case wsframe.OpPing:
		r.echo(wsframe.OpPong, m.Payload)
	case wsframe.OpClose:
		r.close(m.Payload)
	default: // a pong is ignored
	}
}

func (r *rawSocket) echo(op wsframe.Opcode, payload []byte) {
	b := bufpool.Get(wsframe.MaxHeader + len(payload))
	if r.window != 0 {
		b.B, _ = r.shard.compression.deflater.AppendFrame(b.B, op, payload, r.window)
	} else {
		b.B = wsframe.AppendFrame(b.B, op, payload)
	}
	r.conn.Send(b)
	r.shard.loop.Defer(b)
	if r.conn.Queued() > r.shard.cfg.MaxQueue {
		r.conn.Close(errWriteStall)
		r.conn.Ctx = nil
	}
}

func (r *rawSocket) close(payload []byte) {
	last := closeReply(payload) // which the reader holds
	r.reader.Release()
	r.shard.hangUp(r.conn, last, nil)
}
