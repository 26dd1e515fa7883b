package paged

import "iter"

const (
	pageBits = 10
	pageLen  = 1 << pageBits
	pageMask = pageLen - 1
)

// A List is a growing list of T. The zero value is empty and ready.
type List[T any] struct {
	// Owned by whoever uses the list. Every page but the last is full; the
	// first one begins small and doubles, as small lists should be small.
	pages [][]T
	n     int
}

// Len returns the number of elements.
func (l *List[T]) Len() int { return l.n }

// At returns the place of element i, which must exist. It is valid until the
// next Append.
func (l *List[T]) At(i int) *T { return &l.pages[i>>pageBits][i&pageMask] }

// Append adds an element at the end.
func (l *List[T]) Append(v T) {
	page := l.n >> pageBits
	if page == len(l.pages) {
		var p []T
		if page > 0 {
			p = make([]T, 0, pageLen)
		}
		l.pages = append(l.pages, p)
	}
	l.pages[page] = append(l.pages[page], v)
	l.n++
}

// Pop removes the last element, which must exist. One page that has become
// empty is kept for the next elements.
func (l *List[T]) Pop() {
	l.n--
	page := l.n >> pageBits
	p := l.pages[page]
	last := len(p) - 1
	clear(p[last:])
	l.pages[page] = p[:last]
	if spare := page + 2; spare <= len(l.pages) && last == 0 {
		clear(l.pages[page+1:])
		l.pages = l.pages[:page+1]
	}
}

// All goes through the elements and their places, from the first to the last.
func (l *List[T]) All() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for p, page := range l.pages {
			for i, v := range page {
				if !yield(p<<pageBits|i, v) {
					return
				}
			}
		}
	}
}

// Tail returns the elements from i to the end of their page; it is empty only
// at the end of the list. It is for going through a list quickly:
//
//	for i := 0; i < l.Len(); {
//		part := l.Tail(i)
//		…
//		i += len(part)
//	}
func (l *List[T]) Tail(i int) []T {
	if i >= l.n {
		return nil
	}
	return l.pages[i>>pageBits][i&pageMask:]
}
