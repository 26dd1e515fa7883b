package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// format is the version of the JSON form of results.
const format = 1

// results are everything that was measured, one entry for each run.
type results struct {
	Format    int              `json:"format"`
	Started   time.Time        `json:"started"`
	Command   string           `json:"command"`
	Commit    string           `json:"commit"`
	Machine   machine          `json:"machine"`
	Runs      []runResult      `json:"runs"`
	Servers   []serverResult   `json:"servers"`
	Scenarios []scenarioResult `json:"scenarios"`
	NotRun    []notRun         `json:"notRun,omitempty"`
}

type machine struct {
	CPU      string  `json:"cpu"`
	Cores    int     `json:"cores"`
	MemoryGB float64 `json:"memoryGB"`
	Kernel   string  `json:"kernel"`
	Arch     string  `json:"arch"`
	Go       string  `json:"go"`
	Pinned   bool    `json:"pinned"` // server and client each to a core of its own
	Seconds  float64 `json:"seconds"`
	Load     string  `json:"load"` // average of the machine when the runs began
}

type serverResult struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version,omitempty"`
	Plain   bool   `json:"plain,omitempty"`
	Variant bool   `json:"variant,omitempty"` // takes part only in scenarios that name it
}

type scenarioResult struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
}

// A runResult is one measurement of one server.
type runResult struct {
	Scenario string `json:"scenario"`
	Server   string `json:"server"`
	Run      int    `json:"run"`
	measure
}

// notRun says why there are no figures; of any scenario, if Scenario is empty.
type notRun struct {
	Server   string `json:"server"`
	Scenario string `json:"scenario,omitempty"`
	Reason   string `json:"reason"`
	Failed   bool   `json:"failed,omitempty"` // it should have run
}

func (b *bench) newResults() *results {
	command := append([]string{"go run ./bench/compare"}, os.Args[1:]...)
	return &results{
		Format: format, Started: time.Now().UTC().Truncate(time.Second), Command: strings.Join(command, " "),
		Commit: output("git", "describe", "--always", "--dirty"),
		Machine: machine{
			CPU: procValue("/proc/cpuinfo", "model name"), Cores: cores(), MemoryGB: memoryGB(), Kernel: kernel(),
			Arch: runtime.GOARCH, Go: runtime.Version(), Pinned: b.pinned, Seconds: b.length.Seconds(), Load: loadAverage(),
		},
	}
}

// procValue returns the value of the first line "name : value" of a file.
func procValue(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// cores counts those of the machine: this process may be pinned to one.
func cores() int {
	b, err := os.ReadFile("/proc/cpuinfo")
	n := strings.Count("\n"+string(b), "\nprocessor")
	if err != nil || n == 0 {
		return runtime.NumCPU()
	}
	return n
}

func memoryGB() float64 {
	kb, _ := strconv.ParseFloat(strings.TrimSuffix(procValue("/proc/meminfo", "MemTotal"), " kB"), 64)
	return float64(int(kb/1024/1024*10)) / 10
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

// failure is what servers of this repository should have done.
func (r *results) failure() error {
	var errs []error
	for _, n := range r.NotRun {
		if n.Failed && (n.Server == floor || strings.HasPrefix(n.Server, gannet)) {
			errs = append(errs, fmt.Errorf("%s %s: %s", n.Server, n.Scenario, n.Reason))
		}
	}
	return errors.Join(errs...)
}

func (b *bench) save(r *results) error {
	if b.json == "" {
		return nil
	}
	return r.write(b.json)
}

func (r *results) write(path string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// readResults joins files; a scenario that is in several is taken from the
// last of them.
func readResults(paths []string) (*results, error) {
	var all *results
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r := new(results)
		if err := json.Unmarshal(data, r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if r.Format != format {
			return nil, fmt.Errorf("%s: format %d, want %d", path, r.Format, format)
		}
		if all == nil {
			all = r
			continue
		}
		all.merge(r)
	}
	return all, nil
}

// merge replaces what newer has measured again.
func (r *results) merge(newer *results) {
	again := func(name string) bool { return newer.scenario(name) != nil }
	r.Runs = append(slices.DeleteFunc(r.Runs, func(x runResult) bool { return again(x.Scenario) }), newer.Runs...)
	r.NotRun = append(slices.DeleteFunc(r.NotRun, func(x notRun) bool { return x.Scenario == "" || again(x.Scenario) }), newer.NotRun...)
	for _, s := range newer.Scenarios {
		if r.scenario(s.Name) == nil {
			r.Scenarios = append(r.Scenarios, s)
		}
	}
	for _, s := range newer.Servers {
		if i := slices.IndexFunc(r.Servers, func(x serverResult) bool { return x.Name == s.Name }); i >= 0 {
			r.Servers[i] = s
			continue
		}
		r.Servers = append(r.Servers, s)
	}
	r.Command += "\n" + newer.Command
	r.Started, r.Commit, r.Machine = newer.Started, newer.Commit, newer.Machine
}

func (r *results) scenario(name string) *scenarioResult {
	for i := range r.Scenarios {
		if r.Scenarios[i].Name == name {
			return &r.Scenarios[i]
		}
	}
	return nil
}
