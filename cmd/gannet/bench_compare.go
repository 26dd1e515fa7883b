package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gannet-io/gannet/bench/report"
)

// benchCompareCommand returns `gannet bench compare`.
func benchCompareCommand() *cobra.Command {
	var asJSON bool
	var limit, noise string
	cmd := &cobra.Command{
		Use:   "compare A.json[,A2.json…] B.json[,B2.json…]",
		Short: "Compare what gannet bench has measured, before (A) and after (B)",
		Long: `Compare what gannet bench --json has measured, before (A) and after (B).

Several files of a side, joined by commas, are runs of the same thing; their
medians are compared. What counts:
` + report.NoiseHelp + `.

The exit status is 0 after a comparison, 1 if a file cannot be read, 2 if the
call is wrong, and 3 if --max-regression is given and something is worse by
more than that and by more than noise.`,
		Example: `  gannet bench compare before.json after.json
  gannet bench compare a1.json,a2.json,a3.json b1.json,b2.json,b3.json --max-regression 5%
  gannet bench compare before.json after.json --json | jq '.rows[] | select(.verdict == "worse")'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage(fmt.Errorf("bench compare takes two results, before and after; got %d", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &report.CompareOptions{}
			var err error
			if cmd.Flags().Changed("noise") {
				if o.Noise, err = percentage("noise", noise); err != nil {
					return usage(err)
				}
			}
			most := -1.0 // no limit
			if cmd.Flags().Changed("max-regression") {
				if most, err = percentage("max-regression", limit); err != nil {
					return usage(err)
				}
			}
			c, err := compareFiles(args[0], args[1], o)
			if err != nil {
				return err
			}
			if err := printComparison(cmd, c, asJSON); err != nil {
				return err
			}
			return regression(c, most, limit)
		},
	}
	cmd.SetFlagErrorFunc(flagError)
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&asJSON, "json", false, "print the comparison as JSON")
	f.StringVar(&limit, "max-regression", "", "end with status 3 if something is worse by more than this `percentage`, as 5%")
	f.StringVar(&noise, "noise", "", "what `percentage` a figure must differ by to be better or worse, as 5% (default: see above)")
	return cmd
}

// compareFiles reads both sides, each a list of files joined by commas.
func compareFiles(a, b string, o *report.CompareOptions) (*report.Comparison, error) {
	var sides [2]report.Side
	for i, list := range []string{a, b} {
		sides[i].Name = list
		for path := range strings.SplitSeq(list, ",") {
			if path == "" {
				return nil, usage(fmt.Errorf("%q names a file that has no name", list))
			}
			r, err := report.Read(path)
			if err != nil {
				return nil, err
			}
			sides[i].Runs = append(sides[i].Runs, r)
		}
	}
	return report.Compare(sides[0], sides[1], o)
}

func printComparison(cmd *cobra.Command, c *report.Comparison, asJSON bool) error {
	if !asJSON {
		return c.Table(cmd.OutOrStdout())
	}
	b, err := c.JSON()
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(b)
	return err
}

// regression is an error when something is worse by more than most, a share. A
// negative one means that there is no limit.
func regression(c *report.Comparison, most float64, limit string) error {
	if most < 0 {
		return nil
	}
	worse := c.Worse(most)
	if len(worse) == 0 {
		return nil
	}
	texts := make([]string, len(worse))
	for i, d := range worse {
		texts[i] = d.String()
	}
	return &exitError{exitVerdict, errors.New("worse by more than " + limit + ": " + strings.Join(texts, "; "))}
}

// percentage reads a share as people write it: 5% is 0.05.
func percentage(flag, text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v >= 0 && v <= 1e6) {
		return 0, fmt.Errorf("--%s is %q; want a percentage, such as 5%%", flag, text)
	}
	return v / 100, nil
}
