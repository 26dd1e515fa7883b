package eio

// schedulePing arms the next ping, an interval from now.
func (s *Session) schedulePing(cfg *Config, now int64) {
	if cfg.PingInterval > 0 {
		s.beat = now + cfg.PingInterval
	}
}

// expectPing arms the timeout of revision 3, in which the client pings.
func (s *Session) expectPing(cfg *Config, now int64) {
	if cfg.PingInterval > 0 {
		s.beat = now + cfg.PingInterval + cfg.PingTimeout
	}
}

// clearTimeout is what an upgrade does to the heartbeat: a running timeout is
// cleared and no ping is sent again at once. The reference then waits for ever
// for the pong; here the next ping comes an interval later, so that a client
// that died while upgrading is noticed.
func (s *Session) clearTimeout(cfg *Config, now int64) {
	if s.flags&flagRev3 != 0 {
		s.expectPing(cfg, now)
		return
	}
	if s.flags&flagAwaiting != 0 {
		s.flags &^= flagAwaiting | flagExtended
		s.schedulePing(cfg, now)
	}
}

// late reports whether the heartbeat deadline is met so late that the process
// must have been paused.
func (s *Session) late(cfg *Config, now int64) bool { return now-s.beat >= cfg.Pause() }

// ping sends a ping, whose timeout runs from when it was due.
func (s *Session) ping(cfg *Config, now int64) Action {
	due := s.beat
	if s.late(cfg, now) {
		due = now
	}
	s.flags = s.flags&^flagExtended | flagAwaiting
	s.beat = due + cfg.PingTimeout
	return ActPing
}

// overdue closes the session if its ping timeout has passed, and restarts the
// timeout if the process was paused meanwhile.
func (s *Session) overdue(cfg *Config, now int64) Action {
	if s.flags&(flagAwaiting|flagRev3) == 0 || s.beat == 0 || now < s.beat {
		return ActNone
	}
	if s.late(cfg, now) {
		s.freshTimeout(cfg, now)
		return ActNone
	}
	return s.close(ActPingTimeout)
}

func (s *Session) freshTimeout(cfg *Config, now int64) {
	if s.flags&flagRev3 != 0 {
		s.expectPing(cfg, now)
		return
	}
	s.beat = now + cfg.PingTimeout
}

// Resume forgives the time for which the process was paused: a ping that fell
// due meanwhile counts as due now, and a session whose ping has not been
// answered gets a whole fresh timeout. The owner of many sessions calls it for
// each when a PauseDetector says so. It never brings a deadline forward.
func (s *Session) Resume(cfg *Config, now int64) {
	switch {
	case s.beat == 0 || s.flags&flagWait != 0:
	case s.flags&(flagAwaiting|flagRev3) == 0:
		s.beat = max(s.beat, now)
	case s.beat < now+cfg.PingTimeout:
		s.freshTimeout(cfg, now)
	}
}

// PauseDetector notices that the process was paused: suspended, stopped or
// starved. It is called once per turn of a loop that wakes more often than
// Config.Pause while it has sessions. The zero value is ready.
type PauseDetector struct{ last int64 }

// Paused reports whether Config.Pause or more went by since the previous
// call.
func (d *PauseDetector) Paused(cfg *Config, now int64) bool {
	last := d.last
	d.last = now
	return last != 0 && cfg.PingInterval > 0 && now-last >= cfg.Pause()
}
