package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// A Size is a number of bytes. It is written as a number, such as 1000000 or
// 1e6, with one of the units kB, MB, GB, KiB, MiB and GiB if wanted.
type Size int

var errSize = errors.New("not a number of bytes such as 65536, 1e6, 64KiB or 4MiB")

var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"kB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"B", 1},
	{"", 1},
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	for _, u := range units {
		number, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return errSize
		}
		f *= u.bytes
		if f != math.Trunc(f) || math.Abs(f) >= math.MaxInt {
			return errSize
		}
		*s = Size(f)
		return nil
	}
	return errSize
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) {
	switch {
	case s != 0 && s%(1<<20) == 0:
		return []byte(strconv.Itoa(int(s>>20)) + "MiB"), nil
	case s != 0 && s%(1<<10) == 0:
		return []byte(strconv.Itoa(int(s>>10)) + "KiB"), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}
