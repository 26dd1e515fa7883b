package scenario

import (
	"sync/atomic"

	"github.com/gannet-io/gannet/bench/load"
)

// A client is one of the connections that a run wants. It may be opened more
// than once.
type client struct {
	// Immutable.
	id        int
	on        int // number of the loop
	transport load.Transport

	// Owned by the loop goroutine.
	conn      *load.Conn // nil while there is none
	leaving   bool       // the run closes it by itself
	away      bool       // the churn opens it again
	gone      bool       // it was lost
	slow      bool       // it stops reading
	joins     int        // acknowledgements of joins that are awaited
	echo      *sender    // its own echoes; nil without
	self      track      // of its own echoes
	broadcast []track    // by the sender's index
	rooms     []membership
	ticks     track
	ticked    bool   // has had a tick
	corrupted uint64 // messages that came and cannot be told to be any
}

// A membership is what a client has had in one room.
type membership struct {
	room   int
	tracks []track // by the sender's index in the room
}

// opened reports whether c can send.
func (c *client) opened() bool { return c.conn != nil && c.conn.Open() }

// track returns what c has had of s, or nil if messages of s are not for c.
func (c *client) track(s *sender) *track {
	switch s.flow.kind {
	case kindEcho:
		if s.client == c {
			return &c.self
		}
	case kindBroadcast:
		if s.index < len(c.broadcast) {
			return &c.broadcast[s.index]
		}
	case kindRoom:
		for i := range c.rooms {
			if m := &c.rooms[i]; m.room == s.room {
				return &m.tracks[s.index]
			}
		}
	}
	return nil
}

// Kinds of messages, as stamps have them.
const (
	kindEcho      = 'e'
	kindBroadcast = 'b'
	kindRoom      = 'r'
)

// flowNames are the kinds of traffic that a mix may name.
var flowNames = []string{"echo", "broadcast", "room"}

// A flow is one kind of traffic.
type flow struct {
	// Immutable after plan.
	kind  byte
	name  string
	ack   bool    // the message comes back as an acknowledgement
	once  bool    // one message for each time that the client connects
	rate  float64 // messages per second of all senders; 0 means closed loop
	depth int     // of the closed loop
	time  int     // index of the latency
	all   int     // number of senders
}

// A sender is a client in its part as the sender of a flow.
type sender struct {
	// Immutable after plan.
	flow      *flow
	client    *client
	number    int // in run.senders
	index     int // among those that the same receivers hear
	room      int
	receivers int64  // deliveries of each message
	head      []byte // of the arguments, up to the payload
	next      func() // sends one more; it must be called on the client's loop

	// Owned by the client's loop.
	seq      uint64        // of the next message
	returned uint64        // echoes that came back
	final    atomic.Uint64 // Atomic: seq when the run was over, written by stop.
	seen     int64         // progress when it was last made
	since    int64         // when that was

	delivered atomic.Int64 // Atomic: written by the loops of the receivers.
}

// finalSeq returns how many messages s has sent. It is called when it sends no
// more.
func (s *sender) finalSeq() uint64 { return s.final.Load() }

// pending returns how many messages of s are under way.
func (s *sender) pending() int64 {
	if s.flow.kind == kindEcho {
		return int64(s.seq - s.returned)
	}
	if s.receivers == 0 {
		return 0
	}
	missing := int64(s.seq)*s.receivers - s.delivered.Load()
	return (missing + s.receivers - 1) / s.receivers
}

// progress is a number that changes when a message of s arrives.
func (s *sender) progress() int64 {
	if s.flow.kind == kindEcho {
		return int64(s.returned)
	}
	return s.delivered.Load()
}
