package main

import (
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
)

// An engineBehavior is what a profile without Socket.IO does with its sessions.
// All methods run on the loop of the session.
type engineBehavior interface {
	opened(s *engineSession)
	message(s *engineSession, data []byte, binary bool) // data is borrowed until the return
	closed(s *engineSession)
}

// echo is the behavior of a profile that sends back what it gets: text as text,
// binary as binary.
type echo struct{}

func (echo) opened(*engineSession) {}

func (echo) message(s *engineSession, data []byte, binary bool) { s.reply(data, binary) }

func (echo) closed(*engineSession) {}

// engineUpper is the layer above the engine.
type engineUpper struct{ behavior engineBehavior }

// NewShard implements engine.Upper.
func (u engineUpper) NewShard(sh *engine.Shard) engine.UpperShard {
	return engineShard{sh.Loop(), u.behavior}
}

// An engineShard is the part of an engineUpper that belongs to one loop.
type engineShard struct {
	loop     *loop.Loop
	behavior engineBehavior
}

// NewSession implements engine.UpperShard.
func (sh engineShard) NewSession() *engine.Session {
	return &(&engineSession{loop: sh.loop, behavior: sh.behavior}).Session
}

// Handler implements engine.UpperShard: the Session is the first field.
func (engineShard) Handler(s *engine.Session) engine.SessionHandler {
	return (*engineSession)(unsafe.Pointer(s))
}

// KeepsHandshake implements engine.UpperShard.
func (engineShard) KeepsHandshake() bool { return false }

// Timer implements engine.UpperShard.
func (engineShard) Timer(*loop.Timer) {}

// Message implements engine.UpperShard.
func (engineShard) Message(*loop.Message) {}

// Dropped implements engine.UpperShard.
func (engineShard) Dropped(*loop.Message) {}

// BeforeFlush implements engine.UpperShard.
func (engineShard) BeforeFlush() {}

// An engineSession is a session that the behavior of its profile answers.
type engineSession struct {
	engine.Session

	// Immutable.
	loop     *loop.Loop
	behavior engineBehavior
}

// Opened implements engine.SessionHandler.
func (s *engineSession) Opened() { s.behavior.opened(s) }

// Message implements engine.SessionHandler.
func (s *engineSession) Message(data []byte, binary bool) { s.behavior.message(s, data, binary) }

// Received implements engine.SessionHandler.
func (s *engineSession) Received() {}

// Drained implements engine.SessionHandler.
func (s *engineSession) Drained() {}

// Upgraded implements engine.SessionHandler.
func (s *engineSession) Upgraded() {}

// Dropped implements engine.SessionHandler.
func (s *engineSession) Dropped(*engine.Flow, engine.Cause) {}

// Deadline implements engine.SessionHandler.
func (s *engineSession) Deadline() {}

// Closed implements engine.SessionHandler.
func (s *engineSession) Closed(eio.Reason, error) { s.behavior.closed(s) }

// reply sends one message.
func (s *engineSession) reply(data []byte, binary bool) {
	const frameOverhead = 16
	b := bufpool.Get(len(data) + frameOverhead)
	if binary {
		b.B = engine.AppendBinaryMessage(b.B, data)
	} else {
		b.B = engine.AppendTextMessage(b.B, data)
	}
	s.Send(b)
	s.loop.Defer(b)
}
