package http1

import "bytes"

// A Match is the answer to whether a head belongs to a path.
type Match uint8

const (
	// MatchMore means that the bytes so far do not tell.
	MatchMore Match = iota
	// MatchYes means that the request target starts with the prefix.
	MatchYes
	// MatchNo means that no further bytes can make the head match, because the
	// target differs or because this is not a request at all.
	MatchNo
)

// PeekTarget returns what is already there of the request target of a possibly
// unfinished head, undecoded; ok says that all of it is there. A nil target
// with ok = false means that the method is unfinished or malformed.
func PeekTarget(b []byte) (target []byte, ok bool) {
	sp := methodEnd(b)
	if sp <= 0 {
		return nil, false
	}
	rest := b[sp+1:]
	for i, c := range rest {
		if c == ' ' {
			return rest[:i], i > 0
		}
		if class[c]&isTarget == 0 {
			return rest[:i], false
		}
	}
	return rest, false
}

// MatchPath says whether the head that starts with b has a request target that
// starts with prefix, byte for byte. It answers as early as the bytes allow:
// MatchNo as soon as they differ from the prefix or cannot be a request line.
func MatchPath(b []byte, prefix string) Match {
	sp := methodEnd(b)
	if sp == 0 {
		return MatchMore
	}
	if sp < 0 {
		return MatchNo
	}
	rest := b[sp+1:]
	n := min(len(rest), len(prefix))
	switch {
	case string(rest[:n]) != prefix[:n]:
		return MatchNo
	case n < len(prefix):
		return MatchMore
	}
	return MatchYes
}

// methodEnd returns where the space behind the method is, 0 when it has not
// come yet and −1 when b does not start with a method.
func methodEnd(b []byte) int {
	head := b[:min(len(b), maxMethod+1)]
	sp := bytes.IndexByte(head, ' ')
	switch {
	case sp == 0 || (sp < 0 && len(head) > maxMethod):
		return -1
	case sp > 0:
		head = head[:sp]
	}
	if !allOf(head, isToken) {
		return -1
	}
	return max(sp, 0)
}
