package scenario

import (
	"fmt"
	"strings"

	"github.com/gannet-io/gannet/bench/load"
)

// A use is what a setting needs to mean anything.
type use struct {
	key   string
	given bool               // it was changed
	takes func(*Config) bool // whether such a scenario heeds it
}

// checkIgnored refuses settings that would change nothing.
func (c *Config) checkIgnored() error {
	for _, u := range []use{
		{"rooms", c.Rooms != 0, func(c *Config) bool { return c.flows("room") }},
		{"members", c.Members != 0, func(c *Config) bool { return c.flows("room") }},
		{"senders", c.Senders != 1, func(c *Config) bool { return c.flows("room") || c.flows("broadcast") }},
		{"mix", len(c.Mix) > 0, (*Config).sendsAny},
		{"rate", c.Rate != 0, (*Config).sendsAny},
		{"depth", c.Depth > 1, (*Config).sendsAny},
		{"payload", c.Payload != defaultPayload, (*Config).sendsAny},
		{"binary", c.Binary, (*Config).sendsAny},
		{"ack", !c.Ack, func(c *Config) bool { return c.flows("echo") }},
		{"lossy", c.Lossy, func(c *Config) bool { return c.sendsAny() || c.Scenario == "ticker" }},
		{"interval", c.Interval != 0, func(c *Config) bool { return c.storm }},
	} {
		if u.given && !u.takes(c) {
			return bad(u.key, fmt.Sprintf("it means nothing to the scenario %s: %s", c.Scenario, u.takers()))
		}
	}
	for _, n := range []struct {
		key string
		bad bool
		why string
	}{
		{"mix", len(c.Mix) > 0 && c.Rate == 0, "it divides a rate: want a rate too"},
		{"depth", c.Depth > 1 && c.Rate > 0, "it is of the closed loop, and a rate makes it an open one: want one of the two"},
		{"rate", c.Rate > 0 && c.Churn > 0 && c.flows("echo"), "with churn a connection sends one echo when it comes: want no rate"},
		{"transport", c.Transport != "websocket" && len(c.Mixture) > 0, "transports says it already: want one of the two, such as transports " + c.Transport + "=1"},
		{"deflate", c.Deflate && c.onlyPolls(), "it is of WebSockets: want transport websocket or upgrade"},
		{"msgpack", c.Msgpack && c.Plain, "a plain connection has no packets"},
		{"auth", c.Auth != "" && c.Plain, "a plain connection has no CONNECT that could carry it"},
	} {
		if n.bad {
			return bad(n.key, n.why)
		}
	}
	for name, weight := range c.Mix {
		if weight > 0 && !c.flows(name) {
			return bad("mix", fmt.Sprintf("the scenario %s sends no %s: it sends %s, and mixed sends all", c.Scenario, name, list(c.traffic)))
		}
	}
	return nil
}

// onlyPolls reports whether no connection is ever a WebSocket.
func (c *Config) onlyPolls() bool {
	if len(c.Mixture) == 0 {
		return c.Transport == load.Polling.String()
	}
	for name, weight := range c.Mixture {
		if weight > 0 && name != load.Polling.String() {
			return false
		}
	}
	return true
}

// sendsAny reports whether the client sends messages.
func (c *Config) sendsAny() bool { return len(c.traffic) > 0 }

// takers names the scenarios that heed the setting.
func (u *use) takers() string {
	var names []string
	for _, name := range Names() {
		if c, err := Preset(name); err == nil && u.takes(c) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return names[0] + " takes it"
	}
	return list(names) + " take it"
}

// list joins names for people.
func list(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
