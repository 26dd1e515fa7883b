package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gannet-io/gannet"

// rule says what the packages that one pattern matches may import from outside the standard library. A pattern is
// a path below the module root; "/..." at its end stands for the package itself and everything below it.
type rule struct {
	pkg     string
	local   []string // packages of this module, as patterns
	foreign []string // third-party packages, as patterns
	pure    bool     // turns bytes into events and back: no socket, no goroutine, no clock
}

// rules is the import graph of ARCHITECTURE.md, top down. The first rule that matches a package counts, and a
// package that none matches is an error: a new package states its place here.
var rules = []rule{
	{
		pkg:   "cmd/gannet/...",
		local: []string{"sio", "cluster/...", "bench/...", "cmd/gannet/..."},
		foreign: []string{
			"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/alecthomas/kong/...",
			"gopkg.in/yaml.v3", "go.yaml.in/yaml/v3", "github.com/goccy/go-yaml/...",
			"github.com/prometheus/client_golang/...", "golang.org/x/sys/unix",
		},
	},
	{
		// The profiles eio-protocol and ws-echo serve the layers below sio.
		pkg:   "cmd/testbed/...",
		local: []string{"sio", "cluster/...", "cmd/testbed/...", "loop", "wsframe", "polling", "internal/..."},
	},
	{
		// The load client runs on the same loops as the server.
		pkg:     "bench/...",
		local:   []string{"sio", "cluster/...", "bench/...", "loop", "wsframe", "internal/..."},
		foreign: []string{"github.com/gobwas/ws/...", "github.com/HdrHistogram/hdrhistogram-go", "go.yaml.in/yaml/v3", "golang.org/x/image/font", "golang.org/x/sys/unix", "golang.org/x/term", "gonum.org/v1/plot/..."},
	},
	{pkg: "examples/...", local: []string{"sio", "cluster/..."}},
	{pkg: "cluster/redis/...", local: []string{"sio", "internal/packet", "cluster/redis/..."}, foreign: []string{"github.com/redis/rueidis/..."}},
	{pkg: "cluster/nats/...", local: []string{"sio", "internal/packet", "cluster/nats/..."}, foreign: []string{"github.com/nats-io/nats.go/..."}},
	{
		pkg:     "sio",
		local:   []string{"loop", "wsframe", "polling", "rooms", "internal/..."},
		foreign: []string{"github.com/klauspost/compress/flate", "golang.org/x/sys/unix"},
	},
	// The engine is where reactor, framing, polling and session meet; it knows nothing of Socket.IO.
	{pkg: "internal/engine", local: []string{"loop", "wsframe", "polling", "internal/bufpool", "internal/eio", "internal/http1", "internal/jsonx"}},
	{
		pkg:   "loop",
		local: []string{"internal/bufpool", "internal/mpsc", "internal/goid", "internal/paged"},
		foreign: []string{
			"github.com/panjf2000/gnet/v2/pkg/netpoll", "github.com/panjf2000/gnet/v2/pkg/socket",
			"github.com/panjf2000/gnet/v2/pkg/errors", "golang.org/x/sys/unix",
		},
	},
	{
		pkg:     "wsframe",
		local:   []string{"internal/http1", "internal/bufpool"},
		foreign: []string{"github.com/gobwas/ws/...", "github.com/gobwas/httphead", "github.com/klauspost/compress/flate"},
		pure:    true,
	},
	{
		pkg:     "polling",
		local:   []string{"internal/http1", "internal/eio", "internal/bufpool", "internal/jsonx"},
		foreign: []string{"github.com/klauspost/compress/flate"},
		pure:    true,
	},
	{pkg: "rooms", local: []string{"internal/paged"}, pure: true},
	{pkg: "internal/eio", local: []string{"internal/jsonx"}, pure: true},
	{pkg: "internal/http1", pure: true},
	{pkg: "internal/packet", local: []string{"internal/jsonx", "internal/msgpackx", "internal/bufpool"}, pure: true},
	{pkg: "internal/msgpackx", local: []string{"internal/jsonx"}},
	{pkg: "internal/jsonx"},
	{pkg: "internal/bufpool", foreign: []string{"github.com/valyala/bytebufferpool"}},
	{
		pkg: "internal/bundle",
		foreign: []string{
			"github.com/andybalholm/brotli", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zlib",
		},
	},
	{pkg: "internal/mpsc"},
	{pkg: "internal/paged", pure: true},
	{pkg: "internal/goid"},
	{pkg: "internal/testleak"},
	{pkg: "internal/testcert"},
	{
		// Tests alone, which attack a whole server or the engine below it.
		pkg:     "internal/attack",
		local:   []string{"sio", "loop", "wsframe", "polling", "internal/..."},
		foreign: []string{"golang.org/x/sys/unix"},
	},
	// Transcripts, which tests alone play against a whole server.
	{pkg: "internal/parity", local: []string{"sio"}},
	// Conformance of WebSockets, which tests alone play against the echo of the engine.
	{pkg: "internal/wsconform", local: []string{"loop", "internal/..."}, foreign: []string{"github.com/klauspost/compress/flate"}},
	{pkg: "internal/puff"},
	{pkg: "internal/archtest"},
}

// testOnly are the packages of this module that only tests may import.
var testOnly = []string{"internal/testleak", "internal/testcert", "internal/archtest", "internal/attack", "internal/parity", "internal/wsconform", "internal/puff"}

// testForeign is what the tests of any package may use besides what the package itself may.
var testForeign = []string{"github.com/gobwas/ws/..."}

// impure is what a pure package may not import: sockets, files, processes and the clock.
var impure = []string{"net", "net/http/...", "os/...", "syscall", "time", "golang.org/x/sys/..."}

// neverLinked must be nowhere below any package, however indirectly: the reactor is built on gnet's poller and
// socket packages, not on its engine.
var neverLinked = []string{"github.com/panjf2000/gnet/v2"}

// listed is the part of `go list -json` that the rules look at.
type listed struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			for _, p := range list(t, goos) {
				for _, v := range violations(p) {
					t.Error(v)
				}
			}
		})
	}
}

// violations names every edge of p that the rules forbid.
func violations(p *listed) []string {
	r := ruleFor(p.ImportPath)
	if r == nil {
		return []string{p.ImportPath + ": no rule says what it may import; give it its place in rules"}
	}
	var found []string
	for _, imp := range p.Imports {
		if why := forbidden(r, imp); why != "" {
			found = append(found, p.ImportPath+": imports "+imp+", "+why)
		}
	}
	for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
		if imp != p.ImportPath && !allowedInTest(r, imp) {
			found = append(found, p.ImportPath+": its tests import "+imp+", which is neither below it nor a test helper")
		}
	}
	for _, dep := range p.Deps {
		if matchesAny(neverLinked, dep) {
			found = append(found, p.ImportPath+": depends on "+dep+", which nothing here may link")
		}
	}
	return found
}

// forbidden says why a package under rule r must not import imp, or nothing.
func forbidden(r *rule, imp string) string {
	below, ours := strings.CutPrefix(imp, module+"/")
	switch {
	case ours && matchesAny(testOnly, below):
		return "which is for tests"
	case ours && !matchesAny(r.local, below):
		return "which is not below it (may: " + strings.Join(r.local, ", ") + ")"
	case !ours && foreign(imp) && !matchesAny(r.foreign, imp):
		return "which is not on its list (may: " + strings.Join(r.foreign, ", ") + ")"
	case r.pure && matchesAny(impure, imp):
		return "but it is sans-I/O: time and bytes are its caller's"
	}
	return ""
}

// allowedInTest allows a test what its package may import, the module's internal packages, and the oracles.
func allowedInTest(r *rule, imp string) bool {
	if below, ours := strings.CutPrefix(imp, module+"/"); ours {
		return matchesAny(r.local, below) || strings.HasPrefix(below, "internal/")
	}
	return !foreign(imp) || matchesAny(r.foreign, imp) || matchesAny(testForeign, imp)
}

func ruleFor(importPath string) *rule {
	below, _ := strings.CutPrefix(importPath, module+"/")
	for i := range rules {
		if matches(rules[i].pkg, below) {
			return &rules[i]
		}
	}
	return nil
}

// foreign tells a third-party package or one of this module from the standard library, whose paths have no dot in
// their first element.
func foreign(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".")
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func matches(pattern, path string) bool {
	if root, tree := strings.CutSuffix(pattern, "/..."); tree {
		return path == root || strings.HasPrefix(path, root+"/")
	}
	return pattern == path
}

// list returns every package of the module as the given system would build it. Packages that have no files there
// are left out by go list itself.
func list(t *testing.T, goos string) []*listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", goos, err, stderr.String())
	}
	var pkgs []*listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(listed)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list for %s: %v", goos, err)
		}
		pkgs = append(pkgs, p)
	}
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
