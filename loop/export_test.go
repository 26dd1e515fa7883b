//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"crypto/tls"
	"unsafe"
)

// Faults makes system calls of a loop fail; nil functions let all through.
type Faults struct {
	OnRead   func(fd int) error
	OnWrite  func(fd int) error
	OnAccept func() error
	OnWatch  func(fd int) error
}

func (f *Faults) Read(fd int) error  { return call(f.OnRead, fd) }
func (f *Faults) Write(fd int) error { return call(f.OnWrite, fd) }
func (f *Faults) Watch(fd int) error { return call(f.OnWatch, fd) }

func (f *Faults) Accept() error {
	if f.OnAccept == nil {
		return nil
	}
	return f.OnAccept()
}

func call(f func(int) error, fd int) error {
	if f == nil {
		return nil
	}
	return f(fd)
}

// SetFaults must be called on the loop.
func (l *Loop) SetFaults(f *Faults) {
	if l.faults = nil; f != nil {
		l.faults = f
	}
}

// Readable makes the loop read c as after an event.
func (c *Conn) Readable() { c.loop.readAgain(c) }

// Writable makes the loop write what c has queued as after an event.
func (c *Conn) Writable() { c.loop.writable(c) }

// Posted counts the messages in the ring.
func (l *Loop) Posted() int { return l.messages.Len() }

// What a Conn, a Timer and a Message cost. A cell of the ring is a Message and
// its sequence.
const (
	ConnSize    = unsafe.Sizeof(Conn{})
	TimerSize   = unsafe.Sizeof(Timer{})
	MessageSize = unsafe.Sizeof(Message{})
)

// FarTimers counts the armed timers that only the sweep looks at.
func (l *Loop) FarTimers() int { return l.timers.far }

// TimerTable returns the lengths of the table and of its free list.
func (l *Loop) TimerTable() (slots, free, heap int) {
	return l.timers.at.Len() - 1, len(l.timers.free), len(l.timers.heap)
}

// Deferred counts the references waiting for the end of the turn.
func (l *Loop) Deferred() int { return len(l.deferred) }

// Limits of the implementation that tests reach for.
const (
	EarlyFlush  = earlyFlush
	LingerBytes = lingerBytes
	MaxAhead    = maxAhead
	MaxWrite    = maxWrite
	SlotReserve = slotReserve
)

// HandshakesActive counts the handshakes that have a goroutine.
func (r *Reactor) HandshakesActive() int {
	r.handshakes.mu.Lock()
	defer r.handshakes.mu.Unlock()
	return len(r.handshakes.active)
}

// LendsTLSBuffers tells whether crypto/tls is lent its buffers.
func LendsTLSBuffers() bool {
	raw, _ := buffers(&tls.Conn{})
	return raw != nil
}

// TLSKept returns the capacity of the buffers that crypto/tls has of its own for
// c, -1 where nobody knows, and the bytes that are kept of a record.
func (c *Conn) TLSKept() (own, part int) {
	t := c.aux.tls
	if t.part != nil {
		part = len(t.part.B)
	}
	raw, hand := buffers(t.conn)
	if raw == nil {
		return -1, part
	}
	return raw.Cap() + hand.Cap(), part
}
