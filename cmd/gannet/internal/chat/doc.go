// Package chat is the server half of the chat page: rooms, messages with
// delivery receipts, typing notices and presence on one namespace.
//
// What it is not: a chat to keep. Nothing is stored, nobody is authenticated,
// and the last messages of a room live in memory.
//
//	client                        server
//	join {name, room}     ──ack──▶ {you, room, members, history} or {error}
//	message "text"        ──ack──▶ {id, seq, at, peers} or {error}
//	typing true/false     ───────▶
//	leave                 ───────▶
//	      ◀───────────── message {id, seq, from, text, at}   each peer acknowledges it
//	      ◀───────────── delivered {id, count, peers}        to the sender, for each
//	      ◀───────────── typing {id, name, on}               volatile, to the others
//	      ◀───────────── presence {room, count, members}     when somebody came or went
//	      ◀───────────── rooms [{name, members}]             to everybody
//
// presence and rooms are whole pictures, sent at most once in a while, so that
// a crowd that comes at once costs each client a few packets, not one for each
// of the crowd.
//
// Concurrency: a Chat may be used from any goroutine. Handlers run on sio's
// workers, in order for each socket; what sockets share is guarded by Chat.mu.
package chat
