package main

import (
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// A profiler serves net/http/pprof on a port of its own, which is not for
// everybody.
type profiler struct {
	// Immutable after startProfiler.
	addr net.Addr
	http *http.Server
	done chan struct{} // closed when Serve has returned
}

func startProfiler(addr string) (*profiler, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	p := &profiler{
		addr: ln.Addr(),
		http: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
		done: make(chan struct{}),
	}
	go func() { // ends when stop closes the server
		defer close(p.done)
		_ = p.http.Serve(ln)
	}()
	return p, nil
}

func (p *profiler) stop() {
	_ = p.http.Close()
	<-p.done
}
