package wsframe

import (
	"encoding/binary"
	"math/bits"
)

// HeaderLen returns the length of the header of an unmasked frame with a
// payload of n bytes: 2, 4 or 10.
func HeaderLen(n int) int {
	switch {
	case n < len16:
		return 2
	case n <= maxLen16:
		return 4
	default:
		return MaxHeader
	}
}

// AppendHeader appends the header of an unmasked, unfragmented frame whose
// payload of n bytes the caller will append or send behind it.
func AppendHeader(dst []byte, op Opcode, n int) []byte {
	return appendHeader(dst, op, n, 0)
}

// AppendFrame appends an unmasked, unfragmented frame, as a server sends it.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(appendHeader(dst, op, len(payload), 0), payload...)
}

// AppendMaskedFrame appends a masked, unfragmented frame, as a client sends
// it. The payload itself is not changed.
func AppendMaskedFrame(dst []byte, op Opcode, key [4]byte, payload []byte) []byte {
	dst = appendHeader(dst, op, len(payload), bitMask)
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	unmask(dst[start:], binary.LittleEndian.Uint32(key[:]))
	return dst
}

// PutHeader writes the header of an unmasked, unfragmented frame into b so
// that it ends just before b[end], where its payload of n bytes begins, and
// returns where it starts. At least HeaderLen(n) bytes must be free there;
// MaxHeader always suffices.
func PutHeader(b []byte, end int, op Opcode, n int) (start int) {
	first := bitFin | byte(op)
	switch {
	case n < len16:
		start = end - 2
		h := b[start:end]
		h[1] = byte(n)
		h[0] = first
	case n <= maxLen16:
		start = end - 4
		h := b[start:end]
		binary.BigEndian.PutUint16(h[2:], uint16(n))
		h[0], h[1] = first, len16
	default:
		start = end - MaxHeader
		h := b[start:end]
		binary.BigEndian.PutUint64(h[2:], uint64(n))
		h[0], h[1] = first, len64
	}
	return start
}

func appendHeader(dst []byte, op Opcode, n int, mask byte) []byte {
	first := bitFin | byte(op)
	switch {
	case n < len16:
		return append(dst, first, mask|byte(n))
	case n <= maxLen16:
		return append(dst, first, mask|len16, byte(n>>8), byte(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, mask|len64), uint64(n))
	}
}

// unmask XORs p with key, whose lowest byte belongs to p[0], eight bytes at a
// time. It returns the key for the byte behind p, and whether any of the
// unmasked bytes is outside ASCII.
func unmask(p []byte, key uint32) (next uint32, high bool) {
	next = bits.RotateLeft32(key, -8*(len(p)&3))
	k := uint64(key)<<32 | uint64(key)
	var seen uint64
	for len(p) >= 32 {
		w := p[:32:32]
		a := binary.LittleEndian.Uint64(w) ^ k
		b := binary.LittleEndian.Uint64(w[8:]) ^ k
		c := binary.LittleEndian.Uint64(w[16:]) ^ k
		d := binary.LittleEndian.Uint64(w[24:]) ^ k
		binary.LittleEndian.PutUint64(w, a)
		binary.LittleEndian.PutUint64(w[8:], b)
		binary.LittleEndian.PutUint64(w[16:], c)
		binary.LittleEndian.PutUint64(w[24:], d)
		seen |= a | b | c | d
		p = p[32:]
	}
	for len(p) >= 8 {
		a := binary.LittleEndian.Uint64(p) ^ k
		binary.LittleEndian.PutUint64(p, a)
		seen |= a
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(k)
		seen |= uint64(p[i])
		k >>= 8
	}
	return next, seen&0x8080808080808080 != 0
}
