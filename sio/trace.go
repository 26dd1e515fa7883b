package sio

import (
	"log/slog"
	"net/netip"
	"runtime/debug"
)

// guarded returns a copy of t whose hooks cannot harm those who call them: a
// panic is logged and goes no further.
func (t *Trace) guarded(log *slog.Logger) *Trace {
	g := *t
	if f := t.Connected; f != nil {
		g.Connected = func(s *Socket) {
			defer caught(log, "Connected")
			f(s)
		}
	}
	if f := t.Upgraded; f != nil {
		g.Upgraded = func(s *Socket) {
			defer caught(log, "Upgraded")
			f(s)
		}
	}
	if f := t.Disconnected; f != nil {
		g.Disconnected = func(s *Socket, reason DisconnectReason) {
			defer caught(log, "Disconnected")
			f(s, reason)
		}
	}
	if f := t.EventReceived; f != nil {
		g.EventReceived = func(s *Socket, event string, bytes int) {
			defer caught(log, "EventReceived")
			f(s, event, bytes)
		}
	}
	if f := t.HandlerError; f != nil {
		g.HandlerError = func(s *Socket, event string, err error) {
			defer caught(log, "HandlerError")
			f(s, event, err)
		}
	}
	if f := t.PacketError; f != nil {
		g.PacketError = func(remote netip.AddrPort, err error) {
			defer caught(log, "PacketError")
			f(remote, err)
		}
	}
	if f := t.Dropped; f != nil {
		g.Dropped = func(s *Socket, cause string) {
			defer caught(log, "Dropped")
			f(s, cause)
		}
	}
	g.RoomJoined, g.RoomLeft = guardedRoom(log, "RoomJoined", t.RoomJoined), guardedRoom(log, "RoomLeft", t.RoomLeft)
	g.RoomCreated, g.RoomDeleted = guardedRoom(log, "RoomCreated", t.RoomCreated), guardedRoom(log, "RoomDeleted", t.RoomDeleted)
	return &g
}

// guardedRoom guards a hook about a room of v.
func guardedRoom[T any](log *slog.Logger, hook string, f func(v T, room string)) func(v T, room string) {
	if f == nil {
		return nil
	}
	return func(v T, room string) {
		defer caught(log, hook)
		f(v, room)
	}
}

// caught is deferred around a hook.
func caught(log *slog.Logger, hook string) {
	if v := recover(); v != nil {
		log.Error("sio: panic in a hook of Options.Trace", "hook", hook, "panic", v, "stack", string(debug.Stack()))
	}
}
