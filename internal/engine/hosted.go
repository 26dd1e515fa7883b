package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gannet-io/gannet/loop"
)

// hosted is a net/http server for the listeners of a Server whose loops cannot
// watch sockets: every connection comes to them as a request of somebody
// else's server would.
type hosted struct {
	// Immutable after newHosted.
	srv  *Server
	http *http.Server

	// Immutable; counts the goroutines of listeners.
	running sync.WaitGroup

	mu        sync.Mutex // guards following
	listeners []net.Listener
	silent    map[net.Conn]struct{} // they have not sent a whole request yet
	closed    bool
}

func newHosted(s *Server) *hosted {
	h := &hosted{srv: s, silent: map[net.Conn]struct{}{}}
	h.http = newHTTPServer(&s.cfg, h.answer)
	h.http.ConnState = h.moved
	h.http.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // no HTTP/2, as on a loop
	return h
}

// answer is the handler of the connections.
func (h *hosted) answer(w http.ResponseWriter, r *http.Request) {
	cfg := &h.srv.cfg
	target := requestTarget(r)
	switch ours := strings.HasPrefix(target, cfg.Path); {
	case !ours && cfg.Fallback == nil, ours && cfg.Static != nil && cfg.Static([]byte(target)):
		cfg.limit(w, r)
	case ours:
	case h.srv.mounts.enter(nil): // for Shutdown, which waits for it
		defer h.srv.mounts.leave(nil)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // of a file before
	default:
		refuseMounted(w)
		return
	}
	h.srv.ServeHTTP(w, r)
}

// moved notes which connections are silent.
func (h *hosted) moved(nc net.Conn, state http.ConnState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if state == http.StateNew {
		h.silent[nc] = struct{}{}
	} else {
		delete(h.silent, nc)
	}
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
			h.srv.cfg.Logger.Error("engine: a listener stopped", "err", err)
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

// lastWords is how long responses may take that are complete and not yet with
// the kernel.
const lastWords = time.Second

// dropSilent joins the goroutines of listeners and closes the connections on
// which no whole request has come, for which net/http would wait. The listeners
// must have been closed.
func (h *hosted) dropSilent() {
	h.running.Wait()
	h.mu.Lock()
	silent := slices.Collect(maps.Keys(h.silent)) // no more will come
	h.mu.Unlock()
	for _, nc := range silent {
		_ = nc.Close()
	}
}

// shutdown closes the connections. The requests under way must have been waited
// for.
func (h *hosted) shutdown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	_ = h.http.Shutdown(ctx) // what is left then waits for the rest of a body
	_ = h.http.Close()
}
