// Package wsframe turns bytes into WebSocket messages and messages into bytes
// (RFC 6455), compressed or not (RFC 7692), and checks and answers the opening
// handshake.
//
// What it is not: a connection. It never touches a socket, starts a goroutine
// or reads a clock. Deadlines, ping rates and
// the closing handshake belong to the caller, who learns from Reader.Partial
// that a peer owes the rest of a message.
//
//	bytes ──▶ Reader.Next ──▶ Message, Message, …        whole frame in b: unmasked
//	             │  │  └── *CloseError: send it, close   in place, Payload aliases b
//	             │  └── RSV1 ──▶ Inflater ──▶ Message     once all of it is there
//	             └── piece of a frame or message ──▶ one pooled buffer
//
//	request ──▶ CheckUpgrade ──▶ AppendAccept ──▶ 101    NegotiateDeflate adds a line
//	                 └── *HandshakeError ──▶ 400, 405
//	payload ──▶ AppendFrame, PutHeader, AppendClose ──▶ bytes
//	frames ───▶ Deflater ──▶ compressed frames            once for all receivers
//
// A frame, as it arrives from a client:
//
//	0             1             2                        +0/2/8
//	|F|RSV|opcode|M| length 7  | length 16 or 64 (126/127) | key 4 | payload ^ key
//
// Every rule that the header alone can break is checked before anything is
// allocated, as soon as the bytes that break it are there. Text is checked as
// it arrives, so that the first impossible byte ends the connection even in
// the middle of a frame.
//
// Compression keeps no context from one message to the next, in either
// direction: a compressor that remembers would cost every connection most of a
// megabyte, and no frame could be shared by the members of a room. A compressed
// message is gathered as it comes and inflated when it is whole, so that a peer
// has the server hold what it has sent and never what that would become; the
// inflated message exists once per goroutine. A message that is too long for
// Config.MaxMessage is refused before both together have taken more than that
// and 64 KiB, for which one that nearly is has its length counted first. What a secret and a text of the attacker's choice share in
// one message shows in its length (as with CRIME and BREACH), so an application
// that mixes them must not compress.
//
// Concurrency: a Config is immutable and shared, save one with an Inflater,
// which like a Deflater belongs to one goroutine; a Reader belongs to one
// goroutine at a time; the functions are pure.
package wsframe
