package engine

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// A Server is an Engine.IO server: a reactor whose loops speak HTTP,
// WebSocket and Engine.IO. All methods may be called from any goroutine.
type Server struct {
	// Immutable after New.
	cfg     Config
	upper   Upper
	ids     *IDCodec
	reactor *loop.Reactor
	web     *webServer
	mounts  *mounts
	hosted  *hosted
	foreign foreignOrigins
	named   *foreignIDs // nil without Config.GenerateID

	// Immutable after New has started the loops.
	shards []*Shard

	// Atomic: written by Shutdown, read by the loops.
	draining atomic.Bool

	// Atomic: written by the loops. Bytes of all queues, as measured last.
	held atomic.Int64

	// Atomic: written by Adopt. Whose turn it is to adopt a connection.
	turn atomic.Uint32

	// Atomic: written by Use, read by the loops. All middlewares in one.
	middleware atomic.Pointer[http.Handler]

	// admissions counts the goroutines that run Config.Admit or middlewares.
	admissions sync.WaitGroup

	mwMu sync.Mutex // guards following
	mws  []func(http.Handler) http.Handler
}

// New returns a server that listens nowhere and runs nothing yet.
func New(cfg *Config, upper Upper, ro *loop.Options) (*Server, error) {
	s := &Server{cfg: *cfg, upper: upper, ids: NewIDCodec()}
	s.web, s.mounts, s.hosted = newWebServer(s), newMounts(s), newHosted(s)
	s.cfg.frames = wsframe.Config{MaxMessage: cfg.EIO.MaxPayload}
	if cfg.GenerateID != nil {
		s.named = newForeignIDs()
	}
	opts := *ro
	opts.NewHandler = s.newHandler
	if cfg.Driven {
		s.reactor = loop.NewDriven(&opts).Reactor()
		return s, nil
	}
	var err error
	s.reactor, err = loop.New(&opts)
	return s, err
}

// Start starts the loops. It must be called once, before Listen.
func (s *Server) Start() error { return s.reactor.Start() }

// Listen opens a listener on every loop and returns its address.
func (s *Server) Listen(network, addr string) (net.Addr, error) {
	if s.cfg.ThroughHTTP {
		return s.hosted.listen(network, addr, nil)
	}
	return s.reactor.Listen(network, addr)
}

// ListenTLS is Listen for encrypted connections.
func (s *Server) ListenTLS(network, addr string, cfg *tls.Config) (net.Addr, error) {
	if s.cfg.ThroughHTTP {
		return s.hosted.listen(network, addr, cfg)
	}
	return s.reactor.ListenTLS(network, addr, cfg)
}

// ListenOn takes a listener over; with a configuration its connections are
// encrypted.
func (s *Server) ListenOn(ln net.Listener, cfg *tls.Config) error {
	if s.cfg.ThroughHTTP {
		return s.hosted.serve(ln, cfg)
	}
	return s.reactor.ListenOn(ln, cfg)
}

// Reactor returns the reactor under the server.
func (s *Server) Reactor() *loop.Reactor { return s.reactor }

// Shards returns the shards, one for each loop and in their order.
func (s *Server) Shards() []*Shard { return s.shards }

// IDs returns the codec of this server's session ids.
func (s *Server) IDs() *IDCodec { return s.ids }

// StopAccepting closes the listeners and refuses new sessions on the
// connections that exist.
func (s *Server) StopAccepting() {
	s.draining.Store(true)
	s.hosted.stopAccepting()
	s.reactor.StopAccepting()
}

// Shutdown closes every session at the Engine.IO level, waits until the
// closes are written or ctx ends, and stops the loops. It leaves no
// goroutine and no descriptor behind.
func (s *Server) Shutdown(ctx context.Context) error {
	s.StopAccepting()
	s.mounts.stop()
	webErr := s.web.shutdown(ctx)
	for _, sh := range s.shards {
		_ = sh.loop.Post(loop.Message{Kind: msgDrain})
	}
	s.awaitConns(ctx)
	err := s.reactor.Shutdown(ctx)
	s.hosted.dropSilent()
	mountErr := s.mounts.wait(ctx)
	s.hosted.shutdown(ctx)
	return cmp.Or(err, webErr, mountErr, s.awaitAdmissions(ctx))
}

// awaitAdmissions joins the goroutines that run Config.Admit or middlewares. When ctx ends,
// those that still run are left behind.
func (s *Server) awaitAdmissions(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // stops when the last of them returns
		defer close(done)
		s.admissions.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitConns waits until the closes of Shutdown have left the machine.
func (s *Server) awaitConns(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.reactor.Conns() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-s.reactor.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) newHandler(l *loop.Loop) loop.Handler {
	sh := &Shard{srv: s, cfg: &s.cfg, loop: l, table: loop.NewSlots[Session](l)}
	sh.lazyPings = s.cfg.EIO.PingInterval >= 10_000 && s.cfg.EIO.PingTimeout >= 5_000
	sh.prepareCompression()
	sh.upper = s.upper.NewShard(sh)
	s.shards = append(s.shards, sh)
	return sh
}

// find locates the shard of a session id, and its slot there.
func (s *Server) find(sid string) (*Shard, uint32, bool) {
	if s.named != nil {
		return s.named.find(sid)
	}
	id, slot, ok := s.ids.Place(sid)
	if !ok || int(id) >= len(s.shards) {
		return nil, 0, false
	}
	return s.shards[id], slot, true
}

func (s *Server) trusts(addr netip.Addr) bool {
	return s.cfg.TrustProxy != nil && s.cfg.TrustProxy(addr)
}
