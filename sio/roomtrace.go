package sio

import "sync"

// A census counts the members of each room of a namespace, on all loops
// together, for those who want to be told of rooms that begin and end.
type census struct {
	mu     sync.Mutex // guards following
	counts map[string]int
}

// tracesRooms tells whether anybody wants to know about rooms.
func (t *Trace) tracesRooms() bool {
	return t.RoomCreated != nil || t.RoomJoined != nil || t.RoomLeft != nil || t.RoomDeleted != nil
}

// add counts a member and reports whether it is the first or, with -1, the last.
func (c *census) add(room string, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[room] += n
	switch c.counts[room] {
	case 0:
		delete(c.counts, room)
		return true
	case 1:
		return n > 0
	}
	return false
}

// traceJoin tells the hooks that the socket has joined a room.
func (s *Socket) traceJoin(room string) {
	t := s.nsp.srv.opts.Trace
	if s.nsp.census.add(room, 1) && t.RoomCreated != nil {
		t.RoomCreated(s.nsp, room)
	}
	if t.RoomJoined != nil {
		t.RoomJoined(s, room)
	}
}

// traceLeave tells the hooks that the socket has left a room.
func (s *Socket) traceLeave(room string) {
	t := s.nsp.srv.opts.Trace
	if t.RoomLeft != nil {
		t.RoomLeft(s, room)
	}
	if s.nsp.census.add(room, -1) && t.RoomDeleted != nil {
		t.RoomDeleted(s.nsp, room)
	}
}

// traceLeaveAll tells the hooks that the socket leaves all its rooms. own says
// that the room of its id is among them: it was connected.
func (s *Socket) traceLeaveAll(own bool) {
	if own && !s.ownLeft {
		s.traceLeave(s.ID())
	}
	for _, room := range s.shard().index.AppendRooms(nil, &s.entry) {
		s.traceLeave(room)
	}
}
