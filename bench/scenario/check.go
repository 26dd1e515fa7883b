package scenario

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/bench/report"
)

// Validate says what cannot be run, naming the key.
func (c *Config) Validate() error {
	if c.Target == "" {
		return bad("target", "the URL of a server is missing, such as http://127.0.0.1:3000")
	}
	if _, err := c.url(); err != nil {
		return err
	}
	for _, n := range []struct {
		key string
		bad bool
		why string
	}{
		{"connections", c.Connections < 1, "want at least 1"},
		{"ramp", !perSecond(c.Ramp), "want no less than 0, and no more than a billion"},
		{"parallel", c.Parallel < 1, "want at least 1"},
		{"warmup", c.Warmup < 0, "want no less than 0"},
		{"duration", c.Duration <= 0, "want more than 0"},
		{"grace", c.Grace < 0, "want no less than 0"},
		{"timeout", c.Timeout <= 0, "want more than 0"},
		{"payload", c.Payload < stampSize, fmt.Sprintf("want at least %d bytes: that is what checking takes", stampSize)},
		{"payload", c.Payload > 32<<20, "want at most 32 MiB"},
		{"rate", !perSecond(c.Rate), "want no less than 0, and no more than a billion"},
		{"depth", c.Depth < 0, "want no less than 0"},
		{"depth", len(c.traffic) > 0 && c.Rate == 0 && c.Depth == 0, "want at least 1 in a closed loop, or a rate"},
		{"senders", c.Senders < 1, "want at least 1"},
		{"rooms", c.Rooms < 0 || c.flows("room") && c.Rooms == 0, "want at least 1"},
		{"members", c.Members < 0 || c.Members > c.Connections, "want no more than there are connections"},
		{"slow", !(c.Slow >= 0 && c.Slow < 1), "somebody must read: want less than 100%"},
		{"churn", !perSecond(c.Churn), "want no less than 0, and no more than a billion"},
		{"interval", c.Interval < 0, "want no less than 0"},
		{"loops", c.Loops < 1, "want at least 1"},
		{"plain", c.Plain && c.Transport != "websocket", "it is WebSocket only"},
	} {
		if n.bad {
			return bad(n.key, n.why)
		}
	}
	return cmp.Or(c.checkNames(), c.checkIgnored(), c.checkConnect(), c.checkThresholds(), c.checkMachine())
}

// perSecond tells whether f can be a rate. NaN cannot, and it is not less than 0
// either.
func perSecond(f float64) bool { return f >= 0 && f <= 1e9 }

func bad(key, why string) error { return fmt.Errorf("%s: %s", key, why) }

// checkNames checks what is one of few words.
func (c *Config) checkNames() error {
	if _, err := transportOf(c.Transport); err != nil {
		return bad("transport", err.Error())
	}
	for name, weight := range c.Mixture {
		if _, err := transportOf(name); err != nil {
			return bad("transports", err.Error())
		}
		if !perSecond(weight) || c.Plain {
			return bad("transports", "want weights of no less than 0, and none with plain")
		}
	}
	if len(c.Mixture) > 0 && sum(c.Mixture) == 0 {
		return bad("transports", "want a weight above 0")
	}
	for name, weight := range c.Mix {
		if !slices.Contains(flowNames, name) || !perSecond(weight) {
			return bad("mix", fmt.Sprintf("want weights of %s, not %s=%g", strings.Join(flowNames, ", "), name, weight))
		}
	}
	if len(c.Mix) > 0 && sum(c.Mix) == 0 {
		return bad("mix", "want a weight above 0")
	}
	return cmp.Or(c.checkEvents(), c.checkTexts())
}

func sum(weights map[string]float64) (total float64) {
	for _, w := range weights {
		total += w
	}
	return total
}

// checkEvents checks the names of events.
func (c *Config) checkEvents() error {
	for key, name := range c.Events {
		if !slices.Contains([]string{"echo", "broadcast", "join", "room", "tick"}, key) {
			return bad("events", fmt.Sprintf("there is no event %q: want echo, broadcast, join, room or tick", key))
		}
		if b, err := json.Marshal(name); err != nil || string(b) != `"`+name+`"` || name == "" {
			return bad("events", fmt.Sprintf("%s: the name %q needs escapes or is empty", key, name))
		}
	}
	return nil
}

// checkTexts checks what is written in a language of its own.
func (c *Config) checkTexts() error {
	for _, h := range c.Headers {
		if name, _, ok := strings.Cut(h, ":"); !ok || name == "" {
			return bad("header", fmt.Sprintf("want \"Name: value\", not %q", h))
		}
	}
	if c.Auth != "" && !json.Valid([]byte(c.Auth)) {
		return bad("auth", "want JSON, such as {\"token\":\"x\"}")
	}
	if strings.ContainsFunc(c.Cookie, unicode.IsControl) {
		return bad("cookie", "it has a control character")
	}
	if _, err := url.ParseQuery(c.Query); err != nil {
		return bad("query", err.Error())
	}
	return nil
}

// maxTracks bounds the memory of the checks.
const maxTracks = 20_000_000

// checkMachine checks what depends on the machine.
func (c *Config) checkMachine() error {
	if n := c.Connections * c.Senders; c.flows("broadcast") && n > maxTracks {
		return bad("senders", fmt.Sprintf("%d senders to %d receivers are too many to check each message: want fewer than %d pairs", c.Senders, c.Connections, maxTracks))
	}
	need := 64
	for _, t := range c.transports(c.Connections) {
		need += t.Descriptors()
	}
	if limit := load.DescriptorLimit(); need > limit {
		return bad("connections", fmt.Sprintf("%d need %d open files, and this process may have %d: raise the limit with 'ulimit -n', or use fewer", c.Connections, need, limit))
	}
	if c.PID != 0 {
		return checkProcess(c.PID)
	}
	return nil
}

// checkConnect checks what the client needs to know to connect.
func (c *Config) checkConnect() error {
	o, err := c.options()
	if err != nil {
		return err
	}
	var wrong *load.OptionError
	if err := o.Check(); errors.As(err, &wrong) {
		return bad(strings.ToLower(wrong.Field), wrong.Reason)
	} else if err != nil {
		return err
	}
	return nil
}

// checkThresholds checks that each threshold can be read, and that the run will
// measure what it limits.
func (c *Config) checkThresholds() error {
	for _, text := range c.Thresholds {
		t, err := report.ParseThreshold(text)
		if err != nil {
			return bad("threshold", err.Error())
		}
		timed := c.timed()
		switch {
		case t.Latency() != "" && !slices.Contains(timed, t.Latency()):
			return bad("threshold", fmt.Sprintf("%q: this run does not time %s, but %s", text, t.Latency(), list(timed)))
		case t.OfServer() && c.PID == 0:
			return bad("threshold", fmt.Sprintf("%q: the server's process is not sampled without its pid", text))
		}
	}
	return nil
}

// timed returns the names of the latencies that the run measures.
func (c *Config) timed() []string {
	names := []string{timeNames[timeConnect]}
	if slices.Contains(c.transports(c.Connections), load.Upgrade) {
		names = append(names, timeNames[timeUpgrade])
	}
	echoes := c.sends("echo")
	if echoes && c.Ack {
		names = append(names, timeNames[timeAck])
	}
	if echoes && !c.Ack {
		names = append(names, timeNames[timeEcho])
	}
	if c.sends("broadcast") || c.sends("room") || c.Scenario == "ticker" {
		names = append(names, timeNames[timeBroadcast])
	}
	return names
}

// sends reports whether there is traffic of that name, the mix considered.
func (c *Config) sends(name string) bool {
	return c.flows(name) && (len(c.Mix) == 0 || c.Rate == 0 || c.Mix[name] > 0)
}
