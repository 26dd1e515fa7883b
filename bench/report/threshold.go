package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Threshold is a limit that a Result must keep. ParseThreshold makes it.
type Threshold struct {
	metric  metric
	latency string // of a metric of latencies
	op      string
	limit   float64
}

// A metric is what a threshold may limit.
type metric struct {
	name  string
	label string // for people; after the name of the latency when it is of one
	unit  unit
	// value returns the figure, or why there is none. Metrics of latencies have
	// ofLatency instead.
	value     func(*Result) (float64, error)
	ofLatency func(*Latency) float64
}

// A unit is what a figure counts.
type unit int

const (
	unitTime   unit = iota // µs
	unitCount              // whole things
	unitRate               // per second
	unitCPU                // µs for each message
	unitMemory             // bytes
)

// errNotSampled is why a figure of the server is missing.
var errNotSampled = errors.New("the server's process was not sampled")

// metrics are all that thresholds may name.
var metrics = []metric{
	{name: "p50", label: "p50", ofLatency: func(l *Latency) float64 { return l.P50 }},
	{name: "p90", label: "p90", ofLatency: func(l *Latency) float64 { return l.P90 }},
	{name: "p99", label: "p99", ofLatency: func(l *Latency) float64 { return l.P99 }},
	{name: "p999", label: "p99.9", ofLatency: func(l *Latency) float64 { return l.P999 }},
	{name: "max", label: "max", ofLatency: func(l *Latency) float64 { return l.Max }},
	{name: "mean", label: "mean", ofLatency: func(l *Latency) float64 { return l.Mean }},
	counter("errors", "errors", (*Result).Wrong),
	counter("failed", "connections failed", func(r *Result) int64 { return r.Connections.Failed }),
	counter("disconnected", "connections lost", func(r *Result) int64 { return r.Connections.Lost }),
	counter("lost", "messages lost", func(r *Result) int64 { return r.Checks.Lost }),
	counter("duplicated", "duplicated", func(r *Result) int64 { return r.Checks.Duplicated }),
	counter("reordered", "reordered", func(r *Result) int64 { return r.Checks.Reordered }),
	counter("corrupted", "corrupted", func(r *Result) int64 { return r.Checks.Corrupted }),
	counter("misrouted", "misrouted", func(r *Result) int64 { return r.Checks.Misrouted }),
	counter("unsent", "not sent in time", func(r *Result) int64 { return r.Messages.Unsent }),
	{name: "rate", label: "received", unit: unitRate, value: func(r *Result) (float64, error) { return r.Messages.ReceivedRate, nil }},
	{name: "sent", label: "sent", unit: unitRate, value: func(r *Result) (float64, error) { return r.Messages.SentRate, nil }},
	{name: "cpu", label: "server CPU per message", unit: unitCPU, value: ofServer("CPU time for each message", func(p *Process) float64 { return p.CPUPerMessage })},
	{name: "bytes", label: "memory per connection", unit: unitMemory, value: ofServer("memory of each connection", func(p *Process) float64 { return p.BytesPerConnection })},
}

func counter(name, label string, value func(*Result) int64) metric {
	return metric{name: name, label: label, unit: unitCount, value: func(r *Result) (float64, error) { return float64(value(r)), nil }}
}

// ofServer returns a figure of the server's process. Zero is a figure that was
// not measured: nothing costs nothing.
func ofServer(what string, value func(*Process) float64) func(*Result) (float64, error) {
	return func(r *Result) (float64, error) {
		if r.Server == nil {
			return 0, errNotSampled
		}
		v := value(r.Server)
		if v == 0 {
			return 0, errors.New("the server's " + what + " was not measured")
		}
		return v, nil
	}
}

// ThresholdHelp describes what ParseThreshold takes, for the help of a flag.
const ThresholdHelp = `p50, p90, p99, p999, max or mean of a latency, as "p99(ack)<20ms";
errors, failed, disconnected, lost, duplicated, reordered, corrupted,
misrouted or unsent, as "lost<=0"; rate (received) or sent per second, as
"rate>=100k"; cpu (of the server for each message received), as "cpu<5us";
bytes (of the server's memory for each connection), as "bytes<2000"`

// operators are all that compare, the longer ones first.
var operators = []string{"<=", ">=", "<", ">"}

var errNoOperator = errors.New("the operators are < <= > and >=")

// ParseThreshold reads a threshold: a metric, an operator (< <= > >=) and a
// limit. Metrics of latencies name what was timed, as in "p99(ack)<20ms", and
// their limits are durations; other limits are numbers, which may end in k or M
// (thousands, millions). ThresholdHelp lists the metrics. Spaces between the
// parts are allowed.
func ParseThreshold(text string) (Threshold, error) {
	t, err := parseThreshold(text)
	if err != nil {
		return Threshold{}, fmt.Errorf("%q: %w", text, err)
	}
	return t, nil
}

func parseThreshold(text string) (Threshold, error) {
	at := strings.IndexAny(text, "<>=!")
	if at < 0 {
		return Threshold{}, errors.New(`it has no operator (< <= > >=), as in "p99(ack)<20ms"`)
	}
	i := slices.IndexFunc(operators, func(op string) bool { return strings.HasPrefix(text[at:], op) })
	if i < 0 {
		return Threshold{}, errNoOperator
	}
	t := Threshold{op: operators[i]}
	limit := strings.TrimSpace(text[at+len(t.op):])
	if strings.ContainsAny(limit, "<>=!") {
		return Threshold{}, errNoOperator
	}
	var err error
	if t.metric, t.latency, err = parseMetric(strings.TrimSpace(text[:at])); err != nil {
		return Threshold{}, err
	}
	if limit == "" {
		return Threshold{}, fmt.Errorf("no limit follows the %s", t.op)
	}
	t.limit, err = parseLimit(t.metric.unit, limit)
	return t, err
}

// parseMetric reads the left side: the metric, and the latency that it is of.
func parseMetric(text string) (m metric, latency string, err error) {
	name, rest, ofLatency := strings.Cut(text, "(")
	name = strings.TrimSpace(name)
	i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name })
	if i < 0 {
		return m, "", fmt.Errorf("there is no metric %q; the metrics are %s of a latency, as in p99(ack), and %s", name, metricNames(true), metricNames(false))
	}
	m = metrics[i]
	switch {
	case m.ofLatency == nil && ofLatency:
		return m, "", fmt.Errorf("%s is not of a latency: write it without (%s", name, rest)
	case m.ofLatency == nil:
		return m, "", nil
	case !ofLatency:
		return m, "", fmt.Errorf("%s of what? Write what was timed, as in %s(ack): one of %s", name, name, strings.Join(order, ", "))
	}
	latency, closed := strings.CutSuffix(strings.TrimSpace(rest), ")")
	latency = strings.TrimSpace(latency)
	if !closed || latency == "" || strings.ContainsAny(latency, "()") {
		return m, "", fmt.Errorf("want %s(NAME), with the name of what was timed: one of %s", name, strings.Join(order, ", "))
	}
	return m, latency, nil
}

// metricNames lists the metrics that are of latencies, or that are not.
func metricNames(ofLatency bool) string {
	var names []string
	for i := range metrics {
		if (metrics[i].ofLatency != nil) == ofLatency {
			names = append(names, metrics[i].name)
		}
	}
	return strings.Join(names, ", ")
}

// parseLimit reads the right side, in the unit of the metric.
func parseLimit(u unit, text string) (limit float64, err error) {
	var ok bool
	want := "a number, such as 0, 1500 or 100k"
	switch u {
	case unitTime:
		limit, ok = parseMicros(text)
		want = "a duration with its unit, such as 500us, 20ms or 1.5s"
	case unitCPU:
		if limit, ok = parseMicros(text); !ok {
			limit, ok = parseNumber(text)
		}
		want = "microseconds or a duration, such as 5 or 5us"
	case unitCount, unitRate, unitMemory:
		limit, ok = parseNumber(text)
	}
	if !ok {
		return 0, fmt.Errorf("the limit %q is not %s", text, want)
	}
	return limit, nil
}

func parseMicros(text string) (float64, bool) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, false
	}
	return float64(d) / float64(time.Microsecond), true
}

func parseNumber(text string) (float64, bool) {
	scale := 1.0
	if s, ok := strings.CutSuffix(text, "k"); ok {
		text, scale = s, 1e3
	} else if s, ok := strings.CutSuffix(text, "M"); ok {
		text, scale = s, 1e6
	}
	if strings.Trim(text, "0123456789.") != "" {
		return 0, false // neither signs, exponents, hexadecimals, infinities nor NaN
	}
	v, err := strconv.ParseFloat(text, 64)
	return v * scale, err == nil && !math.IsInf(v*scale, 0)
}

// Latency returns the name of the latency that t limits, empty if it limits
// something else.
func (t Threshold) Latency() string { return t.latency }

// OfServer reports whether t limits a figure of the server's process.
func (t Threshold) OfServer() bool { return t.metric.unit == unitCPU || t.metric.unit == unitMemory }

// String returns the threshold in the form that ParseThreshold reads.
func (t Threshold) String() string { return t.name() + " " + t.op + " " + t.limitText() }

// name returns the left side of the threshold.
func (t Threshold) name() string {
	if t.metric.ofLatency == nil {
		return t.metric.name
	}
	return t.metric.name + "(" + t.latency + ")"
}

// label names the figure for people.
func (t Threshold) label() string {
	if t.metric.ofLatency == nil {
		return t.metric.label
	}
	return t.latency + " " + t.metric.label
}

func (t Threshold) limitText() string {
	switch t.metric.unit {
	case unitTime, unitCPU:
		return time.Duration(math.Round(t.limit * float64(time.Microsecond))).String()
	case unitCount, unitRate, unitMemory:
	}
	return strconv.FormatFloat(t.limit, 'f', -1, 64)
}

// check says how r fails t, or nothing.
func (t Threshold) check(r *Result) string {
	v, err := t.value(r)
	name := t.name()
	if err != nil {
		return fmt.Sprintf("%s could not be checked (wanted %s %s): %v", name, t.op, t.limitText(), err)
	}
	kept := false
	switch t.op {
	case "<":
		kept = v < t.limit
	case "<=":
		kept = v <= t.limit
	case ">":
		kept = v > t.limit
	case ">=":
		kept = v >= t.limit
	}
	if kept {
		return ""
	}
	return fmt.Sprintf("%s is %s, wanted %s %s", name, t.metric.unit.text(v), t.op, t.limitText())
}

// value returns the figure that t limits.
func (t Threshold) value(r *Result) (float64, error) {
	if t.metric.ofLatency == nil {
		return t.metric.value(r)
	}
	l, ok := r.Latencies[t.latency]
	switch {
	case !ok && len(r.Latencies) == 0:
		return 0, errors.New("nothing was timed")
	case !ok:
		return 0, fmt.Errorf("%s was not timed, only %s", t.latency, strings.Join(r.LatencyNames(), ", "))
	case l.Count == 0:
		return 0, fmt.Errorf("there was no %s", t.latency)
	}
	return t.metric.ofLatency(&l), nil
}

// symbol names the unit for programs.
func (u unit) symbol() string {
	switch u {
	case unitTime, unitCPU:
		return "µs"
	case unitRate:
		return "1/s"
	case unitMemory:
		return "bytes"
	case unitCount:
	}
	return ""
}

// text writes a figure for people.
func (u unit) text(v float64) string {
	switch u {
	case unitTime, unitCPU:
		return micros(v)
	case unitRate:
		return whole(v) + "/s"
	case unitMemory:
		return whole(v) + " B"
	case unitCount:
	}
	return whole(v)
}

// Check returns how r fails the thresholds, a text for each that it fails. A
// threshold on something that was not measured fails.
func Check(r *Result, thresholds []Threshold) []string {
	var failures []string
	for _, t := range thresholds {
		if f := t.check(r); f != "" {
			failures = append(failures, f)
		}
	}
	return failures
}
