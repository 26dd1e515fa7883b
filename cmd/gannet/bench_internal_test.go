package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/sio"
)

// echoServer acknowledges echoes, and returns its URL.
func echoServer(t *testing.T) string {
	t.Helper()
	srv, err := sio.NewServer(&sio.Options{Loops: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
	srv.Handle("lossy", func(*sio.Event) error { return nil })
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	return "http://" + addr.String()
}

// bench runs the command and returns its status, error and output.
func bench(t *testing.T, args ...string) (code int, errText, out string) {
	t.Helper()
	cmd := benchCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args)
	err := cmd.Execute()
	if err != nil {
		errText = err.Error()
	}
	return status(err), errText, stdout.String()
}

// TestBench runs a small load test and reads what it leaves behind.
func TestBench(t *testing.T) {
	t.Parallel()
	url := echoServer(t)
	dir := t.TempDir()
	asJSON, asHTML := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	code, errText, out := bench(t, "echo", url, "--connections", "5", "--warmup", "10ms", "--duration", "300ms",
		"--grace", patience.String(), "--json", asJSON, "--html", asHTML, "--threshold", "errors<1", "--threshold", "rate>0", "--header", "X-A: 1,2")
	if code != 0 {
		t.Fatalf("status %d: %s\n%s", code, errText, out)
	}
	if !strings.Contains(out, "passed") {
		t.Errorf("no verdict in\n%s", out)
	}
	r, err := report.Read(asJSON)
	if err != nil {
		t.Fatal(err)
	}
	if r.Scenario != "echo" || r.Connections.Opened != 5 || r.Messages.Received == 0 || !strings.HasPrefix(r.Tool, "gannet bench") {
		t.Errorf("result: %+v", r)
	}
	if r.Settings["connections"] != "5" || r.Settings["header"] != "set" {
		t.Errorf("settings: %v", r.Settings)
	}
	if page, err := os.ReadFile(asHTML); err != nil || !bytes.Contains(page, []byte("<html")) {
		t.Errorf("page of %d bytes: %v", len(page), err)
	}
}

// TestBenchFile takes the scenario from a file; a flag goes before it.
func TestBenchFile(t *testing.T) {
	t.Parallel()
	url := echoServer(t)
	path := filepath.Join(t.TempDir(), "s.yaml")
	text := "scenario: echo\ntarget: " + url + "\nconnections: 3\nwarmup: 10ms\nduration: 300ms\ngrace: 20s\npayload: 99\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	asJSON := filepath.Join(t.TempDir(), "r.json")
	if code, errText, _ := bench(t, "--file", path, "--connections", "4", "--json", asJSON); code != 0 {
		t.Fatalf("status %d: %s", code, errText)
	}
	r, err := report.Read(asJSON)
	if err != nil {
		t.Fatal(err)
	}
	if r.Connections.Opened != 4 || r.Settings["payload"] != "99" {
		t.Errorf("%d connections, settings %v", r.Connections.Opened, r.Settings)
	}
}

// TestBenchStatus checks statuses and what is said.
func TestBenchStatus(t *testing.T) {
	t.Parallel()
	url := echoServer(t)
	short := []string{"--connections", "2", "--warmup", "0s", "--duration", "200ms", "--grace", "200ms"}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("scenario: echo\nbanana: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		err    string
	}{
		{"no scenario", nil, 2, "which scenario?"},
		{"unknown scenario", []string{"dance", url}, 2, `there is no scenario "dance"`},
		{"URL first", []string{url}, 2, "the scenario comes before the URL"},
		{"no URL", []string{"echo"}, 2, "target: the URL of a server is missing"},
		{"three arguments", []string{"echo", url, "x"}, 2, "accepts at most 2"},
		{"unknown flag", []string{"echo", url, "--wat"}, 2, "unknown flag: --wat"},
		{"not a number", []string{"echo", url, "--connections", "x"}, 2, "connections"},
		{"not a share", []string{"slow", url, "--slow", "x"}, 2, "want a share"},
		{"bad threshold", []string{"echo", url, "--threshold", "p99<3"}, 2, "threshold"},
		{"bad file", []string{"--file", bad}, 2, "bad.yaml: line 2: banana: there is no such key"},
		{"no file", []string{"--file", bad + "x"}, 2, "no such file"},
		{"nobody listens", []string{"echo", "http://127.0.0.1:1"}, 1, "connection refused"},
		{"no such namespace", []string{"echo", url, "--namespace", "/x"}, 1, "Invalid namespace"},
		{"no such process", []string{"echo", url, "--pid", "1073741824"}, 1, "there is no process"},
		{"nothing comes back", append([]string{"echo", url, "--events", "echo=lossy"}, short...), 3, "lost"},
		{"threshold", append([]string{"echo", url, "--threshold", "rate>1000M"}, short...), 3, "rate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, errText, _ := bench(t, tt.args...)
			if code != tt.status || !strings.Contains(errText, tt.err) || strings.ContainsRune(errText, '\n') {
				t.Errorf("status %d: %s\nwant %d, and one line with %q", code, errText, tt.status, tt.err)
			}
		})
	}
}

// TestBenchInterrupt sends a real SIGINT: what was measured until then is
// shown, and the status is that of a run that has passed.
func TestBenchInterrupt(t *testing.T) {
	t.Parallel()
	cmd := child(t, nil, "bench", "echo", echoServer(t), "--connections", "3", "--warmup", "0s", "--duration", "1h", "--grace", patience.String())
	var stdout output
	stderr := &notice{want: "measuring", seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-stderr.seen:
	case <-ctx.Done():
		_ = cmd.Process.Kill()
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v: %s", err, stderr.String())
	}
	if out := stdout.String(); !strings.Contains(out, "ack") || !strings.Contains(out, "passed") {
		t.Errorf("no result in\n%s", out)
	}
}

// A notice is output that tells when a text has come.
type notice struct {
	output
	want string
	seen chan struct{} // closed then
	told bool
}

// Write implements io.Writer. It is called from one goroutine at a time.
func (n *notice) Write(p []byte) (int, error) {
	c, err := n.output.Write(p)
	if !n.told && strings.Contains(n.String(), n.want) {
		n.told = true
		close(n.seen)
	}
	return c, err
}
