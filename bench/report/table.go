package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table writes a Result for people to read, at most about 100 columns wide
// unless texts from elsewhere are longer, with the verdict in its last lines.
func Table(w io.Writer, r *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s against %s, %s s measured\n\n", printable(cmp.Or(r.Scenario, "load test")), printable(cmp.Or(r.Target, "an unknown server")), three(r.Seconds))
	for _, part := range []func(io.Writer, *Result) error{latencyTable, messageTable, facts, verdict} {
		if err := part(&b, r); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func latencyTable(w io.Writer, r *Result) error {
	if len(r.Latencies) == 0 {
		return nil
	}
	g := &grid{}
	g.add("latency", "count", "min", "mean", "p50", "p90", "p99", "p99.9", "max")
	for _, row := range r.latencyRows() {
		g.add(append([]string{row.Name}, row.Cells...)...)
	}
	g.add()
	return g.write(w)
}

// latencyRows returns the cells of the latencies' table after their names.
func (r *Result) latencyRows() []row {
	var rows []row
	for _, name := range r.LatencyNames() {
		l := r.Latencies[name]
		cells := []string{commas(l.Count)}
		for _, v := range []float64{l.Min, l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max} {
			if l.Count == 0 {
				cells = append(cells, absent)
				continue
			}
			cells = append(cells, micros(v))
		}
		rows = append(rows, row{printable(name), cells})
	}
	return rows
}

func messageTable(w io.Writer, r *Result) error {
	g := &grid{}
	g.add("messages", "total", "rate", "data", "data rate")
	for _, row := range r.messageRows() {
		g.add(append([]string{row.Name}, row.Cells...)...)
	}
	g.add()
	return g.write(w)
}

// messageRows returns the cells of the messages' table after their names.
func (r *Result) messageRows() []row {
	m := &r.Messages
	perSecond := func(bytes int64) string {
		if r.Seconds <= 0 {
			return absent
		}
		return size(float64(bytes)/r.Seconds) + "/s"
	}
	rows := []row{
		{"sent", []string{commas(m.Sent), whole(m.SentRate) + "/s", size(float64(m.BytesSent)), perSecond(m.BytesSent)}},
		{"received", []string{commas(m.Received), whole(m.ReceivedRate) + "/s", size(float64(m.BytesReceived)), perSecond(m.BytesReceived)}},
	}
	if m.Unsent > 0 {
		rows = append(rows, row{"not sent in time", []string{commas(m.Unsent), "", "", ""}})
	}
	return rows
}

// facts writes what is no table of numbers, a line for each thing.
func facts(w io.Writer, r *Result) error {
	g := &grid{lastLeft: true}
	for _, f := range r.facts() {
		for i, text := range f.Lines {
			name := f.Name
			if i > 0 {
				name = ""
			}
			g.add(name, text)
		}
	}
	g.add()
	return g.write(w)
}

// A fact is a name and what there is to say about it.
type fact struct {
	Name  string
	Lines []string
}

func (r *Result) facts() []fact {
	return []fact{
		{"connections", r.connectionLines()},
		{"checks", r.checkLines()},
		{"client", processLines(&r.Client, "")},
		{"server", processLines(r.Server, "its process was not sampled")},
	}
}

func (r *Result) connectionLines() []string {
	c := &r.Connections
	lines := []string{fmt.Sprintf("%s wanted, %s opened, %s failed, %s lost", commas(c.Wanted), commas(c.Opened), commas(c.Failed), commas(c.Lost))}
	type seen struct {
		text string
		n    int64
	}
	errs := make([]seen, 0, len(c.Errors))
	for text, n := range c.Errors {
		errs = append(errs, seen{text, n})
	}
	slices.SortFunc(errs, func(a, b seen) int {
		return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.text, b.text))
	})
	for _, e := range errs {
		lines = append(lines, commas(e.n)+" × "+printable(e.text))
	}
	return lines
}

func (r *Result) checkLines() []string {
	c := &r.Checks
	if c.total() == 0 {
		return []string{"nothing lost, duplicated, reordered, corrupted or misrouted"}
	}
	lines := []string{fmt.Sprintf("%s lost, %s duplicated, %s reordered, %s corrupted, %s misrouted",
		commas(c.Lost), commas(c.Duplicated), commas(c.Reordered), commas(c.Corrupted), commas(c.Misrouted))}
	for _, text := range c.First {
		lines = append(lines, printable(text))
	}
	return lines
}

// processLines describes a process, or says none when there is none.
func processLines(p *Process, none string) []string {
	if p == nil {
		return []string{none}
	}
	line := fmt.Sprintf("CPU %s s, %s", three(p.CPUSeconds), share(p.CPUShare))
	if p.CPUPerMessage > 0 {
		line += ", " + micros(p.CPUPerMessage) + " per message received"
	}
	memory := fmt.Sprintf("memory %s before, %s at most", size(float64(p.RSSBefore)), size(float64(p.RSSPeak)))
	if p.BytesPerConnection > 0 {
		memory += ", " + whole(p.BytesPerConnection) + " B per connection"
	}
	return []string{line, memory}
}

// verdict says how it ended: what failed, and whether the client was the limit.
func verdict(w io.Writer, r *Result) error {
	var b strings.Builder
	if r.ClientBound != "" {
		b.WriteString("the client was the bottleneck because " + printable(r.ClientBound) + ":\n  the figures are its limits, not the server's\n")
	}
	if r.Interrupted() {
		b.WriteString("interrupted: the figures are of what was measured until then\n")
	}
	switch len(r.Failures) {
	case 0:
		if !r.Interrupted() {
			b.WriteString("passed\n")
		}
	case 1:
		b.WriteString("FAILED because " + printable(r.Failures[0]) + "\n")
	default:
		b.WriteString("FAILED because\n")
		for _, f := range r.Failures {
			b.WriteString("  " + printable(f) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
