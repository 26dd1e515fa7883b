package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The servers of this repository, by name, and the one that goals are set by.
const (
	floor        = "floor"
	gannet       = "gannet"
	gannetInline = "gannet-inline"
	node         = "node-ws" // the official server, a rival
)

// A contender is a server that can be measured: one of ours or a rival.
type contender struct {
	rival
	// version says what exactly was measured, after install.
	version func(dir string) string
	// profiles says that it knows -pprof.
	profiles bool
	theirs   bool // not of this repository
	variant  variant
	shares   string // the server whose installation it uses; empty means its own
}

// contenders returns all servers in the order of the tables.
func contenders() []contender {
	all := []contender{
		{
			rival: rival{
				name: floor, title: "floor: bare epoll loop in Go, one write per message", plain: true,
				install: build("bench/floor"), command: ours("floor"),
			},
			version: goVersion,
		},
		{
			rival: rival{
				name: gannet, title: "Gannet, ordered workers", install: build("cmd/testbed"),
				command: ours("testbed", "-profile", "bench", "-loops", "1"),
			},
			version: commit, profiles: true,
		},
		{
			rival: rival{
				name: gannetInline, title: "Gannet, `Inline`, `DropHandshake`", install: build("cmd/testbed"),
				command: ours("testbed", "-profile", "bench", "-loops", "1", "-inline", "-drop-handshake"),
			},
			version: commit, profiles: true,
		},
	}
	for i := range rivals {
		all = append(all, contender{rival: rivals[i], version: runtimeOf(rivals[i].command), theirs: true})
	}
	find := func(name string) *contender {
		return &all[slices.IndexFunc(all, func(c contender) bool { return c.name == name })]
	}
	return append(all, variants(find(gannet), find(node))...)
}

func contenderNames() []string {
	var names []string
	for _, c := range contenders() {
		names = append(names, c.name)
	}
	return names
}

// build compiles a command of this module into the folder, so that no compiler
// runs beside a measurement.
func build(pkg string) func(context.Context, string) error {
	return func(ctx context.Context, dir string) error {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, filepath.Base(pkg)), "./"+pkg)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("go build: %w: %s", err, out)
		}
		return nil
	}
}

// ours starts a command of this module.
func ours(name string, args ...string) func(string) ([]string, []string) {
	return func(dir string) (argv, env []string) {
		return append([]string{filepath.Join(dir, name), "-addr", "127.0.0.1:0"}, args...), nil
	}
}

// runtimeOf names the version of what runs a rival, if it is not compiled.
func runtimeOf(command func(string) (argv, env []string)) func(string) string {
	return func(dir string) string {
		argv, _ := command(dir)
		for _, arg := range argv { // a loader may stand before it
			switch name := filepath.Base(arg); name {
			case "node", "python":
				return name + " " + strings.TrimPrefix(output(arg, "--version"), "Python ")
			case "java":
				first, _, _ := strings.Cut(output(arg, "--version"), "\n")
				return first
			}
		}
		return ""
	}
}

func goVersion(string) string { return runtime.Version() }

func commit(string) string {
	return runtime.Version() + ", " + output("git", "describe", "--always", "--dirty")
}

// output returns what a command prints, without the end of line, or nothing.
func output(name string, args ...string) string {
	b, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
