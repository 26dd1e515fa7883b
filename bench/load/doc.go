// Package load opens many connections to a Socket.IO server from one process
// and hands over what comes back: the client side of benchmarks and soaks.
//
// What it is not: a client library. A connection joins one namespace, never
// reconnects by itself, and reads of a packet what its caller needs to count
// it. It runs on the same event loops as the server, so that it costs less than
// what it measures.
//
//	Open ──▶ dial ──▶ loop.Adopt ──▶ leg: one TCP connection
//	                                  │ WebSocket: 101 ─▶ frames ─┐
//	                                  │ GET, POST: responses ─────┤ Engine.IO packets
//	                                  ▼                           ▼
//	Conn.Send ──▶ masked frame, or the body of the next POST     Conn ──▶ Options.OnPacket
//
// A Conn on polling has two TCP connections, as a browser has: one for the GET
// that waits, one for the POSTs, which come one after the other. An upgrade
// opens a third and gives the two up.
//
// A Conn belongs to its loop: the callbacks of Options run there, and so must
// every method of a Conn. The methods of a Pool may be called from any
// goroutine.
package load
