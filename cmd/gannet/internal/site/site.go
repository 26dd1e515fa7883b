package site

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gannet-io/gannet/cmd/gannet/internal/figures"
	"github.com/gannet-io/gannet/sio"
)

//go:embed pages
var embedded embed.FS

var templates = template.Must(template.ParseFS(embedded, "pages/*.html"))

// policy lets a page load what this server has, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options say what the pages show.
type Options struct {
	// Path is the URL path of the Socket.IO server, without a slash behind it.
	Path string
	// ClientFile is the browser client that the server has. Empty means none.
	ClientFile string
	// Figures is what /stats shows. Nil leaves the page out.
	Figures *figures.Sampler
}

// A Site is the http.Handler of the pages.
type Site struct {
	// Immutable after New.
	opts   Options
	mux    *http.ServeMux
	assets map[string]asset

	draining atomic.Bool // Atomic: written by Drain, read by /readyz.
}

// New returns the handler of the pages.
func New(o *Options) (*Site, error) {
	pages, err := fs.Sub(embedded, "pages")
	if err != nil {
		return nil, err
	}
	s := &Site{opts: *o, mux: http.NewServeMux()}
	if s.assets, err = loadAssets(pages); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.HandleFunc("GET /assets/{name}", s.asset)
	s.mux.HandleFunc("GET /favicon.ico", s.icon)
	chat, err := s.page("chat.html")
	if err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET /{$}", chat)
	if o.Figures != nil {
		stats, err := s.page("stats.html")
		if err != nil {
			return nil, err
		}
		s.mux.HandleFunc("GET /stats", stats)
		s.mux.HandleFunc("GET /stats.json", s.figures)
	}
	return s, nil
}

// Drain has /readyz say that this server should get no more clients.
func (s *Site) Drain() { s.draining.Store(true) }

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	s.mux.ServeHTTP(w, r)
}

func (s *Site) health(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

func (s *Site) ready(w http.ResponseWriter, _ *http.Request) {
	if s.draining.Load() {
		plain(w, http.StatusServiceUnavailable, "draining\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// page renders a page once; it is the same for everybody.
func (s *Site) page(name string) (http.HandlerFunc, error) {
	var body bytes.Buffer
	err := templates.ExecuteTemplate(&body, name, map[string]any{
		"Path":          s.opts.Path,
		"ClientFile":    s.opts.ClientFile,
		"HasStats":      s.opts.Figures != nil,
		"ClientVersion": sio.ClientVersion,
	})
	if err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body.Bytes())
	}, nil
}

func (s *Site) figures(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		since = 0
	}
	body, err := json.Marshal(s.opts.Figures.Since(since))
	if err != nil {
		plain(w, http.StatusInternalServerError, "the figures cannot be encoded\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n'))
}

func (s *Site) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	a.serve(w, r)
}

func (s *Site) icon(w http.ResponseWriter, r *http.Request) { s.assets["gannet.svg"].serve(w, r) }

// An asset is a file that pages load.
type asset struct {
	body []byte
	kind string
	etag string
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	if strings.Contains(r.Header.Get("If-None-Match"), a.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.kind)
	_, _ = w.Write(a.body)
}
