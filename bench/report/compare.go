package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// A Side is one side of a comparison: runs of the same thing, and what to call
// it.
type Side struct {
	Name string
	Runs []*Result
}

// CompareOptions configures Compare. Its zero value is usable.
type CompareOptions struct {
	// Noise is the share by which a figure must differ at least to be better or
	// worse, as 0.05. Zero means what NoiseHelp says. A range of runs that is
	// wider than it counts all the same.
	Noise float64
}

// NoiseHelp says what counts as noise when CompareOptions do not.
const NoiseHelp = `within noise is what differs by less than the bound in the column "noise":
10 % (30 % for p99, p99.9 and max, 5 % for memory) with one or two runs on a
side, 2 % (5 % for p99, p99.9 and max) with three or more, and in any case half
the range of either side's runs; counts have no noise`

// A Comparison is how side B differs from side A.
type Comparison struct {
	A ComparedSide `json:"a"`
	B ComparedSide `json:"b"`
	// Warnings say why the sides may not be comparable.
	Warnings []string     `json:"warnings,omitempty"`
	Rows     []Difference `json:"rows"`
}

// A ComparedSide says what a side was.
type ComparedSide struct {
	Name     string `json:"name"`
	Runs     int    `json:"runs"`
	Scenario string `json:"scenario"`
	Target   string `json:"target"`
	Tool     string `json:"tool"`
}

// A Difference is one figure on both sides.
type Difference struct {
	// Metric is the figure's name as in thresholds, such as "p99(ack)".
	Metric string `json:"metric"`
	// Unit is "µs", "1/s", "bytes", or "" for counts.
	Unit string `json:"unit"`
	// A and B are the medians of the sides' runs.
	A float64 `json:"a"`
	B float64 `json:"b"`
	// Change is (B-A)/A; nil when A is 0 and B is not.
	Change *float64 `json:"change"`
	// Noise is the share below which a change means nothing.
	Noise   float64 `json:"noise"`
	Verdict Verdict `json:"verdict"`

	unit  unit
	label string
}

// A Verdict says whether side B of a figure is better.
type Verdict string

// The verdicts.
const (
	Better      Verdict = "better"
	Worse       Verdict = "worse"
	WithinNoise Verdict = "within noise"
)

// Compare compares the medians of two sides, figure by figure. Figures that
// neither side has are left out, and those that one side lacks are warnings.
func Compare(a, b Side, o *CompareOptions) (*Comparison, error) {
	if len(a.Runs) == 0 || len(b.Runs) == 0 {
		return nil, errors.New("report: a comparison needs a run on each side")
	}
	if o == nil {
		o = &CompareOptions{}
	}
	c := &Comparison{A: compared(a), B: compared(b), Rows: []Difference{}}
	c.Warnings = warnings(a, b)
	alone := func(what, side string) {
		if text := what + " was measured in " + side + " alone"; !slices.Contains(c.Warnings, text) {
			c.Warnings = append(c.Warnings, text)
		}
	}
	for _, t := range compareable(a, b) {
		va, vb := t.values(a), t.values(b)
		what := cmp.Or(t.latency, t.metric.label)
		switch {
		case len(va) == 0 && len(vb) == 0:
		case len(va) == 0:
			alone(what, "B")
		case len(vb) == 0:
			alone(what, "A")
		default:
			c.Rows = append(c.Rows, difference(t, va, vb, o))
		}
	}
	return c, nil
}

// Worse returns the figures that are worse by more than limit, a share, and by
// more than noise. A count that was 0 is always worse by more.
func (c *Comparison) Worse(limit float64) []Difference {
	var worse []Difference
	for _, d := range c.Rows {
		if d.Verdict == Worse && (d.Change == nil || math.Abs(*d.Change) > limit) {
			worse = append(worse, d)
		}
	}
	return worse
}

// JSON returns the comparison as indented JSON that ends in a newline.
func (c *Comparison) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// String returns the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s %s: %s, was %s (%s)", d.label, d.Verdict, d.unit.text(d.B), d.unit.text(d.A), d.changeText())
}

// Table writes the comparison for people to read.
func (c *Comparison) Table(w io.Writer) error {
	var b strings.Builder
	for _, s := range []struct {
		letter string
		side   *ComparedSide
	}{{"A", &c.A}, {"B", &c.B}} {
		fmt.Fprintf(&b, "%s  %s: %s against %s, %s\n", s.letter, printable(s.side.Name), printable(s.side.Scenario), printable(s.side.Target), runs(s.side.Runs))
	}
	for _, warning := range c.Warnings {
		b.WriteString("warning: " + printable(warning) + "\n")
	}
	b.WriteByte('\n')
	g := &grid{lastLeft: true}
	g.add("", "A", "B", "change", "noise", "")
	total := map[Verdict]int{}
	nothing := true // of what can go wrong has happened
	for i := range c.Rows {
		d := &c.Rows[i]
		if d.unit == unitCount {
			if d.A == 0 && d.B == 0 {
				continue
			}
			nothing = false
		}
		total[d.Verdict]++
		noise := "none"
		if d.unit != unitCount {
			noise = "±" + percent(d.Noise)
		}
		g.add(printable(d.label), d.unit.text(d.A), d.unit.text(d.B), d.changeText(), noise, string(d.Verdict))
	}
	if err := g.write(&b); err != nil {
		return err
	}
	if nothing {
		b.WriteString("nothing failed, was lost or came out wrong on either side\n")
	}
	fmt.Fprintf(&b, "\n%d better, %d worse, %d within noise\n", total[Better], total[Worse], total[WithinNoise])
	_, err := io.WriteString(w, b.String())
	return err
}

func (d Difference) changeText() string {
	switch {
	case d.Change == nil:
		return "from 0"
	case *d.Change > 0:
		return "+" + percent(*d.Change)
	default:
		return percent(*d.Change)
	}
}

// percent writes a share with one decimal below 10 %.
func percent(share float64) string {
	p := share * 100
	if r := math.Round(p*10) / 10; math.Abs(r) < 10 && r != math.Trunc(r) {
		return fmt.Sprintf("%.1f %%", r)
	}
	if math.Round(p) == 0 {
		p = 0 // not -0
	}
	return whole(p) + " %"
}

func runs(n int) string {
	switch n {
	case 1:
		return "1 run"
	case 2:
		return "mean of 2 runs"
	default:
		return fmt.Sprintf("median of %d runs", n)
	}
}

func compared(s Side) ComparedSide {
	r := s.Runs[0]
	return ComparedSide{Name: s.Name, Runs: len(s.Runs), Scenario: r.Scenario, Target: r.Target, Tool: r.Tool}
}

// compareable lists the figures of two sides, as thresholds without a limit.
func compareable(a, b Side) []Threshold {
	all := &Result{Latencies: map[string]Latency{}}
	for _, r := range slices.Concat(a.Runs, b.Runs) {
		for name := range r.Latencies {
			all.Latencies[name] = Latency{}
		}
	}
	var ts []Threshold
	for _, name := range all.LatencyNames() {
		for i := range metrics {
			if metrics[i].ofLatency != nil {
				ts = append(ts, Threshold{metric: metrics[i], latency: name})
			}
		}
	}
	for i := range metrics {
		if metrics[i].ofLatency == nil && metrics[i].name != "errors" { // the sum of others
			ts = append(ts, Threshold{metric: metrics[i]})
		}
	}
	return ts
}

// values returns the figure of each run that has it.
func (t Threshold) values(s Side) []float64 {
	var vs []float64
	for _, r := range s.Runs {
		if v, err := t.value(r); err == nil {
			vs = append(vs, v)
		}
	}
	return vs
}

func difference(t Threshold, va, vb []float64, o *CompareOptions) Difference {
	d := Difference{Metric: t.name(), Unit: t.metric.unit.symbol(), A: median(va), B: median(vb), unit: t.metric.unit, label: t.label()}
	d.Noise = noise(&t.metric, va, vb, o)
	change := math.Inf(1) // from 0
	if d.A != 0 || d.B == 0 {
		change = 0
		if d.A != 0 {
			change = (d.B - d.A) / d.A
		}
		shown := math.Round(change*1e6) / 1e6
		d.Change = &shown
	}
	if t.metric.unit == unitRate {
		change = -change // more is better
	}
	switch {
	case change > d.Noise:
		d.Verdict = Worse
	case change < -d.Noise:
		d.Verdict = Better
	default:
		d.Verdict = WithinNoise
	}
	return d
}

// noise returns the share by which a figure may differ for no reason.
func noise(m *metric, va, vb []float64, o *CompareOptions) float64 {
	if m.unit == unitCount {
		return 0
	}
	tail := m.name == "p99" || m.name == "p999" || m.name == "max"
	few := min(len(va), len(vb)) < 3
	bound := 0.02
	switch {
	case o.Noise > 0:
		bound = o.Noise
	case few && tail:
		bound = 0.30
	case few && m.unit == unitMemory, tail:
		bound = 0.05
	case few:
		bound = 0.10
	}
	for _, vs := range [][]float64{va, vb} {
		if mid := median(vs); mid > 0 {
			bound = max(bound, (slices.Max(vs)-slices.Min(vs))/2/mid)
		}
	}
	return bound
}

// median returns the middle value, or the mean of the two middle ones.
func median(vs []float64) float64 {
	s := slices.Sorted(slices.Values(vs))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return s[n/2-1]/2 + s[n/2]/2
}

// warnings says why two sides may not be comparable.
func warnings(a, b Side) []string {
	var w []string
	differ := func(what string, of func(*Result) string) {
		var texts []string
		for _, r := range slices.Concat(a.Runs, b.Runs) {
			if text := of(r); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
		if len(texts) > 1 {
			w = append(w, what+" differs: "+strings.Join(texts, " / "))
		}
	}
	quoted := func(s string) string {
		if s == "" {
			return "not set"
		}
		return s
	}
	differ("the scenario", func(r *Result) string { return quoted(r.Scenario) })
	differ("the machine", func(r *Result) string { return r.Machine.String() })
	differ("the program that measured", func(r *Result) string { return quoted(r.Tool) })
	differ("the measured time", func(r *Result) string { return whole(r.Seconds) + " s" })
	for _, key := range settingNames(slices.Concat(a.Runs, b.Runs)...) {
		if key == "pid" {
			continue // the server's process, another each time
		}
		differ("the setting "+key, func(r *Result) string { return quoted(r.Settings[key]) })
	}
	for _, s := range []struct {
		letter string
		side   Side
	}{{"A", a}, {"B", b}} {
		for i, r := range s.side.Runs {
			name := s.letter
			if len(s.side.Runs) > 1 {
				name = fmt.Sprintf("run %d of %s", i+1, s.letter)
			}
			w = r.appendWarnings(w, name)
		}
	}
	return w
}

// appendWarnings adds what a result by itself is not good for.
func (r *Result) appendWarnings(w []string, name string) []string {
	if r.ClientBound != "" {
		w = append(w, name+" is limited by its client, not its server: "+r.ClientBound)
	}
	if r.Interrupted() {
		w = append(w, name+" was interrupted")
	}
	if len(r.Failures) > 0 {
		w = append(w, name+" failed: "+strings.Join(r.Failures, "; "))
	}
	return w
}

// settingNames returns the names of the settings of all results, sorted.
func settingNames(results ...*Result) []string {
	var names []string
	for _, r := range results {
		for name := range r.Settings {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// String returns the machine in one line.
func (m Machine) String() string {
	return fmt.Sprintf("%s/%s, %s, %s", m.OS, m.Arch, plural(int64(m.Cores), "core"), m.Go)
}
