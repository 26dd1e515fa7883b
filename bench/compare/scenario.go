package main

import "fmt"

// kind is what a scenario does.
type kind uint8

const (
	kindEcho kind = iota
	kindBroadcast
	kindRooms
	kindPolling
	kindHandshake
	kindChurn
	kindIdle
	kindObjects
	kindHeap
)

// A scenario is one row of every server.
type scenario struct {
	name  string
	kind  kind
	conns int
	size  int // of a payload in bytes
	depth int // emits in flight: of each connection (echo), of all together
	// floorDepth is the depth in which the floor is measured. Zero means the
	// same.
	floorDepth int
	content    content
	// used says that idle connections have had a message of size bytes there and
	// back.
	used    bool
	goals   []goal
	topic   string   // of variants, in front of the title
	servers []string // that take part; nil means all that are no variants
}

// A goal is what Gannet wants to cost at most: so many times another server,
// or an absolute number if against is empty.
type goal struct {
	server  string
	against string
	atMost  float64
}

func both(against string, atMost float64) []goal {
	return []goal{{gannet, against, atMost}, {gannetInline, against, atMost}}
}

func goals(workers, inline float64) []goal {
	return []goal{{gannet, floor, workers}, {gannetInline, floor, inline}}
}

const (
	perRoom = 10
	// requestHead is what a connection keeps of its request here, unless
	// Options.DropHandshake frees it.
	requestHead = 180
)

// fullRecord is the size of a payload whose message nearly fills a TLS record.
const fullRecord = 16_000

// oursTLS are those of the variants whose heap can be read.
var oursTLS = withVariants("tls")[:2]

var tlsMemory = []goal{{"gannet-tls", "", 8 << 10}}

var scenarios = []scenario{
	{name: "broadcast", kind: kindBroadcast, conns: 1000, size: 128, depth: 1, goals: both(floor, 1.05)},
	{name: "broadcast-2", kind: kindBroadcast, conns: 1000, size: 128, depth: 2, goals: both(floor, 0.70)},
	{name: "broadcast-20", kind: kindBroadcast, conns: 1000, size: 128, depth: 20, goals: both(floor, 0.08)},
	{name: "broadcast5k", kind: kindBroadcast, conns: 5000, size: 128, depth: 1, goals: both(floor, 1.05)},
	{name: "broadcast5k-2", kind: kindBroadcast, conns: 5000, size: 128, depth: 2, goals: both(floor, 0.70)},
	{name: "broadcast5k-20", kind: kindBroadcast, conns: 5000, size: 128, depth: 20, goals: both(floor, 0.08)},
	{name: "broadcast15k", kind: kindBroadcast, conns: 15_000, size: 128, depth: 1, goals: both(floor, 1.05)},
	{name: "broadcast15k-2", kind: kindBroadcast, conns: 15_000, size: 128, depth: 2, goals: both(floor, 0.70)},
	{name: "broadcast15k-20", kind: kindBroadcast, conns: 15_000, size: 128, depth: 20, goals: both(floor, 0.08)},
	{name: "rooms", kind: kindRooms, conns: 15_000, size: 128, depth: 16, goals: both(floor, 1.15)},
	{name: "echo", kind: kindEcho, conns: 100, size: 32, depth: 1, goals: goals(1.6, 1.25)},
	{name: "echo-1k", kind: kindEcho, conns: 100, size: 1024, depth: 1, goals: goals(1.6, 1.25)},
	{name: "echo1000", kind: kindEcho, conns: 1000, size: 32, depth: 1, goals: goals(1.6, 1.25)},
	{name: "echo1000-1k", kind: kindEcho, conns: 1000, size: 1024, depth: 1, goals: goals(1.6, 1.25)},
	{name: "echo-16", kind: kindEcho, conns: 100, size: 32, depth: 16, floorDepth: 1, goals: goals(0.30, 0.15)},
	{name: "polling", kind: kindPolling, conns: 100, size: 32, depth: 1, goals: both(node, 1.0/5)},
	{name: "handshake", kind: kindHandshake, conns: 4000, goals: both(node, 1.0/6)},
	{name: "churn", kind: kindChurn, conns: 4000, goals: both(node, 1.0/6)},
	{name: "idle", kind: kindIdle, conns: 15_000, goals: []goal{{gannet, "", 800 + requestHead}, {gannetInline, "", 600}}},
	// Variants: one thing switched on, beside the same servers without it.
	{name: "deflate", kind: kindBroadcast, conns: 1000, size: 1024, depth: 1, content: records, topic: "compression", servers: withVariants("deflate")},
	{name: "deflate-echo", kind: kindEcho, conns: 100, size: 1024, depth: 1, content: records, topic: "compression", servers: withVariants("deflate")},
	{name: "deflate-idle-used", kind: kindIdle, conns: 1000, size: 1024, content: records, used: true, topic: "compression", servers: withVariants("deflate")},
	{name: "tls-echo", kind: kindEcho, conns: 100, size: 32, depth: 1, topic: "TLS", servers: withVariants("tls")},
	{name: "tls-echo-1k", kind: kindEcho, conns: 100, size: 1024, depth: 1, topic: "TLS", servers: withVariants("tls")},
	{name: "tls-broadcast", kind: kindBroadcast, conns: 1000, size: 128, depth: 1, topic: "TLS", servers: withVariants("tls")},
	{name: "tls-handshake", kind: kindHandshake, conns: 2000, topic: "TLS", servers: withVariants("tls")},
	{name: "msgpack-echo", kind: kindEcho, conns: 100, size: 1024, depth: 1, content: mixture, topic: "msgpack", servers: withVariants("msgpack")},
	{name: "msgpack-echo-text", kind: kindEcho, conns: 100, size: 1024, depth: 1, content: records, topic: "msgpack", servers: withVariants("msgpack")},
	{name: "msgpack-broadcast", kind: kindBroadcast, conns: 1000, size: 1024, depth: 1, content: mixture, topic: "msgpack", servers: withVariants("msgpack")},
	{name: "recovery-echo", kind: kindEcho, conns: 100, size: 32, depth: 1, topic: "recovery", servers: withVariants("recovery")},
	{name: "recovery-100", kind: kindBroadcast, conns: 100, size: 128, depth: 1, topic: "recovery", servers: withVariants("recovery")},
	{name: "recovery-1000", kind: kindBroadcast, conns: 1000, size: 128, depth: 1, topic: "recovery", servers: withVariants("recovery")},
	{name: "tls-idle", kind: kindIdle, conns: 5000, topic: "TLS", servers: withVariants("tls"), goals: tlsMemory},
	{name: "tls-heap", kind: kindHeap, conns: 5000, topic: "TLS", servers: oursTLS, goals: tlsMemory},
	{name: "tls-idle-used", kind: kindIdle, conns: 5000, size: fullRecord, used: true, topic: "TLS", servers: withVariants("tls"), goals: tlsMemory},
	{name: "tls-heap-used", kind: kindHeap, conns: 5000, size: fullRecord, used: true, topic: "TLS", servers: oursTLS, goals: tlsMemory},
	{name: "objects", kind: kindObjects, conns: 15_000, goals: both("", 3.01)}, // pages of tables and what the process has of its own are the hundredth
}

func scenarioNames() []string {
	names := make([]string, 0, len(scenarios))
	for i := range scenarios {
		names = append(names, scenarios[i].name)
	}
	return names
}

func findScenario(name string) *scenario {
	for i := range scenarios {
		if scenarios[i].name == name {
			return &scenarios[i]
		}
	}
	return nil
}

// title says what is done.
func (s *scenario) title() string {
	if s.topic != "" {
		return s.topic + ": " + s.action()
	}
	return s.action()
}

func (s *scenario) action() string {
	switch s.kind {
	case kindEcho:
		return fmt.Sprintf("echo, %s sockets, %s, %d in flight each", thousands(s.conns), s.sizeText(), s.depth)
	case kindBroadcast:
		return fmt.Sprintf("broadcast to %s, %s, %d in flight", thousands(s.conns), s.sizeText(), s.depth)
	case kindRooms:
		return fmt.Sprintf("%s rooms of %d, %s, %d in flight over all", thousands(s.conns/perRoom), perRoom, bytesText(s.size), s.depth)
	case kindPolling:
		return fmt.Sprintf("long-polling echo, %s sockets, %s", thousands(s.conns), bytesText(s.size))
	case kindHandshake:
		return "WebSocket handshake and CONNECT"
	case kindChurn:
		return "connect, join, leave, disconnect"
	case kindIdle:
		return fmt.Sprintf("idle, %s WebSockets%s, growth of RSS for each", thousands(s.conns), s.usedText())
	case kindObjects:
		return fmt.Sprintf("idle, %s WebSockets, heap objects of each", thousands(s.conns))
	case kindHeap:
		return fmt.Sprintf("idle, %s WebSockets%s, live heap of each", thousands(s.conns), s.usedText())
	}
	return s.name
}

// costUnit is the unit of most costs: time of the server's threads.
const costUnit = "µs CPU"

// unit is that of the cost.
func (s *scenario) unit() string {
	switch s.kind {
	case kindIdle, kindHeap:
		return "B"
	case kindObjects:
		return "objects"
	case kindEcho, kindBroadcast, kindRooms, kindPolling, kindHandshake, kindChurn:
	}
	return costUnit
}

// plain reports whether servers without Socket.IO take part.
func (s *scenario) plain() bool {
	return s.kind != kindPolling && s.kind != kindObjects && s.servers == nil
}

// small returns the scenario with few connections.
func (s *scenario) small(conns int) *scenario {
	c := *s
	c.conns = min(c.conns, conns)
	return &c
}

func (s *scenario) sizeText() string {
	switch s.content {
	case letters:
	case records:
		return "objects of " + bytesText(s.size) + " as JSON"
	case mixture:
		return "numbers, strings and " + bytesText(s.size) + " of binary"
	}
	return bytesText(s.size)
}

func (s *scenario) usedText() string {
	if !s.used {
		return ""
	}
	return fmt.Sprintf(" after %s each way", s.sizeText())
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func bytesText(n int) string {
	if n >= 1024 && n%1024 == 0 {
		return fmt.Sprintf("%d KB", n/1024)
	}
	return thousands(n) + " B"
}
