// Package polling is Engine.IO over HTTP long-polling without any I/O: the
// codecs of the payloads of protocol revisions 4 and 3 and of JSONP, the rule
// of one GET and one POST per session, the responses byte by byte, content
// codings, CORS, the session cookie and the same-origin check.
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
//	revision 3: CheckPost3 ──▶ ValidUTF8Text (text framing) ──▶ Reader3.Next
//	JSONP:      DecodeJSONP, and then as above
//
//	packets ──▶ AppendPacketText / AppendBinaryPacket, Separator ──▶ payload
//	        └─▶ AppendText3 / AppendBinary3, nothing between ────────▶ │
//	                                      (AppendJSONP, Compressor) ──▶│
//	GET ──▶ Exchange.StartGet ── Park … Exchange.TakeGet ──▶ AppendPoll ──▶ bytes
//	              └─ Overlap ──▶ AppendEmpty(400)
//
//	Origin ──▶ CheckOrigin (no CORS configured)
//	       └─▶ CORS.AppendHeaders / CORS.AppendPreflight
//
// # Where revision 3 is stricter than the reference
//
// Lengths are plain digits and do not lie, every packet has a type that exists,
// and base64 is base64. The reference passes over packets of no known type,
// cuts a binary packet that is too short, and reads whatever JavaScript takes
// for a number.
//
// # Concurrency
//
// A CORS and a Cookie are immutable and may be shared. Everything else belongs
// to one goroutine at a time. Views returned by the codec are borrowed from
// the payload, which decoding base64 overwrites in place.
package polling
