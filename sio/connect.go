package sio

import (
	"slices"

	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/loop"
)

// connect handles a CONNECT packet.
func (c *client) connect(p *packet.Packet) {
	srv := c.shard.srv
	if c.listed(p.Namespace) != nil {
		c.stateError(errJoinedTwice)
		return
	}
	full := c.joinedCount() >= srv.opts.MaxNamespaces
	n, ask := srv.seek(p.Namespace, !full)
	switch {
	case n == nil && !ask:
		c.refuse(string(p.Namespace), errInvalidNamespace)
	case full:
		c.stateError(errNamespaceLimit)
	case ask:
		c.inquire(string(p.Namespace), p.Data)
	default:
		s := newSocket(n, c, p.Data)
		c.add(s)
		c.admit(s)
	}
	c.isBack(p.Namespace)
}

// admit begins with a socket when all is taken apart that came with its
// CONNECT, or when there is a packet for it: a violation among it ends the
// connection before the client is told that it has joined.
func (c *client) admit(s *Socket) {
	if c.Receiving() {
		c.shard.newcomers = append(c.shard.newcomers, s)
		return
	}
	s.admit()
}

// hasten begins with a socket now.
func (sh *shard) hasten(s *Socket) {
	if i := slices.Index(sh.newcomers, s); i >= 0 {
		sh.newcomers[i] = nil
		s.admit()
	}
}

// readTaken does what waits for the end of a read.
func (sh *shard) readTaken() {
	for i := 0; i < len(sh.newcomers); i++ {
		s := sh.newcomers[i]
		sh.newcomers[i] = nil // should this be called again meanwhile
		if s != nil && s.state.Load() == stateConnecting && s.client.IsOpen() {
			s.admit()
		}
	}
	clear(sh.newcomers)
	sh.newcomers = sh.newcomers[:0]
	switch n := len(sh.leavers); {
	case n > manySockets:
		sh.leavers = nil // it stays as large as it has been
	case n > 0:
		clear(sh.leavers)
	}
}

// A leaver is a namespace that a client has left.
type leaver struct {
	client    *client
	namespace string
}

// justLeft notes that a socket was closed by a packet of the read that is being
// taken apart.
func (c *client) justLeft(s *Socket) {
	if c.Receiving() {
		if c.shard.leavers == nil {
			c.shard.leavers = map[leaver]struct{}{}
		}
		c.shard.leavers[leaver{c, s.nsp.name}] = struct{}{}
	}
}

// isBack undoes justLeft: the client has sent another CONNECT.
func (c *client) isBack(namespace []byte) {
	delete(c.shard.leavers, leaver{c, string(namespace)})
}

// hasJustLeft tells whether the client has left the namespace in the read that
// is being taken apart: what else it says there is ignored, and no violation.
func (c *client) hasJustLeft(namespace []byte) bool {
	_, left := c.shard.leavers[leaver{c, string(namespace)}]
	return left
}

// refuse answers a CONNECT with CONNECT_ERROR.
func (c *client) refuse(namespace string, e *Error) {
	c.shard.stats.refusedConnects++
	d := &c.shard.srv.dialect
	b := d.newFrame(256)
	appendError := d.parser().AppendConnectError
	if c.legacy() && e != errInvalidNamespace {
		appendError = d.parser().AppendLegacyConnectError
	}
	out, err := appendError(b.B, namespace, e.Message, e.Data, d.codec)
	if err != nil {
		c.shard.srv.opts.Logger.Error("sio: the data of a connect error cannot be encoded", "nsp", namespace, "err", err)
		out, _ = appendError(b.B, namespace, e.Message, nil, d.codec)
	}
	b.B = out
	c.sendControl(b)
}

// inquire has a worker look for the namespace of a CONNECT. Until it is found
// the socket is in a namespace of that name that nobody else can see.
func (c *client) inquire(name string, auth []byte) {
	srv := c.shard.srv
	s := newSocket(bareNamespace(srv, name), c, auth)
	c.add(s)
	c.ensureExtra().sought++
	s.push(&Event{socket: s, kind: taskAck, callback: func(*Reply, error) {
		n := srv.find(name, s.auth())
		if c.shard.loop.Post(loop.Message{Kind: msgFound, Obj: s, Ref: n}) != nil && n != nil {
			n.drop()
		}
	}})
}

// found goes on with a CONNECT whose namespace a worker has found, or has not.
func (s *Socket) found(n *Namespace) {
	c := s.client
	x := c.extra
	x.sought--
	if x.verdict != nil && c.IsOpen() {
		if n == nil {
			c.refuse(s.nsp.name, errInvalidNamespace)
		}
		if x.sought == 0 {
			c.end(x.verdict)
		}
	}
	if s.state.Load() != stateConnecting || !c.IsOpen() {
		if n != nil {
			n.drop()
		}
		return
	}
	if n == nil {
		name := s.nsp.name
		s.state.Store(stateClosed)
		c.remove(s)
		s.endLife()
		c.refuse(name, errInvalidNamespace)
		return
	}
	s.nsp = n // nobody else has seen the socket yet
	s.enter()
	s.admit()
}

// joined is called when a socket has connected: the client need not hurry any
// more.
func (c *client) joined() {
	if c.Tag == deadlineConnect {
		c.Tag = deadlineNone
		c.SetDeadline(0)
		if c.assembling() {
			c.awaitAttachments()
		}
	}
}
