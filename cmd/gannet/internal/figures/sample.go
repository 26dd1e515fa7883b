package figures

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A Sample is what the plots show of one second. Rates are per second.
type Sample struct {
	At int64 `json:"at"` // Unix time in milliseconds

	Connections int `json:"connections"`
	Polling     int `json:"polling"`
	WebSocket   int `json:"websocket"`
	Sockets     int `json:"sockets"`

	EventsIn  float64 `json:"eventsIn"`
	EventsOut float64 `json:"eventsOut"`
	BytesIn   float64 `json:"bytesIn"`
	BytesOut  float64 `json:"bytesOut"`

	Lag float64 `json:"lag"` // milliseconds

	DropsVolatile float64 `json:"dropsVolatile"`
	DropsClosed   float64 `json:"dropsClosed"`
	DropsSlow     float64 `json:"dropsSlow"`    // connections closed because they did not read
	DropsRefused  float64 `json:"dropsRefused"` // connections, requests and CONNECTs
}

// sampleOf compares the figures of two moments.
func sampleOf(now time.Time, s, before *sio.Stats, seconds float64, lag time.Duration) Sample {
	rate := func(value, was uint64) float64 {
		if value < was || seconds <= 0 {
			return 0
		}
		return float64(value-was) / seconds
	}
	return Sample{
		At:            now.UnixMilli(),
		Connections:   s.Connections,
		Polling:       s.Polling,
		WebSocket:     s.WebSocket,
		Sockets:       s.Sockets,
		EventsIn:      rate(s.EventsIn+s.EventsUnhandled, before.EventsIn+before.EventsUnhandled),
		EventsOut:     rate(s.EventsOut, before.EventsOut),
		BytesIn:       rate(s.BytesIn, before.BytesIn),
		BytesOut:      rate(s.BytesOut, before.BytesOut),
		Lag:           float64(lag.Microseconds()) / 1000,
		DropsVolatile: rate(s.VolatileDrops, before.VolatileDrops),
		DropsClosed:   rate(s.ClosedDrops, before.ClosedDrops),
		DropsSlow:     rate(s.SlowConsumers+s.WriteStalls, before.SlowConsumers+before.WriteStalls),
		DropsRefused:  rate(refused(s), refused(before)),
	}
}

func refused(s *sio.Stats) uint64 {
	n := s.ConnectionsRefused + s.ConnectsRefused
	for _, r := range s.RequestsRefused {
		n += r
	}
	return n
}

// Totals are the counters since the start and the state of the process.
type Totals struct {
	sio.Stats
	Goroutines int
	HeapBytes  uint64
}

func totalsOf(s sio.Stats) Totals {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	t := Totals{Stats: s, Goroutines: runtime.NumGoroutine()}
	if heap[0].Value.Kind() == metrics.KindUint64 {
		t.HeapBytes = heap[0].Value.Uint64()
	}
	return t
}

// A Process says what is running.
type Process struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	PID     int    `json:"pid"`
	Cores   int    `json:"cores"`
	Started int64  `json:"started"` // Unix time in milliseconds
}

func thisProcess(now time.Time) Process {
	p := Process{
		Version: "devel",
		Go:      runtime.Version(),
		OS:      runtime.GOOS + "/" + runtime.GOARCH,
		PID:     os.Getpid(),
		Cores:   runtime.GOMAXPROCS(0),
		Started: now.UnixMilli(),
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		p.Version = info.Main.Version
	}
	return p
}
