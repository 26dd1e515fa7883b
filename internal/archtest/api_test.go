package archtest_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write api/sio.txt instead of comparing it")

// TestAPI compares the exported declarations of sio with api/sio.txt, so that a change of the public API shows in
// review as a change of that file. `make api` writes it.
func TestAPI(t *testing.T) {
	t.Parallel()
	pkgs := list(t, "linux")
	i := slices.IndexFunc(pkgs, func(p *listed) bool { return p.ImportPath == module+"/sio" })
	if i < 0 {
		t.Fatal("package sio does not exist")
	}
	got := exported(t, pkgs[i])
	golden := filepath.Join(root(t), "api", "sio.txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v; `make api` writes it", err)
	}
	if got != string(want) {
		t.Errorf("the exported API of sio differs from api/sio.txt (`make api` writes it):\n%s", lineDiff(string(want), got))
	}
}

// exported returns one line per exported declaration, field and method, sorted, without comments.
func exported(t *testing.T, p *listed) string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	d, err := doc.NewFromFiles(fset, files, p.ImportPath)
	if err != nil {
		t.Fatal(err)
	}
	w := &apiWriter{fset: fset}
	w.values(d.Consts)
	w.values(d.Vars)
	w.funcs(d.Funcs)
	for _, typ := range d.Types {
		w.values(typ.Consts)
		w.values(typ.Vars)
		w.funcs(typ.Funcs)
		w.funcs(typ.Methods)
		for _, spec := range typ.Decl.Specs {
			w.typeSpec(spec.(*ast.TypeSpec))
		}
	}
	slices.Sort(w.lines)
	return strings.Join(slices.Compact(w.lines), "\n") + "\n"
}

type apiWriter struct {
	fset  *token.FileSet
	lines []string
}

func (w *apiWriter) values(values []*doc.Value) {
	for _, v := range values {
		for _, spec := range v.Decl.Specs {
			vs := spec.(*ast.ValueSpec)
			for _, name := range vs.Names {
				if name.IsExported() {
					w.add(v.Decl.Tok.String(), name.Name, w.text(vs.Type))
				}
			}
		}
	}
}

func (w *apiWriter) funcs(funcs []*doc.Func) {
	for _, f := range funcs {
		decl := *f.Decl
		decl.Doc, decl.Body = nil, nil
		w.add(w.text(&decl))
	}
}

func (w *apiWriter) typeSpec(spec *ast.TypeSpec) {
	name := spec.Name.Name
	if spec.TypeParams != nil {
		name += "[" + w.fields(spec.TypeParams) + "]"
	}
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		w.add("type", name, "struct")
		w.members(name, typ.Fields)
	case *ast.InterfaceType:
		w.add("type", name, "interface")
		w.members(name, typ.Methods)
	default:
		w.add("type", name, w.text(spec.Type))
	}
}

// members adds one line per exported field of a struct, and per method or element of an interface.
func (w *apiWriter) members(owner string, list *ast.FieldList) {
	for _, f := range list.List {
		if len(f.Names) == 0 {
			w.add("type", owner, "embeds", w.text(f.Type))
		}
		for _, name := range f.Names {
			if name.IsExported() {
				w.add("type", owner, "has", name.Name, w.text(f.Type))
			}
		}
	}
}

func (w *apiWriter) fields(list *ast.FieldList) string {
	var parts []string
	for _, f := range list.List {
		for _, name := range f.Names {
			parts = append(parts, name.Name+" "+w.text(f.Type))
		}
	}
	return strings.Join(parts, ", ")
}

func (w *apiWriter) add(parts ...string) {
	w.lines = append(w.lines, strings.TrimSpace(strings.Join(parts, " ")))
}

// text prints a node on one line.
func (w *apiWriter) text(node ast.Node) string {
	if e, ok := node.(ast.Expr); node == nil || (ok && e == nil) {
		return ""
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, w.fset, node); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// lineDiff lists the lines that only one of two sorted texts has.
func lineDiff(want, got string) string {
	old, now := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out []string
	for _, l := range old {
		if !slices.Contains(now, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range now {
		if !slices.Contains(old, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}
