package paged_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gannet-io/gannet/internal/paged"
)

// TestAgainstSlice does the same to a List and to a slice.
func TestAgainstSlice(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var l paged.List[int]
	var model []int
	for round := range 40 {
		for range random.IntN(3000) {
			switch {
			case len(model) > 0 && random.IntN(100) < 30+20*(round%3):
				model = model[:len(model)-1]
				l.Pop()
			default:
				v := random.Int()
				model = append(model, v)
				l.Append(v)
			}
			if n := len(model); l.Len() != n || (n > 0 && *l.At(n - 1) != model[n-1]) {
				t.Fatalf("%d elements, want %d, or another last one", l.Len(), n)
			}
		}
		compare(t, &l, model)
	}
	for len(model) > 0 {
		model = model[:len(model)-1]
		l.Pop()
	}
	compare(t, &l, model)
}

func compare(t *testing.T, l *paged.List[int], want []int) {
	t.Helper()
	var got []int
	for i := 0; i < l.Len(); {
		part := l.Tail(i)
		got = append(got, part...)
		i += len(part)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d elements page by page differ from the %d wanted", len(got), len(want))
	}
	var again []int
	for i, v := range l.All() {
		if i != len(again) {
			t.Fatalf("element %d came as %d", len(again), i)
		}
		again = append(again, v)
	}
	if !slices.Equal(again, want) {
		t.Fatal("All differs")
	}
	for i, v := range want {
		if *l.At(i) != v {
			t.Fatalf("element %d = %d, want %d", i, *l.At(i), v)
		}
	}
	if l.Tail(len(want)) != nil {
		t.Fatal("there is something behind the end")
	}
}

// TestNothingMoves shows that growing past the first page leaves elements
// where they are, and that going up and down allocates nothing.
func TestNothingMoves(t *testing.T) {
	t.Parallel()
	var l paged.List[int]
	for i := range 3000 {
		l.Append(i)
	}
	first := l.At(1000)
	for i := range 3000 {
		l.Append(i)
	}
	if l.At(1000) != first {
		t.Error("an element moved when the list grew")
	}
}

func TestBoundaryAllocatesNothing(t *testing.T) {
	var l paged.List[int]
	for i := range 2048 {
		l.Append(i)
	}
	n := testing.AllocsPerRun(100, func() {
		l.Append(1)
		l.Append(2)
		l.Pop()
		l.Pop()
		l.Pop()
		l.Append(3)
	})
	if n != 0 {
		t.Errorf("%v allocations around the end of a page, want 0", n)
	}
}
