//go:build (linux || darwin || dragonfly || freebsd || netbsd || openbsd) && !race

package loop_test

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// TestTLSEchoHardlyAllocates bounds what a message there and back costs once
// the handshake is over. crypto/tls allocates 24 bytes whenever it looks for a
// record, twice here and once at the client; the loop allocates nothing.
func TestTLSEchoHardlyAllocates(t *testing.T) {
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		c := dialTLS(t, addr, with(client, only))
		p := make([]byte, 64)
		n := testing.AllocsPerRun(2000, func() {
			mustWrite(t, c, p)
			if _, err := io.ReadFull(c, p); err != nil {
				t.Fatal(err)
			}
		})
		if n > 3 {
			t.Errorf("%s: %v allocations for a message there and back, want at most 3", name, n)
		}
	}
}

// TestTLSMemory bounds what the server keeps for an idle encrypted connection,
// whatever the length of the message that it has had there and back. The
// clients' TLS side is dropped before it is measured, their socket is in.
func TestTLSMemory(t *testing.T) {
	needLent(t)
	const (
		conns = 400
		limit = 4 << 10
	)
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, nil)
	for name, only := range versions {
		for _, size := range []int{4, 16 << 10} {
			cfg := with(client, func(c *tls.Config) { only(c); c.DynamicRecordSizingDisabled = true })
			connect := func() net.Conn {
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				c := tls.Client(nc, cfg) // not shake, which keeps it until the end
				mustWrite(t, c, make([]byte, size))
				mustRead(t, c, size)
				return nc
			}
			first := connect() // with what the first one needs
			var before, after runtime.MemStats
			keep := make([]net.Conn, conns)
			collect(&before)
			for i := range keep {
				keep[i] = connect()
			}
			collect(&after)
			each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / conns
			t.Logf("%s: %d B for each connection after %d B each way", name, each, size)
			if each > limit {
				t.Errorf("%s: %d B for each connection after %d B each way, want at most %d", name, each, size, limit)
			}
			_ = first.Close()
			for _, nc := range keep {
				_ = nc.Close()
			}
			until(t, "they are gone", func() bool { return r.Conns() == 0 })
		}
	}
}

// collect measures what is in use.
func collect(m *runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what sync.Pool held
	runtime.ReadMemStats(m)
}
