package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// How rivals are installed and started. Paths are relative to the root of the
// repository, where this command is run; nothing is built beside the sources.

var (
	addrFlag   = []string{"-addr", "127.0.0.1:0"}
	production = []string{"NODE_ENV=production"}
)

// source returns the path of a file of bench/rivals.
func source(path string) string { return filepath.Join("bench", "rivals", path) }

// binary is the command of a rival that has been compiled to one file.
func binary(path string) func(dir string) (argv, env []string) {
	return func(dir string) (argv, env []string) {
		return append([]string{filepath.Join(dir, path)}, addrFlag...), nil
	}
}

func buildGo(name string) func(ctx context.Context, dir string) error {
	return func(ctx context.Context, dir string) error {
		out, err := filepath.Abs(filepath.Join(dir, "server"))
		if err != nil {
			return err
		}
		return tool(ctx, "go", "build", "-C", source(name), "-o", out, ".")
	}
}

func installCargo(ctx context.Context, dir string) error {
	return tool(ctx, "cargo", "build", "--release", "--locked", "--quiet",
		"--manifest-path", source("socketioxide/Cargo.toml"), "--target-dir", filepath.Join(dir, "target"))
}

func installMaven(ctx context.Context, dir string) error {
	return unlessInstalled(dir, "netty-socketio", func() error {
		out, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		return tool(ctx, "mvn", "--quiet", "--batch-mode", "-f", source("netty-socketio/pom.xml"), "-Dout="+out, "compile")
	})
}

// javaCommand has the collector that the JVM would choose on the one core of a
// measurement, wherever it is started.
func javaCommand(dir string) (argv, env []string) {
	classes := filepath.Join(dir, "classes") + ":" + filepath.Join(dir, "lib", "*")
	return append([]string{
		"java", "-XX:+UseSerialGC", "-Dio.netty.leakDetection.level=disabled", "-cp", classes, "Rival",
	}, addrFlag...), nil
}

func installPython(ctx context.Context, dir string) error {
	return unlessInstalled(dir, "python-socketio", func() error {
		venv := filepath.Join(dir, "venv")
		if err := tool(ctx, "python3", "-m", "venv", "--clear", venv); err != nil {
			return err
		}
		return tool(ctx, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check",
			"--no-deps", "-r", source("python-socketio/requirements.txt"))
	})
}

// installNodeWS has the packages of the suites, whose reference server is the
// rival.
func installNodeWS(ctx context.Context, _ string) error {
	if _, err := os.Stat("e2e/node_modules/socket.io"); err == nil {
		return nil
	}
	return toolIn(ctx, "e2e", "npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error")
}

// nodeDir is shared by the rivals that are written for uWebSockets.js.
func nodeDir(dir string) string { return filepath.Join(filepath.Dir(dir), "node") }

func installNode(ctx context.Context, dir string) error {
	dir = nodeDir(dir)
	return unlessInstalled(dir, "node", func() error {
		for _, name := range []string{"package.json", "package-lock.json", "serve.mjs", "node-uws.mjs", "uws-plain.mjs"} {
			b, err := os.ReadFile(filepath.Join(source("node"), name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
			}
			if err != nil {
				return err
			}
		}
		err := toolIn(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
		if err != nil {
			return err
		}
		return installLoader(ctx, dir)
	})
}

// installLoader gives Node.js the C library that uWebSockets.js is built for,
// where the system has an older one.
func installLoader(ctx context.Context, dir string) error {
	out, err := exec.CommandContext(ctx, "getconf", "GNU_LIBC_VERSION").Output()
	if err != nil {
		return fmt.Errorf("getconf GNU_LIBC_VERSION: %w", err)
	}
	if enough(strings.TrimPrefix(strings.TrimSpace(string(out)), "glibc ")) {
		return nil
	}
	script := source("glibc.sh")
	fmt.Fprintf(os.Stderr, "install: %s\n", script)
	cmd := exec.CommandContext(ctx, script, filepath.Join(dir, "glibc"))
	cmd.Stderr = os.Stderr
	prefix, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", script, err)
	}
	return os.WriteFile(filepath.Join(dir, "loader"), prefix, 0o644)
}

// enough says whether a version of glibc is at least 2.38.
func enough(version string) bool {
	major, minor, _ := strings.Cut(version, ".")
	m, err1 := strconv.Atoi(major)
	n, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil && (m > 2 || m == 2 && n >= 38)
}

func nodeCommand(dir, script string) []string {
	dir = nodeDir(dir)
	argv := []string{"node"}
	if prefix, err := os.ReadFile(filepath.Join(dir, "loader")); err == nil {
		node, err := exec.LookPath("node") // a loader does not search the path
		if err != nil {
			node = "node"
		}
		argv = append(strings.Fields(string(prefix)), node)
	}
	return append(append(argv, filepath.Join(dir, script)), addrFlag...)
}

// unlessInstalled empties dir and installs a rival there, unless that was done
// for the very sources that bench/rivals has of it now.
func unlessInstalled(dir, name string, install func() error) error {
	stamp := filepath.Join(dir, "installed")
	want, err := fingerprint(name)
	if err != nil {
		return err
	}
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := install(); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

// fingerprint changes with any file of a rival's sources.
func fingerprint(name string) (string, error) {
	sum := sha256.New()
	root := source(name)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(built, d.Name()):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		b, err := os.ReadFile(path)
		sum.Write(fmt.Appendf(nil, "%s %d\n%s", path, len(b), b))
		return err
	})
	return fmt.Sprintf("%x\n", sum.Sum(nil)), err
}

// built are folders that package managers make beside sources when they are
// called by hand.
var built = []string{"node_modules", "target", "venv"}

// tool runs a package manager or compiler and says that it does. What it wrote
// is shown if it fails, and the end of it becomes the error.
func tool(ctx context.Context, name string, args ...string) error {
	return toolIn(ctx, "", name, args...)
}

// toolIn runs a tool in another folder.
func toolIn(ctx context.Context, dir, name string, args ...string) error {
	fmt.Fprintf(os.Stderr, "install: %s %s\n", name, strings.Join(args, " "))
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &log, &log
	err := cmd.Run()
	if err == nil {
		return nil
	}
	end := strings.TrimSpace(log.String())
	if end == "" {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintln(os.Stderr, end)
	if cut := len(end) - 500; cut > 0 {
		end = "…" + end[cut:]
	}
	return fmt.Errorf("%s: %w: %s", name, err, end)
}
