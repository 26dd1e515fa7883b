package sio

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/packet"
)

// RecoveryOptions has clients that lost their connection for a moment go on
// where they were: with the same id, rooms and data, and with the events that
// they missed. Each namespace keeps the events that it has sent, and what it
// knows of sockets that were lost, for a while and within MaxBytes.
//
// What is kept are the events of Emit and Send. Volatile events, those that want
// an acknowledgement, and those with a key (Target.Latest, SlowConflate) are
// not. Each that is kept has one argument more on the wire, its last: a string
// that says how far the client has got. Handlers of clients see it.
//
// The zero value of every field is its documented default.
type RecoveryOptions struct {
	// MaxDisconnectionDuration is how long a client may stay away. Zero means
	// two minutes. Events are kept for longer by what the server may take to
	// notice a loss: PingInterval and PingTimeout.
	MaxDisconnectionDuration time.Duration
	// RunMiddlewares has the middlewares of Namespace.Use asked about recovered
	// sockets too; Socket.Recovered tells them. It is the inverse of Node's
	// skipMiddlewares.
	RunMiddlewares bool
	// MaxBytes limits the memory of the events that one namespace keeps, and
	// again that of the sockets it may give back; namespaces of OfRegexp and
	// OfFunc count as one together. The oldest of a namespace make way; a client
	// that would need them connects afresh, and is told so. Zero means 16 MiB.
	MaxBytes int
}

// withDefaults returns a copy with every zero field filled in.
func (o *RecoveryOptions) withDefaults() *RecoveryOptions {
	if o == nil {
		return nil
	}
	c := *o
	setDefault(&c.MaxDisconnectionDuration, 2*time.Minute)
	setDefault(&c.MaxBytes, 16<<20)
	return &c
}

func (o *RecoveryOptions) validate() error {
	switch {
	case o == nil:
		return nil
	case o.MaxDisconnectionDuration < time.Millisecond:
		return &OptionError{"ConnectionStateRecovery.MaxDisconnectionDuration", "must be at least 1ms"}
	case o.MaxBytes < 0:
		return &OptionError{"ConnectionStateRecovery.MaxBytes", "must not be negative"}
	}
	return nil
}

// Recovered tells whether the socket goes on where an earlier one of its client
// was lost: it has that one's id, rooms and data, and its client gets what it
// has missed. See Options.ConnectionStateRecovery.
func (s *Socket) Recovered() bool { return s.marked(markRecovered) }

// A claim is what the auth payload of a CONNECT says about recovery.
type claim struct {
	pid      string
	position uint64
	fresh    bool // the client has not received any event yet
}

// parseClaim reads an auth payload. ok is false if the client does not ask to
// be recovered, or in a way that cannot be right.
func (g *eventLog) parseClaim(auth []byte) (c claim, ok bool) {
	if !bytes.Contains(auth, []byte(`"pid"`)) {
		return c, false
	}
	var v struct {
		PID    json.RawMessage `json:"pid"`
		Offset json.RawMessage `json:"offset"`
	}
	if json.Unmarshal(auth, &v) != nil || !quoted(v.PID) || json.Unmarshal(v.PID, &c.pid) != nil {
		return c, false
	}
	if v.Offset == nil {
		c.fresh = true
		return c, true
	}
	var offset string
	if !quoted(v.Offset) || json.Unmarshal(v.Offset, &offset) != nil {
		return c, false
	}
	c.position, ok = g.parseOffset(offset)
	return c, ok
}

// quoted tells whether JSON is a string.
func quoted(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

// introduce begins the life of a socket whose CONNECT has come: as the one that
// its client has lost, if that can be, or as a new one.
func (s *Socket) introduce() {
	c, ok := s.nsp.log.parseClaim(s.auth())
	if !ok {
		s.startAnew()
		return
	}
	s.pursue(&c)
}

// pursue takes what the client claims, or waits for it: for the end of the
// socket that has it, whose loss was not noticed yet, or for the hooks of that
// one. They are to have returned before the next OnConnection.
func (s *Socket) pursue(c *claim) {
	g := s.nsp.log
	switch v := g.take(s, c); {
	case v.pending != nil:
		s.adopt(v.pending)
	case v.holder != nil:
		v.holder.evict(s)
	case !v.wait:
		g.refused()
		s.startAnew()
	}
}

// evict ends the connection under a socket because its client has another one.
func (s *Socket) evict(successor *Socket) {
	sh := s.client.shard
	if sh != successor.client.shard {
		if sh.post(evictMessage(s)) != nil {
			successor.startAnew() // the server stops
		}
		return
	}
	s.evictLocal()
}

// evictLocal is evict on the loop of the socket.
func (s *Socket) evictLocal() {
	if s.state.Load() != stateClosed {
		s.client.shard.settle()
		s.client.lose(errReplaced)
	}
}

// resume is called on the loop when what s waits for may be there.
func (s *Socket) resume(denied bool) {
	if s.state.Load() != stateConnecting || !s.client.IsOpen() {
		return
	}
	c, ok := s.nsp.log.parseClaim(s.auth())
	if denied || !ok {
		s.nsp.log.refused()
		s.startAnew()
		return
	}
	s.pursue(&c)
}

// startAnew makes s a socket that nobody has known.
func (s *Socket) startAnew() {
	rec := &recoverable{log: s.nsp.log, id: s.id}
	s.client.shard.eng.MakeID(s.nsp.srv.ids, s.client.Slot(), &rec.pid)
	s.ensureExtra().rec = rec
	s.screen()
}

// adopt makes s the socket that was lost.
func (s *Socket) adopt(p *pending) {
	x := s.ensureExtra()
	x.rec, x.pending = p.rec, p
	if p.left.data != nil {
		x.data.Store(p.left.data)
	}
	s.id = p.rec.id
	s.mark(markRecovered)
	// The id says where the first socket was: here its room is one to join.
	s.ownLeft = true
	for _, room := range p.left.rooms {
		s.enterRoom(room)
		if s.nsp.srv.roomTrace && room != s.ID() {
			s.traceJoin(room)
		}
	}
	s.screen()
}

// takePlace puts a socket that is about to connect at its place in the order of
// events: what was emitted until then is handled, and what the client of a
// recovered socket has missed is sent. What comes later will be delivered. It
// reports whether the socket may go on.
func (s *Socket) takePlace() bool {
	c, x := s.client, s.extra.Load()
	sh, p := c.shard, x.pending
	position, ok := s.nsp.log.enter(s, p)
	sh.runBatch()
	if s.state.Load() != stateConnecting || !c.IsOpen() {
		return false // what was handled has ended it
	}
	sh.settle() // those are not for this socket
	if !ok {
		s.disown()
		c.end(errLogOverrun)
		return false
	}
	sh.sweepLater()
	sh.loop.RequestFlush() // which sees to what was added to the stream meanwhile
	if p == nil {
		x.rec.since, x.rec.sent = position, position
		return true
	}
	x.pending = nil
	x.rec.sent = p.sent
	for _, b := range p.missed {
		if c.Send(b) {
			sh.stats.emitted++
		}
		sh.loop.Defer(b)
	}
	s.nsp.log.recovered(len(p.missed))
	return true
}

// pid returns what the client has to show to be recovered, or "".
func (s *Socket) pid() string {
	if x := s.extra.Load(); x != nil && x.rec != nil {
		return string(x.rec.pid[:])
	}
	return ""
}

// noteSent notes the last event that the client was sent.
func (s *Socket) noteSent(position uint64) {
	if x := s.extra.Load(); x != nil && x.rec != nil {
		x.rec.sent = position
	}
}

// recoverableReasons are those after which a client may come back.
func recoverableReason(r DisconnectReason) bool {
	switch r {
	case ReasonTransportError, ReasonTransportClose, ReasonPingTimeout, ReasonForcedClose,
		ReasonForcedServerClose, ReasonSlowConsumer:
		return true
	case ReasonParseError, ReasonClientDisconnect, ReasonServerDisconnect, ReasonServerShutdown:
	}
	return false
}

// park leaves what a later socket of the client may take up. It is called on the
// loop when the socket has closed and is still in its rooms; hooked says that
// OnDisconnect hooks follow, which come first.
func (s *Socket) park(was uint32, reason DisconnectReason, hooked bool) {
	x := s.extra.Load()
	if s.nsp.log == nil || x == nil || x.rec == nil {
		return
	}
	if was == stateConnecting {
		if p := x.pending; p != nil {
			x.pending = nil
			s.nsp.log.giveBack(s, p)
		} else {
			s.nsp.log.forget(x.rec)
		}
		return
	}
	if s.client.legacy() || !recoverableReason(reason) {
		s.nsp.log.forget(x.rec)
		return
	}
	left := &leftover{rooms: s.appendRooms(nil), at: s.client.shard.loop.Now()}
	for i, room := range left.rooms {
		left.rooms[i] = kept(room)
	}
	s.nsp.log.park(s, left, !hooked)
}

// parked is called when the hooks of a socket that has closed have returned.
func (s *Socket) parked() {
	if x := s.extra.Load(); s.nsp.log != nil && x != nil && x.rec != nil {
		s.nsp.log.ready(s)
	}
}

// disown is called when a middleware has refused the socket.
func (s *Socket) disown() {
	x := s.extra.Load()
	if s.nsp.log == nil || x == nil || x.rec == nil {
		return
	}
	if x.pending != nil {
		x.pending.release()
		x.pending = nil
	}
	s.nsp.log.forget(x.rec)
}

// keeps tells whether an event is kept that is sent with the given flags and
// key.
func (n *Namespace) keeps(flags uint16, key, event string) bool {
	return n.log != nil && flags&flagVolatile == 0 && n.key(key, event) == ""
}

// emitKept sends an event to one socket, or keeps it for a client that may come
// back. done is false if it is to be sent without being kept.
func (s *Socket) emitKept(event string, args []any, flags uint16) (done bool, err error) {
	if keep, err := s.reachable(); !keep {
		return err != nil, err
	}
	b, at, err := s.nsp.srv.dialect.encodeKept(s.nsp.name, event, args)
	if err != nil {
		return true, err
	}
	t := s.target()
	t.flags = flags
	return true, s.nsp.log.emit(&t, b, at)
}

// sendKept is emitKept for a message, and for all targets.
func (t Target) sendKept(m *Message) (done bool, err error) {
	if t.self != nil {
		if keep, err := t.self.reachable(); !keep {
			return err != nil, err
		}
	}
	b, at, err := m.encodeKept(t.nsp.name, &t.nsp.srv.dialect)
	if err != nil {
		return true, err
	}
	return true, t.nsp.log.emit(&t, b, at)
}

// reachable tells whether events for the socket are kept: not in a middleware,
// in front of the answer to the CONNECT. The error says that nobody can get them
// any more.
func (s *Socket) reachable() (keep bool, err error) {
	switch s.state.Load() {
	case stateConnecting:
		return false, nil
	case stateClosed:
		if x := s.extra.Load(); x == nil || x.rec == nil || x.rec.gone.Load() {
			return false, ErrSocketClosed
		}
	}
	return true, nil
}

// offsetLen is the length of an offset on the wire.
const offsetLen = 12

// offsetMark is in the place of an offset, and offsetRoom what a text packet is
// closed with instead of its last bracket.
const (
	offsetMark = "------------"
	offsetRoom = `,"` + offsetMark + `"]`
)

// encodeKept encodes an event with room for its offset, and tells where that
// is.
func (d *dialect) encodeKept(nsp, event string, args []any) (b *bufpool.Buf, at int, err error) {
	if err := checkName(event); err != nil {
		return nil, 0, err
	}
	b = bufpool.Get(encodedSize(nsp, event, args) + len(offsetRoom))
	var atts [][]byte
	var out []byte
	if d.msgpack {
		out, at, err = packet.Msgpack.AppendMarked(d.open(b.B), nsp, event, args, offsetMark)
	} else if out, atts, err = d.appendEvent(d.open(b.B), nsp, -1, event, args); err == nil {
		out, at = closeText(out)
	}
	if err != nil {
		b.Release()
		return nil, 0, eventError(event, err)
	}
	b.B, at = d.sealKept(out, at, atts)
	return b, at, nil
}

// closeText puts the mark of an offset behind the arguments of a text packet,
// and tells where.
func closeText(text []byte) (out []byte, at int) {
	text = append(text[:len(text)-1], offsetRoom...)
	return text, len(text) - len(offsetMark) - len(`"]`)
}

// sealKept is seal for a packet with room for an offset, and its attachments.
func (d *dialect) sealKept(out []byte, at int, atts [][]byte) (frames []byte, moved int) {
	tail := len(out) - at
	out = d.seal(out, 0)
	return appendAttachments(out, atts), len(out) - tail
}

// encodeKept returns the message for a namespace as that of the dialect does.
func (m *Message) encodeKept(nsp string, d *dialect) (b *bufpool.Buf, at int, err error) {
	if d.msgpack {
		return d.encodeKept(nsp, m.event, m.args)
	}
	b = d.newFrame(len(nsp) + len(m.json) + len(offsetRoom) + 16)
	out, at := closeText(m.appendText(b.B, nsp, -1))
	b.B, at = d.sealKept(out, at, m.atts)
	return b, at, nil
}

// closeLogs lets go of what the namespaces keep.
func (s *Server) closeLogs() {
	if s.opts.ConnectionStateRecovery == nil {
		return
	}
	for _, n := range s.nsps.all() {
		n.log.close()
	}
	for _, sh := range s.running() {
		sh.closeStream()
	}
}
