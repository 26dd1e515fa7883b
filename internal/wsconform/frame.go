package wsconform

import (
	"encoding/binary"
	"slices"
)

// masking is the key of all frames that are sent.
var masking = [4]byte{0x91, 0x00, 0xFE, 0x37}

// frame is one whole frame of a client with the given first byte.
func frame(first byte, payload string) []byte {
	return AppendFrame(nil, first, []byte(payload))
}

// AppendFrame appends a client's frame to dst.
func AppendFrame(dst []byte, first byte, payload []byte) []byte {
	dst = appendHeader(slices.Grow(dst, 14+len(payload)), first, len(payload))
	start := len(dst)
	dst = append(dst, payload...)
	mask(dst[start:])
	return dst
}

// mask masks a payload, eight bytes at a time: the race detector looks at every
// access.
func mask(p []byte) {
	key := uint64(binary.LittleEndian.Uint32(masking[:]))
	key |= key << 32
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^key)
	}
	for i := range p {
		p[i] ^= masking[i&3]
	}
}

// appendHeader appends the header of a client's frame, with its key.
func appendHeader(dst []byte, first byte, length int) []byte {
	switch {
	case length < 126:
		dst = append(dst, first, 0x80|byte(length))
	case length < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, 0x80|126), uint16(length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, 0x80|127), uint64(length))
	}
	return append(dst, masking[:]...)
}

// AppendMessage appends a message in frames of the given size, or in one if that
// is 0. first is the first byte of its first frame, without FIN.
func AppendMessage(dst []byte, first byte, payload []byte, size int) []byte {
	if size <= 0 {
		size = len(payload)
	}
	for size < len(payload) {
		dst = AppendFrame(dst, first, payload[:size])
		first, payload = opCont, payload[size:]
	}
	return AppendFrame(dst, fin|first, payload)
}

// closing is a close frame.
func closing(code uint16, reason string) []byte {
	return frame(fin|opClose, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

func join(frames ...[]byte) []byte { return slices.Concat(frames...) }
