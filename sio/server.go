package sio

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// A Server is a Socket.IO server. All its methods may be called from any
// goroutine.
type Server struct {
	// Immutable after NewServer.
	opts    Options
	limits  packet.Limits
	dialect dialect
	text    dialect // what servers of a cluster tell each other
	eng     *engine.Server
	ids     *engine.IDCodec // of socket ids; they do not reveal the session's
	work    *workers
	root    *Namespace

	roomTrace bool // Trace has hooks for rooms

	nsps registry

	// Atomic: set when the loops have started.
	live atomic.Pointer[[]*shard]

	// Atomic: set when a namespace gets a hook that sees sockets which have just
	// connected.
	greets atomic.Bool

	// Atomic: set by the loop that sweeps the logs of recovery.
	sweeping atomic.Bool

	// Atomic: set by that loop while a goroutine sweeps, which unsets it.
	swept atomic.Bool

	// Immutable; its fields are atomic. What the logs of all children may hold.
	childLogs logBudget

	// Atomic: written by Shutdown.
	closing atomic.Bool

	// Closed when the first Shutdown returns.
	stopped chan struct{}

	mu      sync.Mutex // guards following
	certs   []*certificate
	shards  []*shard
	started bool
	closed  bool
	cut     context.CancelFunc // ends the waiting of the first Shutdown
	final   *Stats             // the counters at the end of Shutdown
}

// NewServer returns a server with the given options; nil means all defaults.
// It starts no goroutine and opens nothing: ListenAndServe does. The error is
// an *OptionError.
func NewServer(o *Options) (*Server, error) {
	return newServer(o, func(cfg *engine.Config) { cfg.ThroughHTTP = !loop.HasDescriptors })
}

// newServer makes a server; adjust changes the engine's settings that are no
// options.
func newServer(o *Options, adjust func(*engine.Config)) (*Server, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts:    opts,
		limits:  packet.Limits{MaxAttachments: opts.MaxAttachments},
		dialect: dialect{msgpack: opts.Parser == ParserMsgpack, codec: opts.Codec, custom: opts.PacketParser},
		text:    dialect{codec: opts.Codec},
		ids:     engine.NewIDCodec(),
		work:    newWorkers(opts.MaxWorkers),

		stopped: make(chan struct{}),

		roomTrace: opts.Trace.tracesRooms(),
	}
	cfg, err := s.engineConfig()
	if err != nil {
		return nil, err
	}
	adjust(cfg)
	s.eng, err = engine.New(cfg, upper{s}, &loop.Options{Loops: opts.Loops, MaxConns: opts.MaxConns, Logger: opts.Logger, HandshakeTimeout: opts.TLSHandshakeTimeout})
	if err != nil {
		return nil, err
	}
	s.nsps.fixed.Store(&map[string]*Namespace{})
	s.nsps.parents.Store(&[]*ParentNamespace{})
	s.nsps.created.Store(&[]func(*Namespace){})
	s.root = s.Of("/")
	return s, nil
}

// Listen starts the event loops, if they do not run yet, and opens a listener
// on each. network is "tcp", "tcp4", "tcp6" or "unix". It returns the address,
// which tells the port if addr asked for port 0. On Windows net/http has the
// listener and the connections, here and everywhere below, and each costs a
// goroutine or two.
func (s *Server) Listen(network, addr string) (net.Addr, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	return s.eng.Listen(network, addr)
}

// ListenAndServe listens on a TCP address such as ":3000" and serves until
// Shutdown or Close, after which it returns ErrServerClosed. Any other error
// means that the server did not start, or has failed.
func (s *Server) ListenAndServe(addr string) error {
	if _, err := s.Listen("tcp", addr); err != nil {
		return err
	}
	return s.Wait()
}

// ListenTLS is Listen for encrypted connections (https and wss). The files hold
// a certificate, with those of its signers behind it, and its key, in PEM form;
// both may be empty if Options.TLSConfig has a certificate. Where its
// GetCertificate returns one, that goes before the files'. ReloadCertificates
// reads the files again.
func (s *Server) ListenTLS(network, addr, certFile, keyFile string) (net.Addr, error) {
	cfg, err := s.tlsConfig(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	a, err := s.eng.ListenTLS(network, addr, cfg)
	return a, tlsError(err)
}

// ListenAndServeTLS is ListenAndServe for encrypted connections; see ListenTLS
// for the files.
func (s *Server) ListenAndServeTLS(addr, certFile, keyFile string) error {
	if _, err := s.ListenTLS("tcp", addr, certFile, keyFile); err != nil {
		return err
	}
	return s.Wait()
}

// Serve serves on a *net.TCPListener or *net.UnixListener until Shutdown or
// Close, after which it returns ErrServerClosed. The listener is taken over:
// it is closed when Serve returns, and earlier. ListenAndServe is faster on
// Linux, because there every loop has a listener of its own.
func (s *Server) Serve(l net.Listener) error { return s.serveOn(l, nil) }

// ServeTLS is Serve for encrypted connections; see ListenTLS for the files.
func (s *Server) ServeTLS(l net.Listener, certFile, keyFile string) error {
	cfg, err := s.tlsConfig(certFile, keyFile)
	if err != nil {
		_ = l.Close()
		return err
	}
	return s.serveOn(l, cfg)
}

// Wait blocks until the server has shut down or failed. It returns
// ErrServerClosed after Shutdown or Close.
func (s *Server) Wait() error {
	r := s.eng.Reactor()
	<-r.Done()
	if s.closing.Load() {
		return ErrServerClosed
	}
	return r.Err()
}

// upper is what the engine sees of a Server.
type upper struct{ s *Server }

// NewShard implements engine.Upper.
func (u upper) NewShard(sh *engine.Shard) engine.UpperShard {
	n := &shard{srv: u.s, eng: sh, loop: sh.Loop()}
	if u.s.opts.ConnectionStateRecovery != nil {
		n.stream = new(stream)
	}
	u.s.shards = append(u.s.shards, n)
	return n
}

// Shutdown stops the server: it closes the listeners, disconnects every
// socket with ReasonServerShutdown, closes the connections at the Engine.IO
// level so that clients reconnect, waits for running handlers, and stops the
// loops. When ctx ends, what is left is cut off and ctx's error returned: a
// handler that still runs goes on, but nothing that waits behind it for its
// socket is run any more, hooks and EmitAck callbacks included. A handler must
// not wait for Shutdown, because it waits for the handler; on a loop it returns
// ErrOnLoop and does nothing. A second call waits for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.onAnyLoop() {
		return ErrOnLoop
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return s.awaitStop(ctx)
	}
	s.closed, s.cut = true, cancel
	started := s.started
	s.mu.Unlock()
	defer close(s.stopped)
	s.closing.Store(true)
	if !started {
		return errors.Join(s.eng.Shutdown(ctx), s.closeAdapters(ctx))
	}
	s.eng.StopAccepting()
	var loops sync.WaitGroup // at once: behind the full ring of one, another goes on
	for _, sh := range s.running() {
		loops.Go(func() { _ = sh.ask(sh.shutDown) })
	}
	loops.Wait()
	workErr := s.work.wait(ctx)
	adapterErr := s.closeAdapters(ctx)
	st := s.collect(ctx)
	err := s.eng.Shutdown(ctx)
	s.closeLogs()
	s.mu.Lock()
	s.final = &st
	s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case workErr != nil:
		return workErr
	}
	return adapterErr
}

// Close stops the server at once, and cuts a Shutdown off that is under way.
// Handlers that are running are not waited for. On a loop it returns ErrOnLoop,
// as Shutdown does.
func (s *Server) Close() error {
	if s.onAnyLoop() {
		return ErrOnLoop
	}
	s.mu.Lock()
	cut := s.cut
	s.mu.Unlock()
	if cut != nil {
		cut()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Root returns the namespace "/".
func (s *Server) Root() *Namespace { return s.root }

// UseHTTP adds a middleware for the requests of clients: each handshake, poll,
// POST and WebSocket upgrade below Options.Path goes through the middlewares in
// the order of UseHTTP, on a goroutine of its own, before anything else is
// looked at but CORS. It may be called at any time.
//
// When the handler that the middleware is given is called, the request goes on:
// the headers that were set are on its response, and the http.Request that was
// passed, with its context, is what AllowRequest and the hooks for headers get.
// Its body is not there to read, and whatever is written then is ignored. A
// middleware that does not call it answers the request by what it writes. A
// panic is reported to OnConnectionError and answered with code 3, "Bad
// request", and the headers that were set, or with what was written before.
// Behind the call it changes nothing.
func (s *Server) UseHTTP(middleware func(http.Handler) http.Handler) { s.eng.Use(middleware) }

// OnConnection is Root().OnConnection.
func (s *Server) OnConnection(h func(*Socket)) { s.root.OnConnection(h) }

// Use is Root().Use.
func (s *Server) Use(m func(*Socket) error) { s.root.Use(m) }

// Handle is Root().Handle.
func (s *Server) Handle(event string, h HandlerFunc) { s.root.Handle(event, h) }

// Emit is Root().Emit.
func (s *Server) Emit(event string, args ...any) error { return s.root.Emit(event, args...) }

// To is Root().To.
func (s *Server) To(rooms ...string) Target { return s.root.To(rooms...) }

// In is Root().In.
func (s *Server) In(rooms ...string) Target { return s.root.In(rooms...) }

// Except is Root().Except.
func (s *Server) Except(rooms ...string) Target { return s.root.Except(rooms...) }

// All is Root().All.
func (s *Server) All() Target { return s.root.All() }

// Send is Root().Send.
func (s *Server) Send(m *Message) error { return s.root.Send(m) }

// OnDisconnect is Root().OnDisconnect.
func (s *Server) OnDisconnect(h func(*Socket, DisconnectReason)) { s.root.OnDisconnect(h) }

// awaitStop waits for the Shutdown that is under way.
func (s *Server) awaitStop(ctx context.Context) error {
	select {
	case <-s.stopped:
		return nil
	default:
	}
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) engineConfig() (*engine.Config, error) {
	o := &s.opts
	transports, err := o.transports()
	if err != nil {
		return nil, err
	}
	cfg := &engine.Config{
		EIO: eio.Config{
			PingInterval:    o.PingInterval.Milliseconds(),
			PingTimeout:     o.PingTimeout.Milliseconds(),
			UpgradeTimeout:  o.UpgradeTimeout.Milliseconds(),
			MaxPayload:      o.MaxHTTPBufferSize,
			Transports:      transports,
			DisableUpgrades: o.DisableUpgrades,
			AllowEIO3:       o.AllowEIO3,
		},
		Path:           o.Path,
		MaxQueue:       o.MaxQueue,
		SoftQueue:      o.SoftQueue,
		MaxTotalQueue:  o.MaxTotalQueue,
		DestroyUpgrade: o.DestroyUpgradeTimeout.Milliseconds(),
		WriteStall:     o.WriteTimeout.Milliseconds(),
		Fallback:       o.Fallback,
		Logger:         o.Logger,
	}
	engine.SetDefaults(cfg)
	if err := s.hooks(cfg); err != nil {
		return nil, err
	}
	if o.CORS != nil {
		if cfg.CORS, err = polling.NewCORS(o.CORS); err != nil {
			if ce, ok := errors.AsType[*polling.CORSError](err); ok {
				return nil, &OptionError{"CORS." + ce.Field, ce.Reason}
			}
			return nil, &OptionError{"CORS", err.Error()}
		}
	}
	if o.AllowRequest != nil {
		cfg.Admit = s.admit
	}
	if len(o.TrustedProxies) > 0 {
		cfg.TrustProxy = s.trusts
	}
	if !o.DisableServeClient {
		s.serveClient(cfg)
	}
	return cfg, nil
}

// hooks passes on what the options say about handshakes and responses.
func (s *Server) hooks(cfg *engine.Config) error {
	o := &s.opts
	cfg.GenerateID, cfg.InitialHeaders, cfg.Headers = o.GenerateID, o.InitialHeaders, o.Headers
	cfg.InitialPacket = o.InitialPacket
	if d := o.PerMessageDeflate; d != nil {
		cfg.Deflate, cfg.DeflateThreshold = true, cmp.Or(d.Threshold, wsframe.DefaultThreshold)
	}
	cfg.HTTPThreshold = max(cmp.Or(o.HTTPCompressionThreshold, polling.CompressionThreshold), 0)
	if report := o.OnConnectionError; report != nil {
		cfg.OnRefusal = func(r *engine.Refusal) {
			report(&ConnectionError{Request: r.Request, Code: int(r.Code), Message: r.Code.Message(), Context: r.Context})
		}
	}
	if o.Cookie == nil {
		return nil
	}
	var err error
	cfg.Cookie, err = polling.NewCookie(o.Cookie)
	if ce, ok := errors.AsType[*polling.CookieError](err); ok {
		return &OptionError{"Cookie." + ce.Field, ce.Reason}
	}
	return err
}

func (s *Server) admit(r *http.Request) (message string, ok bool) {
	err := s.opts.AllowRequest(r)
	if err == nil {
		return "", true
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message, false
	}
	return "", false
}

func (s *Server) trusts(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range s.opts.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// serveOn takes a listener over and waits for the end.
func (s *Server) serveOn(l net.Listener, cfg *tls.Config) error {
	err := s.start()
	if err == nil {
		err = tlsError(s.eng.ListenOn(l, cfg))
	}
	if err != nil {
		_ = l.Close()
		return err
	}
	return s.Wait()
}

func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrServerClosed
	}
	if s.started {
		return nil
	}
	s.started = true
	if err := s.eng.Start(); err != nil {
		return err
	}
	s.live.Store(&s.shards)
	return nil
}
