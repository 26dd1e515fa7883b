package loop

import "crypto/tls"

// Post delivers m to the handler of l. It may be called from any goroutine;
// messages of one goroutine arrive in order. While the ring is full it waits,
// unless the caller is the goroutine of a loop: then m is kept there and
// passed on when there is room, so loops never wait for each other.
func (l *Loop) Post(m Message) error {
	if m.Kind >= kindReserved {
		return &OptionError{Field: "Kind", Reason: "reserved for the loop"}
	}
	return l.post(m)
}

// TryPost is Post without waiting: it returns ErrFull when the ring is full.
func (l *Loop) TryPost(m Message) error {
	if m.Kind >= kindReserved {
		return &OptionError{Field: "Kind", Reason: "reserved for the loop"}
	}
	if src := l.source(); src != nil && src.overflow[l.id].len() > 0 {
		return ErrFull
	}
	if l.messages.TryPush(m) {
		l.ring()
		return nil
	}
	return l.refused()
}

func (l *Loop) refused() error {
	if l.messages.Closed() {
		return ErrClosed
	}
	l.ringFull.Add(1)
	return ErrFull
}

func (l *Loop) post(m Message) error {
	src := l.source()
	if src != nil && src.overflow[l.id].len() > 0 {
		if l.messages.Closed() {
			return ErrClosed
		}
		src.overflow[l.id].push(m)
		return nil
	}
	if l.messages.TryPush(m) {
		l.ring()
		return nil
	}
	if err := l.refused(); err != ErrFull { //nolint:errorlint // it was made one line above.
		return err
	}
	if src == nil {
		src = l.reactor.caller(l)
	}
	switch {
	case src == nil:
	case src.stopped:
		return ErrClosed // nobody would pass it on
	default:
		src.keep(l, m)
		return nil
	}
	return l.await(m)
}

// source returns the loop whose goroutine is calling, if it may hold overflow
// for l.
func (l *Loop) source() *Loop {
	if l.overflowed.Load() == 0 {
		return nil
	}
	return l.reactor.caller(l)
}

// await waits for room. It runs on goroutines of no loop.
func (l *Loop) await(m Message) error {
	for {
		l.waitMu.Lock()
		room := l.room
		l.waiting.Add(1)
		l.waitMu.Unlock()

		pushed := l.messages.TryPush(m)
		if pushed || l.messages.Closed() {
			l.waiting.Add(-1)
			if !pushed {
				return ErrClosed
			}
			l.ring()
			return nil
		}
		l.ring()
		<-room
		l.waiting.Add(-1)
	}
}

// wake lets everybody in await try again.
func (l *Loop) wake() {
	if l.waiting.Load() == 0 {
		return
	}
	l.waitMu.Lock()
	close(l.room)
	l.room = make(chan struct{})
	l.waitMu.Unlock()
}

// keep adds m to what l holds for dst. It runs on the goroutine of l.
func (l *Loop) keep(dst *Loop, m Message) {
	if l.overflow[dst.id].len() == 0 {
		dst.overflowed.Add(1)
	}
	l.overflow[dst.id].push(m)
	// The retry of the next turn either succeeds or finds the ring full after
	// dst was told, so that dst will ring.
	l.requestAnother()
}

// retryOverflow passes on what l holds for other loops.
func (l *Loop) retryOverflow() {
	for id := range l.overflow {
		if b := &l.overflow[id]; b.len() > 0 {
			l.passOn(l.reactor.loops[id], b)
		}
	}
}

// passOn pushes what b holds to dst, as much as there is room for.
func (l *Loop) passOn(dst *Loop, b *backlog) {
	sent := 0
	for b.len() > 0 && dst.messages.TryPush(*b.first()) {
		b.pop()
		sent++
	}
	if sent > 0 {
		dst.ring()
	}
	if b.len() > 0 && dst.messages.Closed() {
		l.dropAll(b)
	}
	if b.len() == 0 {
		dst.overflowed.Add(-1)
	}
}

// dropAll disposes of what b holds.
func (l *Loop) dropAll(b *backlog) {
	for ; b.len() > 0; b.pop() {
		l.drop(b.first())
	}
}

// backlog is a FIFO of messages that found a ring full.
type backlog struct {
	// Owned by the loop goroutine.
	list []Message
	next int
}

func (b *backlog) len() int        { return len(b.list) - b.next }
func (b *backlog) first() *Message { return &b.list[b.next] }
func (b *backlog) push(m Message)  { b.list = append(b.list, m) }

// pop removes the first message; memory is given back when a large backlog
// has gone.
func (b *backlog) pop() {
	b.list[b.next] = Message{}
	b.next++
	switch {
	case b.next < len(b.list):
		if b.next >= maxMessages && b.next > len(b.list)/2 {
			n := copy(b.list, b.list[b.next:])
			clear(b.list[n:])
			b.list, b.next = b.list[:n], 0
		}
	case cap(b.list) > maxMessages:
		b.list, b.next = nil, 0
	default:
		b.list, b.next = b.list[:0], 0
	}
}

// deliverMessages delivers what is in the ring.
func (l *Loop) deliverMessages() {
	n := min(l.messages.Len(), maxMessages)
	got := 0
	for ; got < n; got++ {
		m, ok := l.messages.Pop()
		if !ok {
			break
		}
		l.receive(&m)
	}
	if got == 0 {
		return
	}
	if l.messages.Len() > 0 {
		l.requestAnother()
	}
	l.wake()
	if l.overflowed.Load() > 0 {
		l.reactor.ringOthers(l)
	}
}

// receive delivers one message.
func (l *Loop) receive(m *Message) {
	l.stats.Messages++
	switch m.Kind {
	case kindArrive:
		a, _ := m.Obj.(*arrival)
		l.arrive(a)
	case kindAccept:
		cfg, _ := m.Obj.(*tls.Config)
		l.open(int(m.Arg), cfg)
	case kindTLS:
		h, _ := m.Obj.(*handshake)
		l.handshakeMoved(h)
	case kindCall:
		q, _ := m.Obj.(*request)
		q.run()
	case kindPipe:
		p, _ := m.Obj.(*Pipe)
		l.pipeReady(p)
	default:
		l.current = *m
		l.callMessage(&l.current)
		l.current = Message{}
	}
}

// drop disposes of a message that can no longer be delivered.
func (l *Loop) drop(m *Message) {
	l.stats.Dropped++
	switch m.Kind {
	case kindArrive:
		a, _ := m.Obj.(*arrival)
		a.discard(l.reactor)
		l.callDropped(&Message{Kind: KindMoved, Obj: a.note})
	case kindAccept:
		closeFD(int(m.Arg))
		l.reactor.conns.Add(-1)
	case kindTLS, kindPipe:
	case kindCall:
		q, _ := m.Obj.(*request)
		close(q.done)
	default:
		l.callDropped(m)
	}
}
