// Package loop is the reactor: one goroutine per core that owns its sockets,
// reads them, writes them, runs timers and takes messages from elsewhere.
//
// What it is not: a network library. It knows bytes, which TLS may encrypt,
// descriptors and time; it has never heard of HTTP, WebSocket or Socket.IO. It never blocks on a
// socket, and it never calls a handler from two goroutines.
//
//	sockets ──epoll (edge)──▶ read 64 KiB ──▶ Handler.Data ─┐
//	timerfd ──────────────────────────────▶ Handler.Timer ──┤
//	Post ──▶ ring ──▶ doorbell (eventfd) ─▶ Handler.Message ┤
//	                                                        ▼ Conn.Send
//	                                    dirty list (one entry per Conn)
//	                                                        ▼ end of turn
//	       Handler.Closed ◀── closing list    BeforeFlush, one write per Conn
//
// A turn is everything between two runs of the doorbell's handler. Whatever
// needs the end of a turn (a queued byte, a close, a message) rings the loop's
// own doorbell once; its event arrives with the next poll. Connections that
// were accepted and descriptors that were closed meet only there, at most once
// per batch of events, so no event of a batch reaches a descriptor number that
// was handed out again within it.
//
// Without epoll and kqueue (HasDescriptors) a loop has no sockets but Pipes, of
// which goroutines are the other ends.
//
// Concurrency: methods of Reactor, and Loop's ID, Reactor, OnLoop, Post and
// TryPost, may be called from any goroutine. Everything else belongs to the
// goroutine of the loop, which is the one that runs the Handler's methods.
// With the build tag gannetdebug that claim is checked at every call and the
// read buffer is overwritten after every Data.
package loop
