// Package parity holds the server to the behaviour of the Node server: [Rows]
// says of each row of the compatibility table which transcript or test shows
// it. The transcripts are in testdata, and are replayed byte by byte over TCP.
//
// # What it is not
//
// It is no client and no fuzzer: a transcript says what is sent and what comes
// back, once. The codecs have tests of their own; here everything goes through
// a real server on loopback.
//
// # Data flow
//
//	testdata/*.txt ─▶ parse ─▶ steps ─▶ player ─▶ TCP ─▶ a server of sio in this
//	      ▲                                │             process (default), or any
//	      └── Rows: row ─▶ files           │             other: see below
//	                                       └──◀ bytes compared, placeholders captured
//
// # Transcripts
//
// A line is empty, a # comment, a directive, or a step. Directives come first:
//
//	row 1.3/POST ok                    a row that it stands for; repeatable
//	only gannet WHY                    not for the Node server; or: only reference WHY
//	set pingInterval=300               an option of the server, named as in Node; repeatable
//	fresh                              a server that no other transcript uses
//
// A step is the name of a connection, a sign and what goes with it. Indented
// lines that begin with the same sign go on with it. The part of a name before
// a dot is the client: c and c.post are two connections of client c, which
// share the captured values.
//
//	c > GET /socket.io/?EIO=4          a request. HTTP/1.1 and Host are added; so
//	  > Name: value                    is Content-Length if there is a body, which
//	  >                                follows an empty line
//	  > body
//	c > UPGRADE /socket.io/?EIO=4      a GET with the headers of a WebSocket handshake
//	c > text 2probe                    a frame, masked: text, binary, cont, ping, pong,
//	  > binary 01 02 03                or close with code and reason; frames of one step
//	                                   leave in one write
//	c > text(more,rsv=4) 4a            … more: not the last fragment; unmasked; rsv=N;
//	                                   op=N; len=N: the declared length; wide=2 or 8:
//	                                   its size in bytes
//	c > bytes GET / HTTP/1.1\x0d\x0a   anything
//	c > fin, c > reset, c > hangup     the end of the connection
//
//	c < HTTP/1.1 200 OK                a response, whole and in this order; Date, Keep-Alive
//	  < Content-Length: 2              and Connection: keep-alive are not looked at
//	  <
//	  < ok
//	c < poll 2                         the same for the usual responses: poll PAYLOAD,
//	                                   ok (of a POST), error CODE MESSAGE, empty STATUS
//	                                   TEXT, refused MESSAGE (of an upgrade), upgraded
//	c < text 3probe                    a frame
//	c < closed 1009                    a close frame; the client answers it and hangs up
//	c < eof                            the end of the connection
//	c * 40{"sid":"{id}"}               packets, one a line, that the client polls for until
//	  * 42["welcome",{any}]            all have come, in whatever number of responses
//
//	c ~ disconnect transport close     the reason that the server's application sees, for
//	                                   {id} in /; or: disconnect /custom {other} REASON
//	c ~ disconnecting REASON ["a"]     the same, when the socket is still in its rooms
//	c ~ error                          it sees an error event of {id} in /; or of another
//	c ~ shutdown                       the server is told to shut down (fresh only)
//	c ~ mark, c ~ waited 290ms         at least so long has gone by since the mark
//
//	c do polling                       the steps of testdata/do/polling.txt, @ being c
//
// In the text, \xNN is a byte and {x*100} a hundred x. {name} captures an id of
// 20 characters where it first appears in what the server sends, and stands for
// it from then on; {offset…} captures one of any length. {c/name} is that of client c. {any} matches anything, {n} a
// number, {addr} is the server's address.
//
// Where a transcript sets pingInterval, pings that it does not expect are passed
// over.
//
// At its end a transcript shows, by a WebSocket ping or an empty buffer, that
// nothing else was sent.
//
// # Against other servers
//
// GANNET_PARITY_CMD is a command that serves a profile, run from the root of
// the module with the flags of cmd/testbed, and GANNET_PARITY_ADDR the address
// of a running server, for the transcripts without options. Both mean the Node
// server unless GANNET_PARITY_SERVER is "gannet":
//
//	GANNET_PARITY_CMD='node e2e/reference/testbed.mjs' go test ./internal/parity
//
// # Concurrency
//
// Transcripts run side by side, on servers that those with the same options
// share. Each is played by one goroutine.
package parity
