package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/scenario"
)

const file = `
scenario: rooms
target: http://127.0.0.1:3000
connections: 500
ramp: 250.5
warmup: 3s
duration: 1m
payload: 128
binary: true
rooms: 20
members: 50
slow: 10%
transports: {websocket: 3, polling: 1}
events:
  room: post
header: ["X-A: 1", "X-B: 2"]
auth: {token: secret, level: 3}
threshold:
  - p99(broadcast)<20ms
  - errors<1
`

// TestRead reads all kinds of values.
func TestRead(t *testing.T) {
	t.Parallel()
	c, err := scenario.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.Scenario != "rooms" || c.Target != "http://127.0.0.1:3000" || c.Connections != 500 || c.Ramp != 250.5 ||
		c.Warmup != 3*time.Second || c.Duration != time.Minute || !c.Binary || c.Rooms != 20 || c.Members != 50 || c.Slow != 0.1 {
		t.Errorf("got %+v", c)
	}
	if len(c.Mixture) != 2 || c.Mixture["websocket"] != 3 || c.Events["room"] != "post" || c.Events["echo"] != "echo" {
		t.Errorf("transports %v, events %v", c.Mixture, c.Events)
	}
	if len(c.Headers) != 2 || c.Auth != `{"level":3,"token":"secret"}` || len(c.Thresholds) != 2 {
		t.Errorf("headers %q, auth %s, thresholds %q", c.Headers, c.Auth, c.Thresholds)
	}
	if c.Depth != 1 || c.Senders != 1 {
		t.Errorf("what the file does not name is not the preset's: %+v", c)
	}
}

// TestReadErrors checks that what is wrong with a file is said with its key.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	const head = "scenario: echo\ntarget: http://h:1\n"
	for in, want := range map[string]string{
		"":                                                "empty",
		"- a":                                             "want keys and values",
		"target: x":                                       "scenario: the key is missing",
		"scenario: dance":                                 `line 1: scenario: there is no scenario "dance"`,
		head + "conections: 3":                            "line 3: conections: there is no such key",
		head + "connections: many":                        `line 3: connections: want a whole number, not "many"`,
		head + "connections: [1]":                         "line 3: connections: want a whole number",
		head + "duration: 10":                             `line 3: duration: want a time such as 10s, not "10"`,
		head + "rate: fast":                               `line 3: rate: want a number, not "fast"`,
		head + "binary: maybe":                            `line 3: binary: want true or false, not "maybe"`,
		head + "slow: 120%":                               `line 3: slow: want a share such as 0.1 or 10%, not "120%"`,
		head + "mix: 3":                                   `line 3: mix: want names with weights, not "3"`,
		head + "header: {a: b}":                           "line 3: header: want a list of texts",
		head + "events: [a]":                              "line 3: events: want names with texts",
		head + "payload: 64\npayload: 65":                 "line 4: payload: the key is there twice",
		head + "payload: 31":                              "payload: want at least 32 bytes",
		head + "connections: 0":                           "connections: want at least 1",
		head + "depth: 0":                                 "depth: want at least 1",
		head + "rate: .nan":                               "rate: want no less than 0",
		head + "ramp: .nan":                               "ramp: want no less than 0",
		head + "churn: .inf":                              "churn: want no less than 0",
		head + "rate: -1":                                 "rate: want no less than 0",
		head + "transport: carrier-pigeon":                "transport: want websocket, polling or upgrade",
		head + "transports: {pigeon: 1}":                  "transports: want websocket, polling or upgrade",
		head + "mix: {dance: 1}":                          "mix: want weights of echo, broadcast, room",
		head + "events: {dance: x}":                       `events: there is no event "dance"`,
		head + "events: {echo: 'a\"b'}":                   "events: echo: the name",
		head + "header: nonsense":                         `header: want "Name: value"`,
		head + "auth: '{'":                                "auth: want JSON",
		head + "threshold: p99<3":                         `threshold: "p99<3": p99 of what?`,
		head + "query: 'a=%zz'":                           "query: ",
		"scenario: echo":                                  "target: the URL of a server is missing",
		"scenario: echo\ntarget: 127.0.0.1":               "target: want a URL",
		"scenario: echo\ntarget: ftp://h":                 "target: want http://, https://, ws:// or wss://",
		"scenario: rooms\ntarget: http://h\nmembers: 101": "members: want no more than there are connections",
		"scenario: echo\ntarget: http://h\nplain: true\ntransport: polling": "plain: it is WebSocket only",
	} {
		c, err := scenario.Read(strings.NewReader(in))
		if err == nil {
			err = c.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("%q:\ngot  %v\nwant one line with %q", in, err, want)
		}
	}
}

// TestEverySettingIsRead gives every key the text that it has already.
func TestEverySettingIsRead(t *testing.T) {
	t.Parallel()
	for _, s := range scenario.Settings() {
		c, err := scenario.Preset("mixed")
		if err != nil {
			t.Fatal(err)
		}
		if s.Usage == "" || s.In(c) == nil {
			t.Errorf("%s has no usage or no place", s.Name)
		}
	}
}
