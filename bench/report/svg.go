package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"slices"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A shade is a colour on light and on dark ground. Drawings have the light one
// in them, and darkCSS replaces it where the reader prefers dark: what does not
// know that style sheet shows the light one. The light ones differ from each
// other and are not black, which the SVG would leave out as the default.
type shade struct {
	light, dark color.NRGBA
}

// The shades that drawings use.
var (
	ground = shade{rgb(0xFFFFFF), rgb(0x0F1720)}
	ink    = shade{rgb(0x1B2733), rgb(0xE4EAF0)}
	faded  = shade{rgb(0x566473), rgb(0xA3B1BF)} // second to ink
	rule   = shade{rgb(0xDDE3E9), rgb(0x2B3845)} // grid
	band   = shade{rgb(0xF1F4F7), rgb(0x18222D)} // what was not measured
	others = shade{rgb(0x9AA8B6), rgb(0x5F7082)} // bars beside ours

	// Told apart by those who see few colours, too; lines also differ in dashes.
	series = []shade{
		{rgb(0x0B63C5), rgb(0x6DB3FF)},
		{rgb(0xC2410B), rgb(0xFF9E64)},
		{rgb(0x0C7A6E), rgb(0x4FD6C0)},
		{rgb(0x7D23CF), rgb(0xCBA2FF)},
		{rgb(0xA3175A), rgb(0xFF8FC0)},
		{rgb(0x6B5B00), rgb(0xE3CC4B)},
	}
	dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}, {4, 2}, {1, 3}}
)

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xFF} //nolint:gosec // three bytes of v
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// darkCSS is the style sheet that turns the drawings in a document dark. It
// does not when they are printed.
func darkCSS(document string) string {
	var b strings.Builder
	b.WriteString("@media screen and (prefers-color-scheme:dark){\n")
	for _, s := range slices.Concat([]shade{ground, ink, faded, rule, band, others}, series) {
		for _, property := range []string{"fill", "stroke"} {
			style := property + ":" + hex(s.light)
			if strings.Contains(document, style) {
				fmt.Fprintf(&b, "svg [style*=\"%s\"]{%s:%s!important}\n", style, property, hex(s.dark))
			}
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// sans returns a text style in the one typeface of all drawings.
func sans(points float64, s shade) text.Style {
	return text.Style{
		Color:   s.light,
		Font:    font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Points(points)),
		Handler: plot.DefaultTextHandler,
	}
}

func bold(points float64, s shade) text.Style {
	t := sans(points, s)
	t.Font.Weight = xfont.WeightBold
	return t
}

// A drawing is a picture of a size in points (CSS pixels) that draw fills.
type drawing struct {
	width, height vg.Length
	title         string // what it shows, for who does not see it
	standalone    bool   // a file of its own, with its style sheet
	draw          func(draw.Canvas)
}

// A canvas keeps the widths of the texts on it, in their order.
type canvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString implements vg.Canvas.
func (c *canvas) FillString(f font.Face, at vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, at, text)
}

// measured gives each <text> element the width that it was laid out for, so
// that another font than ours, which may be wider, leaves the layout as it is.
func (c *canvas) measured(body string) string {
	const start = "<text "
	parts := strings.Split(body, start) // none is within a text, where < is escaped
	for i, w := range c.widths[:min(len(c.widths), len(parts)-1)] {
		if w > 0 {
			parts[i+1] = fmt.Sprintf(`textLength="%.5g" lengthAdjust="spacingAndGlyphs" %s`, w.Points(), parts[i+1])
		}
	}
	return strings.Join(parts, start)
}

// fonts replaces the one family that gonum names by it and what is metrically
// the same on systems that do not have it.
var fonts = strings.NewReplacer("font-family:Liberation Sans;font-variant:normal;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")

// svg returns the drawing as an <svg> element. The text is the same for the
// same drawing.
func (d *drawing) svg() ([]byte, error) {
	c := &canvas{Canvas: vgsvg.NewWith(vgsvg.UseWH(d.width, d.height), vgsvg.EmbedFonts(false))}
	d.draw(draw.New(c))
	var raw bytes.Buffer
	if _, err := c.WriteTo(&raw); err != nil {
		return nil, err
	}
	// The root element is ours: theirs has sizes in points and no title.
	_, body, found := strings.Cut(raw.String(), "<svg ")
	_, body, closed := strings.Cut(body, ">\n")
	if !found || !closed {
		return nil, fmt.Errorf("unexpected form of an SVG: %.60q", raw.String())
	}
	title := html.EscapeString(printable(d.title))
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="%s">`+"\n",
		d.width.Points(), d.height.Points(), d.width.Points(), d.height.Points(), title)
	if d.standalone {
		fmt.Fprintf(&b, "<title>%s</title>\n<style>\n%s</style>\n", title, darkCSS(body))
	}
	b.WriteString(fonts.Replace(c.measured(body)))
	return b.Bytes(), nil
}

// rectangle returns the path of a rectangle.
func rectangle(x0, y0, x1, y1 vg.Length) vg.Path {
	return vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}.Path()
}
