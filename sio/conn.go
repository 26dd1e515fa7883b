package sio

import "github.com/gannet-io/gannet/loop"

// A Conn is the connection under a socket, an Engine.IO session: what
// socket.conn is in Node. The client's sockets in other namespaces share it. It
// is a small value. Its methods may be called from any goroutine.
type Conn struct{ socket *Socket }

// Conn returns the connection under the socket.
func (s *Socket) Conn() Conn { return Conn{s} }

// ID returns the id of the session, the sid of its requests. It is a secret:
// whoever has it can speak in the client's place.
func (c Conn) ID() string { return c.socket.client.SID() }

// Protocol returns the revision of Engine.IO that the client speaks: 4, or 3
// where Options.AllowEIO3 is set.
func (c Conn) Protocol() int {
	if c.socket.client.legacy() {
		return 3
	}
	return 4
}

// Transport returns what carries the connection now, "polling" or "websocket";
// Trace.Upgraded tells when that changes. It waits for the socket's loop; called
// from an Inline handler about a socket of another loop, where it must not wait,
// and once the connection is closed, it returns "".
func (c Conn) Transport() string {
	name := ""
	_ = c.socket.ask(func() {
		if c.socket.client.IsOpen() {
			name = c.socket.client.Transport().String()
		}
	})
	return name
}

// Close closes the connection behind what was sent to it. Its sockets end with
// ReasonForcedClose, and a client connects again, which it would not after
// Socket.Disconnect. It does not wait.
func (c Conn) Close() {
	sh := c.socket.client.shard
	if sh.direct() {
		c.socket.client.end(nil)
		return
	}
	_ = sh.post(loop.Message{Kind: msgCloseConn, Obj: c.socket})
}
