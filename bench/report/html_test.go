package report_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gannet-io/gannet/bench/report"
)

// encoded returns a histogram of n times around mid, in ns.
func encoded(tb testing.TB, n int, mid float64) (text string, h *hdrhistogram.Histogram) {
	tb.Helper()
	h = hdrhistogram.New(1, 60e9, 3)
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		v := mid * math.Exp(0.3*random.NormFloat64())
		if random.IntN(500) == 0 {
			v *= 2 + 10*random.ExpFloat64()
		}
		if err := h.RecordValue(int64(v)); err != nil {
			tb.Fatal(err)
		}
	}
	b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b), h
}

// withHistograms returns the sample with latencies that have histograms.
func withHistograms(tb testing.TB) *report.Result {
	tb.Helper()
	r := sample()
	for name, mid := range map[string]float64{"echo": 611e3, "connect": 7.9e6} {
		n := map[string]int{"echo": 200_000, "connect": 10_000}[name]
		text, h := encoded(tb, n, mid)
		us := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1e3 }
		r.Latencies[name] = report.Latency{
			Count: h.TotalCount(), Min: float64(h.Min()) / 1e3, Mean: h.Mean() / 1e3, P50: us(50), P90: us(90), P99: us(99), P999: us(99.9), Max: us(100),
			Histogram: text,
		}
	}
	return r
}

func page(tb testing.TB, results ...*report.Result) (doc []byte, text string, elements map[string]int) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "r.html")
	if err := report.WriteHTML(path, results...); err != nil {
		tb.Fatal(err)
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	text, elements = wellFormed(tb, doc)
	if n := elements["script"] + elements["img"] + elements["link"] + elements["iframe"] + elements["object"]; n > 0 {
		tb.Errorf("the page has what it must not: %v", elements)
	}
	return doc, text, elements
}

func TestHTML(t *testing.T) {
	t.Parallel()
	doc, text, elements := page(t, withHistograms(t))
	for _, want := range []string{"gannet bench: echo", "passed", "120,020/s", "4.71 µs", "1,448 B", "p99.9", "p99.999", "in-flight", "linux/amd64, 2 cores, go1.26.8", "gannet v1.2.3", "21 November 2026 20:15:00 UTC", "Shaded"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if elements["svg"] != 7 || elements["figure"] != 7 || elements["section"] != 1 {
		t.Errorf("elements %v", elements)
	}
	if again, _, _ := page(t, withHistograms(t)); !bytes.Equal(again, doc) {
		t.Error("the same result gave another page")
	}
	for _, bad := range []string{"url(", "@import", "http://", "https://"} {
		if rest := strings.ReplaceAll(string(doc), `xmlns="http://www.w3.org/2000/svg"`, ""); strings.Contains(rest, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestHTMLOfMany(t *testing.T) {
	t.Parallel()
	_, text, elements := page(t, withHistograms(t), failed(), scaled(2, 0.5, 2), &report.Result{})
	for _, want := range []string{"gannet bench: 4 runs", "1: echo", "2: broadcast", "4: load test", "FAILED", "The client was the bottleneck", "Latency of echo by percentile", "3 × ping timeout", "nothing lost"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if elements["section"] != 4 || elements["svg"] != 2+7+7+7 {
		t.Errorf("elements %v", elements)
	}
}

func TestHTMLHostile(t *testing.T) {
	t.Parallel()
	const evil = "\"'`><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}\x00\x1b\x9b]]>--></style>&amp;\u202e"
	r := failed()
	r.Tool, r.Scenario, r.Target, r.ClientBound = evil, evil, evil, evil
	r.Settings = map[string]string{evil: evil}
	r.Machine = report.Machine{OS: evil, Arch: evil, Go: evil}
	r.Failures, r.Checks.First = []string{evil}, []string{evil}
	r.Connections.Errors = map[string]int64{evil: 1}
	r.Latencies = map[string]report.Latency{evil: {Count: 1, P50: 5, Max: 5, Histogram: evil}}
	doc, text, elements := page(t, r, r)
	if elements["script"] > 0 || !strings.Contains(text, "<script>alert(1)</script>") {
		t.Errorf("elements %v", elements)
	}
	for _, bad := range []string{"\x00", "\x1b", "\u009b", "\u202e"} {
		if strings.Contains(string(doc), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if strings.Count(string(doc), "</style>") != 1 {
		t.Error("the style sheet was closed early")
	}
}

// TestHTMLOfDamage has figures and histograms that nothing has measured.
func TestHTMLOfDamage(t *testing.T) {
	t.Parallel()
	raw, _ := encoded(t, 1_000, 5e5)
	b, err := base64.StdEncoding.DecodeString(raw)
	if err != nil {
		t.Fatal(err)
	}
	histograms := []string{"", "!", "AAAA", "AAAAAAAAAAAA", raw[:len(raw)/2], strings.Repeat("A", 5<<20)}
	for i := 0; i < len(b); i += 1 + i/8 {
		c := append([]byte(nil), b...)
		c[i] ^= 0x55
		histograms = append(histograms, base64.StdEncoding.EncodeToString(c))
	}
	for _, h := range histograms {
		r := sample()
		r.Latencies = map[string]report.Latency{"echo": {Count: 10, Min: 1, P50: 2, P90: 3, Max: 4, Histogram: h}}
		r.Series = nil
		if _, _, elements := page(t, r); elements["svg"] != 1 {
			t.Errorf("histogram %.40q: elements %v", h, elements)
		}
	}
	for _, v := range []float64{-1, -1e308, 1e308, 5e-324} {
		r := sample()
		r.Latencies = map[string]report.Latency{"echo": {Count: 1 << 62, Min: v, Mean: v, P50: v, P90: v, P99: v, P999: v, Max: v}, "none": {Count: -1}}
		r.Series = r.Series[:5]
		for i := range r.Series {
			r.Series[i].At, r.Series[i].P99, r.Series[i].Received, r.Series[i].ServerCPU = v*float64(i), v, -1<<62, v
		}
		page(t, r)
	}
}

// TestHTMLOfDay has a run of a day, whose points are thinned.
func TestHTMLOfDay(t *testing.T) {
	t.Parallel()
	r := sample()
	one := r.Series[30]
	r.Series = nil
	for i := range 24 * 3600 {
		one.At = float64(i + 1)
		r.Series = append(r.Series, one)
	}
	r.Series[40_000].Max = 9e6
	doc, text, _ := page(t, r)
	if len(doc) > 300_000 {
		t.Errorf("the page has %d bytes", len(doc))
	}
	if !strings.Contains(text, "18:00:00") || !strings.Contains(text, "10 s") {
		t.Error("neither the hours nor the slowest message are on the axes")
	}
}

func TestHTMLErrors(t *testing.T) {
	t.Parallel()
	if err := report.WriteHTML(filepath.Join(t.TempDir(), "r.html")); err == nil {
		t.Error("a page about nothing was written")
	}
	if err := report.WriteHTML(filepath.Join(t.TempDir(), "none", "r.html"), sample()); err == nil {
		t.Error("a page was written into a folder that is not there")
	}
}

// TestHTMLForView writes pages to the folder that GANNET_PAGES names, for a look
// at them in a browser.
func TestHTMLForView(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("GANNET_PAGES")
	if dir == "" {
		t.Skip("GANNET_PAGES names no folder")
	}
	for name, results := range map[string][]*report.Result{
		"one":    {withHistograms(t)},
		"failed": {failed()},
		"many":   {withHistograms(t), failed(), scaled(2, 0.5, 2), {}},
	} {
		if err := report.WriteHTML(filepath.Join(dir, name+".html"), results...); err != nil {
			t.Error(err)
		}
	}
}
