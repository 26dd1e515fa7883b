package sio

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// A Target says which sockets an operation is for. It is a small immutable
// value: each method returns a new one, and the zero Target has no sockets.
// It may be kept and used from any goroutine.
//
// A Target without rooms has every socket of its namespace; one with rooms has
// the sockets in any of them, each once. The sockets in an excepted room are
// left out.
type Target struct {
	nsp     *Namespace
	self    *Socket // only this socket
	include names
	exclude names
	flags   uint16
	timeout time.Duration
	key     string // of Latest
}

// names is a short list of strings that needs no heap up to two.
type names struct {
	few  [2]string
	n    int
	more []string
}

func (l names) with(list []string) names {
	for _, s := range list {
		if l.n < len(l.few) {
			l.few[l.n] = s
			l.n++
		} else {
			l.more = append(slices.Clip(l.more), s)
		}
	}
	return l
}

func (l names) appendTo(dst []string) []string {
	return append(append(dst, l.few[:l.n]...), l.more...)
}

func (l names) empty() bool { return l.n == 0 }

// To adds the sockets in any of the rooms. The id of a socket is a room with
// that socket.
func (t Target) To(rooms ...string) Target {
	if t.self != nil {
		t = t.others()
	}
	t.include = t.include.with(rooms)
	return t
}

// In is To.
func (t Target) In(rooms ...string) Target { return t.To(rooms...) }

// Except leaves out the sockets in any of the rooms.
func (t Target) Except(rooms ...string) Target {
	if t.self != nil {
		t = t.others()
	}
	t.exclude = t.exclude.with(rooms)
	return t
}

// Broadcast turns the Target of one socket, such as Socket.Volatile returns,
// into that of all others.
func (t Target) Broadcast() Target {
	if t.self != nil {
		t = t.others()
	}
	return t
}

// Local limits the Target to this node. Without an Adapter it changes nothing.
func (t Target) Local() Target {
	t.flags |= flagLocal
	return t
}

// Volatile drops packets for sockets that cannot take them at once: something
// sent before is still unflushed, this turn included, or no poll is pending.
// Every drop is counted.
func (t Target) Volatile() Target {
	t.flags |= flagVolatile
	return t
}

// Latest gives what the Target emits a key, for values of which only the newest
// counts: prices, positions. A socket that takes everything at once gets every
// value. For one that is behind, a value takes the place of an older one with
// the same key that has not left yet, or goes to the end if something without a
// key was sent in between; values of different keys may therefore overtake each
// other. What it waits for is bounded by one value for each key.
//
// Keys belong to the namespace; an empty one takes Latest back. Events that want
// an acknowledgement are never replaced.
func (t Target) Latest(key string) Target {
	t.key = key
	return t
}

// Compress says whether what the Target emits may be compressed, as it may
// unless this is called with false: for what is known not to become smaller,
// such as images. It makes a difference where Options.PerMessageDeflate or
// HTTPCompressionThreshold would have it compressed.
func (t Target) Compress(on bool) Target {
	t.flags &^= flagPlain
	if !on {
		t.flags |= flagPlain
	}
	return t
}

// Timeout limits how long EmitWithAck, EmitAck and Gather wait; ErrAckTimeout
// follows. It counts in whole milliseconds. With less than one nobody can be in
// time: the event is sent, and ErrAckTimeout follows at once. A Target that has
// no timeout waits as long as the context lives.
func (t Target) Timeout(d time.Duration) Target {
	t.timeout = max(d, 1)
	return t
}

// Emit sends an event to the sockets of the Target. It is encoded once. The
// error is about the event, or ErrServerClosed; for the Target of one socket
// it is as with Socket.Emit.
func (t Target) Emit(event string, args ...any) error {
	if t.self != nil {
		return t.self.emit(event, args, t.flags&^flagLocal, t.key)
	}
	if t.nsp == nil {
		return nil
	}
	if t.nsp.family != nil {
		return t.eachChild(func(t Target) error { return t.Emit(event, args...) })
	}
	if a := t.remote(); a != nil {
		return t.emitFar(a, event, args)
	}
	if t.nsp.keeps(t.flags, t.key, event) {
		b, at, err := t.nsp.srv.dialect.encodeKept(t.nsp.name, event, args)
		if err != nil {
			return err
		}
		return t.nsp.log.emit(&t, b, at)
	}
	b, err := t.nsp.srv.dialect.encodeEvent(t.nsp.name, -1, event, args)
	if err != nil {
		return err
	}
	b.Plain = t.plain()
	return t.sendBuf(b, event)
}

// Send sends a message that was encoded before.
func (t Target) Send(m *Message) error {
	if t.nsp != nil && t.nsp.keeps(t.flags, t.key, m.event) {
		if done, err := t.sendKept(m); done {
			return err
		}
	}
	if t.self != nil {
		if err := t.self.usable(); err != nil {
			return err
		}
		b, err := m.packet(t.self.nsp, t.plain())
		if err != nil {
			return err
		}
		return t.self.sendBuf(b, t.flags&^flagLocal, t.self.nsp.key(t.key, m.event))
	}
	if t.nsp == nil {
		return nil
	}
	if t.nsp.family != nil {
		return t.eachChild(func(t Target) error { return t.Send(m) })
	}
	if a := t.remote(); a != nil {
		t.report("broadcast", a.Broadcast(m, t.options()))
	}
	b, err := m.packet(t.nsp, t.plain())
	if err != nil {
		return err
	}
	return t.sendBuf(b, m.event)
}

// Join has the sockets of the Target join rooms.
func (t Target) Join(rooms ...string) error { return t.manage(castJoin, rooms) }

// Leave has the sockets of the Target leave rooms.
func (t Target) Leave(rooms ...string) error { return t.manage(castLeave, rooms) }

// Disconnect disconnects the sockets of the Target; see Socket.Disconnect.
func (t Target) Disconnect(closeConn bool) error {
	if t.nsp == nil {
		return nil
	}
	if t.nsp.family != nil {
		return t.eachChild(func(t Target) error { return t.Disconnect(closeConn) })
	}
	t = t.onlySelf()
	if a := t.remote(); a != nil {
		t.report("disconnect", a.DisconnectSockets(t.options(), closeConn))
	}
	op := newCast(castDisconnect, &t)
	op.closeConn = closeConn
	return op.post()
}

// plain tells whether what the target emits is not to be compressed.
func (t Target) plain() bool { return t.flags&flagPlain != 0 }

// others turns the Target of one socket into that of all others.
func (t Target) others() Target {
	t.exclude = t.exclude.with([]string{t.self.ID()})
	t.self = nil
	return t
}

// sendBuf broadcasts an encoded packet and gives up the reference to it.
func (t Target) sendBuf(b *bufpool.Buf, event string) error {
	t.key = t.nsp.key(t.key, event)
	op := newCast(castEmit, &t)
	op.buf = b
	return op.post()
}

func (t Target) manage(kind castKind, rooms []string) error {
	for _, room := range rooms {
		if len(room) > maxRoomName {
			return ErrRoomName
		}
	}
	if t.nsp == nil {
		return nil
	}
	if t.nsp.family != nil {
		return t.eachChild(func(t Target) error { return t.manage(kind, rooms) })
	}
	t = t.onlySelf()
	rooms = slices.Clone(rooms)
	if a := t.remote(); a != nil && kind == castJoin {
		t.report("join", a.AddSockets(t.options(), rooms))
	} else if a != nil {
		t.report("leave", a.DelSockets(t.options(), rooms))
	}
	op := newCast(kind, &t)
	op.args = rooms
	return op.post()
}

// onlySelf names the one socket of a Target, which is here, by its room.
func (t Target) onlySelf() Target {
	if t.self != nil {
		t.flags |= flagLocal
		t.include = t.include.with([]string{t.self.ID()})
		t.self = nil
	}
	return t
}

// To returns a Target with the sockets in any of the rooms, without this one.
func (s *Socket) To(rooms ...string) Target { return s.target().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Target { return s.target().To(rooms...) }

// Except returns a Target with all other sockets of the namespace that are in
// none of the rooms.
func (s *Socket) Except(rooms ...string) Target { return s.target().Except(rooms...) }

// Broadcast returns a Target with all other sockets of the namespace.
func (s *Socket) Broadcast() Target { return s.target().Broadcast() }

// Volatile returns a Target with this socket alone, whose packets are dropped
// when it cannot take them at once; Emit then returns ErrDropped where it
// knows.
func (s *Socket) Volatile() Target { return s.target().Volatile() }

// Latest returns a Target with this socket alone; see Target.Latest.
func (s *Socket) Latest(key string) Target { return s.target().Latest(key) }

// Compress returns a Target with this socket alone; see Target.Compress.
func (s *Socket) Compress(on bool) Target { return s.target().Compress(on) }

// Timeout returns a Target with this socket alone; see Target.Timeout.
func (s *Socket) Timeout(d time.Duration) Target { return s.target().Timeout(d) }

// Send sends a message that was encoded before.
func (s *Socket) Send(m *Message) error { return s.target().Send(m) }

func (s *Socket) target() Target { return Target{nsp: s.nsp, self: s} }

type castKind uint8

const (
	castEmit castKind = iota
	castJoin
	castLeave
	castDisconnect
	castGather
	castFetch
)

// A cast is an operation on the sockets of a Target. One is shared by all
// loops, which each hold a reference.
type cast struct {
	// Immutable between newCast and the last release.
	target    Target
	kind      castKind
	closeConn bool
	buf       *bufpool.Buf
	position  uint64 // in the log of the namespace; 0 means that it is not there
	args      []string
	visit     func(*Socket) // castFetch; called on the loops, one after the other for each

	// Atomic: written by every holder.
	refs atomic.Int32

	done func() // called by the last release
}

var casts = sync.Pool{New: func() any { return new(cast) }}

func newCast(kind castKind, t *Target) *cast {
	op, _ := casts.Get().(*cast)
	op.target, op.kind = *t, kind
	op.refs.Store(1)
	return op
}

// release gives one reference up.
func (op *cast) release() {
	if op.refs.Add(-1) > 0 {
		return
	}
	if op.buf != nil {
		op.buf.Release()
	}
	done := op.done
	op.target, op.buf, op.args, op.visit, op.done, op.position = Target{}, nil, nil, nil, nil, 0
	casts.Put(op)
	if done != nil {
		done()
	}
}

// post runs the operation on every loop that may have sockets of the target,
// and gives the caller's reference up. On the loop that the caller is on, it is
// run at once.
func (op *cast) post() error {
	defer op.release()
	var err error
	shards := op.target.nsp.srv.running()
	where := audienceOf(&op.target, len(shards))
	for i, sh := range shards {
		if !where.on(i) {
			continue
		}
		if sh.direct() {
			sh.cast(op)
			continue
		}
		op.refs.Add(1)
		if op.kind == castJoin {
			op.target.nsp.shards[i].presence.joining.Add(1)
		}
		m := loop.Message{Kind: msgCast, Obj: op}
		if op.kind == castEmit && op.target.flags&flagVolatile != 0 {
			if err := sh.tryPost(m); err != nil {
				op.release()
			}
			continue
		}
		if perr := sh.post(m); perr != nil {
			op.release()
			err = ErrServerClosed
		}
	}
	return err
}

// cast runs an operation on the sockets of this loop.
func (sh *shard) cast(op *cast) {
	if op.position != 0 {
		sh.castKept(op)
		return
	}
	if op.kind == castEmit && op.target.flags&flagVolatile == 0 {
		sh.fanOut(&op.target, op.buf, 0)
		return
	}
	sh.settle()
	include, exclude := sh.names(&op.target)
	switch op.kind {
	case castEmit:
		sh.castEmit(op, include, exclude)
	default:
		for _, s := range sh.collect(op.target.nsp, include, exclude) {
			sh.apply(op, s)
		}
	}
	sh.forgetNames()
}

// names returns the rooms of a target, in the scratch of the shard. No rooms to
// include are nil.
func (sh *shard) names(t *Target) (include, exclude []string) {
	sh.include = t.include.appendTo(sh.include[:0])
	sh.exclude = t.exclude.appendTo(sh.exclude[:0])
	if t.include.empty() {
		return nil, sh.exclude
	}
	return sh.include, sh.exclude
}

// forgetNames lets go of the strings that names has returned.
func (sh *shard) forgetNames() {
	clear(sh.include)
	clear(sh.exclude)
}

// castEmit queues a volatile packet for the sockets of the target.
func (sh *shard) castEmit(op *cast, include, exclude []string) {
	buf, sent := op.buf, false
	sh.casting = true
	op.target.nsp.shards[sh.loop.ID()].index.Each(include, exclude, func(s *Socket) {
		if s.state.Load() == stateConnected && s.queue(buf, flagVolatile, "") == nil {
			sent = true
		}
	})
	sh.casting = false
	if sent {
		buf.Retain()
		sh.loop.Defer(buf)
	}
	sh.reportOutgoing()
	sh.reportDrops()
}

// collect returns the connected sockets of a target, as a list that stays
// when the rooms change.
func (sh *shard) collect(n *Namespace, include, exclude []string) []*Socket {
	var list []*Socket
	n.shards[sh.loop.ID()].index.Each(include, exclude, func(s *Socket) {
		if s.state.Load() == stateConnected {
			list = append(list, s)
		}
	})
	return list
}

// apply does what is not an emit to one socket.
func (sh *shard) apply(op *cast, s *Socket) {
	switch op.kind {
	case castJoin:
		for _, room := range op.args {
			s.joinLocal(room)
		}
	case castLeave:
		for _, room := range op.args {
			s.leaveLocal(room)
		}
	case castDisconnect:
		s.disconnectLocal(op.closeConn)
	default:
		op.visit(s)
	}
}

// running returns the shards of a server whose loops run.
func (s *Server) running() []*shard {
	if p := s.live.Load(); p != nil {
		return *p
	}
	return nil
}
