// Package eio is the Engine.IO session as a state machine: packets and times
// in, actions out.
//
// # What it is not
//
// It opens no socket, starts no goroutine, reads no clock and holds no bytes:
// HTTP belongs to package polling, frames to package wsframe, and queues to
// whoever owns the session. Time is an int64 of milliseconds on any clock that
// does not run backwards; 0 means "never".
//
// # Data flow
//
//	request ──▶ Verify ──▶ code 0…5, or a handshake ──▶ AppendOpen `0{"sid":…`
//	                                                          │
//	                               ┌──────────────────────────▼───┐
//	packet on the transport ─────▶ │ Packet                       │ ─▶ ActMessage, ActTransportError …
//	packet on the new WebSocket ─▶ │ UpgradePacket   one Session, │ ─▶ ActProbe, ActUpgrade, ActAbandon
//	clock ───────────────────────▶ │ Expire          24 bytes     │ ─▶ ActPing, ActPingTimeout, ActNoop …
//	                               │ Deadline ──▶ when to call    │
//	                               └──────────────────────────────┘
//
// An action for which [Action.Closes] holds has closed the machine: the owner
// tears the session down with [Action.Reason], and every later call answers
// ActNone (or ActAbandon on an upgrading transport).
//
// # Late loops and paused processes
//
// A ping's timeout runs from when the ping was due, not from when a late loop
// got round to sending it, and a packet that arrives after the timeout does
// not save the session. The exception is a pause of the whole process (a
// suspended machine, a stopped container): when a heartbeat deadline is met
// [Config.Pause] late or more, nobody was there to read the pongs, so the
// session gets a whole fresh timeout instead of being closed. [PauseDetector]
// and [Session.Resume] do the same for sessions whose deadline fell just
// before the end of the pause.
//
// # Concurrency
//
// A Session is owned by one goroutine at a time. Config is immutable once
// shared. The functions keep no state.
package eio
