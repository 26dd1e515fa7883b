// Package polling is Engine.IO over HTTP long-polling without any I/O: the
// codec of protocol revision 4 payloads, the rule of one GET and one POST per
// session, the responses byte by byte, CORS, the session cookie and the
// same-origin check.
//
// # What it is not
//
// It is not an HTTP parser (see internal/http1), it holds no session state
// beyond who waits for what (see internal/eio), reads no clock, opens no
// socket and starts no goroutine.
//
// # Data flow
//
//	POST body ──▶ CheckPost ──▶ ValidUTF8Text ──▶ Reader.Next ──▶ Packet…
//
//	packets ──▶ AppendPacketText / AppendBinaryPacket, Separator ──▶ payload
//	                                                                   │
//	GET ──▶ Exchange.StartGet ── Park … Exchange.TakeGet ──▶ AppendPoll ──▶ bytes
//	              └─ Overlap ──▶ AppendEmpty(400)
//
//	Origin ──▶ CheckOrigin (no CORS configured)
//	       └─▶ CORS.AppendHeaders / CORS.AppendPreflight
//
// # Concurrency
//
// A CORS and a Cookie are immutable and may be shared. Everything else belongs
// to one goroutine at a time. Views returned by the codec are borrowed from
// the payload, which decoding base64 overwrites in place.
package polling
