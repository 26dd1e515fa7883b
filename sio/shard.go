package sio

import (
	"sync/atomic"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/loop"
)

// Message kinds of this package.
const (
	msgSend       = engine.KindUser + iota // Obj *Socket, Ref *bufpool.Buf, Text key: an event
	msgAck                                 // Obj *Socket, Ref *bufpool.Buf: an acknowledgement
	msgEmitAck                             // Obj *Socket, Ref *pendingAck: an event that wants one
	msgCancelAck                           // Obj *Socket, Ref *pendingAck: nobody waits any more
	msgCast                                // Obj *cast
	msgJoin                                // Obj *Socket, Text room
	msgLeave                               // Obj *Socket, Text room
	msgConnected                           // Obj *Socket, Ref error: its middlewares are done
	msgDone                                // Obj *Socket, Arg 1 if its OnConnection hooks were in it: its worker has finished a batch
	msgCloseConn                           // Obj *Socket
	msgDisconnect                          // Obj *Socket, Arg 1 to close the connection too
	msgAwait                               // Obj *Socket, Ref chan struct{}: closed when it is writable
	msgFound                               // Obj *Socket, Ref *Namespace: what a worker has found
	msgForget                              // Obj *Socket, Ref chan struct{}: nobody waits any more
	msgDrain                               // Obj *shard: something is in its stream
	msgEvict                               // Obj *Socket: its client has another connection
	msgResume                              // Obj *Socket, Arg 1 if it was denied: what it waits for may be there
)

// Flags of packets, and of the messages that carry them.
const (
	flagVolatile = 1 << iota
	flagLocal    // not for other servers
	flagPlain    // not to be compressed
	flagKeep     // the packet is never dropped for its namespace's policy
)

// A shard is the part of a Server that belongs to one loop.
type shard struct {
	// Immutable after NewShard.
	srv  *Server
	eng  *engine.Shard
	loop *loop.Loop

	stream *stream // nil without recovery; it has owners of its own

	// Atomic: volatile packets that found no room on their way to the loop;
	// written by everyone.
	crowdedOut atomic.Uint64

	// Owned by the loop goroutine.
	packet    packet.Packet // scratch of the packet being handled
	inline    Event         // scratch of the inline event being handled
	busy      bool          // inline is in use
	name      [256]byte     // scratch of event names with escapes
	include   []string      // scratch of a cast
	exclude   []string
	inboxes   []*inbox                    // for the next sockets that need one
	arrived   []*Socket                   // sockets whose inbox is to be looked at
	newcomers []*Socket                   // whose CONNECT is in the read that is being taken apart
	leavers   map[leaver]struct{}         // and whose DISCONNECT is
	submitted bool                        // a worker was given something since the loop last made way
	yielded   int64                       // when that was, in the time of the loop
	tail      *bufpool.Buf                // what a socket was sent last in this turn, or nil; a reference
	fan       fanout                      // broadcasts of this turn
	receivers receivers                   // of the broadcast that is being delivered
	outgoing  []outgoing                  // what listeners are told when that is over
	casting   bool                        // rooms are being iterated: no code of the user's may run
	drops     []drop                      // what Trace.Dropped is told when nothing is under way
	waiters   map[*Socket][]chan struct{} // of AwaitWritable
	clients   int
	stats     shardStats
}

// shardStats are the counters of a shard.
type shardStats struct {
	sockets         int
	connects        uint64
	refusedConnects uint64
	disconnects     uint64
	events          uint64
	unhandled       uint64
	emitted         uint64 // packets queued, one for each receiver
	volatileDrops   uint64
	closedDrops     uint64
	packetErrors    uint64
}

// NewSession implements engine.UpperShard.
func (sh *shard) NewSession() *engine.Session {
	c := &client{shard: sh}
	return &c.Session
}

// Handler implements engine.UpperShard: the Session is the first field.
func (sh *shard) Handler(s *engine.Session) engine.SessionHandler {
	return (*client)(unsafe.Pointer(s))
}

// KeepsHandshake implements engine.UpperShard.
func (sh *shard) KeepsHandshake() bool {
	o := &sh.srv.opts
	return !o.DropHandshake || sh.srv.greets.Load() || o.Trace.PacketError != nil || o.Trace.Connected != nil
}

// Message implements engine.UpperShard.
func (sh *shard) Message(m *loop.Message) {
	if sh.stream != nil {
		sh.drain()
	}
	switch m.Kind {
	case msgSend:
		buf := m.Ref.(*bufpool.Buf)
		_ = m.Obj.(*Socket).sendLocal(buf, m.Flags, m.Text)
		sh.loop.Defer(buf)
		sh.reportDrops()
	case msgAck:
		buf := m.Ref.(*bufpool.Buf)
		m.Obj.(*Socket).client.sendAny(buf)
		sh.loop.Defer(buf)
	case msgEmitAck:
		m.Obj.(*Socket).emitAckLocal(m.Ref.(*pendingAck))
	case msgCancelAck:
		m.Obj.(*Socket).forgetAck(m.Ref.(*pendingAck))
	case msgCast:
		op := m.Obj.(*cast)
		sh.cast(op)
		if op.kind == castJoin {
			op.target.nsp.shards[sh.loop.ID()].presence.joining.Add(-1)
		}
		op.release()
	case msgJoin:
		s := m.Obj.(*Socket)
		s.joinLocal(m.Text)
		s.shard().presence.joining.Add(-1)
	case msgLeave:
		m.Obj.(*Socket).leaveLocal(m.Text)
	case msgConnected:
		err, _ := m.Ref.(error)
		m.Obj.(*Socket).admitted(err)
	case msgFound:
		m.Obj.(*Socket).found(m.Ref.(*Namespace))
	case msgDone:
		m.Obj.(*Socket).workDone(m.Arg == 1)
	case msgCloseConn:
		m.Obj.(*Socket).client.end(nil)
	case msgDisconnect:
		m.Obj.(*Socket).disconnectLocal(m.Arg == 1)
	case msgAwait:
		m.Obj.(*Socket).awaitLocal(m.Ref.(chan struct{}))
	case msgForget:
		sh.forget(m.Obj.(*Socket), m.Ref.(chan struct{}))
	case msgEvict:
		m.Obj.(*Socket).evictLocal()
	case msgResume:
		m.Obj.(*Socket).resume(m.Arg == 1)
	}
}

// Dropped implements engine.UpperShard.
func (sh *shard) Dropped(m *loop.Message) {
	switch m.Kind {
	case msgSend, msgAck:
		m.Ref.(*bufpool.Buf).Release()
	case msgEmitAck:
		p := m.Ref.(*pendingAck)
		p.buf.Release()
		p.fail(ErrServerClosed)
	case msgCast:
		m.Obj.(*cast).release()
	case msgDone:
		if q := m.Obj.(*Socket).inbox; q != nil {
			q.drop()
		}
	case msgAwait:
		close(m.Ref.(chan struct{}))
	case msgDrain:
		m.Obj.(*shard).closeStream()
	}
}

// BeforeFlush implements engine.UpperShard.
func (sh *shard) BeforeFlush() {
	sh.readTaken() // what a panic has left
	sh.pumpArrived()
	if sh.stream != nil {
		sh.drain()
	}
	if len(sh.fan.parts) > 0 {
		sh.deliver(true)
	}
	sh.reportOutgoing()
	sh.reportDrops()
	sh.dropTail()
}

// eachClient calls f with every client of the shard.
func (sh *shard) eachClient(f func(*client)) {
	sh.eng.EachSession(func(h engine.SessionHandler) {
		if c, ok := h.(*client); ok {
			f(c)
		}
	})
}

// shutDown disconnects every socket of the shard, and then its connections.
func (sh *shard) shutDown() {
	sh.settle()
	sh.eachClient(func(c *client) {
		c.closeSockets(ReasonServerShutdown, nil)
		c.Discard()
	})
}
