package archtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestREADMEProgram keeps the program of the README the one that is compiled.
func TestREADMEProgram(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(root, "examples", "hello", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```go\n")
	if !ok {
		t.Fatal("README.md has no Go program")
	}
	block, _, _ := strings.Cut(rest, "```")
	if block != string(program) {
		t.Error("the program in README.md is not examples/hello/main.go; copy one over the other")
	}
}
