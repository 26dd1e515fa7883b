package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// lockName is a lock as docs/lock-order.md writes it: the package, the type and the field.
var lockName = regexp.MustCompile("`([a-z0-9]+\\.[A-Za-z]+\\.[A-Za-z]*[mM]u)`")

// TestLockOrder compares the locks that docs/lock-order.md names with those of the code, in both directions: a new
// one has its place in the order considered when it is written down.
func TestLockOrder(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "lock-order.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range lockName.FindAllStringSubmatch(string(text), -1) {
		named[m[1]] = true
	}
	found := map[string]string{} // where each is
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, p := range list(t, goos) {
			for _, name := range p.GoFiles {
				addLocks(t, found, filepath.Join(p.Dir, name))
			}
		}
	}
	for lock, at := range found {
		if !named[lock] {
			t.Errorf("%s: %s is not in docs/lock-order.md", at, lock)
		}
	}
	for lock := range named {
		if found[lock] == "" {
			t.Errorf("docs/lock-order.md names %s, which does not exist", lock)
		}
	}
}

// addLocks adds the mutexes among the fields of the types of a file.
func addLocks(t *testing.T, found map[string]string, file string) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		ast.Inspect(spec.Type, func(n ast.Node) bool { // also in structs within the type
			field, ok := n.(*ast.Field)
			if !ok || !isMutex(field.Type) {
				return true
			}
			at := fset.Position(field.Pos()).String()
			if len(field.Names) == 0 {
				t.Errorf("%s: an embedded mutex, which everybody can lock", at)
			}
			for _, name := range field.Names {
				found[f.Name.Name+"."+spec.Name.Name+"."+name.Name] = at
			}
			return true
		})
		return true
	})
}

func isMutex(typ ast.Expr) bool {
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	sel, ok := typ.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Mutex" && sel.Sel.Name != "RWMutex" {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "sync"
}
