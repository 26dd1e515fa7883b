package jsonx_test

import (
	"math"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// TestAppendFloat pins the borders of JavaScript's number format; the vectors
// of package packet compare 1,500 doubles with Node.
func TestAppendFloat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   float64
		want string
	}{
		{0, "0"},
		{math.Copysign(0, -1), "0"},
		{1, "1"},
		{-1, "-1"},
		{0.1, "0.1"},
		{0.30000000000000004, "0.30000000000000004"},
		{100, "100"},
		{1 << 53, "9007199254740992"},
		{-(1 << 53), "-9007199254740992"},
		{1 << 62, "4611686018427388000"},
		{1e20, "100000000000000000000"},
		{math.Nextafter(1e21, 0), "999999999999999900000"},
		{1e21, "1e+21"},
		{-1.5e21, "-1.5e+21"},
		{1e-6, "0.000001"},
		{math.Nextafter(1e-6, 0), "9.999999999999997e-7"},
		{1e-7, "1e-7"},
		{-1.25e-9, "-1.25e-9"},
		{1e-10, "1e-10"},
		{1e100, "1e+100"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.SmallestNonzeroFloat64, "5e-324"},
		{math.NaN(), "null"},
		{math.Inf(1), "null"},
		{math.Inf(-1), "null"},
	} {
		if got := string(jsonx.AppendFloat([]byte("x"), c.in)); got != "x"+c.want {
			t.Errorf("%v: got %s, want x%s", c.in, got, c.want)
		}
	}
}

func TestAppendNumberText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1": "1", "-0": "0", "1.50": "1.5", "1e3": "1000", "1e400": "Infinity", "-1e400": "-Infinity", "1e-400": "0", "12345678901234567890": "12345678901234567000",
	} {
		if got := string(jsonx.AppendNumberText(nil, []byte(in))); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
