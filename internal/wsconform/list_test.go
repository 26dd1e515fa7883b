package wsconform_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/wsconform"
)

var update = flag.Bool("update", false, "write testdata/cases.txt")

// TestNumbering shows that no case of the suite is missing and none is there
// twice, in order, and that our own come behind.
func TestNumbering(t *testing.T) {
	t.Parallel()
	var want []string
	for _, c := range wsconform.Numbering() {
		for i := range c.Cases {
			want = append(want, fmt.Sprintf("%s.%d", c.Number, 1+i))
		}
	}
	if len(want) != wsconform.Suite {
		t.Fatalf("%d numbers, want %d", len(want), wsconform.Suite)
	}
	seen := map[string]bool{}
	for i, c := range wsconform.List() {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if i < len(want) && c.ID != want[i] {
			t.Fatalf("case %d is %s, want %s", i, c.ID, want[i])
		}
		if c.Sends == "" || c.Wants == "" || (len(c.Scripts) == 0) == (c.Traffic == nil) {
			t.Errorf("%s is not whole", c.ID)
		}
	}
	if len(seen) < len(want) {
		t.Errorf("%d cases: %s is missing", len(seen), want[len(seen)])
	}
}

// TestListForReaders holds testdata/cases.txt against the list.
func TestListForReaders(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# number: what is sent -> what must come back. Written by go test ./internal/wsconform -run TestListForReaders -update\n")
	for _, c := range wsconform.List() {
		fmt.Fprintf(&b, "%s: %s -> %s\n", c.ID, c.Sends, c.Wants)
	}
	name := filepath.Join("testdata", "cases.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the list says: run with -update", name)
	}
}
