package loop

import "github.com/gannet-io/gannet/internal/bufpool"

// maxMessages bounds the messages of one turn, so that sockets are served in
// between.
const maxMessages = 4096

// closing is a connection whose Closed is due.
type closing struct {
	// Immutable.
	c   *Conn
	err error
}

// phase tells what a request for an end of turn means.
type phase uint8

const (
	phaseIdle    phase = iota // between ends of turn: ring
	phaseCollect              // this end of turn will see to it
	phaseBefore               // likewise, but BeforeFlush is running already
	phaseFlush                // too late: there must be another
)

// requestTurn makes sure that an end of turn comes.
func (l *Loop) requestTurn() {
	if l.wanted || l.phase == phaseCollect || l.phase == phaseBefore {
		return
	}
	l.wanted = true
	if l.phase == phaseIdle {
		l.ring()
	}
}

// requestAnother makes sure that an end of turn comes after the current one.
func (l *Loop) requestAnother() {
	if l.phase == phaseIdle {
		l.requestTurn()
		return
	}
	l.wanted = true
}

// RequestFlush makes sure that an end of turn (BeforeFlush and flush) comes.
// Called by BeforeFlush it asks for one more.
func (l *Loop) RequestFlush() {
	l.guard.check()
	if l.phase == phaseBefore {
		l.requestAnother()
		return
	}
	l.requestTurn()
}

// Defer gives up one reference of b at the end of this turn, after the flush.
func (l *Loop) Defer(b *bufpool.Buf) {
	l.guard.check()
	l.deferred = append(l.deferred, b)
	if l.reading == nil {
		l.requestTurn()
	}
}

// release gives up the references deferred since mark.
func (l *Loop) release(mark int) {
	for i, b := range l.deferred[mark:] {
		l.deferred[mark+i] = nil
		b.Release()
	}
	l.deferred = l.deferred[:mark]
}

func (l *Loop) markDirty(c *Conn) {
	if c.flags&flagDirty != 0 {
		return
	}
	c.flags |= flagDirty
	l.dirty = append(l.dirty, c)
	l.requestTurn()
}

// endTurn runs once per doorbell: messages, repeated reads, accepts, Closed,
// and then the flush. Only here descriptors are accepted and closed.
func (l *Loop) endTurn() {
	l.stats.Turns++
	l.wanted = false
	l.phase = phaseCollect
	l.bell.Store(0) // before the ring is looked at: who pushes later rings again

	l.deliverMessages()
	l.retryOverflow()
	l.repeatReads()
	l.acceptReady()
	l.runClosing()

	l.phase = phaseBefore
	l.callBeforeFlush()
	l.phase = phaseFlush
	l.flushDirty()
	l.release(0)
	l.closeDead()
	l.armTimer()

	l.phase = phaseIdle
	if l.wanted || len(l.again) > 0 || len(l.closing) > 0 {
		l.wanted = false
		l.requestTurn()
	}
}

// flushDirty writes the queue of every dirty connection. Nothing is called
// back meanwhile; failures only add to the closing list.
func (l *Loop) flushDirty() {
	if len(l.dirty) == 0 {
		return
	}
	list := l.dirty
	l.dirty = l.dirtySpare[:0]
	l.sharing = true
	for i, c := range list {
		list[i] = nil
		c.flags &^= flagDirty
		if c.flags&(flagBlocked|flagClosing|flagGone) == 0 {
			l.flush(c)
		}
	}
	l.sharing = false
	clear(l.joined)
	l.joined = l.joined[:0]
	l.dirtySpare = list[:0]
}

// runClosing calls Closed for every connection of the closing list, those
// added meanwhile included.
func (l *Loop) runClosing() {
	for i := 0; i < len(l.closing); i++ {
		e := l.closing[i]
		l.closing[i] = closing{}
		if e.c.flags&flagHandshake == 0 {
			l.callClosed(e.c, e.err)
		}
		l.bury(e.c)
	}
	l.closing = l.closing[:0]
}

// bury takes c out of the tables; its descriptor is closed after the flush.
func (l *Loop) bury(c *Conn) {
	l.remove(c)
	c.flags |= flagGone
	l.stats.Closed++
	if c.fd >= 0 {
		if c.flags&flagAdopted != 0 {
			l.reactor.adopted.Add(-1)
		}
		l.dead = append(l.dead, c.fd)
	} else {
		l.reactor.uncount(0, c.aux)
	}
	if c.aux != nil {
		l.keepAux(c.aux)
		c.aux = nil
	}
}

// closeDead closes the descriptors of buried connections.
func (l *Loop) closeDead() {
	for _, fd := range l.dead {
		closeFD(int(fd))
		l.reactor.conns.Add(-1)
	}
	l.dead = l.dead[:0]
}
