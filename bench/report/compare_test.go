package report_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
)

// scaled returns the sample with its latencies, rates and costs multiplied.
func scaled(latency, rate, cpu float64) *report.Result {
	r := sample()
	for name, l := range r.Latencies {
		for _, v := range []*float64{&l.Min, &l.Mean, &l.P50, &l.P90, &l.P99, &l.P999, &l.Max} {
			*v *= latency
		}
		r.Latencies[name] = l
	}
	r.Messages.ReceivedRate *= rate
	r.Messages.SentRate *= rate
	r.Server.CPUPerMessage *= cpu
	return r
}

func compare(tb testing.TB, a, b []*report.Result, o *report.CompareOptions) (c *report.Comparison, table string) {
	tb.Helper()
	c, err := report.Compare(report.Side{Name: "a.json", Runs: a}, report.Side{Name: "b.json", Runs: b}, o)
	if err != nil {
		tb.Fatal(err)
	}
	var text strings.Builder
	if err := c.Table(&text); err != nil {
		tb.Fatal(err)
	}
	return c, text.String()
}

// verdicts returns the metrics of the rows that have a verdict.
func verdicts(c *report.Comparison, v report.Verdict) []string {
	var names []string
	for i := range c.Rows {
		if c.Rows[i].Verdict == v {
			names = append(names, c.Rows[i].Metric)
		}
	}
	return names
}

func TestCompare(t *testing.T) {
	t.Parallel()
	b := scaled(1.2, 0.85, 0.5)
	b.Server.BytesPerConnection *= 1.04
	c, table := compare(t, []*report.Result{sample()}, []*report.Result{b}, nil)
	golden(t, "compare.txt", table)
	if got, want := verdicts(c, report.Worse), []string{"p50(connect)", "p90(connect)", "mean(connect)", "p50(echo)", "p90(echo)", "mean(echo)", "rate", "sent"}; !slices.Equal(got, want) {
		t.Errorf("worse: %q, want %q", got, want)
	}
	if !strings.Contains(table, "102,017/s   -15 %") {
		t.Errorf("the rate did not fall:\n%s", table)
	}
	if got := verdicts(c, report.Better); !slices.Equal(got, []string{"cpu"}) {
		t.Errorf("better: %q", got)
	}
	js, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.json", string(js))
	var again report.Comparison
	if err := json.Unmarshal(js, &again); err != nil || len(again.Rows) != len(c.Rows) {
		t.Errorf("%v, %d rows of %d", err, len(again.Rows), len(c.Rows))
	}
}

func TestCompareUnlike(t *testing.T) {
	t.Parallel()
	b := failed()
	b.Settings["payload"] = "64"
	delete(b.Settings, "in-flight")
	b.Machine.Cores, b.Tool, b.Seconds = 1, "gannet v2", 10
	_, table := compare(t, []*report.Result{sample(), sample()}, []*report.Result{b}, nil)
	golden(t, "compare_unlike.txt", table)
}

// TestCompareRuns has medians, and noise that is the range of the runs.
func TestCompareRuns(t *testing.T) {
	t.Parallel()
	a := []*report.Result{scaled(1, 1, 1), scaled(1, 1, 1.01), scaled(1, 1, 0.99)}
	b := []*report.Result{scaled(1.04, 1.2, 1.03), scaled(1.04, 1, 1.03), scaled(1.04, 0.6, 9)}
	c, table := compare(t, a, b, nil)
	golden(t, "compare_runs.txt", table)
	for i := range c.Rows {
		d := &c.Rows[i]
		var want report.Verdict
		switch d.Metric {
		case "p50(echo)":
			want = report.Worse // 4 %, and the runs agree
		case "p99(echo)":
			want = report.WithinNoise // 4 %, but a tail
		case "rate", "cpu":
			want = report.WithinNoise // the runs of B disagree
		default:
			continue
		}
		if d.Verdict != want {
			t.Errorf("%s is %s (noise %v), want %s", d, d.Verdict, d.Noise, want)
		}
	}
	if c, _ := compare(t, a, b, &report.CompareOptions{Noise: 0.05}); slices.Contains(verdicts(c, report.Worse), "p50(echo)") {
		t.Error("4 % worse although the noise is 5 %")
	}
	// Two runs: the mean of the two.
	if c, _ := compare(t, a[:1], []*report.Result{scaled(1, 1, 1), scaled(1, 1, 3)}, nil); c.Rows[len(c.Rows)-2].B != 2*sample().Server.CPUPerMessage {
		t.Errorf("the middle of 1 and 3 is %v", c.Rows[len(c.Rows)-2].B/sample().Server.CPUPerMessage)
	}
}

func TestCompareCounts(t *testing.T) {
	t.Parallel()
	b := sample()
	b.Checks.Lost = 1
	c, table := compare(t, []*report.Result{sample()}, []*report.Result{b}, nil)
	if got := verdicts(c, report.Worse); !slices.Equal(got, []string{"lost"}) || !strings.Contains(table, "from 0") {
		t.Errorf("worse: %q\n%s", got, table)
	}
	if w := c.Worse(1e6); len(w) != 1 || w[0].String() != "messages lost worse: 1, was 0 (from 0)" {
		t.Errorf("beyond any limit: %v", w)
	}
	c, table = compare(t, []*report.Result{b}, []*report.Result{sample()}, nil)
	if got := verdicts(c, report.Better); !slices.Equal(got, []string{"lost"}) || !strings.Contains(table, "-100 %") || len(c.Worse(0)) > 0 {
		t.Errorf("better: %q\n%s", got, table)
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	c, _ := compare(t, []*report.Result{sample()}, []*report.Result{scaled(1, 0.8, 1.15)}, nil)
	for limit, want := range map[float64]int{0: 3, 0.16: 2, 0.25: 0} {
		if got := c.Worse(limit); len(got) != want {
			t.Errorf("worse by more than %v: %v, want %d", limit, got, want)
		}
	}
}

func TestCompareNothing(t *testing.T) {
	t.Parallel()
	if c, err := report.Compare(report.Side{}, report.Side{Runs: []*report.Result{sample()}}, nil); err == nil {
		t.Errorf("got %+v", c)
	}
	c, table := compare(t, []*report.Result{{}}, []*report.Result{{}}, nil)
	if len(c.Warnings) > 0 || len(c.Rows) == 0 || len(verdicts(c, report.WithinNoise)) != len(c.Rows) {
		t.Errorf("of two empty results:\n%s", table)
	}
}
