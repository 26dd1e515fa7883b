package jsonx

import (
	"math"
	"strconv"
)

// maxSafe is the first integer that a JavaScript Number may have rounded.
const maxSafe = 1 << 53

// AppendFloat appends f as JSON.stringify prints a Number: the shortest
// digits that read back as f, an exponent below 1e-6 and from 1e21 on, 0 for
// minus zero and null for what JSON cannot hold.
func AppendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return appendNumber(dst, f, 64)
}

// AppendNumberText appends the text that JavaScript's String gives for the
// Number which the JSON number raw is read as. It differs from the JSON form
// beyond the range of a double, where it says Infinity.
func AppendNumberText(dst, raw []byte) []byte {
	f, _ := strconv.ParseFloat(string(raw), 64)
	if math.IsInf(f, 0) {
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	}
	return appendNumber(dst, f, 64)
}

func appendNumber(dst []byte, f float64, size int) []byte {
	abs := math.Abs(f)
	if abs < maxSafe {
		if n := int64(f); float64(n) == f {
			return strconv.AppendInt(dst, n, 10)
		}
	}
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, size)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, size)
	// Go pads the exponent to two digits, JavaScript does not.
	if n := len(dst); dst[n-2] == '0' && dst[n-4] == 'e' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
