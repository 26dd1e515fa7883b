package eio

import "math"

// StartUpgrade registers a WebSocket that names this session. It returns false
// if the session cannot take it: the owner then completes the handshake and
// sends an empty close frame. Only a session on polling can be upgraded, once,
// by one transport at a time.
func (s *Session) StartUpgrade(cfg *Config, now int64) bool {
	if s.state != StateOpen && s.state != StateClosing {
		return false
	}
	if s.transport != Polling || s.flags&(flagUpgrading|flagUpgraded) != 0 {
		return false
	}
	s.flags |= flagUpgrading
	s.upgradeAt = now + min(max(cfg.UpgradeTimeout, 1), math.MaxInt32)
	return true
}

// UpgradePacket takes a packet that arrived on the upgrading transport. data
// is what follows the type.
func (s *Session) UpgradePacket(cfg *Config, now int64, typ PacketType, data []byte) Action {
	if s.flags&flagUpgrading == 0 {
		return ActAbandon
	}
	switch {
	case typ == Ping && string(data) == "probe":
		s.tickNoop(now)
		return ActProbe
	case typ == Upgrade:
		s.UpgradeLost()
		s.flags |= flagUpgraded
		s.transport = WebSocket
		if s.state == StateClosing {
			return s.close(ActUpgradeClose)
		}
		s.clearTimeout(cfg, now)
		return ActUpgrade
	}
	s.UpgradeLost()
	return ActAbandon
}

// UpgradeLost says that the upgrading transport is gone; the session goes on.
func (s *Session) UpgradeLost() {
	s.flags &^= flagUpgrading
	s.upgradeAt, s.noopLead = 0, 0
}

// expireUpgrade does what is due of an upgrade: a noop tick or its end.
func (s *Session) expireUpgrade(now int64) Action {
	if s.noopLead > 0 {
		s.tickNoop(now)
		return ActNoop
	}
	s.UpgradeLost()
	return ActUpgradeTimeout
}

// upgradeDeadline returns the next noop tick or the upgrade timeout.
func (s *Session) upgradeDeadline() int64 { return s.upgradeAt - int64(s.noopLead) }

// tickNoop sets the next noop tick, unless the upgrade times out before it.
func (s *Session) tickNoop(now int64) {
	s.noopLead = int32(min(max(0, s.upgradeAt-now-NoopInterval), math.MaxInt32))
}
