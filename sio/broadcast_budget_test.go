//go:build !race

package sio_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestADeflatedBroadcastIsCompressedOnce counts calls of the compressor, the
// bytes that leave and the allocations of a broadcast to ten and to a thousand
// sockets that have agreed on compression.
func TestADeflatedBroadcastIsCompressedOnce(t *testing.T) {
	request := strings.Replace(upgradeRequest, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1)
	payload := strings.Repeat(`{"symbol":"GNT","bid":101.25},`, 50)
	const runs = 100
	var perRun [2]float64
	for i, clients := range []int{10, 1000} {
		o := &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}}
		srv, l, _ := drivenWith(t, o, request, clients, func(*sio.Server) {})
		before := l.Reactor().Counters().BytesOut
		perRun[i] = testing.AllocsPerRun(runs, func() { // which has one more for a start
			if err := srv.Emit("tick", payload); err != nil {
				t.Error(err)
			}
			l.Drive()
		})
		if n := srv.Stats().PacketsDeflated; n != runs+1 {
			t.Errorf("%d sockets: %d packets were compressed for %d broadcasts", clients, n, runs+1)
		}
		each := (l.Reactor().Counters().BytesOut - before) / int64((runs+1)*clients)
		if each == 0 || each > int64(len(payload)/4) {
			t.Errorf("%d sockets: %d bytes left for each, of a packet of %d", clients, each, len(payload))
		}
	}
	if perRun[1] > perRun[0] {
		t.Errorf("%v allocations for 1000 recipients and %v for 10: they grow with the recipients", perRun[1], perRun[0])
	}
}

// TestARecoverableBroadcastAllocatesNothingPerRecipient has the packets kept for
// clients that may come back.
func TestARecoverableBroadcastAllocatesNothingPerRecipient(t *testing.T) {
	var perRun [2]float64
	for i, clients := range []int{10, 1000} {
		o := &sio.Options{ConnectionStateRecovery: &sio.RecoveryOptions{}}
		srv, l, _ := drivenWith(t, o, upgradeRequest, clients, func(*sio.Server) {})
		payload := fmt.Sprintf("%0100d", 1)
		perRun[i] = testing.AllocsPerRun(200, func() {
			if err := srv.Emit("tick", payload); err != nil {
				t.Error(err)
			}
			l.Drive()
		})
	}
	if perRun[1] > perRun[0]+1 { // the log grows now and then
		t.Errorf("%v allocations for 1000 recipients and %v for 10: they grow with the recipients", perRun[1], perRun[0])
	}
}

// TestATLSBroadcastAllocatesNothingPerRecipient encrypts for each recipient
// anew. It counts what the process allocates while its clients do not read, and
// is not parallel.
func TestATLSBroadcastAllocatesNothingPerRecipient(t *testing.T) {
	const clients, runs = 100, 50
	srv, addr, _, cert := newTLSServer(t, &sio.Options{Loops: 1}, nil)
	for range clients {
		c := dialWSS(t, addr, "", cert.Client())
		c.wantPrefix("0{")
		c.send("40")
		c.wantPrefix("40{")
	}
	payload := fmt.Sprintf("%0100d", 1)
	broadcast := func() {
		sent := srv.Stats().PacketsOut
		if err := srv.Emit("tick", payload); err != nil {
			t.Fatal(err)
		}
		eventually(t, "all have been sent it", func() bool { return srv.Stats().PacketsOut >= sent+clients })
	}
	broadcast()
	var before, after runtime.MemStats
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // pools stay full
	runtime.ReadMemStats(&before)
	for range runs {
		broadcast()
	}
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / (runs * clients)
	t.Logf("%.3f allocations for each delivery", each)
	if each > 0.5 {
		t.Errorf("%.3f allocations for each delivery, want none but those of the broadcast itself", each)
	}
}
