package site_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/cmd/gannet/internal/figures"
	"github.com/gannet-io/gannet/cmd/gannet/internal/site"
	"github.com/gannet-io/gannet/sio"
)

type still struct{}

func (still) Stats() sio.Stats { return sio.Stats{} }

func newSite(t *testing.T, o *site.Options) *site.Site {
	t.Helper()
	if o.Path == "" {
		o.Path = "/socket.io"
	}
	s, err := site.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s *site.Site, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{ClientFile: "socket.io.js", Figures: figures.New(still{})})
	for _, tt := range []struct {
		target string
		status int
		kind   string
		has    string
	}{
		{"/", 200, "text/html; charset=utf-8", `id="messages"`},
		{"/?transport=polling", 200, "text/html; charset=utf-8", `src="/socket.io/socket.io.js"`},
		{"/stats", 200, "text/html; charset=utf-8", `id="plots"`},
		{"/stats.json", 200, "application/json", `"samples":[]`},
		{"/stats.json?since=x", 200, "application/json", `"samples":[]`},
		{"/healthz", 200, "text/plain; charset=utf-8", "ok"},
		{"/readyz", 200, "text/plain; charset=utf-8", "ready"},
		{"/assets/chat.js", 200, "text/javascript; charset=utf-8", "connect("},
		{"/assets/base.css", 200, "text/css; charset=utf-8", "--sea"},
		{"/assets/gannet.svg", 200, "image/svg+xml", "<svg"},
		{"/favicon.ico", 200, "image/svg+xml", "<svg"},
		{"/assets/chat.html", 404, "", ""},
		{"/assets/", 404, "", ""},
		{"/assets/..%2fsite.go", 404, "", ""},
		{"/elsewhere", 404, "", ""},
	} {
		w := get(s, tt.target)
		if w.Code != tt.status || tt.kind != "" && w.Header().Get("Content-Type") != tt.kind || !strings.Contains(w.Body.String(), tt.has) {
			t.Errorf("%s: %d %s, want %d %s with %q", tt.target, w.Code, w.Header().Get("Content-Type"), tt.status, tt.kind, tt.has)
		}
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no policy in %v", tt.target, w.Header())
		}
	}
}

func TestDraining(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{})
	s.Drain()
	if w := get(s, "/readyz"); w.Code != http.StatusServiceUnavailable || w.Body.String() != "draining\n" {
		t.Errorf("/readyz: %d %q", w.Code, w.Body)
	}
	if w := get(s, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("/healthz: %d", w.Code)
	}
}

func TestWithoutClient(t *testing.T) {
	t.Parallel()
	body := get(newSite(t, &site.Options{}), "/").Body.String()
	for _, want := range []string{"make run", "npm install socket.io-client@" + sio.ClientVersion, `<section class="notice" id="missing" role="alert">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if strings.Contains(body, "socket.io.js") {
		t.Error("the page loads a client that is not there")
	}
}

func TestWithoutFigures(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{})
	for _, target := range []string{"/stats", "/stats.json"} {
		if w := get(s, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", target, w.Code)
		}
	}
	if strings.Contains(get(s, "/").Body.String(), `href="/stats"`) {
		t.Error("the chat links to figures that are not there")
	}
}

func TestPathOfTheServer(t *testing.T) {
	t.Parallel()
	body := get(newSite(t, &site.Options{Path: "/deep/ws", ClientFile: "socket.io.js"}), "/").Body.String()
	for _, want := range []string{`src="/deep/ws/socket.io.js"`, `data-path="/deep/ws"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}

// What a page loads must be there, and nothing of it may be inline: the policy
// forbids it.
func TestPagesLoadWhatIsThere(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{ClientFile: "socket.io.js", Figures: figures.New(still{})})
	link := regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)
	imports := regexp.MustCompile(`from '\./([^']+)'`)
	var seen int
	for _, page := range []string{"/", "/stats"} {
		body := get(s, page).Body.String()
		if regexp.MustCompile(`<script>|<style|\sstyle="|\son[a-z]+="`).MatchString(body) {
			t.Errorf("%s has something inline", page)
		}
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			seen++
			w := get(s, m[1])
			if w.Code != http.StatusOK {
				t.Errorf("%s loads %s: %d", page, m[1], w.Code)
			}
			for _, i := range imports.FindAllStringSubmatch(w.Body.String(), -1) {
				if w := get(s, "/assets/"+i[1]); w.Code != http.StatusOK {
					t.Errorf("%s imports %s: %d", m[1], i[1], w.Code)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d links were found", seen)
	}
}

func TestAssetsAreCheckedByETag(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{})
	first := get(s, "/assets/base.css")
	etag := first.Header().Get("ETag")
	if again := get(s, "/assets/base.css", "If-None-Match", etag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("with the ETag %s: %d and %d bytes", etag, again.Code, again.Body.Len())
	}
	if other := get(s, "/assets/base.css", "If-None-Match", `"other"`); other.Code != http.StatusOK {
		t.Errorf("with another ETag: %d", other.Code)
	}
}

func TestFiguresAreJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{Figures: figures.New(still{})})
	var r figures.Report
	if err := json.Unmarshal(get(s, "/stats.json").Body.Bytes(), &r); err != nil || r.Process.PID == 0 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t, &site.Options{})
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/", http.NoBody))
		if w.Code != want {
			t.Errorf("%s /: %d, want %d", method, w.Code, want)
		}
	}
}
