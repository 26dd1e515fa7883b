package main

import (
	"os"

	"github.com/gannet-io/gannet/sio"
)

// sioService is a service of sio.
type sioService struct{ *sio.Server }

func newSIO(c *config, o *sio.Options, setup func(*sio.Server)) (service, error) {
	o.Loops, o.DropHandshake, o.Logger = c.loops, c.dropHandshake, c.logger
	if c.path != "" {
		o.Path = c.path
	}
	if c.clientDir != "" {
		o.ClientFiles = os.DirFS(c.clientDir)
	}
	srv, err := sio.NewServer(o)
	if err != nil {
		return nil, err
	}
	setup(srv)
	return sioService{srv}, nil
}

// anyOrigin is the CORS of the profiles that take every page.
func anyOrigin() *sio.CORS { return &sio.CORS{Origin: "*"} }

// handlers returns where handlers of a namespace are registered: on the loop
// with -inline.
func (c *config) handlers(n *sio.Namespace) sio.Registrar {
	if c.inline {
		return n.Inline()
	}
	return n
}

// acknowledge answers an event if its client asked for it.
func acknowledge(e *sio.Event, args ...any) error {
	if !e.WantsAck() {
		return nil
	}
	return e.Ack(args...)
}

// counters implements service.
func (s sioService) counters() counters {
	st := s.Stats()
	return counters{
		SessionsOpened: st.SessionsOpened, SessionsClosed: st.SessionsClosed,
		SocketsOpened: st.SocketsOpened, SocketsClosed: st.SocketsClosed,
		ConnectsRefused: st.ConnectsRefused, RequestsRefused: st.RequestsRefused,
		Upgrades: st.Upgrades, Requests: st.Requests,
		PacketsIn: st.PacketsIn, PacketsOut: st.PacketsOut,
		EventsIn: st.EventsIn, EventsUnhandled: st.EventsUnhandled, EventsOut: st.EventsOut,
		BytesIn: st.BytesIn, BytesOut: st.BytesOut,
		BadRequests: st.BadRequests, FrameErrors: st.FrameErrors, PacketErrors: st.PacketErrors,
		Drops: drops{
			Volatile: st.VolatileDrops, Closed: st.ClosedDrops,
			Newest: st.NewestDrops, Oldest: st.OldestDrops, Conflated: st.Conflated,
			SlowConsumers: st.SlowConsumers, WriteStalls: st.WriteStalls,
		},
		ConnectionsRefused: st.ConnectionsRefused, AcceptPauses: st.AcceptPauses,
		Panics: st.Panics, SlowTurns: st.SlowTurns,
		TLSHandshakes: st.TLSHandshakes, TLSTimeouts: st.TLSTimeouts,
		TLSFailures: st.TLSFailures, TLSErrors: st.TLSErrors,
		LivePackets: st.LivePackets,
	}
}
