package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/bench/scenario"
)

// benchFlags are the flags that are no settings of a scenario.
type benchFlags struct {
	file, json, html string
	quiet            bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	scratch, _ := scenario.Preset("echo")
	settings := settingFlags(scratch)
	cmd := &cobra.Command{
		Use:   "bench [SCENARIO] [URL]",
		Short: "Put load on a Socket.IO server, check every message and time it",
		Long: `Put load on a Socket.IO server, check every message and time it.

Scenarios:
` + scenarioHelp() + `
The defaults below are those of echo; docs/bench.md has those of the others.

The server must answer the events echo, broadcast, join and room as the
profile bench of Gannet's testbed does; --events gives them other names.

The exit status is 0 if the run passed, 1 if it could not run, 2 for bad usage,
3 if checks or thresholds failed, and 130 or 143 if SIGINT or SIGTERM ended it.

Thresholds limit ` + report.ThresholdHelp + `.`,
		Example: `  gannet bench echo http://127.0.0.1:3000 --connections 1000 --duration 10s --pid 4711
  gannet bench rooms http://127.0.0.1:3000 --rooms 50 --rate 5000 --threshold 'p99(broadcast)<20ms'
  gannet bench --file scenario.yaml --json result.json --html result.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 2 {
				return usage(fmt.Errorf("unexpected argument %q", scenario.Redact(args[2])))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := f.config(cmd.Flags(), args)
			if err == nil {
				err = f.checkOutputs()
			}
			if err != nil {
				return usage(err)
			}
			return f.run(cmd.Context(), cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.SetFlagErrorFunc(flagError)
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.file, "file", "", "YAML file with the scenario; its keys are scenario, target and the names of the flags below")
	flags.StringVar(&f.json, "json", "", "file to write the result to, as JSON")
	flags.StringVar(&f.html, "html", "", "file to write the result to, as a page")
	flags.BoolVar(&f.quiet, "quiet", false, "show no progress")
	flags.AddFlagSet(settings)
	cmd.AddCommand(benchCompareCommand())
	return cmd
}

func scenarioHelp() string {
	var b strings.Builder
	for _, name := range scenario.Names() {
		fmt.Fprintf(&b, "  %-10s %s\n", name, scenario.About(name))
	}
	return b.String()
}

// config puts the preset, the file and the flags together, in that order.
func (f *benchFlags) config(given *pflag.FlagSet, args []string) (*scenario.Config, error) {
	c, args, err := f.base(args)
	if err != nil {
		return nil, err
	}
	if len(args) > 0 {
		c.Target = args[0]
	}
	if len(args) > 1 {
		return nil, fmt.Errorf("unexpected argument %q", scenario.Redact(args[1]))
	}
	into := settingFlags(c)
	given.Visit(func(g *pflag.Flag) {
		if err != nil || into.Lookup(g.Name) == nil {
			return
		}
		if list, ok := g.Value.(pflag.SliceValue); ok {
			err = into.Lookup(g.Name).Value.(pflag.SliceValue).Replace(list.GetSlice())
			return
		}
		err = into.Set(g.Name, g.Value.String())
	})
	if err != nil {
		return nil, err
	}
	err = c.Validate()
	return c, err
}

// base returns the preset or the file, and the arguments behind.
func (f *benchFlags) base(args []string) (*scenario.Config, []string, error) {
	if f.file != "" {
		in, err := os.Open(f.file)
		if err != nil {
			return nil, nil, fmt.Errorf("--file %s: %w", f.file, fileCause(err))
		}
		defer func() { _ = in.Close() }()
		c, err := scenario.Read(in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", filepath.Base(f.file), err)
		}
		return c, args, nil
	}
	if len(args) == 0 {
		return nil, nil, fmt.Errorf("which scenario? one of %s, or --file", strings.Join(scenario.Names(), ", "))
	}
	if !slices.Contains(scenario.Names(), args[0]) && strings.Contains(args[0], "://") {
		return nil, nil, fmt.Errorf("the scenario comes before the URL: one of %s", strings.Join(scenario.Names(), ", "))
	}
	c, err := scenario.Preset(scenario.Redact(args[0]))
	return c, args[1:], err
}

// run runs the scenario and shows what it measured. A first interrupt ends the
// run early, a second the program.
func (f *benchFlags) run(ctx context.Context, c *scenario.Config, stdout, stderr io.Writer) error {
	thresholds := make([]report.Threshold, 0, len(c.Thresholds))
	for _, text := range c.Thresholds {
		t, err := report.ParseThreshold(text)
		if err != nil {
			return usage(err)
		}
		thresholds = append(thresholds, t)
	}
	ctx, stop := untilSignal(ctx)
	defer stop()

	live := report.NewLive(&report.LiveOptions{Out: f.progress(stderr), Total: c.Total(), Connections: int64(c.Connections)})
	res, err := scenario.Run(ctx, c, func(p report.Phase, s report.Sample) { live.Update(p, &s) })
	live.Done()
	if err != nil {
		if sig, ok := errors.AsType[interruption](context.Cause(ctx)); ok && errors.Is(err, context.Canceled) {
			return &exitError{sig.status(), errors.New("interrupted before anything was measured")}
		}
		return err
	}
	res.Tool = "gannet bench " + version()
	res.Failures = append(res.Failures, report.Check(res, thresholds)...)
	if err := f.write(res, stdout); err != nil {
		return err
	}
	if sig, ok := errors.AsType[interruption](context.Cause(ctx)); ok && res.Interrupted() {
		return &exitError{sig.status(), errors.New("the run was interrupted")}
	}
	if len(res.Failures) > 0 {
		return &exitError{exitVerdict, errors.New("the run failed: " + strings.Join(res.Failures, "; "))}
	}
	return nil
}

// untilSignal returns a context that the first signal ends, which is its cause.
// The second has its usual effect.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with ctx
		defer signal.Stop(signals)
		select {
		case sig := <-signals:
			cancel(interruption{sig})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (f *benchFlags) progress(stderr io.Writer) io.Writer {
	if f.quiet {
		return io.Discard
	}
	return stderr
}
