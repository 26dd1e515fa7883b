package sio

import (
	"bytes"
	"io/fs"
	"net/http"
	"strings"

	"github.com/gannet-io/gannet/internal/engine"
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
	cfg.StaticHandler = http.HandlerFunc(s.serveClientFile)
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

func (s *Server) serveClientFile(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if s.opts.ClientFiles == nil {
		http.Error(w, noClientFiles, http.StatusNotFound)
		return
	}
	body, err := fs.ReadFile(s.opts.ClientFiles, name)
	if err != nil {
		http.Error(w, noClientFiles, http.StatusNotFound)
		return
	}
	if match := r.Header.Get("If-None-Match"); match == etag || match == "W/"+etag {
		w.WriteHeader(http.StatusNotModified)
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
	_, _ = w.Write(body)
}

const etag = `"` + ClientVersion + `"`
