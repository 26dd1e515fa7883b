package sio

import (
	"context"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
)

// NewDriven returns a server whose loops the test drives, and the loops.
func NewDriven(o *Options) (*Server, []*loop.Loop, error) {
	s, err := newServer(o, driven)
	if err != nil {
		return nil, nil, err
	}
	s.started = true
	s.live.Store(&s.shards)
	return s, s.eng.Reactor().Loops(), nil
}

func driven(cfg *engine.Config) { cfg.Driven = true }

// NewThroughHTTP returns a server as it is on systems whose loops cannot watch
// sockets.
func NewThroughHTTP(o *Options) (*Server, error) {
	return newServer(o, func(cfg *engine.Config) { cfg.ThroughHTTP = true })
}

// OpenFake makes a connection without descriptor on loop i, as if it had been
// accepted.
func (s *Server) OpenFake(i int, sink func([]byte) (int, error)) *loop.Conn {
	c := s.eng.Reactor().Loops()[i].NewFake(sink)
	s.eng.Shards()[i].Open(c)
	return c
}

// LocalSockets returns the sockets of "/" on the first loop; the test is that
// loop.
func (s *Server) LocalSockets() []*Socket {
	return s.shards[0].collect(s.root, nil, nil)
}

// SocketsOn returns the sockets of "/" on loop i; the test is that loop.
func (s *Server) SocketsOn(i int) []*Socket { return s.shards[i].collect(s.root, nil, nil) }

// MayHave tells what presence thinks of a room of "/" on loop i.
func (s *Server) MayHave(i int, room string) bool {
	return s.root.shards[i].presence.has(roomHash(room))
}

// StopWorkers lets the workers of a driven server finish, and ends them.
func (s *Server) StopWorkers(ctx context.Context) error { return s.work.wait(ctx) }

// Waiters returns how many goroutines wait in AwaitWritable of a socket of the
// first loop; the test is that loop.
func (s *Server) Waiters(of *Socket) int { return len(s.shards[0].waiters[of]) }

// Ready is AwaitWritable on the loop of the socket, which the test is: what it
// returns is closed when the socket is writable.
func (s *Socket) Ready() <-chan struct{} {
	ready := make(chan struct{})
	s.awaitLocal(ready)
	return ready
}

// PendingAcks returns how many answers the sockets of "/" on all loops wait for.
func (s *Server) PendingAcks() int {
	total := 0
	for _, sh := range s.running() {
		_ = sh.ask(func() {
			for _, socket := range sh.collect(s.root, nil, nil) {
				if x := socket.extra.Load(); x != nil {
					total += len(x.acks)
				}
			}
		})
	}
	return total
}
