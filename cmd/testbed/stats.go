package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// counters is what -stats-json writes.
type counters struct {
	Profile string `json:"profile"`
	Node    string `json:"node,omitempty"`

	SessionsOpened uint64 `json:"sessionsOpened"` // of Engine.IO
	SessionsClosed uint64 `json:"sessionsClosed"`
	SocketsOpened  uint64 `json:"socketsOpened"` // of Socket.IO; as above where there is none
	SocketsClosed  uint64 `json:"socketsClosed"`

	ConnectsRefused uint64    `json:"connectsRefused"`
	RequestsRefused [6]uint64 `json:"requestsRefused"` // by error code
	Upgrades        uint64    `json:"upgrades"`
	Requests        uint64    `json:"requests"`

	PacketsIn       uint64 `json:"packetsIn"`
	PacketsOut      uint64 `json:"packetsOut"`
	EventsIn        uint64 `json:"eventsIn"`
	EventsUnhandled uint64 `json:"eventsUnhandled"`
	EventsOut       uint64 `json:"eventsOut"`
	BytesIn         uint64 `json:"bytesIn"`
	BytesOut        uint64 `json:"bytesOut"`

	BadRequests  uint64 `json:"badRequests"`
	FrameErrors  uint64 `json:"frameErrors"`
	PacketErrors uint64 `json:"packetErrors"`

	Drops              drops  `json:"drops"`
	ConnectionsRefused uint64 `json:"connectionsRefused"`
	AcceptPauses       uint64 `json:"acceptPauses"`
	Panics             uint64 `json:"panics"`
	SlowTurns          uint64 `json:"slowTurns"`

	TLSHandshakes uint64 `json:"tlsHandshakes"`
	TLSTimeouts   uint64 `json:"tlsTimeouts"`
	TLSFailures   uint64 `json:"tlsFailures"`
	TLSErrors     uint64 `json:"tlsErrors"`

	LivePackets     int64 `json:"livePackets"`
	OpenDescriptors int   `json:"openDescriptors"` // of the process, its standard streams included; -1 if unknown
	Goroutines      int   `json:"goroutines"`
}

// drops are packets that were not delivered, and connections given up, by
// cause.
type drops struct {
	Volatile      uint64 `json:"volatile"`
	Newest        uint64 `json:"newest"`
	Oldest        uint64 `json:"oldest"`
	Conflated     uint64 `json:"conflated"`
	Closed        uint64 `json:"closed"`
	SlowConsumers uint64 `json:"slowConsumers"`
	WriteStalls   uint64 `json:"writeStalls"`
}

// writeStats is -stats-json. The service has been shut down.
func (c *config) writeStats(s service) error {
	if c.statsFile == "" {
		return nil
	}
	n := s.counters()
	n.Profile, n.Node = c.profile.name, c.node
	n.OpenDescriptors, n.Goroutines = openDescriptors(), runtime.NumGoroutine()
	b, err := json.MarshalIndent(&n, "", "  ")
	if err != nil {
		return fmt.Errorf("-stats-json: %w", err)
	}
	if err := os.WriteFile(c.statsFile, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("-stats-json: %w", err)
	}
	return nil
}

// openDescriptors counts the open descriptors of the process, without the one
// that counting takes.
func openDescriptors() int {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if names, err := os.ReadDir(dir); err == nil {
			return len(names) - 1
		}
	}
	return -1
}
