package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/cmd/gannet/internal/chat"
	"github.com/gannet-io/gannet/cmd/gannet/internal/config"
	"github.com/gannet-io/gannet/cmd/gannet/internal/figures"
	"github.com/gannet-io/gannet/cmd/gannet/internal/site"
	"github.com/gannet-io/gannet/sio"
)

// An app is a running server with everything around it.
type app struct {
	// Immutable after newApp.
	cfg     *config.Config
	log     *slog.Logger
	srv     *sio.Server
	site    *site.Site
	chat    *chat.Chat
	sampler *figures.Sampler // nil without /stats
	profile *profiler        // nil without --pprof-addr
}

// serve runs the server until a signal ends it or it fails.
func serve(ctx context.Context, cfg *config.Config, stdout, stderr io.Writer) error {
	log := newLogger(cfg, stderr)
	if err := checkDescriptors(cfg.MaxConns); err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	a, err := newApp(cfg, log)
	if err != nil {
		return err
	}
	if err := a.start(stdout); err != nil {
		a.stop(canceled(ctx))
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- a.srv.Wait() }() // ends when the server has

	hangups := make(chan os.Signal, 1)
	if cfg.TLSCert != "" {
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	for {
		select {
		case <-hangups:
			a.reload()
			continue
		case sig := <-signals:
			log.Info("draining: a second signal ends at once", "signal", sig.String(), "at most", cfg.DrainDelay+cfg.DrainTimeout)
			go exitAtNext(signals) // ends with the process
			a.drain(ctx)
			return nil
		case err := <-failed:
			a.stop(canceled(ctx))
			return fmt.Errorf("the server stopped by itself: %w", err)
		}
	}
}

// canceled returns a context that has ended already.
func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// exitAtNext ends the process at the next signal.
func exitAtNext(signals <-chan os.Signal) {
	os.Exit(interruption{<-signals}.status())
}

func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func newApp(cfg *config.Config, log *slog.Logger) (*app, error) {
	a := &app{cfg: cfg, log: log}
	o := cfg.Options()
	o.Logger = log
	o.Trace = &sio.Trace{HandlerError: func(s *sio.Socket, event string, err error) {
		log.Debug("handler", "sid", s.ID(), "event", event, "err", err)
	}}
	// The server needs its fallback before the pages can have the server.
	o.Fallback = a
	var err error
	if a.srv, err = sio.NewServer(o); err != nil {
		return nil, err
	}
	a.chat = chat.New(a.srv.Of("/chat"))
	if cfg.StatsPage {
		a.sampler = figures.New(a.srv)
		a.sampler.Feed(a.srv.Of("/stats-feed"))
	}
	pages := &site.Options{Path: "/" + strings.Trim(cfg.Path, "/"), Figures: a.sampler}
	if cfg.HasClient() {
		pages.ClientFile = cfg.ClientFile()
	}
	a.site, err = site.New(pages)
	return a, err
}

// ServeHTTP implements http.Handler: what is not for the Socket.IO server.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.site.ServeHTTP(w, r) }

// start opens the listeners and says where they are.
func (a *app) start(stdout io.Writer) error {
	if a.cfg.PprofAddr != "" {
		p, err := startProfiler(a.cfg.PprofAddr)
		if err != nil {
			return err
		}
		a.profile = p
		a.log.Info("profiles", "url", "http://"+p.addr.String()+"/debug/pprof/")
	}
	var where []string
	for _, l := range a.cfg.Listeners() {
		addr, err := a.listen(l)
		if err != nil {
			return listenError(l.Addr, err)
		}
		where = append(where, location(addr, l.TLS))
	}
	if a.sampler != nil {
		a.sampler.Start()
	}
	if !a.cfg.HasClient() {
		a.log.Warn(`the browser client is missing, so the pages cannot connect: use "make run" in a clone of Gannet, or --client-dir`)
	}
	for _, w := range where {
		if _, err := fmt.Fprintln(stdout, "gannet: listening on "+w); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) listen(l config.Listener) (net.Addr, error) {
	if l.TLS {
		return a.srv.ListenTLS(l.Network, l.Addr, a.cfg.TLSCert, a.cfg.TLSKey)
	}
	return a.srv.Listen(l.Network, l.Addr)
}

// reload reads the certificate again.
func (a *app) reload() {
	if err := a.srv.ReloadCertificates(); err != nil {
		a.log.Error("the certificate could not be read: that from before stays", "err", err)
		return
	}
	a.log.Info("the certificate was read again", "file", a.cfg.TLSCert)
}

// drain ends the server so that clients go elsewhere: not ready, no more
// connections, those that are there closed.
func (a *app) drain(ctx context.Context) {
	a.site.Drain()
	if a.cfg.DrainDelay > 0 {
		select {
		case <-time.After(a.cfg.DrainDelay):
		case <-ctx.Done():
		}
	}
	bounded, cancel := context.WithTimeout(ctx, a.cfg.DrainTimeout)
	defer cancel()
	began := time.Now()
	a.stop(bounded)
	a.log.Info("stopped", "after", time.Since(began).Round(time.Millisecond))
}

// stop ends everything that newApp and start began.
func (a *app) stop(ctx context.Context) {
	if err := a.srv.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		a.log.Warn("not everything ended in time", "err", err)
	}
	if a.sampler != nil {
		a.sampler.Stop()
	}
	a.chat.Close()
	if a.profile != nil {
		a.profile.stop()
	}
}

// listenError says in plain words why an address cannot be had.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: the address is in use by another program", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: permission denied", addr)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// location is where a browser finds a listener.
func location(addr net.Addr, encrypted bool) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return "unix:" + addr.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http://"
	if encrypted {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}
