package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// TestPureStartsNothing reads the packages that turn bytes into events: besides what they import, they start no
// goroutine, so that a caller can run them under a fake clock, replay them and fuzz them.
func TestPureStartsNothing(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "linux") {
		if r := ruleFor(p.ImportPath); r == nil || !r.pure {
			continue
		}
		fset := token.NewFileSet()
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Errorf("%s: %v", p.ImportPath, err)
				continue
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s: starts a goroutine, but the package is sans-I/O", fset.Position(g.Pos()))
				}
				return true
			})
		}
	}
}

// TestRulesFire makes sure that each kind of forbidden edge is found, on packages that do not exist.
func TestRulesFire(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		p    listed
	}{
		{"no rule", listed{ImportPath: module + "/misc"}},
		{"upward", listed{ImportPath: module + "/loop", Imports: []string{module + "/sio"}}},
		{"sideways", listed{ImportPath: module + "/rooms", Imports: []string{module + "/loop"}}},
		{"foreign", listed{ImportPath: module + "/rooms", Imports: []string{"github.com/valyala/bytebufferpool"}}},
		{"engine instead of poller", listed{ImportPath: module + "/loop", Imports: []string{"github.com/panjf2000/gnet/v2"}}},
		{"engine below", listed{ImportPath: module + "/sio", Deps: []string{"github.com/panjf2000/gnet/v2"}}},
		{"clock in a codec", listed{ImportPath: module + "/internal/eio", Imports: []string{"time"}}},
		{"socket in a codec", listed{ImportPath: module + "/polling", Imports: []string{"net/http"}}},
		{"test helper in code", listed{ImportPath: module + "/loop", Imports: []string{module + "/internal/testleak"}}},
		{"foreign in a test", listed{ImportPath: module + "/rooms", XTestImports: []string{"github.com/stretchr/testify/assert"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if len(violations(&c.p)) != 1 {
				t.Errorf("violations(%+v) = %q, want one", c.p, violations(&c.p))
			}
		})
	}
	ok := listed{
		ImportPath:   module + "/wsframe",
		Imports:      []string{"encoding/binary", "github.com/gobwas/ws", module + "/internal/http1"},
		XTestImports: []string{"testing", module + "/wsframe", module + "/internal/testleak"},
	}
	if v := violations(&ok); len(v) != 0 {
		t.Errorf("violations(%+v) = %q, want none", ok, v)
	}
}
