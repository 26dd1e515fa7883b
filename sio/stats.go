package sio

import (
	"context"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
)

// Stats are the figures of a server since its start. Counters only grow.
type Stats struct {
	// Connections is the number of TCP and Unix connections now, and of requests
	// that are served through net/http.
	Connections int
	// Adopted tells how many of them were taken over from net/http, Bridged how
	// many are served through it, see Server.ServeHTTP. The others were accepted
	// by the server itself.
	Adopted, Bridged int
	// Sessions is the number of Engine.IO sessions now, on Polling and on
	// WebSocket together.
	Sessions int
	// Polling and WebSocket tell the sessions by their current transport.
	Polling, WebSocket int
	// Sockets is the number of sockets connected to namespaces now.
	Sockets int

	SessionsOpened, SessionsClosed uint64
	SocketsOpened, SocketsClosed   uint64
	// ConnectsRefused counts CONNECT packets that were refused: unknown
	// namespaces and middlewares.
	ConnectsRefused uint64
	// DynamicNamespaces is the number of namespaces of OfRegexp and OfFunc now,
	// NamespacesRefused how often Options.MaxDynamicNamespaces stopped another.
	DynamicNamespaces int
	NamespacesRefused uint64

	Upgrades uint64
	Requests uint64

	// PacketsDeflated counts packets that were compressed for WebSockets, each
	// once whatever number of clients it was for.
	PacketsDeflated       uint64
	PacketsIn, PacketsOut uint64
	EventsIn              uint64 // those with a handler
	EventsUnhandled       uint64
	EventsOut             uint64 // queued, one for each receiver; some are dropped later
	BytesIn, BytesOut     uint64

	// RequestsRefused counts requests by the Engine.IO code that refused them.
	RequestsRefused [6]uint64
	// BadRequests counts what was not HTTP, or did not come in time;
	// FrameErrors what was not WebSocket, PacketErrors what was not Socket.IO.
	BadRequests, FrameErrors, PacketErrors uint64

	// VolatileDrops counts volatile packets that a socket could not take at
	// once; one that could not be passed to a busy loop counts once, however
	// many sockets it was for. ClosedDrops counts packets for connections that
	// were closed or closing, those that still waited in the server's queue then
	// among them.
	VolatileDrops, ClosedDrops uint64
	// NewestDrops and OldestDrops count events dropped at MaxQueue by the
	// namespace's SlowDropNewest and SlowDropOldest; the first also those for
	// which the second made no room. Conflated counts events that made way for a
	// newer one with the same key.
	NewestDrops, OldestDrops, Conflated uint64
	// SlowConsumers counts connections closed because of MaxQueue or
	// MaxTotalQueue,
	// WriteStalls those closed because they took no byte in WriteTimeout.
	SlowConsumers, WriteStalls uint64

	// ConnectionsRefused counts connections refused because of MaxConns,
	// AcceptPauses how often accepting paused for want of descriptors or memory.
	ConnectionsRefused, AcceptPauses uint64
	// Panics counts callbacks on loops that panicked; handlers are not among
	// them. SlowTurns counts turns of a loop that took over 10 ms.
	Panics, SlowTurns uint64

	// TLSHandshakes counts the TLS handshakes that succeeded, TLSTimeouts those
	// that took too long, TLSFailures those that failed otherwise or were
	// refused; TLSErrors the connections closed for what came after.
	TLSHandshakes, TLSTimeouts, TLSFailures, TLSErrors uint64

	// Recoveries counts the sockets that were recovered, RecoveriesRefused those
	// whose client asked for it in vain, RecoveryReplays the events that were sent
	// to the former because they had missed them. RecoveryEvictions counts the
	// events and lost sockets that made way at RecoveryOptions.MaxBytes.
	Recoveries, RecoveriesRefused, RecoveryReplays, RecoveryEvictions uint64
	// RecoveryEvents and RecoverySockets are the events and lost sockets that are
	// kept now, RecoveryBytes about their memory.
	RecoveryEvents, RecoverySockets int
	RecoveryBytes                   int64

	// LivePackets is the number of pooled packets in use by the process.
	LivePackets int64
}

// Stats returns the figures of the server. It waits a moment for every loop;
// from an Inline handler it returns what can be known without. After Shutdown
// it returns the last figures.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	final := s.final
	s.mu.Unlock()
	if final != nil {
		st := *final
		st.addConns(s.eng.Reactor())
		st.LivePackets = bufpool.Live()
		return st
	}
	return s.collect(context.Background())
}

func (s *Server) collect(ctx context.Context) Stats {
	var st Stats
	st.addConns(s.eng.Reactor())
	st.addLoops(s.eng.Reactor().Counters())
	st.DynamicNamespaces, st.NamespacesRefused = int(s.nsps.dynamic.Load()), s.nsps.refused.Load()
	for _, sh := range s.running() {
		if ctx.Err() != nil {
			break
		}
		_ = sh.ask(func() { st.addShard(sh.eng.Stats(), &sh.stats) })
		st.VolatileDrops += sh.crowdedOut.Load()
	}
	if s.opts.ConnectionStateRecovery != nil {
		for _, n := range s.nsps.all() {
			n.log.addTo(&st)
		}
	}
	st.LivePackets = bufpool.Live()
	return st
}

func (st *Stats) addConns(r *loop.Reactor) {
	st.Connections, st.Adopted, st.Bridged = r.Conns(), r.Adopted(), r.Pipes()
}

func (st *Stats) addLoops(c loop.Counters) {
	st.BytesIn, st.BytesOut = uint64(c.BytesIn), uint64(c.BytesOut)
	st.ConnectionsRefused, st.AcceptPauses = uint64(c.RefusedCap), uint64(c.RefusedEMFILE)
	st.TLSHandshakes, st.TLSTimeouts = uint64(c.TLSHandshakes), uint64(c.TLSTimeouts)
	st.TLSFailures, st.TLSErrors = uint64(c.TLSFailures), uint64(c.TLSErrors)
	st.Panics, st.SlowTurns = uint64(c.Panics), uint64(c.SlowTurns)
}

func (st *Stats) addShard(e engine.Stats, s *shardStats) {
	st.Sessions += e.Sessions
	st.Polling += e.Polling
	st.WebSocket += e.Sessions - e.Polling
	st.Sockets += s.sockets
	st.SessionsOpened += e.Opened
	st.SessionsClosed += e.Closed
	st.SocketsOpened += s.connects
	st.SocketsClosed += s.disconnects
	st.ConnectsRefused += s.refusedConnects
	st.Upgrades += e.Upgrades
	st.Requests += e.Requests
	st.PacketsIn += e.PacketsIn
	st.PacketsOut += e.PacketsOut
	st.PacketsDeflated += e.Deflated
	st.EventsIn += s.events
	st.EventsUnhandled += s.unhandled
	st.EventsOut += s.emitted
	for i, n := range e.Refused {
		st.RequestsRefused[i] += n
	}
	st.BadRequests += e.BadRequests
	st.FrameErrors += e.FrameErrors
	st.PacketErrors += s.packetErrors
	st.VolatileDrops += s.volatileDrops
	st.ClosedDrops += s.closedDrops + e.LostPackets
	st.NewestDrops += e.NewestDrops
	st.OldestDrops += e.OldestDrops
	st.Conflated += e.Conflated
	st.SlowConsumers += e.SlowConsumers
	st.WriteStalls += e.WriteStalls
}
