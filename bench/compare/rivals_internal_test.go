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
	"strings"
	"syscall"
	"testing"
	"time"
)

// The title of a rival names the versions that its manifest pins.
func TestRivalsPinTheirVersions(t *testing.T) {
	t.Chdir("../..")
	type pin struct{ path, format, version string }
	pins := map[string][]pin{
		"node-ws": {{"e2e/package.json", `"socket.io": "%s"`, "4.8.4"}},
		"node-uws": {
			{source("node/package.json"), `"socket.io": "%s"`, "4.8.4"},
			{source("node/package.json"), `"@btc-vision/uwebsockets.js": "%s"`, "20.57.0"},
		},
		"uws-plain":      {{source("node/package.json"), `"@btc-vision/uwebsockets.js": "%s"`, "20.57.0"}},
		"zishang520":     {{source("zishang520/go.mod"), "/servers/socket/v3 v%s", "3.0.2"}},
		"socketioxide":   {{source("socketioxide/Cargo.toml"), `socketioxide = "=%s"`, "0.18.9"}},
		"netty-socketio": {{source("netty-socketio/pom.xml"), "<version>%s</version>", "2.0.14"}},
		"python-socketio": {
			{source("python-socketio/requirements.txt"), "python-socketio==%s", "5.18.1"},
			{source("python-socketio/requirements.txt"), "uvicorn==%s", "0.54.0"},
		},
		"gws": {{source("gws/go.mod"), "github.com/lxzan/gws v%s", "1.8.9"}},
		"gnet-gobwas": {
			{source("gnet-gobwas/go.mod"), "github.com/panjf2000/gnet/v2 v%s", "2.10.0"},
			{source("gnet-gobwas/go.mod"), "github.com/gobwas/ws v%s", "1.4.0"},
		},
	}
	for _, r := range rivals {
		if len(pins[r.name]) == 0 {
			t.Errorf("%s: no pin is known here", r.name)
		}
		for _, p := range pins[r.name] {
			manifest, err := os.ReadFile(p.path)
			if err != nil {
				t.Error(err)
			}
			if want := fmt.Sprintf(p.format, p.version); !strings.Contains(string(manifest), want) {
				t.Errorf("%s does not have %s", p.path, want)
			}
			if !strings.Contains(r.title, p.version) {
				t.Errorf("%s: the title %q does not name version %s", r.name, r.title, p.version)
			}
		}
	}
}

func TestEnough(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"2.36": false, "2.38": true, "2.41": true, "3.0": true, "2.9": false, "": false, "musl": false} {
		if got := enough(version); got != want {
			t.Errorf("enough(%q) = %v, want %v", version, got, want)
		}
	}
}

func TestUnlessInstalled(t *testing.T) {
	t.Chdir(t.TempDir())
	manifest := filepath.Join(source("some"), "manifest")
	if err := os.MkdirAll(source("some"), 0o755); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("not reached")
	for _, step := range []struct {
		name, manifest string
		result         error
		want           bool // that it is installed anew
	}{
		{"nothing there", "v1", failure, true},
		{"failed before", "v1", nil, true},
		{"in place", "v1", nil, false},
		{"another version", "v2", nil, true},
		{"in place again", "v2", nil, false},
	} {
		if err := os.WriteFile(manifest, []byte(step.manifest), 0o644); err != nil {
			t.Fatal(err)
		}
		called := false
		err := unlessInstalled("out", "some", func() error {
			called = true
			if left, _ := os.ReadDir("out"); len(left) > 0 {
				t.Errorf("%s: the folder has %v", step.name, left)
			}
			if err := os.WriteFile(filepath.Join("out", "file"), nil, 0o644); err != nil {
				return err
			}
			return step.result
		})
		if called != step.want || !errors.Is(err, step.result) {
			t.Errorf("%s: installed %v, error %v; want %v, %v", step.name, called, err, step.want, step.result)
		}
	}
}

// GANNET_RIVALS=all, or names with commas, installs these rivals, starts each
// as a measurement does and has an official client check what it serves.
func TestRivalsServe(t *testing.T) {
	wanted := os.Getenv("GANNET_RIVALS")
	if wanted == "" {
		t.Skip("GANNET_RIVALS is not set")
	}
	t.Chdir("../..")
	flags := map[string][]string{
		// A response to a poll loses the packet behind the fiftieth.
		"netty-socketio": {"--no-binary", "--burst", "40"},
	}
	for _, r := range rivals {
		if wanted != "all" && !slices.Contains(strings.Split(wanted, ","), r.name) {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
			defer cancel()
			dir := filepath.Join(".bin", "rivals", r.name)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second finds all in place
				if err := r.install(ctx, dir); err != nil {
					t.Fatal(err)
				}
			}
			kind := "socketio"
			if r.plain {
				kind = "plain"
			}
			url := startRival(ctx, t, r.command, dir)
			check := exec.CommandContext(ctx, "node", append([]string{source("check.mjs"), url, kind}, flags[r.name]...)...)
			out, err := check.CombinedOutput()
			t.Logf("%s\n%s", r.title, out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// startRival starts a rival and returns its URL. At the end of the test it
// must stop at SIGTERM, having printed one line.
func startRival(ctx context.Context, tb testing.TB, command func(string) (argv, env []string), dir string) string {
	tb.Helper()
	argv, env := command(dir)
	// It is asked to end only after the context of the test has.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), "GOMAXPROCS=1"), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	tb.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			tb.Errorf("it had ended: %v", err)
		}
		for lines.Scan() {
			tb.Errorf("a second line: %s", lines.Text())
		}
		err := cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGTERM {
			return
		}
		if err != nil {
			tb.Errorf("after SIGTERM: %v", err)
		}
	})
	if !lines.Scan() {
		tb.Fatal("it printed no line")
	}
	url, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		tb.Fatalf("its line is %q", lines.Text())
	}
	return url
}
