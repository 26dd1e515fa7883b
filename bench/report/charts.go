package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"gonum.org/v1/plot/plotter"
)

// A figure is a chart on a page.
type figure struct {
	Caption string
	SVG     template.HTML
}

// maxPoints is how many points of time a chart shows; a longer run is thinned.
const maxPoints = 500

// latencyFigure shows the latencies of one run, or one latency of several, by
// percentile.
func latencyFigure(caption string, names []string, latencies []Latency) (*figure, error) {
	caption = printable(caption)
	c := &chart{title: caption, x: scale{log: true, label: percentile}, y: scale{log: true, label: short(micros)}}
	hi := 10.0
	for i, name := range names {
		if points := latencies[i].quantiles(); len(points) > 0 {
			c.lines = append(c.lines, line{name, []plotter.XYs{points}})
			hi = max(hi, points[len(points)-1].X)
		}
	}
	c.x.ticks = percentileTicks(min(hi, most))
	return c.figure(caption)
}

// figure draws the chart, or returns nil when there is nothing to draw.
func (c *chart) figure(caption string) (*figure, error) {
	d := c.drawing()
	if d == nil {
		return nil, nil //nolint:nilnil // nothing to draw is no error
	}
	svg, err := d.svg()
	if err != nil {
		return nil, err
	}
	return &figure{Caption: caption, SVG: template.HTML(svg)}, nil //nolint:gosec // every text in it was escaped
}

// figures returns the charts of one run.
func (r *Result) figures() ([]*figure, error) {
	names := r.LatencyNames()
	latencies := make([]Latency, len(names))
	for i, name := range names {
		latencies[i] = r.Latencies[name]
	}
	first, err := latencyFigure("Latency by percentile", names, latencies)
	if err != nil {
		return nil, err
	}
	all := []*figure{first}
	samples := thin(rates(r.Series), maxPoints)
	bands := unmeasured(samples)
	for _, g := range timeCharts {
		c := &chart{title: g.caption, x: scale{label: seconds, steps: timeSteps}, y: g.y, bands: bands}
		nothing := true
		for _, l := range g.lines {
			c.lines = append(c.lines, line{l.name, over(samples, l.of, g.gaps)})
			nothing = nothing && !slices.ContainsFunc(samples, func(s Sample) bool { return l.of(&s) != 0 })
		}
		if nothing {
			continue
		}
		f, err := c.figure(g.caption)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return slices.DeleteFunc(all, func(f *figure) bool { return f == nil }), nil
}

// timeLine is what a line shows of a sample.
type timeLine struct {
	name string
	of   func(*Sample) float64
}

// timeCharts are the charts over time. Where gaps is set, zero is nothing
// measured rather than a value. A chart of nothing but zeros is left out.
var timeCharts = []struct {
	caption string
	y       scale
	gaps    bool
	lines   []timeLine
}{
	{"Messages per second", scale{label: whole, steps: wholeSteps}, false, []timeLine{
		{"received", func(s *Sample) float64 { return float64(s.Received) }},
		{"sent", func(s *Sample) float64 { return float64(s.Sent) }},
	}},
	{"Latency over time", scale{log: true, label: short(micros)}, true, []timeLine{
		{"p50", func(s *Sample) float64 { return s.P50 }},
		{"p99", func(s *Sample) float64 { return s.P99 }},
		{"max", func(s *Sample) float64 { return s.Max }},
	}},
	{"Connections", scale{label: whole, steps: wholeSteps}, false, []timeLine{{"open", func(s *Sample) float64 { return float64(s.Open) }}}},
	{"In flight, and errors per second", scale{label: whole, steps: wholeSteps}, false, []timeLine{
		{"messages in flight", func(s *Sample) float64 { return float64(s.InFlight) }},
		{"errors", func(s *Sample) float64 { return float64(s.Errors) }},
	}},
	{"CPU of the server's process", scale{label: func(v float64) string { return whole(v*100) + " %" }}, false, []timeLine{
		{"share of one core", func(s *Sample) float64 { return s.ServerCPU }},
	}},
	{"Memory of the server's process", scale{label: short(size)}, true, []timeLine{
		{"resident", func(s *Sample) float64 { return float64(s.ServerRSS) }},
	}},
}

// over returns a value of each sample, in pieces without gaps.
func over(samples []Sample, of func(*Sample) float64, gaps bool) []plotter.XYs {
	var pieces []plotter.XYs
	within := false
	for i := range samples {
		v := of(&samples[i])
		if gaps && v == 0 {
			within = false
			continue
		}
		if !within {
			pieces = append(pieces, nil)
			within = true
		}
		last := len(pieces) - 1
		pieces[last] = append(pieces[last], plotter.XY{X: samples[i].At, Y: v})
	}
	return pieces
}

// unmeasured returns the ranges of time that the figures leave out. A sample
// stands for the time since the one before it.
func unmeasured(samples []Sample) [][2]float64 {
	var bands [][2]float64
	from := 0.0
	for i := range samples {
		s := &samples[i]
		switch last := len(bands) - 1; {
		case s.Measuring:
		case last >= 0 && bands[last][1] == from:
			bands[last][1] = s.At
		default:
			bands = append(bands, [2]float64{from, s.At})
		}
		from = s.At
	}
	return bands
}

// thin returns at most n samples, each of which stands for several: the means
// of rates and shares, the greatest of the tails.
func thin(samples []Sample, n int) []Sample {
	if len(samples) <= n {
		return samples
	}
	each := (len(samples) + n - 1) / n
	thinned := make([]Sample, 0, n)
	for group := range slices.Chunk(samples, each) {
		thinned = append(thinned, merge(group))
	}
	return thinned
}

func merge(group []Sample) Sample {
	m := group[len(group)-1]
	m.Sent = mean(group, false, func(s *Sample) int64 { return s.Sent })
	m.Received = mean(group, false, func(s *Sample) int64 { return s.Received })
	m.Errors = mean(group, false, func(s *Sample) int64 { return s.Errors })
	m.ServerCPU = mean(group, false, func(s *Sample) float64 { return s.ServerCPU })
	m.P50 = mean(group, true, func(s *Sample) float64 { return s.P50 })
	for i := range group {
		m.P99, m.Max = max(m.P99, group[i].P99), max(m.Max, group[i].Max)
		m.InFlight = max(m.InFlight, group[i].InFlight)
		m.ServerRSS = max(m.ServerRSS, group[i].ServerRSS)
	}
	return m
}

// mean returns the mean of a value; where gaps is set, of those that are not
// zero.
func mean[T int64 | float64](group []Sample, gaps bool, of func(*Sample) T) T {
	var sum, n T
	for i := range group {
		if v := of(&group[i]); v != 0 || !gaps {
			sum += v
			n++
		}
	}
	return sum / max(n, 1)
}

// together returns a figure for each latency that several results have.
func together(results []*Result) ([]*figure, error) {
	all := &Result{Latencies: map[string]Latency{}}
	for _, r := range results {
		for name := range r.Latencies {
			all.Latencies[name] = Latency{}
		}
	}
	var figures []*figure
	for _, name := range all.LatencyNames() {
		var names []string
		var latencies []Latency
		for i, r := range results {
			if l, ok := r.Latencies[name]; ok && l.Count > 0 {
				names = append(names, r.label(i))
				latencies = append(latencies, l)
			}
		}
		if len(names) < 2 {
			continue
		}
		f, err := latencyFigure("Latency of "+name+" by percentile", names, latencies)
		if err != nil {
			return nil, err
		}
		if f != nil {
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// label names the result with an index among others.
func (r *Result) label(i int) string {
	return fmt.Sprintf("%d: %s", i+1, printable(cmp.Or(r.Scenario, "load test")))
}
