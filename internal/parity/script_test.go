package parity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A script is one transcript.
type script struct {
	dir   string
	name  string
	rows  []string
	only  string   // "gannet", "reference" or "" for both
	set   []string // NAME=VALUE
	fresh bool
	steps []step
}

// A step is something that is sent, expected or done on one connection.
type step struct {
	at    string // file and line
	conn  string
	sign  string // one of signs
	lines []string
}

var signs = []string{">", "<", "*", "~", "do"}

// client returns the client that the connection of the step belongs to.
func (s *step) client() string {
	name, _, _ := strings.Cut(s.conn, ".")
	return name
}

// server identifies the server that the script may share.
func (s *script) server() string {
	if s.fresh {
		return s.name
	}
	return strings.Join(s.set, "\n")
}

// sets tells whether the script sets an option.
func (s *script) sets(name string) bool {
	return slices.ContainsFunc(s.set, func(item string) bool { return strings.HasPrefix(item, name+"=") })
}

// loadScript reads testdata/NAME.txt.
func loadScript(dir, name string) (*script, error) {
	s := &script{dir: dir, name: name}
	err := s.load(filepath.Join(dir, name+".txt"), "")
	if err == nil && len(s.steps) == 0 {
		err = fmt.Errorf("%s: no steps", name)
	}
	return s, err
}

// load adds the lines of a file. conn is what @ stands for, in a file of do.
func (s *script) load(file, conn string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, " \t")
		if conn != "" && strings.HasPrefix(line, "@") {
			line = conn + line[1:]
		}
		if err := s.add(file, i+1, line); err != nil {
			return fmt.Errorf("%s:%d: %w", filepath.Base(file), i+1, err)
		}
	}
	return nil
}

func (s *script) add(file string, n int, line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || line[0] == '#':
		return nil
	case line[0] == ' ' || line[0] == '\t':
		return s.goOn(strings.TrimLeft(line, " \t"))
	case slices.Contains(directives, word):
		if len(s.steps) > 0 {
			return fmt.Errorf("%s behind the first step", word)
		}
		return s.directive(word, rest)
	}
	sign, content, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !slices.Contains(signs, sign) {
		return fmt.Errorf("%q is neither a directive nor a step", line)
	}
	if sign == "do" {
		return s.load(filepath.Join(s.dir, "do", content+".txt"), word)
	}
	s.steps = append(s.steps, step{
		at: fmt.Sprintf("%s:%d", filepath.Base(file), n), conn: word, sign: sign, lines: []string{content},
	})
	return nil
}

var directives = []string{"row", "only", "set", "fresh"}

func (s *script) directive(word, rest string) error {
	switch word {
	case "row":
		s.rows = append(s.rows, rest)
	case "only":
		server, why, _ := strings.Cut(rest, " ")
		if server != gannet && server != reference || why == "" {
			return fmt.Errorf("only %s: want gannet or reference, and why", rest)
		}
		s.only = server
	case "set":
		if !strings.Contains(rest, "=") {
			return fmt.Errorf("set %s: want NAME=VALUE", rest)
		}
		s.set = append(s.set, rest)
	case "fresh":
		s.fresh = true
	}
	return nil
}

// goOn adds an indented line to the step before it.
func (s *script) goOn(line string) error {
	sign, content, _ := strings.Cut(line, " ")
	if len(s.steps) == 0 || s.steps[len(s.steps)-1].sign != sign {
		return fmt.Errorf("%q goes on with nothing", line)
	}
	last := &s.steps[len(s.steps)-1]
	last.lines = append(last.lines, content)
	return nil
}
