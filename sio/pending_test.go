package sio_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
	"github.com/gannet-io/gannet/wsframe"
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

// second lets a second pass on a driven loop.
func second(l *loop.Loop) {
	for range 10 {
		l.SetNow(l.Now() + 100)
		l.Drive()
	}
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

// pausing makes a server with a handler "hang", which blocks until its
// namespace's channel is closed, and "do", which counts.
func pausing(t *testing.T, o *sio.Options, clients ...[]string) (l *loop.Loop, conns []*loop.Conn, release map[string]chan struct{}, done *atomic.Int64) {
	t.Helper()
	release = map[string]chan struct{}{"/": make(chan struct{}), "/other": make(chan struct{})}
	done = new(atomic.Int64)
	_, l, conns = driven(t, o, func(srv *sio.Server) {
		for name, ch := range release {
			n := srv.Of(name)
			n.Handle("hang", func(*sio.Event) error {
				<-ch
				return nil
			})
			n.Handle("do", func(*sio.Event) error {
				done.Add(1)
				return nil
			})
		}
	}, clients...)
	return l, conns, release, done
}

// TestPendingOfOne has the least that may be asked for wait.
func TestPendingOfOne(t *testing.T) {
	t.Parallel()
	l, conns, release, done := pausing(t, &sio.Options{MaxPending: 1}, []string{"/"})
	conns[0].Inject(masked(`42["hang"]`))
	const events = 10
	for range events {
		conns[0].Inject(masked(`42["do"]`))
	}
	l.Drive()
	close(release["/"])
	eventually(t, "the events are handled", func() bool {
		l.Drive()
		return done.Load() == events
	})
}

// TestPendingInTwoNamespaces pauses a connection for two of its sockets and
// lets one of them go on: the other's limit still holds.
func TestPendingInTwoNamespaces(t *testing.T) {
	t.Parallel()
	const limit = 8
	l, conns, release, done := pausing(t, &sio.Options{MaxPending: limit}, []string{"/", "/other"})
	c := conns[0]
	read := []byte{}
	for _, name := range []string{"/", "/other"} {
		read = append(read, masked("42"+name+`,["hang"]`)...)
		for range limit {
			read = append(read, masked("42"+name+`,["do"]`)...)
		}
	}
	c.Inject(read)
	l.Drive()
	close(release["/other"])
	eventually(t, "one namespace goes on", func() bool {
		l.Drive()
		return done.Load() == limit
	})
	l.Drive()
	c.Inject(masked(`42/other,["do"]`))
	reads := l.Reactor().Counters().Reads
	for range 3 {
		l.Drive()
	}
	if l.Reactor().Counters().Reads != reads || done.Load() != limit {
		t.Errorf("the connection is read while %d events of one of its sockets wait", limit)
	}
	close(release["/"])
	eventually(t, "both go on", func() bool {
		l.Drive()
		return done.Load() == 2*limit+1
	})
}

// TestPendingBytes has events wait that take more memory than their bytes, and
// in many namespaces: what waits is bounded for each, and for all of them.
func TestPendingBytes(t *testing.T) {
	t.Parallel()
	const limit = 4_000_000 // four times the largest message
	names := []string{"/"}
	for i := range 40 {
		names = append(names, fmt.Sprintf("/n%d", i))
	}
	tests := []struct {
		name       string
		namespaces []string
		event      string // in each of them
		many       int    // in turn
		takes      int    // what one event takes
		most       int
	}{
		{"bytes", names[:1], `"` + strings.Repeat("x", 100_000) + `"`, 60, 100_000, limit},
		{"arguments", names[:1], strings.Repeat("1,", 100_000) + "1", 20, 24 * 100_000, limit},
		{"namespaces", names, `"` + strings.Repeat("x", 20_000) + `"`, 40, 20_000, 5 * limit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			var done atomic.Int64
			srv, l, conns := driven(t, &sio.Options{}, func(srv *sio.Server) {
				for _, name := range tt.namespaces {
					srv.Of(name).Handle("hang", func(*sio.Event) error {
						<-hold
						done.Add(1)
						return nil
					})
				}
			}, tt.namespaces)
			for _, name := range tt.namespaces {
				conns[0].Inject(masked(`42` + name + `,["hang"]`))
			}
			l.Drive()
			before := srv.Stats().PacketsIn
			for range tt.many {
				for _, name := range tt.namespaces {
					conns[0].Inject(masked(`42` + name + `,["hang",` + tt.event + `]`))
				}
			}
			l.Drive()
			if took := int(srv.Stats().PacketsIn-before) * tt.takes; took < tt.takes || took > tt.most+tt.takes {
				t.Errorf("events of %d bytes wait, want at most %d", took, tt.most)
			}
			close(hold)
			eventually(t, "all are handled", func() bool {
				l.Drive()
				return int(done.Load()) == (1+tt.many)*len(tt.namespaces)
			})
		})
	}
}

// TestAttachmentsWhilePaused has attachments come late because the server does
// not read.
func TestAttachmentsWhilePaused(t *testing.T) {
	t.Parallel()
	const limit = 8
	l, conns, release, done := pausing(t, &sio.Options{MaxPending: limit, PingInterval: time.Hour, PingTimeout: time.Hour}, []string{"/"})
	c := conns[0]
	read := masked(`42["hang"]`)
	for range limit {
		read = append(read, masked(`42["do"]`)...)
	}
	c.Inject(append(read, masked(`451-["do",{"_placeholder":true,"num":0}]`)...))
	l.Drive()
	c.Inject(wsframe.AppendMaskedFrame(nil, wsframe.OpBinary, [4]byte{1, 2, 3, 4}, []byte("late")))
	for range 40 {
		second(l)
	}
	if c.Closing() {
		t.Fatal("the connection was closed for attachments that the server did not read")
	}
	close(release["/"])
	eventually(t, "the events are handled", func() bool {
		l.Drive()
		return done.Load() == limit+1
	})
}

// TestNamespaceChurn has a client join and leave a namespace as fast as it can
// send, whose hooks take their time: what it has left behind is bounded.
func TestNamespaceChurn(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	var left atomic.Int64
	srv, l, conns := driven(t, &sio.Options{}, func(srv *sio.Server) {
		n := srv.Of("/n")
		n.OnConnection(func(*sio.Socket) { <-hold })
		n.OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { left.Add(1) })
	}, []string{"/"})
	const rounds = 500
	for range rounds {
		conns[0].Inject(masked("40/n,"))
		conns[0].Inject(masked("41/n,"))
		l.Drive()
	}
	if n := srv.Stats().SocketsOpened; n > 100 {
		t.Errorf("%d sockets of one client were made and left while none of their hooks has returned", n)
	}
	close(hold)
	eventually(t, "every socket's hooks run", func() bool {
		l.Drive()
		return left.Load() == rounds
	})
}
