package sio_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/gannet-io/gannet/sio"
)

// TestLostSocketsAreLetGo: what is kept of a lost socket is what MaxBytes counts,
// and not the socket itself, whose auth payload alone may be 64 KiB.
func TestLostSocketsAreLetGo(t *testing.T) {
	t.Parallel()
	var first atomic.Pointer[weak.Pointer[sio.Socket]]
	srv, addr := newServer(t, recovering(), func(srv *sio.Server) {
		srv.OnConnection(func(s *sio.Socket) {
			w := weak.Make(s)
			first.CompareAndSwap(nil, &w)
			_ = s.Join("room")
		})
	})
	c, _, k := joinWS(t, addr, `{"ballast":"`+strings.Repeat("x", 60_000)+`"}`)
	_ = srv.Emit("event")
	k.event(c)
	lose(t, srv, c)
	if st := srv.Stats(); st.RecoverySockets != 1 {
		t.Fatalf("%d lost sockets are kept", st.RecoverySockets)
	}
	isGone := func() bool {
		runtime.GC()
		return first.Load().Value() == nil
	}
	eventually(t, "the lost socket is garbage", isGone)
	_, _, again := joinWS(t, addr, k.auth())
	if again.SID != k.SID {
		t.Error("not recovered")
	}
}

// TestRecoveryOfManyNamespacesIsBounded: clients choose how many dynamic
// namespaces there are, so MaxBytes is for all of them.
func TestRecoveryOfManyNamespacesIsBounded(t *testing.T) {
	t.Parallel()
	const namespaces, limit = 60, 100_000
	o := recovering()
	o.ConnectionStateRecovery.MaxBytes = limit
	srv, addr := newServer(t, o, func(srv *sio.Server) {
		srv.OfRegexp(regexp.MustCompile(`^/room-\d+$`)).OnConnection(func(s *sio.Socket) {
			for range 3 {
				_ = s.Emit("event", strings.Repeat("x", 10_000))
			}
		})
	})
	c := openWS(t, addr)
	for i := range namespaces {
		name := fmt.Sprintf("/room-%d", i)
		c.enter(name, "")
		for range 3 {
			c.wantPrefix("42" + name + `,["event"`)
		}
	}
	st := srv.Stats()
	if st.RecoveryBytes > limit || st.RecoveryEvictions == 0 || st.RecoveryEvents == 0 {
		t.Errorf("%d bytes of %d events, %d evictions; want at most %d bytes", st.RecoveryBytes, st.RecoveryEvents, st.RecoveryEvictions, limit)
	}
	_ = c.conn.Close()
	eventually(t, "the lost sockets are kept", func() bool { return srv.Stats().RecoverySockets == namespaces })
	if bytes := srv.Stats().RecoveryBytes; bytes > 2*limit {
		t.Errorf("%d bytes", bytes)
	}
}

// TestRecoveryAndCompression: the compressed form of an event that is kept is
// kept with it, and counts.
func TestRecoveryAndCompression(t *testing.T) {
	t.Parallel()
	o := recovering()
	o.ConnectionStateRecovery.MaxBytes = 100_000
	o.PerMessageDeflate = &sio.PerMessageDeflate{}
	srv, addr := newServer(t, o, nil)
	c, _, _ := joinWS(t, addr, "")
	for range 20 {
		_ = srv.Emit("event", strings.Repeat("x", 10_000))
		c.wantPrefix(`42["event"`)
	}
	if st := srv.Stats(); st.RecoveryEvents > 3 {
		t.Errorf("%d events of 16 KiB and as much in compressed form are kept, where there is room for 100 kB", st.RecoveryEvents)
	}
}
