package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// servePprof is -pprof: it serves the profiles of the process until ctx ends.
func (c *config) servePprof(ctx context.Context) error {
	if c.pprof == "" {
		return nil
	}
	ln, err := net.Listen("tcp", c.pprof)
	if err != nil {
		return fmt.Errorf("-pprof: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	say(c.stderr, "testbed: profiles at http://%s/debug/pprof/", ln.Addr())
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	c.background.Go(func() { // stops when ctx ends
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			say(c.stderr, "testbed: -pprof: %v", err)
		}
	})
	return nil
}
