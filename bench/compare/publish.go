package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// publish prints the tables, or writes them where they are wanted. It returns
// err joined with what went wrong.
func publish(err error, r *results, markdown, plots string) error {
	if markdown == "" {
		for _, name := range []string{"ratios", "goals", "broadcast", "rooms", "echo", "polling", "connections", "idle", "not run"} {
			tables[name](os.Stdout, r)
			put(os.Stdout, "\n")
		}
	} else {
		err = errors.Join(err, updateFile(markdown, r))
	}
	if plots != "" {
		err = errors.Join(err, writePlots(plots, r))
	}
	return err
}

func updateFile(path string, r *results) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := update(old, r)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, text, 0o644)
}

const (
	tableStart = "<!-- table: "
	tableEnd   = "<!-- end of table -->"
	markEnd    = " -->"
)

// update rewrites what is between a mark with the name of a table and the
// next end of one.
func update(old []byte, r *results) ([]byte, error) {
	var out bytes.Buffer
	rest := string(old)
	for {
		before, after, found := strings.Cut(rest, tableStart)
		out.WriteString(before)
		if !found {
			return out.Bytes(), nil
		}
		name, after, ok := strings.Cut(after, markEnd)
		_, after, ended := strings.Cut(after, tableEnd)
		if !ok || !ended {
			return nil, fmt.Errorf("table %.20q has no end", name)
		}
		write := tables[name]
		if write == nil {
			return nil, fmt.Errorf("there is no table %q", name)
		}
		out.WriteString(tableStart + name + markEnd + "\n")
		write(&out, r)
		out.WriteString(tableEnd)
		rest = after
	}
}
