package sio

import (
	"slices"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/rooms"
)

// Join adds the socket to rooms. What the calling goroutine emits to them
// afterwards reaches the socket. The error is ErrSocketClosed, ErrRoomName or
// ErrTooManyRooms.
func (s *Socket) Join(rooms ...string) error {
	for _, room := range rooms {
		if len(room) > maxRoomName {
			return ErrRoomName
		}
	}
	if s.marked(markFull) {
		return ErrTooManyRooms
	}
	return s.roomOp(msgJoin, rooms)
}

// Leave removes the socket from rooms.
func (s *Socket) Leave(rooms ...string) error { return s.roomOp(msgLeave, rooms) }

// Rooms returns the rooms of the socket, its id included. While the
// OnDisconnecting hooks run it returns those that it was in, and none later.
// It waits for the socket's loop; called from an Inline handler about a socket
// of another loop, where it must not wait, it returns nil.
func (s *Socket) Rooms() []string {
	var list []string
	err := s.ask(func() {
		if s.state.Load() != stateClosed {
			list = s.appendRooms(nil)
		}
	})
	if x := s.extra.Load(); x != nil {
		if f := x.farewell.Load(); f != nil {
			return slices.Clone(f.rooms)
		}
	}
	if s.state.Load() == stateClosed {
		return []string{}
	}
	if err != nil {
		return nil
	}
	return list
}

func (s *Socket) roomOp(kind uint16, rooms []string) error {
	if s.state.Load() == stateClosed {
		return ErrSocketClosed
	}
	sh := s.client.shard
	local := sh.direct()
	for _, room := range rooms {
		switch {
		case !local:
			if kind == msgJoin {
				s.shard().presence.joining.Add(1)
			}
			if err := sh.post(loop.Message{Kind: kind, Obj: s, Text: room}); err != nil {
				return ErrServerClosed
			}
		case kind == msgJoin:
			s.joinLocal(room)
		default:
			s.leaveLocal(room)
		}
	}
	return nil
}

func (s *Socket) joinLocal(room string) {
	if s.state.Load() == stateClosed {
		return
	}
	s.client.shard.settle()
	trace := s.nsp.srv.roomTrace
	if room == s.ID() && !s.namesRoom() {
		if trace && s.ownLeft {
			s.traceJoin(room)
		}
		s.ownLeft = false
		return
	}
	x := &s.shard().index
	if x.Count(&s.entry) >= s.nsp.srv.opts.MaxRooms {
		if !s.marked(markFull) {
			s.mark(markFull)
			s.nsp.srv.opts.Logger.Warn("sio: a socket would be in more rooms than Options.MaxRooms",
				"sid", s.ID(), "nsp", s.nsp.name, "err", ErrTooManyRooms)
		}
		return
	}
	if joined := s.enterRoom(room); trace && joined {
		s.traceJoin(room)
	}
}

// enterRoom makes the socket a member of a room, and has other goroutines know
// that the loop has one.
func (s *Socket) enterRoom(room string) (joined bool) {
	x := &s.shard().index
	joined, created := x.Join(&s.entry, room)
	if created && len(s.nsp.shards) > 1 {
		s.shard().presence.note(x, room)
	}
	return joined
}

func (s *Socket) leaveLocal(room string) {
	s.client.shard.settle()
	trace := s.nsp.srv.roomTrace
	if room == s.ID() && !s.namesRoom() {
		if trace && !s.ownLeft && s.Connected() {
			s.traceLeave(room)
		}
		s.ownLeft = true
		return
	}
	if left, _ := s.shard().index.Leave(&s.entry, room); left && trace {
		s.traceLeave(room)
	}
	if s.marked(markFull) {
		s.unmark(markFull)
	}
}

// ask runs f on the socket's loop and waits for it.
func (s *Socket) ask(f func()) error {
	return s.client.shard.ask(f)
}

func (sh *shard) ask(f func()) error {
	if sh.loop.OnLoop() {
		f()
		return nil
	}
	if sh.srv.onAnyLoop() {
		return ErrOnLoop
	}
	done := make(chan struct{})
	if err := sh.eng.Call(func() { sh.drain(); f(); close(done) }); err != nil {
		return ErrServerClosed
	}
	select {
	case <-done:
		return nil
	case <-sh.srv.eng.Reactor().Done():
		return ErrServerClosed
	}
}

// onAnyLoop tells whether the caller is one of the server's loops.
func (s *Server) onAnyLoop() bool {
	for _, l := range s.eng.Reactor().Loops() {
		if l.OnLoop() {
			return true
		}
	}
	return false
}

// appendRooms appends the rooms of the socket, on its loop.
func (s *Socket) appendRooms(dst []string) []string {
	if !s.ownLeft {
		dst = append(dst, s.ID())
	}
	return s.shard().index.AppendRooms(dst, &s.entry)
}

// lookup finds the socket whose id is used as the name of a room.
func (sh *shard) lookup(n *Namespace, room string) *rooms.Entry[*Socket] {
	id, slot, ok := sh.srv.ids.Place(room)
	if !ok || int(id) != sh.loop.ID() {
		return nil
	}
	h, ok := sh.eng.SessionAt(slot).(*client)
	if !ok {
		return nil
	}
	if s := h.inside(n.name); s != nil && s.nsp == n && s.ID() == room && !s.ownLeft {
		return &s.entry
	}
	return nil
}
