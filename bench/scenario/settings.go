package scenario

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Setting is one key of a scenario file, which is a flag of the command line
// too.
type Setting struct {
	Name  string
	Usage string
	// In points to where a Config has it: to an int, float64, bool, string,
	// time.Duration, Share, []string, or a map of names to float64 or string.
	In func(*Config) any
}

// Settings returns all settings in the order in which they are explained.
func Settings() []Setting {
	return []Setting{
		{"path", "path of the server", func(c *Config) any { return &c.Path }},
		{"namespace", "namespace to join", func(c *Config) any { return &c.Namespace }},
		{"auth", "auth payload of the CONNECT, as JSON", func(c *Config) any { return &c.Auth }},
		{"header", `header of every request, as "Name: value"; repeatable`, func(c *Config) any { return &c.Headers }},
		{"cookie", "Cookie header of every request", func(c *Config) any { return &c.Cookie }},
		{"query", "query of every request, as a=1&b=2", func(c *Config) any { return &c.Query }},
		{"transport", "websocket, polling or upgrade (polling, then WebSocket)", func(c *Config) any { return &c.Transport }},
		{"transports", "transports by weight, as websocket=70,polling=30", func(c *Config) any { return &c.Mixture }},
		{"plain", "bare WebSocket without Engine.IO and Socket.IO around the same messages", func(c *Config) any { return &c.Plain }},
		{"deflate", "WebSocket: offer permessage-deflate, and fail if the server does not agree", func(c *Config) any { return &c.Deflate }},
		{"msgpack", "the server uses the parser of socket.io-msgpack-parser", func(c *Config) any { return &c.Msgpack }},
		{"insecure", "https: accept any certificate", func(c *Config) any { return &c.Insecure }},
		{"timeout", "time for a connection and its handshake", func(c *Config) any { return &c.Timeout }},
		{"connections", "number of connections", func(c *Config) any { return &c.Connections }},
		{"ramp", "connections per second to open; 0 means as fast as they can", func(c *Config) any { return &c.Ramp }},
		{"parallel", "handshakes at a time", func(c *Config) any { return &c.Parallel }},
		{"warmup", "time with traffic before anything is counted", func(c *Config) any { return &c.Warmup }},
		{"duration", "time that is measured", func(c *Config) any { return &c.Duration }},
		{"grace", "time that the end waits for what is in flight", func(c *Config) any { return &c.Grace }},
		{"payload", "bytes of each payload", func(c *Config) any { return &c.Payload }},
		{"binary", "send payloads as binary attachments", func(c *Config) any { return &c.Binary }},
		{"ack", "echoes are acknowledgements; false: events", func(c *Config) any { return &c.Ack }},
		{"depth", "closed loop: messages that each sender has in flight", func(c *Config) any { return &c.Depth }},
		{"rate", "open loop: messages per second of all senders together; 0 means closed loop", func(c *Config) any { return &c.Rate }},
		{"mix", "kinds of messages by weight, as echo=70,room=25,broadcast=5; with a rate", func(c *Config) any { return &c.Mix }},
		{"senders", "connections that send broadcasts, or to each room", func(c *Config) any { return &c.Senders }},
		{"rooms", "number of rooms", func(c *Config) any { return &c.Rooms }},
		{"members", "connections in each room; 0 means that each connection is in one room", func(c *Config) any { return &c.Members }},
		{"lossy", "messages may be lost: the server sends them as volatile", func(c *Config) any { return &c.Lossy }},
		{"slow", "share of the connections that stop reading, as 10%", func(c *Config) any { return &c.Slow }},
		{"churn", "connections per second that leave and come back", func(c *Config) any { return &c.Churn }},
		{"interval", "time between two storms of reconnects", func(c *Config) any { return &c.Interval }},
		{"events", "names of the server's events, as echo=say,room=post", func(c *Config) any { return &c.Events }},
		{"loops", "event loops of the client", func(c *Config) any { return &c.Loops }},
		{"pid", "process of the server, to sample its CPU time and memory", func(c *Config) any { return &c.PID }},
		{"threshold", "what must hold, as 'p99(ack)<20ms'; repeatable", func(c *Config) any { return &c.Thresholds }},
	}
}

// Read returns the Config of a YAML file. Its key scenario names the preset
// that the other keys change. An error names the key that is at fault.
func Read(in io.Reader) (*Config, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(in).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty: want at least scenario and target")
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	root := &doc
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("want keys and values, such as scenario: echo")
	}
	keys := map[string]*yaml.Node{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		if keys[key.Value] != nil {
			return nil, fmt.Errorf("line %d: %s: the key is there twice", key.Line, key.Value)
		}
		keys[key.Value] = root.Content[i+1]
	}
	name := keys["scenario"]
	if name == nil {
		return nil, fmt.Errorf("scenario: the key is missing: want one of %s", strings.Join(Names(), ", "))
	}
	c, err := Preset(name.Value)
	if err != nil {
		return nil, fmt.Errorf("line %d: scenario: %w", name.Line, err)
	}
	if t := keys["target"]; t != nil {
		c.Target = t.Value
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if err := c.set(root.Content[i].Value, root.Content[i+1]); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", root.Content[i].Line, root.Content[i].Value, err)
		}
	}
	return c, nil
}

// set takes one key of a file.
func (c *Config) set(key string, value *yaml.Node) error {
	if key == "scenario" || key == "target" {
		return nil
	}
	all := Settings()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Name == key })
	if i < 0 {
		return errors.New("there is no such key")
	}
	in := all[i].In(c)
	if err := decode(value, in); err != nil {
		return err
	}
	return nil
}

// decode is yaml.Node.Decode with errors in the words of a file.
func decode(value *yaml.Node, in any) error {
	want := ""
	switch in := in.(type) {
	case *[]string:
		if value.Kind == yaml.ScalarNode {
			*in = []string{value.Value}
			return nil
		}
		want = "a list of texts"
	case *map[string]float64:
		*in = nil
		want = "names with weights"
	case *map[string]string:
		want = "names with texts"
	case *time.Duration:
		want = "a time such as 10s"
		if d, err := time.ParseDuration(value.Value); err == nil {
			*in = d
			return nil
		}
		return fmt.Errorf("want %s, not %q", want, value.Value)
	case *int:
		want = "a whole number"
	case *float64:
		want = "a number"
	case *bool:
		want = "true or false"
	case *string:
		want = "a text"
		if value.Kind == yaml.MappingNode { // auth, written as YAML
			return decodeJSON(value, in)
		}
	case encoding.TextUnmarshaler:
		return in.UnmarshalText([]byte(value.Value))
	}
	if err := value.Decode(in); err != nil {
		if value.Kind == yaml.ScalarNode {
			return fmt.Errorf("want %s, not %q", want, value.Value)
		}
		return fmt.Errorf("want %s", want)
	}
	return nil
}

// settings returns what differs from the zero value, as texts.
func (c *Config) settings() map[string]string {
	m := map[string]string{}
	for _, s := range Settings() {
		if text := Text(s.In(c)); text != "" {
			m[s.Name] = text
		}
	}
	for _, secret := range []string{"auth", "cookie", "header", "query"} {
		if m[secret] != "" {
			m[secret] = "set" // it may be a secret, and results are shown around
		}
	}
	delete(m, "events")
	delete(m, "threshold")
	return m
}

// Text returns the text of what Setting.In points to, empty for a zero value.
func Text(in any) string {
	switch v := in.(type) {
	case *int:
		if *v != 0 {
			return strconv.Itoa(*v)
		}
	case *float64:
		if *v != 0 {
			return strconv.FormatFloat(*v, 'g', -1, 64)
		}
	case *bool:
		if *v {
			return "true"
		}
	case *string:
		return *v
	case *time.Duration:
		if *v != 0 {
			return v.String()
		}
	case *Share:
		if *v != 0 {
			return strconv.FormatFloat(float64(*v)*100, 'g', -1, 64) + "%"
		}
	case *[]string:
		return strings.Join(*v, "; ")
	case *map[string]float64:
		var list []string
		for _, k := range slices.Sorted(maps.Keys(*v)) {
			list = append(list, k+"="+strconv.FormatFloat((*v)[k], 'g', -1, 64))
		}
		return strings.Join(list, ",")
	case *map[string]string:
		var list []string
		for _, k := range slices.Sorted(maps.Keys(*v)) {
			list = append(list, k+"="+(*v)[k])
		}
		return strings.Join(list, ",")
	}
	return ""
}

// decodeJSON writes a mapping as JSON.
func decodeJSON(value *yaml.Node, in *string) error {
	var v map[string]any
	if err := value.Decode(&v); err != nil {
		return errors.New("want a text or keys and values")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	*in = string(b)
	return nil
}
