package scenario_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/scenario"
)

// TestIgnored refuses what would change nothing, and says which scenario it is
// for.
func TestIgnored(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, preset, want string
		change             func(*scenario.Config)
	}{
		{"rooms", "echo", "rooms: it means nothing to the scenario echo: rooms and mixed take it", func(c *scenario.Config) { c.Rooms = 3 }},
		{"members", "broadcast", "members: it means nothing to the scenario broadcast: rooms and mixed take it", func(c *scenario.Config) { c.Members = 3 }},
		{"senders", "echo", "senders: it means nothing to the scenario echo: broadcast, rooms, slow and mixed take it", func(c *scenario.Config) { c.Senders = 3 }},
		{"interval", "churn", "interval: it means nothing to the scenario churn: reconnect takes it", func(c *scenario.Config) { c.Interval = 3 }},
		{"rate of idle", "idle", "rate: it means nothing to the scenario idle: echo,", func(c *scenario.Config) { c.Rate = 3 }},
		{"depth of idle", "idle", "depth: it means nothing to the scenario idle", func(c *scenario.Config) { c.Depth = 3 }},
		{"payload of ticker", "ticker", "payload: it means nothing to the scenario ticker", func(c *scenario.Config) { c.Payload = 99 }},
		{"binary of reconnect", "reconnect", "binary: it means nothing to the scenario reconnect", func(c *scenario.Config) { c.Binary = true }},
		{"ack of rooms", "rooms", "ack: it means nothing to the scenario rooms: echo, churn, polling and mixed take it", func(c *scenario.Config) { c.Ack = false }},
		{"lossy idle", "idle", "lossy: it means nothing to the scenario idle", func(c *scenario.Config) { c.Lossy = true }},
		{"mix without a rate", "echo", "mix: it divides a rate: want a rate too", func(c *scenario.Config) { c.Mix = weights("echo", 1) }},
		{"mix of another", "echo", "mix: the scenario echo sends no room: it sends echo, and mixed sends all", func(c *scenario.Config) { c.Mix, c.Rate = weights("room", 1), 5 }},
		{"mix of nothing", "mixed", "mix: want a weight above 0", func(c *scenario.Config) { c.Mix = weights("echo", 0) }},
		{"mix that is none", "mixed", "mix: want weights of", func(c *scenario.Config) { c.Mix = weights("echo", math.NaN()) }},
		{"transports of nothing", "echo", "transports: want a weight above 0", func(c *scenario.Config) { c.Mixture = weights("polling", 0) }},
		{"transports that are none", "echo", "transports: want weights of no less than 0", func(c *scenario.Config) { c.Mixture = weights("polling", math.NaN()) }},
		{"two kinds of transport", "mixed", "transport: transports says it already: want one of the two, such as transports polling=1", func(c *scenario.Config) { c.Transport = "polling" }},
		{"depth and rate", "echo", "depth: it is of the closed loop", func(c *scenario.Config) { c.Depth, c.Rate = 2, 5 }},
		{"churn and rate", "churn", "rate: with churn a connection sends one echo", func(c *scenario.Config) { c.Rate = 5 }},
		{"plain and auth", "echo", "auth: a plain connection has no CONNECT", func(c *scenario.Config) { c.Plain, c.Auth = true, "{}" }},
		{"plain and msgpack", "echo", "msgpack: a plain connection has no packets", func(c *scenario.Config) { c.Plain, c.Msgpack = true, true }},
		{"deflate and polling", "polling", "deflate: it is of WebSockets", func(c *scenario.Config) { c.Deflate = true }},
		{"deflate and transports that poll", "echo", "deflate: it is of WebSockets", func(c *scenario.Config) {
			c.Deflate, c.Mixture = true, map[string]float64{"polling": 1, "websocket": 0}
		}},
		{"deflate and upgrade", "echo", "", func(c *scenario.Config) { c.Deflate, c.Transport = true, "upgrade" }},
		{"deflate of some", "mixed", "", func(c *scenario.Config) { c.Deflate = true }},

		{"threshold on echo", "echo", `this run does not time echo, but connect and ack`, limit("p99(echo)<1s")},
		{"threshold on a word", "idle", `this run does not time banana, but connect`, limit("max(banana)<1s")},
		{"threshold on ack of events", "mixed", `does not time ack, but connect, upgrade, echo and broadcast`, func(c *scenario.Config) { c.Ack = false; limit("p50(ack)<1s")(c) }},
		{"threshold on what the mix has not", "mixed", `does not time ack, but connect, upgrade and broadcast`, func(c *scenario.Config) { c.Mix = weights("room", 1); limit("p50(ack)<1s")(c) }},
		{"threshold on upgrade", "polling", `does not time upgrade, but connect and ack`, limit("p50(upgrade)<1s")},
		{"threshold on memory", "echo", "the server's process is not sampled without its pid", limit("bytes<2000")},
		{"threshold on broadcast", "ticker", "", limit("p50(broadcast)<1s")},
		{"threshold on connect", "idle", "", limit("p50(connect)<1s")},
		{"threshold on an upgrade", "mixed", "", limit("p50(upgrade)<1s")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := scenario.Preset(tt.preset)
			if err != nil {
				t.Fatal(err)
			}
			c.Target = "http://h:1"
			c.Connections = 100
			tt.change(c)
			err = c.Validate()
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func weights(name string, w float64) map[string]float64 { return map[string]float64{name: w} }

func limit(text string) func(*scenario.Config) {
	return func(c *scenario.Config) { c.Thresholds = []string{text} }
}

// TestPresetsAreValid has no preset refuse itself.
func TestPresetsAreValid(t *testing.T) {
	t.Parallel()
	for _, name := range scenario.Names() {
		c, err := scenario.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Target, c.Connections = "http://h:1", 100
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
