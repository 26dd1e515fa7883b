// Command compare measures servers side by side: each is started on one core,
// the client runs on another, runs are interleaved, and what counts is the
// server's CPU time for each message, connection or handshake.
//
//	go run ./bench/compare -runs 5 -scenario echo
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("runs", 5, "interleaved runs of each server")
	only := flag.String("scenario", "", "comma-separated scenarios; empty means all: "+strings.Join(scenarioNames(), ", "))
	which := flag.String("servers", "gannet,gannet-inline,node", "comma-separated servers: gannet, gannet-inline, node")
	conns := flag.Int("idle", 15_000, "connections of the scenario idle")
	seconds := flag.Float64("seconds", 2, "length of a timed scenario")
	flag.Parse()
	if err := pinSelf("1"); err != nil {
		fmt.Fprintln(os.Stderr, "compare: cannot pin the client to core 1:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	b := &bench{
		runs: *runs, idle: *conns, length: time.Duration(*seconds * float64(time.Second)),
		servers: strings.Split(*which, ","),
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// pinSelf starts this program again on the given core and does not return,
// unless that has been done.
func pinSelf(core string) error {
	const marker = "GANNET_BENCH_PINNED"
	if os.Getenv(marker) != "" {
		return nil
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(taskset, append([]string{"-c", core, self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), marker+"=1", "GOMAXPROCS=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
	return nil
}

// A bench runs scenarios on servers.
type bench struct {
	runs    int
	idle    int
	length  time.Duration
	servers []string
	only    []string
	dir     string
}

func (b *bench) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "gannet-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b.dir = dir
	if err := b.build(ctx); err != nil {
		return err
	}
	for _, sc := range scenarios {
		if b.only != nil && !slices.Contains(b.only, sc.name) {
			continue
		}
		if err := b.scenario(ctx, sc); err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
	}
	return nil
}

// scenario runs one scenario on all servers in turn and prints the medians.
func (b *bench) scenario(ctx context.Context, sc scenario) error {
	results := map[string][]float64{}
	rates := map[string][]float64{}
	for run := range b.runs {
		for _, name := range b.servers {
			if r := findRival(name); r != nil && (r.plain || r.skip[sc.name] != "") {
				continue
			}
			m, err := b.once(ctx, sc, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			results[name] = append(results[name], m.cost)
			rates[name] = append(rates[name], m.rate)
			fmt.Fprintf(os.Stderr, "%s %d/%d %s: %.2f %s\n", sc.name, run+1, b.runs, name, m.cost, sc.unit)
		}
	}
	base := median(results[b.servers[0]])
	for _, name := range b.servers {
		r := results[name]
		if len(r) == 0 {
			continue
		}
		fmt.Printf("| %s | %s | %.2f %s | %.2f to %.2f | %.2f | %.0f |\n", sc.title, name,
			median(r), sc.unit, slices.Min(r), slices.Max(r), median(r)/base, median(rates[name]))
	}
	return nil
}

func (b *bench) once(ctx context.Context, sc scenario, name string) (measure, error) {
	s, err := b.start(ctx, name)
	if err != nil {
		return measure{}, err
	}
	defer s.stop()
	return sc.run(ctx, b, s)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
