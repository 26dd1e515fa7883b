package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// tables are what Markdown files can have between marks, by name.
var tables = map[string]func(io.Writer, *results){
	"machine":     writeMachine,
	"servers":     only((*results).plain, writeServers),
	"ratios":      only((*results).plain, writeRatios),
	"goals":       only((*results).plain, writeGoals),
	"broadcast":   only((*results).plain, detail(kindBroadcast)),
	"rooms":       detail(kindRooms),
	"echo":        only((*results).plain, detail(kindEcho)),
	"polling":     detail(kindPolling),
	"connections": only((*results).plain, detail(kindHandshake, kindChurn)),
	"idle":        only((*results).plain, detail(kindIdle, kindObjects)),
	"not run":     only((*results).plain, writeNotRun),
	"million":     embedFile(millionTable),
	"plots":       embedPlots(plotted),

	"variants":          writeVariants,
	"variants, machine": writeMachine,
	"variants, servers": writeServers,
	"variants, goals":   only((*results).varied, writeGoals),
	"variants, plots":   embedPlots(plottedVariants),
	"variants, not run": only((*results).varied, writeNotRun),
}

// millionTable is what `make million` writes.
const millionTable = "bench/results/million.md"

// embedFile returns a table that another program has written.
func embedFile(path string) func(io.Writer, *results) {
	return func(w io.Writer, _ *results) {
		text, err := os.ReadFile(path)
		if err != nil {
			put(w, "Not measured: %s is not there.\n", path)
			return
		}
		put(w, "%s", text)
	}
}

// put writes to w; who cares whether that works keeps the error of w.
func put(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func writeMachine(w io.Writer, r *results) {
	m := &r.Machine
	put(w, "%s, %d cores, %g GB, %s %s, %s; commit %s, %s.\n", m.CPU, m.Cores, m.MemoryGB, m.Kernel, m.Arch, m.Go,
		r.Commit, r.Started.Format("2006-01-02"))
	if !m.Pinned {
		put(w, "Server and client were not pinned to cores.\n")
	}
	put(w, "\n```\n%s\n```\n", r.Command)
}

func writeServers(w io.Writer, r *results) {
	put(w, "| name | server | version |\n|---|---|---|\n")
	for _, s := range r.Servers {
		title := s.Title
		if s.Plain {
			title += " (bare WebSocket)"
		}
		put(w, "| %s | %s | %s |\n", s.Name, title, s.Version)
	}
}

// writeRatios has one row for each scenario and one column for each server:
// times the floor, or the figure itself where that means more.
func writeRatios(w io.Writer, r *results) {
	put(w, "| scenario |")
	for _, s := range r.Servers {
		put(w, " %s |", s.Name)
	}
	put(w, "\n|---|%s\n", strings.Repeat("---|", len(r.Servers)))
	for i := range r.Scenarios {
		sc := &r.Scenarios[i]
		if !r.has(sc.Name) {
			continue
		}
		put(w, "| %s |", sc.Title)
		for _, s := range r.Servers {
			put(w, " %s |", r.cell(sc, s.Name))
		}
		put(w, "\n")
	}
}

func (r *results) has(scenario string) bool {
	return slices.ContainsFunc(r.Runs, func(x runResult) bool { return x.Scenario == scenario })
}

// cell is the floor's cost, any other server's ratio to it, or the cost where
// there is no ratio or memory is counted.
func (r *results) cell(sc *scenarioResult, server string) string {
	s, ok := r.summary(sc.Name, server)
	if !ok {
		return "–"
	}
	mark := bound(&s)
	ratio, ok := r.ratio(sc.Name, server, floor)
	if !ok || server == floor || sc.Unit != costUnit {
		return figure(s.cost) + " " + shortUnit(sc.Unit) + mark
	}
	return figure(ratio) + mark
}

func shortUnit(unit string) string {
	if unit == costUnit {
		return "µs"
	}
	return unit
}

// bound marks figures of a busy client.
func bound(s *summary) string {
	if s.client >= clientBound {
		return " †"
	}
	return ""
}

// writeGoals says which goals are met.
func writeGoals(w io.Writer, r *results) {
	put(w, "| scenario | server | measured | goal | |\n|---|---|---|---|---|\n")
	for i := range r.Scenarios {
		sc := findScenario(r.Scenarios[i].Name)
		if sc == nil {
			continue
		}
		for _, g := range sc.goals {
			v, ok := r.against(&g, sc.name)
			if !ok {
				continue
			}
			verdict := "met"
			if math.Round(v*1000)/1000 > g.atMost { // as it is shown
				verdict = "**missed**"
			}
			what := fmt.Sprintf("%.3f × %s", v, g.against)
			if g.against == "" {
				what = figure(v) + " " + shortUnit(r.Scenarios[i].Unit)
			}
			put(w, "| %s | %s | %s | at most %s | %s |\n", r.Scenarios[i].Title, g.server, what, figure(g.atMost), verdict)
		}
	}
}

func (r *results) against(g *goal, scenario string) (float64, bool) {
	if g.against == "" {
		s, ok := r.summary(scenario, g.server)
		return s.cost, ok
	}
	return r.ratio(scenario, g.server, g.against)
}

// detail has every figure of the scenarios of some kinds.
func detail(kinds ...kind) func(io.Writer, *results) {
	return func(w io.Writer, r *results) {
		put(w, "| scenario | server | cost of one | range | × floor | × gannet | per second | p50 | p99 |\n|---|---|---|---|---|---|---|---|---|\n")
		for i := range r.Scenarios {
			sc := &r.Scenarios[i]
			known := findScenario(sc.Name)
			if known == nil || !slices.Contains(kinds, known.kind) {
				continue
			}
			title := sc.Title
			for _, server := range r.Servers {
				if s, ok := r.summary(sc.Name, server.Name); ok {
					r.detailRow(w, sc, title, server.Name, &s)
					title = ""
				}
			}
		}
	}
}

func (r *results) detailRow(w io.Writer, sc *scenarioResult, title, server string, s *summary) {
	put(w, "| %s | %s | %s %s%s | %s to %s | %s | %s | %s | %s | %s |\n", title, server,
		figure(s.cost), sc.Unit, bound(s), figure(s.low), figure(s.high),
		r.ratioText(sc.Name, server, floor), r.ratioText(sc.Name, server, gannet),
		orNone(s.rate, ""), orNone(s.p50, " µs"), orNone(s.p99, " µs"))
}

func (r *results) ratioText(scenario, server, against string) string {
	v, ok := r.ratio(scenario, server, against)
	if !ok {
		return "–"
	}
	return figure(v)
}

func orNone(v float64, unit string) string {
	if v == 0 {
		return "–"
	}
	return figure(v) + unit
}

// writeNotRun lists what has no figures.
func writeNotRun(w io.Writer, r *results) {
	if len(r.NotRun) == 0 {
		put(w, "Everything was run.\n")
		return
	}
	put(w, "| server | scenario | why not |\n|---|---|---|\n")
	for _, n := range r.NotRun {
		scenario := n.Scenario
		if scenario == "" {
			scenario = "all"
		} else if s := r.scenario(scenario); s != nil {
			scenario = s.Title
		}
		reason, _, _ := strings.Cut(n.Reason, "\n")
		put(w, "| %s | %s | %s |\n", n.Server, scenario, strings.ReplaceAll(reason, "|", `\|`))
	}
}
