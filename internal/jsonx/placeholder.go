package jsonx

import (
	"errors"
	"strconv"
	"sync"
)

// ErrAttachment says that a placeholder names an attachment that does not
// exist.
var ErrAttachment = errors.New("jsonx: illegal attachments")

// Names of the two members that make an object a placeholder.
const (
	keyMark = "_placeholder"
	keyNum  = "num"
)

// CheckPlaceholders returns ErrAttachment if a placeholder of raw, valid JSON,
// has a num that is not an integer in [0, n). A placeholder is an object whose
// _placeholder is true, the last one counting where there are several; what
// else such an object holds is ignored.
func CheckPlaceholders(raw []byte, n int) error {
	f := finder{raw: raw, n: n}
	f.value(SkipSpace(raw, 0))
	if f.bad {
		return ErrAttachment
	}
	return nil
}

// A node is a placeholder, or an array or object with placeholders in it.
type node struct {
	start, end int // raw[start:end] is the value
	num        int // index of the attachment, or -1
}

// finders holds *finder values between uses.
var finders sync.Pool

// maxPooledNodes is the capacity above which a list of nodes is not kept.
const maxPooledNodes = 256

// findNodes lists the nodes of raw, valid JSON, each in front of those within
// it. The finder's nodes mean nothing if it is bad; the caller frees it.
func findNodes(raw []byte, n int) *finder {
	f, ok := finders.Get().(*finder)
	if !ok {
		f = &finder{}
	}
	*f = finder{raw: raw, n: n, record: true, nodes: f.nodes[:0]}
	f.value(SkipSpace(raw, 0))
	return f
}

// A finder walks JSON in one pass. On bytes that are not JSON it ends, with
// no promise about what it has found.
type finder struct {
	raw    []byte
	n      int
	record bool
	nodes  []node
	bad    bool // an illegal placeholder was met, not within a legal one
}

func (f *finder) free() {
	if cap(f.nodes) > maxPooledNodes {
		return
	}
	f.raw = nil
	finders.Put(f)
}

// value walks the value at i and returns the index after it.
func (f *finder) value(i int) int {
	if i >= len(f.raw) {
		return i
	}
	switch f.raw[i] {
	case '[':
		return f.array(i)
	case '{':
		return f.object(i)
	default:
		if end := Skip(f.raw, i, 0); end > i {
			return end
		}
		return len(f.raw)
	}
}

func (f *finder) array(start int) int {
	mark := f.open(start)
	i := start + 1
	for {
		i = SkipSpace(f.raw, i)
		if i >= len(f.raw) {
			return i
		}
		switch f.raw[i] {
		case ']':
			f.close(mark, i+1)
			return i + 1
		case ',':
			i++
		default:
			i = f.value(i)
		}
	}
}

func (f *finder) object(start int) int {
	mark, bad := f.open(start), f.bad
	marked, num := false, -1
	i := start + 1
	for {
		i = SkipSpace(f.raw, i)
		if i >= len(f.raw) {
			return i
		}
		if f.raw[i] == '}' {
			i++
			break
		}
		if f.raw[i] == ',' {
			i++
			continue
		}
		key, from := member(f.raw, i)
		i = f.value(from)
		switch {
		case keyIs(key, keyMark):
			marked = string(f.raw[from:i]) == "true"
		case keyIs(key, keyNum):
			num = index(f.raw[from:i])
		}
	}
	if !marked {
		f.close(mark, i)
		return i
	}
	f.bad = bad || num < 0 || num >= f.n
	if f.record {
		f.nodes = append(f.nodes[:mark], node{start: start, end: i, num: num})
	}
	return i
}

// open notes an array or object that may have placeholders in it.
func (f *finder) open(start int) (mark int) {
	mark = len(f.nodes)
	if f.record {
		f.nodes = append(f.nodes, node{start: start, num: -1})
	}
	return mark
}

// close completes what open has noted, or drops it if nothing followed.
func (f *finder) close(mark, end int) {
	if !f.record {
		return
	}
	if len(f.nodes) == mark+1 {
		f.nodes = f.nodes[:mark]
		return
	}
	f.nodes[mark].end = end
}

// member returns the body of the key at raw[i] and the index of its value,
// len(raw) if there is none.
func member(raw []byte, i int) (key []byte, value int) {
	if raw[i] != '"' {
		return nil, len(raw)
	}
	end := SkipString(raw, i+1)
	if end < 0 {
		return nil, len(raw)
	}
	key = raw[i+1 : end-1]
	i = SkipSpace(raw, end)
	if i >= len(raw) || raw[i] != ':' {
		return key, len(raw)
	}
	return key, SkipSpace(raw, i+1)
}

// keyIs reports whether the body of a JSON string says name, which is at most
// 16 bytes.
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

// index reads a JSON number as the index of an attachment, or returns -1.
func index(raw []byte) int {
	if len(raw) == 1 && raw[0]-'0' < 10 {
		return int(raw[0] - '0')
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < 0 || f >= 1<<31 || f != float64(int(f)) {
		return -1
	}
	return int(f)
}
