// Package http1 reads HTTP/1.1 requests and writes HTTP/1.1 responses as plain
// bytes: an incremental, strict head parser, a body reader that yields views of
// its input, and append-style response writers.
//
// # What it is not
//
// It is not an HTTP server or client, it performs no I/O, keeps no time, starts
// no goroutine and buffers nothing. It accepts only origin-form targets, CRLF
// line ends and the framing that two readers cannot understand differently;
// whatever it accepts, net/http reads the same way.
//
// # Data flow
//
//	bytes so far ──▶ MatchPath ──▶ ours / not ours / not yet known
//	     │
//	     ▼
//	HeadParser.Parse ──▶ Request (views of the input) ──▶ QueryBytes
//	     │ n bytes
//	     ▼
//	Body.Init, Body.Next ──▶ data (views of the input), rest
//
//	ResponseHead ──▶ AppendResponse / AppendFull ──▶ dst
//
// # Concurrency
//
// No type here is safe for concurrent use; distinct values are independent.
// Package-level tables are never written after start-up. Everything that a
// Request or a Body hands out is borrowed: it is valid until the bytes given to
// Parse or Next are reused.
package http1
