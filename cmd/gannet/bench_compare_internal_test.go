package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
)

// results writes a run before and one after, which costs half more, and returns
// their files.
func results(t *testing.T) (before, after string) {
	t.Helper()
	dir := t.TempDir()
	r := &report.Result{
		Tool: "gannet test", Scenario: "echo", Target: "ws://127.0.0.1:1/socket.io/", Seconds: 10,
		Latencies: map[string]report.Latency{"echo": {Count: 10, P50: 100, P90: 200, P99: 300, P999: 400, Max: 500, Mean: 150}},
		Messages:  report.Messages{Sent: 10, Received: 10, SentRate: 1, ReceivedRate: 1},
		Server:    &report.Process{CPUPerMessage: 4},
	}
	before, after = filepath.Join(dir, "before.json"), filepath.Join(dir, "after.json")
	for path, cpu := range map[string]float64{before: 4, after: 6} {
		r.Server.CPUPerMessage = cpu
		if err := report.Write(path, r); err != nil {
			t.Fatal(err)
		}
	}
	return before, after
}

func TestBenchCompare(t *testing.T) {
	t.Parallel()
	before, after := results(t)
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"format":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		err    string // part of the error, if there is one
		out    string // part of the output, if there is one
	}{
		{"worse without a limit", []string{before, after}, 0, "", "server CPU per message  4.00 µs  6.00 µs   +50 %  ±10 %  worse"},
		{"better", []string{after, before, "--max-regression", "0%"}, 0, "", "1 better, 0 worse"},
		{"worse than the limit", []string{before, after, "--max-regression", "5%"}, 3, "worse by more than 5%: server CPU per message worse: 6.00 µs, was 4.00 µs (+50 %)", "worse"},
		{"within the limit", []string{before, after, "--max-regression=50.5%"}, 0, "", "worse"},
		{"within given noise", []string{before, after, "--max-regression=5%", "--noise=60%"}, 0, "", "within noise"},
		{"runs", []string{before + "," + before + "," + after, before}, 0, "", "median of 3 runs"},
		{"not there", []string{before, filepath.Join(t.TempDir(), "none.json")}, 1, "no such file", ""},
		{"another format", []string{broken, before}, 1, "it is format 99", ""},
		{"one side", []string{before}, 2, "takes two results, before and after; got 1", ""},
		{"three sides", []string{before, after, after}, 2, "got 3", ""},
		{"no name", []string{before + ",", after}, 2, "names a file that has no name", ""},
		{"unknown flag", []string{"--wat"}, 2, "unknown flag: --wat", ""},
		{"no percentage", []string{before, after, "--max-regression", "5"}, 2, `--max-regression is "5"; want a percentage, such as 5%`, ""},
		{"negative noise", []string{before, after, "--noise", "-1%"}, 2, `--noise is "-1%"`, ""},
		{"NaN", []string{before, after, "--noise", "NaN%"}, 2, `--noise is "NaN%"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := benchCompareCommand()
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			var out bytes.Buffer
			cmd.SetOut(&out)
			cmd.SetArgs(tt.args)
			err := cmd.Execute()
			if status(err) != tt.status {
				t.Errorf("status %d (%v), want %d", status(err), err, tt.status)
			}
			if tt.err != "" && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %q, want %q in it", err, tt.err)
			}
			if !strings.Contains(out.String(), tt.out) {
				t.Errorf("no %q in\n%s", tt.out, out.String())
			}
		})
	}
}

func TestBenchCompareJSON(t *testing.T) {
	t.Parallel()
	before, after := results(t)
	cmd := benchCompareCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs([]string{before, after, "--json"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	var c report.Comparison
	if err := json.Unmarshal(out.Bytes(), &c); err != nil || c.A.Name != before {
		t.Errorf("%v: %s", err, out.String())
	}
}
