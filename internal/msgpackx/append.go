package msgpackx

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// AppendNil appends nil.
func AppendNil(dst []byte) []byte { return append(dst, 0xc0) }

// AppendBool appends a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 0xc3)
	}
	return append(dst, 0xc2)
}

// AppendInt appends a whole number in its shortest form.
func AppendInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0:
		return AppendUint(dst, uint64(v))
	case v >= -0x20:
		return append(dst, byte(v))
	case v >= math.MinInt8:
		return append(dst, 0xd0, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(v))
	}
}

// AppendUint is AppendInt for what is not negative.
func AppendUint(dst []byte, v uint64) []byte {
	switch {
	case v < 0x80:
		return append(dst, byte(v))
	case v <= math.MaxUint8:
		return append(dst, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 0xcf), v)
	}
}

// maxExact is 2^53: beyond it a double has no fractions and notepack writes an
// integer of 64 bits all the same, in which the value is lost.
const maxExact = 1 << 53

// AppendFloat appends a number as notepack does: a whole one as an integer, so
// that minus zero is 0. From 2^53 on it stays a double.
func AppendFloat(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && f < maxExact && f > -maxExact {
		return AppendInt(dst, int64(f))
	}
	if math.IsNaN(f) {
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), 0x7ff8_0000_0000_0000) // the one of JavaScript
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

// AppendString appends text; bytes that are not UTF-8 become U+FFFD.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	n := 0
	for _, r := range string(s) {
		n += utf8.RuneLen(r) // of U+FFFD for what is not UTF-8
	}
	switch {
	case n < 0x20:
		dst = append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
	}
	if n == len(s) {
		return append(dst, s...)
	}
	for _, r := range string(s) {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// AppendBytes appends binary.
func AppendBytes(dst, b []byte) []byte {
	switch n := len(b); {
	case n <= math.MaxUint8:
		dst = append(dst, 0xc4, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xc5), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xc6), uint32(n))
	}
	return append(dst, b...)
}

// AppendTime appends a point in time as notepack writes a Date.
func AppendTime(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0xd7, 0x00), uint64(t.UnixMilli()))
}

// AppendArray appends the head of an array of n elements.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, n, 0x90, 0xdc) }

// AppendMap appends the head of a map of n pairs.
func AppendMap(dst []byte, n int) []byte { return appendHead(dst, n, 0x80, 0xde) }

func appendHead(dst []byte, n int, short, long byte) []byte {
	switch {
	case n < 16:
		return append(dst, short|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
	}
}

// maxHead is the length of the longest head.
const maxHead = 5

// closeHead writes the head of what was appended from dst[start+maxHead] on, for
// which room was left there, and closes the gap.
func closeHead(dst []byte, start, n int, short, long byte) []byte {
	var buf [maxHead]byte
	head := appendHead(buf[:0], n, short, long)
	end := copy(dst[start:], head) + start
	return dst[:end+copy(dst[end:], dst[start+maxHead:])]
}
