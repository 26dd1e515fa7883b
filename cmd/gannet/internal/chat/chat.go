package chat

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/sio"
)

const (
	publishAfter = 100 * time.Millisecond // a change, before everybody is told
	receiptWait  = 15 * time.Second       // for a peer to confirm a message
)

// A Chat serves the chat of one namespace.
type Chat struct {
	// Immutable after New.
	nsp *sio.Namespace

	mu      sync.Mutex // guards following
	rooms   map[string]*room
	clock   uint64 // counts changes of membership
	changed map[*room]bool
	timer   *time.Timer // set while a change waits to be published
	closed  bool

	publishing sync.WaitGroup
}

// New registers the handlers of the chat.
func New(nsp *sio.Namespace) *Chat {
	c := &Chat{nsp: nsp, rooms: map[string]*room{}, changed: map[*room]bool{}}
	nsp.OnConnection(c.connected)
	nsp.OnDisconnect(c.gone)
	join.On(nsp, c.join)
	say.On(nsp, c.say)
	tapping.On(nsp, c.typing)
	nsp.Handle("leave", c.leaveRoom)
	return c
}

// Close stops what the chat does by itself and waits for it.
func (c *Chat) Close() {
	c.mu.Lock()
	c.closed = true
	if c.timer != nil && c.timer.Stop() {
		c.publishing.Done()
	}
	c.mu.Unlock()
	c.publishing.Wait()
}

func (c *Chat) connected(s *sio.Socket) {
	s.SetData(&member{socket: s, who: Member{ID: s.ID()}})
	c.mu.Lock()
	list := c.list()
	c.mu.Unlock()
	_ = roomList.Emit(s, list)
}

func (c *Chat) gone(s *sio.Socket, _ sio.DisconnectReason) {
	m := of(s)
	if m == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(m)
}

// of returns the member of a socket; nil before its connection was handled.
func of(s *sio.Socket) *member {
	m, _ := s.Data().(*member)
	return m
}

func (c *Chat) join(e *sio.Event, req JoinRequest) (JoinReply, error) {
	m := of(e.Socket())
	if !m.tokens.take(time.Now()) {
		return JoinReply{}, errTooFast
	}
	name, err := label(req.Name, "name", maxName)
	if err != nil {
		return JoinReply{}, err
	}
	roomName, err := label(req.Room, "room", maxRoomName)
	if err != nil {
		return JoinReply{}, err
	}
	c.mu.Lock()
	old := m.room
	r := c.room(roomName)
	if r == nil {
		c.mu.Unlock()
		return JoinReply{}, &sio.Error{Message: "There are too many rooms."}
	}
	c.leave(m)
	r.add(m, name)
	c.touch(r)
	p := r.presence()
	reply := JoinReply{You: m.who, Room: r.name, Count: p.Count, Members: p.Members, History: append([]Message{}, r.history...)}
	c.mu.Unlock()
	if old != nil && old != r {
		_ = m.socket.Leave(old.sioRoom())
	}
	return reply, m.socket.Join(r.sioRoom())
}

func (c *Chat) leaveRoom(e *sio.Event) error {
	m := of(e.Socket())
	c.mu.Lock()
	r := m.room
	c.leave(m)
	c.mu.Unlock()
	if r == nil {
		return nil
	}
	return m.socket.Leave(r.sioRoom())
}

// say sends a message to the room and asks each peer to confirm it.
func (c *Chat) say(e *sio.Event, text string) (Receipt, error) {
	m := of(e.Socket())
	if !m.tokens.take(time.Now()) {
		return Receipt{}, errTooFast
	}
	text, err := body(text)
	if err != nil {
		return Receipt{}, err
	}
	now := time.Now().UnixMilli()
	c.mu.Lock()
	r := m.room
	if r == nil {
		c.mu.Unlock()
		return Receipt{}, &sio.Error{Message: "Join a room first."}
	}
	msg := r.say(m.who, text, now)
	peers, each := r.peers(m)
	c.mu.Unlock()
	receipt := Receipt{ID: msg.ID, Seq: msg.Seq, At: msg.At, Peers: -1}
	if !each {
		return receipt, m.socket.To(r.sioRoom()).Emit(message, msg)
	}
	receipt.Peers = len(peers)
	var count atomic.Int64
	for _, peer := range peers {
		_ = peer.Timeout(receiptWait).EmitAck(message, func(_ *sio.Reply, err error) {
			if err == nil {
				_ = delivered.Emit(m.socket, Delivered{ID: msg.ID, Count: count.Add(1), Peers: len(peers)})
			}
		}, msg)
	}
	return receipt, nil
}

func (c *Chat) typing(e *sio.Event, on bool) error {
	m := of(e.Socket())
	if !m.tokens.take(time.Now()) {
		return nil // the next one tells as well
	}
	c.mu.Lock()
	r, who := m.room, m.who
	c.mu.Unlock()
	if r == nil {
		return nil
	}
	return typing.Emit(m.socket.To(r.sioRoom()).Volatile(), Typing{Member: who, On: on})
}

// room returns the room of that name, which is made if there are not too many.
func (c *Chat) room(name string) *room {
	if r := c.rooms[name]; r != nil {
		return r
	}
	if len(c.rooms) >= maxRooms && !c.forget() {
		return nil
	}
	r := &room{name: name, names: map[string]bool{}, seq: uint64(time.Now().UnixMilli()) * 1000}
	c.rooms[name] = r
	return r
}

// forget removes the room that has been empty for the longest time.
func (c *Chat) forget() bool {
	var oldest *room
	for _, r := range c.rooms {
		if len(r.members) == 0 && (oldest == nil || r.emptied < oldest.emptied) {
			oldest = r
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.rooms, oldest.name)
	return true
}

func (c *Chat) leave(m *member) {
	if r := m.room; r != nil {
		r.remove(m)
		c.touch(r)
		r.emptied = c.clock
	}
}

// touch has everybody told about a change of membership, soon.
func (c *Chat) touch(r *room) {
	c.clock++
	if c.closed {
		return
	}
	c.changed[r] = true
	if c.timer == nil {
		c.publishing.Add(1)
		c.timer = time.AfterFunc(publishAfter, c.publish) // joined by Close
	}
}

// publish tells everybody what has changed.
func (c *Chat) publish() {
	defer c.publishing.Done()
	c.mu.Lock()
	c.timer = nil
	list := c.list()
	news := make(map[string]Presence, len(c.changed))
	for r := range c.changed {
		if len(r.members) > 0 {
			news[r.sioRoom()] = r.presence()
		}
	}
	clear(c.changed)
	c.mu.Unlock()
	for sioRoom, p := range news {
		_ = presence.Emit(c.nsp.To(sioRoom), p)
	}
	_ = roomList.Emit(c.nsp, list)
}

// list returns the rooms that have members, the largest first.
func (c *Chat) list() []RoomInfo {
	list := []RoomInfo{}
	for _, r := range c.rooms {
		if n := len(r.members); n > 0 {
			list = append(list, RoomInfo{r.name, n})
		}
	}
	slices.SortFunc(list, func(a, b RoomInfo) int {
		return cmp.Or(cmp.Compare(b.Members, a.Members), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), maxRoomList)]
}
