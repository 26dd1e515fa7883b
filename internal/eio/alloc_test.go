//go:build !race

package eio_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
)

// The machine allocates nothing, whatever arrives.
func TestAllocationBudgets(t *testing.T) {
	cfg, probe, dst := config(), []byte("probe"), make([]byte, 0, 256)
	unknown := eio.Request{SID: "x", Transport: "polling", EIO: "4", Method: "GET"}
	hand := eio.Request{Transport: "polling", EIO: "4", Method: "GET"}
	s := new(eio.Session)
	life := func() {
		s.Open(cfg, eio.Polling, 0, 0)
		s.Expire(cfg, 25_000)
		s.Packet(cfg, 25_001, eio.Message, false)
		s.Packet(cfg, 25_002, eio.Pong, false)
		s.StartUpgrade(cfg, 26_000)
		s.UpgradePacket(cfg, 26_001, eio.Ping, probe)
		s.Expire(cfg, s.Deadline())
		s.UpgradePacket(cfg, 26_200, eio.Upgrade, nil)
		s.Packet(cfg, 26_300, eio.Ping, false)
	}
	budgets := []struct {
		name string
		do   func()
	}{
		{"life of a session", life},
		{"Verify handshake", func() { eio.Verify(cfg, &hand, nil) }},
		{"Verify unknown sid", func() { eio.Verify(cfg, &unknown, nil) }}, // ATTACKS A61
		{"AppendOpen", func() { dst = eio.AppendOpen(dst[:0], cfg, "EmyQlUpeRDRqiavnAAAA", eio.Polling) }},
	}
	for _, b := range budgets {
		if got := testing.AllocsPerRun(100, b.do); got != 0 {
			t.Errorf("%s: %v allocations, want 0", b.name, got)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	cfg, s := config(), new(eio.Session)
	s.Open(cfg, eio.WebSocket, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if s.Packet(cfg, 1, eio.Message, false) != eio.ActMessage {
			b.Fatal("not a message")
		}
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	cfg, s := config(), new(eio.Session)
	s.Open(cfg, eio.WebSocket, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		now := s.Deadline()
		s.Expire(cfg, now)
		s.Packet(cfg, now, eio.Pong, false)
	}
}

func BenchmarkVerify(b *testing.B) {
	cfg, s := config(), new(eio.Session)
	s.Open(cfg, eio.Polling, 0, 0)
	r := eio.Request{SID: "EmyQlUpeRDRqiavnAAAA", Transport: "polling", EIO: "4", Method: "POST"}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := eio.Verify(cfg, &r, s); !ok {
			b.Fatal("refused")
		}
	}
}
