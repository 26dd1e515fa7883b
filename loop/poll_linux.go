package loop

import (
	"errors"
	"os"
	"time"

	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"
)

// balances says that SO_REUSEPORT spreads connections over its listeners.
const balances = true

// readiness is what an event says about a descriptor.
type readiness uint8

const (
	readyRead readiness = 1 << iota
	readyWrite
	readyHup // the peer sent FIN, or the connection is broken
)

// poll is the kernel's side of a loop: epoll, an eventfd as doorbell and a
// timerfd. All three are edge-triggered and the latter two never read.
type poll struct {
	// Immutable after open.
	poller *netpoll.Poller
	bell   int
	clock  int

	// Owned by the loop goroutine.
	attachment netpoll.PollAttachment
}

var one = [8]byte{1} // any non-zero count does, in either byte order

func (p *poll) init() { p.bell, p.clock = -1, -1 }

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
	if p.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if p.clock, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	return errors.Join(p.addListener(p.bell), p.addListener(p.clock))
}

// close gives the descriptors back; it may be called more than once.
func (p *poll) close() {
	if p.bell >= 0 {
		closeFD(p.bell)
	}
	if p.clock >= 0 {
		closeFD(p.clock)
	}
	if p.poller != nil {
		_ = p.poller.Close()
	}
	p.bell, p.clock, p.poller = -1, -1, nil
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

// leave stops watching fd and returns the descriptor to go on with.
func (p *poll) leave(fd int) (int, error) { return fd, p.poller.Delete(fd) }

// ring may be called from any goroutine while the doorbell is not shut.
func (p *poll) ring() {
	if p.bell < 0 {
		return
	}
	for {
		if _, err := unix.Write(p.bell, one[:]); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// arm makes the timer expire once after d; a negative d switches it off.
func (p *poll) arm(d time.Duration) {
	var spec unix.ItimerSpec
	if d >= 0 {
		spec.Value = unix.NsecToTimespec(max(int64(d), 1))
	}
	_ = unix.TimerfdSettime(p.clock, 0, &spec, nil)
}

// run polls until the loop has to stop.
func (p *poll) run(l *Loop) error {
	err := p.poller.Polling(func(fd int, ev netpoll.IOEvent, _ netpoll.IOFlags) error {
		switch fd {
		case p.bell:
			if l.doorbell() {
				return gneterrors.ErrEngineShutdown
			}
		case p.clock:
			l.clock()
		default:
			l.event(fd, ready(ev))
		}
		return nil
	})
	if errors.Is(err, gneterrors.ErrEngineShutdown) {
		return nil
	}
	return err
}

func ready(ev netpoll.IOEvent) (r readiness) {
	if ev&netpoll.ReadEvents != 0 {
		r |= readyRead
	}
	if ev&netpoll.WriteEvents != 0 {
		r |= readyWrite
	}
	if ev&(unix.EPOLLRDHUP|netpoll.ErrEvents) != 0 {
		r |= readyHup
	}
	return r
}
