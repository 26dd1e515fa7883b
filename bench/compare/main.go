package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

// clientCore runs the client, serverCore the servers.
const (
	serverCore = "0"
	clientCore = "1"
)

func main() {
	b := &bench{stderr: os.Stderr}
	only := flag.String("scenario", "", "comma-separated scenarios; empty means all, variants those that compare them: "+strings.Join(scenarioNames(), ", "))
	which := flag.String("servers", "", "comma-separated servers; empty means all: "+strings.Join(contenderNames(), ", "))
	seconds := flag.Float64("seconds", 2, "length of a timed scenario")
	from := flag.String("from", "", "comma-separated result files to print instead of measuring; later ones replace scenarios")
	update := flag.String("update", "", "Markdown file whose marked tables are rewritten")
	plots := flag.String("plots", "", "folder that plots are written to; those that -update shows are in "+plotFolder)
	named := flag.String("tables", "", "comma-separated tables that are printed or that -update rewrites, with those whose names begin so; empty means all")
	flag.IntVar(&b.runs, "runs", 5, "interleaved runs of each server")
	flag.BoolVar(&b.quick, "quick", false, "one short run with few connections: does everything still work?")
	flag.StringVar(&b.json, "json", "", "file that the raw results are written to")
	flag.Parse()
	b.length = time.Duration(*seconds * float64(time.Second))
	b.only, b.which = expand(list(*only)), list(*which)

	if *from == "" {
		pinSelf(b)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var r *results
	var err error
	if *from != "" {
		r, err = readResults(list(*from))
	} else {
		r, err = b.run(ctx)
	}
	stop()
	if r != nil {
		err = publish(err, r, *update, *plots, list(*named))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// pinSelf starts this program again on the client's core and does not return.
// Where that is impossible it returns, and nothing is pinned.
func pinSelf(b *bench) {
	const marker = "GANNET_BENCH_PINNED"
	if os.Getenv(marker) != "" {
		b.pinned = true
		return
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare: not pinned to cores:", err)
		return
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare: not pinned to cores:", err)
		return
	}
	if err := exec.Command(taskset, "-c", serverCore+","+clientCore, "true").Run(); err != nil {
		fmt.Fprintln(os.Stderr, "compare: not pinned to cores:", err)
		return
	}
	cmd := exec.Command(taskset, append([]string{"-c", clientCore, self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), marker+"=1", "GOMAXPROCS=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
