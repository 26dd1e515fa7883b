package sio

import (
	"context"
	"strings"
	"sync"
	"time"
)

// A RemoteSocket is a snapshot of a socket: of this node or, in a cluster, of
// another.
type RemoteSocket struct {
	ID        string
	Rooms     []string
	Data      any
	Handshake Handshake

	nsp *Namespace
}

// EmitWithAck sends an event to the socket and waits for its answer: until ctx
// ends, or the socket closes. The error is ErrSocketClosed if there is no such
// socket any more, and as with Target.EmitWithAck. It must not be called on a
// loop.
func (r *RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (*Reply, error) {
	return r.target().ask(ctx, event, args)
}

// Timeout returns a Target with the socket alone; see Target.Timeout.
func (r *RemoteSocket) Timeout(d time.Duration) Target { return r.target().Timeout(d) }

// Volatile returns a Target with the socket alone; see Target.Volatile.
func (r *RemoteSocket) Volatile() Target { return r.target().Volatile() }

// Emit sends an event to the socket.
func (r *RemoteSocket) Emit(event string, args ...any) error {
	return r.target().Emit(event, args...)
}

// Join has the socket join rooms.
func (r *RemoteSocket) Join(rooms ...string) error { return r.target().Join(rooms...) }

// Leave has the socket leave rooms.
func (r *RemoteSocket) Leave(rooms ...string) error { return r.target().Leave(rooms...) }

// Disconnect disconnects the socket; see Socket.Disconnect.
func (r *RemoteSocket) Disconnect(closeConn bool) error { return r.target().Disconnect(closeConn) }

func (r *RemoteSocket) target() Target { return r.nsp.To(r.ID) }

// FetchSockets returns the sockets of the Target. It waits for every loop: it
// must not be called on one, where it returns ErrOnLoop.
func (t Target) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	var list []*RemoteSocket
	err := t.each(ctx, func(s *Socket) {
		r := &RemoteSocket{ID: strings.Clone(s.ID()), Rooms: s.appendRooms(nil), Data: s.Data(), nsp: s.nsp}
		r.Handshake = s.Handshake()
		list = append(list, r)
	})
	if err != nil || t.nsp == nil {
		return list, err
	}
	if a := t.remote(); a != nil && t.self == nil {
		far, err := a.FetchSockets(ctx, t.options())
		for _, r := range far {
			r.nsp = t.nsp
		}
		return append(list, far...), err
	}
	return list, nil
}

// FetchSockets returns every socket of the namespace; see Target.FetchSockets.
func (n *Namespace) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return n.target().FetchSockets(ctx)
}

// Sockets returns the sockets of the Target on this node. It waits for every
// loop: it must not be called on one, where it returns ErrOnLoop.
func (t Target) Sockets(ctx context.Context) ([]*Socket, error) {
	var list []*Socket
	err := t.each(ctx, func(s *Socket) { list = append(list, s) })
	return list, err
}

// each calls f with every socket of the Target, on their loops but never
// twice at a time, and waits until that is done.
func (t Target) each(ctx context.Context, f func(*Socket)) error {
	if t.nsp == nil {
		return nil
	}
	if t.nsp.srv.onAnyLoop() {
		return ErrOnLoop
	}
	if t.nsp.family != nil {
		return t.eachChild(func(t Target) error { return t.each(ctx, f) })
	}
	t = t.onlySelf()
	var mu sync.Mutex
	done := make(chan struct{})
	stopped := false
	op := newCast(castFetch, &t)
	op.visit = func(s *Socket) {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			f(s)
		}
	}
	op.done = func() { close(done) }
	if err := op.post(); err != nil {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		return ctx.Err()
	}
}
