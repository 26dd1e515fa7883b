//go:build unix

package attack_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/attack"
)

// TestRows holds the list against the tests: every row is there once, in order,
// with a test or a reason; every test that is named exists, and every test
// whose name begins with a row is named there.
func TestRows(t *testing.T) {
	t.Parallel()
	named := map[string][]string{} // rows by test of this package
	folders := map[string]map[string]bool{}
	for i, r := range attack.Rows {
		if want := fmt.Sprintf("A%02d", i+1); r.ID != want {
			t.Fatalf("row %d is %s, want %s", i, r.ID, want)
		}
		if r.Attack == "" || len(r.Here)+len(r.Below) == 0 && r.Open == "" {
			t.Errorf("%s has neither a test nor a reason why not", r.ID)
		}
		for _, name := range r.Here {
			named[name] = append(named[name], r.ID)
		}
		for _, name := range r.Below {
			at := strings.LastIndexByte(name, '.')
			folder := filepath.Join("..", "..", filepath.FromSlash(name[:at]))
			if folders[folder] == nil {
				folders[folder] = tests(t, folder)
			}
			if !folders[folder][name[at+1:]] {
				t.Errorf("%s names %s, which does not exist", r.ID, name)
			}
		}
	}
	if n := len(attack.Rows); n != 118 {
		t.Errorf("%d rows, want 118", n)
	}
	own := tests(t, ".")
	for name := range named {
		if !own[name] {
			t.Errorf("%v names %s, which does not exist", named[name], name)
		}
	}
	begins := regexp.MustCompile(`^Test(A\d{2,3})[A-Z]`)
	for name := range own {
		if name == "TestMain" || name == "TestRows" {
			continue
		}
		if len(named[name]) == 0 {
			t.Errorf("no row names %s", name)
		}
		if m := begins.FindStringSubmatch(name); len(m) == 2 && !slices.Contains(named[name], m[1]) {
			t.Errorf("row %s does not name %s", m[1], name)
		}
	}
}

// tests returns the names of the test functions in a folder.
func tests(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				found[fn.Name.Name] = true
			}
		}
	}
	return found
}
