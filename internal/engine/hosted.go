package engine

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gannet-io/gannet/loop"
)

// hosted is a net/http server for the listeners of a Server whose loops cannot
// watch sockets: every connection comes to them as a request of somebody
// else's server would.
type hosted struct {
	// Immutable after newHosted.
	log  *slog.Logger
	http *http.Server

	// Immutable; counts the goroutines of listeners.
	running sync.WaitGroup

	mu        sync.Mutex // guards following
	listeners []net.Listener
	closed    bool
}

func newHosted(s *Server) *hosted {
	return &hosted{log: s.cfg.Logger, http: &http.Server{
		Handler:           s,
		ReadHeaderTimeout: time.Duration(s.cfg.HTTPTimeout) * time.Millisecond,
		IdleTimeout:       60 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2, as on a loop
	}}
}

// listen opens a listener; with a configuration its connections are encrypted.
func (h *hosted) listen(network, addr string, cfg *tls.Config) (net.Addr, error) {
	ln, err := net.Listen(network, addr) //nolint:noctx // it does not wait
	if err != nil {
		return nil, err
	}
	if err := h.serve(ln, cfg); err != nil {
		_ = ln.Close()
		return nil, err
	}
	return ln.Addr(), nil
}

// serve takes a listener over.
func (h *hosted) serve(ln net.Listener, cfg *tls.Config) error {
	if cfg != nil {
		own, err := loop.ServerTLS(cfg)
		if err != nil {
			return err
		}
		ln = tls.NewListener(ln, own)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return loop.ErrClosed
	}
	h.listeners = append(h.listeners, ln)
	h.running.Go(func() { // stops when stopAccepting closes the listener
		if err := h.http.Serve(ln); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("engine: a listener stopped", "err", err)
		}
	})
	return nil
}

// stopAccepting closes the listeners; requests go on.
func (h *hosted) stopAccepting() {
	h.mu.Lock()
	h.closed = true
	listeners := slices.Clone(h.listeners)
	h.mu.Unlock()
	for _, ln := range listeners {
		_ = ln.Close()
	}
}

// shutdown closes what is left of the connections and joins the goroutines. The
// sessions must have ended.
func (h *hosted) shutdown() {
	_ = h.http.Close()
	h.running.Wait()
}
