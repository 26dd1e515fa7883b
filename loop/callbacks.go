package loop

import "runtime/debug"

// The handler is called only from here: each call recovers.

func (l *Loop) callOpen(c *Conn) {
	defer l.recovered(c)
	l.handler.Open(c)
}

func (l *Loop) callMoved(c *Conn, unread []byte, note any) {
	defer l.recovered(c)
	l.handler.Moved(c, unread, note)
}

func (l *Loop) callData(c *Conn, b []byte) {
	defer l.recovered(c)
	l.handler.Data(c, b)
}

func (l *Loop) callClosed(c *Conn, err error) {
	defer l.recovered(c)
	l.handler.Closed(c, err)
}

func (l *Loop) callDrained(c *Conn) {
	defer l.recovered(c)
	l.handler.Drained(c)
}

func (l *Loop) callDeadline(c *Conn) {
	defer l.recovered(c)
	l.handler.Deadline(c)
}

func (l *Loop) callTimer(t *Timer) {
	defer l.recovered(nil)
	l.handler.Timer(t)
}

func (l *Loop) callMessage(m *Message) {
	defer l.recovered(nil)
	l.handler.Message(m)
}

func (l *Loop) callDropped(m *Message) {
	defer l.recovered(nil)
	l.handler.Dropped(m)
}

func (l *Loop) callBeforeFlush() {
	defer l.recovered(nil)
	l.handler.BeforeFlush()
}

// recovered is deferred around every callback.
func (l *Loop) recovered(c *Conn) {
	v := recover()
	if v == nil {
		return
	}
	l.stats.Panics++
	if c != nil {
		c.Close(ErrPanicked)
	}
	l.callPanicked(c, v, debug.Stack())
}

// callPanicked reports a panic; a panic of the report itself is only counted.
func (l *Loop) callPanicked(c *Conn, v any, stack []byte) {
	defer func() {
		if recover() != nil {
			l.stats.Panics++
		}
	}()
	l.handler.Panicked(c, v, stack)
}
