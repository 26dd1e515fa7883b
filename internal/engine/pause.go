package engine

import (
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/loop"
)

// A pulse notices that the process was paused: suspended, stopped or starved.
// The pongs that clients sent meanwhile have not been read, so no session may
// be closed for want of them.
type pulse struct {
	// Owned by the loop goroutine.
	timer    loop.Timer
	detector eio.PauseDetector
}

// watchPauses has the detector asked regularly while there are sessions.
func (sh *Shard) watchPauses() {
	if sh.pulse.timer.Armed() || sh.cfg.EIO.PingInterval <= 0 {
		return
	}
	sh.pulse.timer.Kind = timerPulse
	sh.pulse.detector.Paused(&sh.cfg.EIO, sh.loop.Now())
	sh.loop.SetTimer(&sh.pulse.timer, sh.loop.Now()+max(sh.cfg.EIO.Pause()/2, 1))
}

// beat is called by the timer.
func (sh *Shard) beat() {
	sh.forgivePause()
	if sh.sessions > 0 {
		sh.watchPauses()
	}
}

// forgivePause gives every session a fresh timeout if the process was paused.
// It comes before a heartbeat deadline is looked at.
func (sh *Shard) forgivePause() {
	now := sh.loop.Now()
	if !sh.pulse.detector.Paused(&sh.cfg.EIO, now) {
		return
	}
	sh.eachSession(func(s *Session) {
		s.eio.Resume(&sh.cfg.EIO, now)
		s.arm()
	})
}
