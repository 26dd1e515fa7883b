package eio

// State is the life of a session.
type State uint8

// The states.
const (
	StateNone    State = iota // the zero Session: not opened yet
	StateOpen                 // packets flow
	StateClosing              // StartClose was called: only what is buffered still leaves
	StateClosed               // over
)

// Action is what the owner of a session has to do.
type Action uint8

// The actions.
const (
	// ActNone: nothing, the packet is ignored.
	ActNone Action = iota
	// ActMessage: deliver the payload.
	ActMessage
	// ActPing: queue a `2` on the current transport.
	ActPing
	// ActPong: queue a `3` without data on the current transport; revision 3
	// only.
	ActPong
	// ActNoop: if a GET is pending, answer it with `6`.
	ActNoop
	// ActProbe: send `3probe` on the upgrading transport.
	ActProbe
	// ActUpgrade: the upgrading transport takes over. Answer a pending GET with
	// `1`, close the old transport, flush what is buffered to the new one.
	ActUpgrade
	// ActAbandon: close the upgrading transport; the session goes on.
	ActAbandon
	// ActUpgradeTimeout: as ActAbandon, because `5` did not come in time.
	ActUpgradeTimeout
	// ActUpgradeClose: as ActUpgrade, but the session was closing: after the
	// flush close the new transport too. Closed: "forced close".
	ActUpgradeClose
	// ActTransportError: heartbeat in the wrong direction. Closed.
	ActTransportError
	// ActTransportClose: the client sent `1` on polling. Closed; a pending GET
	// is answered `6`.
	ActTransportClose
	// ActParseError: a packet type that does not exist. Closed.
	ActParseError
	// ActPingTimeout: no pong in time. Closed.
	ActPingTimeout
	// ActCloseTimeout: no poll came for the last packets of a closing session.
	// Closed: "forced close".
	ActCloseTimeout
)

// Reason returns the close reason of an action that closed the session, and ""
// of any other.
func (a Action) Reason() Reason {
	switch a {
	case ActTransportError:
		return ReasonTransportError
	case ActTransportClose:
		return ReasonTransportClose
	case ActParseError:
		return ReasonParseError
	case ActPingTimeout:
		return ReasonPingTimeout
	case ActCloseTimeout, ActUpgradeClose:
		return ReasonForcedClose
	default:
		return ""
	}
}

// Closes reports whether the action closed the session.
func (a Action) Closes() bool { return a >= ActUpgradeClose }

// String returns a short name for logs and tests, for example "ping timeout".
func (a Action) String() string {
	names := [...]string{
		"none", "message", "ping", "pong", "noop", "probe", "upgrade", "abandon", "upgrade timeout",
		"upgrade close", "transport error", "transport close", "parse error", "ping timeout", "close timeout",
	}
	if int(a) < len(names) {
		return names[a]
	}
	return "unknown"
}

type flag uint8

const (
	flagAwaiting  flag = 1 << iota // a pong is awaited: beat is its timeout, not the next ping
	flagExtended                   // the timeout of this ping was restarted by another packet
	flagUpgrading                  // an upgrading transport exists
	flagUpgraded                   // the upgrade succeeded
	flagRev3                       // protocol revision 3
	flagWait                       // closing: beat is the end of the wait for a last poll
)

// Session is the state of one Engine.IO session: 24 bytes, to be embedded by
// value. The zero value is a session that was never opened.
//
// Owned by the loop goroutine.
type Session struct {
	beat      int64 // next ping, ping timeout or end of the closing wait; 0 none
	upgradeAt int64 // upgrade timeout; 0 none
	noopLead  int32 // the next noop tick comes this long before upgradeAt; 0 none
	state     State
	transport Transport
	flags     flag
}

// Open starts a session of revision 4 on t. firstPing is the time until the
// first ping in milliseconds; PingInterval is used if it is not positive and
// where it is longer, because clients time out after interval + timeout.
func (s *Session) Open(cfg *Config, t Transport, firstPing, now int64) {
	*s = Session{state: StateOpen, transport: t}
	if cfg.PingInterval <= 0 {
		return
	}
	if firstPing <= 0 || firstPing > cfg.PingInterval {
		firstPing = cfg.PingInterval
	}
	s.beat = now + firstPing
}

// OpenRevision3 starts a session of revision 3 on t. There the client pings:
// the session times out when no ping came for PingInterval + PingTimeout.
func (s *Session) OpenRevision3(cfg *Config, t Transport, now int64) {
	*s = Session{state: StateOpen, transport: t, flags: flagRev3}
	s.expectPing(cfg, now)
}

// State returns where in its life the session is.
func (s *Session) State() State { return s.state }

// Transport returns what carries the session now.
func (s *Session) Transport() Transport { return s.transport }

// Upgrading reports whether an upgrade is under way.
func (s *Session) Upgrading() bool { return s.flags&flagUpgrading != 0 }

// Upgraded reports whether the session moved to another transport.
func (s *Session) Upgraded() bool { return s.flags&flagUpgraded != 0 }

// Revision returns the protocol revision of the session.
func (s *Session) Revision() Revision {
	if s.flags&flagRev3 != 0 {
		return Revision3
	}
	return Revision4
}

// AwaitingPong reports whether a ping has not been answered yet.
func (s *Session) AwaitingPong() bool { return s.flags&flagAwaiting != 0 }

// Packet takes a packet that arrived on the current transport. A binary
// message is a Message. The last argument says that the data is exactly
// `probe`: like the reference, a session makes no difference on its current
// transport, where `2probe` is as wrong as `2` and `3probe` as good as `3`.
func (s *Session) Packet(cfg *Config, now int64, typ PacketType, _ bool) Action {
	switch s.state {
	case StateNone, StateClosed:
		return ActNone
	case StateOpen:
		if act := s.overdue(cfg, now); act != ActNone {
			return act
		}
	case StateClosing:
	}
	if typ == Close && s.transport == Polling {
		return s.close(ActTransportClose)
	}
	if s.state == StateClosing {
		return ActNone
	}
	if !typ.Valid() {
		return s.close(ActParseError)
	}
	if s.flags&flagRev3 != 0 {
		return s.packet3(cfg, now, typ)
	}
	switch typ {
	case Ping:
		return s.close(ActTransportError)
	case Pong:
		s.flags &^= flagAwaiting | flagExtended
		s.schedulePing(cfg, now)
		return ActNone
	default:
		if s.flags&(flagAwaiting|flagExtended) == flagAwaiting {
			s.flags |= flagExtended
			s.beat = max(s.beat, now+cfg.PingTimeout)
		}
	}
	if typ == Message {
		return ActMessage
	}
	return ActNone
}

// Deadline returns when Expire has something to do; 0 if never.
func (s *Session) Deadline() int64 {
	d := s.beat
	if up := s.upgradeDeadline(); up != 0 && (d == 0 || up < d) {
		d = up
	}
	return d
}

// PingAt returns when the next ping is due; 0 if a pong is awaited, or never.
func (s *Session) PingAt() int64 {
	if s.state != StateOpen || s.flags&(flagAwaiting|flagRev3) != 0 {
		return 0
	}
	return s.beat
}

// Expire does what is due at now, one thing at a time and the earliest first:
// call it until it returns ActNone. It may be called at any time; the owner
// also calls it when a request of the session arrives, so that a timeout does
// not wait for the loop's next sweep.
func (s *Session) Expire(cfg *Config, now int64) Action {
	if up := s.upgradeDeadline(); up != 0 && up <= now && (s.beat == 0 || up <= s.beat) {
		return s.expireUpgrade(now)
	}
	if s.beat == 0 || now < s.beat {
		return ActNone
	}
	if s.flags&flagWait != 0 {
		return s.close(ActCloseTimeout)
	}
	if s.flags&(flagAwaiting|flagRev3) == 0 {
		return s.ping(cfg, now)
	}
	if act := s.overdue(cfg, now); act != ActNone {
		return act
	}
	// The process was paused and the timeout has moved: what is due of an
	// upgrade comes now.
	if up := s.upgradeDeadline(); up != 0 && up <= now {
		return s.expireUpgrade(now)
	}
	return ActNone
}

// StartClose begins a graceful close on polling: no packet is taken any more
// and the session ends when a poll has carried away what is buffered (the
// owner then calls Closed), when an upgrade completes, or after CloseWait.
func (s *Session) StartClose(now int64) {
	if s.state != StateOpen {
		return
	}
	s.state = StateClosing
	end := now + CloseWait
	if s.flags&(flagAwaiting|flagRev3) != 0 && s.beat != 0 && s.beat <= end {
		return
	}
	s.flags = s.flags&^(flagAwaiting|flagExtended) | flagWait
	s.beat = end
}

// Closed ends the session: nothing is due any more. It may be called again.
func (s *Session) Closed() { s.close(ActNone) }

// packet3 is Packet for revision 3, with the heartbeat the other way round.
func (s *Session) packet3(cfg *Config, now int64, typ PacketType) Action {
	switch typ {
	case Ping:
		s.expectPing(cfg, now)
		return ActPong
	case Pong:
		return s.close(ActTransportError)
	case Message:
		return ActMessage
	default:
		return ActNone
	}
}

func (s *Session) close(why Action) Action {
	*s = Session{state: StateClosed, transport: s.transport, flags: s.flags & (flagUpgraded | flagRev3)}
	return why
}
