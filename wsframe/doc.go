// Package wsframe turns bytes into WebSocket messages and messages into bytes
// (RFC 6455), and checks and answers the opening handshake.
//
// What it is not: a connection. It never touches a socket, starts a goroutine
// or reads a clock, and it negotiates no extension. Deadlines, ping rates and
// the closing handshake belong to the caller, who learns from Reader.Partial
// that a peer owes the rest of a message.
//
//	bytes ──▶ Reader.Next ──▶ Message, Message, …        whole frame in b: unmasked
//	             │  └── *CloseError: send it, close      in place, Payload aliases b
//	             └── piece of a frame or message ──▶ one pooled buffer
//
//	request ──▶ CheckUpgrade ──▶ AppendAccept ──▶ 101
//	                 └── *HandshakeError ──▶ 400, 405
//	payload ──▶ AppendFrame, PutHeader, AppendClose ──▶ bytes
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
// Concurrency: a Config is immutable and shared; a Reader belongs to one
// goroutine at a time; the functions are pure.
package wsframe
