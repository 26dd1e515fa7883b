package jsonx

import (
	"errors"
	"strconv"
)

// ErrAttachment says that a placeholder names an attachment that does not
// exist.
var ErrAttachment = errors.New("jsonx: illegal attachments")

// A Placeholder is an object of a JSON text that stands for an attachment.
type Placeholder struct {
	Start, End int // raw[Start:End] is the object
	Num        int // index of the attachment
}

// AppendPlaceholders appends the placeholders of raw, valid JSON, in the order
// of their places: every object whose _placeholder is true, unless it lies
// within another. It returns ErrAttachment if the num of one is not an integer
// in [0, n).
func AppendPlaceholders(dst []Placeholder, raw []byte, n int) ([]Placeholder, error) {
	f := finder{raw: raw, n: n, found: dst, bad: -1}
	f.value(SkipSpace(raw, 0))
	if f.bad >= 0 {
		return dst, ErrAttachment
	}
	return f.found, nil
}

type finder struct {
	raw   []byte
	n     int
	found []Placeholder
	bad   int // where the first illegal placeholder starts, or -1
}

// value walks the value at i and returns the index after it.
func (f *finder) value(i int) int {
	if i >= len(f.raw) {
		return i
	}
	switch f.raw[i] {
	case '[':
		return f.array(i + 1)
	case '{':
		return f.object(i)
	default:
		if end := Skip(f.raw, i, 0); end > 0 {
			return end
		}
		return len(f.raw)
	}
}

func (f *finder) array(i int) int {
	for {
		i = SkipSpace(f.raw, i)
		if i >= len(f.raw) {
			return i
		}
		switch f.raw[i] {
		case ']':
			return i + 1
		case ',':
			i++
		default:
			i = f.value(i)
		}
	}
}

func (f *finder) object(start int) int {
	mark, bad := len(f.found), f.bad
	isPlaceholder, num := false, -1
	i := start + 1
	for {
		i = SkipSpace(f.raw, i)
		if i >= len(f.raw) {
			return i
		}
		c := f.raw[i]
		if c == '}' {
			i++
			break
		}
		if c != '"' {
			i++
			continue
		}
		end := SkipString(f.raw, i+1)
		if end < 0 {
			return len(f.raw)
		}
		key := f.raw[i+1 : end-1]
		i = SkipSpace(f.raw, end)
		if i < len(f.raw) && f.raw[i] == ':' {
			i = SkipSpace(f.raw, i+1)
		}
		from := i
		i = f.value(i)
		switch {
		case keyIs(key, "_placeholder"):
			isPlaceholder = string(f.raw[from:i]) == "true"
		case keyIs(key, "num"):
			num = index(f.raw[from:i])
		}
	}
	if !isPlaceholder {
		return i
	}
	f.found, f.bad = f.found[:mark], bad
	if num < 0 || num >= f.n {
		if f.bad < 0 {
			f.bad = start
		}
		return i
	}
	f.found = append(f.found, Placeholder{Start: start, End: i, Num: num})
	return i
}

// keyIs reports whether the body of a JSON string says name.
func keyIs(key []byte, name string) bool {
	if string(key) == name {
		return true
	}
	// An escape is at most six bytes for one.
	if len(key) <= len(name) || len(key) > 6*len(name) {
		return false
	}
	var buf [96]byte
	return string(Unquote(buf[:0], key)) == name
}

// index reads a JSON number as an index of an array, or returns -1.
func index(raw []byte) int {
	if len(raw) == 1 && raw[0]-'0' < 10 {
		return int(raw[0] - '0')
	}
	if len(raw) == 0 || (raw[0] != '-' && raw[0]-'0' >= 10) {
		return -1
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < 0 || f >= 1<<31 || f != float64(int(f)) {
		return -1
	}
	return int(f)
}
