package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// absent stands where nothing was measured.
const absent = "–"

// order is how the known latencies are listed; others follow by name.
var order = []string{"connect", "upgrade", "ack", "echo", "broadcast"}

// LatencyNames returns the names of what was timed, in the order in which they
// are shown.
func (r *Result) LatencyNames() []string {
	names := make([]string, 0, len(r.Latencies))
	for name := range r.Latencies {
		names = append(names, name)
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names
}

// Wrong counts what went wrong: connections that failed or were lost, and
// deliveries that were not as they should be.
func (r *Result) Wrong() int64 {
	return r.Connections.Failed + r.Connections.Lost + r.Checks.total()
}

func (c *Checks) total() int64 {
	return c.Lost + c.Duplicated + c.Reordered + c.Corrupted + c.Misrouted
}

// commas writes a whole number with a comma after each thousand.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// whole rounds to a whole number with commas.
func whole(v float64) string {
	if math.IsNaN(v) || math.Abs(v) > 1e15 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return commas(int64(math.Round(v)))
}

// three writes v with three significant digits, two from 0.1 to 1, and without
// an exponent unless it is very small or great.
func three(v float64) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case math.IsNaN(v) || a > 1e15 || a < 1e-6:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 99.95:
		return whole(v)
	case a >= 0.1 && a < 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(a)))
	if p := math.Pow10(digits); math.Round(a*p) >= 1000 {
		digits-- // 9.999 is 10.0
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// micros writes a time that is given in microseconds.
func micros(us float64) string {
	switch a := math.Abs(us); {
	case a >= 999_500:
		return three(us/1e6) + " s"
	case a >= 999.5:
		return three(us/1e3) + " ms"
	default:
		return three(us) + " µs"
	}
}

// size writes a number of bytes with three digits.
func size(b float64) string {
	switch a := math.Abs(b); {
	case a >= 999.5e6:
		return three(b/1e9) + " GB"
	case a >= 999.5e3:
		return three(b/1e6) + " MB"
	case a >= 9_999.5:
		return three(b/1e3) + " kB"
	default:
		return whole(b) + " B"
	}
}

// share writes a share of one core.
func share(v float64) string { return whole(v*100) + " % of a core" }

// clock writes a time as mm:ss or h:mm:ss.
func clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// plural writes a number and a word, with an s when it is not one.
func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return commas(n) + " " + word + "s"
}

// longest is how many characters of a text from elsewhere are shown.
const longest = 300

// printable makes a text from elsewhere safe to show: one line, no control
// characters (which could drive a terminal) and of bounded length.
func printable(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > longest {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n', r == '\r', r == '\t':
			b.WriteByte(' ')
		case !unicode.IsPrint(r):
			b.WriteRune(unicode.ReplacementChar)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
