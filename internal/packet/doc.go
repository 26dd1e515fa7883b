// Package packet parses, reassembles and writes the packets of the Socket.IO
// protocol, revision 5, byte for byte as the official parser does.
//
// # What it is not
//
// It knows no Engine.IO: the message byte in front is not its business, nor
// are timeouts, namespaces that exist, or what a server does with a packet. It
// does not decode arguments: they stay raw JSON, already validated, until
// somebody asks package jsonx for a value.
//
// # Data flow
//
//	message text ─▶ Parse ─▶ Packet ──────────────────────────▶ handler
//	                  │        └─ binary ─▶ Assembler.Start        ▲
//	                  ▼                        │                   │
//	message bytes ────────────────────▶ Assembler.Add ─ complete ──┘
//
//	arguments ─▶ AppendEvent, AppendAck … ─▶ text [+ attachments]
//
//	 2      /chat,    12     ["name",{"a":1},true]
//	 Type   Namespace ID     Data; Args are views of its elements
//
// Parse runs over the text once: it validates the JSON, bounds its depth and
// splits an event into raw arguments as it goes, without allocating. It is
// total: whatever the bytes, it returns a Packet whose views lie within them
// or one of the constants of type ParseError.
//
// # Where it is stricter than the official parser
//
// Some accidents of JavaScript are refused: an empty or blank type, a count of
// attachments that is not plain digits ("5 1-", "50x1-", "51e0-"), white space
// where an ack id could be ("2 [...]" is an id of 0 there), a placeholder
// whose num is a fraction, and an illegal placeholder that a later key of the
// same name hides. So are control characters in a namespace, names longer than
// Limits.MaxName and JSON deeper than Limits.MaxDepth.
//
// # The other dialect
//
// All of this is the default dialect, Text. A Parser is the seam at which Msgpack
// takes its place: there every packet is one binary message, binary stands where
// it belongs, and arguments are raw MessagePack until somebody asks.
//
// # Concurrency
//
// Everything but Packet and Assembler is safe for concurrent use. Those two
// belong to one goroutine at a time and do no locking. A Packet holds views:
// it dies with the bytes that it was parsed from, save the one that an
// Assembler returns, which owns its bytes.
package packet
