package sio_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// driven makes a server whose one loop the test drives, with a client for
// each namespace list, which it joins. What the clients are sent is dropped.
func driven(t *testing.T, o *sio.Options, setup func(*sio.Server), clients ...[]string) (*sio.Server, *loop.Loop, []*loop.Conn) {
	t.Helper()
	o.Loops, o.Logger = 1, slog.New(slog.DiscardHandler)
	srv, loops, err := sio.NewDriven(o)
	if err != nil {
		t.Fatal(err)
	}
	setup(srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.StopWorkers(ctx); err != nil {
			t.Errorf("StopWorkers: %v", err)
		}
	})
	l := loops[0]
	conns := make([]*loop.Conn, len(clients))
	for i, namespaces := range clients {
		conns[i] = srv.OpenFake(0, func(b []byte) (int, error) { return len(b), nil })
		conns[i].Inject([]byte(upgradeRequest))
		for _, name := range namespaces {
			conns[i].Inject(masked("40" + name + ","))
		}
	}
	l.Drive()
	return srv, l, conns
}

// TestWorkersMissNothing gives the only worker something to do at the very
// moment at which it has run out of work.
func TestWorkersMissNothing(t *testing.T) {
	t.Parallel()
	handled := make(chan struct{}, 1)
	_, l, conns := driven(t, &sio.Options{MaxWorkers: 1}, func(srv *sio.Server) {
		srv.Handle("work", func(*sio.Event) error {
			handled <- struct{}{}
			return nil
		})
	}, []string{"/"}, []string{"/"})
	rounds := 100_000
	if testing.Short() {
		rounds = 10_000
	}
	for i := range rounds {
		conns[i%2].Inject(masked(`42["work"]`))
		l.Drive()
		select {
		case <-handled:
		case <-time.After(patience):
			t.Fatalf("event %d is not handled", i)
		}
	}
}
