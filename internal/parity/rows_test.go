package parity_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/parity"
)

// TestRows holds the list against what it names: every row is there once, with
// what shows it; every transcript and test that is named exists; and every
// transcript stands for the rows that name it.
func TestRows(t *testing.T) {
	t.Parallel()
	wanted := map[string][]string{} // by script, its rows
	seen := map[string]bool{}
	known := &shown{root: filepath.Join("..", ".."), folders: map[string]*folder{}, suites: map[string]string{}}
	for _, r := range parity.Rows {
		if seen[r.Name] {
			t.Errorf("row %s is there twice", r.Name)
		}
		seen[r.Name] = true
		if why := flaw(r); why != "" {
			t.Errorf("row %s: %s", r.Name, why)
		}
		for _, s := range r.Scripts {
			wanted[s] = append(wanted[s], r.Name)
		}
		for _, name := range r.Tests {
			if err := known.check(t, name); err != "" {
				t.Errorf("row %s names %s: %s", r.Name, name, err)
			}
		}
	}
	all := scripts(t)
	for _, name := range all {
		s, err := loadScript("testdata", name)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(wanted[name]) == 0 {
			t.Errorf("no row names %s.txt", name)
		}
		rows := slices.Sorted(slices.Values(s.rows))
		if want := slices.Sorted(slices.Values(wanted[name])); !slices.Equal(rows, want) {
			t.Errorf("%s.txt stands for the rows %q, in the list it does for %q", name, rows, want)
		}
	}
	for name := range wanted {
		if !slices.Contains(all, name) {
			t.Errorf("the list names %s.txt, which does not exist", name)
		}
	}
}

// TestRowsNoticed makes sure that the list cannot name what is not there.
func TestRowsNoticed(t *testing.T) {
	t.Parallel()
	known := &shown{root: filepath.Join("..", ".."), folders: map[string]*folder{}, suites: map[string]string{}}
	for name, want := range map[string]string{
		"internal/parity.TestRowsNoticed":                          "",
		"internal/parity.TestTranscripts/handshake":                "",
		"internal/parity.TestScriptErrors/late directive":          "",
		"e2e/suites/engineio/handshake.test.mjs: over polling":     "",
		"internal/parity.TestNothing":                              "there is no such test in the folder",
		"internal/nowhere.TestRows":                                "there is no such test in the folder",
		"internal/parity.TestTranscripts/nothing" + " of the kind": "there is no such case in the folder",
		"TestRows": "no folder in front of the test",
		"e2e/suites/engineio/handshake.test.mjs: over carrier pigeons": "there is no such title in the file",
		"e2e/suites/engineio/nowhere.test.mjs: over polling":           "there is no such title in the file",
		"e2e/suites/engineio/handshake.test.mjs: ":                     "there is no such title in the file",
		"internal/parity.TestTranscripts/" + "hand" + "shaken":         "there is no such case in the folder",
	} {
		if got := known.check(t, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, r := range []parity.Row{
		{Name: "1.1/x"},
		{Name: "x", Scripts: []string{"a"}},
		{Name: "1.1/x", Without: "why"},
		{Name: "1.1/x", OutOfScope: "why", Scripts: []string{"a"}},
		{Name: "1.1/x", OutOfScope: "why", Tests: []string{"a"}},
		{Name: "1.1/x", Without: "why", Scripts: []string{"a"}},
	} {
		if flaw(r) == "" {
			t.Errorf("%+v passes", r)
		}
	}
}

var rowName = regexp.MustCompile(`^[0-9](\.\d+)?/\S`)

// flaw tells what is wrong with a row by itself.
func flaw(r parity.Row) string {
	switch shown := len(r.Scripts) + len(r.Tests); {
	case !rowName.MatchString(r.Name):
		return "want a section, a slash and what it is about"
	case shown == 0 && r.OutOfScope == "":
		return "nothing shows it"
	case shown != 0 && r.OutOfScope != "":
		return "it is out of scope, and shown"
	case r.Without != "" && (len(r.Scripts) != 0 || len(r.Tests) == 0):
		return "want tests and no transcripts where it says why there are none"
	default:
		return ""
	}
}

// shown looks up what rows name. It is used by one test.
type shown struct {
	root    string
	folders map[string]*folder
	suites  map[string]string // text by file
}

type folder struct {
	path  string
	tests map[string]bool
	words map[string]bool // the strings in the tests
}

// check tells what is wrong with the name of a test.
func (s *shown) check(t *testing.T, name string) string {
	t.Helper()
	if strings.HasPrefix(name, "e2e/") {
		return s.checkTitle(t, name)
	}
	at := strings.LastIndex(name, ".Test")
	if at < 0 {
		return "no folder in front of the test"
	}
	f := s.folders[name[:at]]
	if f == nil {
		f = readFolder(t, filepath.Join(s.root, filepath.FromSlash(name[:at])))
		s.folders[name[:at]] = f
	}
	test, sub, isCase := strings.Cut(name[at+1:], "/")
	if !f.tests[test] {
		return "there is no such test in the folder"
	}
	if !isCase || f.words[sub] {
		return ""
	}
	if _, err := os.Stat(filepath.Join(f.path, "testdata", sub+".txt")); err != nil {
		return "there is no such case in the folder"
	}
	return ""
}

// checkTitle finds "FILE: TITLE" as a string of JavaScript in the file.
func (s *shown) checkTitle(t *testing.T, name string) string {
	t.Helper()
	file, title, _ := strings.Cut(name, ": ")
	text, known := s.suites[file]
	if !known {
		src, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(file)))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		text = string(src)
		s.suites[file] = text
	}
	for _, quote := range []string{"'", "\"", "`"} {
		if title != "" && strings.Contains(text, quote+title+quote) {
			return ""
		}
	}
	return "there is no such title in the file"
}

// readFolder reads the tests of a folder, for whatever platform they are.
func readFolder(t *testing.T, path string) *folder {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(path, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{path: path, tests: map[string]bool{}, words: map[string]bool{}}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				f.tests[fn.Name.Name] = true
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				word, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				f.words[word] = true
			}
			return true
		})
	}
	return f
}
