package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/load"
)

// Titles tell scenarios apart, and who takes part is a server that there is.
func TestScenarios(t *testing.T) {
	t.Parallel()
	titles := map[string]string{}
	names := contenderNames()
	for i := range scenarios {
		s := &scenarios[i]
		if other := titles[s.title()]; other != "" {
			t.Errorf("%s and %s have the title %q", other, s.name, s.title())
		}
		titles[s.title()] = s.name
		for _, name := range s.servers {
			if !slices.Contains(names, name) {
				t.Errorf("%s: there is no server %q", s.name, name)
			}
		}
	}
	for _, c := range contenders() {
		takes := slices.ContainsFunc(scenarios, func(s scenario) bool { return s.takesPart(&c) })
		if !takes {
			t.Errorf("%s takes part in nothing", c.name)
		}
		if c.variant != asItIs && findScenario("echo").takesPart(&c) {
			t.Errorf("%s takes part in echo", c.name)
		}
	}
	if got := expand([]string{"echo", "variants", "rooms"}); got[0] != "echo" || got[1] != "deflate" || got[len(got)-1] != "rooms" {
		t.Errorf("expanded to %q", got)
	}
	for server, want := range map[string]string{gannet: node, "gannet-tls": "node-tls", node: "", "node-tls": "", gannetInline: ""} {
		if got := counterpart(server); got != want {
			t.Errorf("counterpart(%q) = %q, want %q", server, got, want)
		}
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	for _, c := range []content{letters, records, mixture} {
		s := &scenario{size: 1024, content: c}
		text, binary := s.payload()
		if !json.Valid([]byte(text)) || (binary != nil) != (c == mixture) {
			t.Errorf("content %d: %.80s with %d bytes", c, text, len(binary))
		}
		if c == records && (len(text) < s.size || len(text) > s.size+100) {
			t.Errorf("%d bytes of objects, want about %d", len(text), s.size)
		}
		if bad := regexp.MustCompile(`\.\d*0[,}]`).FindString(text); bad != "" {
			t.Errorf("content %d: JavaScript would write %q otherwise", c, bad)
		}
	}
}

// A message is known again as each kind of server sends it, and nothing else
// is.
func TestMessage(t *testing.T) {
	t.Parallel()
	plain := &scenario{size: 8}
	rich := &scenario{size: 8, content: mixture}
	for name, tc := range map[string]struct {
		sc      *scenario
		variant variant
		good    func(*message) []byte
		bad     func(*message) []byte
	}{
		"text": {
			plain, asItIs, func(m *message) []byte { return m.text[1:] },
			func(m *message) []byte { return append(m.text[1:len(m.text)-1:len(m.text)-1], `,"x"]`...) },
		},
		"recovery": {
			plain, recovering,
			func(m *message) []byte { return append(m.text[1:len(m.text)-1:len(m.text)-1], `,"x"]`...) },
			func(m *message) []byte { return m.text[1:] },
		},
		"msgpack": {
			rich, packed, func(m *message) []byte { return m.binary },
			func(m *message) []byte { return bytes.Replace(m.binary, []byte("Morus"), []byte("Larus"), 1) },
		},
	} {
		m, err := newMessage(tc.sc, &server{variant: tc.variant}, "echo")
		if err != nil {
			t.Fatal(err)
		}
		var o load.Options
		var got []bool
		m.awaited(&o, func(_ *load.Conn, same bool) { got = append(got, same) })
		for _, b := range [][]byte{tc.bad(m), tc.good(m), tc.good(m), tc.bad(m)} {
			o.OnEvent(nil, b)
		}
		if want := []bool{false, true, true, false}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	m, err := newMessage(rich, &server{}, "echo")
	if err != nil {
		t.Fatal(err)
	}
	var o load.Options
	var got []bool
	m.awaited(&o, func(_ *load.Conn, same bool) { got = append(got, same) })
	o.OnPacket(nil, &load.Packet{Data: m.args, Attachments: [][]byte{m.binary}})
	o.OnPacket(nil, &load.Packet{Data: m.args, Attachments: [][]byte{m.binary[1:]}})
	o.OnPacket(nil, &load.Packet{Data: m.args})
	if want := []bool{true, false, false}; !slices.Equal(got, want) {
		t.Errorf("with an attachment: %v, want %v", got, want)
	}
}

// Variants are in tables of their own, and only the tables that are named are
// rewritten.
func TestVariantTables(t *testing.T) {
	t.Parallel()
	r := sample()
	r.Servers = append(r.Servers, serverResult{Name: "gannet-tls", Variant: true}, serverResult{Name: "node-tls", Variant: true})
	r.Scenarios = append(r.Scenarios, scenarioResult{Name: "tls-echo", Title: "TLS: echo", Unit: costUnit}, scenarioResult{Name: "tls-heap", Title: "TLS: heap", Unit: "B"})
	for name, cost := range map[string]float64{gannet: 2, "gannet-tls": 3, "node-tls": 12} {
		r.Runs = append(r.Runs, runResult{"tls-echo", name, 0, measure{Cost: cost}})
	}
	r.Runs = append(r.Runs, runResult{"tls-heap", "gannet-tls", 0, measure{Cost: 9000}})
	r.NotRun = append(r.NotRun, notRun{Server: "node-tls", Scenario: "tls-heap", Reason: "does not tell"})
	for name, want := range map[string]string{
		"variants":          "| TLS: echo | gannet | 2.00 µs CPU | 2.00 to 2.00 | 1.00 | – | – | – | – |\n|  | gannet-tls | 3.00 µs CPU | 3.00 to 3.00 | 1.50 | 0.25 |",
		"variants, goals":   "| TLS: heap | gannet-tls | 9,000 B | at most 8,192 | **missed** |\n",
		"variants, not run": "| node-tls | TLS: heap | does not tell |\n",
		"variants, servers": "| gannet-tls |",
	} {
		var got bytes.Buffer
		tables[name](&got, r)
		if !strings.Contains(got.String(), want) {
			t.Errorf("table %s:\n%swant it to have\n%s", name, got.String(), want)
		}
	}
	for _, name := range []string{"ratios", "goals", "echo", "idle", "connections", "servers", "not run"} {
		var got bytes.Buffer
		tables[name](&got, r)
		if strings.Contains(got.String(), "tls") || strings.Contains(got.String(), "TLS") {
			t.Errorf("table %s has variants:\n%s", name, got.String())
		}
	}
	if !named("variants, goals", []string{"echo", "variants"}) || named("goals", []string{"variants"}) || !named("goals", nil) {
		t.Error("tables are named by themselves, by their family, or all by nothing")
	}
	old := "<!-- table: ratios -->\nold\n<!-- end of table -->\n<!-- table: variants -->\nold\n<!-- end of table -->\n"
	text, err := update([]byte(old), r, []string{"variants"})
	if err != nil || !strings.HasPrefix(string(text), "<!-- table: ratios -->\nold\n<!-- end of table -->\n<!-- table: variants -->\n| scenario") {
		t.Errorf("%s, %v", text, err)
	}
}
