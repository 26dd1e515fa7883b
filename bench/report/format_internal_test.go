package report

import (
	"math"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0": three(0), "4.71": three(4.708), "9.99": three(9.994), "10.0": three(9.996), "99.9": three(99.94), "100": three(99.96),
		"999": three(999.4), "1,000": three(999.6), "0.57": three(0.5701), "0.99": three(0.994), "1.00": three(0.996), "0.0123": three(0.012345),
		"-4.71": three(-4.708), "1e+18": three(1e18), "1e-09": three(1e-9), "NaN": three(math.NaN()),
		"0 µs": micros(0), "48.0 µs": micros(48), "999 µs": micros(999.4), "1.00 ms": micros(999.6), "999 ms": micros(999_400), "1.00 s": micros(999_600), "3,600 s": micros(3.6e9),
		"0 B": size(0), "1,448 B": size(1448), "10.0 kB": size(9_999.6), "999 kB": size(999_400), "1.00 MB": size(999_600), "14.7 MB": size(14_680_064), "24.0 GB": size(24e9),
		"-1,234,567": commas(-1_234_567), "-100": commas(-100), "-9,223,372,036,854,775,808": commas(math.MinInt64),
		"01:05": clock(65 * time.Second), "10:00:00": clock(10 * time.Hour), "00:00": clock(-1),
		"1 error": plural(1, "error"), "0 errors": plural(0, "error"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
