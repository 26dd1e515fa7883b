// Package wsconform is a list of what a WebSocket server must do, numbered like
// the cases of the Autobahn suite, which asks the same questions: framing (1),
// pings (2), reserved bits (3), opcodes (4), fragments (5), UTF-8 (6), closes
// (7), sizes (9), fragments of 1300 bytes (10) and compression (12, 13). Its
// tests play the list over TCP against an echo server.
//
// # What it is not
//
// The Autobahn suite: the cases were written anew, and judge more strictly.
// Echoes are compared byte for byte, frames of the server must be well-formed,
// and where it has agreed on a window, no match may reach beyond that. Numbers
// from 13.8 on are cases of our own: every window, offers that must be declined,
// and messages of which only some are compressed.
//
// # Data flow
//
//	List ──▶ Case ──▶ Scripts: bytes to write, events to wait for ─┐
//	           │                                                   ├─▶ echo server
//	           └────▶ Traffic: so many messages of such a size ────┘      │
//	Numbering: no number may be missing                                   │
//	Outcomes: the best first ◀── events, close code, end of the connection┘
//
// testdata/cases.txt is the list for readers; a test keeps it true.
//
// # Concurrency
//
// The list is made anew by every call of List and belongs to its caller.
package wsconform
