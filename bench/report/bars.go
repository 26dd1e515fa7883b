package report

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Bar is a row of a bar chart.
type Bar struct {
	Label string
	Value float64
	// Low and High are the range of the runs that Value is the median of; a
	// thin line shows it. Both zero means that there is none.
	Low, High float64
	// Text stands beside the bar. Empty means the value with three digits.
	Text string
	// Ours has the bar in the colour that stands out.
	Ours bool
}

// The measures of a bar chart, in points.
const (
	barsWidth  = 720
	barsMargin = 16
	barsHead   = 62 // title and unit
	barsRow    = 30
	barsGap    = 10 // between a label, its bar and its text
)

// Bars writes an SVG file with a horizontal bar for each row, in their order,
// from zero to the greatest value. The title says what was measured, and unit
// what the figures count ("µs of CPU for each message, less is better"). The
// file has the colours for light and dark, and the same arguments give the same
// bytes. Values must be finite and not negative.
func Bars(path, title, unit string, rows []Bar) error {
	svg, err := bars(title, unit, rows)
	if err != nil {
		return fmt.Errorf("report: %s: %w", path, err)
	}
	if err := os.WriteFile(path, svg, 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func bars(title, unit string, rows []Bar) ([]byte, error) {
	if len(rows) == 0 {
		return nil, errors.New("a bar chart without bars")
	}
	clean := make([]Bar, len(rows))
	for i, r := range rows {
		for _, v := range []float64{r.Value, r.Low, r.High} {
			if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("bar %q: %v is not a length", r.Label, v)
			}
		}
		r.Label, r.Text = printable(r.Label), printable(r.Text)
		if r.Text == "" {
			r.Text = three(r.Value)
		}
		clean[i] = r
	}
	title, unit = printable(title), printable(unit)
	texts := make([]string, len(clean))
	for i, r := range clean {
		texts[i] = r.Label + " " + r.Text
	}
	described := title + " (" + unit + "): " + strings.Join(texts, ", ")
	d := &drawing{
		width: barsWidth, height: vg.Length(barsHead + barsRow*len(rows) + barsMargin), title: described, standalone: true,
		draw: func(c draw.Canvas) { drawBars(c, title, unit, clean) },
	}
	return d.svg()
}

func drawBars(c draw.Canvas, title, unit string, rows []Bar) {
	c.SetColor(ground.light)
	c.Fill(rectangle(c.Min.X, c.Min.Y, c.Max.X, c.Max.Y))
	head, small, label, value := bold(15, ink), sans(12, faded), sans(13, ink), sans(13, ink)
	head.YAlign, small.YAlign = draw.YTop, draw.YTop
	c.FillText(head, vg.Point{X: barsMargin, Y: c.Max.Y - 12}, title)
	c.FillText(small, vg.Point{X: barsMargin, Y: c.Max.Y - 33}, unit)

	label.XAlign, label.YAlign, value.YAlign = draw.XRight, draw.YCenter, draw.YCenter
	var labels, values vg.Length
	longestBar := 0.0
	for _, r := range rows {
		labels = max(labels, label.Width(r.Label))
		values = max(values, value.Width(r.Text))
		longestBar = max(longestBar, r.Value, r.High)
	}
	left := barsMargin + labels + barsGap
	// However long the texts are, the bars keep some room.
	room := max(barsWidth-barsMargin-left-barsGap-values, 60)
	x := func(v float64) vg.Length {
		if longestBar == 0 {
			return left
		}
		return left + room*vg.Length(v/longestBar)
	}
	for i, r := range rows {
		middle := c.Max.Y - barsHead - barsRow*(vg.Length(i)+0.5)
		c.FillText(label, vg.Point{X: left - barsGap, Y: middle}, r.Label)
		fill := others
		if r.Ours {
			fill = series[0]
		}
		c.SetColor(fill.light)
		c.Fill(rectangle(left, middle-9, max(x(r.Value), left+1), middle+9))
		end := x(r.Value)
		if r.High > 0 {
			end = max(end, x(r.High))
			whisker := draw.LineStyle{Color: ink.light, Width: 1.25}
			c.StrokeLine2(whisker, x(r.Low), middle, x(r.High), middle)
			c.StrokeLine2(whisker, x(r.Low), middle-4, x(r.Low), middle+4)
			c.StrokeLine2(whisker, x(r.High), middle-4, x(r.High), middle+4)
		}
		c.FillText(value, vg.Point{X: end + barsGap, Y: middle}, r.Text)
	}
	c.StrokeLine2(draw.LineStyle{Color: faded.light, Width: 1}, left, c.Max.Y-barsHead, left, c.Max.Y-barsHead-barsRow*vg.Length(len(rows)))
}
