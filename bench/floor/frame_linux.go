//go:build amd64 || arm64

package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// The messages that are understood, up to their first argument.
const (
	echoEvent      = `42["echo",`
	broadcastEvent = `42["broadcast",`
	joinEvent      = `42["join","`
	leaveEvent     = `42["leave","`
	roomEvent      = `42["room",`
)

const (
	opText  = 1
	opClose = 8

	maxHeader = 4 // of a frame up to 64 KiB, without its mask
)

// input takes what was read. Frames are worked on where they are.
func (s *server) input(fd int, b []byte) {
	c := &s.conns[fd]
	if c.more != nil && len(c.more.rest) > 0 {
		b = append(c.more.rest, b...)
		c.more.rest = nil
	}
	if c.state == greeting {
		if b = s.greet(fd, b); c.state == greeting {
			return
		}
	}
	for {
		start, end, op := frame(b)
		if end == 0 {
			break
		}
		if op == opClose || end > readBytes {
			s.close(fd)
			return
		}
		if op == opText {
			s.message(fd, b[:end], start)
		}
		b = b[end:]
	}
	if len(b) > 0 {
		s.keep(fd, b)
	}
}

func (s *server) extra(fd int) *more {
	c := &s.conns[fd]
	if c.more == nil {
		c.more = new(more)
	}
	return c.more
}

func (s *server) keep(fd int, b []byte) { s.extra(fd).rest = bytes.Clone(b) }

var (
	headEnd = []byte("\r\n\r\n")
	keyName = []byte("Sec-WebSocket-Key: ")
)

const (
	accepted  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455 section 1.3
)

// greet answers the request for an upgrade, whatever its path, and returns
// what is behind it.
func (s *server) greet(fd int, b []byte) []byte {
	head, rest, ok := bytes.Cut(b, headEnd)
	if !ok {
		s.keep(fd, b)
		return nil
	}
	_, key, _ := bytes.Cut(head, keyName)
	key, _, _ = bytes.Cut(key, headEnd[:2])
	var text [64]byte
	sum := sha1.Sum(append(append(text[:0], key...), keySuffix...))
	var answer [192]byte
	a := base64.StdEncoding.AppendEncode(append(answer[:0], accepted...), sum[:])
	s.send(fd, append(a, headEnd...))
	c := &s.conns[fd]
	c.state, c.index = open, int32(len(s.all))
	s.all = append(s.all, int32(fd))
	return rest
}

// frame unmasks the first frame of b in place and returns where its payload
// starts and ends; end is 0 if it is not complete.
func frame(b []byte) (start, end int, op byte) {
	if len(b) < 6 {
		return 0, 0, 0
	}
	n, start := int(b[1]&0x7F), 6
	switch n {
	case 126:
		if len(b) < 8 {
			return 0, 0, 0
		}
		n, start = int(binary.BigEndian.Uint16(b[2:])), 8
	case 127:
		return 0, readBytes + 1, 0 // larger than anything that is measured
	}
	if end = start + n; len(b) < end {
		return 0, 0, 0
	}
	unmask(b[start:end], binary.LittleEndian.Uint32(b[start-4:]))
	return start, end, b[0] & 0xF
}

func unmask(p []byte, key uint32) {
	wide := uint64(key)<<32 | uint64(key)
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^wide)
	}
	for i := range p {
		p[i] ^= byte(key >> (8 * (i & 3)))
	}
}

// headed puts the header of an unmasked text frame in front of b[start:] and
// returns the frame. The masked frame that was there had a longer one.
func headed(b []byte, start int) []byte {
	n := len(b) - start
	if n < 126 {
		b[start-2], b[start-1] = 0x80|opText, byte(n)
		return b[start-2:]
	}
	b[start-maxHeader], b[start-3] = 0x80|opText, 126
	binary.BigEndian.PutUint16(b[start-2:], uint16(n))
	return b[start-maxHeader:]
}

// message acts on the payload b[start:].
func (s *server) message(fd int, b []byte, start int) {
	p := b[start:]
	switch {
	case has(p, echoEvent):
		s.send(fd, headed(b, start))
	case has(p, broadcastEvent):
		f := headed(b, start)
		for _, to := range s.all {
			s.send(int(to), f)
		}
	case has(p, roomEvent):
		name := quoted(p[len(roomEvent)+1:])
		r := s.rooms[string(name)]
		if r == nil {
			return
		}
		// The event's name moves up to the payload, over that of the room.
		at := start + len(roomEvent) + len(name) + 3
		at -= copy(b[at-len(roomEvent):], roomEvent)
		f := headed(b, at)
		for _, to := range r.members {
			s.send(int(to), f)
		}
	case has(p, joinEvent):
		name := string(quoted(p[len(joinEvent):]))
		s.join(fd, name)
		s.answer(fd, "joined", name)
	case has(p, leaveEvent):
		name := string(quoted(p[len(leaveEvent):]))
		s.leave(fd, name)
		s.answer(fd, "left", name)
	}
}

// answer sends an event with a name as its argument.
func (s *server) answer(fd int, event, name string) {
	b := append(make([]byte, maxHeader, 64), `42["`...)
	b = append(append(append(append(append(b, event...), `","`...), name...), '"'), ']')
	s.send(fd, headed(b, maxHeader))
}

func has(p []byte, prefix string) bool {
	return len(p) > len(prefix) && string(p[:len(prefix)]) == prefix
}

// quoted returns what is before the next quotation mark.
func quoted(p []byte) []byte {
	name, _, _ := bytes.Cut(p, []byte{'"'})
	return name
}

func (s *server) join(fd int, name string) {
	r := s.rooms[name]
	if r == nil {
		r = &room{name: name}
		s.rooms[name] = r
	}
	if m := s.extra(fd); !slices.Contains(m.rooms, r) {
		m.rooms = append(m.rooms, r)
		r.members = append(r.members, int32(fd))
	}
}

func (s *server) leave(fd int, name string) {
	r, m := s.rooms[name], s.conns[fd].more
	if r == nil || m == nil {
		return
	}
	i := slices.Index(m.rooms, r)
	if i < 0 {
		return
	}
	m.rooms = slices.Delete(m.rooms, i, i+1)
	at := slices.Index(r.members, int32(fd))
	r.members[at] = r.members[len(r.members)-1]
	if r.members = r.members[:len(r.members)-1]; len(r.members) == 0 {
		delete(s.rooms, name)
	}
}
