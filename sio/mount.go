package sio

import (
	"errors"
	"net/http"
)

// ServeHTTP makes the server a handler of any net/http server or router. It
// starts the event loops with the first request.
//
// A connection in clear text is taken from net/http and goes on in an event
// loop, with no goroutine and no buffer of net/http left behind; a later request
// on it that is not for Options.Path takes it back to the http.Server that it
// came from. Connections that net/http encrypts, and those that it cannot give
// away (HTTP/2, a ResponseWriter that hides http.Hijacker and has no Unwrap),
// are served through net/http, with goroutines. Stats tells how many there are
// of each.
//
// The route must be Options.Path, as clients send it: prefixes that a router has
// stripped count. Handlers in front see the first request of a connection and
// those served through net/http, not the rest. http.Server.Shutdown does not
// wait for connections that were taken; Shutdown and Close end them.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.live.Load() == nil {
		if err := s.start(); err != nil {
			if !errors.Is(err, ErrServerClosed) {
				s.opts.Logger.Error("sio: the event loops could not be started", "err", err)
			}
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	s.eng.ServeHTTP(w, r)
}
