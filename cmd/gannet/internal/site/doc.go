// Package site serves the pages of gannet serve on the port of the Socket.IO
// server: the chat, the figures, and what a load balancer asks.
//
// What it is not: part of the protocol. It sees only requests that are not for
// the path of the Socket.IO server.
//
//	GET /            chat.html ──┐ templates: the server's path, and whether the
//	GET /stats       stats.html ─┘ browser client is there
//	GET /stats.json  figures.Report, ?since= for what is new
//	GET /assets/…    styles and scripts, with an ETag
//	GET /healthz     200 as long as the process runs
//	GET /readyz      200, or 503 once Drain was called
//
// Concurrency: a Site may be used from any goroutine.
package site
