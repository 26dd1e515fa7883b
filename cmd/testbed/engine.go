package main

import (
	"context"
	"crypto/tls"
	"net"
	"strings"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/polling"
)

// startEngine is profile eio-protocol: the Engine.IO layer below sio.
func startEngine(_ context.Context, c *config) (service, error) { return startRevisions(c, false) }

// startEngine3 is profile eio3-protocol.
func startEngine3(_ context.Context, c *config) (service, error) { return startRevisions(c, true) }

// startRevisions starts an engine for revision 4, and maybe 3.
func startRevisions(c *config, allowEIO3 bool) (service, error) {
	cors, err := polling.NewCORS(anyOrigin())
	if err != nil {
		return nil, err
	}
	return newEngine(c, &engine.Config{
		EIO: eio.Config{
			PingInterval:   300,
			PingTimeout:    200,
			UpgradeTimeout: 10_000,
			MaxPayload:     1_000_000,
			Transports:     []eio.Transport{eio.Polling, eio.WebSocket},
			AllowEIO3:      allowEIO3,
		},
		Path: enginePath(c.path),
		CORS: cors,
	}, echo{})
}

// enginePath normalises -path as Node's Engine.IO does.
func enginePath(path string) string {
	if path == "" {
		path = "/engine.io"
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return strings.TrimSuffix(path, "/") + "/"
}

// engineService is a service of the engine alone.
type engineService struct{ *engine.Server }

func newEngine(c *config, cfg *engine.Config, behavior engineBehavior) (service, error) {
	cfg.Logger = c.logger
	engine.SetDefaults(cfg)
	srv, err := engine.New(cfg, engineUpper{behavior}, &loop.Options{Loops: c.loops, Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	return engineService{srv}, nil
}

// Listen implements service.
func (s engineService) Listen(network, addr string) (net.Addr, error) {
	if err := s.Start(); err != nil {
		return nil, err
	}
	return s.Server.Listen(network, addr)
}

// ListenTLS implements service.
func (s engineService) ListenTLS(network, addr, certFile, keyFile string) (net.Addr, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	return s.Server.ListenTLS(network, addr, &tls.Config{Certificates: []tls.Certificate{pair}})
}

// Wait implements service.
func (s engineService) Wait() error {
	<-s.Reactor().Done()
	return s.Reactor().Err()
}

// counters implements service. The loops have stopped: nobody else looks at
// the shards any more.
func (s engineService) counters() counters {
	var n counters
	for _, sh := range s.Shards() {
		st := sh.Stats()
		n.SessionsOpened += st.Opened
		n.SessionsClosed += st.Closed
		n.Upgrades += st.Upgrades
		n.Requests += st.Requests
		n.PacketsIn += st.PacketsIn
		n.PacketsOut += st.PacketsOut
		n.BadRequests += st.BadRequests
		n.FrameErrors += st.FrameErrors
		n.Drops.SlowConsumers += st.SlowConsumers
		n.Drops.WriteStalls += st.WriteStalls
		for i, refused := range st.Refused {
			n.RequestsRefused[i] += refused
		}
	}
	n.SocketsOpened, n.SocketsClosed = n.SessionsOpened, n.SessionsClosed
	k := s.Reactor().Counters()
	n.BytesIn, n.BytesOut = uint64(k.BytesIn), uint64(k.BytesOut)
	n.ConnectionsRefused, n.AcceptPauses = uint64(k.RefusedCap), uint64(k.RefusedEMFILE)
	n.TLSHandshakes, n.TLSTimeouts = uint64(k.TLSHandshakes), uint64(k.TLSTimeouts)
	n.TLSFailures, n.TLSErrors = uint64(k.TLSFailures), uint64(k.TLSErrors)
	n.Panics, n.SlowTurns = uint64(k.Panics), uint64(k.SlowTurns)
	n.LivePackets = bufpool.Live()
	return n
}
