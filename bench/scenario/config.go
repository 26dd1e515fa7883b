package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/bench/report"
)

// A Share is a part of a whole, from 0 to 1. Its text is "0.1" or "10%".
type Share float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("want a share such as 0.1 or 10%%, not %q", text)
	}
	*s = Share(v)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s *Share) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(*s), 'g', -1, 64), nil
}

// A Config says what a run does. Preset makes one; the zero value is not
// usable.
type Config struct {
	Scenario string // name of the preset it began as
	Target   string // URL of the server: http://host:port or https://host:port

	// How to connect.
	Path      string
	Namespace string
	Auth      string   // JSON
	Headers   []string // "Name: value"
	Cookie    string
	Query     string
	Transport string             // websocket, polling or upgrade
	Mixture   map[string]float64 // transports by weight; goes before Transport
	Plain     bool               // no Engine.IO and no Socket.IO around the messages
	Deflate   bool               // WebSocket messages of the server are compressed
	Msgpack   bool               // packets are MessagePack
	Insecure  bool               // any certificate will do
	Timeout   time.Duration      // of a connection's handshake

	// How many connect, and how fast.
	Connections int
	Ramp        float64 // connections per second; 0 means as fast as they can
	Parallel    int     // handshakes at a time

	// For how long.
	Warmup   time.Duration
	Duration time.Duration
	Grace    time.Duration // how long the end waits for what is in flight

	// What is sent.
	Payload int                // bytes of a message's payload
	Binary  bool               // as an attachment
	Ack     bool               // echoes are acknowledgements, not events
	Depth   int                // closed loop: messages each sender has in flight
	Rate    float64            // open loop: messages per second of all senders; 0 means closed loop
	Mix     map[string]float64 // echo, broadcast and room by weight; needs Rate
	Senders int                // of broadcasts, and of each room
	Rooms   int
	Members int // connections in each room; 0 means each connection is in one room
	Lossy   bool

	// What else happens.
	Slow     Share         // of the connections stop reading
	Churn    float64       // connections per second that leave and come back
	Interval time.Duration // between two storms of reconnects

	// What the server's events are called.
	Events map[string]string

	Loops      int // event loops of the client
	PID        int // process of the server to sample; 0 means none
	Thresholds []string

	// traffic is what the preset sends: names of flows.
	traffic []string
	storm   bool
	tick    time.Duration                          // between two samples
	enough  func(report.Phase, report.Sample) bool // ends the measuring; nil for never
}

// presets are the scenarios by name, in the order in which they are listed.
var presets = []struct {
	name, about string
	change      func(*Config)
}{
	{"idle", "connections that only answer pings: memory for each, and whether they stay", func(c *Config) {
		c.Connections, c.Depth = 1000, 0
	}},
	{"echo", "every connection sends and waits for the acknowledgement", func(c *Config) {
		c.traffic = []string{"echo"}
	}},
	{"broadcast", "some connections send to all", func(c *Config) {
		c.traffic = []string{"broadcast"}
	}},
	{"rooms", "some connections of each room send to that room", func(c *Config) {
		c.traffic = []string{"room"}
		c.Rooms = 10
	}},
	{"ticker", "the server sends by itself; nobody else does", func(c *Config) {
		c.Depth = 0
	}},
	{"churn", "connections come, exchange one message, and go", func(c *Config) {
		c.traffic = []string{"echo"}
		c.Churn = 50
	}},
	{"reconnect", "all connections hang up at once and come back, again and again", func(c *Config) {
		c.Connections, c.Depth, c.storm = 1000, 0, true
		c.Interval = time.Second
	}},
	{"polling", "echo over HTTP long-polling", func(c *Config) {
		c.traffic = []string{"echo"}
		c.Transport = "polling"
	}},
	{"slow", "broadcasts while a share of the receivers has stopped reading", func(c *Config) {
		c.traffic = []string{"broadcast"}
		c.Slow, c.Rate, c.Payload = 0.1, 100, 1024
	}},
	{"mixed", "echoes, rooms and broadcasts over all transports at a steady rate", func(c *Config) {
		c.traffic = []string{"echo", "room", "broadcast"}
		c.Rate, c.Rooms = 1000, 10
		c.Mix = map[string]float64{"echo": 70, "room": 25, "broadcast": 5}
		c.Mixture = map[string]float64{"websocket": 70, "polling": 20, "upgrade": 10}
	}},
}

// Names returns the names of the presets.
func Names() []string {
	list := make([]string, len(presets))
	for i := range presets {
		list[i] = presets[i].name
	}
	return list
}

// About returns a line about a preset.
func About(name string) string {
	for i := range presets {
		if presets[i].name == name {
			return presets[i].about
		}
	}
	return ""
}

// defaultPayload is the size of payloads in bytes unless a preset or its user
// says otherwise.
const defaultPayload = 64

// Preset returns the Config of a scenario.
func Preset(name string) (*Config, error) {
	c := &Config{
		Scenario: name, Path: "/socket.io/", Namespace: "/", Transport: "websocket", Timeout: 30 * time.Second,
		Connections: 100, Parallel: 64, Warmup: 2 * time.Second, Duration: 10 * time.Second, Grace: 5 * time.Second,
		Payload: defaultPayload, Ack: true, Depth: 1, Senders: 1, Loops: 1, tick: time.Second,
		Events: map[string]string{"echo": "echo", "broadcast": "broadcast", "join": "join", "room": "room", "tick": "tick"},
	}
	for i := range presets {
		if presets[i].name == name {
			presets[i].change(c)
			return c, nil
		}
	}
	return nil, fmt.Errorf("there is no scenario %q: the scenarios are %s", name, strings.Join(Names(), ", "))
}

// Total returns how long the run will take without the end, 0 if that is not
// known.
func (c *Config) Total() time.Duration {
	ramp := 0.0
	if c.Ramp > 0 {
		ramp = float64(c.Connections) / c.Ramp
	}
	return time.Duration(ramp*float64(time.Second)) + c.Warmup + c.Duration
}

// flows reports whether there is traffic of that name.
func (c *Config) flows(name string) bool { return slices.Contains(c.traffic, name) }

func transportOf(name string) (load.Transport, error) {
	for _, t := range []load.Transport{load.WebSocket, load.Polling, load.Upgrade} {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("want websocket, polling or upgrade, not %q", name)
}

// transports returns the transport of each of n connections: those of the
// mixture interleaved by weight.
func (c *Config) transports(n int) []load.Transport {
	list := make([]load.Transport, n)
	t, _ := transportOf(c.Transport)
	names := slices.Sorted(maps.Keys(c.Mixture))
	sum := 0.0
	for _, name := range names {
		sum += c.Mixture[name]
	}
	had := make([]float64, len(names))
	for i := range list {
		list[i] = t
		if sum == 0 {
			continue
		}
		best := 0
		for k, name := range names { // the one that is furthest behind its share
			behind := func(k int, name string) float64 { return c.Mixture[name]/sum*float64(i+1) - had[k] }
			if behind(k, name) > behind(best, names[best]) {
				best = k
			}
		}
		had[best]++
		list[i], _ = transportOf(names[best])
	}
	return list
}
