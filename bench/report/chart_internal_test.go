package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot/plotter"
)

// TestQuantiles has a histogram in ns, and its summary in µs.
func TestQuantiles(t *testing.T) {
	t.Parallel()
	h := hdrhistogram.New(1, 60e9, 3)
	for i := range int64(10_000) {
		if err := h.RecordValue((i + 1) * 1_000); err != nil {
			t.Fatal(err)
		}
	}
	b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	l := Latency{Count: 10_000, Min: 1, P50: 5_000, P90: 9_000, P99: 9_900, P999: 9_990, Max: 10_000}
	for _, l.Histogram = range []string{string(b), ""} {
		points := l.quantiles()
		if first, last := points[0], points[len(points)-1]; first.X != 1 || math.Abs(first.Y-1) > 0.01 || last != (plotter.XY{X: 10_000, Y: 10_000}) {
			t.Errorf("from %v to %v, want from 1 µs to 10,000 µs", first, last)
		}
		for x, want := range map[float64]float64{10: 9_000, 100: 9_900, 1000: 9_990} {
			i := slices.IndexFunc(points, func(p plotter.XY) bool { return math.Abs(p.X-x) < x/1e6 })
			if i < 0 || math.Abs(points[i].Y-want) > want/500 {
				t.Errorf("at %v: point %d of %v, want %v", x, i, points, want)
			}
		}
		if !slices.IsSortedFunc(points, func(a, b plotter.XY) int { return int(a.X - b.X) }) {
			t.Errorf("points go back: %v", points)
		}
	}
}

// packed returns a histogram with a header of our making.
func packed(t *testing.T, digits int32, lowest, greatest int64, payload []byte) string {
	t.Helper()
	raw := binary.BigEndian.AppendUint32(nil, 0x1c849313)
	raw = binary.BigEndian.AppendUint32(raw, uint32(len(payload)))
	raw = binary.BigEndian.AppendUint32(raw, 0)
	raw = binary.BigEndian.AppendUint32(raw, uint32(digits))
	raw = binary.BigEndian.AppendUint64(raw, uint64(lowest))
	raw = binary.BigEndian.AppendUint64(raw, uint64(greatest))
	raw = binary.BigEndian.AppendUint64(raw, math.Float64bits(1))
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(append(raw, payload...)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	whole := binary.BigEndian.AppendUint32(nil, 0x1c849314)
	whole = binary.BigEndian.AppendUint32(whole, uint32(b.Len()))
	return base64.StdEncoding.EncodeToString(append(whole, b.Bytes()...))
}

func TestHistogramDamage(t *testing.T) {
	t.Parallel()
	ones := bytes.Repeat([]byte{2}, 1_000) // each a count of 1
	if h, err := histogram(packed(t, 3, 1, 1_000_000, ones)); err != nil || h.TotalCount() != 1_000 {
		t.Fatalf("a sound one: %v", err)
	}
	for name, text := range map[string]string{
		"more counts than it tracks": packed(t, 1, 1, 4, ones),
		"no digits":                  packed(t, 0, 1, 1_000, ones),
		"too many digits":            packed(t, 9, 1, 1_000, ones),
		"nothing to track":           packed(t, 3, 1, 0, ones),
		"negative":                   packed(t, 3, -1, 1_000, ones),
		"a bomb":                     packed(t, 3, 1, 1_000, make([]byte, maxRawHistogram)),
		"a cut count":                packed(t, 3, 1, 1_000, []byte{0x80}),
	} {
		if h, err := histogram(text); err == nil {
			t.Errorf("%s: %d counts", name, h.TotalCount())
		}
	}
}

// TestChartBounds has values that no axis can show.
func TestChartBounds(t *testing.T) {
	t.Parallel()
	label := func(float64) string { return "" }
	for _, tt := range []struct {
		log  bool
		y    float64
		show bool
	}{
		{false, 0, true},
		{false, -5, true},
		{false, 1e15, true},
		{false, 1e16, false},
		{false, math.NaN(), false},
		{false, math.Inf(1), false},
		{true, 0, false},
		{true, -1, false},
		{true, 0.001, true},
		{true, 1e16, false},
		{true, math.NaN(), false},
	} {
		c := &chart{x: scale{label: label}, y: scale{log: tt.log, label: label}, lines: []line{{"l", []plotter.XYs{{{X: 1, Y: tt.y}}}}}}
		d := c.drawing()
		if (d != nil) != tt.show {
			t.Errorf("log %t, %v: shown %t", tt.log, tt.y, d != nil)
		}
		if d != nil {
			if _, err := d.svg(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestUnmeasured(t *testing.T) {
	t.Parallel()
	samples := []Sample{{At: 1}, {At: 2}, {At: 3, Measuring: true}, {At: 4, Measuring: true}, {At: 5}}
	if got, want := unmeasured(samples), [][2]float64{{0, 2}, {4, 5}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestRates has phases that end within seconds: at 2.01, where 10 ms would be a
// dip, and at the end.
func TestRates(t *testing.T) {
	t.Parallel()
	got := rates([]Sample{
		{At: 0.02, Open: 1},
		{At: 1, Sent: 98, Open: 2, P50: 5, P99: 6, ServerCPU: 0.5},
		{At: 2, Sent: 100, P50: 5},
		{At: 2.01, Sent: 1, Received: 1, Errors: 2, P50: 7, P99: 9, Max: 9, ServerCPU: 3},
		{At: 3.01, Sent: 201, Received: 100, P99: 4, ServerCPU: 0.99, Measuring: true},
		{At: 3.01, Sent: 1},
		{At: 3.61, Sent: 59},
		{At: 3.7, Sent: 1_000},
	})
	want := []Sample{
		{At: 1, Sent: 98, Open: 2, P50: 5, P99: 6, ServerCPU: 0.49},
		{At: 2, Sent: 100, P50: 5},
		{At: 3.01, Sent: 200, Received: 100, Errors: 2, P50: 7, P99: 9, Max: 9, ServerCPU: (0.99 + 0.03) / 1.01, Measuring: true},
		{At: 3.61, Sent: 100},
	}
	if len(got) != len(want) {
		t.Fatalf("%d samples: %+v", len(got), got)
	}
	for i := range want {
		if math.Abs(got[i].ServerCPU-want[i].ServerCPU) < 1e-9 {
			got[i].ServerCPU = want[i].ServerCPU
		}
		if got[i] != want[i] {
			t.Errorf("sample %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if got := rates([]Sample{{At: math.NaN(), Sent: 1}, {At: -1}, {At: 0.1}}); len(got) > 1 {
		t.Errorf("of times that are none: %+v", got)
	}
}

func TestThin(t *testing.T) {
	t.Parallel()
	var samples []Sample
	for i := range 10 {
		samples = append(samples, Sample{At: float64(i + 1), Sent: 10, Received: int64(i), P50: float64(i % 2), P99: float64(i), Open: int64(i)})
	}
	got := thin(samples, 4) // groups of 3, 3, 3 and 1
	if len(got) != 4 || got[0].At != 3 || got[0].Sent != 10 || got[1].Received != 4 || got[0].P50 != 1 || got[2].P99 != 8 || got[1].Open != 5 || got[3].At != 10 {
		t.Errorf("got %+v", got)
	}
	if all := thin(samples, 10); len(all) != 10 {
		t.Errorf("%d of 10 samples are left", len(all))
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"min": percentile(1), "p50": percentile(2), "p90": percentile(10), "p99": percentile(100), "p99.9": percentile(1000), "p99.9999": percentile(1e6),
		"0.6 s": seconds(0.2 * 3), "90 s": seconds(90), "02:00": seconds(120), "5 ms": short(micros)(5_000), "1.5 ms": short(micros)(1_500), "100 µs": short(micros)(100), "20 MB": short(size)(20e6),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := decades(50, 3_000); !slices.Equal(got, []float64{50, 100, 200, 500, 1000, 2000}) {
		t.Errorf("decades %v", got)
	}
	for v, want := range map[float64][2]float64{3: {2, 5}, 1: {1, 1}, 7: {5, 10}, 0.05: {0.05, 0.05}, 1000: {1000, 1000}} {
		if lo, hi := below(v), round125(v); math.Abs(lo-want[0]) > 1e-9 || math.Abs(hi-want[1]) > 1e-9 {
			t.Errorf("%v is between %v and %v, want %v", v, lo, hi, want)
		}
	}
}
