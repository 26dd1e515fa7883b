package sio

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/gannet-io/gannet/internal/bundle"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/polling"
)

// ClientVersion is the version of the official browser client that is served
// and that the server is tested with; it is the ETag of the client's files.
const ClientVersion = "4.8.4"

// clientFiles are the names that are served below Options.Path.
var clientFiles = [...]string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"}

const noClientFiles = "The browser client is not here. It is the npm package socket.io-client@" + ClientVersion +
	": install it and point Options.ClientFiles (gannet serve: --client-dir) at its dist folder," +
	" or run \"make client\" in a clone of Gannet.\n"

// serveClient has the engine hand requests for the client's files to net/http.
func (s *Server) serveClient(cfg *engine.Config) {
	prefix := []byte(strings.TrimSuffix(cfg.Path, "/") + "/")
	cfg.Static = func(target []byte) bool {
		rest, ok := bytes.CutPrefix(target, prefix)
		return ok && isClientFile(rest)
	}
	c := &clientServer{}
	if s.opts.ClientFiles != nil {
		c.files = bundle.New(s.opts.ClientFiles)
	}
	cfg.StaticHandler = c
}

// isClientFile tells whether a name, maybe with a query behind it, is one of
// the client's files or source maps.
func isClientFile(name []byte) bool {
	name, _, _ = bytes.Cut(name, []byte("?"))
	name = bytes.TrimSuffix(name, []byte(".map"))
	for _, f := range clientFiles {
		if string(name) == f {
			return true
		}
	}
	return false
}

// A clientServer serves the client's files.
type clientServer struct {
	// Immutable.
	files *bundle.Files // nil if there are none
}

// ServeHTTP implements http.Handler. As in Node the method does not matter, and
// a file has the same ETag in each coding.
func (c *clientServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case c.files == nil || !c.files.Has(name):
		http.Error(w, noClientFiles, http.StatusNotFound)
		return
	case isCached(r):
		w.WriteHeader(http.StatusNotModified)
		return
	}
	preferred := polling.Negotiate(r.Header["Accept-Encoding"], bundle.Brotli, bundle.Gzip, bundle.Deflate)
	body, coding, err := c.files.Get(name, preferred)
	if err != nil {
		http.Error(w, noClientFiles, http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("ETag", etag)
	if strings.HasSuffix(name, ".map") {
		h.Set("Content-Type", "application/json; charset=utf-8")
	} else {
		h.Set("Content-Type", "application/javascript; charset=utf-8")
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// isCached tells whether the client has the file already.
func isCached(r *http.Request) bool {
	match := r.Header.Get("If-None-Match")
	return match == etag || match == "W/"+etag
}

const etag = `"` + ClientVersion + `"`
