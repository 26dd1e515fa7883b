package engine

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"
)

// A Handshake is the first request of a session in one allocation: where it
// came from, when, and its head as it was on the wire. It is split when it is
// read. It is immutable and may be read from any goroutine; the zero value is
// one that was dropped.
//
//	| length 4 | address 16 | port 2 | Unix ms 8 | flags 1 | head … |
type Handshake struct {
	packed *byte // the first of length bytes
}

const (
	hsAddr   = 4
	hsPort   = hsAddr + 16
	hsIssued = hsPort + 2
	hsFlags  = hsIssued + 8
	hsHead   = hsFlags + 1

	hsValid  = 1 << 0
	hsIs4    = 1 << 1
	hsSecure = 1 << 2
)

// packHandshake copies a request head and its circumstances.
func packHandshake(remote netip.AddrPort, issued time.Time, secure bool, head []byte) Handshake {
	b := make([]byte, hsHead+len(head))
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	addr := remote.Addr().As16()
	copy(b[hsAddr:], addr[:])
	binary.BigEndian.PutUint16(b[hsPort:], remote.Port())
	binary.BigEndian.PutUint64(b[hsIssued:], uint64(issued.UnixMilli()))
	if remote.Addr().IsValid() {
		b[hsFlags] |= hsValid
	}
	if remote.Addr().Is4() {
		b[hsFlags] |= hsIs4
	}
	if secure {
		b[hsFlags] |= hsSecure
	}
	copy(b[hsHead:], head)
	return Handshake{unsafe.SliceData(b)}
}

// IsZero tells whether the handshake was dropped.
func (h Handshake) IsZero() bool { return h.packed == nil }

// Head returns a copy of the request head as it was on the wire.
func (h Handshake) Head() string {
	if h.IsZero() {
		return ""
	}
	return string(h.bytes()[hsHead:])
}

// Remote returns the address of the client: of the TCP peer, or what a
// trusted proxy said.
func (h Handshake) Remote() netip.AddrPort {
	if h.IsZero() || h.bytes()[hsFlags]&hsValid == 0 {
		return netip.AddrPort{}
	}
	b := h.bytes()
	addr := netip.AddrFrom16([16]byte(b[hsAddr:hsPort]))
	if b[hsFlags]&hsIs4 != 0 {
		addr = addr.Unmap()
	}
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[hsPort:]))
}

// Issued returns when the request arrived.
func (h Handshake) Issued() time.Time {
	if h.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(h.bytes()[hsIssued:])))
}

// Secure tells whether the client's connection was encrypted.
func (h Handshake) Secure() bool {
	return !h.IsZero() && h.bytes()[hsFlags]&hsSecure != 0
}

// bytes returns all that is packed.
func (h Handshake) bytes() []byte {
	n := binary.BigEndian.Uint32(unsafe.Slice(h.packed, 4))
	return unsafe.Slice(h.packed, n)
}
