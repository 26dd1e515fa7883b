package report_test

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/report"
	"github.com/gannet-io/gannet/internal/testleak"
)

var update = flag.Bool("update", false, "write the golden files of this package")

func TestMain(m *testing.M) { testleak.Main(m) }

// golden compares text with a file of testdata.
func golden(tb testing.TB, name, got string) {
	tb.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if got != string(want) {
		tb.Errorf("%s differs (write it with -update)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// sample returns a plausible result of a run of 60 s that has passed.
func sample() *report.Result {
	r := &report.Result{
		Format: report.Format, Tool: "gannet v1.2.3", Started: time.Date(2026, 11, 21, 20, 15, 0, 0, time.UTC),
		Seconds: 60, Scenario: "echo", Target: "ws://127.0.0.1:8080/socket.io/",
		Settings:    map[string]string{"connections": "10000", "payload": "32", "in-flight": "1", "rate": ""},
		Machine:     report.Machine{OS: "linux", Arch: "amd64", Cores: 2, Go: "go1.26.8"},
		Connections: report.Connections{Wanted: 10_000, Opened: 10_000},
		Messages: report.Messages{
			Sent: 7_201_223, Received: 7_201_220, BytesSent: 331_256_258, BytesReceived: 288_048_800,
			SentRate: 120_020.4, ReceivedRate: 120_020.3,
		},
		Latencies: map[string]report.Latency{
			"connect": {Count: 10_000, Min: 1_204, Mean: 8_312, P50: 7_903, P90: 12_031, P99: 19_711, P999: 25_087, Max: 31_007},
			"echo":    {Count: 7_201_220, Min: 48, Mean: 655.4, P50: 611, P90: 1_102, P99: 2_403, P999: 9_727, Max: 48_127},
		},
		Client: report.Process{CPUSeconds: 51.2, CPUShare: 0.853, RSSBefore: 21_233_664, RSSPeak: 98_566_144, CPUPerMessage: 7.11},
		Server: &report.Process{CPUSeconds: 33.9, CPUShare: 0.565, RSSBefore: 14_680_064, RSSPeak: 29_360_128, CPUPerMessage: 4.708, BytesPerConnection: 1_448},
	}
	for i := range 75 {
		at := float64(i + 1)
		s := report.Sample{At: at, Open: min(int64(i+1)*1_000, 10_000), ServerRSS: 14_680_064 + min(int64(i+1)*1_468_006, 14_680_064)}
		if i >= 10 {
			wave := math.Sin(at / 5)
			s.Sent = int64(120_000 + 4_000*wave)
			s.Received = int64(119_990 + 4_100*wave)
			s.InFlight = int64(900 + 90*wave)
			s.P50, s.P99, s.Max = 611+20*wave, 2_403+300*wave, 9_000+7_000*wave*wave
			s.ServerCPU = 0.565 + 0.02*wave
		}
		s.Measuring = i >= 15
		r.Series = append(r.Series, s)
	}
	return r
}

// failed returns a result of which much is wrong.
func failed() *report.Result {
	r := sample()
	r.Scenario = "broadcast"
	r.Connections = report.Connections{
		Wanted: 10_000, Opened: 9_984, Failed: 16, Lost: 3,
		Errors: map[string]int64{"dial tcp 127.0.0.1:8080: connection refused": 15, "upgrade: 503 Service Unavailable": 1, "ping timeout": 3},
	}
	r.Messages.Unsent = 1_201
	r.Checks = report.Checks{Lost: 3, Reordered: 1, First: []string{"connection 17: message 5 did not arrive", "connection 18: message 8 came before 7"}}
	r.Server = nil
	r.Latencies = map[string]report.Latency{"ack": {}, "broadcast": {Count: 12, Min: 0.5, Mean: 999.6, P50: 999_600, P90: 1e6, P99: 2e6, P999: 130e6, Max: 130e6}}
	r.ClientBound = "its CPU was at 99 % of a core"
	r.Failures = []string{"3 messages were lost", "p99(broadcast) is 2.00 s, wanted < 20ms"}
	return r
}
