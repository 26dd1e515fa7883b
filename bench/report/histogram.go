package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot/plotter"
)

// What a histogram in a file may take. The largest that is of use here, nine
// decades with five digits, has 2.5 million counts.
const (
	maxEncodedHistogram = 4 << 20  // in base64
	maxRawHistogram     = 32 << 20 // decompressed
)

// quantiles returns the points of a latency's curve: 1/(1-q), which is 100 at
// p99, and the time at the quantile q. It takes them from the histogram, or from
// the summary when there is none that can be read.
func (l *Latency) quantiles() plotter.XYs {
	if h, err := histogram(l.Histogram); err == nil && h.TotalCount() > 0 && h.Max() > 0 && l.Max > 0 {
		return curve(h, l.Max/float64(h.Max()))
	}
	if l.Count <= 0 {
		return nil
	}
	points := plotter.XYs{{X: 1, Y: l.Min}}
	for _, p := range []plotter.XY{{X: 2, Y: l.P50}, {X: 10, Y: l.P90}, {X: 100, Y: l.P99}, {X: 1000, Y: l.P999}} {
		if p.X <= float64(l.Count) {
			points = append(points, p)
		}
	}
	return append(points, plotter.XY{X: max(float64(l.Count), points[len(points)-1].X), Y: l.Max})
}

// curve walks from the fastest to the slowest, 20 points for each nine.
func curve(h *hdrhistogram.Histogram, scale float64) plotter.XYs {
	n := float64(h.TotalCount())
	points := plotter.XYs{{X: 1, Y: float64(h.Min()) * scale}}
	for i := 1; i < 400; i++ {
		x := math.Pow(10, float64(i)/20)
		if x >= n {
			break
		}
		points = append(points, plotter.XY{X: x, Y: float64(h.ValueAtQuantile(100*(1-1/x))) * scale})
	}
	return append(points, plotter.XY{X: n, Y: float64(h.Max()) * scale})
}

// histogram decodes what a file says is a histogram. The decoder trusts its
// input, so the sizes are looked at before and what it panics at is an error.
func histogram(encoded string) (h *hdrhistogram.Histogram, err error) {
	if encoded == "" || len(encoded) > maxEncodedHistogram {
		return nil, fmt.Errorf("a histogram of %d bytes", len(encoded))
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	if len(b) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	z, err := zlib.NewReader(bytes.NewReader(b[8:]))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxRawHistogram+1))
	if err != nil {
		return nil, err
	}
	const header = hdrhistogram.ENCODING_HEADER_SIZE
	if len(raw) < header || len(raw) > maxRawHistogram {
		return nil, fmt.Errorf("a histogram of %d bytes", len(raw))
	}
	digits := int32(binary.BigEndian.Uint32(raw[12:]))   //nolint:gosec // the format's field
	lowest := int64(binary.BigEndian.Uint64(raw[16:]))   //nolint:gosec // the format's field
	greatest := int64(binary.BigEndian.Uint64(raw[24:])) //nolint:gosec // the format's field
	if digits < 1 || digits > 5 || lowest < 1 || greatest < 2*lowest {
		return nil, errors.New("a histogram that tracks nothing")
	}
	defer func() {
		if p := recover(); p != nil {
			h, err = nil, fmt.Errorf("a damaged histogram: %v", p)
		}
	}()
	return hdrhistogram.Decode([]byte(encoded))
}
