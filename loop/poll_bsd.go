//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"
)

// readiness is what an event says about a descriptor.
type readiness uint8

const (
	readyRead readiness = 1 << iota
	readyWrite
	readyHup // the peer sent FIN, or the connection is broken
)

// poll is the kernel's side of a loop: kqueue, a pipe as doorbell, and a
// runtime timer that rings it.
type poll struct {
	// Immutable after open.
	poller *netpoll.Poller
	bell   [2]int

	// Atomic: written by the timer and the loop.
	due atomic.Bool

	// Owned by the loop goroutine.
	timer      *time.Timer
	attachment netpoll.PollAttachment
}

func (p *poll) init() { p.bell = [2]int{-1, -1} }

// open makes the descriptors.
func (p *poll) open() (err error) {
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.poller, err = netpoll.OpenPoller(); err != nil {
		return err
	}
	if p.bell, err = openPipe(); err != nil {
		return err
	}
	return p.addListener(p.bell[0])
}

// openPipe makes a pipe whose ends never block.
func openPipe() (ends [2]int, err error) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return [2]int{-1, -1}, os.NewSyscallError("pipe", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return fds, os.NewSyscallError("fcntl", err)
		}
	}
	return fds, nil
}

// close gives the descriptors back; it may be called more than once.
func (p *poll) close() {
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, fd := range p.bell {
		if fd >= 0 {
			closeFD(fd)
		}
	}
	if p.poller != nil {
		_ = p.poller.Close()
	}
	p.init()
	p.poller = nil
}

// add watches a connection for everything.
func (p *poll) add(fd int) error {
	if p.poller == nil {
		return ErrNotStarted
	}
	p.attachment.FD = fd
	return p.poller.AddReadWrite(&p.attachment, true)
}

// addListener watches fd for input.
func (p *poll) addListener(fd int) error {
	p.attachment.FD = fd
	return p.poller.AddRead(&p.attachment, true)
}

// leave stops watching fd and returns the descriptor to go on with. kqueue
// forgets a descriptor only when it is closed, so that is a copy.
func (p *poll) leave(fd int) (int, error) {
	dup, err := dupFD(fd)
	if err != nil {
		return -1, err
	}
	closeFD(fd)
	return dup, nil
}

// ring may be called from any goroutine while the doorbell is not shut.
func (p *poll) ring() {
	if p.bell[1] < 0 {
		return
	}
	for {
		if _, err := unix.Write(p.bell[1], []byte{1}); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// silence empties the doorbell's pipe.
func (p *poll) silence() {
	var b [64]byte
	for {
		n, err := unix.Read(p.bell[0], b[:])
		if n < len(b) && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// arm makes the timer expire once after d; a negative d switches it off.
func (p *poll) arm(d time.Duration) {
	if d < 0 {
		p.timer.Stop()
		return
	}
	p.timer.Reset(d)
}

// run polls until the loop has to stop.
func (p *poll) run(l *Loop) error {
	p.timer = time.AfterFunc(time.Hour, func() { //nolint:forbidigo // there is no timerfd; stopped by close.
		p.due.Store(true)
		l.ring()
	})
	p.timer.Stop()
	err := p.poller.Polling(func(fd int, filter netpoll.IOEvent, flags netpoll.IOFlags) error {
		if fd != p.bell[0] {
			l.event(fd, ready(filter, flags))
			return nil
		}
		p.silence()
		stop := l.doorbell()
		if p.due.Swap(false) { // after the turn, which has made the bell ring again
			l.clock()
		}
		if stop {
			return gneterrors.ErrEngineShutdown
		}
		return nil
	})
	if errors.Is(err, gneterrors.ErrEngineShutdown) {
		return nil
	}
	return err
}

func ready(filter netpoll.IOEvent, flags netpoll.IOFlags) (r readiness) {
	if netpoll.IsReadEvent(filter) {
		r |= readyRead
	}
	if netpoll.IsWriteEvent(filter) {
		r |= readyWrite
	}
	if netpoll.IsErrorEvent(filter, flags) {
		r |= readyHup
	}
	return r
}
