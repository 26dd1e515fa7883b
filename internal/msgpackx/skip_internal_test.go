package msgpackx

import "testing"

// slowSkip is Skip token by token.
func slowSkip(b []byte, i, depth int) int {
	t, ok := read(b, i)
	switch {
	case !ok:
		return Invalid
	case t.kind != kindArray && t.kind != kindMap:
		return t.next
	case depth <= 0:
		return TooDeep
	}
	i = t.next
	for range t.n {
		if t.kind == kindMap {
			k, ok := read(b, i)
			if !ok || !k.key() {
				return Invalid
			}
			i = k.next
		}
		if i = slowSkip(b, i, depth-1); i < 0 {
			return i
		}
	}
	return i
}

// TestSkipEveryByte has every byte begin a value, a key and an element, whole
// and cut off anywhere: what is skipped without a look must be what a token is.
func TestSkipEveryByte(t *testing.T) {
	t.Parallel()
	rest := make([]byte, 70)
	for i := range rest {
		rest[i] = byte(i % 3)
	}
	for _, before := range []string{"", "\x91", "\x92\x01", "\x81", "\x81\xa1k", "\x82\xa1k\xc0", "\xdc\x00\x01", "\x91\x81\x07"} {
		for c := range 256 {
			for n := range rest {
				b := append(append([]byte(before), byte(c)), rest[:n]...)
				for depth := range 4 {
					if got, want := Skip(b, 0, depth), slowSkip(b, 0, depth); got != want {
						t.Fatalf("Skip(%x, 0, %d) = %d, want %d", b, depth, got, want)
					}
				}
			}
		}
	}
}

// FuzzSkip compares with what reads token by token.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{"\x83\xa4type\x02\xa4data\x92\xa1a\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18\xa3nsp\xa1/", "\xd6\xff\x00\x00\x00\x00", "\xc1", "\xdf\x00\x00\x00\x01\xd4\x00\x00\xc0"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, depth int) {
		depth = min(depth, 100)
		if got, want := Skip(b, 0, depth), slowSkip(b, 0, depth); got != want {
			t.Fatalf("Skip(%x, 0, %d) = %d, want %d", b, depth, got, want)
		}
	})
}
