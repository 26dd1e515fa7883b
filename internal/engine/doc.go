// Package engine is an Engine.IO server on the reactor: the only place where
// loop, wsframe, polling and the Engine.IO state machine meet.
//
// What it is not: it knows nothing of Socket.IO. The layer above gets
// messages and gives packets; sio is that layer, and cmd/testbed's bare
// Engine.IO profile is another.
//
//	loop.Conn ──bytes──▶ httpConn ──request──▶ Session (polling)
//	    │                   │ Upgrade                 ▲   │
//	    │                   ▼                         │   ▼
//	    └──────bytes──▶ wsframe ──frames──▶ eio.Session ──message──▶ SessionHandler
//
// A packet is a bufpool.Buf that holds whole, unmasked WebSocket frames. A
// session on WebSocket queues it as it is; a session on polling translates it
// when a GET takes it away. So a broadcast is encoded once, whatever its
// receivers speak.
//
// Concurrency: everything that belongs to a Session or a Shard is owned by
// the goroutine of its loop. Other goroutines reach a session by posting a
// message to its loop.
package engine
