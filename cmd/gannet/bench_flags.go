package main

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gannet-io/gannet/bench/scenario"
)

// settingFlags returns the settings of a scenario as flags that change c.
func settingFlags(c *scenario.Config) *pflag.FlagSet {
	set := pflag.NewFlagSet("scenario", pflag.ContinueOnError)
	set.SortFlags = false
	for _, s := range scenario.Settings() {
		switch in := s.In(c).(type) {
		case *int:
			set.IntVar(in, s.Name, *in, s.Usage)
		case *float64:
			set.Float64Var(in, s.Name, *in, s.Usage)
		case *bool:
			set.BoolVar(in, s.Name, *in, s.Usage)
		case *string:
			set.StringVar(in, s.Name, *in, s.Usage)
		case *time.Duration:
			set.DurationVar(in, s.Name, *in, s.Usage)
		case *[]string:
			set.StringArrayVar(in, s.Name, *in, s.Usage)
		default:
			set.Var(&textFlag{in: in}, s.Name, s.Usage)
		}
	}
	return set
}

// A textFlag is a setting that has no flag type of its own.
type textFlag struct{ in any }

// String implements pflag.Value.
func (f *textFlag) String() string { return scenario.Text(f.in) }

// Type implements pflag.Value.
func (f *textFlag) Type() string {
	if _, ok := f.in.(*scenario.Share); ok {
		return "share"
	}
	return "name=value,…"
}

// Set implements pflag.Value.
func (f *textFlag) Set(text string) error {
	switch in := f.in.(type) {
	case *scenario.Share:
		return in.UnmarshalText([]byte(text))
	case *map[string]float64:
		m := map[string]float64{}
		for pair := range strings.SplitSeq(text, ",") {
			name, value, _ := strings.Cut(pair, "=")
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return fmt.Errorf("want name=weight, not %q", pair)
			}
			m[name] = v
		}
		*in = m
	case *map[string]string:
		m := maps.Clone(*in) // what is not named stays
		for pair := range strings.SplitSeq(text, ",") {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return fmt.Errorf("want name=value, not %q", pair)
			}
			m[name] = value
		}
		*in = m
	}
	return nil
}

// wants is what a flag takes, by its type.
var wants = map[string]string{
	"int":      "a whole number",
	"float64":  "a number",
	"bool":     "true or false",
	"duration": "a time such as 10s or 500ms",
}

// flagError says what is wrong with a flag in words of its own.
func flagError(_ *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return usage(err)
	}
	name := "--" + value.GetFlag().Name
	if want, known := wants[value.GetFlag().Value.Type()]; known {
		return usage(fmt.Errorf("%s: want %s, not %q", name, want, value.GetValue()))
	}
	return usage(fmt.Errorf("%s: %w", name, value.Unwrap()))
}
