// Package sio is a Socket.IO server: protocol revision 5 over Engine.IO 4, as
// the official clients of version 3 and 4 speak it, on long-polling and
// WebSocket.
//
// What it is not: a client, and not a port of the Node server's objects. Its
// options, events and semantics carry over; its shape is Go's.
//
//	srv, err := sio.NewServer(nil)
//	srv.Handle("chat", func(e *sio.Event) error {
//		return e.Socket().To("room").Emit("chat", e.Args()...)
//	})
//	srv.ListenAndServe(":3000")
//
// The data flow:
//
//	client ──packet──▶ event loop ──▶ handler on a worker, in order (default)
//	                       │     └──▶ Inline handler, at once and on the loop
//	                       ▼
//	Emit, To(…).Emit ──▶ one encoded packet ──▶ each loop ──▶ its sockets,
//	                     joined into one write per socket at the end of the turn
//
// Concurrency: every method may be called from any goroutine at any time,
// unless it says otherwise. What one goroutine does to one socket or namespace
// takes effect in the order in which it did it: Join, then Emit. A handler on
// a worker may block, and delays only later events of its own socket. A
// handler on the loop (Inline) must not block; calls that would have to wait
// there return ErrOnLoop.
//
// Start with the example of Server.
package sio
