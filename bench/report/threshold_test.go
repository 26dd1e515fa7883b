package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
)

func TestThresholds(t *testing.T) {
	t.Parallel()
	// Against sample(): echo p99 2403 µs, 120,020.3/s, 4.708 µs, 1448 B.
	for _, tt := range []struct{ text, canonical, failure string }{
		{"p99(echo)<20ms", "p99(echo) < 20ms", ""},
		{" p99 ( echo ) < 2.4ms ", "p99(echo) < 2.4ms", "p99(echo) is 2.40 ms, wanted < 2.4ms"},
		{"p50(echo)<=611us", "p50(echo) <= 611µs", ""},
		{"p50(echo)<611us", "p50(echo) < 611µs", "p50(echo) is 611 µs, wanted < 611µs"},
		{"p90(connect)<1s", "p90(connect) < 1s", ""},
		{"p999(echo)>1ms", "p999(echo) > 1ms", ""},
		{"max(echo)<40ms", "max(echo) < 40ms", "max(echo) is 48.1 ms, wanted < 40ms"},
		{"mean(echo)>=1ms", "mean(echo) >= 1ms", "mean(echo) is 655 µs, wanted >= 1ms"},
		{"p99(ack)<20ms", "p99(ack) < 20ms", "p99(ack) could not be checked (wanted < 20ms): ack was not timed, only connect, echo"},
		{"errors<=0", "errors <= 0", ""},
		{"errors<0", "errors < 0", "errors is 0, wanted < 0"},
		{"failed<1", "failed < 1", ""},
		{"disconnected<1", "disconnected < 1", ""},
		{"lost<=0", "lost <= 0", ""},
		{"duplicated<=0", "duplicated <= 0", ""},
		{"reordered<=0", "reordered <= 0", ""},
		{"reordered>0", "reordered > 0", "reordered is 0, wanted > 0"},
		{"corrupted<=0", "corrupted <= 0", ""},
		{"misrouted<=0", "misrouted <= 0", ""},
		{"unsent<=0", "unsent <= 0", ""},
		{"rate>=100k", "rate >= 100000", ""},
		{"rate>0.5M", "rate > 500000", "rate is 120,020/s, wanted > 500000"},
		{"sent>=120020.4", "sent >= 120020.4", ""},
		{"cpu<5", "cpu < 5µs", ""},
		{"cpu<5us", "cpu < 5µs", ""},
		{"cpu<4.5", "cpu < 4.5µs", "cpu is 4.71 µs, wanted < 4.5µs"},
		{"bytes<2k", "bytes < 2000", ""},
		{"bytes<=1447", "bytes <= 1447", "bytes is 1,448 B, wanted <= 1447"},
	} {
		th, err := report.ParseThreshold(tt.text)
		if err != nil {
			t.Errorf("ParseThreshold(%q): %v", tt.text, err)
			continue
		}
		if th.String() != tt.canonical {
			t.Errorf("ParseThreshold(%q) is %q, want %q", tt.text, th, tt.canonical)
		}
		var want []string
		if tt.failure != "" {
			want = []string{tt.failure}
		}
		if got := report.Check(sample(), []report.Threshold{th}); !slices.Equal(got, want) {
			t.Errorf("Check(%q) = %q, want %q", tt.text, got, want)
		}
	}
}

func TestThresholdsOfNothing(t *testing.T) {
	t.Parallel()
	var ths []report.Threshold
	for _, text := range []string{"p99(ack)<1s", "cpu<5", "bytes<2000", "rate>1", "lost<=0"} {
		th, err := report.ParseThreshold(text)
		if err != nil {
			t.Fatal(err)
		}
		ths = append(ths, th)
	}
	want := []string{
		"p99(ack) could not be checked (wanted < 1s): there was no ack",
		"cpu could not be checked (wanted < 5µs): the server's process was not sampled",
		"bytes could not be checked (wanted < 2000): the server's process was not sampled",
		"lost is 3, wanted <= 0",
	}
	if got := report.Check(failed(), ths); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	got := report.Check(&report.Result{Server: &report.Process{}}, ths[:3])
	want = []string{
		"p99(ack) could not be checked (wanted < 1s): nothing was timed",
		"cpu could not be checked (wanted < 5µs): the server's CPU time for each message was not measured",
		"bytes could not be checked (wanted < 2000): the server's memory of each connection was not measured",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestThresholdErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "it has no operator (< <= > >=)",
		"p99(ack)":        "it has no operator (< <= > >=)",
		"p99(ack)=20ms":   "the operators are < <= > and >=",
		"p99(ack)==20ms":  "the operators are < <= > and >=",
		"lost!=0":         "the operators are < <= > and >=",
		"lost=<0":         "the operators are < <= > and >=",
		"1<lost<3":        "the operators are < <= > and >=",
		"<20ms":           `there is no metric ""; the metrics are p50, p90, p99, p999, max, mean of a latency, as in p99(ack), and errors, failed`,
		"p95(ack)<20ms":   `there is no metric "p95"`,
		"P99(ack)<20ms":   `there is no metric "P99"`,
		"p99<20ms":        "p99 of what? Write what was timed, as in p99(ack): one of connect, upgrade, ack, echo, broadcast",
		"p99()<20ms":      "want p99(NAME)",
		"p99(ack<20ms":    "want p99(NAME)",
		"p99((ack))<20ms": "want p99(NAME)",
		"lost(ack)<1":     "lost is not of a latency: write it without (ack)",
		"p99(ack)<":       "no limit follows the <",
		"p99(ack)<20":     `the limit "20" is not a duration with its unit, such as 500us, 20ms or 1.5s`,
		"p99(ack)<-20ms":  `the limit "-20ms" is not a duration`,
		"lost<1ms":        `the limit "1ms" is not a number, such as 0, 1500 or 100k`,
		"lost<-1":         `the limit "-1" is not a number`,
		"rate>NaN":        `the limit "NaN" is not a number`,
		"rate>Inf":        `the limit "Inf" is not a number`,
		"rate>1e999":      `the limit "1e999" is not a number`,
		"rate>1_000":      `the limit "1_000" is not a number`,
		"rate>.":          `the limit "." is not a number`,
		"rate>k":          `the limit "k" is not a number`,
		"cpu<cheap":       `the limit "cheap" is not microseconds or a duration, such as 5 or 5us`,
	} {
		th, err := report.ParseThreshold(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseThreshold(%q) = %v, %v; want an error with %q", text, th, err, want)
		}
	}
}

func FuzzParseThreshold(f *testing.F) {
	for _, text := range []string{"p99(ack)<20ms", "rate>=100k", "cpu<4.5", "lost<=0", "p50(a b)>1h", "bytes<0.5M", "mean(\x00)<=1ns"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		th, err := report.ParseThreshold(text)
		if err != nil {
			return
		}
		again, err := report.ParseThreshold(th.String())
		if err != nil || again.String() != th.String() {
			t.Errorf("%q is %q, which is %q, %v", text, th, again, err)
		}
		report.Check(sample(), []report.Threshold{th})
	})
}
