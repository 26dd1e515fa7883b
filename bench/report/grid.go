package report

import (
	"io"
	"strings"
	"unicode/utf8"
)

// A grid is a table of text. Its first column is left-aligned, and so is its
// last one when lastLeft is set; the others are right-aligned.
type grid struct {
	rows     [][]string
	lastLeft bool
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// write writes the rows with two spaces between columns.
func (g *grid) write(w io.Writer) error {
	var widths []int
	for _, row := range g.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range g.rows {
		var text strings.Builder
		for i, cell := range row {
			if i > 0 {
				text.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 || g.lastLeft && i == len(widths)-1 {
				text.WriteString(cell + pad)
			} else {
				text.WriteString(pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
