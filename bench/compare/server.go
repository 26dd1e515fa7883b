package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is a child process that is measured.
type server struct {
	cmd  *exec.Cmd
	addr string
}

// build compiles the testbed and installs rivals, so that no compiler runs
// beside a measurement. A rival that cannot be installed is left out.
func (b *bench) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(b.dir, "testbed"), "./cmd/testbed")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	for _, name := range slices.Clone(b.servers) {
		r := findRival(name)
		if r == nil {
			continue
		}
		dir := b.rivalDir(r)
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = r.install(ctx, dir)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "not run: %s: %v\n", r.title, err)
			b.servers = slices.DeleteFunc(b.servers, func(s string) bool { return s == name })
		}
	}
	return nil
}

func findRival(name string) *rival {
	for i := range rivals {
		if rivals[i].name == name {
			return &rivals[i]
		}
	}
	return nil
}

// rivalDir is where a rival is installed: it stays, so that the next run has
// it.
func (b *bench) rivalDir(r *rival) string { return filepath.Join(".bin", "rivals", r.name) }

// start starts a server on core 0 and waits until it listens.
func (b *bench) start(ctx context.Context, name string) (*server, error) {
	args := []string{"-c", "0"}
	var env []string
	common := []string{"-addr", "127.0.0.1:0", "-profile", "bench"}
	switch name {
	case "gannet":
		args = append(append(args, filepath.Join(b.dir, "testbed"), "-loops", "1"), common...)
	case "gannet-inline":
		args = append(append(args, filepath.Join(b.dir, "testbed"), "-loops", "1", "-inline", "-drop-handshake"), common...)
	case "node":
		args = append(append(args, "node", "e2e/reference/testbed.mjs"), common...)
	default:
		r := findRival(name)
		if r == nil {
			return nil, fmt.Errorf("unknown server %q", name)
		}
		var argv []string
		argv, env = r.command(b.rivalDir(r))
		args = append(args, argv...)
	}
	cmd := exec.CommandContext(ctx, "taskset", args...)
	cmd.Env = append(append(os.Environ(), "GOMAXPROCS=1"), env...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, addr, ok := strings.Cut(lines.Text(), "listening on http://"); ok {
			s.addr = addr
			go func() { // stops when the server closes its output
				for lines.Scan() {
					continue // drained so that the server never blocks
				}
			}()
			return s, nil
		}
	}
	s.stop()
	return nil, errors.New("it ended before it listened")
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// cpu returns the time that all threads of the server have run.
func (s *server) cpu() time.Duration {
	var total int64
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		field, _, _ := strings.Cut(string(b), " ")
		n, _ := strconv.ParseInt(field, 10, 64)
		total += n
	}
	return time.Duration(total)
}

// rss returns the resident memory of the server in bytes.
func (s *server) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
