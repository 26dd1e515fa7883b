// Package attack holds the tests that attack a server on its wire: what a
// hostile client or a broken network does, and what the server must show.
//
// # What it is not
//
// It has no code that a server needs, and nothing imports it. The tests of the
// decoders attack with more inputs than can be sent over sockets; Rows says
// which row of the list is tested where.
//
// # Data flow
//
//	attacker ──hostile bytes──▶ ┌────────────────┐ ◀──echo── a bystander
//	         ◀──what it gets─── │ real server    │ ──────▶   on every loop
//	                            │ on loopback    │
//	                            └────────────────┘
//	                              │ Stats: a counter went up, sessions and
//	                              ▼ connections are back where they were
//	                            packets: none is alive when the server is gone
//
// # Concurrency
//
// Every test has a server of its own and runs in parallel to the others.
// Packets are counted by the process: they are compared whenever no server is
// left, so with -parallel 1 after each test.
package attack
