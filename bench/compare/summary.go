package main

import (
	"math"
	"slices"
	"strconv"
)

// clientBound is the share of its core from which on the client is taken to
// have held the server up.
const clientBound = 0.95

// A summary is what all runs of one server in one scenario have in common.
type summary struct {
	cost, low, high float64
	rate, p50, p99  float64
	client          float64 // share of its core
	runs            int
}

// summary returns the medians; ok is false without runs.
func (r *results) summary(scenario, server string) (s summary, ok bool) {
	var costs, rates, p50, p99, client []float64
	for i := range r.Runs {
		x := &r.Runs[i]
		if x.Scenario != scenario || x.Server != server {
			continue
		}
		costs, rates = append(costs, x.Cost), append(rates, x.Rate)
		p50, p99, client = append(p50, x.P50), append(p99, x.P99), append(client, x.ClientShare)
	}
	if len(costs) == 0 {
		return summary{}, false
	}
	return summary{
		cost: median(costs), low: slices.Min(costs), high: slices.Max(costs),
		rate: median(rates), p50: median(p50), p99: median(p99), client: median(client), runs: len(costs),
	}, true
}

// ratio returns the median of the ratios of both servers within each run; ok
// is false if they have no run in common.
func (r *results) ratio(scenario, server, against string) (ratio float64, ok bool) {
	base := map[int]float64{}
	for i := range r.Runs {
		if x := &r.Runs[i]; x.Scenario == scenario && x.Server == against {
			base[x.Run] = x.Cost
		}
	}
	var ratios []float64
	for i := range r.Runs {
		if x := &r.Runs[i]; x.Scenario == scenario && x.Server == server && base[x.Run] > 0 {
			ratios = append(ratios, x.Cost/base[x.Run])
		}
	}
	if len(ratios) == 0 {
		return 0, false
	}
	return median(ratios), true
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// figure prints three digits.
func figure(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		if v < 0 {
			return "-" + thousands(int(math.Round(a)))
		}
		return thousands(int(math.Round(v)))
	case a >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.0995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}
