//go:build amd64 || arm64

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logged is where a bench tells how it goes.
type logged struct{ tb testing.TB }

func (l logged) Write(b []byte) (int, error) {
	l.tb.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// TestEveryKind runs the smallest scenario of each kind on the servers of this
// repository, reads the file that it leaves, and prints every table.
func TestEveryKind(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts servers")
	}
	t.Chdir(filepath.Join("..", ".."))
	file := filepath.Join(t.TempDir(), "results", "test.json")
	ours := []string{floor, gannet, gannetInline}
	b := &bench{
		runs: 2, length: 50 * time.Millisecond, conns: 40, json: file, stderr: logged{t},
		which: ours, only: []string{"broadcast", "broadcast-20", "rooms", "echo", "echo-16", "polling", "handshake", "churn", "idle", "objects"},
	}
	r, err := b.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range b.only {
		for _, server := range ours {
			if server == floor && !findScenario(name).plain() {
				continue
			}
			s, ok := r.summary(name, server)
			memory := findScenario(name).unit() != costUnit
			if !ok || s.runs != b.runs || s.rate <= 0 || s.cost <= 0 && !memory {
				t.Errorf("%s of %s: %+v, want %d runs with figures", name, server, s, b.runs)
			}
		}
	}
	again, err := readResults([]string{file, file})
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Runs) != len(r.Runs) || len(again.Scenarios) != len(r.Scenarios) {
		t.Errorf("the file has %d runs of %d scenarios, want %d of %d", len(again.Runs), len(again.Scenarios), len(r.Runs), len(r.Scenarios))
	}
	for name, write := range tables {
		var got bytes.Buffer
		write(&got, again)
		if got.Len() == 0 && name != "variants, plots" || strings.Contains(got.String(), "NaN") {
			t.Errorf("table %s: %q", name, got.String())
		}
	}
}

// TestEveryVariant runs a scenario of each with few connections.
func TestEveryVariant(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts servers")
	}
	t.Chdir(filepath.Join("..", ".."))
	b := &bench{runs: 1, length: 20 * time.Millisecond, conns: 20, stderr: logged{t}, which: []string{gannet}}
	for i := range variations {
		b.which = append(b.which, gannet+"-"+variations[i].name)
	}
	for i := range scenarios {
		if s := &scenarios[i]; s.servers != nil {
			b.only = append(b.only, s.name)
		}
	}
	r, err := b.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range b.only {
		if r.scenario(name) == nil {
			continue // as small as another
		}
		servers := 0
		for _, server := range findScenario(name).servers {
			if s, ok := r.summary(name, server); ok && s.runs == 1 && s.rate > 0 {
				servers++
			}
		}
		if servers != 2 {
			t.Errorf("%s has figures of %d servers, want ours with and without", name, servers)
		}
	}
}

// TestFailedServer has one server that cannot be installed, one that cannot
// start and one that ends at once: all are listed, and the others go on.
func TestFailedServer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts servers")
	}
	t.Chdir(filepath.Join("..", ".."))
	b := &bench{
		runs: 1, length: 20 * time.Millisecond, conns: 10, built: t.TempDir(), stderr: logged{t},
		which: []string{floor}, only: []string{"echo"},
	}
	chosen, err := b.choose()
	if err != nil {
		t.Fatal(err)
	}
	missing, ends := chosen[0], chosen[0]
	missing.name, missing.command = "missing", func(string) (argv, env []string) { return []string{"/no such program"}, nil }
	ends.name, ends.command = "ends", func(string) (argv, env []string) {
		return []string{"sh", "-c", "echo this is why >&2; exit 3"}, nil
	}
	uninstalled := chosen[0]
	uninstalled.name, uninstalled.install = "uninstalled", build("no/such/folder")
	r := b.newResults()
	ready := b.install(t.Context(), r, []contender{uninstalled, missing, ends, chosen[0]})
	sc := findScenario("echo").small(b.conns)
	b.scenario(t.Context(), r, sc, ready)
	if len(r.Runs) != 1 || len(r.NotRun) != 3 {
		t.Fatalf("runs %v, not run %v", r.Runs, r.NotRun)
	}
	if !strings.Contains(r.NotRun[2].Reason, "this is why") {
		t.Errorf("reason %q, want what the server said", r.NotRun[2].Reason)
	}
	if err := r.failure(); err != nil {
		t.Errorf("failure %v, want none: the servers are not ours", err)
	}
}
