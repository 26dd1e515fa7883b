package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gannet-io/gannet/bench/report"
)

// plotted are the scenarios that have a plot, in the order of the Markdown
// file.
var plotted = []string{
	"broadcast5k", "broadcast5k-20", "rooms", "echo", "echo1000-1k", "echo-16", "polling", "handshake", "churn", "idle",
}

// plottedVariants are those of them that compare variants.
var plottedVariants = []string{"deflate", "tls-echo", "tls-broadcast", "tls-idle-used", "msgpack-echo", "recovery-1000"}

// plotFolder is where plots are, seen from the root of the repository.
const plotFolder = "bench/results"

// writePlots writes an SVG file for each plotted scenario that has runs.
func writePlots(folder string, r *results) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Concat(plotted, plottedVariants) {
		sc := r.scenario(name)
		if sc == nil || !r.has(name) {
			continue
		}
		unit := "µs of CPU for each, all threads of the server; less is better"
		if sc.Unit != costUnit {
			unit = sc.Unit + "; less is better"
		}
		if err := report.Bars(filepath.Join(folder, name+".svg"), sc.Title, unit, r.bars(sc)); err != nil {
			return err
		}
	}
	return nil
}

func (r *results) bars(sc *scenarioResult) []report.Bar {
	var bars []report.Bar
	for _, server := range r.Servers {
		s, ok := r.summary(sc.Name, server.Name)
		if !ok {
			continue
		}
		text := figure(s.cost)
		if ratio, ok := r.ratio(sc.Name, server.Name, floor); ok && server.Name != floor && sc.Unit == costUnit {
			text += fmt.Sprintf(" (%s × floor)", figure(ratio))
		}
		bars = append(bars, report.Bar{
			// Memory may shrink; a bar cannot.
			Label: server.Name, Value: max(s.cost, 0), Low: max(s.low, 0), High: max(s.high, 0), Text: text + bound(&s),
			Ours: strings.HasPrefix(server.Name, gannet),
		})
	}
	return bars
}

// embedPlots shows plots in Markdown.
func embedPlots(names []string) func(io.Writer, *results) {
	return func(w io.Writer, r *results) {
		for _, name := range names {
			if sc := r.scenario(name); sc != nil && r.has(name) {
				put(w, "![%s](%s)\n\n", sc.Title, path.Join(plotFolder, name+".svg"))
			}
		}
	}
}
