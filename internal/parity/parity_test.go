package parity_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/testleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of the time a script waits.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	testleak.Main(m)
}

// scripts are the names of all transcripts.
func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".txt")
	}
	return files
}

// TestTranscripts replays testdata/*.txt.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	packets := bufpool.Live()
	servers := &pool{ctx: t.Context()}
	t.Cleanup(func() { // when all scripts have been played
		servers.close(t)
		if left := bufpool.Live() - packets; left != 0 {
			t.Errorf("%d pooled packets were not given back", left)
		}
	})
	for _, name := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := loadScript("testdata", name)
			if err != nil {
				t.Fatal(err)
			}
			srv, err := servers.get(s)
			switch {
			case err != nil:
				t.Fatal(err)
			case srv == nil:
				t.Skip("the server at GANNET_PARITY_ADDR has other options")
			case s.only != "" && s.only != srv.kind():
				t.Skipf("only %s", s.only)
			}
			if err := play(t.Context(), s, srv); err != nil {
				t.Error(err)
			}
		})
	}
}

// A pool starts a server when a script needs it first.
type pool struct {
	ctx context.Context //nolint:containedctx // the life of the test

	mu      sync.Mutex // guards following
	servers map[string]*pooled
}

type pooled struct {
	start func() (server, error)
}

// get returns the server for a script, or nil if there is none.
func (p *pool) get(s *script) (server, error) {
	p.mu.Lock()
	if p.servers == nil {
		p.servers = map[string]*pooled{}
	}
	one := p.servers[s.server()]
	if one == nil {
		one = &pooled{start: sync.OnceValues(func() (server, error) { return startServer(p.ctx, s) })}
		p.servers[s.server()] = one
	}
	p.mu.Unlock()
	return one.start()
}

func startServer(ctx context.Context, s *script) (server, error) {
	if addr := os.Getenv("GANNET_PARITY_ADDR"); addr != "" {
		if s.server() != "" {
			return nil, nil //nolint:nilnil // there is none
		}
		return newRemote(addr), nil
	}
	if command := os.Getenv("GANNET_PARITY_CMD"); command != "" {
		return startRemote(command, s.set)
	}
	return startLocal(ctx, s.set)
}

func (p *pool) close(t *testing.T) {
	t.Helper()
	for _, one := range p.servers {
		srv, err := one.start()
		if srv == nil || err != nil {
			continue
		}
		if err := srv.close(context.Background()); err != nil {
			t.Errorf("%s: %v", srv.address(), err)
		}
	}
}
