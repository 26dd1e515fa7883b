package sio

import (
	"errors"
	"iter"
	"slices"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
)

// A client is one connection: an Engine.IO session with the sockets on it,
// one for each namespace that it has joined.
type client struct {
	engine.Session // the first field: see shard.Handler

	// Immutable after NewSession.
	shard *shard

	// Owned by the loop goroutine.
	extra *clientExtra // what few clients need
	first Socket       // the first that it has joined: most clients join one
}

// clientExtra is what a client needs that joins several namespaces, sends
// binary packets, or is made to wait.
type clientExtra struct {
	// Owned by the loop goroutine.
	others  []*Socket          // connected or connecting, in the order of their CONNECT
	byName  map[string]*Socket // others by namespace, once they are many
	asm     *packet.Assembler
	decoder PacketDecoder // of Options.PacketParser
	partial bool          // it has the beginning of a packet
	pauses  int           // sockets that want nothing more to be read, and crowded
	leaving int           // sockets that are closed and whose hooks have not returned
	crowded bool          // reading is paused until half of them are gone
	sought  int           // CONNECTs whose namespace a worker looks for
	// verdict is why the connection ends when all of those are answered.
	verdict error
}

// maxLeaving is how many sockets that a client has left may wait for their
// hooks: no MaxNamespaces counts them, nor does a MaxPending.
const maxLeaving = 64

// manySockets is how many sockets of a client are looked through for that of a
// packet.
const manySockets = 8

// What the deadline of a client is about, in Session.Tag.
const (
	deadlineNone uint8 = iota
	deadlineConnect
	deadlineAttachments
)

var (
	errNotJoined      = errors.New("sio: packet for a namespace that is not joined")
	errJoinedTwice    = errors.New("sio: CONNECT for a namespace that is already joined")
	errConnectError   = errors.New("sio: CONNECT_ERROR from a client")
	errConnectSize    = errors.New("sio: CONNECT packet too large")
	errNamespaceLimit = errors.New("sio: too many namespaces on one connection")

	errInvalidNamespace = &Error{Message: "Invalid namespace"}
)

// Opened implements engine.SessionHandler.
func (c *client) Opened() {
	c.shard.clients++
	c.Tag = deadlineConnect
	c.SetDeadline(c.shard.loop.Now() + c.shard.srv.opts.ConnectTimeout.Milliseconds())
	if c.legacy() {
		c.connectRoot()
	}
}

// Deadline implements engine.SessionHandler.
func (c *client) Deadline() {
	switch c.Tag {
	case deadlineConnect:
		c.end(nil)
	case deadlineAttachments:
		if c.extra != nil && c.extra.pauses > 0 { // they may be there, and are not read
			c.SetDeadline(c.shard.loop.Now() + attachmentsLimit.Milliseconds())
			return
		}
		c.decodeError(packet.ErrIllegalAttachments)
	case deadlineNone:
	}
}

// Received implements engine.SessionHandler.
func (c *client) Received() {
	sh := c.shard
	sh.dropTail()
	sh.readTaken()
	if len(sh.arrived) > 0 {
		sh.pumpArrived()
	}
}

// Drained implements engine.SessionHandler.
func (c *client) Drained() {
	for _, s := range slices.Collect(c.sockets()) { // a task may end a socket
		s.drained()
	}
}

// Upgraded implements engine.SessionHandler.
func (c *client) Upgraded() {
	f := c.shard.srv.opts.Trace.Upgraded
	if f == nil {
		return
	}
	for _, s := range slices.Collect(c.sockets()) { // the hook may end one
		if s.state.Load() == stateConnected {
			f(s)
		}
	}
}

// Dropped implements engine.SessionHandler.
func (c *client) Dropped(f *engine.Flow, cause engine.Cause) {
	if c.shard.srv.opts.Trace.Dropped == nil {
		return
	}
	for s := range c.sockets() {
		if &s.nsp.flow == f {
			c.shard.noteDrop(s, dropCauses[cause])
		}
	}
}

// Closed implements engine.SessionHandler.
func (c *client) Closed(reason eio.Reason, err error) {
	c.shard.clients--
	c.closeSockets(DisconnectReason(reason), err)
}

// Message implements engine.SessionHandler.
func (c *client) Message(data []byte, binary bool) {
	sh := c.shard
	switch d := &sh.srv.dialect; {
	case d.msgpack:
		c.packed(data, binary)
		return
	case d.custom != nil:
		c.custom(WireMessage{Data: data, Binary: binary})
		return
	}
	if binary {
		c.attachment(data)
		return
	}
	if c.assembling() {
		c.decodeError(packet.ErrUnexpectedText)
		return
	}
	if len(data) > sh.srv.opts.MaxConnectSize && data[0] == '0' {
		c.decodeError(errConnectSize)
		return
	}
	p := &sh.packet
	if err := packet.Parse(data, &sh.srv.limits, p); err != nil {
		c.decodeError(err)
		return
	}
	if p.Type == packet.BinaryEvent || p.Type == packet.BinaryAck {
		c.startAttachments(p)
		return
	}
	c.packet(p, nil)
	p.Trim()
}

// packed takes a message of a client with ParserMsgpack, which is a packet.
func (c *client) packed(data []byte, binary bool) {
	if !binary {
		c.decodeError(errTextMessage)
		return
	}
	srv, p := c.shard.srv, &c.shard.packet
	if err := packet.Msgpack.Parse(data, &srv.limits, p); err != nil {
		c.decodeError(err)
		return
	}
	if p.Type == packet.Connect && len(data) > srv.opts.MaxConnectSize {
		c.decodeError(errConnectSize)
		return
	}
	c.packet(p, nil)
	p.Trim()
}

// custom takes a message of a client whose parser is a PacketParser.
func (c *client) custom(m WireMessage) {
	srv, p, x := c.shard.srv, &c.shard.packet, c.ensureExtra()
	if x.decoder == nil {
		x.decoder = srv.dialect.custom.NewDecoder()
	}
	atts, complete, err := srv.dialect.decodeWith(x.decoder, m, &srv.limits, p)
	switch {
	case err != nil:
		c.decodeError(err)
	case !complete:
		x.partial = true
		c.awaitAttachments()
	case p.Type == packet.Connect && len(p.Data) > srv.opts.MaxConnectSize:
		c.decodeError(errConnectSize)
	default:
		x.partial = false
		c.haveAttachments()
		c.packet(p, atts)
		p.Trim()
	}
}

// pause stops reading until as many calls of resume.
func (c *client) pause() {
	x := c.ensureExtra()
	if x.pauses++; x.pauses == 1 {
		c.Pause()
	}
}

// resume undoes one pause.
func (c *client) resume() {
	if c.extra.pauses--; c.extra.pauses == 0 {
		c.Resume()
	}
}

// leave notes that a closed socket has hooks and events that wait.
func (c *client) leave(s *Socket) {
	s.leaving = true
	x := c.ensureExtra()
	if x.leaving++; x.leaving >= maxLeaving && !x.crowded {
		x.crowded = true
		c.pause()
	}
}

// left undoes leave.
func (c *client) left(s *Socket) {
	s.leaving = false
	x := c.extra
	if x.leaving--; x.leaving <= maxLeaving/2 && x.crowded {
		x.crowded = false
		c.resume()
	}
}

// closeSockets disconnects every socket of the connection. err is what lies
// behind the reason, if there is anything.
func (c *client) closeSockets(reason DisconnectReason, err error) {
	var others []*Socket
	if x := c.extra; x != nil {
		others = x.others
		x.others, x.byName, x.asm = nil, nil, nil
	}
	if c.first.listed {
		c.first.listed = false
		c.first.closed(reason, err)
	}
	for _, s := range others {
		s.listed = false
	}
	for _, s := range others {
		s.closed(reason, err)
	}
}

// sockets goes through the sockets that are connected or connecting, in the
// order of their CONNECT. They must stay the same meanwhile.
func (c *client) sockets() iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		if c.first.listed && !yield(&c.first) {
			return
		}
		if c.extra == nil {
			return
		}
		for _, s := range c.extra.others {
			if !yield(s) {
				return
			}
		}
	}
}

// joinedCount returns how many sockets there are.
func (c *client) joinedCount() int {
	n := 0
	if c.first.listed {
		n++
	}
	if c.extra != nil {
		n += len(c.extra.others)
	}
	return n
}

// crowd returns how many sockets of the client may have events that wait.
func (c *client) crowd() int {
	n := c.joinedCount()
	if x := c.extra; x != nil {
		n += x.leaving
	}
	return max(n, 1)
}

// add lists a socket.
func (c *client) add(s *Socket) {
	s.listed = true
	if s != &c.first {
		x := c.ensureExtra()
		x.others = append(x.others, s)
		x.index(s)
	}
}

// index notes the newest of others.
func (x *clientExtra) index(s *Socket) {
	switch {
	case x.byName != nil:
		x.byName[s.nsp.name] = s
	case len(x.others) > manySockets:
		x.byName = map[string]*Socket{}
		for _, o := range x.others {
			x.byName[o.nsp.name] = o
		}
	}
}

func (c *client) ensureExtra() *clientExtra {
	if c.extra == nil {
		c.extra = new(clientExtra)
	}
	return c.extra
}

// assembling tells whether attachments of a packet are to come, or whatever else
// a PacketParser has behind its beginning.
func (c *client) assembling() bool {
	x := c.extra
	return x != nil && (x.partial || x.asm != nil && x.asm.Active())
}

// startAttachments keeps a binary packet until its attachments have come.
func (c *client) startAttachments(p *packet.Packet) {
	x := c.ensureExtra()
	if x.asm == nil {
		x.asm = &packet.Assembler{}
	}
	x.asm.Start(p)
	c.awaitAttachments()
}

// awaitAttachments gives the attachments that were announced their deadline,
// unless that of the CONNECT is on.
func (c *client) awaitAttachments() {
	if c.Tag == deadlineNone {
		c.Tag = deadlineAttachments
		c.SetDeadline(c.shard.loop.Now() + attachmentsLimit.Milliseconds())
	}
}

// attachment takes one binary message.
func (c *client) attachment(data []byte) {
	if !c.assembling() {
		c.decodeError(packet.ErrUnexpectedBinary)
		return
	}
	asm := c.extra.asm
	done, err := asm.Add(data)
	if err != nil {
		c.decodeError(err)
		return
	}
	if !done {
		return
	}
	c.haveAttachments()
	c.packet(asm.Packet(), asm.Attachments())
	asm.Reset()
}

// haveAttachments undoes awaitAttachments.
func (c *client) haveAttachments() {
	if c.Tag == deadlineAttachments {
		c.Tag = deadlineNone
		c.SetDeadline(0)
	}
}

// packet dispatches a complete packet.
func (c *client) packet(p *packet.Packet, atts [][]byte) {
	if c.legacy() {
		c.readLegacy(p)
	}
	switch p.Type {
	case packet.Connect:
		c.connect(p)
		return
	case packet.ConnectError:
		c.stateError(errConnectError)
		return
	default:
	}
	s := c.socket(p.Namespace)
	if s == nil {
		if !c.hasJustLeft(p.Namespace) {
			c.stateError(errNotJoined)
		}
		return
	}
	switch p.Type {
	case packet.Disconnect:
		c.remove(s)
		s.closed(ReasonClientDisconnect, nil)
		c.justLeft(s)
	case packet.Event, packet.BinaryEvent:
		s.event(p, atts)
	default:
		s.acked(p, atts)
	}
}

// socket returns the connected socket in the namespace.
func (c *client) socket(namespace []byte) *Socket {
	s := c.listed(namespace)
	if s == nil {
		return nil
	}
	if s.state.Load() == stateConnecting {
		c.shard.hasten(s)
	}
	if s.state.Load() != stateConnected {
		return nil
	}
	return s
}

// listed returns the socket in the namespace, connected or connecting.
func (c *client) listed(namespace []byte) *Socket {
	return c.inside(unsafe.String(unsafe.SliceData(namespace), len(namespace)))
}

// inside is listed for a name, which is not kept.
func (c *client) inside(namespace string) *Socket {
	if c.extra != nil && c.extra.byName != nil {
		if c.first.listed && c.first.nsp.name == namespace {
			return &c.first
		}
		return c.extra.byName[namespace]
	}
	for s := range c.sockets() {
		if s.nsp.name == namespace {
			return s
		}
	}
	return nil
}

func (c *client) remove(s *Socket) {
	s.listed = false
	if x := c.extra; x != nil {
		if i := slices.Index(x.others, s); i >= 0 {
			x.others = slices.Delete(x.others, i, i+1)
			delete(x.byName, s.nsp.name)
		}
	}
}

// end closes the connection behind what was sent to it.
func (c *client) end(err error) {
	c.shard.settle()
	c.Close(eio.ReasonForcedClose, err)
}

// lose ends the connection as if it were lost.
func (c *client) lose(err error) {
	c.Close(eio.ReasonTransportClose, err)
	c.Discard() // if it was closing
}

// decodeError ends a connection that sent what cannot be decoded.
func (c *client) decodeError(err error) {
	c.report(err)
	for s := range c.sockets() {
		s.failed(err)
	}
	c.conclude(err, ReasonForcedClose)
}

// stateError ends a connection that sent what it must not send now.
func (c *client) stateError(err error) {
	c.report(err)
	c.conclude(err, ReasonForcedServerClose)
	c.closeSockets(ReasonForcedServerClose, err) // those that the close has left
}

// verdictWait is how long, in milliseconds, a connection that is to end waits
// for functions of OfFunc.
const verdictWait = 1000

// conclude ends a connection for a violation. The CONNECTs in front of it that a
// worker has are waited for, though not for long: their namespaces may not
// exist, and the client is told so. Its sockets end at once.
func (c *client) conclude(err error, reason DisconnectReason) {
	x := c.extra
	if x == nil || x.sought == 0 {
		c.end(err)
		return
	}
	x.verdict = err
	c.Mute()
	c.Tag = deadlineConnect
	c.SetDeadline(c.shard.loop.Now() + verdictWait)
	c.closeSockets(reason, err)
}

// condemned tells whether the connection ends as soon as its CONNECTs are
// answered.
func (c *client) condemned() bool { return c.extra != nil && c.extra.verdict != nil }

func (c *client) report(err error) {
	c.shard.stats.packetErrors++
	if f := c.shard.srv.opts.Trace.PacketError; f != nil {
		f(c.Handshake().Remote(), err)
	}
}

// sendControl sends a packet of the protocol and gives it up.
func (c *client) sendControl(b *bufpool.Buf) {
	c.shard.settle()
	defer c.shard.loop.Defer(b)
	out, err := c.shard.srv.dialect.frames(b.B, 0, nil)
	if err != nil { // of a PacketParser
		c.shard.srv.opts.Logger.Error("sio: a packet of the protocol cannot be encoded", "err", err)
		c.end(err)
		return
	}
	b.B = out
	c.Send(b)
}

// sendAny sends a packet on the connection whatever namespaces are joined.
func (c *client) sendAny(b *bufpool.Buf) {
	c.shard.settle()
	if !c.condemned() && c.Send(b) {
		c.shard.stats.emitted++
	} else {
		c.shard.stats.closedDrops++
	}
}
