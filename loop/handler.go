package loop

// A Handler is what the owner of a loop makes of its events. There is one per
// loop, and every method runs on that loop's goroutine, one at a time. A panic
// in any of them is recovered and closes the connection concerned; the loop
// goes on.
type Handler interface {
	// Open is called for every accepted connection; if it is encrypted, when
	// the TLS handshake has succeeded.
	Open(c *Conn)

	// Moved is called for a connection that was adopted or that arrived from
	// another loop. unread is borrowed until the method returns.
	Moved(c *Conn, unread []byte, note any)

	// Data delivers bytes. b is borrowed until the method returns and may be
	// changed in place; the handler consumes all of it.
	Data(c *Conn, b []byte)

	// Closed is called exactly once for every connection that was opened or
	// moved here, unless it was detached or moved away. err is io.EOF when the
	// peer closed, the errno of a failure, or the error given to Close.
	Closed(c *Conn, err error)

	// Drained is called when the queue became empty after the kernel had
	// refused bytes.
	Drained(c *Conn)

	// Deadline is called when the deadline of c passed; it is cleared before.
	Deadline(c *Conn)

	// Timer is called when t fired; it is stopped before. t.Kind says what t is
	// embedded in.
	Timer(t *Timer)

	// Message delivers what was posted. m is borrowed until it returns.
	Message(m *Message)

	// Dropped is called instead of Message for what was posted and cannot be
	// delivered because the loop has stopped: release what m holds. Kind is
	// KindMoved, and Obj the note, for a connection that was on its way here.
	Dropped(m *Message)

	// BeforeFlush is called at every end of turn, before queued bytes are
	// written. It may Send.
	BeforeFlush()

	// Panicked is told about a panic in a callback. where is the connection
	// concerned, already closing, or nil.
	Panicked(where *Conn, v any, stack []byte)
}
