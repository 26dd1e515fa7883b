package loop

// stop makes the loop end.
func (l *Loop) stop(started bool) {
	if l.stopping.Swap(true) {
		return
	}
	if started && !l.driven {
		l.ring()
		return
	}
	l.teardown()
}

// teardown runs when the loop has ended: it closes every connection, drops
// every message and gives everything back. The order matters: nothing can be
// posted after the ring is closed, and nobody writes the doorbell after it is
// shut.
func (l *Loop) teardown() {
	cause := ErrShutdown
	if !l.stopping.Load() {
		cause = ErrFailed
	}
	l.closeListeners()
	l.closeAll(cause)
	l.messages.Close()
	if l.overflowed.Load() > 0 {
		l.reactor.ringOthers(l) // they hold messages that nobody will take
	}
	l.messages.Drain(func(m Message) { l.drop(&m) })
	l.wake()
	l.stopped = true
	l.retryOverflow() // for the last time
	for id := range l.overflow {
		if b := &l.overflow[id]; b.len() > 0 {
			l.dropAll(b)
			l.reactor.loops[id].overflowed.Add(-1)
		}
	}
	l.runClosing()
	l.release(0)
	l.closeDead()
	l.freeFrames, l.dirty, l.again = nil, nil, nil
	l.shutBell()
	l.poll.close()
	l.published.publish(&l.stats)
}

// closeAll closes every connection, those that callbacks leave behind
// included.
func (l *Loop) closeAll(cause error) {
	for _, c := range l.conns {
		if c != nil {
			c.Close(cause)
		}
	}
	for _, c := range l.fakes {
		c.Close(cause)
	}
	l.runClosing()
}
