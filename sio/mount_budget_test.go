//go:build !race

package sio_test

import (
	"runtime"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestMountMemory compares what a connection costs that net/http has accepted
// with one that a loop has accepted: nothing of net/http stays behind. It is not
// parallel, because it counts the memory of the process.
func TestMountMemory(t *testing.T) {
	const many = 500
	own, addr := newServer(t, &sio.Options{Loops: 1}, nil)
	m := newMount(t, &sio.Options{Loops: 1}, nil, nil, nil)
	accepted := bytesFor(t, addr, many)
	adopted := bytesFor(t, m.addr, many)
	if st := m.srv.Stats(); st.Adopted != many || own.Stats().Adopted != 0 {
		t.Fatalf("%d adopted, want %d", st.Adopted, many)
	}
	t.Logf("bytes of heap and stack for each connection, both ends: accepted %d, adopted %d", accepted, adopted)
	// net/http keeps two buffers of 4 KiB and a stack for each of its own.
	if adopted > accepted+512 {
		t.Errorf("an adopted connection takes %d bytes, one that a loop has accepted %d", adopted, accepted)
	}
}

// bytesFor opens WebSockets and returns what each of them takes in this process.
func bytesFor(tb testing.TB, addr string, many int) int {
	tb.Helper()
	open := func() {
		c := dialMount(tb, addr)
		c.write(upgradeRequest + string(masked("40")))
		w := c.upgraded()
		w.wantPrefix("0{")
		w.wantPrefix("40{")
	}
	goroutines := runtime.NumGoroutine() + 1 // of a server that the first connection starts
	used := func() int {
		eventually(tb, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
		runtime.GC()
		runtime.GC() // and what pools have kept
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		return int(ms.HeapAlloc + ms.StackInuse)
	}
	before := used()
	for range many {
		open()
	}
	return (used() - before) / many
}
