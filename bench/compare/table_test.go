package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample has three runs of which the second was disturbed.
func sample() *results {
	r := &results{
		Format:    format,
		Servers:   []serverResult{{Name: floor, Title: "floor", Plain: true}, {Name: gannet, Title: "Gannet"}},
		Scenarios: []scenarioResult{{Name: "echo", Title: "echo", Unit: costUnit}, {Name: "idle", Title: "idle", Unit: "B"}},
		NotRun:    []notRun{{Server: "other", Reason: "no | here\nand more"}},
	}
	for i, costs := range [][2]float64{{4, 5}, {8, 12}, {4, 4.4}} {
		r.Runs = append(r.Runs,
			runResult{"echo", floor, i, measure{Cost: costs[0], Rate: 1000, P50: 10, P99: 20}},
			runResult{"echo", gannet, i, measure{Cost: costs[1], Rate: 900, ClientShare: 0.97}},
			runResult{"idle", gannet, i, measure{Cost: 1000}})
	}
	return r
}

func TestRatio(t *testing.T) {
	t.Parallel()
	r := sample()
	if got, ok := r.ratio("echo", gannet, floor); !ok || got != 1.25 {
		t.Errorf("ratio %v %v, want the median of 1.25, 1.5 and 1.1", got, ok)
	}
	if _, ok := r.ratio("idle", gannet, floor); ok {
		t.Error("a ratio to a server without runs")
	}
	if s, _ := r.summary("echo", gannet); s.cost != 5 || s.low != 4.4 || s.high != 12 {
		t.Errorf("summary %+v", s)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ratios":  "| echo | 4.00 µs | 1.25 † |\n| idle | – | 1,000 B |\n",
		"goals":   "| echo | gannet | 1.250 × floor | at most 1.60 | met |\n| idle | gannet | 1,000 B | at most 980 | **missed** |\n",
		"echo":    "|  | gannet | 5.00 µs CPU † | 4.40 to 12.0 | 1.25 | 1.00 | 900 | – | – |\n",
		"not run": "| other | all | no \\| here |\n",
		"servers": "| floor | floor (bare WebSocket) |  |\n",
	} {
		var got bytes.Buffer
		tables[name](&got, sample())
		if !strings.Contains(got.String(), want) {
			t.Errorf("table %s:\n%swant it to have\n%s", name, got.String(), want)
		}
	}
}

func TestPlots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := writePlots(dir, sample()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "echo.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte("1.25 × floor")) {
		t.Errorf("the plot has no ratio: %s", b)
	}
	var shown bytes.Buffer
	embedPlots(plotted)(&shown, sample())
	if want := "![echo](bench/results/echo.svg)\n"; !strings.Contains(shown.String(), want) {
		t.Errorf("%q, want it to have %q", shown.String(), want)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	old := "before\n<!-- table: ratios -->\nold\n<!-- end of table -->\nbetween\n<!-- table: goals --><!-- end of table -->\nafter\n"
	got, err := update([]byte(old), sample(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	for _, want := range []string{"before\n<!-- table: ratios -->\n| scenario |", "| 1.25 † |", "<!-- end of table -->\nbetween\n", "at most 980", "<!-- end of table -->\nafter\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "old") {
		t.Error("the old table is still there")
	}
	if again, err := update(got, sample(), nil); err != nil || !bytes.Equal(again, got) {
		t.Errorf("a second update changes the text, or fails: %v", err)
	}
	for _, bad := range []string{"<!-- table: nonsense -->\n<!-- end of table -->", "<!-- table: ratios -->\nand no end"} {
		if _, err := update([]byte(bad), sample(), nil); err == nil {
			t.Errorf("update of %q succeeds", bad)
		}
	}
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	var l latencies
	if got := l.quantile(0.5); got != 0 {
		t.Errorf("median of none: %v", got)
	}
	for i := range 100_000 {
		l.add(time.Duration(i+1) * 10) // 10 ns to 1 ms
	}
	l.add(-1)
	for _, tc := range []struct{ q, want float64 }{{0, 0}, {0.01, 10}, {0.5, 500}, {0.99, 990}, {1, 1000}} {
		if got := l.quantile(tc.q); got < tc.want*0.97 || got > tc.want*1.03 {
			t.Errorf("quantile %v: %v µs, want %v", tc.q, got, tc.want)
		}
	}
	for v := uint64(1); v < 1<<62; v += v/8 + 1 {
		b := bucket(v)
		if m := middle(b); m < float64(v)*0.96 || m > float64(v)*1.04 {
			t.Fatalf("%d is in bucket %d, whose middle is %v", v, b, m)
		}
		if bucket(v+1) < b || bucket(v+1) > b+1 {
			t.Fatalf("the buckets of %d and its successor are not neighbours", v)
		}
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0.0123: "0.012", 0.0996: "0.10", 1: "1.00", 9.994: "9.99", 9.996: "10.0", 99.96: "100", 1234.5: "1,235", -2500: "-2,500", 1e6: "1,000,000",
	} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v) = %s, want %s", v, got, want)
		}
	}
}
