package loop

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"syscall"
)

const (
	// acceptBatch is how many connections are accepted before others get a turn.
	acceptBatch = 64

	// acceptPause is how long, in ms, accepting rests after running out of
	// descriptors or memory.
	acceptPause = 100
)

// refusal is sent to connections above MaxConns.
const refusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// listener is one listening socket of one loop.
type listener struct {
	// Immutable.
	fd   int
	deal bool        // connections are dealt out to all loops
	tls  *tls.Config // nil for clear text

	// Owned by the loop goroutine.
	ready bool // connections may wait
}

// acceptReady accepts from every listener that has something.
func (l *Loop) acceptReady() {
	for _, ln := range l.listeners {
		if ln.ready && !l.rest.Armed() {
			l.accept(ln)
		}
	}
}

// accept takes up to one batch of connections.
func (l *Loop) accept(ln *listener) {
	for range acceptBatch {
		fd, err := l.acceptOne(ln)
		switch {
		case err == nil:
			l.admit(fd, ln)
		case errors.Is(err, syscall.EAGAIN):
			ln.ready = false
			return
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ECONNABORTED), errors.Is(err, syscall.EPROTO):
			l.stats.AcceptErrors++
		default:
			l.restAccept(err)
			return
		}
	}
	l.requestAnother()
}

func (l *Loop) acceptOne(ln *listener) (int, error) {
	if l.faults != nil {
		if err := l.faults.Accept(); err != nil {
			return -1, err
		}
	}
	return sysAccept(ln.fd)
}

// admit decides about one accepted descriptor.
func (l *Loop) admit(fd int, ln *listener) {
	if !l.reactor.reserve() {
		l.refuse(fd, ln.tls == nil)
		return
	}
	l.stats.Accepted++
	dst := l
	if ln.deal {
		dst = l.reactor.nextLoop()
	}
	if dst == l {
		l.open(fd, ln.tls)
		return
	}
	m := Message{Kind: kindAccept, Arg: uint32(fd), Obj: ln.tls}
	if dst.post(m) != nil {
		l.drop(&m)
	}
}

// open makes a connection of an accepted descriptor.
func (l *Loop) open(fd int, cfg *tls.Config) {
	if err := l.watch(fd); err != nil {
		l.stats.AcceptErrors++
		l.reactor.conns.Add(-1)
		closeFD(fd)
		return
	}
	c := &Conn{loop: l, fd: int32(fd)}
	l.add(c)
	if cfg != nil {
		l.startTLS(c, cfg)
		return
	}
	l.callOpen(c)
}

// watch registers a connection with the poller.
func (l *Loop) watch(fd int) error {
	if l.faults != nil {
		if err := l.faults.Watch(fd); err != nil {
			return err
		}
	}
	return l.poll.add(fd)
}

// refuse answers a connection above the cap, in clear text, and closes it.
func (l *Loop) refuse(fd int, answer bool) {
	l.stats.RefusedCap++
	if answer {
		n := copy(l.scratch, refusal)
		_, _ = sysSend(fd, l.scratch[:n])
	}
	_ = shutdownWrite(fd)
	_, _ = sysRead(fd, l.scratch) // unread input would turn the close into a reset
	closeFD(fd)
}

// restAccept stops accepting for a while after err.
func (l *Loop) restAccept(err error) {
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS),
		errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EPERM):
		l.stats.RefusedEMFILE++
	default:
		l.stats.AcceptErrors++
	}
	now := l.Now()
	if l.acceptLogged == 0 || now-l.acceptLogged >= 1000 {
		l.acceptLogged = max(now, 1)
		l.log.Warn("loop: accepting rests", slog.Int("loop", l.id), slog.Any("err", err))
	}
	l.rest.internal = true
	l.SetTimer(&l.rest, now+acceptPause)
}

// resumeAccept runs when the rest is over.
func (l *Loop) resumeAccept() { l.requestTurn() }

// nextLoop deals loops out in turn.
func (r *Reactor) nextLoop() *Loop {
	return r.loops[r.deal.Add(1)%uint32(len(r.loops))]
}
