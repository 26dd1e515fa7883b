package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// publish prints the tables with the given names, or writes them where they are
// wanted; nil means all. It returns err joined with what went wrong.
func publish(err error, r *results, markdown, plots string, names []string) error {
	if markdown == "" {
		for _, name := range []string{
			"ratios", "goals", "broadcast", "rooms", "echo", "polling", "connections", "idle", "not run", "variants", "variants, goals", "variants, not run",
		} {
			if named(name, names) {
				tables[name](os.Stdout, r)
				put(os.Stdout, "\n")
			}
		}
	} else {
		err = errors.Join(err, updateFile(markdown, r, names))
	}
	if plots != "" {
		err = errors.Join(err, writePlots(plots, r))
	}
	return err
}

// named reports whether a table, or the family that it is of, is among names;
// nil names all.
func named(table string, names []string) bool {
	return names == nil || slices.ContainsFunc(names, func(n string) bool {
		return table == n || strings.HasPrefix(table, n+", ")
	})
}

func updateFile(path string, r *results, names []string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := update(old, r, names)
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
// next end of one, for all tables or those with the given names.
func update(old []byte, r *results, names []string) ([]byte, error) {
	var out bytes.Buffer
	rest := string(old)
	for {
		before, after, found := strings.Cut(rest, tableStart)
		out.WriteString(before)
		if !found {
			return out.Bytes(), nil
		}
		name, after, ok := strings.Cut(after, markEnd)
		was, after, ended := strings.Cut(after, tableEnd)
		if !ok || !ended {
			return nil, fmt.Errorf("table %.20q has no end", name)
		}
		write := tables[name]
		if write == nil {
			return nil, fmt.Errorf("there is no table %q", name)
		}
		out.WriteString(tableStart + name + markEnd)
		if named(name, names) {
			out.WriteString("\n")
			write(&out, r)
		} else {
			out.WriteString(was)
		}
		out.WriteString(tableEnd)
		rest = after
	}
}
