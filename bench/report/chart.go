package report

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The measures of a chart, in points.
const (
	chartWidth  = 560
	chartHeight = 250
	legendRow   = 18
)

// A chart is a plot of lines.
type chart struct {
	title string // for who does not see it
	lines []line
	x, y  scale
	// bands are ranges of x that are not what was measured.
	bands [][2]float64
}

// A line is a series of points under one name. It is interrupted where there
// is nothing.
type line struct {
	name   string
	pieces []plotter.XYs
}

// A scale is how an axis shows values.
type scale struct {
	log   bool
	label func(float64) string
	// ticks are the values that get a label. Nil means round ones.
	ticks []float64
	// steps are the distances between round ones. Nil, or none of them great
	// enough, means 1, 2 and 5 times powers of ten.
	steps []float64
}

// most and least bound what is drawn. Beyond them is nothing that a load test
// measures.
const (
	most  = 1e15
	least = 1e-3 // on a logarithmic scale
)

// drawing returns the chart as a picture, or nil when it has no point.
func (c *chart) drawing() *drawing {
	lines := make([]line, 0, len(c.lines))
	box := newBounds()
	for _, l := range c.lines {
		var pieces []plotter.XYs
		for _, piece := range l.pieces {
			if piece = c.valid(piece); len(piece) > 0 {
				pieces = append(pieces, piece)
				box.add(piece)
			}
		}
		if len(pieces) > 0 {
			lines = append(lines, line{printable(l.name), pieces})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return &drawing{width: chartWidth, height: chartHeight, title: c.title, draw: func(to draw.Canvas) {
		rows := legend(to, lines)
		to.Max.Y -= vg.Length(rows*legendRow + 4)
		c.plot(lines, box).Draw(draw.Crop(to, 2, -8, 2, -4))
	}}
}

// valid returns the points that can be drawn.
func (c *chart) valid(points plotter.XYs) plotter.XYs {
	var ok plotter.XYs
	for _, p := range points {
		if c.x.shows(p.X) && c.y.shows(p.Y) {
			ok = append(ok, p)
		}
	}
	return ok
}

// shows says whether a value has a place on the axis.
func (s *scale) shows(v float64) bool {
	if s.log {
		return v >= least && v <= most
	}
	return math.Abs(v) <= most
}

// bounds are the least and the greatest values of points.
type bounds struct{ x0, x1, y0, y1 float64 }

func newBounds() *bounds { return &bounds{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)} }

func (b *bounds) add(points plotter.XYs) {
	for _, p := range points {
		b.x0, b.x1, b.y0, b.y1 = min(b.x0, p.X), max(b.x1, p.X), min(b.y0, p.Y), max(b.y1, p.Y)
	}
}

// plot returns the chart without its legend.
func (c *chart) plot(lines []line, box *bounds) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	c.x.axis(&p.X, box.x0, box.x1, false)
	c.y.axis(&p.Y, box.y0, box.y1, true)
	for _, b := range c.bands {
		p.Add(&rectangleOf{x0: max(b[0], p.X.Min), x1: min(b[1], p.X.Max), fill: band.light})
	}
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal = draw.LineStyle{Color: rule.light, Width: 0.75}
	p.Add(grid)
	for i, l := range lines {
		for _, piece := range l.pieces {
			p.Add(&plotter.Line{XYs: piece, LineStyle: lineStyle(i)})
			if len(piece) <= 8 { // too few for a curve: show where they are
				p.Add(&plotter.Scatter{XYs: piece, GlyphStyle: draw.GlyphStyle{Color: series[i%len(series)].light, Radius: 2.5, Shape: draw.CircleGlyph{}}})
			}
		}
	}
	return p
}

func lineStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: series[i%len(series)].light, Width: 1.75, Dashes: dashes[i%len(dashes)]}
}

// axis sets up an axis for the values from lo to hi. A linear one starts at
// zero; an upright one ends at a round value.
func (s *scale) axis(a *plot.Axis, lo, hi float64, upright bool) {
	style := sans(10, faded)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	if upright {
		style.XAlign, style.YAlign = draw.XRight, draw.YCenter
		a.LineStyle.Width, a.Tick.LineStyle.Width = 0, 0 // the grid is enough
	}
	a.Tick.Label, a.LineStyle.Color, a.Tick.LineStyle.Color, a.Padding = style, faded.light, faded.light, 0
	a.Tick.Length = 4
	ticks := s.ticks
	switch {
	case s.log:
		a.Scale = plot.LogScale{}
		if upright {
			lo, hi = below(lo), round125(hi)
		}
		if hi <= lo {
			hi = lo * 10
		}
		if ticks == nil {
			ticks = decades(lo, hi)
		}
	default:
		lo = min(lo, 0)
		if hi <= lo {
			hi = lo + 1
		}
		step := s.step((hi - lo) / 5)
		if upright {
			hi = step * math.Ceil(hi/step-1e-9)
		}
		if ticks == nil {
			for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9; i++ {
				ticks = append(ticks, i*step+0) // not -0
			}
		}
	}
	a.Min, a.Max = lo, hi
	marks := make(plot.ConstantTicks, 0, len(ticks))
	for _, v := range ticks {
		marks = append(marks, plot.Tick{Value: v, Label: s.label(v)})
	}
	a.Tick.Marker = marks
}

// step returns a round distance of at least v.
func (s *scale) step(v float64) float64 {
	for _, step := range s.steps {
		if step >= v {
			return step
		}
	}
	return round125(v)
}

// round125 returns the first of 1, 2, 5, 10, … (times a power of ten) that is
// not below v.
func round125(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if p*m >= v*(1-1e-9) {
			return p * m
		}
	}
	return p * 10
}

// below returns the last of 1, 2, 5, 10, … (times a power of ten) that is not
// above v.
func below(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{5, 2} {
		if p*m <= v*(1+1e-9) {
			return p * m
		}
	}
	return p
}

// decades returns the ticks of a logarithmic axis: powers of ten, and 2 and 5
// times them when there are few.
func decades(lo, hi float64) []float64 {
	factors := []float64{1}
	if hi/lo <= 3_000 {
		factors = []float64{1, 2, 5}
	}
	var ticks []float64
	for e := math.Floor(math.Log10(lo)); e <= math.Log10(hi)+1e-9; e++ {
		for _, f := range factors {
			if v := f * math.Pow(10, e); v >= lo*(1-1e-9) && v <= hi*(1+1e-9) {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// legend draws the names of the lines above the plot and returns how many rows
// they took.
func legend(c draw.Canvas, lines []line) int {
	const sample, gap = 22, 18
	style := sans(11, ink)
	style.YAlign = draw.YCenter
	x, row := c.Min.X+2, 0
	for i, l := range lines {
		name := clip(style, l.name, c.Max.X-c.Min.X-sample-gap)
		width := sample + 5 + style.Width(name)
		if x > c.Min.X+2 && x+width > c.Max.X {
			x = c.Min.X + 2
			row++
		}
		y := c.Max.Y - legendRow*(vg.Length(row)+0.5)
		c.StrokeLine2(lineStyle(i), x, y, x+sample, y)
		c.FillText(style, vg.Point{X: x + sample + 5, Y: y}, name)
		x += width + gap
	}
	return row + 1
}

// clip shortens a text to a width.
func clip(style text.Style, s string, width vg.Length) string {
	runes := []rune(s)
	for n := len(runes); n > 0; n-- {
		if n < len(runes) {
			s = string(runes[:n]) + "…"
		}
		if style.Width(s) <= width {
			return s
		}
	}
	return ""
}

// rectangleOf fills a range of x over the whole height.
type rectangleOf struct {
	x0, x1 float64
	fill   color.Color
}

// Plot implements plot.Plotter.
func (r *rectangleOf) Plot(c draw.Canvas, p *plot.Plot) {
	if r.x1 <= r.x0 {
		return
	}
	x, _ := p.Transforms(&c)
	c.SetColor(r.fill)
	c.Fill(rectangle(x(r.x0), c.Min.Y, x(r.x1), c.Max.Y))
}

// percentileTicks are the ticks of 1/(1-q) for as many nines as there were.
func percentileTicks(hi float64) []float64 {
	ticks := []float64{1, 2}
	for v := 10.0; v <= hi*(1+1e-9); v *= 10 {
		ticks = append(ticks, v)
	}
	return ticks
}

// percentile writes 1/(1-q) as a percentile.
func percentile(x float64) string {
	switch {
	case x < 1.5:
		return "min"
	case x < 3:
		return "p50"
	}
	digits := max(int(math.Round(math.Log10(x)))-2, 0)
	return fmt.Sprintf("p%.*f", digits, 100*(1-1/x))
}

// The distances between ticks of whole numbers and of times in seconds.
var (
	wholeSteps = []float64{1, 2, 5}
	timeSteps  = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600, 24 * 3600}
)

// seconds writes a time since the start of a run.
func seconds(s float64) string {
	if s < 120 {
		return strconv.FormatFloat(s, 'g', 4, 64) + " s"
	}
	return clock(time.Duration(s * float64(time.Second)))
}

// short writes a figure without the zeros at the end of its fraction.
func short(write func(float64) string) func(float64) string {
	return func(v float64) string {
		number, unit, _ := strings.Cut(write(v), " ")
		if strings.Contains(number, ".") {
			number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
		}
		return number + " " + unit
	}
}
