//go:build amd64 || arm64

package main

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	maxFDs    = 32 << 10
	readBytes = 64 << 10 // as the reactor's

	// watched is how the reactor registers a connection.
	watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xFFFFFFFF
)

var errStopped = errors.New("stopped")

// A server is the listening socket, the poller and every connection. One
// goroutine owns it.
type server struct {
	addr    string
	ep, ln  int
	timeout int         // of one wait, in ms; -1 but in tests
	stop    func() bool // nil but in tests

	conns  []conn  // by descriptor
	all    []int32 // descriptors of open WebSockets
	rooms  map[string]*room
	in     []byte
	events [256]unix.EpollEvent
}

// A conn is one connection; the zero value is none.
type conn struct {
	state state
	index int32 // in server.all, while it is open
	more  *more // nil while there is none
}

type state uint8

const (
	gone state = iota
	greeting
	open
)

// more is what an idle connection does not have.
type more struct {
	rest  []byte // of a frame or request that is not complete
	rooms []*room
}

// A room has the descriptors of its members.
type room struct {
	name    string
	members []int32
}

// listen binds addr, an IPv4 address with port.
func listen(addr string) (*server, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().Is4() {
		return nil, fmt.Errorf("-addr %s: want an IPv4 address and a port", addr)
	}
	s := &server{
		timeout: -1, conns: make([]conn, maxFDs), all: make([]int32, 0, maxFDs),
		rooms: map[string]*room{}, in: make([]byte, readBytes),
	}
	if s.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if s.ln, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(s.ln, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(s.ln, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), // accepted sockets inherit it
		unix.Bind(s.ln, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}),
		unix.Listen(s.ln, unix.SOMAXCONN),
	)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	sa, err := unix.Getsockname(s.ln)
	if err != nil {
		return nil, fmt.Errorf("getsockname: %w", err)
	}
	if in4, ok := sa.(*unix.SockaddrInet4); ok {
		s.addr = netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port)).String()
	}
	if errno := sysAdd(s.ep, s.ln, unix.EPOLLIN); errno != 0 {
		return nil, fmt.Errorf("epoll_ctl: %w", errno)
	}
	return s, nil
}

// run serves until the poller fails.
func (s *server) run() error {
	for {
		n, errno := sysWait(s.ep, s.events[:], s.timeout)
		if errno != 0 && errno != unix.EINTR {
			return fmt.Errorf("epoll_pwait: %w", errno)
		}
		if s.stop != nil && s.stop() {
			return errStopped
		}
		if errno != 0 {
			continue
		}
		for i := range n {
			e := &s.events[i]
			switch {
			case int(e.Fd) == s.ln:
				s.accept()
			case e.Events&^unix.EPOLLOUT != 0:
				s.readable(int(e.Fd), e.Events&^(unix.EPOLLIN|unix.EPOLLOUT) != 0)
			}
		}
	}
}

// accept takes every connection that waits.
func (s *server) accept() {
	for {
		fd, errno := sysAccept(s.ln)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return // nothing waits, or there is no descriptor left
		}
		if fd >= len(s.conns) || sysAdd(s.ep, fd, watched) != 0 {
			sysClose(fd)
			continue
		}
		s.conns[fd] = conn{state: greeting}
	}
}

// readable reads until a read comes back short, and to the end if it was
// announced.
func (s *server) readable(fd int, hup bool) {
	for s.conns[fd].state != gone {
		n, errno := sysRead(fd, s.in)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return
		case errno != 0 || n == 0:
			s.close(fd)
		default:
			s.input(fd, s.in[:n])
			if n < len(s.in) && !hup {
				return
			}
		}
	}
}

// send makes one call for one frame. Only if the kernel refuses bytes, which
// no measured scenario makes it do, it waits for room.
func (s *server) send(fd int, b []byte) {
	for {
		n, errno := sysSend(fd, b)
		if errno == 0 {
			if b = b[n:]; len(b) == 0 {
				return
			}
		}
		switch errno {
		case 0, unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
		case unix.EINTR:
		default:
			return // reading will find out as well
		}
	}
}

func (s *server) close(fd int) {
	c := &s.conns[fd]
	if c.state == open {
		last := s.all[len(s.all)-1]
		s.all[c.index] = last
		s.conns[last].index = c.index
		s.all = s.all[:len(s.all)-1]
	}
	for c.more != nil && len(c.more.rooms) > 0 {
		s.leave(fd, c.more.rooms[0].name)
	}
	*c = conn{}
	sysClose(fd)
}
