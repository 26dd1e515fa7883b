package chat

import (
	"crypto/rand"
	"slices"
	"strconv"

	"github.com/gannet-io/gannet/sio"
)

// A room is guarded by Chat.mu.
type room struct {
	name    string
	members []*member // in the order of their arrival
	names   map[string]bool
	history []Message
	seq     uint64
	emptied uint64 // when the last one left, by Chat.clock
}

// A member is what a socket carries as its data. Everything but the room's
// view of it is touched by the socket's handlers alone, which run one at a
// time.
type member struct {
	socket *sio.Socket
	tokens bucket
	who    Member // guarded by Chat.mu
	room   *room  // guarded by Chat.mu; nil before join
}

// sioRoom is the room of the namespace that belongs to a room of the chat. No
// name that a client chooses can be that of a socket's own room.
func (r *room) sioRoom() string { return "chat:" + r.name }

// add makes m a member, under a name that nobody else in the room has.
func (r *room) add(m *member, name string) {
	unique := name
	for i := 2; r.names[unique]; i++ {
		unique = name + " " + strconv.Itoa(i)
		if i > 20 {
			unique = name + " " + rand.Text()[:6]
		}
	}
	r.names[unique] = true
	m.who.Name, m.room = unique, r
	r.members = append(r.members, m)
}

func (r *room) remove(m *member) {
	if i := slices.Index(r.members, m); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
	}
	delete(r.names, m.who.Name)
	m.room = nil
}

// say adds a message to the history.
func (r *room) say(from Member, text string, at int64) Message {
	r.seq++
	msg := Message{ID: rand.Text()[:12], Seq: r.seq, From: from, Text: text, At: at}
	if len(r.history) == historySize {
		r.history = slices.Delete(r.history, 0, 1)
	}
	r.history = append(r.history, msg)
	return msg
}

// peers returns the sockets of all others, or false if they are too many to
// ask each for a receipt.
func (r *room) peers(m *member) ([]*sio.Socket, bool) {
	if len(r.members) > maxReceipts {
		return nil, false
	}
	list := make([]*sio.Socket, 0, len(r.members))
	for _, other := range r.members {
		if other != m {
			list = append(list, other.socket)
		}
	}
	return list, true
}

func (r *room) presence() Presence {
	p := Presence{Room: r.name, Count: len(r.members), Members: []Member{}}
	for _, m := range r.members[:min(len(r.members), maxListed)] {
		p.Members = append(p.Members, m.who)
	}
	return p
}
