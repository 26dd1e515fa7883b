package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var pageCSS string

// pageForm is the page; html/template escapes what goes into it. Who writes no
// page does not pay for reading it.
var pageForm = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageTemplate))
})

// WriteHTML writes a page about one result, or about several beside each other,
// to a file. The page needs no network and no script, follows the reader's
// preference for light or dark, and can be printed.
func WriteHTML(path string, results ...*Result) error {
	b, err := HTML(results...)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// HTML returns the page that WriteHTML writes.
func HTML(results ...*Result) ([]byte, error) {
	if len(results) == 0 {
		return nil, errors.New("a page about no result")
	}
	p := &page{Title: "gannet bench: " + printable(cmp.Or(results[0].Scenario, "load test")), Several: len(results) > 1}
	if p.Several {
		p.Title = fmt.Sprintf("gannet bench: %d runs", len(results))
		var err error
		if p.Together, err = together(results); err != nil {
			return nil, err
		}
	}
	var drawn strings.Builder
	for _, f := range p.Together {
		drawn.WriteString(string(f.SVG))
	}
	for i, r := range results {
		run, err := r.page(i)
		if err != nil {
			return nil, err
		}
		for _, f := range run.Figures {
			drawn.WriteString(string(f.SVG))
		}
		if !p.Several {
			run.Label = "Result" // the scenario is in the title
		}
		p.Runs = append(p.Runs, run)
	}
	p.CSS = template.CSS(pageCSS + darkCSS(drawn.String())) //nolint:gosec // none of it comes from outside
	var b bytes.Buffer
	if err := pageForm().Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A page is what the template shows.
type page struct {
	Title    string
	CSS      template.CSS
	Several  bool
	Together []*figure
	Runs     []*runPage
}

// A runPage is what the template shows of one result. Its texts are printable.
type runPage struct {
	ID, Label, Sub    string
	Verdict           pageVerdict
	Tiles             []named
	Rate, CPU, Memory string
	Main              mainLatency
	Latencies         []row
	Messages          []row
	Figures           []*figure
	Bands             bool
	Facts             []fact
	Settings          []named
}

type pageVerdict struct {
	Class, Word string
	Why         []string
	Bound       string
}

type named struct{ Name, Value string }

type mainLatency struct{ Name, P50, P99 string }

type row struct {
	Name  string
	Cells []string
}

func (r *Result) page(i int) (*runPage, error) {
	figures, err := r.figures()
	if err != nil {
		return nil, err
	}
	p := &runPage{
		ID: fmt.Sprintf("run-%d", i+1), Label: r.label(i), Verdict: r.pageVerdict(), Main: r.main(),
		Latencies: r.latencyRows(), Messages: r.messageRows(), Figures: figures, Bands: len(unmeasured(r.Series)) > 0,
		Facts: r.facts(), Settings: r.settings(), Rate: whole(r.Messages.ReceivedRate) + "/s", CPU: absent, Memory: absent,
	}
	p.Sub = printable(cmp.Or(r.Target, "an unknown server")) + ", " + three(r.Seconds) + " s measured"
	if !r.Started.IsZero() {
		p.Sub += ", " + r.Started.UTC().Format("2 January 2006 15:04:05 UTC")
	}
	if s := r.Server; s != nil {
		if s.CPUPerMessage > 0 {
			p.CPU = micros(s.CPUPerMessage)
		}
		if s.BytesPerConnection > 0 {
			p.Memory = whole(s.BytesPerConnection) + " B"
		}
	}
	p.Tiles = []named{
		{"received", p.Rate},
		{p.Main.Name + " p50", p.Main.P50},
		{p.Main.Name + " p99", p.Main.P99},
		{"CPU per message", p.CPU},
		{"memory per connection", p.Memory},
		{"connections", commas(r.Connections.Opened)},
		{"errors", commas(r.Wrong())},
	}
	p.Tiles = slices.DeleteFunc(p.Tiles, func(t named) bool { return t.Value == absent })
	return p, nil
}

func (r *Result) pageVerdict() pageVerdict {
	v := pageVerdict{Class: "passed", Word: "passed", Bound: strings.TrimRight(printable(r.ClientBound), ".")}
	if r.Interrupted() {
		v.Class, v.Word = "failed", "interrupted"
	}
	if len(r.Failures) > 0 {
		v.Class, v.Word = "failed", "FAILED"
		for _, f := range r.Failures {
			v.Why = append(v.Why, printable(f))
		}
	}
	return v
}

// main returns the latency that says most about the server.
func (r *Result) main() mainLatency {
	for _, name := range append([]string{"echo", "broadcast", "ack"}, r.LatencyNames()...) {
		if l, ok := r.Latencies[name]; ok && l.Count > 0 {
			return mainLatency{printable(name), micros(l.P50), micros(l.P99)}
		}
	}
	return mainLatency{absent, absent, absent}
}

// settings lists what the run was told, and where it was.
func (r *Result) settings() []named {
	var all []named
	for _, name := range settingNames(r) {
		all = append(all, named{printable(name), printable(cmp.Or(r.Settings[name], absent))})
	}
	all = append(all, named{"machine", printable(r.Machine.String())}, named{"measured by", printable(cmp.Or(r.Tool, absent))})
	if !r.Started.IsZero() {
		all = append(all, named{"started", r.Started.UTC().Format(time.RFC3339)})
	}
	return all
}
