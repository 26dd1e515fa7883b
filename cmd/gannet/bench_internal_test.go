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

// TestBenchCredentials gives the name and the password of a URL to the server
// and shows them to nobody.
func TestBenchCredentials(t *testing.T) {
	t.Parallel()
	url := strings.Replace(echoServer(t), "//", "//gull:s3cret@", 1)
	dir := t.TempDir()
	asJSON, asHTML := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	code, errText, out := bench(t, "echo", url, "--connections", "1", "--warmup", "0s", "--duration", "100ms", "--grace", patience.String(),
		"--json", asJSON, "--html", asHTML, "--query", "token=s3cret", "--cookie", "s=s3cret")
	if code != 0 {
		t.Errorf("status %d: %s", code, errText)
	}
	for _, path := range []string{asJSON, asHTML} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out += string(b)
	}
	for _, args := range [][]string{
		{url},
		{"--file", "x", url, url},
		{"echo", "x", url},
		{"echo", "x", "y", url},
		{"echo", url + ":x"},
		{"echo", strings.Replace(url, "http", "ftp", 1)},
		{"echo", strings.Replace(url, "http://", "", 1)},
		{"echo", url + "?a"},
		{"echo", strings.Replace(url, "gull", "gu/ll%", 1)},
	} {
		code, errText, _ := bench(t, args...)
		if code != 2 {
			t.Errorf("%q: status %d: %s", args, code, errText)
		}
		out += errText
	}
	if strings.Contains(out, "s3cret") || strings.Contains(out, "gull") {
		t.Errorf("a name or a password is in\n%s", out)
	}
}

// TestBenchLeavesFiles checks that a run that does not begin leaves the files
// for its result as they were.
func TestBenchLeavesFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, none := filepath.Join(dir, "old.json"), filepath.Join(dir, "none.html")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, errText, _ := bench(t, "echo", "http://127.0.0.1:1", "--json", old, "--html", none); code != 1 {
		t.Errorf("status %d: %s", code, errText)
	}
	if b, err := os.ReadFile(old); err != nil || string(b) != "old" {
		t.Errorf("the file that was there: %q, %v", b, err)
	}
	if _, err := os.Stat(none); !os.IsNotExist(err) {
		t.Errorf("the file that was not there: %v", err)
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
		{"three arguments", []string{"echo", url, "x"}, 2, `unexpected argument "x"`},
		{"unknown flag", []string{"echo", url, "--wat"}, 2, "unknown flag: --wat"},
		{"not a whole number", []string{"echo", url, "--connections", "1.5"}, 2, `--connections: want a whole number, not "1.5"`},
		{"not a number", []string{"echo", url, "--rate", "abc"}, 2, `--rate: want a number, not "abc"`},
		{"not a time", []string{"echo", url, "--duration", "3"}, 2, `--duration: want a time such as 10s or 500ms, not "3"`},
		{"not a truth", []string{"echo", url, "--ack=maybe"}, 2, `--ack: want true or false, not "maybe"`},
		{"not weights", []string{"echo", url, "--mix", "echo"}, 2, `--mix: want name=weight, not "echo"`},
		{"not a share", []string{"slow", url, "--slow", "x"}, 2, "want a share"},
		{"bad threshold", []string{"echo", url, "--threshold", "p99<3"}, 2, `threshold: "p99<3": p99 of what?`},
		{"bad file", []string{"--file", bad}, 2, "bad.yaml: line 2: banana: there is no such key"},
		{"no file", []string{"--file", bad + "x"}, 2, "bad.yamlx: no such file or directory"},
		{"wrong path", []string{"echo", url, "--path", "wrong"}, 2, "path: want it to begin with a slash"},
		{"wrong namespace", []string{"echo", url, "--namespace", "x"}, 2, "namespace: want it to begin with a slash"},
		{"line end in a header", []string{"echo", url, "--header", "X: a\r\nY: b"}, 2, "header: the value of X has a line end"},
		{"no name of a header", []string{"echo", url, "--header", "X Y: a"}, 2, `header: "X Y" is no name of a header`},
		{"line end in a cookie", []string{"echo", url, "--cookie", "a\nb"}, 2, "cookie: it has a control character"},
		{"query in the URL", []string{"echo", url + "/?a=b"}, 2, "target: want a URL without a query: the setting query takes it"},
		{"no such folder", []string{"echo", url, "--json", filepath.Join(bad, "r.json")}, 2, "r.json: not a directory"},
		{"a folder", []string{"echo", url, "--html", filepath.Dir(bad)}, 2, "is a directory"},
		{"one file for two", []string{"echo", url, "--json", "r", "--html", "./r"}, 2, "are the same file"},
		{"mix in a closed loop", []string{"echo", url, "--mix", "echo=1"}, 2, "mix: it divides a rate: want a rate too"},
		{"rooms of echo", []string{"echo", url, "--rooms", "3"}, 2, "rooms: it means nothing to the scenario echo: rooms and mixed take it"},
		{"not timed", []string{"echo", url, "--threshold", "p99(echo)<1s"}, 2, `threshold: "p99(echo)<1s": this run does not time echo, but connect and ack`},
		{"not sampled", []string{"echo", url, "--threshold", "cpu<5us"}, 2, `threshold: "cpu<5us": the server's process is not sampled without its pid`},
		{"nobody listens", []string{"echo", "http://127.0.0.1:1"}, 1, "connection refused"},
		{"no Socket.IO", []string{"echo", url, "--path", "/else/"}, 1, "is the path of http://127.0.0.1:"},
		{"no TLS", []string{"echo", strings.Replace(url, "http", "https", 1)}, 1, "it does not speak TLS"},
		{"no such namespace", []string{"echo", url, "--namespace", "/x"}, 1, "Invalid namespace"},
		{"no such process", []string{"echo", url, "--pid", "1073741824"}, 2, "there is no process"},
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

// TestBenchInterrupt sends real signals: what was measured until then is shown,
// and neither the text nor the status is that of a run that has passed.
func TestBenchInterrupt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		sig    syscall.Signal
		phase  string
		warmup string
		shown  string
		err    string
		status int
	}{
		{"SIGINT", syscall.SIGINT, "measuring", "0s", "interrupted: the figures are of what was measured until then", "gannet: the run was interrupted\n", 130},
		{"SIGTERM", syscall.SIGTERM, "measuring", "0s", "interrupted: ", "gannet: the run was interrupted\n", 143},
		{"in the warm-up", syscall.SIGINT, "warm", "1h", "", "gannet: interrupted before anything was measured\n", 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := child(t, nil, "bench", "echo", echoServer(t), "--connections", "3", "--warmup", tt.warmup, "--duration", "1h", "--grace", patience.String())
			var stdout output
			stderr := &notice{want: tt.phase, seen: make(chan struct{})}
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
			if err := cmd.Process.Signal(tt.sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != tt.status || !strings.HasSuffix(stderr.String(), tt.err) {
				t.Errorf("status %d, want %d: %s", got, tt.status, stderr.String())
			}
			if out := stdout.String(); !strings.Contains(out, tt.shown) || strings.Contains(out, "passed") {
				t.Errorf("no %q in\n%s", tt.shown, out)
			}
		})
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
