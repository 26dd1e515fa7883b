//go:build unix

package wsconform_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/wsconform"
	"github.com/gannet-io/gannet/loop"
)

// The variables that widen the run: allEnv=1 sends as many messages as the suite
// does, serverEnv=HOST:PORT plays against another echo server.
const (
	allEnv    = "GANNET_WSCONFORM_ALL"
	serverEnv = "GANNET_WSCONFORM_SERVER"
)

// A server is what the list is played against.
type server struct {
	addr string
	own  bool
	all  bool
}

// startServer starts what profile ws-echo of cmd/testbed serves.
func startServer(t *testing.T) *server {
	t.Helper()
	s := &server{addr: os.Getenv(serverEnv), all: os.Getenv(allEnv) != ""}
	if s.addr != "" {
		return s
	}
	s.own = true
	cfg := engine.EchoConfig()
	cfg.Logger = slog.New(slog.DiscardHandler)
	srv, err := engine.New(cfg, nothing{}, &loop.Options{Loops: 2, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = addr.String()
	return s
}

// count is how many messages are sent: all, or as many as are soon through.
func (s *server) count(t *wsconform.Traffic) int {
	if s.all {
		return t.Count
	}
	return min(t.Count, max(1, min(20, 32<<10/max(1, t.Size))))
}

// nothing is the layer above an engine of bare WebSockets, which has no sessions.
type nothing struct{}

func (nothing) NewShard(*engine.Shard) engine.UpperShard      { return nothing{} }
func (nothing) NewSession() *engine.Session                   { return new(engine.Session) }
func (nothing) Handler(*engine.Session) engine.SessionHandler { return nil }
func (nothing) KeepsHandshake() bool                          { return false }
func (nothing) Timer(*loop.Timer)                             {}
func (nothing) Message(*loop.Message)                         {}
func (nothing) Dropped(*loop.Message)                         {}
func (nothing) BeforeFlush()                                  {}
